//! The weighting methods by name, and what they are computed from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::weighting::{
    SymmetricMatrix, TargetWeights, VolatilityTarget, cap_weights, equal, hierarchical_risk_parity,
    inverse_variance, inverse_volatility, market_cap, maximum_diversification, minimum_variance,
    minimum_variance_long_only, risk_parity,
};

/// A way to weigh instruments. Its name is the one on the command line and in configs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightingMethod {
    /// [`equal()`].
    Equal,
    /// [`inverse_volatility()`] without a floor.
    InverseVol,
    /// [`inverse_volatility()`], then [`cap_weights`].
    InverseVolCapped,
    /// [`inverse_volatility()`], then [`VolatilityTarget::apply`].
    InverseVolVolTarget,
    /// [`inverse_variance`].
    InverseVariance,
    /// [`minimum_variance_long_only`] without a cap.
    MinVarianceLongOnly,
    /// [`minimum_variance_long_only`] with a cap.
    MinVarianceCapped,
    /// [`minimum_variance()`].
    MinVarianceUnconstrained,
    /// [`risk_parity()`].
    RiskParityErc,
    /// [`hierarchical_risk_parity`].
    HrpSingle,
    /// [`maximum_diversification`].
    MaxDiversificationLongOnly,
    /// [`market_cap`].
    MarketCap,
}

impl WeightingMethod {
    /// All methods, in the order they are listed to users.
    pub const ALL: [Self; 12] = [
        Self::Equal,
        Self::InverseVol,
        Self::InverseVolCapped,
        Self::InverseVolVolTarget,
        Self::InverseVariance,
        Self::MinVarianceLongOnly,
        Self::MinVarianceCapped,
        Self::MinVarianceUnconstrained,
        Self::RiskParityErc,
        Self::HrpSingle,
        Self::MaxDiversificationLongOnly,
        Self::MarketCap,
    ];

    /// Its name, in snake_case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::InverseVol => "inverse_vol",
            Self::InverseVolCapped => "inverse_vol_capped",
            Self::InverseVolVolTarget => "inverse_vol_vol_target",
            Self::InverseVariance => "inverse_variance",
            Self::MinVarianceLongOnly => "min_variance_long_only",
            Self::MinVarianceCapped => "min_variance_capped",
            Self::MinVarianceUnconstrained => "min_variance_unconstrained",
            Self::RiskParityErc => "risk_parity_erc",
            Self::HrpSingle => "hrp_single",
            Self::MaxDiversificationLongOnly => "max_diversification_long_only",
            Self::MarketCap => "market_cap",
        }
    }

    /// The weights.
    ///
    /// # Errors
    /// When an input the method needs is absent (the stored error, where the covariance could not
    /// be estimated), or as the method's function.
    pub fn weigh(self, inputs: &WeightingInputs) -> Result<TargetWeights> {
        let instruments = &inputs.instruments;
        match self {
            Self::Equal => equal(instruments),
            Self::InverseVol => inputs.by_volatility(),
            Self::InverseVolCapped => cap_weights(&inputs.by_volatility()?, inputs.cap(self)?),
            Self::InverseVolVolTarget => {
                let Some(target) = inputs.volatility_target else {
                    return Err(needs(self, "a target volatility"));
                };
                let weights = inputs.by_volatility()?;
                // Weights are in index order, and so must be the rows.
                let mut order: Vec<usize> = (0..instruments.len()).collect();
                order.sort_by_key(|&at| instruments[at]);
                target.apply(&weights, &inputs.covariance()?.sub_matrix(&order))
            }
            Self::InverseVariance => {
                let variances = inputs.covariance()?.diagonal();
                inverse_variance(&inputs.by_instrument(&variances))
            }
            Self::MinVarianceLongOnly => {
                minimum_variance_long_only(instruments, inputs.covariance()?, 1.0)
            }
            Self::MinVarianceCapped => {
                let cap = inputs.cap(self)?;
                minimum_variance_long_only(instruments, inputs.covariance()?, cap)
            }
            Self::MinVarianceUnconstrained => minimum_variance(instruments, inputs.covariance()?),
            Self::RiskParityErc => risk_parity(instruments, inputs.covariance()?),
            Self::HrpSingle => hierarchical_risk_parity(instruments, inputs.covariance()?),
            Self::MaxDiversificationLongOnly => {
                maximum_diversification(instruments, inputs.covariance()?)
            }
            Self::MarketCap => match &inputs.market_values {
                Some(values) if values.len() == instruments.len() => {
                    market_cap(&inputs.by_instrument(values))
                }
                _ => Err(needs(self, "a market value for each instrument")),
            },
        }
    }
}

fn needs(method: WeightingMethod, what: &str) -> Error {
    Error::signal(format!("{method} needs {what}")).hint("give it, or ask for another method")
}

impl fmt::Display for WeightingMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for WeightingMethod {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|method| method.name() == text);
        found.ok_or_else(|| {
            Error::config(format!("there is no weighting method '{text}'"))
                .context("available", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// What weights are computed from. A method that needs something absent refuses.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightingInputs {
    /// The instruments, each once.
    pub instruments: Vec<usize>,
    /// The covariance per bar with a row for each instrument, in the same order, or why there is
    /// none.
    pub covariance: Result<SymmetricMatrix>,
    /// The market value of each instrument, in the same order and one currency.
    pub market_values: Option<Vec<f64>>,
    /// The largest weight of one instrument, for the capped methods.
    pub cap: Option<f64>,
    /// For [`WeightingMethod::InverseVolVolTarget`].
    pub volatility_target: Option<VolatilityTarget>,
}

impl WeightingInputs {
    /// Instruments and their covariance, nothing else.
    pub fn new(instruments: Vec<usize>, covariance: Result<SymmetricMatrix>) -> Self {
        Self {
            instruments,
            covariance,
            market_values: None,
            cap: None,
            volatility_target: None,
        }
    }

    fn covariance(&self) -> Result<&SymmetricMatrix> {
        let covariance = self.covariance.as_ref().map_err(Clone::clone)?;
        if covariance.size() != self.instruments.len() {
            return Err(
                Error::signal("the covariance needs a row for each instrument")
                    .context("instruments", self.instruments.len())
                    .context("rows", covariance.size())
                    .hint("estimate it from the returns of the same instruments"),
            );
        }
        Ok(covariance)
    }

    fn cap(&self, method: WeightingMethod) -> Result<f64> {
        self.cap.ok_or_else(|| needs(method, "a cap"))
    }

    fn by_instrument(&self, values: &[f64]) -> Vec<(usize, f64)> {
        self.instruments
            .iter()
            .copied()
            .zip(values.iter().copied())
            .collect()
    }

    /// Inverse-volatility weights without a floor, as defined; what does not move is refused.
    fn by_volatility(&self) -> Result<TargetWeights> {
        let (_, deviations) = self.covariance()?.to_correlation()?;
        let vols = self
            .instruments
            .iter()
            .copied()
            .zip(deviations.into_iter().map(Some));
        inverse_volatility(&vols.collect::<Vec<_>>(), f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weighting::{CovarianceEstimator, ReturnWindow};

    #[test]
    fn names_are_read_back() {
        for method in WeightingMethod::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
        }
    }

    /// ERR-11: an unknown method lists the known ones, an absent input is named.
    #[test]
    fn err_11_absent_inputs_teach() {
        let e = "hrp".parse::<WeightingMethod>().unwrap_err().to_string();
        assert!(
            e.contains("no weighting method 'hrp' (available = equal, inverse_vol,"),
            "{e}"
        );
        let one = SymmetricMatrix::from_rows(&[vec![1.0]]);
        let inputs = WeightingInputs::new(vec![0], one);
        for (method, text) in [
            (
                WeightingMethod::InverseVolCapped,
                "inverse_vol_capped needs a cap; hint: give it",
            ),
            (
                WeightingMethod::InverseVolVolTarget,
                "needs a target volatility",
            ),
            (
                WeightingMethod::MarketCap,
                "needs a market value for each instrument",
            ),
        ] {
            let e = method.weigh(&inputs).unwrap_err().to_string();
            assert!(e.contains(text), "{e}");
        }
        let e = Error::missing("no closes");
        let inputs = WeightingInputs::new(vec![0], Err(e.clone()));
        assert_eq!(WeightingMethod::HrpSingle.weigh(&inputs), Err(e));
        assert!(WeightingMethod::Equal.weigh(&inputs).is_ok());
    }

    fn inputs(columns: &[Vec<f64>], instruments: &[usize]) -> WeightingInputs {
        let returns = ReturnWindow::new(columns.to_vec()).unwrap();
        let covariance = CovarianceEstimator::LedoitWolf.estimate(&returns);
        WeightingInputs {
            market_values: Some(instruments.iter().map(|i| (i + 1) as f64).collect()),
            cap: Some(0.5),
            volatility_target: Some(VolatilityTarget {
                annual: 0.1,
                max_leverage: 1.0,
                annualisation: 252.0,
            }),
            ..WeightingInputs::new(instruments.to_vec(), covariance)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// WGT-04: each method of the list gives a full allocation (the volatility target at most
        /// that) without shorts (but for the one that allows them) and within its cap; the order of
        /// the instruments plays no part (but for the tree), nor does the size of all returns.
        #[test]
        fn wgt_04_each_method_allocates_fully_whatever_the_order(
            values in prop::collection::vec(-0.1_f64..0.1, 60),
            n in 2_usize..=6,
            turn in 1_usize..6,
        ) {
            let columns: Vec<Vec<f64>> = values.chunks(10).take(n).map(<[f64]>::to_vec).collect();
            let instruments: Vec<usize> = (0..n).collect();
            let plain = inputs(&columns, &instruments);
            let (mut turned_columns, mut turned) = (columns.clone(), instruments);
            turned_columns.rotate_left(turn % n);
            turned.rotate_left(turn % n);
            let turned = inputs(&turned_columns, &turned);
            let halved: Vec<Vec<f64>> =
                columns.iter().map(|c| c.iter().map(|r| r * 0.5).collect()).collect();
            let halved = inputs(&halved, &plain.instruments);
            for method in WeightingMethod::ALL {
                let weights = method.weigh(&plain).unwrap();
                prop_assert_eq!(weights.len(), n);
                let targets = method == WeightingMethod::InverseVolVolTarget;
                let full = (weights.net() - 1.0).abs() < 1e-12;
                prop_assert!(full || targets && weights.net() < 1.0, "{} {:?}", method, weights);
                let shorts = method == WeightingMethod::MinVarianceUnconstrained;
                let capped = matches!(
                    method,
                    WeightingMethod::InverseVolCapped | WeightingMethod::MinVarianceCapped
                );
                let most = if capped { 0.5 } else { 1.0 };
                for (i, w) in weights.entries() {
                    prop_assert!(shorts || (0.0..=most).contains(w), "{} {} {}", method, i, w);
                }
                let mut others = vec![];
                if method != WeightingMethod::HrpSingle {
                    others.push(method.weigh(&turned).unwrap());
                }
                if !targets {
                    others.push(method.weigh(&halved).unwrap());
                }
                for other in others {
                    for (&(i, a), &(j, b)) in weights.entries().iter().zip(other.entries()) {
                        prop_assert_eq!(i, j);
                        prop_assert!((a - b).abs() < 1e-8, "{} {}: {} {}", method, i, a, b);
                    }
                }
            }
        }
    }
}
