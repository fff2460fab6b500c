//! A volatility target: the same mix, as much of it as the target allows.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::weighting::{SymmetricMatrix, TargetWeights};

/// How volatile a portfolio should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolatilityTarget {
    /// Wanted volatility a year, a fraction above zero: 0.15 is 15 %.
    pub annual: f64,
    /// The most the weights may be multiplied by, above zero; 1 never borrows.
    pub max_leverage: f64,
    /// Bars in a year.
    pub annualisation: f64,
}

impl VolatilityTarget {
    /// `weights × min(max_leverage, target / volatility)`, the rest in cash.
    ///
    /// The volatility is `√(w'Σw × annualisation)`; `covariance` is per bar and has a row for each
    /// weight, in index order. Weights without volatility are multiplied by `max_leverage`.
    ///
    /// # Errors
    /// When a setting is not above zero and finite, or sizes differ.
    pub fn apply(
        &self,
        weights: &TargetWeights,
        covariance: &SymmetricMatrix,
    ) -> Result<TargetWeights> {
        for (name, value) in [
            ("target volatility", self.annual),
            ("largest leverage", self.max_leverage),
            ("number of bars in a year", self.annualisation),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::signal(format!("the {name} must be above zero"))
                    .context("value", value)
                    .hint("0.15 is 15 % a year, leverage 1 never borrows, 252 days make a year"));
            }
        }
        if weights.len() != covariance.size() {
            return Err(Error::signal("the covariance needs a row for each weight")
                .context("weights", weights.len())
                .context("rows", covariance.size())
                .hint("estimate it from the returns of the weighted instruments"));
        }
        let list: Vec<f64> = weights.entries().iter().map(|(_, w)| *w).collect();
        // Rounding may leave the variance of a perfect hedge below zero.
        let variance = covariance.quadratic_form(&list).max(0.0);
        let volatility = (variance * self.annualisation).sqrt();
        let leverage = self.max_leverage.min(self.annual / volatility);
        weights.map(|w| w * leverage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_met_or_the_leverage_spent() {
        let covariance = SymmetricMatrix::from_rows(&[vec![0.01]]).unwrap();
        let weights = TargetWeights::new(vec![(3, 1.0)]).unwrap();
        let apply = |annual, max_leverage| {
            let target = VolatilityTarget {
                annual,
                max_leverage,
                annualisation: 4.0,
            };
            target.apply(&weights, &covariance).map(|w| w.net())
        };
        // 0.1 a bar is 0.2 a year of four bars.
        assert_eq!(apply(0.1, 1.0), Ok(0.5));
        assert_eq!(apply(0.4, 1.0), Ok(1.0));
        assert_eq!(apply(0.4, 3.0), Ok(2.0));
        let e = apply(0.0, 1.0).unwrap_err().to_string();
        assert!(
            e.starts_with("the target volatility must be above zero (value = 0)"),
            "{e}"
        );
        assert!(apply(0.1, f64::NAN).is_err());
        let still = SymmetricMatrix::from_rows(&[vec![0.0]]).unwrap();
        let target = VolatilityTarget {
            annual: 0.1,
            max_leverage: 2.0,
            annualisation: 252.0,
        };
        assert_eq!(
            target.apply(&weights, &still).unwrap().net().to_bits(),
            2.0_f64.to_bits()
        );
        let none = TargetWeights::default();
        let e = target.apply(&none, &still).unwrap_err().to_string();
        assert!(
            e.contains("a row for each weight (weights = 0, rows = 1)"),
            "{e}"
        );
    }
}
