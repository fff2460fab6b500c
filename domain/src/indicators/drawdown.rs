//! Drawdown: the distance below the highest value so far.

use crate::error::Result;
use crate::indicators::fill;
use crate::indicators::saved::saved;

/// `x_t / max(x_0 … x_t) − 1`, a fraction of zero or less. Defined from the first value.
#[derive(Clone, Debug, Default)]
pub struct Drawdown {
    peak: Option<f64>,
    latest: Option<f64>,
}

impl Drawdown {
    /// Drawdowns of positive values to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next value and gives its drawdown.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<f64> {
        let peak = self.peak.map_or(x, |peak| peak.max(x));
        self.peak = Some(peak);
        self.latest = Some(x / peak - 1.0);
        self.latest
    }

    /// The latest drawdown; `None` before the first value.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.latest
    }

    /// The number of values behind the first result: 1.
    pub fn period(&self) -> usize {
        1
    }
}

saved!(Drawdown, b"drawdown", parameters [], state [peak, latest]);

/// [`Drawdown`] of each of `values` into `out`; the same bits.
///
/// # Errors
/// When `out` has another length.
pub fn drawdown(values: &[f64], out: &mut [f64]) -> Result<()> {
    let mut drawdown = Drawdown::new();
    fill("drawdown", values, out, |x| drawdown.update(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    #[test]
    fn losses_count_from_the_peak() {
        let mut out = [0.0; 4];
        drawdown(&[4.0, 2.0, 8.0, 6.0], &mut out).unwrap();
        assert_eq!(out, [0.0, -0.5, 0.0, -0.25]);
        assert_eq!(Drawdown::new().period(), 1);
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        continues!(Drawdown::new(), bars(12), |one, bar| one.update(bar[2]));
    }
}
