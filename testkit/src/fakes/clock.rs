//! A clock that a test turns by hand.

use async_trait::async_trait;
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::Clock;
use tokio::sync::watch;

/// Trading time that stands still until [`FakeClock::advance`] or [`FakeClock::set`].
///
/// Share it in an `Arc`: all holders see the same time, and sleepers wake when it gets there.
#[derive(Debug)]
pub struct FakeClock {
    now: watch::Sender<Timestamp>,
}

impl FakeClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: watch::Sender::new(now),
        }
    }

    /// Moves forward by `span`. A negative span changes nothing: trading time never decreases.
    pub fn advance(&self, span: Span) {
        self.set(self.now() + span);
    }

    /// Moves to `time`, unless that is in the past.
    pub fn set(&self, time: Timestamp) {
        self.now.send_if_modified(|now| {
            let later = time > *now;
            *now = time.max(*now);
            later
        });
    }

    /// How many sleepers are waiting.
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        self.now
            .subscribe()
            .wait_for(|now| *now >= deadline)
            .await
            .expect("the sender lives as long as self");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::builders::day;

    #[tokio::test]
    async fn sleepers_wake_when_the_time_comes_and_not_before() {
        let clock = Arc::new(FakeClock::new(day(0)));
        let sleeper = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move {
                clock.sleep_until(day(2)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        assert_eq!(clock.sleepers(), 1);
        clock.set(day(1));
        clock.set(day(0));
        assert_eq!(clock.now(), day(1));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Span::from_days(1));
        assert_eq!(sleeper.await.unwrap(), day(2));
        clock.sleep_until(day(-5)).await;
    }
}
