//! Weights in proportion to a figure of each instrument: inverse variance and market value.

use crate::error::{Error, Result};
use crate::weighting::TargetWeights;

/// `w_i = (1/σ_i²) / Σ_j (1/σ_j²)`, summing to 1, from `(instrument, variance)` pairs.
///
/// Variances are all per bar or all per year; only their ratios count. The sum is taken in input
/// order; nothing in, nothing out.
///
/// # Errors
/// When a variance is not above zero and finite, or an instrument occurs twice.
pub fn inverse_variance(variances: &[(usize, f64)]) -> Result<TargetWeights> {
    let mut inverses = Vec::with_capacity(variances.len());
    for &(instrument, variance) in variances {
        let inverse = 1.0 / variance;
        if !(variance > 0.0 && variance.is_finite() && inverse.is_finite()) {
            return Err(
                Error::signal_calculation("a variance must be above zero and finite")
                    .context("instrument", instrument)
                    .context("variance", variance)
                    .hint("leave out an instrument whose price does not move"),
            );
        }
        inverses.push((instrument, inverse));
    }
    in_proportion(inverses)
}

/// `w_i = cap_i / Σ_j cap_j`, summing to 1, from `(instrument, market value)` pairs.
///
/// Market values are all in one currency; only their ratios count. The sum is taken in input
/// order; nothing in, nothing out.
///
/// # Errors
/// When a value is not above zero and finite, or an instrument occurs twice.
pub fn market_cap(values: &[(usize, f64)]) -> Result<TargetWeights> {
    if let Some(&(instrument, value)) = values.iter().find(|(_, v)| !(*v > 0.0 && v.is_finite())) {
        return Err(
            Error::signal_calculation("a market value must be above zero and finite")
                .context("instrument", instrument)
                .context("market_value", value)
                .hint("leave out instruments whose market value is not known"),
        );
    }
    in_proportion(values.to_vec())
}

fn in_proportion(mut parts: Vec<(usize, f64)>) -> Result<TargetWeights> {
    let total: f64 = parts.iter().map(|(_, part)| part).sum();
    for (_, part) in &mut parts {
        *part /= total;
    }
    TargetWeights::new(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_examples() {
        let weights = inverse_variance(&[(3, 0.04), (1, 0.16)]).unwrap();
        assert_eq!(weights.entries(), [(1, 0.2), (3, 0.8)]);
        let weights = market_cap(&[(3, 3e12), (1, 1e12)]).unwrap();
        assert_eq!(weights.entries(), [(1, 0.25), (3, 0.75)]);
        assert!(market_cap(&[]).unwrap().is_empty());
        assert!(inverse_variance(&[]).unwrap().is_empty());
    }

    /// ERR-11: a figure that cannot be used says whose and what to do.
    #[test]
    fn err_11_bad_figures_teach() {
        for (error, text) in [
            (
                inverse_variance(&[(0, 0.1), (2, 0.0)]).unwrap_err(),
                "a variance must be above zero and finite (instrument = 2, variance = 0); \
                 hint: leave out an instrument whose price does not move",
            ),
            (
                market_cap(&[(2, f64::NAN)]).unwrap_err(),
                "a market value must be above zero and finite (instrument = 2, market_value = NaN); \
                 hint: leave out instruments whose market value is not known",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
        assert!(inverse_variance(&[(0, 1e-320)]).is_err());
        assert!(inverse_variance(&[(0, 0.1), (0, 0.1)]).is_err());
    }
}
