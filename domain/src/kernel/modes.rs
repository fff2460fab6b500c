//! Modes as the kernel changes them: tightened by itself, recorded, and acted upon at once.

use super::{Action, Effects, Kernel, ModeRecord, Record, Severity};
use crate::error::Error;
use crate::instrument::InstrumentId;
use crate::orders::Cause;
use crate::risk::{Mode, ModeScope};
use crate::strategy::Strategy;

impl<S: Strategy> Kernel<S> {
    /// The mode that holds for an order of this cause.
    pub(super) fn mode_for(&self, cause: Cause, id: InstrumentId) -> Mode {
        match cause {
            Cause::Slot(_) => self.mode(id),
            Cause::RiskAction(_) | Cause::Operator(_) => self.mode_beyond_strategy(id),
        }
    }

    #[cold]
    pub(super) fn tighten(
        &mut self,
        scope: ModeScope,
        mode: Mode,
        reason: String,
        effects: &mut Effects,
    ) {
        // What a record says of a mode is in a record of its own.
        if !self.restoring && self.modes.tighten(scope, mode) {
            self.mode_changed(scope, mode, reason, effects);
        }
    }

    /// Records a mode, and takes back what works where nothing may work any more.
    pub(super) fn mode_changed(
        &mut self,
        scope: ModeScope,
        mode: Mode,
        reason: String,
        effects: &mut Effects,
    ) {
        self.record_mode(scope, mode, reason, effects);
        if mode < Mode::CancelOnly || self.settings.watch.is_none() {
            return;
        }
        let within = |id: InstrumentId| match scope {
            ModeScope::Instrument(only) => only == id,
            _ => true,
        };
        let numbers: Vec<u64> = self
            .orders
            .iter()
            .filter(|o| !o.status().is_final() && within(o.intent.instrument))
            .map(|o| o.intent.id.0)
            .collect();
        for number in numbers {
            self.cancel_order(number, "the mode allows no orders", effects);
        }
    }

    pub(super) fn record_mode(
        &self,
        scope: ModeScope,
        mode: Mode,
        reason: String,
        effects: &mut Effects,
    ) {
        effects.records.push(Record::Mode(ModeRecord {
            time: self.now,
            scope,
            mode,
            reason,
        }));
    }

    /// Stops order flow because the program or its driver contradicts itself.
    pub(super) fn halt(&mut self, effects: &mut Effects, error: Error) {
        self.tighten(
            ModeScope::Account,
            Mode::Halted,
            error.message.clone(),
            effects,
        );
        effects
            .actions
            .push_back(Action::Alert(Severity::Error, error));
    }
}
