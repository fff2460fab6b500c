//! Slices and slots: when the strategy is shown something, and when it is asked.

use super::saga::{Goal, Waiting};
use super::{Action, Effects, HoldRecord, Kernel, Pending, Quotes, Record, Session, Severity};
use crate::instrument::InstrumentId;
use crate::market::{LaneState, Slice};
use crate::orders::Cause;
use crate::strategy::{Decision, Reason, Slot, Strategy, View};
use crate::time::Timestamp;

impl<S: Strategy> Kernel<S> {
    #[inline]
    pub(super) fn on_slice(&mut self, slice: &Slice<'_>, effects: &mut Effects) {
        let index = self.slices;
        self.see(slice);
        self.end_limits(effects);
        if !self.pending.is_empty() {
            self.activate_due(index, effects);
        }
        match self
            .settings
            .schedule
            .fires(self.settings.calendar, slice.time())
        {
            Ok(false) => {}
            Ok(true) => self.decide(index, slice, effects),
            Err(error) => effects
                .actions
                .push_back(Action::Alert(Severity::Error, error)),
        }
    }

    /// Shows a slice to marks and strategy.
    #[inline]
    pub(super) fn see(&mut self, slice: &Slice<'_>) {
        self.account.mark_to(slice);
        self.slice_time = slice.time();
        for i in 0..self.states.len() {
            let state = slice.state(InstrumentId::from_index(i));
            self.states[i] = state;
            self.bars_seen[i] += u32::from(state == LaneState::Present);
        }
        let view = View::new(
            *slice,
            &self.account,
            &self.instruments,
            &self.bars_seen,
            &self.requirements,
        );
        self.strategy.on_slice(&view);
        self.slices += 1;
    }

    #[inline]
    fn decide(&mut self, index: usize, slice: &Slice<'_>, effects: &mut Effects) {
        let slot = Slot { time: slice.time() };
        if slot.time <= self.last_slot {
            // Used up before a restart, or delivered twice.
            return;
        }
        self.last_slot = slot.time;
        let view = View::new(
            *slice,
            &self.account,
            &self.instruments,
            &self.bars_seen,
            &self.requirements,
        );
        let decision = self.strategy.decide(slot, &view);
        if let Decision::Hold(reason) = decision {
            self.hold(slot.time, reason, effects);
            return;
        }
        let due = index + self.settings.signal_lag;
        let pending = Pending {
            slot: slot.time,
            due,
            decision,
        };
        if self.settings.signal_lag == 0 {
            self.activate(pending, effects);
        } else {
            self.pending.push_back(pending);
        }
    }

    /// A slot is used up without new targets.
    pub(super) fn hold(&self, slot: Timestamp, reason: Reason, effects: &mut Effects) {
        if self.settings.record_holds {
            effects.records.push(Record::Hold(HoldRecord {
                time: self.now,
                slot,
                reason,
            }));
            self.record_state(effects);
        }
    }

    fn activate_due(&mut self, index: usize, effects: &mut Effects) {
        while self.pending.front().is_some_and(|p| p.due <= index) {
            if let Some(pending) = self.pending.pop_front() {
                self.activate(pending, effects);
            }
        }
    }

    /// A decision takes effect: its targets become the account's.
    fn activate(&mut self, pending: Pending, effects: &mut Effects) {
        let record = pending.decision.clone();
        // Worked out aside: a decision that is refused leaves the targets before it alone. Targets
        // for the whole account need nothing of the sleeves before them.
        if matches!(pending.decision, Decision::Sleeves(_)) {
            self.spare_sleeves.clone_from(&self.sleeves);
        }
        let taken = self
            .spare_sleeves
            .take(pending.decision)
            .and_then(|changed| {
                self.spare_sleeves
                    .account_targets(self.states.len(), &mut self.spare_targets)?;
                Ok(changed)
            });
        match taken {
            Ok(false) => self.hold(pending.slot, "every sleeve holds".into(), effects),
            Ok(true) => {
                std::mem::swap(&mut self.sleeves, &mut self.spare_sleeves);
                std::mem::swap(&mut self.targets, &mut self.spare_targets);
                let waiting = Waiting {
                    cause: Cause::Slot(pending.slot),
                    slot: pending.slot,
                    goal: Goal::Targets,
                    decision: record,
                };
                self.wait(waiting, effects);
            }
            Err(error) => effects
                .actions
                .push_back(Action::Alert(Severity::Error, error)),
        }
    }

    /// Prices between closes: the moment at which targets become units when sizes are taken at
    /// the fill.
    pub(super) fn on_quotes(&mut self, quotes: &Quotes<'_>, effects: &mut Effects) {
        let usable = |price: &Option<f64>| price.filter(|p| p.is_finite() && *p > 0.0);
        for (state, price) in self.states.iter_mut().zip(quotes.prices) {
            *state = match usable(price) {
                Some(_) => LaneState::Present,
                None => LaneState::Hole,
            };
        }
        let lanes = self.instruments.ids().zip(quotes.prices);
        let marks = lanes.filter_map(|(id, price)| Some((id, usable(price)?)));
        self.account.mark_between(marks, self.now);
        if self.wants_quotes() && self.session == Session::Ready {
            self.start_saga(effects);
        }
    }
}
