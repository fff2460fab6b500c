//! Trading time: the clock that slots, freshness and deadlines read.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::time::Timestamp;

/// Trading time. It can be the wall clock, a replay or a hand-turned fake.
///
/// Machine time (timeouts, back-off) is not this: it is monotonic and never scaled.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// The current trading time.
    ///
    /// # Behaviour
    /// Never decreases, over all threads that share the clock.
    ///
    /// # Errors
    /// None.
    fn now(&self) -> Timestamp;

    /// Waits until [`Clock::now`] is at or after `deadline`.
    ///
    /// # Behaviour
    /// Returns at once when the deadline has passed. On return, `now() >= deadline` holds.
    ///
    /// # Errors
    /// None.
    ///
    /// # Cancellation
    /// Dropping the future stops the wait and leaves nothing behind.
    ///
    /// # For adapter authors
    /// A wall clock can step; look again instead of trusting one long sleep.
    async fn sleep_until(&self, deadline: Timestamp);
}

#[async_trait]
impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        (**self).sleep_until(deadline).await;
    }
}
