//! How much may leave in how much time, by two honest rules.

use std::collections::VecDeque;
use std::time::Duration;

use crate::machine_time::Instant;

/// By which rule a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// No window of `per` holds more than the capacity: what left stays counted for `per`. It
    /// remembers every call of a window.
    SlidingWindow,
    /// A bucket of the capacity that fills up evenly within `per`. After a pause a window can hold
    /// almost twice the capacity; use it where the venue says that it counts like this.
    TokenBucket,
}

/// What a limit has given out.
#[derive(Debug)]
pub(crate) struct Allowance {
    rule: Rule,
    per: Duration,
    capacity: u32,
    /// Weight in the log of a sliding window.
    logged: u32,
    log: VecDeque<(Instant, u32)>,
    /// When the bucket is full again.
    full_at: Instant,
}

impl Allowance {
    pub(crate) fn new(rule: Rule, per: Duration, capacity: u32, now: Instant) -> Self {
        Self {
            rule,
            per,
            capacity,
            logged: 0,
            log: VecDeque::new(),
            full_at: now,
        }
    }

    /// Time in which a bucket regains one unit of weight, never rounded down.
    fn unit(&self) -> Duration {
        let nanos = self.per.as_nanos().div_ceil(u128::from(self.capacity));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, weight)) = self.log.front()
            && *at + self.per <= now
        {
            self.logged -= weight;
            self.log.pop_front();
        }
    }

    /// Weight that counts now.
    pub(crate) fn used(&mut self, now: Instant) -> u32 {
        match self.rule {
            Rule::SlidingWindow => {
                self.forget(now);
                self.logged
            }
            Rule::TokenBucket => {
                let missing = self.full_at.saturating_duration_since(now).as_nanos();
                let units = missing.div_ceil(self.unit().as_nanos().max(1));
                u32::try_from(units).unwrap_or(u32::MAX)
            }
        }
    }

    /// How long until `weight` more fits while no more than `room` is used in all; nothing when it
    /// fits now. `weight` is at most `room`.
    pub(crate) fn wait(&mut self, weight: u32, room: u32, now: Instant) -> Duration {
        let used = self.used(now);
        let Some(over) = (used.saturating_add(weight))
            .checked_sub(room)
            .filter(|over| *over > 0)
        else {
            return Duration::ZERO;
        };
        match self.rule {
            Rule::SlidingWindow => {
                let mut freed = 0;
                for (at, weight) in &self.log {
                    freed += weight;
                    if freed >= over {
                        return (*at + self.per) - now;
                    }
                }
                self.per
            }
            Rule::TokenBucket => {
                // Until so little is missing that `room - weight` is what is used.
                let allowed = self.unit() * (room - weight);
                self.full_at.saturating_duration_since(now + allowed)
            }
        }
    }

    /// `weight` leaves now.
    pub(crate) fn take(&mut self, weight: u32, now: Instant) {
        match self.rule {
            Rule::SlidingWindow => {
                self.logged += weight;
                self.log.push_back((now, weight));
            }
            Rule::TokenBucket => {
                self.full_at = self.full_at.max(now) + self.unit() * weight;
            }
        }
    }

    /// When the capacity is reached if weight leaves as it did in the last window; `None` when
    /// nothing left.
    pub(crate) fn exhausted_in(&mut self, now: Instant) -> Option<Duration> {
        let used = self.used(now);
        let left = self.capacity.saturating_sub(used);
        let begun = match self.rule {
            Rule::SlidingWindow => self.log.front()?.0,
            Rule::TokenBucket => return None,
        };
        let elapsed = (now - begun).max(Duration::from_millis(1));
        (used > 0).then(|| elapsed.mul_f64(f64::from(left) / f64::from(used)))
    }
}
