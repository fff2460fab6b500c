//! Trading time from the wall clock.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use ballast_domain::time::Timestamp;
use ballast_ports::Clock;

/// The longest single sleep. The wall clock can step while a task sleeps (time synchronisation, a
/// suspended machine), so a deadline is looked at again at least this often.
const RECHECK: Duration = Duration::from_secs(1);

/// The wall clock, held so that it never goes back.
///
/// When the wall clock is set back, `now` stands still until it has caught up. Noticing such a step
/// and acting on it is the health check's task.
pub struct SystemClock {
    wall: fn() -> Timestamp,
    latest: AtomicI64,
}

impl SystemClock {
    /// The clock of this machine.
    pub const fn new() -> Self {
        Self::reading(wall)
    }

    const fn reading(wall: fn() -> Timestamp) -> Self {
        Self {
            wall,
            latest: AtomicI64::new(i64::MIN),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemClock").finish_non_exhaustive()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let wall = (self.wall)().nanos();
        let before = self.latest.fetch_max(wall, Ordering::Relaxed);
        Timestamp::from_nanos(wall.max(before))
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        loop {
            let remaining = deadline.since(self.now()).nanos();
            let Some(nanos) = u64::try_from(remaining).ok().filter(|n| *n > 0) else {
                return;
            };
            tokio::time::sleep(Duration::from_nanos(nanos).min(RECHECK)).await;
        }
    }
}

/// The time of day, held to the range of a [`Timestamp`] (years 1677 to 2262).
fn wall() -> Timestamp {
    let clamp = |d: Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => clamp(since),
        Err(before) => -clamp(before.duration()),
    })
}

#[cfg(test)]
mod tests {
    use ballast_domain::time::Span;

    use super::*;

    #[test]
    fn a_wall_clock_set_back_does_not_go_back() {
        static WALL: AtomicI64 = AtomicI64::new(100);
        let clock = SystemClock::reading(|| Timestamp::from_nanos(WALL.load(Ordering::Relaxed)));
        let seen: Vec<_> = [100, 90, 99, 101]
            .into_iter()
            .map(|t| {
                WALL.store(t, Ordering::Relaxed);
                clock.now().nanos()
            })
            .collect();
        assert_eq!(seen, [100, 100, 100, 101]);
    }

    #[test]
    fn it_tells_this_centurys_time() {
        let now = SystemClock::new().now();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(now > at("2025-01-01T00:00:00Z") && now < at("2125-01-01T00:00:00Z"));
    }

    #[tokio::test]
    async fn sleeping_ends_at_the_deadline_and_past_ones_at_once() {
        let clock = SystemClock::new();
        let deadline = clock.now() + Span::from_nanos(5_000_000);
        clock.sleep_until(deadline).await;
        assert!(clock.now() >= deadline);
        clock.sleep_until(Timestamp::MIN).await;
    }

    /// A step forward of the wall clock ends a long sleep at the next look.
    #[tokio::test(start_paused = true)]
    async fn a_step_forward_is_noticed() {
        static WALL: AtomicI64 = AtomicI64::new(0);
        let clock = SystemClock::reading(|| Timestamp::from_nanos(WALL.load(Ordering::Relaxed)));
        let started = tokio::time::Instant::now();
        let step = async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            WALL.store(i64::MAX, Ordering::Relaxed);
        };
        let day = Timestamp::from_seconds(86_400).unwrap();
        tokio::join!(clock.sleep_until(day), step);
        assert_eq!(started.elapsed(), Duration::from_secs(2));
    }
}
