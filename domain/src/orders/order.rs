//! An intent and what is known of it: a monotone join of venue facts.

use serde::{Deserialize, Serialize};

use super::fill::{Fill, TradeId};
use super::intent::Intent;
use super::status::OrderStatus;
use crate::money::{Cash, Quantity};

/// What a fact changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Something new was learnt.
    Changed,
    /// The fact was known already or says less than what is known.
    Known,
}

/// An intent with its status, executions and reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What was wanted.
    pub intent: Intent,
    status: OrderStatus,
    filled: Quantity,
    first_trade: Option<TradeId>,
    /// Empty for an order with one execution, so the usual order allocates nothing.
    more_trades: Vec<TradeId>,
    /// Cash set aside for what is not yet executed.
    pub(crate) reserved_cash: Cash,
    /// Whether its plan has stopped waiting for it.
    pub(crate) settled: bool,
}

impl Order {
    /// An order in `status`, nothing executed.
    pub(crate) const fn new(intent: Intent, status: OrderStatus) -> Self {
        Self {
            intent,
            status,
            filled: Quantity::ZERO,
            first_trade: None,
            more_trades: Vec::new(),
            reserved_cash: Cash::ZERO,
            settled: status.is_final(),
        }
    }

    /// Where the order stands.
    pub const fn status(&self) -> OrderStatus {
        self.status
    }

    /// How much is executed.
    pub const fn filled(&self) -> Quantity {
        self.filled
    }

    /// How much is not executed; never below zero, also after an overfill.
    pub fn remaining(&self) -> Quantity {
        (self.intent.quantity - self.filled).max(Quantity::ZERO)
    }

    /// What may still change the position: nothing once final, all of it while Unknown.
    pub fn open_quantity(&self) -> Quantity {
        if self.status.is_final() {
            Quantity::ZERO
        } else {
            self.remaining()
        }
    }

    /// Moves the status forward. A final status never changes by this.
    pub(crate) fn advance(&mut self, to: OrderStatus) -> Applied {
        if self.status.is_final() || to <= self.status {
            return Applied::Known;
        }
        self.status = to;
        Applied::Changed
    }

    /// Books an execution once. Late executions of a final order are booked as well: what the
    /// venue says happened, happened.
    pub(crate) fn execute(&mut self, fill: &Fill) -> Applied {
        if self.first_trade == Some(fill.trade_id) || self.more_trades.contains(&fill.trade_id) {
            return Applied::Known;
        }
        if self.first_trade.is_none() {
            self.first_trade = Some(fill.trade_id);
        } else {
            self.more_trades.push(fill.trade_id);
        }
        self.filled += fill.quantity;
        if self.filled >= self.intent.quantity {
            self.status = OrderStatus::Filled;
        } else if !self.status.is_final() {
            self.status = self.status.max(OrderStatus::PartiallyFilled);
        }
        Applied::Changed
    }

    /// A split changes what the order still means, as the venue changes it.
    pub(crate) fn rescale(&mut self, rescale: impl Fn(Quantity) -> Quantity) {
        let remaining = rescale(self.remaining());
        self.filled = rescale(self.filled);
        self.intent.quantity = self.filled + remaining;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::{AssetId, InstrumentId};
    use crate::money::Price;
    use crate::orders::{ClientOrderId, OrderId, OrderType, Side, TimeInForce};
    use crate::time::Timestamp;

    fn intent() -> Intent {
        Intent {
            id: OrderId(0),
            client_id: ClientOrderId::default(),
            instrument: InstrumentId(0),
            side: Side::Buy,
            quantity: Quantity::from_units(10),
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
            post_only: false,
            reduce_only: false,
        }
    }

    fn fill(id: u128, quantity: i64) -> Fill {
        Fill {
            time: Timestamp::EPOCH,
            client_id: ClientOrderId::default(),
            trade_id: TradeId(id),
            instrument: InstrumentId(0),
            side: Side::Buy,
            quantity: Quantity::from_units(quantity),
            price: Price::from_units(1),
            fee: Cash::ZERO,
            fee_asset: AssetId::BASE,
        }
    }

    #[derive(Clone, Copy)]
    enum Fact {
        Status(OrderStatus),
        Fill(u128, i64),
    }

    /// Every permutation of the same facts, with repetitions, ends in the same order.
    #[test]
    fn facts_join_in_any_order_and_any_number() {
        use OrderStatus::{Accepted, Filled, Unknown};
        let facts = [
            Fact::Status(Unknown),
            Fact::Status(Accepted),
            Fact::Fill(1, 4),
            Fact::Fill(2, 6),
        ];
        let mut order = [0, 1, 2, 3];
        let mut seen = 0;
        permute(&mut order, 0, &mut |p| {
            let mut o = Order::new(intent(), OrderStatus::Sent);
            for i in p.iter().chain(p) {
                match facts[*i] {
                    Fact::Status(s) => o.advance(s),
                    Fact::Fill(id, q) => o.execute(&fill(id, q)),
                };
            }
            assert_eq!((o.status(), o.filled().units()), (Filled, 10));
            seen += 1;
        });
        assert_eq!(seen, 24);
    }

    fn permute(items: &mut [usize; 4], from: usize, visit: &mut impl FnMut(&[usize; 4])) {
        if from == items.len() {
            return visit(items);
        }
        for i in from..items.len() {
            items.swap(from, i);
            permute(items, from + 1, visit);
            items.swap(from, i);
        }
    }

    #[test]
    fn a_final_order_stays_final_but_books_late_fills() {
        let mut o = Order::new(intent(), OrderStatus::Sent);
        assert_eq!(o.advance(OrderStatus::Canceled), Applied::Changed);
        assert_eq!(o.advance(OrderStatus::Accepted), Applied::Known);
        assert_eq!(o.execute(&fill(1, 3)), Applied::Changed);
        assert_eq!((o.status(), o.filled().units()), (OrderStatus::Canceled, 3));
        assert_eq!(o.open_quantity(), Quantity::ZERO);
        assert_eq!(o.execute(&fill(1, 3)), Applied::Known);
    }
}
