//! Machine time: monotonic, never scaled, and nobody's trading time.

use std::time::Duration;

use ballast_ports::{Error, ErrorKind};
pub(crate) use tokio::time::{Instant, sleep_until};

/// This instant. Under tokio's paused clock it stands still, so tests turn it by hand.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// No answer came within a limit. The typed cause of an `Unavailable`: see [`Error::cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// The limit that passed.
    pub after: Duration,
}

impl std::fmt::Display for TimedOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "timed out after {:?}", self.after)
    }
}

impl std::error::Error for TimedOut {}

impl TimedOut {
    /// The error of an operation that had this long to answer.
    pub(crate) fn error(operation: &'static str, after: Duration, what: &str) -> Error {
        Error::new(ErrorKind::Unavailable, operation, what)
            .context("limit", format!("{after:?}"))
            .hint("the neighbour hangs or is slow: look at its status, or allow it more time")
            .caused_by(Self { after })
    }
}
