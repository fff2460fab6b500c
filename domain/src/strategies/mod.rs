//! Built-in strategies: ready implementations of [`Strategy`](crate::strategy::Strategy).
//!
//! | name | holds |
//! |---|---|
//! | `breakout` | what broke out of its range, the calmer the more: [`BreakoutInverseVolatility`] |
//! | `momentum` | the few with the highest past return: [`MomentumTopK`] |
//! | `mean_reversion` | what fell unusually far on unusual volume: [`MeanReversionLong`] |
//! | `volatility_factor` | the calm, against the wild if wanted: [`VolatilityFactor`] |
//! | `sma_cross` | each while its fast average is above its slow one, flat or short below: [`SmaCrossUnits`] |
//! | `periodic_weights` | everything, by a weighting method, renewed every so many bars: [`PeriodicWeights`] |
//! | `equal_weight` | the same of everything, a benchmark: [`EqualWeightHold`] |
//! | `sleeves` | what several of them want, each with its share: [`SleeveStrategy`] |
//!
//! [`DegradedInputs`] is none of them: it goes around any, and makes what it wants smaller where the data
//! are not those that were wanted.
//!
//! Each has a parameter struct with the usual defaults and is made for the instruments of an
//! account, all of which are its universe. Signals read the total-return index, so a split moves
//! nothing and a dividend counts. Work per bar is constant for each instrument.
//!
//! An instrument that is not listed, delisted or not warmed up is outside the universe: it takes no
//! part in ranks and weights. One that is listed and has no bar now (a hole, a halt, a closed
//! session) keeps its last signal and its last risk estimate, so that a late bar of one name never
//! moves the weights of the others.
//!
//! A saved state names the strategy, its parameters and its instruments; a restore refuses any
//! other, and changes nothing when it refuses.

mod breakout;
mod degraded_inputs;
mod eligibility;
mod equal_weight;
mod identity;
mod mean_reversion;
mod momentum;
mod periodic_weights;
mod sizing;
mod sleeves;
mod sma_cross;
#[cfg(test)]
mod trial;
mod volatility_factor;
mod window;

pub use breakout::{BreakoutInverseVolatility, BreakoutParameters};
pub use degraded_inputs::{DegradedInput, DegradedInputs};
pub use equal_weight::{EqualWeightHold, EqualWeightParameters};
pub use mean_reversion::{MeanReversionLong, MeanReversionParameters};
pub use momentum::{MomentumParameters, MomentumTopK, MomentumWeighting};
pub use periodic_weights::{PeriodicWeights, PeriodicWeightsParameters};
pub use sleeves::{Sleeve, SleeveStrategy};
pub use sma_cross::{Below, Entry, Sizing, SmaCrossParameters, SmaCrossUnits};
pub use volatility_factor::{VolatilityFactor, VolatilityFactorParameters, VolatilitySides};
