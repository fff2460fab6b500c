//! Timers: what was sent and not answered is asked for, never assumed and never sent again.

use super::planted::Bug;
use super::{Action, Effects, Kernel, Query, SendPermit, Session, Severity, TimerId, Watch};
use crate::error::Error;
use crate::money::Quantity;
use crate::orders::{ClientOrderId, OrderStatus};
use crate::risk::{Mode, ModeScope};
use crate::strategy::{Reason, Strategy};
use crate::time::Span;

/// Questions about an unknown order before they become half as frequent.
const ASKED_AT_ONE_RATE: u32 = 8;

/// What a timer was armed for. Timers are not recorded: a restart arms what the state asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Whether an order or its cancel was answered.
    Order(u64),
    /// Whether a plan of a decision is through.
    Phase(u32, u8),
    /// The end of a decision's window.
    Window(u32),
    /// The next look at the whole account.
    Audit,
}

/// Plans in a row whose orders came back unsent, without an answer of the venue in between.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unsent {
    plans: u8,
    /// Decision and plan of the last one.
    last: (u32, u8),
}

impl Unsent {
    /// Counts an order that came back; how many plans that makes, when it is the first of its plan.
    fn count(&mut self, id: ClientOrderId) -> Option<u8> {
        let plan = (id.decision, id.plan);
        if self.plans > 0 && self.last == plan {
            return None;
        }
        *self = Self {
            plans: self.plans.saturating_add(1),
            last: plan,
        };
        Some(self.plans)
    }
}

impl<S: Strategy> Kernel<S> {
    /// Arms a timer, unless nothing is watched or records are only being restored.
    pub(super) fn arm(&mut self, after: Span, purpose: Purpose, effects: &mut Effects) -> TimerId {
        self.last_timer += 1;
        let id = TimerId(self.last_timer);
        if self.settings.watch.is_some() && !self.restoring {
            self.timers.insert(id, purpose);
            effects
                .actions
                .push_back(Action::Arm(id, self.now + after.max(Span::from_nanos(1))));
        }
        id
    }

    pub(super) fn on_timer(&mut self, id: TimerId, effects: &mut Effects) {
        let Some(purpose) = self.timers.remove(&id) else {
            let error = Error::invariant("a timer fired that is not armed")
                .context("timer", id.0)
                .hint("fire each timer once; a restart forgets all timers");
            effects
                .actions
                .push_back(Action::Alert(Severity::Warning, error));
            return;
        };
        let Some(watch) = self.settings.watch.clone() else {
            return;
        };
        match purpose {
            Purpose::Order(number) => self.on_order_timer(number, id, &watch, effects),
            Purpose::Phase(decision, plan) => self.end_phase(decision, plan, effects),
            Purpose::Window(decision) => self.end_window(decision, effects),
            Purpose::Audit => self.audit(&watch, effects),
        }
    }

    /// Looks at an order again after `after`; an earlier look is forgotten.
    pub(super) fn watch_order(&mut self, number: u64, after: Span, effects: &mut Effects) {
        if self.settings.watch.is_none() {
            return;
        }
        let id = self.arm(after, Purpose::Order(number), effects);
        if let Some(order) = self.orders.by_number_mut(number) {
            order.watched_by = id.0;
        }
    }

    /// Silence past its limit: the outcome is unknown, and the venue is asked.
    fn on_order_timer(&mut self, number: u64, id: TimerId, watch: &Watch, effects: &mut Effects) {
        let Some(order) = self.orders.by_number(number) else {
            return;
        };
        if order.watched_by != id.0 || order.is_complete() {
            return;
        }
        let (status, cancel_wanted, fence) = (order.status(), order.cancel_wanted, order.fence);
        match status {
            OrderStatus::Recorded => {
                // The journal is slow: nothing has left, so there is nothing to ask.
                self.watch_order(number, watch.acknowledgement, effects);
                return;
            }
            OrderStatus::Unknown if self.planted(Bug::UnknownReleasedOnTimeout) => {
                let (none, reason) = (Quantity::ZERO, "its time is over".into());
                self.learn(number, OrderStatus::Dead, none, reason, effects);
                return;
            }
            OrderStatus::Unknown if self.planted(Bug::ResendAfterUnknown) => {
                let intent = self.orders.by_number(number).map(|o| o.intent);
                if let Some(intent) = intent {
                    let expires_at = self.now + self.settings.permit_lifetime;
                    let permit = SendPermit::mint(intent, self.epochs, expires_at);
                    self.counts.permits += 1;
                    effects.actions.push_back(Action::Send(permit));
                }
            }
            OrderStatus::Sent => {
                let reason = "no acknowledgement in time".into();
                self.learn(
                    number,
                    OrderStatus::Unknown,
                    Quantity::ZERO,
                    reason,
                    effects,
                );
            }
            _ if cancel_wanted && !status.is_final() => {
                self.note_overdue(number, effects);
            }
            OrderStatus::Accepted | OrderStatus::PartiallyFilled | OrderStatus::PendingCancel => {
                return;
            }
            _ => {}
        }
        self.ask_about(number, effects);
        // The answer that proves anything comes after the fence.
        let proof = (fence + watch.propagation).since(self.now);
        let unseen = status == OrderStatus::Sent && proof > watch.ask_again;
        let again = self.ask_again(number, status, watch);
        self.watch_order(number, if unseen { proof } else { again }, effects);
    }

    /// How long to wait before the next question. Where nothing proves that an order is dead, the
    /// questions become rarer, down to the rate of the looks at the whole account.
    fn ask_again(&mut self, number: u64, status: OrderStatus, watch: &Watch) -> Span {
        let Some(order) = self.orders.by_number_mut(number) else {
            return watch.ask_again;
        };
        if status != OrderStatus::Unknown {
            return watch.ask_again;
        }
        order.asked = order.asked.saturating_add(1);
        let doublings = (order.asked / ASKED_AT_ONE_RATE).min(16);
        let nanos = watch.ask_again.nanos().saturating_mul(1 << doublings);
        let rarest = watch.audit.max(watch.ask_again);
        Span::from_nanos(nanos).min(rarest)
    }

    /// Asks what became of an order, and for its cancel again where one is wanted.
    pub(super) fn ask_about(&mut self, number: u64, effects: &mut Effects) {
        if let Some(order) = self.orders.by_number(number)
            && order.cancel_wanted
            && !order.status().is_final()
        {
            let again = Action::Cancel(order.intent.instrument, order.intent.client_id);
            effects.actions.push_back(again);
        }
        self.query_order(number, effects);
    }

    /// Asks what became of an order; one that ended with executions we have not seen is asked for
    /// through the account, where they are listed.
    pub(super) fn query_order(&mut self, number: u64, effects: &mut Effects) {
        let Some(order) = self.orders.by_number(number) else {
            return;
        };
        if order.status().is_final() {
            self.ask_account(effects);
            return;
        }
        let query = Query::Order(order.intent.instrument, order.intent.client_id);
        effects.actions.push_back(Action::Query(query));
    }

    fn audit(&mut self, watch: &Watch, effects: &mut Effects) {
        self.ask_account(effects);
        let settled = self.session == Session::Ready && self.disputes.iter().all(Option::is_none);
        let after = if settled {
            watch.audit
        } else {
            watch.ask_again
        };
        self.arm(after, Purpose::Audit, effects);
    }

    /// Counts what the venue left unanswered; too much of it in a row stops the account.
    pub(super) fn count_unanswered(&mut self, effects: &mut Effects) {
        let Some(watch) = self.settings.watch.as_ref().filter(|_| !self.starting) else {
            // What a restart finds unanswered says nothing about the venue's health.
            return;
        };
        let limit = watch.max_unacknowledged;
        self.unanswered = self.unanswered.saturating_add(1);
        if self.unanswered == limit {
            let error = Error::order_placement("the venue leaves orders unanswered")
                .context("in a row", limit)
                .hint("check the connection and the venue's status; then release the mode");
            self.tighten(
                ModeScope::Account,
                Mode::CancelOnly,
                error.message.clone(),
                effects,
            );
            effects
                .actions
                .push_back(Action::Alert(Severity::Error, error));
        }
    }

    /// Whoever sends cannot, plan after plan: planning on would only make more orders that go nowhere.
    pub(super) fn count_unsent(
        &mut self,
        id: ClientOrderId,
        reason: &Reason,
        effects: &mut Effects,
    ) {
        // Never by the gate itself: the same inputs must lead to the same records.
        let Some(limit) = self.settings.watch.as_ref().map(|w| w.max_unsent) else {
            return;
        };
        if self.unsent.count(id) == Some(limit) {
            let error = Error::order_placement("orders of plan after plan never left")
                .context("plans in a row", limit)
                .context("reason", reason)
                .hint("find out why nothing is sent; then release the mode");
            self.tighten(
                ModeScope::Account,
                Mode::CancelOnly,
                error.message.clone(),
                effects,
            );
            effects
                .actions
                .push_back(Action::Alert(Severity::Error, error));
        }
    }
}
