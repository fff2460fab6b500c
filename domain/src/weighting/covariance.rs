//! Covariance estimators: sample, Ledoit–Wolf and exponentially weighted.

use crate::error::{Error, Result};
use crate::weighting::matrix::dot;
use crate::weighting::{ReturnWindow, SymmetricMatrix};

/// How a covariance is estimated from returns. All are per bar.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum CovarianceEstimator {
    /// [`sample_covariance`].
    #[default]
    Sample,
    /// [`ledoit_wolf`].
    LedoitWolf,
    /// [`exponential_covariance`].
    Exponential {
        /// What a return weighs against the next newer one, above 0 and below 1.
        decay: f64,
    },
}

impl CovarianceEstimator {
    /// The covariance of `returns`.
    ///
    /// # Errors
    /// As the function of the estimator.
    pub fn estimate(self, returns: &ReturnWindow) -> Result<SymmetricMatrix> {
        match self {
            Self::Sample => Ok(sample_covariance(returns)),
            Self::LedoitWolf => Ok(ledoit_wolf(returns).covariance),
            Self::Exponential { decay } => exponential_covariance(returns, decay),
        }
    }
}

/// Sum of products of deviations from the means, by `rows − 1` (ddof 1).
pub fn sample_covariance(returns: &ReturnWindow) -> SymmetricMatrix {
    scatter(returns, (returns.rows() - 1) as f64)
}

fn scatter(returns: &ReturnWindow, divisor: f64) -> SymmetricMatrix {
    let centred = returns.centred();
    SymmetricMatrix::from_fn(centred.len(), |i, j| {
        dot(&centred[i], &centred[j]) / divisor
    })
}

/// A covariance pulled towards a multiple of the identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk {
    /// `(1 − shrinkage) S + shrinkage μ I`, with `S` by `rows` (ddof 0) and `μ` its mean variance.
    pub covariance: SymmetricMatrix,
    /// How far it was pulled: 0 not at all, 1 all the way.
    pub shrinkage: f64,
}

/// The covariance with the shrinkage that minimises the expected squared error.
///
/// Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
/// Journal of Multivariate Analysis 88 (2004): centred returns, population scaling (ddof 0), target
/// `μ I`. The result is positive definite unless no price moves, also with fewer rows than
/// instruments.
pub fn ledoit_wolf(returns: &ReturnWindow) -> Shrunk {
    let rows = returns.rows() as f64;
    let sample = scatter(returns, rows);
    let size = sample.size();
    let count = size as f64;
    let mean_variance = sample.diagonal().iter().sum::<f64>() / count;
    // ‖S‖² and the mean over the rows of ‖x x'‖² = (x'x)², both by elements.
    let mut norm = 0.0;
    for i in 0..size {
        for j in 0..size {
            norm += sample.get(i, j) * sample.get(i, j);
        }
    }
    let centred = returns.centred();
    let mut fourth = 0.0;
    for row in 0..returns.rows() {
        let square: f64 = centred.iter().map(|column| column[row] * column[row]).sum();
        fourth += square * square;
    }
    let distance = (norm - count * mean_variance * mean_variance) / count;
    let error = ((fourth / rows - norm) / (rows * count)).min(distance);
    // A distance of zero, up to rounding, is a sample that already has the target's shape.
    let shrinkage = if error > 0.0 && distance > 0.0 {
        error / distance
    } else {
        0.0
    };
    let covariance = SymmetricMatrix::from_fn(size, |i, j| {
        let target = if i == j { mean_variance } else { 0.0 };
        (1.0 - shrinkage) * sample.get(i, j) + shrinkage * target
    });
    Shrunk {
        covariance,
        shrinkage,
    }
}

/// The RiskMetrics covariance: products of returns, mean taken as zero, newest weighing most.
///
/// `Σ_k λ^k r_{T−k} r'_{T−k} / Σ_k λ^k` with the decay λ; the weights sum to 1 over the window, so a
/// short window is not biased low. RiskMetrics' daily decay is 0.94.
///
/// # Errors
/// When `decay` is not above 0 and below 1.
pub fn exponential_covariance(returns: &ReturnWindow, decay: f64) -> Result<SymmetricMatrix> {
    if !(decay > 0.0 && decay < 1.0) {
        return Err(Error::signal("a decay lies above 0 and below 1")
            .context("decay", decay)
            .hint("0.94 is usual for days; nearer to 1 remembers longer"));
    }
    let rows = returns.rows();
    let mut weights = vec![1.0; rows];
    for row in (0..rows - 1).rev() {
        weights[row] = weights[row + 1] * decay;
    }
    let total: f64 = weights.iter().sum();
    let columns = returns.columns();
    Ok(SymmetricMatrix::from_fn(columns.len(), |i, j| {
        let products = columns[i].iter().zip(&columns[j]).zip(&weights);
        products.map(|((a, b), w)| a * b * w).sum::<f64>() / total
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(columns: &[&[f64]]) -> ReturnWindow {
        ReturnWindow::new(columns.iter().map(|c| c.to_vec()).collect()).unwrap()
    }

    #[test]
    fn estimates_of_a_worked_example() {
        let w = window(&[&[0.01, 0.03], &[0.04, -0.02]]);
        let sample = CovarianceEstimator::Sample.estimate(&w).unwrap();
        for (i, j, want) in [(0, 0, 2e-4), (0, 1, -6e-4), (1, 1, 18e-4)] {
            assert!((sample.get(i, j) - want).abs() < 1e-17, "{i} {j}");
        }
        let half = CovarianceEstimator::Exponential { decay: 0.5 };
        let ew = half.estimate(&w).unwrap();
        // (0.5 × 0.01 × 0.04 − 0.03 × 0.02) / 1.5
        assert!((ew.get(0, 1) + 4e-4 / 1.5).abs() < 1e-17);
        assert!(exponential_covariance(&w, 1.0).is_err());
        let e = exponential_covariance(&w, f64::NAN).unwrap_err();
        assert!(
            e.to_string().contains("above 0 and below 1 (decay = NaN)"),
            "{e}"
        );
    }

    proptest! {
        /// Shrinking keeps the total variance, and makes fewer rows than instruments usable.
        #[test]
        fn shrinkage_keeps_the_trace_and_is_definite(
            values in prop::collection::vec(-0.1_f64..0.1, 24),
        ) {
            let columns = values.chunks(4).map(<[f64]>::to_vec).collect();
            let w = ReturnWindow::new(columns).unwrap();
            let shrunk = ledoit_wolf(&w);
            prop_assert!((0.0..=1.0).contains(&shrunk.shrinkage));
            let trace = |m: &SymmetricMatrix| m.diagonal().iter().sum::<f64>();
            let sample = trace(&sample_covariance(&w)) * 3.0 / 4.0;
            prop_assert!((trace(&shrunk.covariance) - sample).abs() < 1e-12 * sample);
            prop_assert!(sample_covariance(&w).cholesky().is_err());
            if shrunk.shrinkage > 1e-6 {
                prop_assert!(shrunk.covariance.cholesky().is_ok());
            }
        }
    }
}
