//! Everything a dependency is guarded by, in one value.

use std::time::Duration;

use ballast_ports::Result;

use crate::backoff::RetryPolicy;
use crate::breaker::BreakerPolicy;
use crate::limiter::RatePolicy;

/// Retry, breaker, rate limit and timeout of one dependency.
///
/// Whoever puts them together puts retry outside, then the breaker, then the limit, then the timeout.
/// So every attempt is counted by the breaker, leaves within the limits and has its own timeout, and
/// the whole call has [`RetryPolicy::deadline`].
#[derive(Clone, Debug, PartialEq)]
pub struct ResiliencePolicy {
    /// Attempts and the total deadline.
    pub retry: RetryPolicy,
    /// When the dependency is left alone.
    pub breaker: BreakerPolicy,
    /// How fast calls may leave.
    pub rate: RatePolicy,
    /// How long one attempt may take.
    pub timeout: Duration,
}

impl Default for ResiliencePolicy {
    /// The defaults of its parts, no limits, 30 s an attempt.
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
            rate: RatePolicy::of(Vec::new()),
            timeout: Duration::from_secs(30),
        }
    }
}

impl ResiliencePolicy {
    /// Refuses what cannot work before anything is built.
    ///
    /// # Errors
    /// `Config` as [`RetryPolicy::check`] and [`BreakerPolicy::check`]; limits and timeout are
    /// checked when they are built.
    pub fn check(&self) -> Result<()> {
        self.retry.check()?;
        self.breaker.check()
    }
}
