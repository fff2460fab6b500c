//! The exponential moving average.

use crate::error::Result;
use crate::indicators::saved::{Parameter, inner_part, saved};
use crate::indicators::state::{StateReader, StateWriter};
use crate::indicators::{fill, require_period, require_same_length};

/// What an exponential average starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// The mean of the first `period` values, given at the last of them (TA-Lib).
    Mean,
    /// The first value, given at once (pandas `ewm(adjust=False)`).
    First,
}

impl Parameter for Seed {
    fn write(&self, writer: &mut StateWriter) {
        writer.bool(*self == Self::First);
    }

    fn check(&self, name: &str, reader: &mut StateReader<'_>) -> Result<()> {
        reader.parameter(name, usize::from(*self == Self::First))
    }
}

/// Exponential moving average: `e_t = e_{t−1} + α (x_t − e_{t−1})` with `α = 2 / (period + 1)`.
///
/// With [`Seed::Mean`] undefined before `period` values; with [`Seed::First`] defined from the first.
/// Old errors fade by `1 − α` a bar, so accuracy does not depend on the length of the series.
#[derive(Clone, Debug)]
pub struct Ema {
    period: usize,
    seed: Seed,
    alpha: f64,
    /// Values seen, up to the period.
    seen: usize,
    /// The sum of the values seen before the first average.
    sum: f64,
    latest: f64,
}

impl Ema {
    /// An average with the smoothing of `period` values.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize, seed: Seed) -> Result<Self> {
        require_period("ema", period, 1)?;
        Ok(Self {
            period,
            seed,
            alpha: 2.0 / (period as f64 + 1.0),
            seen: 0,
            sum: 0.0,
            latest: 0.0,
        })
    }

    /// Takes the next value and gives the average that includes it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<f64> {
        let wanted = self.values_to_seed();
        if self.seen >= wanted {
            self.latest += self.alpha * (x - self.latest);
        } else {
            self.seen += 1;
            self.sum += x;
            if self.seen == wanted {
                self.latest = self.sum / wanted as f64;
            }
        }
        self.value()
    }

    /// The latest average; `None` during warm-up.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        (self.seen >= self.values_to_seed()).then_some(self.latest)
    }

    #[inline]
    fn values_to_seed(&self) -> usize {
        match self.seed {
            Seed::Mean => self.period,
            Seed::First => 1,
        }
    }

    /// The period that the smoothing comes from.
    pub fn period(&self) -> usize {
        self.period
    }
}

saved!(Ema, b"ema     ", parameters [period, seed], state [seen, sum, latest]);
inner_part!(Ema);

/// [`Ema`] of each of `values` into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is 0 or `out` has another length.
pub fn ema(values: &[f64], period: usize, seed: Seed, out: &mut [f64]) -> Result<()> {
    let mut ema = Ema::new(period, seed)?;
    let seeding = ema.values_to_seed().min(values.len());
    let (first, rest) = values.split_at(seeding);
    require_same_length("ema", values.len(), out.len())?;
    let (first_out, rest_out) = out.split_at_mut(seeding);
    fill("ema", first, first_out, |x| ema.update(x))?;
    // The seed is there: nothing but the recursion is left.
    let (mut latest, alpha) = (ema.latest, ema.alpha);
    for (x, y) in rest.iter().zip(rest_out) {
        latest += alpha * (x - latest);
        *y = latest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    #[test]
    fn seeds_by_hand() {
        // α = 1/2.
        let mut mean = Ema::new(3, Seed::Mean).unwrap();
        let got = [1.0, 2.0, 6.0, 5.0, 0.0].map(|x| mean.update(x));
        assert_eq!(got, [None, None, Some(3.0), Some(4.0), Some(2.0)]);
        let mut first = Ema::new(3, Seed::First).unwrap();
        let got = [4.0, 2.0, 6.0].map(|x| first.update(x));
        assert_eq!(got, [4.0, 3.0, 4.5].map(Some));
        let mut out = [0.0; 3];
        ema(&[1.0, 2.0, 6.0], 3, Seed::Mean, &mut out).unwrap();
        assert!(out[1].is_nan() && out[2].to_bits() == 3.0_f64.to_bits());
        assert!(Ema::new(0, Seed::First).is_err());
        assert_eq!(mean.period(), 3);
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        for seed in [Seed::Mean, Seed::First] {
            continues!(Ema::new(5, seed).unwrap(), bars(20), |ema, bar| ema
                .update(bar[2]));
        }
        let e = Ema::new(5, Seed::Mean)
            .unwrap()
            .restore(&Ema::new(5, Seed::First).unwrap().save())
            .unwrap_err();
        assert!(e.to_string().contains("made with seed 1"), "{e}");
    }
}
