//! The rolling standard deviation.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::indicators::state::{StateReader, StateWriter, Tag};
use crate::indicators::{require_period, require_same_length};

const TAG: Tag = *b"rollstd ";

/// What the sum of squared deviations is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ddof {
    /// n − 1, the unbiased variance of a sample (ddof 1).
    Sample,
    /// n, the variance of a whole population (ddof 0).
    Population,
}

impl Ddof {
    /// The delta degrees of freedom: 1 or 0.
    pub const fn delta(self) -> usize {
        match self {
            Self::Sample => 1,
            Self::Population => 0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sample => "rolling sample standard deviation",
            Self::Population => "rolling population standard deviation",
        }
    }
}

/// The standard deviation of the last `period` values; undefined before `period` values.
///
/// Nothing is ever subtracted from a running sum. The series is cut into blocks of `period`; a
/// window is the end of the finished block and the start of the growing one, and sums and squares
/// of both parts are taken around one value that is itself inside the window: the last of the
/// finished block. That anchor bounds cancellation: the sum of squares is at most `period` times the
/// sum of squared deviations, so the relative error is at worst a few times `period`² × 1e-16,
/// whatever the level of the series, and it does not grow with time. An outlier is forgotten when
/// it leaves.
#[derive(Clone, Debug)]
pub struct RollingStd {
    /// Before `position`: the growing block's values in `sum`. From it on: sums of the finished
    /// block after that place.
    places: Box<[Sums]>,
    position: usize,
    /// Sums of the growing block.
    head: Sums,
    /// What every value is measured from: the last value of the finished block.
    anchor: f64,
    /// The latest sum of squared deviations from the mean.
    latest: f64,
    ready: bool,
    ddof: Ddof,
    inverse_period: f64,
    inverse_divisor: f64,
}

/// Sum and sum of squares of distances from the anchor.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    sum: f64,
    squares: f64,
}

impl Sums {
    #[inline]
    fn add(&mut self, distance: f64) {
        self.sum += distance;
        self.squares += distance * distance;
    }
}

impl RollingStd {
    /// Standard deviations over `period` values.
    ///
    /// # Errors
    /// When `period` is below 1, or below 2 for [`Ddof::Sample`].
    pub fn new(period: usize, ddof: Ddof) -> Result<Self> {
        require_period(ddof.name(), period, 1 + ddof.delta())?;
        Ok(Self {
            places: vec![Sums::default(); period].into_boxed_slice(),
            position: 0,
            head: Sums::default(),
            anchor: 0.0,
            latest: 0.0,
            ready: false,
            ddof,
            inverse_period: 1.0 / period as f64,
            inverse_divisor: 1.0 / (period - ddof.delta()) as f64,
        })
    }

    /// Takes the next value and gives the standard deviation that includes it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<f64> {
        self.head.add(x - self.anchor);
        let place = &mut self.places[self.position];
        let sum = place.sum + self.head.sum;
        let squares = place.squares + self.head.squares;
        self.latest = squares - sum * sum * self.inverse_period;
        place.sum = x;
        self.position += 1;
        if self.position == self.places.len() {
            self.finish_block();
        }
        self.value()
    }

    /// Turns the finished block's values into the sums of what comes after each place, around the
    /// new anchor. The window is this very block now, and the old anchor has left it, so the
    /// latest result is taken from the new sums too.
    fn finish_block(&mut self) {
        self.anchor = self.places[self.places.len() - 1].sum;
        let mut after = Sums::default();
        for place in self.places.iter_mut().rev() {
            let x = std::mem::replace(place, after).sum;
            after.add(x - self.anchor);
        }
        self.latest = after.squares - after.sum * after.sum * self.inverse_period;
        self.position = 0;
        self.head = Sums::default();
        self.ready = true;
    }

    /// The latest standard deviation; `None` before `period` values.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.ready
            .then(|| (self.latest * self.inverse_divisor).sqrt())
    }

    pub(crate) const fn ddof(&self) -> Ddof {
        self.ddof
    }

    /// The number of values looked at.
    pub fn period(&self) -> usize {
        self.places.len()
    }

    /// Everything [`RollingStd::restore`] needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.usize(self.period());
        writer.usize(self.ddof.delta());
        writer.usize(self.position);
        writer.bool(self.ready);
        for x in [self.head.sum, self.head.squares, self.anchor, self.latest] {
            writer.f64(x);
        }
        for place in &self.places {
            writer.f64(place.sum);
            writer.f64(place.squares);
        }
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to another indicator, period, ddof or layout, or are damaged; nothing
    /// is changed then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut restored = self.clone();
        let mut reader = StateReader::new(words);
        reader.header(TAG, 1)?;
        reader.parameter("period", self.period())?;
        reader.parameter("ddof", self.ddof.delta())?;
        restored.position = reader.usize()?;
        restored.ready = reader.bool()?;
        restored.head.sum = reader.f64()?;
        restored.head.squares = reader.f64()?;
        restored.anchor = reader.f64()?;
        restored.latest = reader.f64()?;
        for place in &mut restored.places {
            place.sum = reader.f64()?;
            place.squares = reader.f64()?;
        }
        reader.finish()?;
        if restored.position >= self.period() {
            return Err(Error::signal(format!(
                "the saved {} contradicts itself",
                self.ddof.name()
            ))
            .context("period", self.period())
            .context("position", restored.position)
            .hint("the state is damaged; start fresh and warm up again"));
        }
        *self = restored;
        Ok(())
    }
}

/// [`RollingStd`] of each of `values` into `out`, NaN before `period` values; the same bits.
///
/// # Errors
/// When `period` is too short for `ddof` or `out` has another length.
pub fn rolling_std(values: &[f64], period: usize, ddof: Ddof, out: &mut [f64]) -> Result<()> {
    let std = RollingStd::new(period, ddof)?;
    require_same_length(ddof.name(), values.len(), out.len())?;
    let warm_up = (period - 1).min(out.len());
    let mut places = vec![Lanes::<BLOCKS_AT_ONCE>::default(); period];
    let mut begin = period;
    while begin + BLOCKS_AT_ONCE * period <= values.len() {
        blocks(&std, values, begin, period, &mut places, out);
        begin += BLOCKS_AT_ONCE * period;
    }
    let mut places = vec![Lanes::<1>::default(); period];
    while begin <= values.len() {
        let length = period.min(values.len() - begin);
        blocks(&std, values, begin, length, &mut places, out);
        begin += period;
    }
    out[..warm_up].fill(f64::NAN);
    Ok(())
}

/// How many blocks the batch form works on at once: no block waits for the sums of another, and a
/// processor adds several numbers in the time it takes to add one.
const BLOCKS_AT_ONCE: usize = 4;

/// [`Sums`] of `N` blocks, side by side.
#[derive(Clone, Copy)]
struct Lanes<const N: usize> {
    sum: [f64; N],
    squares: [f64; N],
}

impl<const N: usize> Default for Lanes<N> {
    fn default() -> Self {
        Self {
            sum: [0.0; N],
            squares: [0.0; N],
        }
    }
}

impl<const N: usize> Lanes<N> {
    #[inline]
    fn add(&mut self, distance: [f64; N]) {
        for (lane, d) in distance.into_iter().enumerate() {
            self.sum[lane] += d;
            self.squares[lane] += d * d;
        }
    }

    /// The deviations of windows of which `self` is one part and `rest` the other.
    #[inline]
    fn deviations(&self, rest: &Self, std: &RollingStd) -> [f64; N] {
        std::array::from_fn(|lane| {
            let sum = rest.sum[lane] + self.sum[lane];
            let squares = rest.squares[lane] + self.squares[lane];
            ((squares - sum * sum * std.inverse_period) * std.inverse_divisor).sqrt()
        })
    }
}

/// The deviations of windows that end in the first `length` places of the `N` blocks from `begin`
/// on, and of the windows that are the block before each of them. There is one before the first.
fn blocks<const N: usize>(
    std: &RollingStd,
    values: &[f64],
    begin: usize,
    length: usize,
    places: &mut [Lanes<N>],
    out: &mut [f64],
) {
    let period = std.period();
    let finished: [&[f64]; N] =
        std::array::from_fn(|lane| &values[begin + lane * period - period..][..period]);
    let growing: [&[f64]; N] =
        std::array::from_fn(|lane| &values[begin + lane * period..][..length]);
    let anchor = finished.map(|block| block[period - 1]);
    let distance = |of: &[&[f64]; N], i: usize| {
        std::array::from_fn::<f64, N, _>(|lane| of[lane][i] - anchor[lane])
    };

    let mut after = Lanes::default();
    for (i, place) in places.iter_mut().enumerate().rev() {
        *place = after;
        after.add(distance(&finished, i));
    }
    let whole = after.deviations(&Lanes::default(), std);
    for (lane, y) in whole.into_iter().enumerate() {
        out[begin + lane * period - 1] = y;
    }

    let mut head = Lanes::default();
    let places = &mut places[..length.min(period - 1)];
    for (i, place) in places.iter_mut().enumerate() {
        head.add(distance(&growing, i));
        place.sum = head.deviations(place, std);
    }
    for (lane, out) in out[begin..].chunks_mut(period).take(N).enumerate() {
        for (y, place) in out.iter_mut().zip(&*places) {
            *y = place.sum[lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two-pass reference around the window's first value: exact differences, no running sums.
    fn exact(window: &[f64], ddof: Ddof) -> f64 {
        let n = window.len() as f64;
        let shifted: Vec<f64> = window.iter().map(|x| x - window[0]).collect();
        let mean = shifted.iter().sum::<f64>() / n;
        let squares: f64 = shifted.iter().map(|y| (y - mean) * (y - mean)).sum();
        let rest: f64 = shifted.iter().map(|y| y - mean).sum();
        ((squares - rest * rest / n) / (n - ddof.delta() as f64)).sqrt()
    }

    /// Deterministic noise in [−0.5, 0.5).
    fn noise(seed: &mut u64) -> f64 {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }

    #[test]
    fn ddof_chooses_the_divisor() {
        for (ddof, expected) in [(Ddof::Sample, 2.0), (Ddof::Population, 3.0_f64.sqrt())] {
            let mut std = RollingStd::new(4, ddof).unwrap();
            for x in [9.0, 1.0, 5.0, 5.0, 5.0] {
                std.update(x);
            }
            // Of 1, 5, 5, 5: squares 12, divided by 3 or 4.
            assert!((std.value().unwrap() - expected).abs() < 1e-15, "{ddof:?}");
        }
        let mut constant = RollingStd::new(3, Ddof::Sample).unwrap();
        for _ in 0..10 {
            constant.update(0.1);
        }
        assert_eq!(constant.value(), Some(0.0));
    }

    #[test]
    fn a_high_level_and_a_tiny_variance_stay_accurate_for_ever() {
        let mut seed = 7;
        let values: Vec<f64> = (0..1_200_000)
            .map(|_| 1e6 + 1e-3 * noise(&mut seed))
            .collect();
        for period in [2, 30, 250] {
            let mut std = RollingStd::new(period, Ddof::Sample).unwrap();
            for (i, &x) in values.iter().enumerate() {
                let got = std.update(x);
                if i >= values.len() - 1_000 || i % 4_999 == 0 && i >= period {
                    let reference = exact(&values[i + 1 - period..=i], Ddof::Sample);
                    let error = (got.unwrap() / reference - 1.0).abs();
                    assert!(error < 1e-12, "period {period}, bar {i}: {error:e}");
                }
            }
        }
    }

    #[test]
    fn an_outlier_is_forgotten_when_it_leaves() {
        let mut seed = 3;
        let mut values: Vec<f64> = (0..300).map(|_| noise(&mut seed)).collect();
        values[100] = 1e12;
        let mut std = RollingStd::new(20, Ddof::Population).unwrap();
        for (i, &x) in values.iter().enumerate() {
            let got = std.update(x);
            if i >= 19 {
                let reference = exact(&values[i - 19..=i], Ddof::Population);
                let error = (got.unwrap() / reference - 1.0).abs();
                assert!(error < 1e-12, "bar {i}: {error:e}");
            }
        }
    }

    #[test]
    fn parameters_must_match_to_restore() {
        let mut sample = RollingStd::new(5, Ddof::Sample).unwrap();
        let population = RollingStd::new(5, Ddof::Population).unwrap();
        let e = sample.restore(&population.save()).unwrap_err();
        assert!(e.to_string().contains("made with ddof 0"), "{e}");
        let mut wild = sample.save();
        wild[4] = 5;
        let e = sample.restore(&wild).unwrap_err();
        assert!(e.to_string().contains("contradicts itself"), "{e}");
    }

    proptest! {
        #[test]
        fn incremental_batch_and_exact_agree(
            values in prop::collection::vec(-1e3_f64..1e3, 0..150),
            level in prop::sample::select(vec![0.0, 1.0, 1e6, -1e9]),
            period in 2_usize..25,
            sample in any::<bool>(),
        ) {
            let ddof = if sample { Ddof::Sample } else { Ddof::Population };
            let values: Vec<f64> = values.iter().map(|x| x + level).collect();
            let mut std = RollingStd::new(period, ddof).unwrap();
            let mut batch = vec![0.0; values.len()];
            rolling_std(&values, period, ddof, &mut batch).unwrap();
            for (i, &x) in values.iter().enumerate() {
                let got = std.update(x);
                if i + 1 < period {
                    prop_assert!(got.is_none() && batch[i].is_nan());
                    continue;
                }
                let got = got.unwrap();
                prop_assert_eq!(got.to_bits(), batch[i].to_bits());
                let reference = exact(&values[i + 1 - period..=i], ddof);
                prop_assert!((got - reference).abs() <= 1e-12 * reference, "{} {}", got, reference);
            }
        }

        #[test]
        fn restored_continues_with_the_same_bits(
            values in prop::collection::vec(-1e3_f64..1e3, 1..50),
            period in 2_usize..10,
        ) {
            let mut std = RollingStd::new(period, Ddof::Sample).unwrap();
            for (i, &x) in values.iter().enumerate() {
                let mut twin = RollingStd::new(period, Ddof::Sample).unwrap();
                twin.restore(&std.save()).unwrap();
                let mut original = std.clone();
                for &y in &values[i..] {
                    let (a, b) = (original.update(y), twin.update(y));
                    prop_assert_eq!(a.map(f64::to_bits), b.map(f64::to_bits));
                }
                std.update(x);
            }
        }
    }
}
