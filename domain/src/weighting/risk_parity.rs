//! Risk parity: every instrument contributes the same risk.

use crate::error::{Error, Result};
use crate::weighting::matrix::dot;
use crate::weighting::target_weights::paired;
use crate::weighting::{SymmetricMatrix, TargetWeights};

/// The largest distance of a risk contribution from `1/n` a solution may have.
pub const MAX_CONTRIBUTION_ERROR: f64 = 1e-10;

/// Newton steps; damped ones gain a fixed amount each, and then each doubles the digits.
const MAX_STEPS: usize = 200;

/// Long-only weights that sum to 1 with `w_i (Σw)_i` the same for every instrument (ERC).
///
/// Maillard, Roncalli and Teïletche, "The Properties of Equally Weighted Risk Contribution
/// Portfolios", Journal of Portfolio Management 36 (2010). Solved as the minimum of
/// `n/2 y'Cy − Σ ln y_i` over the correlations `C` (Spinu 2013), which is self-concordant, so that
/// damped Newton steps reach it from any start; then `w = y/σ`, scaled. It exists for every
/// covariance with variances above zero in which no long-only mix is free of risk.
///
/// `covariance` has a row for each of `instruments`, in that order.
///
/// # Errors
/// When a variance is not above zero, contributions do not come within [`MAX_CONTRIBUTION_ERROR`] of
/// `1/n`, sizes differ or an instrument occurs twice.
pub fn risk_parity(instruments: &[usize], covariance: &SymmetricMatrix) -> Result<TargetWeights> {
    let (correlation, deviations) = covariance.to_correlation()?;
    let y = minimise_barrier(&correlation)?;
    let mut weights: Vec<f64> = y.iter().zip(&deviations).map(|(y, s)| y / s).collect();
    let total: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    let equal = 1.0 / weights.len() as f64;
    for (at, share) in risk_contributions(&weights, covariance)
        .into_iter()
        .enumerate()
    {
        let error = (share - equal).abs();
        if error.is_nan() || error > MAX_CONTRIBUTION_ERROR {
            return Err(not_solved().context("position", at).context("share", share));
        }
    }
    paired(instruments, weights)
}

/// Each instrument's share of the variance, `w_i (Σw)_i / w'Σw`; they sum to 1.
///
/// `weights` are in the order of the covariance's rows.
pub fn risk_contributions(weights: &[f64], covariance: &SymmetricMatrix) -> Vec<f64> {
    let marginal = covariance.times(weights);
    let variance = dot(weights, &marginal);
    let parts = weights.iter().zip(marginal);
    parts.map(|(w, m)| w * m / variance).collect()
}

fn minimise_barrier(correlation: &SymmetricMatrix) -> Result<Vec<f64>> {
    let n = correlation.size();
    let count = n as f64;
    let mut y = vec![1.0 / count.sqrt(); n];
    let mut best = f64::INFINITY;
    for _ in 0..MAX_STEPS {
        let pull = correlation.times(&y);
        let gradient: Vec<f64> = y
            .iter()
            .zip(&pull)
            .map(|(y, p)| count * p - 1.0 / y)
            .collect();
        let hessian = SymmetricMatrix::from_fn(n, |i, j| {
            let barrier = if i == j { 1.0 / (y[i] * y[i]) } else { 0.0 };
            count * correlation.get(i, j) + barrier
        });
        let factor = hessian.cholesky().map_err(|_| not_solved())?;
        let step = factor.solve(&gradient);
        let decrement = dot(&gradient, &step).max(0.0).sqrt();
        // Near the minimum the decrement squares with each step until only rounding is left.
        if decrement < 1e-9 && decrement >= best {
            return Ok(y);
        }
        best = best.min(decrement);
        // A damped step stays inside y > 0; below a quarter the full step does too.
        let damping = if decrement < 0.25 {
            1.0
        } else {
            1.0 / (1.0 + decrement)
        };
        for (y, s) in y.iter_mut().zip(&step) {
            *y -= damping * s;
        }
    }
    if best < 1e-9 {
        return Ok(y);
    }
    Err(not_solved().context("steps", MAX_STEPS))
}

fn not_solved() -> Error {
    Error::signal_calculation("equal risk contributions could not be reached")
        .context("tolerance", MAX_CONTRIBUTION_ERROR)
        .hint("a mix of these instruments has no risk: shrink the covariance (Ledoit-Wolf)")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn worked_examples() {
        let weights = |rows: &[Vec<f64>]| {
            let covariance = SymmetricMatrix::from_rows(rows).unwrap();
            let instruments: Vec<usize> = (0..rows.len()).collect();
            risk_parity(&instruments, &covariance)
        };
        // Two instruments: inverse volatility, whatever the correlation.
        let two = weights(&[vec![0.04, 0.03], vec![0.03, 0.09]]).unwrap();
        assert!((two.get(0).unwrap() - 0.6).abs() < 1e-14, "{two:?}");
        // Twins share what the third leaves: with correlation 0, w1 = w2 = a, w3 = b and
        // 2a² = b².
        let twins = weights(&[
            vec![1.0, 1.0, 0.0],
            vec![1.0, 1.0, 0.0],
            vec![0.0, 0.0, 1.0],
        ]);
        let a = 1.0 / (2.0 + 2.0_f64.sqrt());
        assert!((twins.unwrap().get(1).unwrap() - a).abs() < 1e-14);
        assert_eq!(weights(&[vec![0.04]]).unwrap().entries(), [(0, 1.0)]);
        // A perfect hedge has no risk to share.
        let hedge = weights(&[vec![1.0, -1.0], vec![-1.0, 1.0]]).unwrap_err();
        assert!(
            hedge.to_string().contains("could not be reached"),
            "{hedge}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Contributions are equal for any covariance, also one with volatilities far apart.
        #[test]
        fn contributions_are_equal(
            n in 1_usize..9,
            factors in prop::collection::vec(-1.0_f64..1.0, 64),
            scales in prop::collection::vec(-4.0_f64..0.0, 8),
        ) {
            let row = |i: usize| &factors[i * 8..i * 8 + 8];
            let covariance = SymmetricMatrix::from_fn(n, |i, j| {
                let own = if i == j { 0.01 } else { 0.0 };
                libm::pow(10.0, scales[i] + scales[j]) * (dot(row(i), row(j)) + own)
            });
            let instruments: Vec<usize> = (0..n).collect();
            let weights = risk_parity(&instruments, &covariance).unwrap();
            prop_assert!((weights.net() - 1.0).abs() < 1e-12);
            let list: Vec<f64> = weights.entries().iter().map(|(_, w)| *w).collect();
            prop_assert!(list.iter().all(|w| *w > 0.0));
            for share in risk_contributions(&list, &covariance) {
                prop_assert!((share - 1.0 / n as f64).abs() <= MAX_CONTRIBUTION_ERROR);
            }
        }
    }
}
