//! The account as a venue shows it when asked: the input of reconciliation.

use serde::{Deserialize, Serialize};

use super::input::Fact;
use crate::instrument::{AssetId, InstrumentId};
use crate::money::{Cash, Quantity};
use crate::orders::{ClientOrderId, Fill, OrderReport, Side};
use crate::time::Timestamp;

/// What to ask the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// What became of one order. Answered by [`Fact::Reported`] or [`Fact::NotFound`].
    Order(InstrumentId, ClientOrderId),
    /// The whole account. Answered by a [`VenueReport`].
    Account {
        /// Executions and events of the account are listed from this instant on.
        since: Timestamp,
    },
}

/// An open order that carries none of our ids: placed by hand or by another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalOrder {
    /// What it trades.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// What of it may still execute.
    pub open: Quantity,
}

/// Everything a venue shows of the account, consistent at one instant.
///
/// A report may be stale, may arrive twice, and may come after facts it does not contain. The lists
/// may be in any order; the result of reconciling is the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VenueReport {
    /// What happened at the venue up to here is in it, and nothing later. The venue's clock.
    pub as_of: Timestamp,
    /// Executions and events are listed from here on.
    pub since: Timestamp,
    /// Open orders with ids of our installation, also those we do not know.
    pub orders: Vec<OrderReport>,
    /// Open orders that are not ours.
    pub external: Vec<ExternalOrder>,
    /// Our executions.
    pub fills: Vec<Fill>,
    /// Events of the account: dividends, splits, funding, adjustments.
    pub events: Vec<Fact>,
    /// Positions that are not zero.
    pub positions: Vec<(InstrumentId, Quantity)>,
    /// Balances that are not zero.
    pub cash: Vec<(AssetId, Cash)>,
}
