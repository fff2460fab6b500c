//! A run beside its benchmark: what was market, what was own.

use serde::Serialize;

use super::defined;
use super::moments::{mean, standard_deviation, sum, usable_deviation};
use crate::error::{Error, Result};

/// How a return series relates to a benchmark's. Risk-free rate zero; `None` where undefined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BenchmarkComparison {
    /// Number of paired returns.
    pub n: usize,
    /// Pearson correlation of the two series, from -1 to 1.
    pub correlation: Option<f64>,
    /// Slope of the run's returns on the benchmark's: covariance over the benchmark's variance.
    pub beta: Option<f64>,
    /// `(mean - beta · benchmark mean) · annualisation`.
    pub alpha: Option<f64>,
    /// `mean of the differences · annualisation`.
    pub active_return: Option<f64>,
    /// Standard deviation (ddof 1) of the differences, times `sqrt(annualisation)`.
    pub tracking_error: Option<f64>,
    /// `active_return / tracking_error`.
    pub information_ratio: Option<f64>,
}

/// Compares `returns` with `benchmark`, bar by bar.
///
/// # Errors
/// `DataValidation` when the two series differ in length.
pub fn compare_to_benchmark(
    returns: &[f64],
    benchmark: &[f64],
    annualisation: f64,
) -> Result<BenchmarkComparison> {
    if returns.len() != benchmark.len() {
        return Err(
            Error::validation("a run and its benchmark must have the same bars")
                .context("returns", returns.len())
                .context("benchmark", benchmark.len())
                .hint("align both series to the run's bars before comparing"),
        );
    }
    let differences: Vec<f64> = returns.iter().zip(benchmark).map(|(r, b)| r - b).collect();
    let beta = beta(returns, benchmark);
    let alpha =
        beta.and_then(|beta| defined((mean(returns)? - beta * mean(benchmark)?) * annualisation));
    let active_return = mean(&differences).and_then(|m| defined(m * annualisation));
    let tracking_error =
        standard_deviation(&differences).and_then(|s| defined(s * annualisation.sqrt()));
    let information_ratio =
        usable_deviation(&differences).and_then(|_| defined(active_return? / tracking_error?));
    Ok(BenchmarkComparison {
        n: returns.len(),
        correlation: correlation(returns, benchmark),
        beta,
        alpha,
        active_return,
        tracking_error,
        information_ratio,
    })
}

/// Σ (a - mean a)(b - mean b).
fn comoment(a: &[f64], b: &[f64]) -> Option<f64> {
    let (centre_a, centre_b) = (mean(a)?, mean(b)?);
    let products = a
        .iter()
        .zip(b)
        .map(|(x, y)| (x - centre_a) * (y - centre_b));
    defined(sum(products))
}

fn beta(returns: &[f64], benchmark: &[f64]) -> Option<f64> {
    usable_deviation(benchmark)?;
    defined(comoment(returns, benchmark)? / comoment(benchmark, benchmark)?)
}

fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    usable_deviation(a)?;
    usable_deviation(b)?;
    let scale = (comoment(a, a)? * comoment(b, b)?).sqrt();
    defined(comoment(a, b)? / scale).map(|c| c.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: Option<f64>, expected: f64) {
        let got = got.unwrap();
        assert!((got - expected).abs() < 1e-14, "{got} is not {expected}");
    }

    #[test]
    fn a_levered_benchmark_with_a_bonus_is_taken_apart() {
        let benchmark = [0.01, -0.02, 0.03, 0.0];
        let returns = benchmark.map(|b| 2.0 * b + 0.001);
        let c = compare_to_benchmark(&returns, &benchmark, 252.0).unwrap();
        close(c.beta, 2.0);
        close(c.correlation, 1.0);
        close(c.alpha, 0.252);
        // The differences are benchmark + 0.001: mean 0.006, squares about 0.005 sum to 0.0013.
        let deviation = (0.0013_f64 / 3.0).sqrt();
        close(c.active_return, 0.006 * 252.0);
        close(c.tracking_error, deviation * 252.0_f64.sqrt());
        close(c.information_ratio, 0.006 / deviation * 252.0_f64.sqrt());
    }

    #[test]
    fn a_hand_regression() {
        // Deviations from the means: (-1, 0, 1) and (-1, 1, 0) hundredths.
        let c = compare_to_benchmark(&[0.01, 0.02, 0.03], &[0.0, 0.02, 0.01], 1.0).unwrap();
        close(c.beta, 0.5);
        close(c.correlation, 0.5);
        close(c.alpha, 0.015);
    }

    #[test]
    fn the_benchmark_against_itself_has_no_information_ratio() {
        let b = [0.01, -0.02, 0.03];
        let c = compare_to_benchmark(&b, &b, 252.0).unwrap();
        close(c.beta, 1.0);
        close(c.tracking_error, 0.0);
        assert_eq!(c.information_ratio, None);
        let c = compare_to_benchmark(&b, &[0.0; 3], 252.0).unwrap();
        assert_eq!((c.beta, c.alpha, c.correlation), (None, None, None));
        assert_eq!(compare_to_benchmark(&[], &[], 252.0).unwrap().beta, None);
    }

    #[test]
    fn unpaired_series_are_refused() {
        let e = compare_to_benchmark(&[0.1], &[0.1, 0.2], 252.0).unwrap_err();
        assert!(e.to_string().contains("benchmark = 2"), "{e}");
    }
}
