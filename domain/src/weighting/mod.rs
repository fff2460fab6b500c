//! Weighting: how much of the capital each chosen instrument gets.
//!
//! A weight is a signed fraction of a sleeve's or account's equity; instruments are dense indices.
//! Sizing rules give one side (weights above zero that sum to 1), constraints keep it within bounds,
//! [`GrossMode`] joins two sides, [`combine`] joins sleeves, and [`drift`] says what is off target.

pub mod constraints;
pub mod equal;
pub mod gross_mode;
pub mod inverse_volatility;
pub mod target_weights;

pub use constraints::{cap_weights, limit_gross, scale_to_gross};
pub use equal::equal;
pub use gross_mode::GrossMode;
pub use inverse_volatility::{DEFAULT_MIN_VOL, inverse_volatility};
pub use target_weights::{TargetWeights, combine, drift};
