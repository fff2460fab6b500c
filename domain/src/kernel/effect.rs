//! Everything a kernel asks its driver to do.

use std::collections::VecDeque;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::permit::SendPermit;
use super::record::Record;
use super::report::Query;
use crate::error::Error;
use crate::instrument::InstrumentId;
use crate::orders::ClientOrderId;
use crate::time::Timestamp;

/// A batch of records: the kernel's own sequence number and a digest of what is in it.
///
/// The answer [`Input::Persisted`](super::Input::Persisted) must echo both, so that an answer to
/// anything else can never release an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BatchId {
    /// Counts batches from 1.
    pub sequence: u64,
    /// 64-bit digest of the records.
    pub digest: u64,
}

/// A timer the kernel armed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TimerId(pub u64);

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth reading.
    Warning,
    /// Something is wrong; a mode may have been tightened.
    Error,
}

/// One thing to do, in order.
#[derive(Debug)]
pub enum Action {
    /// Make these of [`Effects::records`] durable, then answer `Persisted`.
    Persist(BatchId, Range<usize>),
    /// Send this order once.
    Send(SendPermit),
    /// Take an order back.
    Cancel(InstrumentId, ClientOrderId),
    /// Ask the venue.
    Query(Query),
    /// Come back with `Timer` at this instant.
    Arm(TimerId, Timestamp),
    /// Tell a person.
    Alert(Severity, Error),
}

/// The effects of steps: records and actions, owned and reused by the driver.
///
/// A driver takes actions from the front and clears the records when no action is left.
#[derive(Debug, Default)]
pub struct Effects {
    /// What happened, to be made durable.
    pub records: Vec<Record>,
    /// What to do, in order.
    pub actions: VecDeque<Action>,
}

impl Effects {
    /// No effects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is anything to do.
    #[inline]
    pub fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// The next thing to do.
    #[inline]
    pub fn next_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            self.records.clear();
        }
        action
    }
}
