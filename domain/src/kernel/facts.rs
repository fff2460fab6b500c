//! What the venue says about orders: joined into their state, booked into the ledger, never guessed.

use serde::{Deserialize, Serialize};

use super::planted::Bug;
use super::{
    Action, Effects, Fact, FillRecord, Kernel, OrderRecord, OrphanRecord, Record, Severity,
};
use crate::error::Error;
use crate::instrument::AssetId;
use crate::money::{Cash, Quantity, quotient_and_rest, times};
use crate::orders::{Applied, ClientOrderId, Fill, OrderReport, OrderStatus, Side};
use crate::risk::{Mode, ModeScope};
use crate::strategy::{Reason, Strategy};
use crate::time::Timestamp;

/// What an order meant for exposure before a fact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    status: OrderStatus,
    open: Quantity,
    unclear: bool,
    complete: bool,
}

impl<S: Strategy> Kernel<S> {
    pub(super) fn on_fact(&mut self, fact: &Fact, effects: &mut Effects) {
        if !self.is_about_something_known(fact) {
            let error = Error::execution("the venue names an instrument or asset not known here")
                .hint("the fact is kept aside; define the instrument or correct the mapping");
            return self.keep_aside(fact, error, effects);
        }
        let none = Quantity::ZERO;
        match fact {
            Fact::Filled(fill) => self.on_fill(fill, fact, effects),
            Fact::Voided(fill) => self.on_voided(fill, fact, effects),
            Fact::Accepted { client_id } => {
                let status = OrderStatus::Accepted;
                self.on_status(*client_id, status, none, &"".into(), fact, effects);
            }
            Fact::Rejected { client_id, reason } => {
                let status = OrderStatus::Rejected;
                self.on_status(*client_id, status, none, reason, fact, effects);
            }
            Fact::NotSent { client_id, reason } => {
                let status = OrderStatus::NotSent;
                self.on_status(*client_id, status, none, reason, fact, effects);
                self.count_unsent(*client_id, reason, effects);
            }
            Fact::OutcomeUnknown { client_id, reason } => {
                let status = OrderStatus::Unknown;
                self.on_status(*client_id, status, none, reason, fact, effects);
            }
            Fact::Canceled {
                client_id,
                filled,
                reason,
            } => {
                let status = OrderStatus::Canceled;
                self.on_status(*client_id, status, *filled, reason, fact, effects);
            }
            Fact::Expired { client_id, filled } => {
                let status = OrderStatus::Expired;
                self.on_status(*client_id, status, *filled, &"".into(), fact, effects);
            }
            Fact::Reported(report) => self.on_order_report(report, fact, effects),
            Fact::NotFound { client_id, as_of } => {
                self.on_not_found(*client_id, *as_of, fact, effects);
            }
            Fact::CancelRejected { client_id, .. } => {
                // It may be executed, ended or unknown there: ask, conclude nothing. The cancel
                // goes again when its timer fires; at once, it would be refused at wire speed.
                match self.orders.number_of(*client_id) {
                    Some(number) => self.query_order(number, effects),
                    None => self.orphan(*client_id, fact, effects),
                }
            }
            _ => self.on_event(fact, effects),
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
    #[cold]
    pub(super) fn orphan(&mut self, id: ClientOrderId, fact: &Fact, effects: &mut Effects) {
        if self.planted(Bug::OrphanDropped) {
            return;
        }
        let error = Error::execution("the venue reports an order that is not known here")
            .context("client_id", id)
            .hint("compare the venue's orders with the journal before releasing the mode");
        self.keep_aside(fact, error, effects);
    }

    /// A fact that cannot be booked is kept, and nobody adds exposure until a person has looked.
    #[cold]
    fn keep_aside(&mut self, fact: &Fact, error: Error, effects: &mut Effects) {
        if self.orphans.contains(fact) {
            return;
        }
        self.orphans.push(fact.clone());
        effects.records.push(Record::Orphan(OrphanRecord {
            time: self.now,
            fact: fact.clone(),
        }));
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
        filled: Quantity,
        reason: &Reason,
        fact: &Fact,
        effects: &mut Effects,
    ) {
        match self.orders.number_of(id) {
            Some(number) => self.learn(number, status, filled, reason.clone(), effects),
            None => self.orphan(id, fact, effects),
        }
    }

    fn on_order_report(&mut self, report: &OrderReport, fact: &Fact, effects: &mut Effects) {
        let known = self.orders.number_of(report.client_id);
        let Some(number) = known else {
            return self.orphan(report.client_id, fact, effects);
        };
        let Some(order) = self.orders.by_number(number) else {
            return;
        };
        if order.intent.instrument != report.instrument || order.intent.side != report.side {
            return self.contradiction(report.client_id, fact, effects);
        }
        self.learn(number, report.status, report.filled, "".into(), effects);
    }

    /// A known id with other content: ids are mixed up somewhere, and nothing can be trusted.
    #[cold]
    pub(super) fn contradiction(&mut self, id: ClientOrderId, fact: &Fact, effects: &mut Effects) {
        if self.orphans.contains(fact) {
            return;
        }
        let error = Error::execution("the venue's order names another instrument or side")
            .context("client_id", id)
            .hint("the fact is kept aside; compare it with the venue's records");
        self.tighten(
            ModeScope::Account,
            Mode::Halted,
            error.message.clone(),
            effects,
        );
        self.keep_aside(fact, error, effects);
    }

    /// The venue does not know an order. That proves something only after the order's own fence,
    /// and only when it is said more than once.
    fn on_not_found(
        &mut self,
        id: ClientOrderId,
        as_of: Timestamp,
        fact: &Fact,
        effects: &mut Effects,
    ) {
        let Some(number) = self.orders.number_of(id) else {
            return self.orphan(id, fact, effects);
        };
        let Some(watch) = &self.settings.watch else {
            return;
        };
        let (needed, propagation, fenced) = (watch.confirmations, watch.propagation, watch.fenced);
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        let open = matches!(order.status(), OrderStatus::Sent | OrderStatus::Unknown);
        let fence = order.fence;
        let proves = as_of > fence + propagation;
        if !open || !fenced || as_of <= order.not_found.1 {
            return;
        }
        if !proves && !self.planted(Bug::FenceIgnored) {
            return;
        }
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        order.not_found = (order.not_found.0 + 1, as_of);
        if order.not_found.0 >= needed {
            let reason = "not at the venue after its fence".into();
            self.learn(number, OrderStatus::Dead, Quantity::ZERO, reason, effects);
        }
    }

    /// Joins a status into an order and draws what follows from it.
    pub(super) fn learn(
        &mut self,
        number: u64,
        status: OrderStatus,
        filled: Quantity,
        reason: Reason,
        effects: &mut Effects,
    ) {
        let before = self.standing(number);
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        if order.advance(status, filled) == Applied::Known {
            return;
        }
        let (client_id, id) = (order.intent.client_id, order.intent.instrument);
        let (status, reported) = (order.status(), order.reported());
        effects.records.push(Record::Order(OrderRecord {
            time: self.now,
            client_id,
            status,
            filled: reported,
            reason: reason.clone(),
        }));
        if before.status.never_left() && status.is_from_venue() {
            let error = Error::execution("the venue has an order that we thought never left")
                .context("client_id", client_id)
                .context("was", before.status.name())
                .hint("it counts again; compare it with the venue's records");
            self.incident(id, error, effects);
        }
        if self.settings.watch.is_some() {
            self.count_answer(number, before.status, status, &reason, effects);
        }
        self.moved(number, before, effects);
    }

    /// Tallies of answered, unanswered and refused orders.
    fn count_answer(
        &mut self,
        number: u64,
        before: OrderStatus,
        status: OrderStatus,
        reason: &Reason,
        effects: &mut Effects,
    ) {
        if status.is_from_venue() {
            self.unanswered = 0;
            self.unsent = super::watch::Unsent::default();
        } else if status == OrderStatus::Unknown {
            self.count_unanswered(effects);
        }
        let Some(order) = self.orders.by_number(number) else {
            return;
        };
        let (id, side) = (order.intent.instrument, order.intent.side);
        let slot = &mut self.refusals[id.index()];
        if status != OrderStatus::Rejected {
            if status.is_from_venue() {
                *slot = None;
            }
            return;
        }
        if before == status {
            return;
        }
        let equal = slot
            .take()
            .filter(|r| r.side == side && r.reason == *reason)
            .map_or(0, |r| r.count);
        let count = equal.saturating_add(1);
        *slot = Some(Refusal {
            side,
            reason: reason.clone(),
            count,
        });
        let limit = self.settings.watch.as_ref().map(|w| w.max_equal_rejects);
        if Some(count) == limit {
            let error = crate::orders::Refusal::read(reason)
                .error("the venue refused the same request again and again")
                .context("instrument", id.0)
                .context("side", side)
                .context("reason", reason)
                .hint("correct the cause, then release the instrument");
            self.tighten(
                ModeScope::Instrument(id),
                Mode::CancelOnly,
                error.message.clone(),
                effects,
            );
            effects
                .actions
                .push_back(Action::Alert(Severity::Error, error));
        }
    }

    /// The execution as it is booked: as it is, unless a bug was planted.
    fn mangled(&self, fill: &Fill, over: Quantity) -> Fill {
        let mut fill = *fill;
        if self.planted(Bug::FeeInOtherAssetLost) && fill.fee_asset != AssetId::BASE {
            fill.fee = Cash::ZERO;
        }
        if self.planted(Bug::OverfillClipped) && over.is_positive() {
            fill.quantity -= over.min(fill.quantity);
        }
        fill
    }

    /// What an order means for exposure now.
    pub(super) fn standing(&self, number: u64) -> Standing {
        self.orders.by_number(number).map_or(
            Standing {
                status: OrderStatus::Recorded,
                open: Quantity::ZERO,
                unclear: false,
                complete: true,
            },
            |o| Standing {
                status: o.status(),
                open: o.open_quantity(),
                unclear: o.is_unclear(),
                complete: o.is_complete(),
            },
        )
    }

    /// An order changed: exposure, reservation and the plan that waits for it follow.
    pub(super) fn moved(&mut self, number: u64, before: Standing, effects: &mut Effects) {
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        let (id, side) = (order.intent.instrument, order.intent.side);
        let decision = order.intent.client_id.decision;
        let (open, reserved) = (order.open_quantity(), order.reserved_cash);
        let (unclear, complete) = (order.is_unclear(), order.is_complete());
        let works = open == before.open && open.is_positive();
        if works && !(unclear || complete || before.unclear || before.complete) {
            // It works as before: an acknowledgement frees nothing, and nobody waits for it.
            return;
        }
        let kept = share(reserved, open, before.open);
        order.reserved_cash = kept;
        let settled = order.settled;
        // Orders of the saga are about its own legs.
        if let Some(saga) = &mut self.saga
            && saga.decision != decision
        {
            saga.others = None;
        }
        self.exposure.add_open(id, side, open - before.open);
        self.exposure.add_reserved(kept - reserved);
        if unclear && self.planted(Bug::ReplanDoublesLeg) {
            self.forget_leg(number);
        }
        if unclear != before.unclear {
            self.exposure.set_unknown(id, unclear);
        }
        if unclear && !before.unclear {
            self.look_into(number, effects);
        }
        if complete && !before.complete {
            self.allow_another(number);
        }
        if (unclear || complete) && !settled {
            self.settle(number, effects);
        } else if complete && !before.complete {
            // Its plan went on without it, and may now go on with what it did.
            self.resume_saga(effects);
        }
    }

    /// An order became unclear: ask, or wait for the fence after which asking proves something.
    fn look_into(&mut self, number: u64, effects: &mut Effects) {
        let Some(watch) = self.settings.watch.as_ref() else {
            return;
        };
        let after = watch.ask_again;
        let ended = self.standing(number).status.is_final();
        if ended {
            self.ask_about(number, effects);
        }
        self.watch_order(number, after, effects);
    }

    /// A cancel went unanswered: the order is alive for all we know, and no plan waits for it.
    pub(super) fn note_overdue(&mut self, number: u64, effects: &mut Effects) {
        let before = self.standing(number);
        if let Some(order) = self.orders.by_number_mut(number) {
            order.overdue = true;
        }
        self.moved(number, before, effects);
    }

    fn on_fill(&mut self, fill: &Fill, fact: &Fact, effects: &mut Effects) {
        let Some(number) = self.orders.number_of(fill.client_id) else {
            return self.orphan(fill.client_id, fact, effects);
        };
        let before = self.standing(number);
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        let intent = order.intent;
        if intent.instrument != fill.instrument || intent.side != fill.side {
            return self.contradiction(fill.client_id, fact, effects);
        }
        let had_one = !order.filled().is_zero();
        let known = order.execute(fill) == Applied::Known;
        let (filled, over) = (order.filled(), order.filled() - intent.quantity);
        if known && !self.planted(Bug::DuplicateTradeBooked) {
            return;
        }
        let late = before.status == OrderStatus::Canceled;
        if (late && self.planted(Bug::LateFillAfterCancelDropped))
            || (had_one && self.planted(Bug::FillDeduplicatedByOrder))
        {
            return self.moved(number, before, effects);
        }
        let fill = &self.mangled(fill, over);
        self.unanswered = 0;
        self.unsent = super::watch::Unsent::default();
        self.refusals[fill.instrument.index()] = None;
        self.counts.fills += 1;
        let changed = &mut self.changed_at[fill.instrument.index()];
        *changed = (*changed).max(fill.time);
        let realised = self.account.book_fill(fill, &self.instruments);
        effects.records.push(Record::Fill(FillRecord {
            fill: *fill,
            realised,
        }));
        let refused = before.status == OrderStatus::Rejected;
        if refused || before.status.never_left() || filled > intent.quantity {
            let error = Error::order_fill(if before.status.never_left() {
                "the venue executed an order that never left"
            } else if refused {
                "the venue executed an order that it refused"
            } else {
                "the venue executed more than was ordered"
            })
            .context("client_id", fill.client_id)
            .context("ordered", intent.quantity.units())
            .context("executed", filled.units())
            .hint("the execution is booked; compare it with the venue's records");
            self.incident(fill.instrument, error, effects);
        }
        self.moved(number, before, effects);
        self.shrink_reductions(fill.instrument, effects);
    }
}

/// A request the venue refused, and how often in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    side: Side,
    reason: Reason,
    count: u8,
}

/// `part / whole` of `amount`, towards zero.
fn share(amount: Cash, part: Quantity, whole: Quantity) -> Cash {
    if part.is_zero() || whole.is_zero() {
        return Cash::ZERO;
    }
    if part >= whole {
        return amount;
    }
    let (part, whole) = (i128::from(part.units()), i128::from(whole.units()));
    let (times_whole, rest) = quotient_and_rest(amount.units(), whole);
    let (share_of_rest, _) = quotient_and_rest(rest * part, whole);
    Cash::from_units(times(times_whole, part) + share_of_rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is freed is the share of what is still set aside, down to the last unit at the end.
    #[test]
    fn a_share_is_rounded_down_and_the_whole_is_the_whole() {
        for (amount, part, whole, expected) in [
            (103, 3, 4, 77),
            (100, 1, 3, 33),
            (7, 3, 3, 7),
            (7, 4, 3, 7),
            (7, 0, 3, 0),
            (7, 0, 0, 0),
            (7, 3, 0, 0),
        ] {
            let units = Quantity::from_units;
            let found = share(Cash::from_units(amount), units(part), units(whole));
            assert_eq!(found.units(), expected, "{part} of {whole}");
        }
    }
}
