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

/// The longest period for which [`ema`] takes two values at once: rounding adds up to a few units in
/// the last place for each value in reach of the average.
const SHORT: usize = 1_000;

/// [`Ema`] of each of `values` into `out`, NaN during warm-up.
///
/// Up to a period of 1,000 it weighs instead of moving, `e_t = α x_t + (1 − α) e_{t−1}`, two values at
/// once: within 1e-12 of [`Ema`], relative to the largest value. Beyond, the same bits.
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
    let twos = if period <= SHORT { rest.len() & !1 } else { 0 };
    let ((pairs, _), (pairs_out, _)) = (
        rest[..twos].as_chunks::<2>(),
        rest_out[..twos].as_chunks_mut::<2>(),
    );
    // One product and one sum for two values wait for the average before them, not six operations.
    let keep = 1.0 - alpha;
    let keep_twice = keep * keep;
    for ([x, next], [y, next_y]) in pairs.iter().zip(pairs_out) {
        let (x, next) = (alpha * x, alpha * next);
        *y = x + keep * latest;
        latest = (next + keep * x) + keep_twice * latest;
        *next_y = latest;
    }
    for (x, y) in rest[twos..].iter().zip(&mut rest_out[twos..]) {
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
    fn batch_agrees_with_incremental() {
        let mut seed = 11_u64;
        let mut noise = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        let mut level = 100.0;
        let values: Vec<f64> = (0..60_001)
            .map(|i| {
                // A walk, then the same value for long, then jumps.
                level += if !(20_000..40_000).contains(&i) {
                    noise()
                } else {
                    0.0
                };
                if i % 9_973 == 0 { level * 1e3 } else { level }
            })
            .collect();
        for (period, seeding) in [1, 2, 3, 20, 999, 1_000, 1_001]
            .into_iter()
            .flat_map(|p| [(p, Seed::Mean), (p, Seed::First)])
        {
            for length in [0, 1, 2, period, period + 1, values.len()] {
                let values = &values[..length];
                let mut batch = vec![0.0; length];
                ema(values, period, seeding, &mut batch).unwrap();
                let mut one = Ema::new(period, seeding).unwrap();
                let mut largest = 0.0_f64;
                for (&x, got) in values.iter().zip(&batch) {
                    largest = largest.max(x.abs());
                    match one.update(x) {
                        None => assert!(got.is_nan()),
                        Some(y) => {
                            assert!((y - got).abs() <= 1e-12 * largest, "{period} {y} {got}");
                        }
                    }
                }
            }
        }
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
