//! Alarms: what a person must look at, each with its page of the runbook.

use serde::{Serialize, Serializer};

use crate::drivers::live::Stop;

/// Something that a person must look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// The kill switch is thrown.
    Killed,
    /// A mode lets less through than everything.
    Restricted,
    /// The trader ended without saying so.
    Crashed,
    /// Orders whose outcome nobody knows.
    UnknownOrder,
    /// Our books and the venue's differ in a position.
    Disputed,
    /// Targets of the last decision were not reached.
    Unreached,
    /// Too many orders in a row failed.
    OrdersFail,
    /// A start found the account and the journal in disagreement.
    NotReconciled,
    /// The journal could not be written.
    JournalFailed,
    /// The venue does not answer.
    VenueFailed,
}

impl Alarm {
    /// Every alarm.
    pub const ALL: [Self; 10] = [
        Self::Killed,
        Self::Restricted,
        Self::Crashed,
        Self::UnknownOrder,
        Self::Disputed,
        Self::Unreached,
        Self::OrdersFail,
        Self::NotReconciled,
        Self::JournalFailed,
        Self::VenueFailed,
    ];

    /// The alarm of a session's end; `None` where nobody needs to look.
    pub const fn of_stop(stop: Stop) -> Option<Self> {
        match stop {
            Stop::EndOfData | Stop::Once | Stop::Interrupted | Stop::Commanded => None,
            Stop::Killed => Some(Self::Killed),
            Stop::Mode => Some(Self::Restricted),
            Stop::OrdersFail => Some(Self::OrdersFail),
            Stop::NotReconciled => Some(Self::NotReconciled),
            Stop::JournalFailed => Some(Self::JournalFailed),
            Stop::VenueFailed => Some(Self::VenueFailed),
        }
    }

    /// Its page of the runbook, from the root of the source.
    pub const fn page(self) -> &'static str {
        match self {
            Self::Killed => "docs/runbook/killed.md",
            Self::Restricted => "docs/runbook/restricted.md",
            Self::Crashed => "docs/runbook/crashed.md",
            Self::UnknownOrder => "docs/runbook/unknown-order.md",
            Self::Disputed => "docs/runbook/disputed.md",
            Self::Unreached => "docs/runbook/unreached.md",
            Self::OrdersFail => "docs/runbook/orders-fail.md",
            Self::NotReconciled => "docs/runbook/not-reconciled.md",
            Self::JournalFailed => "docs/runbook/journal-failed.md",
            Self::VenueFailed => "docs/runbook/venue-failed.md",
        }
    }
}

/// As its page: what reads it finds what to do.
impl Serialize for Alarm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.page())
    }
}
