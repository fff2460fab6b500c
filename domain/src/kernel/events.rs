//! Events of the account that no order causes: dividends, splits, funding, adjustments.

use rust_decimal::Decimal;

use super::planted::Bug;
use super::{
    Action, AdjustmentKind, AdjustmentRecord, Effects, EventId, Fact, FillRecord, Kernel, Record,
    Severity, SplitRecord,
};
use crate::error::Error;
use crate::instrument::{AssetId, InstrumentId};
use crate::market::SplitRatio;
use crate::money::{Cash, Quantity};
use crate::orders::{Fill, Voided};
use crate::portfolio::{Entry, EntryKind};
use crate::risk::{Mode, ModeScope};
use crate::strategy::Strategy;

impl<S: Strategy> Kernel<S> {
    /// Books an event once, by the venue's id of it.
    #[inline(never)]
    pub(super) fn on_event(&mut self, fact: &Fact, effects: &mut Effects) {
        if let Some(id) = fact.event_id()
            && !self.events.insert(id)
            && !self.planted(Bug::FundingTwice)
        {
            return;
        }
        self.event_at = self.now;
        self.forget_gross();
        if let Some(instrument) = fact.instrument() {
            self.changed_at[instrument.index()] = self.now;
        }
        match *fact {
            Fact::Opening { asset, amount } => self.on_opening(asset, amount, effects),
            Fact::Dividend {
                id,
                instrument,
                per_unit,
                amount,
            } => self.on_dividend(id, instrument, per_unit, amount, effects),
            Fact::Split {
                id,
                instrument,
                ratio,
                quantity,
                cash_in_lieu,
            } => self.on_split(id, instrument, ratio, quantity, cash_in_lieu, effects),
            Fact::Delisted {
                id,
                instrument,
                amount,
            } => self.on_delisted(id, instrument, amount, effects),
            Fact::Funding {
                id,
                instrument,
                asset,
                amount,
            } => {
                let of = Some(instrument);
                self.book(EntryKind::Funding, id, of, asset, amount, effects);
            }
            Fact::Adjusted {
                id,
                kind,
                instrument,
                asset,
                quantity,
                amount,
            } => {
                let record = AdjustmentRecord {
                    time: self.now,
                    id,
                    kind,
                    instrument,
                    asset,
                    quantity,
                    amount,
                };
                self.on_adjustment(record, effects);
            }
            _ => {}
        }
    }

    fn on_opening(&mut self, asset: AssetId, amount: Cash, effects: &mut Effects) {
        if !std::mem::replace(&mut self.opened[asset.index()], true) {
            let id = EventId::default();
            self.book(EntryKind::Opening, id, None, asset, amount, effects);
        }
    }

    fn on_delisted(
        &mut self,
        event: EventId,
        instrument: InstrumentId,
        amount: Cash,
        effects: &mut Effects,
    ) {
        let held = !self.account.position(instrument).quantity.is_zero();
        if held || !amount.is_zero() {
            self.book_for(EntryKind::Delisting, event, instrument, amount, effects);
        }
        if !held && !amount.is_zero() {
            let error = Error::position("a delisting was paid on nothing held")
                .context("instrument", instrument.0)
                .context("paid", amount.units())
                .hint("compare the position before the delisting with the venue's");
            self.incident(instrument, error, effects);
        }
    }

    /// Booked as it happened; what nobody here ordered, nobody here adds to before a person looked.
    fn on_adjustment(&mut self, record: AdjustmentRecord, effects: &mut Effects) {
        self.book_adjustment(record, effects);
        let (Some(id), false) = (record.instrument, record.quantity.is_zero()) else {
            return;
        };
        self.shrink_reductions(id, effects);
        if record.kind != AdjustmentKind::Transfer {
            let error = Error::position("the venue changed a position without an order of ours")
                .context("instrument", id.0)
                .context("kind", record.kind.name())
                .context("quantity", record.quantity.units())
                .hint("it is booked; find out who traded before releasing the instrument");
            self.incident(id, error, effects);
        }
    }

    pub(super) fn book_adjustment(&mut self, record: AdjustmentRecord, effects: &mut Effects) {
        self.forget_gross();
        match record.instrument {
            Some(id) if !record.quantity.is_zero() => self.account.book_adjustment(
                id,
                record.asset,
                record.quantity,
                record.amount,
                &self.instruments,
            ),
            of => {
                let kind = match record.kind {
                    AdjustmentKind::Transfer => EntryKind::Opening,
                    AdjustmentKind::Borrow if of.is_some() => EntryKind::Borrow,
                    _ => EntryKind::Correction,
                };
                let entry = Entry {
                    time: record.time,
                    id: record.id.0,
                    kind,
                    instrument: of,
                    asset: record.asset,
                    amount: record.amount,
                };
                self.account.book_entry(&entry, &self.instruments);
            }
        }
        effects.records.push(Record::Adjustment(record));
    }

    /// An execution is taken back. One that was not known yet never will be booked.
    #[cold]
    pub(super) fn on_voided(&mut self, fill: &Fill, fact: &Fact, effects: &mut Effects) {
        let Some(number) = self.orders.number_of(fill.client_id) else {
            return self.orphan(fill.client_id, fact, effects);
        };
        let before = self.standing(number);
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        let voided = order.void(fill);
        if voided == Voided::Again {
            return;
        }
        self.moved(number, before, effects);
        if voided == Voided::Booked {
            let realised = self.account.void_fill(fill, &self.instruments);
            effects.records.push(Record::Void(FillRecord {
                fill: *fill,
                realised,
            }));
            self.changed_at[fill.instrument.index()] = self.now;
            let error = Error::order_fill("the venue took an execution back")
                .context("client_id", fill.client_id)
                .context("quantity", fill.delta().units())
                .hint("position and cash follow the venue; the next decision trades from there");
            self.incident(fill.instrument, error, effects);
            self.shrink_reductions(fill.instrument, effects);
        } else {
            effects.records.push(Record::Void(FillRecord {
                fill: *fill,
                realised: Cash::ZERO,
            }));
        }
    }

    pub(super) fn quote_of(&self, id: InstrumentId) -> AssetId {
        self.instruments.get(id).map_or(AssetId::BASE, |i| i.quote)
    }

    pub(super) fn book(
        &mut self,
        kind: EntryKind,
        event: EventId,
        instrument: Option<InstrumentId>,
        asset: AssetId,
        amount: Cash,
        effects: &mut Effects,
    ) {
        let entry = Entry {
            time: self.now,
            id: event.0,
            kind,
            instrument,
            asset,
            amount,
        };
        self.account.book_entry(&entry, &self.instruments);
        effects.records.push(Record::Entry(entry));
    }

    fn book_for(
        &mut self,
        kind: EntryKind,
        event: EventId,
        id: InstrumentId,
        amount: Cash,
        effects: &mut Effects,
    ) {
        let quote = self.quote_of(id);
        self.book(kind, event, Some(id), quote, amount, effects);
    }

    /// What the venue paid is booked; if it is not what our position should get, that is an
    /// incident on top.
    fn on_dividend(
        &mut self,
        event: EventId,
        id: InstrumentId,
        per_unit: Decimal,
        amount: Cash,
        effects: &mut Effects,
    ) {
        let expected = self.instruments.get(id).map(|i| {
            let scale = self.instruments.asset(i.quote).map_or(0, |a| a.scale);
            i.cash_per_unit(per_unit, self.account.position(id).quantity, scale)
        });
        if !amount.is_zero() {
            self.book_for(EntryKind::Dividend, event, id, amount, effects);
        }
        if expected != Some(amount) {
            let error = Error::position("the dividend paid is not the dividend expected")
                .context("instrument", id.0)
                .context("paid", amount.units())
                .context("expected", expected.map_or(0, Cash::units))
                .hint("compare the position at the ex date with the venue's");
            self.incident(id, error, effects);
        }
    }

    fn on_split(
        &mut self,
        event: EventId,
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
        self.rescale_plans(id, ratio, lot);
        if !before.is_zero() || !after.is_zero() {
            let record = SplitRecord {
                time: self.now,
                id: event,
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
            self.book_for(EntryKind::CashInLieu, event, id, cash_in_lieu, effects);
        }
        if after != expected {
            let error = Error::position("the split left another quantity than expected")
                .context("instrument", id.0)
                .context("after", after.units())
                .context("expected", expected.units())
                .hint("compare the position before the ex date with the venue's");
            self.incident(id, error, effects);
        }
    }

    /// What still works means something else after a split, as the venue changes it, and so does what
    /// is still to be done: of the rebalance that runs, or of the one a restart found unfinished.
    pub(super) fn rescale_plans(&mut self, id: InstrumentId, ratio: SplitRatio, lot: Quantity) {
        for saga in self.saga.iter_mut().chain(&mut self.interrupted) {
            saga.rescale(id, |p| ratio.unapply(p), |q| ratio.apply(q, lot));
        }
        for order in self.orders.iter_mut().filter(|o| o.intent.instrument == id) {
            let open = order.open_quantity();
            if !open.is_zero() {
                order.rescale(|q| ratio.apply(q, lot));
                let change = order.open_quantity() - open;
                self.exposure.add_open(id, order.intent.side, change);
            }
        }
    }

    /// A contradiction about one instrument: it may only be reduced until a person has looked.
    #[cold]
    pub(super) fn incident(&mut self, id: InstrumentId, error: Error, effects: &mut Effects) {
        let scope = ModeScope::Instrument(id);
        self.tighten(scope, Mode::ReduceOnly, error.message.clone(), effects);
        effects
            .actions
            .push_back(Action::Alert(Severity::Error, error));
    }
}
