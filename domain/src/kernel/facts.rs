//! What the venue says: joined into orders, booked into the ledger, never guessed.

use super::{
    Action, Effects, Fact, FillRecord, Kernel, OrderRecord, Record, Severity, SplitRecord,
};
use crate::error::Error;
use crate::instrument::{AssetId, InstrumentId};
use crate::market::SplitRatio;
use crate::money::{Cash, Quantity};
use crate::orders::{Applied, ClientOrderId, Fill, OrderStatus};
use crate::portfolio::{Entry, EntryKind};
use crate::risk::{Mode, ModeScope};
use crate::strategy::{Reason, Strategy};

impl<S: Strategy> Kernel<S> {
    pub(super) fn on_fact(&mut self, fact: &Fact, effects: &mut Effects) {
        if !self.is_about_something_known(fact) {
            let error = Error::execution("the venue names an instrument or asset not known here")
                .hint("the fact is kept aside; define the instrument or correct the mapping");
            return self.keep_aside(fact, error, effects);
        }
        match fact {
            Fact::Filled(fill) => self.on_fill(fill, fact, effects),
            Fact::Accepted { client_id } => {
                self.on_status(*client_id, OrderStatus::Accepted, &"".into(), fact, effects);
            }
            Fact::Rejected { client_id, reason } => {
                self.on_status(*client_id, OrderStatus::Rejected, reason, fact, effects);
            }
            Fact::NotSent { client_id, reason } => {
                self.on_status(*client_id, OrderStatus::NotSent, reason, fact, effects);
            }
            Fact::OutcomeUnknown { client_id, reason } => {
                self.on_status(*client_id, OrderStatus::Unknown, reason, fact, effects);
            }
            Fact::Canceled { client_id, reason } => {
                self.on_status(*client_id, OrderStatus::Canceled, reason, fact, effects);
            }
            Fact::Expired { client_id } => {
                self.on_status(*client_id, OrderStatus::Expired, &"".into(), fact, effects);
            }
            Fact::Opening { asset, amount } => {
                self.book(EntryKind::Opening, None, *asset, *amount, effects);
            }
            Fact::Dividend {
                instrument,
                per_unit,
                amount,
            } => {
                self.on_dividend(*instrument, *per_unit, *amount, effects);
            }
            Fact::Split {
                instrument,
                ratio,
                quantity,
                cash_in_lieu,
            } => {
                self.on_split(*instrument, *ratio, *quantity, *cash_in_lieu, effects);
            }
            Fact::Delisted { instrument, amount } => {
                let held = !self.account.position(*instrument).quantity.is_zero();
                if held || !amount.is_zero() {
                    self.book_for(EntryKind::Delisting, *instrument, *amount, effects);
                }
                if !held && !amount.is_zero() {
                    let error = Error::execution("a delisting was paid on nothing held")
                        .context("instrument", instrument.0)
                        .context("paid", amount.units())
                        .hint("compare the position before the delisting with the venue's");
                    self.incident(*instrument, error, effects);
                }
            }
            Fact::Funding {
                instrument,
                asset,
                amount,
            } => {
                self.book(
                    EntryKind::Funding,
                    Some(*instrument),
                    *asset,
                    *amount,
                    effects,
                );
            }
        }
    }

    fn is_about_something_known(&self, fact: &Fact) -> bool {
        fact.instrument()
            .is_none_or(|id| self.instruments.get(id).is_some())
            && fact
                .asset()
                .is_none_or(|id| self.instruments.asset(id).is_some())
    }

    /// A fact about an order that is not known here.
    fn orphan(&mut self, id: ClientOrderId, fact: &Fact, effects: &mut Effects) {
        let error = Error::execution("the venue reports an order that is not known here")
            .context("client_id", id)
            .hint("compare the venue's orders with the journal before releasing the mode");
        self.keep_aside(fact, error, effects);
    }

    /// A fact that cannot be booked is kept, and nobody adds exposure until a person has looked.
    fn keep_aside(&mut self, fact: &Fact, error: Error, effects: &mut Effects) {
        self.orphans.push(fact.clone());
        self.tighten(
            ModeScope::Account,
            Mode::ReduceOnly,
            error.message.clone(),
            effects,
        );
        effects
            .actions
            .push_back(Action::Alert(Severity::Error, error));
    }

    fn on_status(
        &mut self,
        id: ClientOrderId,
        status: OrderStatus,
        reason: &Reason,
        fact: &Fact,
        effects: &mut Effects,
    ) {
        let Some(number) = self.orders.number_of(id) else {
            return self.orphan(id, fact, effects);
        };
        if status.is_final() {
            self.end_order(number, status, reason.clone(), effects);
            return;
        }
        let was_unknown = self.is_unknown(number);
        if self.orders.advance(number, status) == Applied::Known {
            return;
        }
        self.record_order(id, status, reason.clone(), effects);
        self.note_unknown(number, was_unknown);
        if status == OrderStatus::Unknown {
            // The reservation stays; the plan goes on without this leg.
            self.settle(number, effects);
        }
    }

    fn is_unknown(&self, number: u64) -> bool {
        self.orders
            .by_number(number)
            .is_some_and(|o| o.status() == OrderStatus::Unknown)
    }

    fn note_unknown(&mut self, number: u64, was_unknown: bool) {
        let is_unknown = self.is_unknown(number);
        if is_unknown != was_unknown
            && let Some(order) = self.orders.by_number(number)
        {
            self.exposure
                .set_unknown(order.intent.instrument, is_unknown);
        }
    }

    /// A final status: what was set aside is free, and the plan may go on.
    pub(super) fn end_order(
        &mut self,
        number: u64,
        status: OrderStatus,
        reason: Reason,
        effects: &mut Effects,
    ) {
        let was_unknown = self.is_unknown(number);
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        let id = order.intent.client_id;
        let (open, reserved) = (order.open_quantity(), order.reserved_cash);
        if order.advance(status) == Applied::Known {
            return;
        }
        order.reserved_cash = Cash::ZERO;
        let (instrument, side) = (order.intent.instrument, order.intent.side);
        self.exposure.add_open(instrument, side, -open);
        self.exposure.add_reserved(-reserved);
        self.note_unknown(number, was_unknown);
        self.record_order(id, status, reason, effects);
        self.settle(number, effects);
    }

    fn record_order(
        &self,
        client_id: ClientOrderId,
        status: OrderStatus,
        reason: Reason,
        effects: &mut Effects,
    ) {
        let record = OrderRecord {
            time: self.now,
            client_id,
            status,
            reason,
        };
        effects.records.push(Record::Order(record));
    }

    fn on_fill(&mut self, fill: &Fill, fact: &Fact, effects: &mut Effects) {
        let Some(number) = self.orders.number_of(fill.client_id) else {
            return self.orphan(fill.client_id, fact, effects);
        };
        let Some(order) = self.orders.by_number(number) else {
            return;
        };
        let intent = order.intent;
        if intent.instrument != fill.instrument || intent.side != fill.side {
            let error = Error::execution("the venue's fill names another instrument or side")
                .context("client_id", fill.client_id)
                .hint("the fill is kept aside; compare it with the venue's records");
            self.orphans.push(fact.clone());
            self.tighten(
                ModeScope::Account,
                Mode::Halted,
                error.message.clone(),
                effects,
            );
            effects
                .actions
                .push_back(Action::Alert(Severity::Error, error));
            return;
        }
        let was_unknown = self.is_unknown(number);
        let open = order.open_quantity();
        let never_left = matches!(order.status(), OrderStatus::Denied | OrderStatus::NotSent);
        if self.orders.execute(number, fill) == Applied::Known {
            return;
        }
        self.release_reservation(number, open);
        self.note_unknown(number, was_unknown);
        self.counts.fills += 1;
        let realised = self.account.book_fill(fill, &self.instruments);
        effects.records.push(Record::Fill(FillRecord {
            fill: *fill,
            realised,
        }));
        let Some(order) = self.orders.by_number(number) else {
            return;
        };
        let (filled, is_final) = (order.filled(), order.status() == OrderStatus::Filled);
        if never_left || filled > order.intent.quantity {
            let error = Error::execution(if never_left {
                "the venue executed an order that never left"
            } else {
                "the venue executed more than was ordered"
            })
            .context("client_id", fill.client_id)
            .context("ordered", order.intent.quantity.units())
            .context("executed", filled.units())
            .hint("the execution is booked; compare it with the venue's records");
            self.incident(fill.instrument, error, effects);
        }
        if is_final {
            self.settle(number, effects);
        }
    }

    /// Frees the executed share of what was set aside; `open` is what was open before.
    fn release_reservation(&mut self, number: u64, open: Quantity) {
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        let still = order.open_quantity();
        let before = order.reserved_cash;
        let kept = if open.is_zero() || still.is_zero() {
            Cash::ZERO
        } else {
            let (part, whole) = (i128::from(still.units()), i128::from(open.units()));
            let units = before.units();
            Cash::from_units((units / whole) * part + (units % whole) * part / whole)
        };
        order.reserved_cash = kept;
        let (instrument, side) = (order.intent.instrument, order.intent.side);
        self.exposure.add_open(instrument, side, still - open);
        self.exposure.add_reserved(kept - before);
    }

    fn book(
        &mut self,
        kind: EntryKind,
        instrument: Option<InstrumentId>,
        asset: AssetId,
        amount: Cash,
        effects: &mut Effects,
    ) {
        let entry = Entry {
            time: self.now,
            kind,
            instrument,
            asset,
            amount,
        };
        self.account.book_entry(&entry, &self.instruments);
        effects.records.push(Record::Entry(entry));
    }

    fn book_for(&mut self, kind: EntryKind, id: InstrumentId, amount: Cash, effects: &mut Effects) {
        let quote = self.instruments.get(id).map_or(AssetId::BASE, |i| i.quote);
        self.book(kind, Some(id), quote, amount, effects);
    }

    /// What the venue paid is booked; if it is not what our position should get, that is an
    /// incident on top.
    fn on_dividend(
        &mut self,
        id: InstrumentId,
        per_unit: rust_decimal::Decimal,
        amount: Cash,
        effects: &mut Effects,
    ) {
        let expected = self.instruments.get(id).map(|i| {
            let scale = self.instruments.asset(i.quote).map_or(0, |a| a.scale);
            i.cash_per_unit(per_unit, self.account.position(id).quantity, scale)
        });
        if !amount.is_zero() {
            self.book_for(EntryKind::Dividend, id, amount, effects);
        }
        if expected != Some(amount) {
            let error = Error::execution("the dividend paid is not the dividend expected")
                .context("instrument", id.0)
                .context("paid", amount.units())
                .context("expected", expected.map_or(0, Cash::units))
                .hint("compare the position at the ex date with the venue's");
            self.incident(id, error, effects);
        }
    }

    fn on_split(
        &mut self,
        id: InstrumentId,
        ratio: SplitRatio,
        after: Quantity,
        cash_in_lieu: Cash,
        effects: &mut Effects,
    ) {
        let before = self.account.position(id).quantity;
        let Some(instrument) = self.instruments.get(id) else {
            return;
        };
        let lot = instrument.lot;
        let expected = ratio.apply(before, lot);
        for order in self.orders.iter_mut().filter(|o| o.intent.instrument == id) {
            let open = order.open_quantity();
            if !open.is_zero() {
                order.rescale(|q| ratio.apply(q, lot));
                let change = order.open_quantity() - open;
                self.exposure.add_open(id, order.intent.side, change);
            }
        }
        if let Some(saga) = &mut self.saga {
            saga.rescale(id, |p| ratio.unapply(p), |q| ratio.apply(q, lot));
        }
        if !before.is_zero() || !after.is_zero() {
            let record = SplitRecord {
                time: self.now,
                instrument: id,
                ratio,
                before,
                after,
            };
            effects.records.push(Record::Split(record));
        }
        self.account
            .split(&self.instruments, id, after, ratio.to_f64());
        // Also a payment of nothing ends a position that is gone.
        if !cash_in_lieu.is_zero() || (after.is_zero() && !before.is_zero()) {
            self.book_for(EntryKind::CashInLieu, id, cash_in_lieu, effects);
        }
        if after != expected {
            let error = Error::execution("the split left another quantity than expected")
                .context("instrument", id.0)
                .context("after", after.units())
                .context("expected", expected.units())
                .hint("compare the position before the ex date with the venue's");
            self.incident(id, error, effects);
        }
    }

    /// A contradiction about one instrument: it may only be reduced until a person has looked.
    fn incident(&mut self, id: InstrumentId, error: Error, effects: &mut Effects) {
        let scope = ModeScope::Instrument(id);
        self.tighten(scope, Mode::ReduceOnly, error.message.clone(), effects);
        effects
            .actions
            .push_back(Action::Alert(Severity::Error, error));
    }
}
