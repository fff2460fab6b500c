//! The highest and the lowest of the last values.

use crate::error::{Error, Result};
use crate::indicators::state::{StateReader, StateWriter, Tag};
use crate::indicators::{require_period, require_same_length};

/// The highest of the last `period` values.
pub type RollingMax = RollingExtreme<true>;
/// The lowest of the last `period` values.
pub type RollingMin = RollingExtreme<false>;

/// The highest (or lowest) of the last `period` values; undefined before `period` values.
///
/// Exact: the result is one of the values. The series is cut into blocks of `period`: a window is
/// the end of the finished block and the start of the growing one, and each has a running extreme
/// (M. van Herk, Pattern Recognition Letters 13, 1992; J. Gil and M. Werman, IEEE PAMI 15, 1993).
/// That is under three comparisons a value with no branch that depends on the data.
#[derive(Clone, Debug)]
pub struct RollingExtreme<const HIGHEST: bool> {
    /// Before `position`: the growing block's values. From it on: the extreme of the finished
    /// block after that place.
    places: Box<[f64]>,
    position: usize,
    /// The extreme of the growing block.
    head: f64,
    latest: f64,
    ready: bool,
}

impl<const HIGHEST: bool> RollingExtreme<HIGHEST> {
    const TAG: Tag = if HIGHEST { *b"rollmax " } else { *b"rollmin " };
    const NAME: &'static str = if HIGHEST {
        "rolling maximum"
    } else {
        "rolling minimum"
    };
    /// Loses against every value.
    const NEUTRAL: f64 = if HIGHEST {
        f64::NEG_INFINITY
    } else {
        f64::INFINITY
    };

    /// Extremes over `period` values.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize) -> Result<Self> {
        require_period(Self::NAME, period, 1)?;
        Ok(Self {
            places: vec![Self::NEUTRAL; period].into_boxed_slice(),
            position: 0,
            head: Self::NEUTRAL,
            latest: Self::NEUTRAL,
            ready: false,
        })
    }

    #[inline]
    fn outer(a: f64, b: f64) -> f64 {
        if HIGHEST == (b > a) { b } else { a }
    }

    /// Takes the next value and gives the extreme that includes it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<f64> {
        self.head = Self::outer(self.head, x);
        let place = &mut self.places[self.position];
        self.latest = Self::outer(self.head, *place);
        *place = x;
        self.position += 1;
        if self.position == self.places.len() {
            self.finish_block();
        }
        self.value()
    }

    /// Turns the finished block's values into the extremes of what comes after each place.
    fn finish_block(&mut self) {
        let mut after = Self::NEUTRAL;
        for place in self.places.iter_mut().rev() {
            let value = std::mem::replace(place, after);
            after = Self::outer(after, value);
        }
        self.position = 0;
        self.head = Self::NEUTRAL;
        self.ready = true;
    }

    /// The latest extreme; `None` before `period` values.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.ready.then_some(self.latest)
    }

    /// The number of values looked at.
    pub fn period(&self) -> usize {
        self.places.len()
    }

    /// Everything `restore` needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(Self::TAG, 1);
        writer.usize(self.period());
        writer.usize(self.position);
        writer.bool(self.ready);
        writer.f64(self.head);
        writer.f64(self.latest);
        writer.f64s(&self.places);
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to another indicator, period or layout, or are damaged; nothing is
    /// changed then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut reader = StateReader::new(words);
        reader.header(Self::TAG, 1)?;
        reader.parameter("period", self.period())?;
        let position = reader.usize()?;
        let ready = reader.bool()?;
        let head = reader.f64()?;
        let latest = reader.f64()?;
        let places = reader.f64s()?;
        reader.finish()?;
        if places.len() != self.period() || position >= self.period() {
            return Err(
                Error::signal(format!("the saved {} contradicts itself", Self::NAME))
                    .context("period", self.period())
                    .context("places", places.len())
                    .context("position", position)
                    .hint("the state is damaged; start fresh and warm up again"),
            );
        }
        *self = Self {
            places: places.into_boxed_slice(),
            position,
            head,
            latest,
            ready,
        };
        Ok(())
    }
}

/// [`RollingMax`] of each of `values` into `out`, NaN before `period` values; the same bits.
///
/// # Errors
/// When `period` is 0 or `out` has another length.
pub fn rolling_max(values: &[f64], period: usize, out: &mut [f64]) -> Result<()> {
    extremes(RollingMax::new(period)?, values, out)
}

/// [`RollingMin`] of each of `values` into `out`, NaN before `period` values; the same bits.
///
/// # Errors
/// When `period` is 0 or `out` has another length.
pub fn rolling_min(values: &[f64], period: usize, out: &mut [f64]) -> Result<()> {
    extremes(RollingMin::new(period)?, values, out)
}

fn extremes<const HIGHEST: bool>(
    mut rolling: RollingExtreme<HIGHEST>,
    values: &[f64],
    out: &mut [f64],
) -> Result<()> {
    require_same_length(RollingExtreme::<HIGHEST>::NAME, values.len(), out.len())?;
    for (&x, y) in values.iter().zip(out) {
        *y = rolling.update(x).unwrap_or(f64::NAN);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn extremes_start_with_a_full_window() {
        let (mut max, mut min) = (RollingMax::new(3).unwrap(), RollingMin::new(3).unwrap());
        let values = [2.0, 5.0, 1.0, 1.0, 0.5, 3.0, 3.0];
        let highs: Vec<_> = values.map(|x| max.update(x)).to_vec();
        let lows: Vec<_> = values.map(|x| min.update(x)).to_vec();
        assert_eq!(highs[..2], [None, None]);
        assert_eq!(highs[2..], [5.0, 5.0, 1.0, 3.0, 3.0].map(Some));
        assert_eq!(lows[2..], [1.0, 1.0, 0.5, 0.5, 0.5].map(Some));
        assert_eq!((max.value(), max.period()), (Some(3.0), 3));
    }

    #[test]
    fn a_maximum_is_not_restored_as_a_minimum() {
        let max = RollingMax::new(4).unwrap();
        let mut min = RollingMin::new(4).unwrap();
        let e = min.restore(&max.save()).unwrap_err();
        assert!(e.to_string().contains("belongs to 'rollmax'"), "{e}");
        let mut wild = min.save();
        wild[3] = 4;
        let e = min.restore(&wild).unwrap_err();
        assert!(e.to_string().contains("contradicts itself"), "{e}");
    }

    /// Few distinct values, so that ties and runs are common.
    fn series() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((-8_i32..8).prop_map(f64::from), 0..160)
    }

    proptest! {
        #[test]
        fn incremental_batch_and_naive_agree(values in series(), period in 1_usize..30) {
            let (mut max, mut min) =
                (RollingMax::new(period).unwrap(), RollingMin::new(period).unwrap());
            let (mut highs, mut lows) = (values.clone(), values.clone());
            rolling_max(&values, period, &mut highs).unwrap();
            rolling_min(&values, period, &mut lows).unwrap();
            for (i, &x) in values.iter().enumerate() {
                let (high, low) = (max.update(x), min.update(x));
                if i + 1 < period {
                    prop_assert!(high.is_none() && low.is_none());
                    prop_assert!(highs[i].is_nan() && lows[i].is_nan());
                    continue;
                }
                let window = &values[i + 1 - period..=i];
                let naive_high = window.iter().copied().fold(f64::MIN, f64::max);
                let naive_low = window.iter().copied().fold(f64::MAX, f64::min);
                prop_assert_eq!((high, low), (Some(naive_high), Some(naive_low)));
                prop_assert_eq!((highs[i], lows[i]), (naive_high, naive_low));
            }
        }

        #[test]
        fn restored_continues_with_the_same_bits(
            values in prop::collection::vec(-1e3_f64..1e3, 1..60),
            period in 1_usize..12,
        ) {
            let mut max = RollingMax::new(period).unwrap();
            for (i, &x) in values.iter().enumerate() {
                let mut twin = RollingMax::new(period).unwrap();
                twin.restore(&max.save()).unwrap();
                let mut original = max.clone();
                for &y in &values[i..] {
                    let (a, b) = (original.update(y), twin.update(y));
                    prop_assert_eq!(a.map(f64::to_bits), b.map(f64::to_bits));
                }
                max.update(x);
            }
        }
    }
}
