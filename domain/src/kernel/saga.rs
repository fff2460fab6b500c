//! A rebalance as a saga: reduce, confirm, add, and write down what was not reached.

use serde::{Deserialize, Serialize};

use super::planted::Bug;
use super::style::Resort;
use super::watch::Purpose;
use super::{
    Action, Cut, DecisionRecord, Effects, Kernel, LegRecord, Record, ResidualRecord, Session,
    Severity, SizeAt, StateRecord, Watch,
};
use crate::instrument::InstrumentId;
use crate::money::{Cash, Price, Quantity};
use crate::orders::{Cause, OrderStatus};
use crate::portfolio::{Disposition, Leg};
use crate::strategy::{Decision, Strategy};
use crate::time::Timestamp;

/// What a saga is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// The account's targets.
    Targets,
    /// Nothing held: of one instrument, or of all.
    Close(Option<InstrumentId>),
}

/// A decision whose targets are the account's, not yet acted upon.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) cause: Cause,
    pub(super) slot: Timestamp,
    pub(super) goal: Goal,
    pub(super) decision: Decision,
}

/// One rebalance towards one decision's targets. It keeps its own copy of targets and valuation,
/// so later marks do not move the goal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saga {
    pub(super) decision: u32,
    pub(super) cause: Cause,
    pub(super) slot: Timestamp,
    pub(super) plans: u8,
    pub(super) equity: Cash,
    pub(super) legs: Vec<SagaLeg>,
    /// Worst-case gross exposure of everything that has no leg here; `None` when something of it may
    /// have changed since it was summed.
    pub(super) others: Option<Cash>,
    /// Orders of the current plan that may still execute by themselves.
    pub(super) open: usize,
    /// How many slices the kernel had seen when the current plan was placed.
    pub(super) placed_at: usize,
    /// Superseded or out of time: only cancel, never plan again.
    pub(super) over: bool,
    /// Whether it plans around legs of unknown state instead of waiting for them to be confirmed.
    pub(super) hurries: bool,
}

impl Saga {
    pub(super) const fn new(decision: u32, cause: Cause, slot: Timestamp, equity: Cash) -> Self {
        Self {
            decision,
            cause,
            slot,
            plans: 0,
            equity,
            legs: Vec::new(),
            others: None,
            open: 0,
            placed_at: 0,
            over: false,
            hurries: false,
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct SagaLeg {
    pub(super) leg: Leg,
    /// Each leg gets one order a direction under a decision: what a venue or risk refused is a
    /// residual, not a loop. What may be followed by another: [`Saga::note_end`].
    pub(super) reduced: bool,
    pub(super) added: bool,
    /// What cut its addition, down to nothing perhaps.
    pub(super) cut: Option<Cut>,
    /// Its order at the market, for additions and for reductions.
    pub(super) resort: [Resort; 2],
}

impl SagaLeg {
    pub(super) const fn new(leg: Leg) -> Self {
        Self {
            leg,
            reduced: false,
            added: false,
            cut: None,
            resort: [Resort::No; 2],
        }
    }

    /// Whether an order of this direction was placed.
    pub(super) const fn placed(&mut self, reduces: bool) -> &mut bool {
        if reduces {
            &mut self.reduced
        } else {
            &mut self.added
        }
    }

    /// Whether what is missing goes at the market now.
    pub(super) fn is_last_resort(&self, reduces: bool) -> bool {
        self.resort[usize::from(reduces)] == Resort::Due
    }
}

impl Saga {
    /// Becomes another one, in the room its legs took.
    fn replace_by(&mut self, other: Self) {
        let mut legs = std::mem::take(&mut self.legs);
        legs.clear();
        *self = Self { legs, ..other };
    }

    /// A split rescales what is still to be done.
    pub(super) fn rescale(
        &mut self,
        id: InstrumentId,
        price: impl Fn(Price) -> Price,
        quantity: impl Fn(Quantity) -> Quantity,
    ) {
        for leg in self.legs.iter_mut().filter(|l| l.leg.instrument == id) {
            leg.leg.target = quantity(leg.leg.target);
            leg.leg.current = quantity(leg.leg.current);
            leg.leg.price = price(leg.leg.price);
        }
    }

    /// Notes that an order towards a leg was placed, or that it never left.
    pub(super) fn mark(&mut self, id: InstrumentId, reduces: bool, placed: bool) {
        for leg in self.legs.iter_mut().filter(|l| l.leg.instrument == id) {
            *leg.placed(reduces) = placed;
        }
    }
}

impl<S: Strategy> Kernel<S> {
    /// A goal waits for its turn; what was waiting is superseded, and so is what is running.
    pub(super) fn wait(&mut self, waiting: Waiting, effects: &mut Effects) {
        // A person's goal needs no quotes and gives way to none of the strategy's.
        let urgent = waiting.goal != Goal::Targets;
        if !urgent && matches!(&self.waiting, Some(w) if w.goal != Goal::Targets) {
            return;
        }
        if let Some(before) = self.waiting.replace(waiting) {
            self.end_without_plan(&before, "superseded before it began", effects);
        }
        if self.saga.is_some() {
            self.cancel_saga("superseded by a newer decision", effects);
        } else {
            self.start_waiting(effects);
        }
    }

    /// Begins what waits, unless it waits for quotes or for the session to be ready.
    pub(super) fn start_waiting(&mut self, effects: &mut Effects) {
        let Some(waiting) = &self.waiting else {
            return;
        };
        let urgent = waiting.goal != Goal::Targets;
        let slot = waiting.slot;
        if !urgent && self.session != Session::Ready {
            return;
        }
        let late = |w: &Watch| self.now >= slot + w.window;
        if !urgent && self.settings.watch.as_ref().is_some_and(late) {
            self.waiting = None;
            self.hold(
                slot,
                "its window passed before the session was ready".into(),
                effects,
            );
        } else if urgent || self.settings.size_at == SizeAt::Decision {
            self.start_saga(effects);
        }
    }

    /// Values the waiting decision at the present marks and begins to trade towards it.
    pub(super) fn start_saga(&mut self, effects: &mut Effects) {
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        let number = self.decision_number + 1;
        let mut legs = std::mem::take(&mut self.room.legs);
        match self.value_legs(waiting.goal, &mut legs) {
            Ok(equity) => {
                self.decision_number = number;
                self.counts.decisions += 1;
                self.begin(number, waiting, equity, &legs, effects);
            }
            Err(error) => effects
                .actions
                .push_back(Action::Alert(Severity::Error, error)),
        }
        self.room.legs = legs;
    }

    fn begin(
        &mut self,
        number: u32,
        waiting: Waiting,
        equity: Cash,
        legs: &[Leg],
        effects: &mut Effects,
    ) {
        let trades = legs.iter().any(|l| l.disposition == Disposition::Trade);
        let fresh_share = self.fresh_share();
        let fresh = fresh_share >= self.settings.min_fresh_share || waiting.goal != Goal::Targets;
        if self.settings.record_idle_legs || trades || !fresh {
            effects.records.push(Record::Decision(DecisionRecord {
                time: self.now,
                number,
                cause: waiting.cause,
                slot: waiting.slot,
                equity,
                fresh_share,
                planned: fresh && trades,
                decision: waiting.decision,
            }));
            for leg in legs {
                if self.settings.record_idle_legs || leg.disposition == Disposition::Trade {
                    let target = self.targets.get(leg.instrument.index()).copied().flatten();
                    effects.records.push(Record::Leg(LegRecord {
                        decision: number,
                        target,
                        leg: *leg,
                    }));
                }
            }
            self.record_state(effects);
        } else {
            let nothing = match waiting.goal {
                Goal::Targets => "no leg is worth a trade",
                Goal::Close(_) => "nothing to close",
            };
            self.end_without_plan(&waiting, nothing, effects);
        }
        if !fresh || !trades {
            return;
        }
        let fresh = Saga::new(number, waiting.cause, waiting.slot, equity);
        let mut saga = match self.room.saga.take() {
            Some(mut ended) => {
                ended.replace_by(fresh);
                ended
            }
            None => Box::new(fresh),
        };
        let traded = legs.iter().filter(|l| l.disposition == Disposition::Trade);
        saga.legs.extend(traded.copied().map(SagaLeg::new));
        if waiting.goal == Goal::Targets {
            saga.others = Some(self.gross_of_idle(legs));
        }
        self.saga = Some(saga);
        if let Some(watch) = &self.settings.watch {
            let left = (waiting.slot + watch.window).since(self.now);
            self.arm(left, Purpose::Window(number), effects);
        }
        self.next_plan(effects);
    }

    /// A goal ends before it led to anything. A slot is used up by it; what a person ordered belongs to
    /// none, whatever the instant, and is noted instead.
    fn end_without_plan(&self, goal: &Waiting, why: &'static str, effects: &mut Effects) {
        match (&goal.cause, &goal.decision) {
            (Cause::Slot(slot), _) => self.hold(*slot, why.into(), effects),
            (_, Decision::Hold(order)) => self.note(format!("{order}: {why}"), effects),
            _ => {}
        }
    }

    pub(super) fn record_state(&self, effects: &mut Effects) {
        if self.settings.record_state {
            effects.records.push(Record::State(StateRecord {
                time: self.now,
                state: self.strategy.save(),
            }));
        }
    }

    /// Makes the next plan, or ends the saga when there is nothing left to do.
    pub(super) fn next_plan(&mut self, effects: &mut Effects) {
        let Some(mut saga) = self.saga.take() else {
            return;
        };
        let mut drafts = std::mem::take(&mut self.room.drafts);
        while saga.open == 0 && !saga.over && saga.plans < self.settings.max_plans {
            if !saga.hurries
                && self.settings.watch.is_some()
                && saga.legs.iter().any(|l| self.must_wait(l.leg.instrument))
            {
                // Reduce, confirm, add: what is not confirmed is waited for, for a phase.
                break;
            }
            if self.planted(Bug::DecidesByPersisted) && !self.outstanding.is_empty() {
                break;
            }
            drafts.clear();
            self.draft_reductions(&mut saga, &mut drafts);
            if drafts.is_empty() && !self.wants_more(&saga) {
                break;
            }
            // Drafting changes neither what is held nor what is open: one sum serves both.
            let gross = self.gross(&mut saga);
            if drafts.is_empty() {
                self.draft_additions(&mut saga, gross, &mut drafts);
            }
            if drafts.is_empty() {
                break;
            }
            saga.plans += 1;
            saga.placed_at = self.slices;
            saga.hurries = false;
            self.place(&mut saga, &drafts, gross, effects);
            if let Some(watch) = &self.settings.watch {
                let (phase, purpose) = (watch.phase, Purpose::Phase(saga.decision, saga.plans));
                self.arm(phase, purpose, effects);
            }
        }
        self.room.drafts = drafts;
        if saga.open > 0 || (!saga.over && self.may_learn_more(&saga)) {
            self.saga = Some(saga);
        } else {
            self.finish(&saga, effects);
            self.room.saga = Some(saga);
        }
    }

    /// Whether an order the plans went on without may still show what it did, inside the window.
    fn may_learn_more(&self, saga: &Saga) -> bool {
        self.settings
            .watch
            .as_ref()
            .is_some_and(|w| self.now < saga.slot + w.window)
            && self.orders.iter().any(|o| {
                !o.is_complete()
                    && saga
                        .legs
                        .iter()
                        .any(|l| l.leg.instrument == o.intent.instrument)
            })
    }

    /// The saga need not wait for this order any more: it ended, or its outcome is unknown. Only
    /// the first time counts, for an unknown order may come back and end as well.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: each order settles once"
    )]
    pub(super) fn settle(&mut self, number: u64, effects: &mut Effects) {
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        if std::mem::replace(&mut order.settled, true) {
            return;
        }
        let decision = order.intent.client_id.decision;
        let Some(saga) = self.saga.as_mut().filter(|s| s.decision == decision) else {
            return;
        };
        saga.open = saga.open.checked_sub(1).expect("each order settles once");
        if saga.open == 0 {
            self.next_plan(effects);
        }
    }

    /// An order ended: its leg may have another one, if that can double nothing.
    pub(super) fn allow_another(&mut self, number: u64) {
        let Some(order) = self.orders.by_number(number) else {
            return;
        };
        let (intent, status) = (order.intent, order.status());
        let rest = order.reported() < intent.quantity;
        let unsent = matches!(status, OrderStatus::NotSent | OrderStatus::Dead);
        if unsent && self.settings.watch.is_none() {
            return;
        }
        let decision = intent.client_id.decision;
        // What a start takes back was wanted by nobody else: it is planned again from what is held.
        let left_over =
            self.starting && order.cancel_wanted && rest && status == OrderStatus::Canceled;
        let saga = self.saga.as_mut().or(self.interrupted.as_mut());
        if let Some(saga) = saga.filter(|s| s.decision == decision) {
            saga.note_end(&intent, status, rest);
            if left_over {
                saga.mark(intent.instrument, intent.reduce_only, false);
            }
        }
    }

    /// Lets a leg have another order while the first may still be alive: only as a planted bug.
    pub(super) fn forget_leg(&mut self, number: u64) {
        let intent = self.orders.by_number(number).map(|o| o.intent);
        if let (Some(intent), Some(saga)) = (intent, &mut self.saga) {
            saga.mark(intent.instrument, intent.reduce_only, false);
        }
    }

    /// An order the plans went on without has ended: what is missing may be planned again.
    pub(super) fn resume_saga(&mut self, effects: &mut Effects) {
        if let Some(saga) = &mut self.saga
            && saga.open == 0
        {
            // What lacked cash before may have it now.
            for leg in saga.legs.iter_mut().filter(|l| l.cut == Some(Cut::Cash)) {
                leg.added = false;
            }
            self.next_plan(effects);
        }
    }

    /// A phase took too long: what still works is taken back, and the plans go on with what is.
    pub(super) fn end_phase(&mut self, decision: u32, plan: u8, effects: &mut Effects) {
        let same = |s: &&mut Saga| s.decision == decision && s.plans == plan;
        let Some(saga) = self.saga.as_deref_mut().filter(same) else {
            return;
        };
        saga.hurries = true;
        if saga.open > 0 {
            self.note_deadlines(decision);
            self.cancel_decision(decision, "the phase is over", effects);
        } else {
            self.next_plan(effects);
        }
    }

    /// The window is over: what still works is taken back, and what is missing is a residual.
    pub(super) fn end_window(&mut self, decision: u32, effects: &mut Effects) {
        if self.saga.as_ref().is_some_and(|s| s.decision == decision) {
            self.cancel_saga("the window is over", effects);
        }
    }

    /// Takes back what works, keeps home what is still being written, and plans no more under this
    /// decision.
    pub(super) fn cancel_saga(&mut self, reason: &'static str, effects: &mut Effects) {
        let Some(saga) = &mut self.saga else { return };
        saga.over = true;
        let decision = saga.decision;
        self.cancel_decision(decision, reason, effects);
        if self
            .saga
            .as_ref()
            .is_some_and(|s| s.decision == decision && s.open == 0)
        {
            self.next_plan(effects);
        }
    }

    fn cancel_decision(&mut self, decision: u32, reason: &'static str, effects: &mut Effects) {
        let works = |status: OrderStatus| !status.is_final();
        let numbers: Vec<u64> = self
            .orders
            .iter()
            .filter(|o| o.intent.client_id.decision == decision && works(o.status()))
            .map(|o| o.intent.id.0)
            .collect();
        // What works at the venue first: a cancel is urgent, and staying home is not.
        let (home, out): (Vec<u64>, Vec<u64>) = numbers.into_iter().partition(|n| {
            self.orders
                .by_number(*n)
                .is_some_and(|o| o.status() == OrderStatus::Recorded)
        });
        for number in out.into_iter().chain(home) {
            self.cancel_order(number, reason, effects);
        }
    }

    /// Writes down what was not reached and begins what waited.
    pub(super) fn finish(&mut self, saga: &Saga, effects: &mut Effects) {
        for l in &saga.legs {
            let missing = l.leg.target - self.account.position(l.leg.instrument).quantity;
            if !missing.is_zero() {
                effects.records.push(Record::Residual(ResidualRecord {
                    time: self.now,
                    decision: saga.decision,
                    instrument: l.leg.instrument,
                    quantity: missing,
                    cut: l.cut,
                }));
            }
        }
        self.start_waiting(effects);
    }
}
