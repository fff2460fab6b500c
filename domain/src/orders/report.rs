//! An order as the venue shows it when asked.

use serde::{Deserialize, Serialize};

use super::id::ClientOrderId;
use super::intent::Side;
use super::status::OrderStatus;
use crate::instrument::InstrumentId;
use crate::money::Quantity;

/// An order as the venue has it at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReport {
    /// Our id.
    pub client_id: ClientOrderId,
    /// What it trades.
    pub instrument: InstrumentId,
    /// Our side.
    pub side: Side,
    /// Where it stands: `Accepted`, `PartiallyFilled`, `PendingCancel` or a final status.
    pub status: OrderStatus,
    /// How much of it is executed so far, over all its executions.
    pub filled: Quantity,
}
