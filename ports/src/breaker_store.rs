//! What several programs know together about a neighbour that fails.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;

/// What a shared breaker does with calls. Times are the store's, see [`KeptBreaker::now`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharedPhase {
    /// Lets calls through.
    Closed {
        /// When calls failed since the last success, oldest first.
        failures: Vec<Duration>,
    },
    /// Refuses calls.
    Open {
        /// Until then.
        until: Duration,
    },
    /// Lets a few calls through to see whether the neighbour is back.
    HalfOpen {
        /// When the places of probes that are under way are free again, also when their program is gone.
        probes: Vec<Duration>,
        /// Probes that succeeded.
        succeeded: u32,
    },
}

/// A breaker as it is kept for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedBreakerState {
    /// Counts changes of phase: an outcome of a call that began in an earlier one moves nothing.
    pub era: u64,
    /// Its phase.
    pub phase: SharedPhase,
}

impl Default for SharedBreakerState {
    /// Closed, without a failure.
    fn default() -> Self {
        Self {
            era: 0,
            phase: SharedPhase::Closed {
                failures: Vec::new(),
            },
        }
    }
}

/// An answer of a [`BreakerStore`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBreaker {
    /// Counts replacements; 0 when nothing was kept yet.
    pub revision: u64,
    /// What is kept; the default when nothing is.
    pub state: SharedBreakerState,
    /// The store's own time, since an instant of its choice. Never runs back. Programs on machines
    /// whose clocks differ agree by it.
    pub now: Duration,
}

/// A place that keeps breakers for several programs.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait BreakerStore: fmt::Debug + Send + Sync + 'static {
    /// What is kept under `name`.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached. The caller goes on with what it knows itself.
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Safe at any point.
    async fn read(&self, name: &str) -> Result<KeptBreaker>;

    /// Keeps `state` under `name` if `revision` is still what is there; `false` when somebody else was
    /// faster.
    ///
    /// # Behaviour
    /// Of any number of programs that replace one revision, one succeeds.
    ///
    /// # Errors
    /// As [`BreakerStore::read`]. The state may be kept or not.
    ///
    /// # Idempotency
    /// A second call with the same revision answers `false`.
    ///
    /// # Cancellation
    /// A dropped call has replaced the state or has not.
    async fn replace(&self, name: &str, revision: u64, state: &SharedBreakerState) -> Result<bool>;
}

#[async_trait]
impl<T: BreakerStore + ?Sized> BreakerStore for Arc<T> {
    async fn read(&self, name: &str) -> Result<KeptBreaker> {
        (**self).read(name).await
    }

    async fn replace(&self, name: &str, revision: u64, state: &SharedBreakerState) -> Result<bool> {
        (**self).replace(name, revision, state).await
    }
}
