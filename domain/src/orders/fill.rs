//! One execution as the venue reports it.

use serde::{Deserialize, Serialize};

use super::id::ClientOrderId;
use super::intent::Side;
use crate::instrument::{AssetId, InstrumentId};
use crate::money::{Cash, Price, Quantity};
use crate::time::Timestamp;

/// The venue's id of a trade, unique within account and instrument. Venues with text ids are
/// mapped by their adapter onto 128 bits of a hash.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TradeId(pub u128);

/// An execution. Booked exactly once, by its trade id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fill {
    /// When the venue executed it.
    pub time: Timestamp,
    /// The order it belongs to.
    pub client_id: ClientOrderId,
    /// The venue's id of this trade.
    pub trade_id: TradeId,
    /// What was traded.
    pub instrument: InstrumentId,
    /// Our side.
    pub side: Side,
    /// How much, a positive magnitude.
    pub quantity: Quantity,
    /// At what price.
    pub price: Price,
    /// What it cost, positive when we pay.
    pub fee: Cash,
    /// The asset the fee is paid in.
    pub fee_asset: AssetId,
}

impl Fill {
    /// The signed change of the position.
    pub fn delta(&self) -> Quantity {
        self.side.signed(self.quantity)
    }
}
