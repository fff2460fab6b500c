//! Trading time of a replay: whoever walks the market's stages turns it.

use async_trait::async_trait;
use ballast_domain::time::Timestamp;
use ballast_ports::Clock;
use tokio::sync::watch;

/// Trading time that stands still between two stages of a replayed market.
///
/// Feed, venue and kernel share it in an `Arc`: all of them see the same time.
#[derive(Debug)]
pub struct ReplayClock {
    now: watch::Sender<Timestamp>,
}

impl ReplayClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: watch::Sender::new(now),
        }
    }

    /// Moves to `time`; a time in the past changes nothing.
    pub fn advance_to(&self, time: Timestamp) {
        self.now.send_if_modified(|now| {
            let later = time > *now;
            *now = time.max(*now);
            later
        });
    }
}

#[async_trait]
impl Clock for ReplayClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let mut now = self.now.subscribe();
        // The sender lives as long as `self`.
        let _ = now.wait_for(|now| *now >= deadline).await;
    }
}
