//! Momentum: the return over the last bars.

use crate::error::Result;
use crate::indicators::returns::simple_return;
use crate::indicators::saved::saved;
use crate::indicators::{Ring, fill, require_period};

/// `x_t / x_{t−period} − 1`, a fraction. Undefined before `period + 1` values.
#[derive(Clone, Debug)]
pub struct Momentum {
    period: usize,
    ring: Ring,
    latest: Option<f64>,
}

impl Momentum {
    /// The return over `period` bars.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize) -> Result<Self> {
        require_period("momentum", period, 1)?;
        Ok(Self {
            period,
            ring: Ring::new(period),
            latest: None,
        })
    }

    /// Takes the next value and gives the return that leads to it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<f64> {
        let full = self.ring.is_full();
        let before = self.ring.push(x);
        self.latest = full.then(|| simple_return(before, x));
        self.latest
    }

    /// The latest return; `None` before `period + 1` values.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.latest
    }

    /// The number of bars the return spans.
    pub fn period(&self) -> usize {
        self.period
    }
}

saved!(Momentum, b"momentum", parameters [period], state [ring, latest]);

/// [`Momentum`] of each of `values` into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is 0 or `out` has another length.
pub fn momentum(values: &[f64], period: usize, out: &mut [f64]) -> Result<()> {
    let mut momentum = Momentum::new(period)?;
    fill("momentum", values, out, |x| momentum.update(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    #[test]
    fn returns_over_two_bars() {
        let mut out = [0.0; 5];
        momentum(&[4.0, 5.0, 6.0, 10.0, 3.0], 2, &mut out).unwrap();
        assert!(out[0].is_nan() && out[1].is_nan());
        assert_eq!(out[2..], [0.5, 1.0, -0.5]);
        assert!(momentum(&[1.0], 0, &mut out[..1]).is_err());
        assert_eq!(Momentum::new(3).unwrap().period(), 3);
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        continues!(Momentum::new(3).unwrap(), bars(12), |one, bar| one
            .update(bar[2]));
    }
}
