//! Exponentially weighted volatility.

use crate::error::{Error, Result};
use crate::indicators::fill;
use crate::indicators::returns::{ReturnKind, Returns};
use crate::indicators::saved::{inner_part, saved};

/// Exponentially weighted volatility per bar of a price's simple returns around zero
/// (J.P. Morgan, RiskMetrics Technical Document, 1996).
///
/// `v_1 = r_1²`, then `v_t = λ v_{t−1} + (1 − λ) r_t²`; the value is `√v`. Undefined before two
/// prices. [`annualised`](crate::indicators::annualised) makes a yearly figure of it.
#[derive(Clone, Debug)]
pub struct EwVolatility {
    decay: f64,
    returns: Returns,
    variance: Option<f64>,
}

impl EwVolatility {
    /// Volatility with the weight `decay` (λ) on the past, such as 0.94 for daily bars.
    ///
    /// # Errors
    /// When `decay` is not between 0 and 1, both excluded.
    pub fn new(decay: f64) -> Result<Self> {
        if !(decay > 0.0 && decay < 1.0) {
            return Err(Error::signal("a decay lies between 0 and 1")
                .context("decay", decay)
                .hint("use 0.94 for daily and 0.97 for monthly bars"));
        }
        Ok(Self {
            decay,
            returns: Returns::new(ReturnKind::Simple),
            variance: None,
        })
    }

    /// Takes the next price and gives the volatility that includes it.
    #[inline]
    pub fn update(&mut self, price: f64) -> Option<f64> {
        if let Some(r) = self.returns.update(price) {
            self.variance = Some(match self.variance {
                Some(before) => self.decay * before + (1.0 - self.decay) * (r * r),
                None => r * r,
            });
        }
        self.value()
    }

    /// The latest volatility per bar; `None` before two prices.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.variance.map(f64::sqrt)
    }

    /// The weight on the past.
    pub fn decay(&self) -> f64 {
        self.decay
    }
}

inner_part!(Returns);
saved!(EwVolatility, b"ewvolat ", parameters [decay], state [returns, variance]);

/// [`EwVolatility`] of each of `prices` into `out`, NaN at the first; the same bits.
///
/// # Errors
/// When `decay` is not between 0 and 1 or `out` has another length.
pub fn ew_volatility(prices: &[f64], decay: f64, out: &mut [f64]) -> Result<()> {
    let mut volatility = EwVolatility::new(decay)?;
    fill("ew volatility", prices, out, |x| volatility.update(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    #[test]
    fn variances_by_hand() {
        let mut out = [0.0; 3];
        ew_volatility(&[1.0, 2.0, 3.0], 0.75, &mut out).unwrap();
        assert!(out[0].is_nan());
        // Returns 1 and 1/2: variances 1 and 0.75 + 0.0625.
        assert_eq!(out[1..], [1.0, 0.8125_f64.sqrt()]);
        for decay in [0.0, 1.0, f64::NAN] {
            let e = EwVolatility::new(decay).unwrap_err();
            assert!(e.to_string().contains("between 0 and 1"), "{e}");
        }
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        continues!(EwVolatility::new(0.9).unwrap(), bars(9), |one, bar| one
            .update(bar[2]));
        let e = EwVolatility::new(0.9)
            .unwrap()
            .restore(&EwVolatility::new(0.94).unwrap().save())
            .unwrap_err();
        assert!(e.to_string().contains("made with decay 0.94"), "{e}");
    }
}
