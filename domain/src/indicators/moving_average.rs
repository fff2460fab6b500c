//! The simple moving average.

use crate::error::Result;
use crate::indicators::state::{StateReader, StateWriter, Tag};
use crate::indicators::{Ring, require_period, require_same_length};

const TAG: Tag = *b"sma     ";

/// Simple moving average: the mean of the last `period` values.
///
/// Undefined before `period` values. Kept as a running sum to which the difference of what enters
/// and what leaves is added, divided by the period. That difference is exact while the two are
/// within a factor of two of each other, so a step rounds once; the error grows with the square
/// root of the number of values (`docs/benchmarks.md` has it after 10 million).
#[derive(Clone, Debug)]
pub struct Sma {
    ring: Ring,
    sum: f64,
    period: usize,
    divisor: f64,
}

impl Sma {
    /// An average over `period` values.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize) -> Result<Self> {
        require_period("sma", period, 1)?;
        Ok(Self {
            ring: Ring::new(period),
            sum: 0.0,
            period,
            divisor: period as f64,
        })
    }

    /// Takes the next value and gives the average that includes it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<f64> {
        self.sum += x - self.ring.push(x);
        self.value()
    }

    /// The latest average; `None` before `period` values.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.ring.is_full().then(|| self.sum / self.divisor)
    }

    /// The number of values averaged.
    pub fn period(&self) -> usize {
        self.period
    }

    /// Everything [`Sma::restore`] needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.usize(self.period);
        writer.f64(self.sum);
        self.ring.write(&mut writer);
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to another indicator, period or layout, or are damaged; nothing is
    /// changed then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut restored = self.clone();
        let mut reader = StateReader::new(words);
        reader.header(TAG, 1)?;
        reader.parameter("period", self.period)?;
        restored.sum = reader.f64()?;
        restored.ring.read(&mut reader)?;
        reader.finish()?;
        *self = restored;
        Ok(())
    }
}

/// [`Sma`] of each of `values` into `out`, NaN before `period` values. It multiplies by `1 / period`
/// where [`Sma`] divides: at most two units in the last place apart.
///
/// # Errors
/// When `period` is 0 or `out` has another length.
pub fn sma(values: &[f64], period: usize, out: &mut [f64]) -> Result<()> {
    require_period("sma", period, 1)?;
    require_same_length("sma", values.len(), out.len())?;
    let share = 1.0 / period as f64;
    let warm_up = (period - 1).min(values.len());
    out[..warm_up].fill(f64::NAN);
    let mut sum = 0.0;
    for x in &values[..warm_up] {
        sum += x;
    }
    if let (Some(x), Some(first)) = (values.get(warm_up), out.get_mut(warm_up)) {
        sum += x;
        *first = sum * share;
    }
    // Leaving, entering and output in step, so that the loop needs no bounds checks.
    let entering = values.get(period..).unwrap_or(&[]);
    let rest = out.get_mut(period..).unwrap_or(&mut []);
    for ((leaving, x), y) in values.iter().zip(entering).zip(rest) {
        sum += x - leaving;
        *y = sum * share;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn averages_start_with_a_full_window() {
        let mut sma = Sma::new(3).unwrap();
        let got: Vec<_> = [1.0, 2.0, 6.0, 4.0, 5.0].map(|x| sma.update(x)).to_vec();
        assert_eq!(got, [None, None, Some(3.0), Some(4.0), Some(5.0)]);
        assert_eq!((sma.value(), sma.period()), (Some(5.0), 3));
    }

    #[test]
    fn restore_refuses_another_period_and_changes_nothing() {
        let mut sma = Sma::new(2).unwrap();
        sma.update(1.0);
        sma.update(3.0);
        let e = sma.restore(&Sma::new(3).unwrap().save()).unwrap_err();
        assert!(e.to_string().contains("made with period 3"), "{e}");
        let mut cut = sma.save();
        cut.pop();
        assert!(sma.restore(&cut).is_err());
        let mut wild = sma.save();
        wild[4] = 99;
        let e = sma.restore(&wild).unwrap_err();
        assert!(e.to_string().contains("contradicts itself"), "{e}");
        assert_eq!(sma.update(5.0), Some(4.0));
    }

    proptest! {
        #[test]
        fn incremental_batch_and_naive_agree(
            values in prop::collection::vec(1.0_f64..1e6, 0..200),
            period in 1_usize..40,
        ) {
            let mut sma = Sma::new(period).unwrap();
            let mut batch = vec![0.0; values.len()];
            super::sma(&values, period, &mut batch).unwrap();
            for (i, &x) in values.iter().enumerate() {
                let got = sma.update(x);
                if i + 1 < period {
                    prop_assert!(got.is_none() && batch[i].is_nan());
                    continue;
                }
                let got = got.unwrap();
                prop_assert!((got - batch[i]).abs() <= 2.0 * f64::EPSILON * got.abs());
                let naive = values[i + 1 - period..=i].iter().sum::<f64>() / period as f64;
                prop_assert!((got - naive).abs() <= 1e-12 * 1e6, "{} {}", got, naive);
            }
        }

        #[test]
        fn restored_continues_with_the_same_bits(
            values in prop::collection::vec(-1e3_f64..1e3, 1..60),
            period in 1_usize..12,
        ) {
            let mut sma = Sma::new(period).unwrap();
            for (i, &x) in values.iter().enumerate() {
                let mut twin = Sma::new(period).unwrap();
                twin.restore(&sma.save()).unwrap();
                let mut original = sma.clone();
                for &y in &values[i..] {
                    let (a, b) = (original.update(y), twin.update(y));
                    prop_assert_eq!(a.map(f64::to_bits), b.map(f64::to_bits));
                }
                sma.update(x);
            }
        }
    }
}
