//! The session with the venue: whether what we know of it may be built upon.

use serde::{Deserialize, Serialize};

use super::{Action, Effects, Kernel, Query, Record, SessionRecord};
use crate::instrument::InstrumentId;
use crate::risk::Mode;
use crate::strategy::{Reason, Strategy};

/// Whether the venue's account is known. Not a mode: it ends by itself, with proof, where a mode
/// ends by a person's word.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Session {
    /// Reconciled.
    #[default]
    Ready,
    /// Time cannot be trusted until the next reconciliation: only reductions.
    Doubtful,
    /// Begun or begun anew, not reconciled yet: only cancels.
    Reconciling,
    /// Execution reports do not come: only cancels.
    Down,
}

impl Session {
    /// The mode it imposes on every instrument.
    pub const fn mode(self) -> Mode {
        match self {
            Self::Ready => Mode::Active,
            Self::Doubtful => Mode::ReduceOnly,
            Self::Reconciling | Self::Down => Mode::CancelOnly,
        }
    }

    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Doubtful => "doubtful",
            Self::Reconciling => "reconciling",
            Self::Down => "down",
        }
    }
}

impl<S: Strategy> Kernel<S> {
    /// Whether the venue's account is known.
    pub const fn session(&self) -> Session {
        self.session
    }

    /// The mode that holds for an instrument: the strictest of its scopes and of the session.
    pub fn mode(&self, id: InstrumentId) -> Mode {
        let feed = self.feed_mode(id);
        self.modes.effective(id).max(self.session.mode()).max(feed)
    }

    /// What the instrument's prices and the program's health allow: while either is sick no risk is
    /// added, and exits leave.
    fn feed_mode(&self, id: InstrumentId) -> Mode {
        if self.unwell || self.sick_feeds.get(id.index()) == Some(&true) {
            return Mode::ReduceOnly;
        }
        Mode::Active
    }

    /// The mode for orders that are not the strategy's: a suspended strategy does not bind them.
    pub(super) fn mode_beyond_strategy(&self, id: InstrumentId) -> Mode {
        let feed = self.feed_mode(id);
        let modes = self.modes.beyond_strategy(id);
        modes.max(self.session.mode()).max(feed)
    }

    /// Changes the session; a worse one asks the venue at once.
    pub(super) fn set_session(&mut self, to: Session, reason: Reason, effects: &mut Effects) {
        if to == self.session {
            return;
        }
        self.session = to;
        self.session_since = self.now;
        effects.records.push(Record::Session(SessionRecord {
            time: self.now,
            session: to,
            reason,
        }));
        if matches!(to, Session::Reconciling | Session::Doubtful) {
            self.ask_account(effects);
        }
    }

    /// Asks for everything since shortly before the last instant at which the books agreed.
    pub(super) fn ask_account(&mut self, effects: &mut Effects) {
        let back = self.settings.watch.as_ref().map(|w| w.look_back);
        let since = match back {
            Some(span) if self.agreed_at > crate::time::Timestamp::MIN => self.agreed_at - span,
            _ => crate::time::Timestamp::MIN,
        };
        effects
            .actions
            .push_back(Action::Query(Query::Account { since }));
    }
}
