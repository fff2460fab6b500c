//! A venue whose market is replayed: what the driver has to know beyond orders and reports.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::simulation::Cursor;
use ballast_domain::time::Timestamp;
use ballast_ports::{Clock, Error, ErrorKind, Result};
use ballast_simulated::{ReplayClock, SimulatedBroker, Staged};

/// The market's side of a replay: it waits in a stage of a bar until it is told to go on, and
/// remembers where it stood after the program has ended.
#[async_trait]
pub trait ReplayedMarket: fmt::Debug + Send + Sync + 'static {
    /// The stage that comes next.
    ///
    /// # Errors
    /// As the venue answers.
    async fn cursor(&self) -> Result<Cursor>;

    /// Whether no order has ever come.
    ///
    /// # Errors
    /// As the venue answers.
    async fn is_untouched(&self) -> Result<bool>;

    /// Carries out the stage that comes next, once.
    ///
    /// # Behaviour
    /// `told` counts the facts since this market was opened by this program: the driver goes on
    /// when it has heard all of them.
    ///
    /// # Errors
    /// As the venue answers; whether the stage was carried out is not known then.
    async fn carry_out(&self) -> Result<Staged>;
}

#[async_trait]
impl ReplayedMarket for SimulatedBroker {
    async fn cursor(&self) -> Result<Cursor> {
        Self::cursor(self).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "cursor",
                "this venue has no market of its own",
            )
            .hint("open it with SimulatedBroker::replay")
        })
    }

    async fn is_untouched(&self) -> Result<bool> {
        Ok(Self::is_untouched(self))
    }

    async fn carry_out(&self) -> Result<Staged> {
        Self::carry_out(self)
    }
}

/// Trading time that the driver turns, stage by stage and timer by timer.
pub trait TurnedClock: Clock {
    /// Moves to `time`; a time in the past changes nothing.
    fn advance_to(&self, time: Timestamp);
}

impl TurnedClock for ReplayClock {
    fn advance_to(&self, time: Timestamp) {
        Self::advance_to(self, time);
    }
}

/// A clock shared with the venue.
pub type SharedClock = Arc<dyn TurnedClock>;
