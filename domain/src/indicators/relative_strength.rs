//! The relative-strength index.

use crate::error::Result;
use crate::indicators::saved::{Parameter, saved};
use crate::indicators::state::{StateReader, StateWriter};
use crate::indicators::{fill, require_period};

/// What the averages of gains and losses start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsiSeed {
    /// The means of the first `period` changes (J. W. Wilder; TA-Lib). Undefined before `period`
    /// changes, that is `period + 1` values. Without gains and losses the index is 0, as in TA-Lib.
    Wilder,
    /// Zero. Defined from the first value and close to the other one after about 5 × `period`
    /// values. Without gains and losses the index is 50.
    Zero,
}

impl Parameter for RsiSeed {
    fn write(&self, writer: &mut StateWriter) {
        writer.bool(*self == Self::Zero);
    }

    fn check(&self, name: &str, reader: &mut StateReader<'_>) -> Result<()> {
        reader.parameter(name, usize::from(*self == Self::Zero))
    }
}

/// Relative-strength index in 0..=100: `100 U / (U + D)`.
///
/// U and D average the gains and the losses (as positive numbers) from value to value:
/// `U_t = (U_{t−1} (n − 1) + gain_t) / n`, D alike, with n the `period`.
#[derive(Clone, Debug)]
pub struct Rsi {
    period: usize,
    seed: RsiSeed,
    /// What a step keeps of an average, and what it takes of a move: (n − 1)/n and 1/n.
    kept: f64,
    taken: f64,
    previous: Option<f64>,
    /// Changes seen, up to the period.
    seen: usize,
    /// Average gain and average loss; their sums before the first averages.
    averages: [f64; 2],
}

impl Rsi {
    /// An index over `period` changes.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize, seed: RsiSeed) -> Result<Self> {
        require_period("rsi", period, 1)?;
        Ok(Self {
            period,
            seed,
            kept: (period as f64 - 1.0) / period as f64,
            taken: 1.0 / period as f64,
            previous: None,
            seen: 0,
            averages: [0.0; 2],
        })
    }

    /// Takes the next value and gives the index that includes it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<f64> {
        if let Some(previous) = self.previous.replace(x) {
            let change = x - previous;
            let moves = [change.max(0.0), (-change).max(0.0)];
            if self.seed == RsiSeed::Wilder && self.seen < self.period {
                self.seen += 1;
                for (sum, x) in self.averages.iter_mut().zip(moves) {
                    *sum += x;
                    if self.seen == self.period {
                        *sum /= self.period as f64;
                    }
                }
            } else {
                for (average, x) in self.averages.iter_mut().zip(moves) {
                    *average = *average * self.kept + x * self.taken;
                }
            }
        }
        self.value()
    }

    /// The latest index; `None` during warm-up.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        let (defined, flat) = match self.seed {
            RsiSeed::Wilder => (self.seen == self.period, 0.0),
            RsiSeed::Zero => (self.previous.is_some(), 50.0),
        };
        let [gain, loss] = self.averages;
        let sum = gain + loss;
        let index = if sum > 0.0 { 100.0 * gain / sum } else { flat };
        defined.then_some(index)
    }

    /// The number of changes averaged.
    pub fn period(&self) -> usize {
        self.period
    }
}

saved!(Rsi, b"rsi     ", parameters [period, seed], state [previous, seen, averages]);

/// [`Rsi`] of each of `values` into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is 0 or `out` has another length.
pub fn rsi(values: &[f64], period: usize, seed: RsiSeed, out: &mut [f64]) -> Result<()> {
    let mut rsi = Rsi::new(period, seed)?;
    fill("rsi", values, out, |x| rsi.update(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    /// The zero-seeded index on the two reference series.
    #[test]
    fn the_zero_seeded_vectors_hold() {
        let prices = [100.0, 102.0, 101.0, 103.0, 105.0, 104.0, 106.0];
        let expected = [
            50.0, 100.0, 62.5, 80.263_158, 87.416_107, 71.802_646, 80.263_158,
        ];
        let mut out = [0.0; 7];
        rsi(&prices, 6, RsiSeed::Zero, &mut out).unwrap();
        for (got, expected) in out.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
        let mut rsi = Rsi::new(10, RsiSeed::Zero).unwrap();
        for x in [
            100.0, 101.0, 102.0, 101.0, 103.0, 104.0, 102.0, 105.0, 106.0, 107.0, 105.0,
        ] {
            rsi.update(x);
        }
        let last = rsi.value().unwrap();
        assert!((last - 62.687_393).abs() < 1e-6, "{last}");
    }

    #[test]
    fn wilder_by_hand() {
        let mut rsi = Rsi::new(2, RsiSeed::Wilder).unwrap();
        assert_eq!((rsi.update(10.0), rsi.update(13.0)), (None, None));
        // Gains 3 and 0, losses 0 and 1.
        assert_eq!(rsi.update(12.0), Some(75.0));
        // Averages (1.5 + 0.5) / 2 and 0.5 / 2.
        assert_eq!(rsi.update(12.5), Some(80.0));
        let flat = [RsiSeed::Wilder, RsiSeed::Zero].map(|seed| {
            let mut rsi = Rsi::new(1, seed).unwrap();
            rsi.update(7.0);
            rsi.update(7.0)
        });
        assert_eq!(flat, [Some(0.0), Some(50.0)]);
        assert_eq!(rsi.period(), 2);
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        for seed in [RsiSeed::Wilder, RsiSeed::Zero] {
            continues!(Rsi::new(4, seed).unwrap(), bars(20), |rsi, bar| rsi
                .update(bar[2]));
        }
    }
}
