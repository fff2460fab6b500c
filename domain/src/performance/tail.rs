//! Value at risk and expected shortfall: how bad the bad bars are. Losses are negative.

use super::defined;
use super::moments::{mean, standard_deviation};
use super::normal::normal_quantile;

/// The `share` quantile (0 to 1) with linear interpolation between order statistics, at position
/// `share · (n - 1)`: the default of numpy and R (type 7). `None` without values, outside 0 to 1,
/// or when a value is not finite.
pub fn percentile(values: &[f64], share: f64) -> Option<f64> {
    Ordered::new(values)?.percentile(share)
}

/// Value at risk from history: the `1 - level` quantile of returns, sign kept. `level` 0.95 asks
/// for the loss exceeded on one bar in twenty.
pub fn var_historical(returns: &[f64], level: f64) -> Option<f64> {
    Ordered::new(returns)?.var_historical(level)
}

/// Value at risk of a normal distribution with the sample's mean and standard deviation (ddof 1):
/// `mean + Φ⁻¹(1 - level) · deviation`. `None` below two returns.
pub fn var_parametric(returns: &[f64], level: f64) -> Option<f64> {
    let quantile = normal_quantile(1.0 - level)?;
    defined(mean(returns)? + quantile * standard_deviation(returns)?)
}

/// Expected shortfall from history: the mean of the `floor((n - 1)(1 - level)) + 1` worst returns.
pub fn es_historical(returns: &[f64], level: f64) -> Option<f64> {
    Ordered::new(returns)?.es_historical(level)
}

/// Expected shortfall by the other common definition: the mean of all returns not above
/// [`var_historical`]. Differs from [`es_historical`] where returns tie at the quantile.
pub fn es_tail_mean(returns: &[f64], level: f64) -> Option<f64> {
    Ordered::new(returns)?.es_tail_mean(level)
}

/// Finite values in ascending order, sorted once for all questions about their tails.
pub(super) struct Ordered(Vec<f64>);

impl Ordered {
    /// `None` when `values` is empty or not finite.
    pub(super) fn new(values: &[f64]) -> Option<Self> {
        if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        Some(Self(values))
    }

    pub(super) fn smallest(&self) -> f64 {
        self.0[0]
    }

    pub(super) fn largest(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        let (below, part) = self.position(share)?;
        let low = self.0[below];
        let high = self.0[(below + 1).min(self.0.len() - 1)];
        // From the nearer end, so that the result never passes it.
        defined(if part < 0.5 {
            low + (high - low) * part
        } else {
            high - (high - low) * (1.0 - part)
        })
    }

    pub(super) fn var_historical(&self, level: f64) -> Option<f64> {
        self.percentile(1.0 - level)
    }

    pub(super) fn es_historical(&self, level: f64) -> Option<f64> {
        let (below, _) = self.position(1.0 - level)?;
        mean(&self.0[..=below])
    }

    pub(super) fn es_tail_mean(&self, level: f64) -> Option<f64> {
        let limit = self.var_historical(level)?;
        mean(&self.0[..self.0.partition_point(|r| *r <= limit)])
    }

    /// Index of the value at or below `share` of all, and the distance to the next.
    fn position(&self, share: f64) -> Option<(usize, f64)> {
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        let at = share * (self.0.len() - 1) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to n - 1"
        )]
        let below = at.floor() as usize;
        Some((below, at - at.floor()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: Option<f64>, expected: f64) {
        let got = got.unwrap();
        assert!((got - expected).abs() < 1e-14, "{got} is not {expected}");
    }

    /// BT-05: a known set of returns has a known value at risk and expected shortfall.
    #[test]
    fn bt_05_known_returns_have_known_tails() {
        // -0.20, -0.19, … 0.19, 0.20 in scrambled order: 41 values, 5 % lies at position 2.
        let returns: Vec<f64> = (0..41)
            .map(|i| f64::from((i * 17) % 41 - 20) / 100.0)
            .collect();
        close(var_historical(&returns, 0.95), -0.18);
        close(es_historical(&returns, 0.95), -0.19);
        close(es_tail_mean(&returns, 0.95), -0.19);
        close(var_historical(&returns, 0.99), -0.196);
        close(es_historical(&returns, 0.99), -0.20);
        // Mean 0, variance Σ(i/100)² / 40 with Σi² = 5740.
        let deviation = (0.574_f64 / 40.0).sqrt();
        close(
            var_parametric(&returns, 0.95),
            -1.644_853_626_951_472_7 * deviation,
        );
    }

    #[test]
    fn the_two_shortfalls_differ_where_returns_tie() {
        let returns = [-0.1, -0.1, -0.1, 0.2, 0.3];
        close(es_historical(&returns, 0.95), -0.1);
        close(es_tail_mean(&returns, 0.5), -0.1);
        let returns = [-0.3, -0.1, -0.1, -0.1, 0.3];
        close(es_historical(&returns, 0.7), -0.2);
        close(es_tail_mean(&returns, 0.7), -0.15);
    }

    #[test]
    fn percentiles_interpolate_and_refuse_nonsense() {
        let v = [30.0, 10.0, 20.0];
        for (share, expected) in [
            (0.0, 10.0),
            (0.25, 15.0),
            (0.5, 20.0),
            (0.9, 28.0),
            (1.0, 30.0),
        ] {
            close(percentile(&v, share), expected);
        }
        for share in [-0.1, 1.1, f64::NAN] {
            assert_eq!(percentile(&v, share), None);
        }
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[1.0, f64::NAN], 0.5), None);
        assert_eq!(percentile(&[7.0], 0.05), Some(7.0));
    }
}
