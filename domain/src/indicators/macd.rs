//! Moving-average convergence and divergence.

use crate::error::{Error, Result};
use crate::indicators::exponential_average::{Ema, Seed};
use crate::indicators::require_same_length;
use crate::indicators::saved::saved;

/// The three lines of a [`Macd`], in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacdLines {
    /// Fast average less slow average.
    pub macd: f64,
    /// The average of `macd`.
    pub signal: f64,
    /// `macd − signal`.
    pub histogram: f64,
}

/// The difference of two exponential averages and the average of that difference (G. Appel).
///
/// With [`Seed::Mean`] as TA-Lib has it: both averages start from means that end at the same bar,
/// the `slow`-th, so the fast one ignores the first `slow − fast` values; the signal starts from the
/// mean of the first `signal` differences; all lines are undefined before `slow + signal − 1`
/// values. With [`Seed::First`] every average starts from its first value and all lines are defined
/// from the first value.
#[derive(Clone, Debug)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    /// Values the fast average still ignores.
    ignored: usize,
    latest: Option<[f64; 2]>,
}

impl Macd {
    /// Lines of averages over `fast`, `slow` and `signal` values.
    ///
    /// # Errors
    /// When a period is 0 or `fast` is not below `slow`.
    pub fn new(fast: usize, slow: usize, signal: usize, seed: Seed) -> Result<Self> {
        if fast >= slow {
            return Err(Error::signal("macd needs a fast period below the slow one")
                .context("fast", fast)
                .context("slow", slow)
                .hint("swap the periods, such as 12 and 26"));
        }
        Ok(Self {
            fast: Ema::new(fast, seed)?,
            slow: Ema::new(slow, seed)?,
            signal: Ema::new(signal, seed)?,
            ignored: match seed {
                Seed::Mean => slow - fast,
                Seed::First => 0,
            },
            latest: None,
        })
    }

    /// Takes the next value and gives the lines that include it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<MacdLines> {
        let slow = self.slow.update(x);
        if self.ignored > 0 {
            self.ignored -= 1;
        } else if let (Some(fast), Some(slow)) = (self.fast.update(x), slow) {
            let macd = fast - slow;
            self.latest = self.signal.update(macd).map(|signal| [macd, signal]);
        }
        self.value()
    }

    /// The latest lines; `None` during warm-up.
    #[inline]
    pub fn value(&self) -> Option<MacdLines> {
        self.latest.map(|[macd, signal]| MacdLines {
            macd,
            signal,
            histogram: macd - signal,
        })
    }

    /// The period of the slow average.
    pub fn period(&self) -> usize {
        self.slow.period()
    }
}

impl Default for MacdLines {
    fn default() -> Self {
        Self {
            macd: f64::NAN,
            signal: f64::NAN,
            histogram: f64::NAN,
        }
    }
}

saved!(Macd, b"macd    ", parameters [], state [fast, slow, signal, ignored, latest]);

/// [`Macd`] of each of `values` into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// As [`Macd::new`], or when `out` has another length.
pub fn macd(
    values: &[f64],
    fast: usize,
    slow: usize,
    signal: usize,
    seed: Seed,
    out: &mut [MacdLines],
) -> Result<()> {
    let mut macd = Macd::new(fast, slow, signal, seed)?;
    require_same_length("macd", values.len(), out.len())?;
    for (&x, y) in values.iter().zip(out) {
        *y = macd.update(x).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    #[test]
    fn both_conventions_by_hand() {
        // Fast α 1, slow α 2/3, signal α 2/3.
        let mut mean = Macd::new(1, 2, 2, Seed::Mean).unwrap();
        assert_eq!(mean.update(3.0), None);
        // Slow 6, fast 9, difference 3.
        assert_eq!(mean.update(9.0), None);
        // Slow 6 + 2/3 × 6 = 10, difference 2, signal 5/2.
        let lines = mean.update(12.0).unwrap();
        assert_eq!((lines.macd, lines.signal), (2.0, 2.5));
        assert_eq!(lines.histogram, -0.5);
        let mut first = Macd::new(1, 2, 2, Seed::First).unwrap();
        assert_eq!(first.update(3.0).unwrap().macd, 0.0);
        // Slow 7, difference 2, signal 4/3.
        let lines = first.update(9.0).unwrap();
        assert!((lines.signal - 4.0 / 3.0).abs() < 1e-15 && lines.macd == 2.0);
        let e = Macd::new(26, 12, 9, Seed::Mean).unwrap_err();
        assert!(e.to_string().contains("hint: swap the periods"), "{e}");
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        for seed in [Seed::Mean, Seed::First] {
            let new = || Macd::new(3, 6, 4, seed).unwrap();
            continues!(new(), bars(24), |macd, bar| macd
                .update(bar[2])
                .map(|lines| lines.signal));
        }
    }

    #[test]
    fn batch_gives_the_same_bits() {
        let values: Vec<f64> = bars(40).iter().map(|bar| bar[2]).collect();
        let mut out = vec![MacdLines::default(); 40];
        macd(&values, 3, 6, 4, Seed::Mean, &mut out).unwrap();
        let mut one = Macd::new(3, 6, 4, Seed::Mean).unwrap();
        for (i, (&x, batch)) in values.iter().zip(&out).enumerate() {
            match one.update(x) {
                Some(lines) => assert_eq!(lines, *batch),
                None => assert!(batch.macd.is_nan() && i < 8),
            }
        }
    }
}
