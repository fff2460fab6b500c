//! What we want from a venue, before it has been judged or sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{ClientOrderId, OrderId};
use crate::instrument::InstrumentId;
use crate::money::{Price, Quantity};
use crate::time::Timestamp;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Raises the position.
    Buy,
    /// Lowers the position.
    Sell,
}

impl Side {
    /// The side that changes a position by `delta`.
    pub const fn of(delta: Quantity) -> Self {
        if delta.is_negative() {
            Self::Sell
        } else {
            Self::Buy
        }
    }

    /// `quantity` (a magnitude) as a signed change of the position.
    #[must_use]
    pub fn signed(self, quantity: Quantity) -> Quantity {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }

    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the price is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderType {
    /// Any price.
    Market,
    /// This price or better.
    Limit(Price),
}

/// How long an order works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until the session ends.
    Day,
    /// At once or not at all; what is left is canceled.
    Ioc,
    /// Until canceled.
    Gtc,
    /// In the opening auction only.
    AtOpen,
    /// In the closing auction only.
    AtClose,
}

/// Why an order exists. Each cause is used once, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A strategy's decision at a slot.
    Slot(Timestamp),
    /// A risk rule acted by itself; its sequence number.
    RiskAction(u64),
    /// A person asked; the command's sequence number.
    Operator(u64),
}

/// An order we want: judged by risk, made durable, and only then sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Intent {
    /// Our sequential number.
    pub id: OrderId,
    /// The id the venue sees.
    pub client_id: ClientOrderId,
    /// What to trade.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much, a positive magnitude in whole lots.
    pub quantity: Quantity,
    /// How the price is found.
    pub order_type: OrderType,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// Must not trade at once.
    pub post_only: bool,
    /// Must not increase or flip the position.
    pub reduce_only: bool,
}

impl Intent {
    /// The signed change of the position if it fills completely.
    pub fn delta(&self) -> Quantity {
        self.side.signed(self.quantity)
    }
}
