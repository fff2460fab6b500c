//! An order as the exchange has it.

use crate::money::Quantity;
use crate::orders::{Intent, OrderReport, OrderStatus, OrderType, TimeInForce};
use crate::time::Timestamp;

/// An order as the exchange has it: what was asked for and what became of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueOrder {
    /// What was asked for; a split changes quantity and limit.
    pub intent: Intent,
    /// How much is executed, over all executions.
    pub filled: Quantity,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it begins to count, where quotes exist: its arrival and the latency.
    pub effective_at: Timestamp,
    /// Displayed size that trades before it, where quotes exist; `None` until its price was seen
    /// at the top of the book.
    pub ahead: Option<Quantity>,
    /// Whether it met the market and stayed: what it trades from now on it made.
    pub(super) rested: bool,
    /// Whether it took effect and met a quote.
    pub(super) entered: bool,
    /// The end of the session a day order works in, once that has begun.
    pub(super) session_close: Option<Timestamp>,
}

impl VenueOrder {
    pub(super) const fn new(intent: Intent, effective_at: Timestamp) -> Self {
        Self {
            rested: intent.post_only,
            intent,
            filled: Quantity::ZERO,
            status: OrderStatus::Accepted,
            effective_at,
            ahead: None,
            entered: false,
            session_close: None,
        }
    }

    /// What may still execute.
    pub fn open(&self) -> Quantity {
        self.intent.quantity - self.filled
    }

    /// The order as a venue shows it when asked.
    pub const fn report(&self) -> OrderReport {
        OrderReport {
            client_id: self.intent.client_id,
            instrument: self.intent.instrument,
            side: self.intent.side,
            status: self.status,
            filled: self.filled,
        }
    }

    /// Whether it trades in an auction and nowhere else.
    pub(super) const fn waits_for_auction(&self) -> bool {
        matches!(
            self.intent.time_in_force,
            TimeInForce::AtOpen | TimeInForce::AtClose
        )
    }

    /// Whether it can rest inside a bar.
    pub(super) const fn can_rest(&self) -> bool {
        matches!(self.intent.order_type, OrderType::Limit(_)) && !self.waits_for_auction()
    }
}
