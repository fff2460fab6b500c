//! What a person orders, and what the surroundings report.

use super::saga::{Goal, Waiting};
use super::{
    Action, AdjustmentKind, AdjustmentRecord, Command, Effects, EventId, HealthFact, Kernel,
    Session, Severity,
};
use crate::error::Error;
use crate::instrument::{AssetId, InstrumentId};
use crate::money::{Cash, Quantity};
use crate::orders::Cause;
use crate::portfolio::EntryKind;
use crate::risk::{Mode, ModeScope};
use crate::strategy::{Decision, Strategy};

impl<S: Strategy> Kernel<S> {
    pub(super) fn on_command(&mut self, command: &Command, effects: &mut Effects) {
        self.forget_gross();
        match command {
            Command::SetMode {
                scope,
                mode,
                reason,
            } => {
                self.forget_refusals(*scope, *mode);
                if self.modes.release(*scope, *mode) {
                    self.unanswered = 0;
                    self.mode_changed(*scope, *mode, reason.clone(), effects);
                }
            }
            Command::Liquidate { instrument, reason } => {
                self.liquidate(*instrument, reason, effects);
            }
            Command::Adopt { instrument, reason } => self.adopt(*instrument, reason, effects),
            Command::AdoptAccount { reason } => self.adopt_account(reason, effects),
        }
    }

    /// A person who releases a mode has seen why it was imposed: what is refused from then on counts
    /// anew.
    pub(super) fn forget_refusals(&mut self, scope: ModeScope, to: Mode) {
        if to >= self.modes.of(scope) {
            return;
        }
        for (id, refusal) in self.instruments.ids().zip(&mut self.refusals) {
            if !matches!(scope, ModeScope::Instrument(only) if only != id) {
                *refusal = None;
            }
        }
    }

    /// Closes positions under a cause of its own, and lets nothing be opened until a person says so.
    fn liquidate(&mut self, only: Option<InstrumentId>, reason: &str, effects: &mut Effects) {
        let scope = only.map_or(ModeScope::Account, ModeScope::Instrument);
        let why = format!("liquidation: {reason}");
        self.tighten(scope, Mode::ReduceOnly, why.clone(), effects);
        self.commands += 1;
        self.wait(
            Waiting {
                cause: Cause::Operator(self.commands),
                slot: self.now,
                goal: Goal::Close(only),
                decision: Decision::Hold(why.into()),
            },
            effects,
        );
    }

    /// The venue's figure becomes ours, as a correction that names its reason.
    fn adopt(&mut self, id: InstrumentId, reason: &str, effects: &mut Effects) {
        let Some(dispute) = self.disputes.get(id.index()).copied().flatten() else {
            let error = Error::execution("there is no dispute to settle")
                .context("instrument", id.0)
                .hint("adopt only what `status` shows as disputed");
            effects
                .actions
                .push_back(Action::Alert(Severity::Warning, error));
            return;
        };
        let held = self.account.position(id).quantity;
        self.book_adjustment(
            AdjustmentRecord {
                time: self.now,
                id: EventId::default(),
                kind: AdjustmentKind::Adopted,
                instrument: Some(id),
                asset: self.quote_of(id),
                quantity: dispute.theirs - held,
                amount: Cash::ZERO,
            },
            effects,
        );
        self.end_dispute(id, effects);
        let why = format!("adopted by a person: {reason}");
        let scope = ModeScope::Instrument(id);
        if self.modes.release(scope, Mode::ReduceOnly) {
            self.mode_changed(scope, Mode::ReduceOnly, why, effects);
        }
    }

    fn adopt_account(&mut self, reason: &str, effects: &mut Effects) {
        let Some(report) = self.unadopted.take().filter(|r| self.knows_events(r)) else {
            let error = Error::execution("there is no account to adopt").hint(
                "an account is adopted once, when its journal is empty, and after a report that \
                 is younger than its last event",
            );
            effects
                .actions
                .push_back(Action::Alert(Severity::Warning, error));
            return;
        };
        // What events of before explain is booked already.
        for (asset, amount) in &report.cash {
            let explained = self.account.ledger().cash(*asset);
            self.book(
                EntryKind::Opening,
                EventId::default(),
                None,
                *asset,
                *amount - explained,
                effects,
            );
            self.opened[asset.index()] = true;
        }
        let ids: Vec<InstrumentId> = self.instruments.ids().collect();
        for id in ids {
            let listed = report.positions.iter().find(|(of, _)| *of == id);
            let theirs = listed.map_or(Quantity::ZERO, |(_, quantity)| *quantity);
            let unexplained = theirs - self.account.position(id).quantity;
            if unexplained.is_zero() {
                continue;
            }
            self.book_adjustment(
                AdjustmentRecord {
                    time: self.now,
                    id: EventId::default(),
                    kind: AdjustmentKind::Adopted,
                    instrument: Some(id),
                    asset: self.quote_of(id),
                    quantity: unexplained,
                    amount: Cash::ZERO,
                },
                effects,
            );
        }
        if report.cash.is_empty() {
            let base = AssetId::BASE;
            self.book(
                EntryKind::Opening,
                EventId::default(),
                None,
                base,
                Cash::ZERO,
                effects,
            );
            self.opened[base.index()] = true;
        }
        self.note(format!("account adopted: {reason}"), effects);
        self.ask_account(effects);
    }

    /// A person's word about nothing that changes a mode is recorded with the mode as it is.
    pub(super) fn note(&self, reason: String, effects: &mut Effects) {
        let mode = self.modes.of(ModeScope::Account);
        self.record_mode(ModeScope::Account, mode, reason, effects);
    }

    pub(super) fn on_health(&mut self, fact: &HealthFact, effects: &mut Effects) {
        match fact {
            HealthFact::ClockStepped { nanos } => {
                let reason = format!("wall clock stepped by {nanos} ns");
                self.doubt(Session::Doubtful, reason, effects);
            }
            HealthFact::ExecutionReportsDown => {
                self.doubt(Session::Down, "execution reports are down".into(), effects);
            }
            HealthFact::ExecutionReportsUp => {
                if self.session == Session::Down {
                    let reason = "execution reports are up again".into();
                    self.set_session(Session::Reconciling, reason, effects);
                }
            }
            HealthFact::FeedDown { instrument, reason } => {
                self.feed(*instrument, true);
                let error = Error::validation("the prices of an instrument are in doubt")
                    .context(
                        "instrument",
                        self.instruments
                            .get(*instrument)
                            .map_or("unknown", |i| i.symbol.as_str()),
                    )
                    .context("reason", reason)
                    .hint("look at the feed; exits leave, and additions wait until it is well");
                effects
                    .actions
                    .push_back(Action::Alert(Severity::Warning, error));
            }
            HealthFact::FeedUp { instrument } => self.feed(*instrument, false),
            HealthFact::Unwell { reason } => {
                self.unwell = true;
                let error = Error::execution("the program is unwell, and nothing adds risk")
                    .context("reason", reason)
                    .hint("see what `ballast doctor` says; exits leave meanwhile");
                effects
                    .actions
                    .push_back(Action::Alert(Severity::Error, error));
            }
            HealthFact::Recovered => self.unwell = false,
            HealthFact::JournalFailed { reason } => {
                let reason = format!("journal failed: {reason}");
                self.tighten(ModeScope::Account, Mode::Halted, reason, effects);
            }
            HealthFact::Killed { reason } => {
                // Acknowledged and halted in one step: whoever releases the mode means after it.
                self.epochs.kill = self.gate.kill_epoch();
                let reason = format!("killed: {reason}");
                self.tighten(ModeScope::Account, Mode::Halted, reason, effects);
            }
        }
    }

    fn feed(&mut self, instrument: InstrumentId, sick: bool) {
        if let Some(known) = self.sick_feeds.get_mut(instrument.index()) {
            *known = sick;
        }
    }

    /// A session only gets worse by what the surroundings say.
    fn doubt(&mut self, to: Session, reason: String, effects: &mut Effects) {
        if to > self.session {
            self.set_session(to, reason.into(), effects);
        }
    }
}
