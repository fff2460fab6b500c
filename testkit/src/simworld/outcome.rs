//! What a day ended in: counts, a digest, and what must never happen where it did.

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::outage::Outages;

/// Something that must never happen, happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The invariant, by its code.
    pub invariant: String,
    /// Milliseconds since the day began.
    pub at: u64,
    /// What was seen.
    pub what: String,
}

/// How often things happened in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Orders that left.
    pub sent: u64,
    /// Orders the venue took.
    pub accepted: u64,
    /// Permits that came back unspent.
    pub not_sent: u64,
    /// Executions at the venue.
    pub fills: u64,
    /// Cancels that left.
    pub cancels: u64,
    /// Faults that had an effect.
    pub faults: u64,
    /// Times the process died.
    pub crashes: u64,
    /// Starts that were refused because the journal was damaged.
    pub refused: u64,
    /// Events processed.
    pub events: u64,
    /// Account reports compared.
    pub reports: u64,
    /// Orders whose outcome became unknown.
    pub unknown: u64,
    /// Positions a person adopted.
    pub adopted: u64,
    /// Bytes of the journal.
    pub journal: u64,
    /// Days that ended with the account restricted, for a recorded reason.
    pub restricted: u64,
    /// Outages that ended without a person.
    pub repaired: Outages,
    /// Outages that ended after a person did something.
    pub helped: Outages,
    /// Outages that a person wanted: kills.
    pub wanted_outages: u64,
}

impl Counts {
    /// Adds another day's.
    pub const fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.accepted += other.accepted;
        self.not_sent += other.not_sent;
        self.fills += other.fills;
        self.cancels += other.cancels;
        self.faults += other.faults;
        self.crashes += other.crashes;
        self.refused += other.refused;
        self.events += other.events;
        self.reports += other.reports;
        self.unknown += other.unknown;
        self.adopted += other.adopted;
        self.journal += other.journal;
        self.restricted += other.restricted;
        self.repaired.add(&other.repaired);
        self.helped.add(&other.helped);
        self.wanted_outages += other.wanted_outages;
    }
}

/// The end of a day.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What must never happen and did; the day ends at the first.
    pub violation: Option<Violation>,
    /// How often things happened.
    pub counts: Counts,
    /// Digest of everything that happened: equal for equal plans.
    pub trace: u64,
    /// What was reached.
    pub coverage: Coverage,
    /// Why scopes were restricted at the end.
    pub reasons: Vec<String>,
}

impl Outcome {
    /// I-68: the same plan is the same day, to the last event; the violation if it was another one.
    pub fn unlike(&self, again: &Self) -> Option<Violation> {
        (self.trace != again.trace).then(|| Violation {
            invariant: "I-68".to_owned(),
            at: 0,
            what: "the same plan gave two different days".to_owned(),
        })
    }
}
