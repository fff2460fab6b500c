//! An intent and what is known of it: a monotone join of venue facts.

use serde::{Deserialize, Serialize};

use super::fill::{Fill, TradeId};
use super::intent::Intent;
use super::status::OrderStatus;
use crate::money::{Cash, Quantity};
use crate::time::Timestamp;

/// What a fact changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Something new was learnt.
    Changed,
    /// The fact was known already or says less than what is known.
    Known,
}

/// What taking an execution back changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voided {
    /// It had been booked.
    Booked,
    /// It had not been seen, and will never be booked.
    Unseen,
    /// It was taken back before.
    Again,
}

/// An intent with its status, executions and reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What was wanted.
    pub intent: Intent,
    status: OrderStatus,
    /// Executed and not taken back.
    filled: Quantity,
    /// Executed and taken back.
    taken_back: Quantity,
    /// How much the venue says is executed, where it says more than the executions we know.
    reported: Quantity,
    first_trade: Option<TradeId>,
    /// Empty for an order with one execution, so the usual order allocates nothing.
    more_trades: Vec<TradeId>,
    /// Executions that were taken back, perhaps before we knew them.
    voided: Vec<TradeId>,
    /// Cash set aside for what is not yet executed.
    pub(crate) reserved_cash: Cash,
    /// Whether its plan has stopped waiting for it.
    pub(crate) settled: bool,
    /// After this instant the venue does not take it any more: the expiry of its permit.
    pub(crate) fence: Timestamp,
    /// When its permit was minted.
    pub(crate) sent_at: Timestamp,
    /// How often, and up to which instant, the venue said that it does not know the order.
    pub(crate) not_found: (u8, Timestamp),
    /// How often its watch fired while its outcome was unknown.
    pub(crate) asked: u32,
    /// Whether we want it taken back.
    pub(crate) cancel_wanted: bool,
    /// Whether its cancel went unanswered.
    pub(crate) overdue: bool,
    /// The timer that watches it; an older one that fires is ignored.
    pub(crate) watched_by: u64,
}

impl Order {
    /// An order in `status`, nothing executed.
    pub(crate) const fn new(intent: Intent, status: OrderStatus) -> Self {
        Self {
            intent,
            status,
            filled: Quantity::ZERO,
            taken_back: Quantity::ZERO,
            reported: Quantity::ZERO,
            first_trade: None,
            more_trades: Vec::new(),
            voided: Vec::new(),
            reserved_cash: Cash::ZERO,
            settled: status.is_final(),
            fence: Timestamp::MAX,
            sent_at: Timestamp::MIN,
            not_found: (0, Timestamp::MIN),
            asked: 0,
            cancel_wanted: false,
            overdue: false,
            watched_by: 0,
        }
    }

    /// Where the order stands.
    pub const fn status(&self) -> OrderStatus {
        self.status
    }

    /// How much is executed, by the executions we know.
    pub const fn filled(&self) -> Quantity {
        self.filled
    }

    /// All executions we know, also those that were taken back: those do not work again.
    fn executed(&self) -> Quantity {
        self.filled + self.taken_back
    }

    /// How much is executed, by the venue's own count; executions may still be on their way.
    pub fn reported(&self) -> Quantity {
        self.reported.max(self.executed())
    }

    /// How much is not executed; never below zero, also after an overfill.
    pub fn remaining(&self) -> Quantity {
        (self.intent.quantity - self.executed()).max(Quantity::ZERO)
    }

    /// What may still change the position: all of it while Unknown, and once final what the venue
    /// counts as executed and has not shown.
    pub fn open_quantity(&self) -> Quantity {
        if self.status.is_final() {
            self.reported() - self.executed()
        } else {
            self.remaining()
        }
    }

    /// Whether it ended and all its executions are known.
    pub fn is_complete(&self) -> bool {
        self.status.is_final() && self.reported <= self.executed()
    }

    /// Whether nobody can say what it did to the position: its outcome is unknown, its cancel went
    /// unanswered, or it ended with executions the venue counts and has not shown.
    pub fn is_unclear(&self) -> bool {
        self.status == OrderStatus::Unknown
            || (!self.is_complete() && (self.overdue || self.status.is_final()))
    }

    /// Joins what is known with a status and the venue's count of what is executed. Any sequence
    /// of the same facts ends in the same state.
    pub(crate) fn advance(&mut self, to: OrderStatus, reported: Quantity) -> Applied {
        let mut status = self.status.max(to);
        if reported.is_positive() && !status.is_final() {
            status = status.max(OrderStatus::PartiallyFilled);
        }
        let reported = self.reported.max(reported);
        if (status, reported) == (self.status, self.reported) {
            return Applied::Known;
        }
        (self.status, self.reported) = (status, reported);
        Applied::Changed
    }

    /// Whether an execution was booked or taken back before.
    fn knows(&self, trade: TradeId) -> bool {
        self.first_trade == Some(trade) || self.more_trades.contains(&trade)
    }

    fn remember(&mut self, trade: TradeId) {
        if self.first_trade.is_none() {
            self.first_trade = Some(trade);
        } else {
            self.more_trades.push(trade);
        }
    }

    /// Books an execution once. Late executions of a final order are booked as well: what the
    /// venue says happened, happened.
    pub(crate) fn execute(&mut self, fill: &Fill) -> Applied {
        if self.knows(fill.trade_id) {
            return Applied::Known;
        }
        self.remember(fill.trade_id);
        self.filled += fill.quantity;
        if self.executed() >= self.intent.quantity {
            self.status = OrderStatus::Filled;
        } else if self.status.never_left() || !self.status.is_final() {
            self.status = self.status.max(OrderStatus::PartiallyFilled);
        }
        Applied::Changed
    }

    /// Takes an execution back, once.
    pub(crate) fn void(&mut self, fill: &Fill) -> Voided {
        if self.voided.contains(&fill.trade_id) {
            return Voided::Again;
        }
        self.voided.push(fill.trade_id);
        self.taken_back += fill.quantity;
        if self.knows(fill.trade_id) {
            self.filled -= fill.quantity;
            return Voided::Booked;
        }
        self.remember(fill.trade_id);
        if self.executed() >= self.intent.quantity {
            self.status = OrderStatus::Filled;
        }
        Voided::Unseen
    }

    /// A split changes what the order still means, as the venue changes it.
    pub(crate) fn rescale(&mut self, rescale: impl Fn(Quantity) -> Quantity) {
        let remaining = rescale(self.remaining());
        self.filled = rescale(self.filled);
        self.taken_back = rescale(self.taken_back);
        self.reported = rescale(self.reported);
        self.intent.quantity = self.executed() + remaining;
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
                    Fact::Status(s) => o.advance(s, Quantity::ZERO),
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
        assert_eq!(
            o.advance(OrderStatus::Canceled, Quantity::ZERO),
            Applied::Changed
        );
        assert_eq!(
            o.advance(OrderStatus::Accepted, Quantity::ZERO),
            Applied::Known
        );
        assert_eq!(o.execute(&fill(1, 3)), Applied::Changed);
        assert_eq!((o.status(), o.filled().units()), (OrderStatus::Canceled, 3));
        assert_eq!(o.open_quantity(), Quantity::ZERO);
        assert_eq!(o.execute(&fill(1, 3)), Applied::Known);
    }

    /// What was executed and taken back does not work again; it is taken back once, also where it was
    /// never seen.
    #[test]
    fn a_voided_execution_counts_as_executed_and_is_not_held() {
        let units = Quantity::from_units;
        let mut o = Order::new(intent(), OrderStatus::Accepted);
        o.execute(&fill(1, 4));
        assert_eq!(o.void(&fill(1, 4)), Voided::Booked);
        assert_eq!(o.void(&fill(1, 4)), Voided::Again);
        assert_eq!(
            (o.filled(), o.remaining(), o.reported()),
            (units(0), units(6), units(4))
        );
        assert_eq!(
            (o.status(), o.open_quantity()),
            (OrderStatus::PartiallyFilled, units(6))
        );
        assert_eq!(o.void(&fill(2, 5)), Voided::Unseen);
        assert_eq!(o.status(), OrderStatus::PartiallyFilled);
        assert_eq!(
            o.execute(&fill(2, 5)),
            Applied::Known,
            "it will never be booked"
        );
        assert_eq!(o.void(&fill(3, 1)), Voided::Unseen);
        assert_eq!(o.status(), OrderStatus::Filled, "ten are through");
        assert_eq!(
            (o.filled(), o.remaining(), o.is_complete()),
            (units(0), units(0), true)
        );
    }

    /// What the venue counts and has not shown is open, and makes an order that ended unclear.
    #[test]
    fn an_order_is_unclear_while_nobody_can_say_what_it_did() {
        use OrderStatus::{Accepted, Canceled, Filled, PartiallyFilled, Sent, Unknown};
        let units = Quantity::from_units;
        for (status, reported, overdue, unclear, complete, open) in [
            (Sent, 0, false, false, false, 10),
            (Unknown, 0, false, true, false, 10),
            (Accepted, 0, false, false, false, 10),
            (Accepted, 0, true, true, false, 10),
            (PartiallyFilled, 4, false, false, false, 10),
            (Canceled, 0, false, false, true, 0),
            (Canceled, 0, true, false, true, 0),
            (Canceled, 4, false, true, false, 4),
            (Filled, 10, false, true, false, 10),
        ] {
            let mut o = Order::new(intent(), OrderStatus::Recorded);
            assert_eq!(o.advance(status, units(reported)), Applied::Changed);
            assert_eq!(o.advance(status, units(reported)), Applied::Known);
            o.overdue = overdue;
            assert_eq!(
                (o.is_unclear(), o.is_complete(), o.open_quantity().units()),
                (unclear, complete, open),
                "{status:?} {reported} {overdue}"
            );
        }
        let mut o = Order::new(intent(), OrderStatus::Accepted);
        o.advance(OrderStatus::Accepted, units(4));
        assert_eq!(o.status(), PartiallyFilled, "some of it is executed");
        o.advance(Canceled, units(4));
        o.execute(&fill(1, 3));
        assert_eq!((o.is_unclear(), o.open_quantity()), (true, units(1)));
        o.execute(&fill(2, 1));
        assert_eq!((o.is_unclear(), o.is_complete()), (false, true));
    }

    /// A split of two for one doubles what is done, what is reported and what is still to come.
    #[test]
    fn a_split_rescales_what_was_done_and_what_is_to_come() {
        let units = Quantity::from_units;
        let mut o = Order::new(intent(), OrderStatus::Accepted);
        o.execute(&fill(1, 3));
        o.execute(&fill(2, 1));
        o.void(&fill(2, 1));
        o.advance(OrderStatus::Accepted, units(5));
        o.rescale(|q| q + q);
        assert_eq!(o.intent.quantity, units(20));
        assert_eq!(
            (o.filled(), o.remaining(), o.reported()),
            (units(6), units(12), units(10))
        );
        // What works grows by whole lots only: what was ordered is what is done and what works.
        o.rescale(|q| units(q.units() / 10 * 10));
        assert_eq!(
            (o.filled(), o.remaining(), o.intent.quantity),
            (units(0), units(10), units(10))
        );
    }
}
