//! How much worse than the market an execution is.

use serde::{Deserialize, Serialize};

use crate::money::{Price, Rate};
use crate::orders::Side;

/// The distance between the market's price and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlippageModel {
    /// A share of the price, rounded against us to the instrument's price scale.
    Proportional(Rate),
}

impl SlippageModel {
    /// The price at which `side` executes when the market is at `price`.
    #[must_use]
    pub fn worsen(self, price: Price, side: Side) -> Price {
        match self {
            Self::Proportional(rate) => price.worsened(rate, side == Side::Buy),
        }
    }

    /// The same model at `factor` times the distance.
    #[must_use]
    pub const fn times(self, factor: i64) -> Self {
        match self {
            Self::Proportional(rate) => Self::Proportional(rate.times(factor)),
        }
    }
}
