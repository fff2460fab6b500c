//! Failed calls and refused orders, kept so that somebody can learn from them.

use std::fmt;
use std::sync::Arc;

use ballast_domain::instrument::InstrumentId;
use ballast_domain::orders::ClientOrderId;
use ballast_domain::time::Timestamp;

use crate::error::{Error, ErrorKind, Result};

/// What became of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureOutcome {
    /// It was tried again.
    Retried,
    /// Its error went to the caller.
    Returned,
    /// The venue refused the order.
    Rejected,
    /// The order never left.
    NotSent,
    /// Nobody knows whether the order is alive.
    Unknown,
}

impl FailureOutcome {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Returned => "returned",
            Self::Rejected => "rejected",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}

/// One failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Trading time at which it ended.
    pub at: Timestamp,
    /// Name of the source or venue.
    pub source: String,
    /// The port's method.
    pub operation: String,
    /// What became of it.
    pub outcome: FailureOutcome,
    /// Kind of its error; `Rejected` for an order the venue refused.
    pub kind: ErrorKind,
    /// The error with all its causes on one line, or the venue's reason.
    pub message: String,
    /// The order, when it is about one.
    pub order: Option<(InstrumentId, ClientOrderId)>,
}

impl Failure {
    /// The failure of a call that ended with `error`.
    pub fn of(
        at: Timestamp,
        source: &str,
        operation: &str,
        outcome: FailureOutcome,
        error: &Error,
    ) -> Self {
        Self {
            at,
            source: source.to_owned(),
            operation: operation.to_owned(),
            outcome,
            kind: error.kind,
            message: error.chain(),
            order: None,
        }
    }
}

/// Where failures go.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait FailureStore: fmt::Debug + Send + Sync + 'static {
    /// Takes one failure.
    ///
    /// # Behaviour
    /// Does not block: an order waits for this call. What needs a disk or a network is queued and
    /// written by someone else.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be kept. The caller goes on and says so.
    ///
    /// # Idempotency
    /// Two calls are two failures.
    ///
    /// # For adapter authors
    /// Bound the queue and name the bound; when it is full, refuse rather than wait.
    fn record(&self, failure: &Failure) -> Result<()>;
}

impl<T: FailureStore + ?Sized> FailureStore for Arc<T> {
    fn record(&self, failure: &Failure) -> Result<()> {
        (**self).record(failure)
    }
}
