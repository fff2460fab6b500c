//! Start and recovery are one path: records in, then a session that asks before it acts.

use super::planted::Bug;
use super::saga::{Saga, SagaLeg};
use super::watch::Purpose;
use super::{
    DecisionRecord, Dispute, Effects, Fact, IntentRecord, Kernel, OrderRecord, Record, Session,
};
use crate::error::{Error, Result};
use crate::instrument::InstrumentId;
use crate::market::Slice;
use crate::money::Quantity;
use crate::orders::{Cause, Order, OrderStatus};
use crate::portfolio::{Disposition, Entry, EntryKind};
use crate::risk::Mode;
use crate::strategy::{State, Strategy};
use crate::time::Timestamp;

/// Records on their way back into a kernel.
///
/// The same functions book them that booked them first, so the same records end in the same state.
#[derive(Debug)]
pub struct Restore<'a, S> {
    pub(super) kernel: &'a mut Kernel<S>,
    effects: Effects,
    pub(super) state: Option<State>,
}

impl<S: Strategy> Kernel<S> {
    /// Begins to take back what a journal holds. The kernel must be new.
    ///
    /// # Errors
    /// `Invariant` when the kernel has seen something already.
    pub fn restore(&mut self) -> Result<Restore<'_, S>> {
        if self.now > Timestamp::MIN {
            return Err(Error::invariant("only a new kernel can be restored")
                .hint("make a kernel, restore it, then step it"));
        }
        self.restoring = true;
        Ok(Restore {
            kernel: self,
            effects: Effects::new(),
            state: None,
        })
    }

    /// Shows a slice of the past to strategy and marks, and decides nothing: for the bars since the
    /// memory that was restored.
    pub fn warm(&mut self, slice: &Slice<'_>) {
        self.see(slice);
    }

    /// A session begins.
    pub(super) fn on_start(&mut self, effects: &mut Effects) {
        self.starting = true;
        let expiry = self.now + self.settings.permit_lifetime;
        let mut numbers = Vec::new();
        for order in self.orders.iter_mut().filter(|o| !o.is_complete()) {
            // A permit minted just before the end was good for its lifetime and no longer.
            order.fence = order.fence.min(expiry);
            numbers.push(order.intent.id.0);
        }
        self.session = Session::Ready;
        self.set_session(Session::Reconciling, "a session begins".into(), effects);
        for number in numbers {
            let status = self.orders.by_number(number).map(Order::status);
            if status == Some(OrderStatus::Sent) {
                let (none, reason) = (Quantity::ZERO, "the program ended before its answer");
                self.learn(number, OrderStatus::Unknown, none, reason.into(), effects);
            }
            self.ask_about(number, effects);
            if self.planted(Bug::TimerLostAtRestart) {
                continue;
            }
            if let Some(after) = self.settings.watch.as_ref().map(|w| w.ask_again) {
                self.watch_order(number, after, effects);
            }
        }
        if let Some(after) = self.settings.watch.as_ref().map(|w| w.ask_again) {
            self.arm(after, Purpose::Audit, effects);
        }
    }

    /// After a restart a rebalance is planned again from reconciled positions while its window is
    /// open, and is a residual after that.
    pub(super) fn resume_after_restart(&mut self, effects: &mut Effects) {
        let Some(saga) = self.interrupted.take() else {
            return self.start_waiting(effects);
        };
        if self.saga.is_some() {
            return;
        }
        if self.waiting.is_some() {
            // A newer slot supersedes it: what it missed is a residual.
            return self.finish(&saga, effects);
        }
        let left = self
            .settings
            .watch
            .as_ref()
            .map(|w| (saga.slot + w.window).since(self.now));
        let (decision, plan) = (saga.decision, saga.plans);
        let phase = self.settings.watch.as_ref().map(|w| w.phase);
        self.saga = Some(saga);
        match left {
            Some(left) if left.nanos() > 0 => {
                self.arm(left, Purpose::Window(decision), effects);
                self.arm(
                    phase.unwrap_or(left),
                    Purpose::Phase(decision, plan),
                    effects,
                );
                self.next_plan(effects);
            }
            _ => self.cancel_saga("its window ended while the program was down", effects),
        }
    }
}

impl<S: Strategy> Restore<'_, S> {
    /// Takes one record, in the order of the journal.
    ///
    /// # Errors
    /// `Invariant` when a record cannot follow the ones before it: the journal is not this
    /// account's, or was changed.
    pub fn record(&mut self, record: &Record) -> Result<()> {
        if let Record::Order(r) = record {
            return self.order(r);
        }
        let k = &mut *self.kernel;
        let fx = &mut self.effects;
        match record {
            Record::Decision(r) => {
                k.decision_number = r.number;
                k.now = k.now.max(r.time);
                let Cause::Slot(slot) = r.cause else {
                    if let Cause::Operator(n) = r.cause {
                        k.commands = k.commands.max(n);
                    }
                    k.interrupted = r.planned.then(|| Box::new(interrupted(r)));
                    return Ok(());
                };
                if !k.planted(Bug::SlotReusedAfterRestart) {
                    k.last_slot = k.last_slot.max(slot);
                }
                k.sleeves.take(&r.decision)?;
                k.spare_sleeves.clone_from(&k.sleeves);
                let lanes = k.instruments.len();
                k.sleeves.account_targets(lanes, &mut k.targets)?;
                k.interrupted = r.planned.then(|| Box::new(interrupted(r)));
            }
            Record::Leg(r) => {
                if let Some(saga) = k.interrupted.as_mut().filter(|s| s.decision == r.decision)
                    && r.leg.disposition == Disposition::Trade
                {
                    saga.legs.push(SagaLeg::new(r.leg));
                }
            }
            Record::Intent(r) => k.take_back(r)?,
            Record::Order(_) => {}
            // Its time is the venue's, whose clock is not ours.
            Record::Fill(r) => k.on_fact(&Fact::Filled(r.fill), fx),
            Record::Void(r) => k.on_fact(&Fact::Voided(r.fill), fx),
            Record::Entry(entry) => k.take_entry(entry),
            Record::Split(r) => {
                k.now = k.now.max(r.time);
                k.events.insert(r.id);
                let lot = k.instruments.get(r.instrument).map(|i| i.lot);
                if let Some(lot) = lot {
                    k.rescale_plans(r.instrument, r.ratio, lot);
                }
                // A mark of a bar after the split is in the new units already; the bar that closes as the
                // split takes effect is the last of the old ones.
                let is_marked_since = k.account.marked_at(r.instrument) > r.time;
                let ratio = if is_marked_since {
                    1.0
                } else {
                    r.ratio.to_f64()
                };
                k.account
                    .split(&k.instruments, r.instrument, r.after, ratio);
                k.changed_at[r.instrument.index()] = r.time;
            }
            Record::Adjustment(r) => {
                k.now = k.now.max(r.time);
                if r.id.0 != 0 {
                    k.events.insert(r.id);
                }
                k.book_adjustment(*r, fx);
                if let Some(id) = r.instrument {
                    k.changed_at[id.index()] = r.time;
                }
            }
            Record::Residual(r) => {
                if k.interrupted
                    .as_ref()
                    .is_some_and(|s| s.decision == r.decision)
                {
                    k.interrupted = None;
                }
            }
            Record::Mode(r) => {
                k.now = k.now.max(r.time);
                k.forget_refusals(r.scope, r.mode);
                if r.mode < Mode::Halted || !k.planted(Bug::KillLostAtRestart) {
                    k.modes.release(r.scope, r.mode);
                }
            }
            Record::State(r) => self.state = Some(r.state.clone()),
            Record::Hold(r) => {
                k.now = k.now.max(r.time);
                if !k.planted(Bug::HoldRedecided) {
                    k.last_slot = k.last_slot.max(r.slot);
                }
            }
            Record::Session(r) => k.now = k.now.max(r.time),
            Record::Orphan(r) => k.orphans.push(r.fact.clone()),
            Record::Dispute(r) => k.take_dispute(r.instrument, r.ours, r.theirs),
            Record::Agreement(r) => {
                k.now = k.now.max(r.time);
                k.agreed_at = k.agreed_at.max(r.as_of);
                k.recorded_agreement = k.agreed_at;
            }
        }
        fx.actions.clear();
        fx.records.clear();
        Ok(())
    }

    fn order(&mut self, r: &OrderRecord) -> Result<()> {
        let k = &mut *self.kernel;
        k.now = k.now.max(r.time);
        let Some(number) = k.orders.number_of(r.client_id) else {
            return Err(
                Error::invariant("a record names an order that was never wanted")
                    .context("client_id", r.client_id)
                    .hint("the journal lacks records before this one; restore it whole"),
            );
        };
        k.learn(
            number,
            r.status,
            r.filled,
            r.reason.clone(),
            &mut self.effects,
        );
        self.effects.actions.clear();
        self.effects.records.clear();
        Ok(())
    }

    /// Ends the restore: the strategy takes its memory back.
    ///
    /// # Errors
    /// As [`Strategy::restore`].
    pub fn finish(self) -> Result<()> {
        let kernel = self.kernel;
        kernel.restoring = false;
        for order in kernel.orders.iter_mut() {
            if order.status() == OrderStatus::Recorded {
                // It may have left: nothing recorded says that it did not.
                order.advance(OrderStatus::Sent, Quantity::ZERO);
            }
        }
        kernel.counts = super::Counts::default();
        kernel.release = 0..0;
        kernel.unanswered = 0;
        kernel.renew_equity();
        if let Some(state) = &self.state {
            kernel.strategy.restore(state)?;
        }
        Ok(())
    }
}

fn interrupted(r: &DecisionRecord) -> Saga {
    Saga::new(r.number, r.cause, r.slot, r.equity)
}

impl<S: Strategy> Kernel<S> {
    fn take_back(&mut self, r: &IntentRecord) -> Result<()> {
        let (id, intent) = (r.intent.client_id, r.intent);
        self.now = self.now.max(r.time);
        if id.leg == 0 {
            self.orders.begin_plan(id.decision, id.plan, 0);
        }
        if intent.id.0 != self.orders.next_number() {
            return Err(
                Error::invariant("a record of an intent is missing or repeated")
                    .context("order", intent.id.0)
                    .context("expected", self.orders.next_number())
                    .hint("the journal is not whole; restore it from its newest copy"),
            );
        }
        self.orders.extend_plan();
        let last_resort = self.last_resort();
        if let Some(saga) = self
            .interrupted
            .as_mut()
            .filter(|s| s.decision == id.decision)
        {
            saga.plans = saga.plans.max(id.plan);
            if r.verdict.passed() {
                saga.mark(intent.instrument, intent.reduce_only, true);
                saga.take_back_resort(r, last_resort);
            }
            for leg in saga
                .legs
                .iter_mut()
                .filter(|l| l.leg.instrument == intent.instrument)
            {
                leg.cut = r.cut;
            }
        }
        if r.verdict.passed() {
            self.set_aside(intent, r.reference);
            if let Some(order) = self.orders.by_number_mut(intent.id.0) {
                order.settled = true;
            }
        } else {
            self.orders.push(Order::new(intent, OrderStatus::Denied));
        }
        Ok(())
    }

    fn take_entry(&mut self, entry: &Entry) {
        self.now = self.now.max(entry.time);
        if entry.id != 0 {
            self.events.insert(super::EventId(entry.id));
        }
        if entry.kind == EntryKind::Opening {
            self.opened[entry.asset.index()] = true;
        }
        self.account.book_entry(entry, &self.instruments);
    }

    fn take_dispute(&mut self, id: InstrumentId, ours: Quantity, theirs: Quantity) {
        let open = self.disputes[id.index()].is_some();
        let differs = ours != theirs;
        if differs != open {
            self.exposure.set_unknown(id, differs);
        }
        self.disputes[id.index()] = differs.then_some(Dispute {
            ours,
            theirs,
            seen: self.settings.watch.as_ref().map_or(1, |w| w.confirmations),
            as_of: Timestamp::MIN,
        });
    }
}
