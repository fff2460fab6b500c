//! Slices and slots: when the strategy is shown something, and when it is asked.

use super::saga::{Goal, Waiting};
use super::{Action, Effects, HoldRecord, Kernel, Pending, Quotes, Record, Session, Severity};
use crate::error::Result;
use crate::instrument::InstrumentId;
use crate::market::{LaneState, Slice};
use crate::orders::Cause;
use crate::strategy::{Decision, Reason, Schedule, Slot, Strategy, View};
use crate::time::Timestamp;

impl<S: Strategy> Kernel<S> {
    #[inline(always)]
    pub(super) fn on_slice(&mut self, slice: &Slice<'_>, effects: &mut Effects) {
        let index = self.slices;
        self.see(slice);
        self.end_limits(effects);
        if !self.pending.is_empty() {
            self.activate_due(index, effects);
        }
        let fires = match self.settings.schedule {
            Schedule::EveryBar => Ok(true),
            _ => self.fires(slice),
        };
        match fires {
            Ok(false) => {}
            Ok(true) => self.decide(index, slice, effects),
            Err(error) => effects
                .actions
                .push_back(Action::Alert(Severity::Error, error)),
        }
    }

    #[inline(never)]
    fn fires(&self, slice: &Slice<'_>) -> Result<bool> {
        let settings = &self.settings;
        settings.schedule.fires(settings.calendar, slice.time())
    }

    /// Shows a slice to marks and strategy.
    #[inline(always)]
    pub(super) fn see(&mut self, slice: &Slice<'_>) {
        self.forget_gross();
        self.account.mark_to(slice);
        self.slice_time = slice.time();
        if slice.full_closes().is_some() {
            if !self.all_present {
                self.states.fill(LaneState::Present);
                self.all_present = true;
            }
        } else {
            self.all_present = false;
            for (i, state) in self.states.iter_mut().enumerate() {
                *state = slice.state(InstrumentId::from_index(i));
            }
        }
        self.bars_seen.count(slice);
        let view = View::new(
            slice,
            &self.account,
            &self.instruments,
            &self.bars_seen,
            &self.requirements,
        );
        self.strategy.on_slice(&view);
        self.slices += 1;
    }

    #[inline(always)]
    fn decide(&mut self, index: usize, slice: &Slice<'_>, effects: &mut Effects) {
        let slot = Slot { time: slice.time() };
        if slot.time <= self.last_slot {
            // Used up before a restart, or delivered twice.
            return;
        }
        self.last_slot = slot.time;
        let view = View::new(
            slice,
            &self.account,
            &self.instruments,
            &self.bars_seen,
            &self.requirements,
        );
        let decision = self.strategy.decide(slot, &view);
        if let Decision::Hold(reason) = decision {
            if self.settings.record_holds {
                self.hold(slot.time, reason, effects);
            }
            return;
        }
        self.schedule(index, slot, decision, effects);
    }

    /// New targets take effect at once or after their lag.
    #[inline(never)]
    fn schedule(&mut self, index: usize, slot: Slot, decision: Decision, effects: &mut Effects) {
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

    #[inline(never)]
    fn activate_due(&mut self, index: usize, effects: &mut Effects) {
        while self.pending.front().is_some_and(|p| p.due <= index) {
            if let Some(pending) = self.pending.pop_front() {
                self.activate(pending, effects);
            }
        }
    }

    /// A decision takes effect: its targets become the account's.
    fn activate(&mut self, pending: Pending, effects: &mut Effects) {
        // Worked out aside: a decision that is refused leaves the targets before it alone. Targets
        // for the whole account need nothing of the sleeves before them.
        if matches!(pending.decision, Decision::Sleeves(_)) {
            self.spare_sleeves.clone_from(&self.sleeves);
        }
        let taken = self
            .spare_sleeves
            .take(&pending.decision)
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
                    decision: pending.decision,
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
        self.forget_gross();
        let usable = |price: &Option<f64>| price.filter(|p| p.is_finite() && *p > 0.0);
        let lanes = self.states.len();
        if quotes.prices.len() == lanes && quotes.prices.iter().all(|p| usable(p).is_some()) {
            // The usual case, in which nothing is asked lane by lane.
            if !self.all_present {
                self.states.fill(LaneState::Present);
                self.all_present = true;
            }
            let prices = quotes.prices.iter().flatten();
            self.account.mark_all_between(prices.copied(), self.now);
        } else {
            self.mark_quoted(quotes, usable);
        }
        if self.wants_quotes() && self.session == Session::Ready {
            self.start_saga(effects);
        }
    }

    fn mark_quoted(&mut self, quotes: &Quotes<'_>, usable: impl Fn(&Option<f64>) -> Option<f64>) {
        // A lane without a quote keeps its state.
        let mut all_present = self.all_present || quotes.prices.len() >= self.states.len();
        for (state, price) in self.states.iter_mut().zip(quotes.prices) {
            let present = usable(price).is_some();
            all_present &= present;
            *state = if present {
                LaneState::Present
            } else {
                LaneState::Hole
            };
        }
        self.all_present = all_present;
        self.account
            .mark_between(quotes.prices.iter().map(usable), self.now);
    }
}
