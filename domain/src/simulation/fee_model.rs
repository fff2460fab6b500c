//! What the venue charges for an execution.

use serde::{Deserialize, Serialize};

use crate::money::{Cash, Rate};

/// A fee of each execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeModel {
    /// A share of the notional, rounded up to the asset's smallest unit.
    Proportional(Rate),
}

impl FeeModel {
    /// The fee on an execution worth `notional`.
    pub const fn fee(self, notional: Cash) -> Cash {
        match self {
            Self::Proportional(rate) => notional.fee(rate),
        }
    }

    /// The same model at `factor` times the cost.
    #[must_use]
    pub const fn times(self, factor: i64) -> Self {
        match self {
            Self::Proportional(rate) => Self::Proportional(rate.times(factor)),
        }
    }
}
