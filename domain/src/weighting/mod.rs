//! Weighting: how much of the capital each chosen instrument gets.
//!
//! A weight is a signed fraction of a sleeve's or account's equity; instruments are dense indices.
//! Sizing rules give one side (weights above zero that sum to 1), constraints keep it within bounds,
//! [`GrossMode`] joins two sides, [`combine`] joins sleeves, and [`drift`] says what is off target.
//!
//! Rules that look at risk take a covariance, which [`CovarianceEstimator`] makes of a
//! [`ReturnWindow`]. [`WeightingMethod`] names every rule, and [`weigh_with_fallback`] asks several.

pub mod active_set;
pub mod constraints;
pub mod covariance;
pub mod equal;
pub mod fallback;
pub mod gross_mode;
pub mod hierarchical;
pub mod inverse_volatility;
pub mod matrix;
pub mod method;
pub mod minimum_variance;
pub mod proportional;
pub mod return_window;
pub mod risk_parity;
pub mod target_weights;
pub mod volatility_target;

pub use active_set::{BoxSumProgram, MAX_KKT_RESIDUAL, Minimum};
pub use constraints::{cap_weights, limit_gross, scale_to_gross};
pub use covariance::{
    CovarianceEstimator, Shrunk, exponential_covariance, ledoit_wolf, sample_covariance,
};
pub use equal::equal;
pub use fallback::{Answered, weigh_with_fallback};
pub use gross_mode::GrossMode;
pub use hierarchical::hierarchical_risk_parity;
pub use inverse_volatility::{DEFAULT_MIN_VOL, inverse_volatility};
pub use matrix::{Cholesky, SymmetricMatrix};
pub use method::{WeightingInputs, WeightingMethod};
pub use minimum_variance::{
    diversification_ratio, maximum_diversification, minimum_variance, minimum_variance_long_only,
};
pub use proportional::{inverse_variance, market_cap};
pub use return_window::ReturnWindow;
pub use risk_parity::{risk_contributions, risk_parity};
pub use target_weights::{SUM_TOLERANCE, TargetWeights, combine, drift};
pub use volatility_target::VolatilityTarget;
