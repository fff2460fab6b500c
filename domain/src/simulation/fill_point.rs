//! Where in a bar orders execute.

use serde::{Deserialize, Serialize};

use crate::market::Field;
use crate::orders::TimeInForce;

/// Where in a bar orders execute.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FillPoint {
    /// At the open of the bar after the decision. Needs opens.
    #[default]
    NextOpen,
    /// At the close of the bar after the decision.
    NextClose,
    /// At the close the decision saw: a research convention, for nobody can trade there.
    SameClose,
}

impl FillPoint {
    /// The price column executions take.
    pub const fn field(self) -> Field {
        match self {
            Self::NextOpen => Field::Open,
            Self::NextClose | Self::SameClose => Field::Close,
        }
    }

    /// The time in force of an order that waits for this point and no other.
    pub const fn time_in_force(self) -> TimeInForce {
        match self {
            Self::NextOpen => TimeInForce::AtOpen,
            Self::NextClose | Self::SameClose => TimeInForce::AtClose,
        }
    }

    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NextOpen => "next_open",
            Self::NextClose => "next_close",
            Self::SameClose => "same_close",
        }
    }

    /// The convention in words, for reports.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NextOpen => "orders fill at the next bar's open",
            Self::NextClose => "orders fill at the next bar's close",
            Self::SameClose => {
                "orders fill at the close the decision saw: a research convention that nobody can \
                 trade"
            }
        }
    }
}
