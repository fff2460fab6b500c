//! Minimum variance: the least risky mix, with or without shorts.

use crate::error::{Error, Result};
use crate::weighting::active_set::BoxSumProgram;
use crate::weighting::target_weights::paired;
use crate::weighting::{SymmetricMatrix, TargetWeights};

/// `argmin w'Σw` with `Σ w = 1` and `0 ≤ w ≤ cap`; a `cap` of 1 limits nothing.
///
/// `covariance` has a row for each of `instruments`, in that order. Solved exactly, its KKT
/// conditions met to [`MAX_KKT_RESIDUAL`](crate::weighting::MAX_KKT_RESIDUAL).
///
/// # Errors
/// When `cap` is not above zero or too low for the instruments to hold everything, sizes differ, an
/// instrument occurs twice, or as [`BoxSumProgram::minimise`].
pub fn minimum_variance_long_only(
    instruments: &[usize],
    covariance: &SymmetricMatrix,
    cap: f64,
) -> Result<TargetWeights> {
    let size = covariance.size();
    let program = BoxSumProgram {
        matrix: covariance,
        lower: &vec![0.0; size],
        upper: &vec![cap; size],
        sum: 1.0,
    };
    paired(instruments, program.minimise()?.x)
}

/// `Σ⁻¹1 / (1'Σ⁻¹1)`: the least variance of all weights that sum to 1, shorts allowed.
///
/// `covariance` has a row for each of `instruments`, in that order.
///
/// # Errors
/// When the covariance is singular or too extreme for floats, sizes differ or an instrument occurs
/// twice.
pub fn minimum_variance(
    instruments: &[usize],
    covariance: &SymmetricMatrix,
) -> Result<TargetWeights> {
    let mut weights = covariance.cholesky()?.solve(&vec![1.0; covariance.size()]);
    let total: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    // Variances at the edge of what a float can hold leave a total that divides to nothing.
    let (net, gross) = weights
        .iter()
        .fold((0.0, 0.0), |(n, g), w| (n + w, g + w.abs()));
    if !weights.is_empty() && !(net - 1.0_f64).abs().le(&(1e-9 * gross)) {
        return Err(Error::signal_calculation(
            "the covariance is too extreme for minimum-variance weights",
        )
        .context("sum_of_weights", net)
        .hint("give returns as fractions, such as 0.01 for 1 %"));
    }
    paired(instruments, weights)
}

/// `argmax (w'σ) / √(w'Σw)` with `Σ w = 1` and `w ≥ 0`: the most diversified portfolio.
///
/// Choueifaty and Coignard, "Toward Maximum Diversification", Journal of Portfolio Management 35
/// (2008). With `y = σ w` it is the minimum variance under the correlations, whose solution is
/// divided by the volatilities and scaled to 1. `covariance` has a row for each of `instruments`.
///
/// # Errors
/// When a variance is not above zero, sizes differ, an instrument occurs twice, or as
/// [`BoxSumProgram::minimise`].
pub fn maximum_diversification(
    instruments: &[usize],
    covariance: &SymmetricMatrix,
) -> Result<TargetWeights> {
    let (correlation, deviations) = covariance.to_correlation()?;
    let size = correlation.size();
    let program = BoxSumProgram {
        matrix: &correlation,
        lower: &vec![0.0; size],
        upper: &vec![1.0; size],
        sum: 1.0,
    };
    let mut weights = program.minimise()?.x;
    for (weight, deviation) in weights.iter_mut().zip(&deviations) {
        *weight /= deviation;
    }
    let total: f64 = weights.iter().sum();
    if size > 0 && !total.is_normal() {
        return Err(
            Error::signal_calculation("volatilities are too far apart to be weighed")
                .context("sum", total)
                .hint("leave out the instrument that hardly moves"),
        );
    }
    for weight in &mut weights {
        *weight /= total;
    }
    paired(instruments, weights)
}

/// `(w'σ) / √(w'Σw)`: how much less a mix moves than its parts; 1 for a single instrument.
///
/// `weights` are in the order of the covariance's rows.
pub fn diversification_ratio(weights: &[f64], covariance: &SymmetricMatrix) -> f64 {
    let parts = covariance.diagonal().into_iter().zip(weights);
    let sum: f64 = parts.map(|(variance, w)| w * variance.sqrt()).sum();
    sum / covariance.quadratic_form(weights).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covariance() -> SymmetricMatrix {
        let rows = [vec![0.04, 0.03], vec![0.03, 0.09]];
        SymmetricMatrix::from_rows(&rows).unwrap()
    }

    #[test]
    fn two_instruments_by_hand() {
        // (0.09 − 0.03) / (0.04 + 0.09 − 2 × 0.03) = 6/7.
        for weights in [
            minimum_variance(&[4, 2], &covariance()).unwrap(),
            minimum_variance_long_only(&[4, 2], &covariance(), 1.0).unwrap(),
        ] {
            assert!(
                (weights.get(4).unwrap() - 6.0 / 7.0).abs() < 1e-15,
                "{weights:?}"
            );
            assert!((weights.get(2).unwrap() - 1.0 / 7.0).abs() < 1e-15);
        }
        let capped = minimum_variance_long_only(&[4, 2], &covariance(), 0.6).unwrap();
        assert_eq!(capped.get(4), Some(0.6));
        assert!((capped.get(2).unwrap() - 0.4).abs() < 1e-15);
        // Two instruments diversify most when both add the same risk, whatever the correlation.
        let most = maximum_diversification(&[4, 2], &covariance()).unwrap();
        assert!((most.get(4).unwrap() - 0.6).abs() < 1e-15, "{most:?}");
        let ratio = diversification_ratio(&[1.0, 0.0], &covariance());
        assert!((ratio - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_hedge_is_shorted_only_where_shorts_are_allowed() {
        let rows = [vec![0.04, 0.05], vec![0.05, 0.09]];
        let covariance = SymmetricMatrix::from_rows(&rows).unwrap();
        let free = minimum_variance(&[0, 1], &covariance).unwrap();
        assert!((free.get(1).unwrap() + 1.0 / 3.0).abs() < 1e-14, "{free:?}");
        let long = minimum_variance_long_only(&[0, 1], &covariance, 1.0).unwrap();
        assert_eq!(long.entries(), [(0, 1.0), (1, 0.0)]);
    }

    /// ERR-11: sizes that differ say so.
    #[test]
    fn err_11_sizes_that_differ_teach() {
        let e = minimum_variance(&[1, 2, 3], &covariance()).unwrap_err();
        assert_eq!(
            e.to_string(),
            "each instrument needs one weight (instruments = 3, weights = 2); \
             hint: give the covariance a row for each instrument, in the same order"
        );
    }
}
