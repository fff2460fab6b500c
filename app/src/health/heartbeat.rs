//! Liveness: a loop that says it is still turning, and a check that hears when it does not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ballast_ports::{Error, ErrorKind, Finding, Health, Result, Severity};
use tokio::time::Instant;

/// The heartbeat of one loop, in machine time: a replay does not make it slower. Clones beat as one.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    name: String,
    interval: Duration,
    missed_max: u32,
    last: Arc<Mutex<Instant>>,
}

impl Heartbeat {
    /// A loop that beats every `interval` and is dead once `missed_max` beats in a row are missing. It
    /// counts as having beaten now.
    ///
    /// # Errors
    /// `Config` for no time or no beat.
    pub fn new(name: &str, interval: Duration, missed_max: u32) -> Result<Self> {
        if interval.is_zero() || missed_max == 0 {
            let message = "a heartbeat of nothing is always missed";
            return Err(Error::new(ErrorKind::Config, "open", message)
                .hint("give it an interval and at least one beat that may be missing"));
        }
        Ok(Self {
            name: name.to_owned(),
            interval,
            missed_max,
            last: Arc::new(Mutex::new(Instant::now())),
        })
    }

    /// The loop turned once.
    pub fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whole intervals since the last beat.
    pub fn missed(&self) -> u32 {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let intervals = last.elapsed().as_nanos() / self.interval.as_nanos();
        u32::try_from(intervals).unwrap_or(u32::MAX)
    }
}

#[async_trait]
impl Health for Heartbeat {
    fn name(&self) -> &str {
        &self.name
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    async fn check(&self) -> Result<Finding> {
        let missed = self.missed();
        Ok(if missed < self.missed_max {
            Finding::healthy("beats")
        } else {
            Finding::unhealthy(
                format!("no beat for {missed} intervals of {:?}", self.interval),
                "the loop hangs: stop the program with `ballast kill`, keep its log, start it again",
            )
        })
    }
}
