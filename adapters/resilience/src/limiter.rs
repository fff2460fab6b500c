//! A rate limiter: weighted calls under several limits at once, first come first served.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballast_ports::{Error, ErrorKind, Result};
use tokio::sync::Mutex as Turnstile;

use crate::allowance::{Allowance, Rule};
use crate::machine_time::{self, Instant, sleep_until};
use crate::metrics_registry::{Counter, Gauge};
use crate::notice::{Notice, Reporter};

/// One limit of a neighbour. Set it below what the neighbour says: calls are counted when they
/// leave, and they arrive closer together than that.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Name, such as `orders` or `weight_1m`.
    pub name: String,
    /// How it counts.
    pub rule: Rule,
    /// Its time.
    pub per: Duration,
    /// The weight it allows in that time.
    pub capacity: u32,
    /// The part of the capacity that only cancels may use.
    pub reserved: u32,
    /// Weight of each operation; `0` is outside this limit.
    pub weights: BTreeMap<&'static str, u32>,
    /// Weight of an operation that is not in `weights`.
    pub default_weight: u32,
}

impl Limit {
    /// At most `capacity` calls of any kind in a sliding window of `per`, nothing reserved.
    pub fn sliding(name: &str, capacity: u32, per: Duration) -> Self {
        Self {
            name: name.to_owned(),
            rule: Rule::SlidingWindow,
            per,
            capacity,
            reserved: 0,
            weights: BTreeMap::new(),
            default_weight: 1,
        }
    }

    fn weight(&self, operation: &str) -> u32 {
        self.weights
            .get(operation)
            .copied()
            .unwrap_or(self.default_weight)
    }

    /// The heaviest call this limit meets.
    fn heaviest(&self) -> u32 {
        let heaviest = self.weights.values().copied().max().unwrap_or(0);
        heaviest.max(self.default_weight)
    }

    fn check(&self) -> Result<()> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(ErrorKind::Config, "open", message)
                .context("limit", &self.name)
                .hint(hint))
        };
        if self.capacity == 0 || self.per.is_zero() {
            return refuse(
                "a limit of nothing lets nothing through",
                "set capacity and per",
            );
        }
        if self.reserved >= self.capacity {
            return refuse(
                "everything is reserved for cancels",
                "reserve less than the capacity",
            );
        }
        if self.heaviest() > self.capacity - self.reserved {
            return refuse(
                "a call is heavier than what is not reserved: it would wait for ever",
                "raise the capacity or reserve less",
            );
        }
        if self.rule == Rule::TokenBucket && self.per.as_nanos() < u128::from(self.capacity) {
            return refuse(
                "more calls than nanoseconds",
                "use a longer time or a smaller capacity",
            );
        }
        Ok(())
    }
}

/// The limits of one neighbour, for every call to it.
#[derive(Clone, Debug, PartialEq)]
pub struct RatePolicy {
    /// All of them hold at once.
    pub limits: Vec<Limit>,
    /// A call that would wait longer is refused with `RateLimited`, unsent.
    pub max_wait: Duration,
    /// A notice is given when this share of a capacity is used, 0 to 1.
    pub warn_at: f64,
}

impl RatePolicy {
    /// These limits, waits of up to a minute, a warning at 80 %.
    pub fn of(limits: Vec<Limit>) -> Self {
        Self {
            limits,
            max_wait: Duration::from_secs(60),
            warn_at: 0.8,
        }
    }
}

/// Whether a call may use what is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Reads and orders.
    Normal,
    /// Cancels: they have their own queue and the reserved share.
    Cancel,
}

/// Where a limit stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Its name.
    pub limit: String,
    /// Weight that counts now.
    pub used: u32,
    /// Weight it allows.
    pub capacity: u32,
    /// When the capacity is reached at the rate of the last window; `None` when nothing left, and
    /// for a token bucket.
    pub exhausted_in: Option<Duration>,
}

/// The limiter of one neighbour. Clones share it, so market data and broker of one venue can.
#[derive(Clone, Debug)]
pub struct Limiter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    policy: RatePolicy,
    reporter: Reporter,
    state: Mutex<State>,
    normal: Queue,
    cancels: Queue,
    meters: Vec<Meter>,
    calls: Counter,
    hits: Counter,
}

/// Calls that wait: the first of them inside, tokio lets the others in as they came.
#[derive(Debug, Default)]
struct Queue {
    turnstile: Turnstile<()>,
    waiting: AtomicUsize,
}

/// Counts a call as waiting for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Queue {
    fn join(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(&self.waiting)
    }
}

#[derive(Debug)]
struct State {
    allowances: Vec<Allowance>,
    banned_until: Instant,
}

#[derive(Debug)]
struct Meter {
    used: Gauge,
    warned: AtomicBool,
}

impl Limiter {
    /// The limiter of the neighbour `name`.
    ///
    /// # Errors
    /// `Config` for a limit that lets nothing through, and for two of one name.
    pub fn new(name: &str, policy: RatePolicy, reporter: &Reporter) -> Result<Self> {
        let now = machine_time::now();
        for (n, limit) in policy.limits.iter().enumerate() {
            limit.check()?;
            if policy.limits[..n].iter().any(|l| l.name == limit.name) {
                return Err(
                    Error::new(ErrorKind::Config, "open", "two limits have one name")
                        .context("limit", &limit.name)
                        .hint("give each its own"),
                );
            }
        }
        let metrics = &reporter.metrics;
        let meters = policy.limits.iter().map(|limit| Meter {
            used: metrics.gauge(
                "rate_limit_used",
                &[("name", name), ("limit", limit.name.as_str())],
            ),
            warned: AtomicBool::new(false),
        });
        let allowances = policy.limits.iter();
        let allowances = allowances.map(|l| Allowance::new(l.rule, l.per, l.capacity, now));
        Ok(Self {
            shared: Arc::new(Shared {
                name: name.to_owned(),
                state: Mutex::new(State {
                    allowances: allowances.collect(),
                    banned_until: now,
                }),
                normal: Queue::default(),
                cancels: Queue::default(),
                meters: meters.collect(),
                calls: metrics.counter("rate_limit_calls_total", &[("name", name)]),
                hits: metrics.counter("rate_limit_hits_total", &[("name", name)]),
                reporter: reporter.clone(),
                policy,
            }),
        })
    }

    /// Waits until a call of `operation` may leave, behind those that came before.
    ///
    /// # Errors
    /// `RateLimited` when that would take longer than [`RatePolicy::max_wait`], counted from when
    /// the call is first in its queue: nothing was taken.
    ///
    /// # Cancellation
    /// A dropped call has taken nothing, or its place was taken and is lost.
    pub async fn acquire(&self, operation: &'static str, urgency: Urgency) -> Result<()> {
        let shared = &self.shared;
        let queue = shared.queue(urgency);
        let _waiting = queue.join();
        let _first = queue.turnstile.lock().await;
        let begun = machine_time::now();
        let mut hit = false;
        // Each turn waits for the latest of all limits, and only cancels can come between: at most
        // one more turn for each of them.
        loop {
            let Err((wait, limit)) = shared.take(operation, urgency) else {
                return Ok(());
            };
            let now = machine_time::now();
            if (now - begun) + wait > shared.policy.max_wait {
                return Err(shared.refused(operation, wait, &limit));
            }
            if !hit {
                hit = true;
                shared.hits.add(1);
                shared.reporter.tell(&Notice::RateLimitHit {
                    name: shared.name.clone(),
                    limit,
                    wait,
                });
            }
            sleep_until(now + wait).await;
        }
    }

    /// Takes the place of a call if it may leave now and nobody waits; never waits itself.
    pub fn try_acquire(&self, operation: &'static str, urgency: Urgency) -> bool {
        let queue = self.shared.queue(urgency);
        queue.waiting.load(Ordering::SeqCst) == 0 && self.shared.take(operation, urgency).is_ok()
    }

    /// What the neighbour says is used of `limit`, from the headers of an answer. When that is more
    /// than we know of, someone else spends too: the difference counts from now.
    pub fn observe(&self, limit: &str, used: u32) {
        let shared = &self.shared;
        let limits = &shared.policy.limits;
        let Some(index) = limits.iter().position(|l| l.name == limit) else {
            return;
        };
        let mut state = shared.state();
        let now = machine_time::now();
        let ours = state.allowances[index].used(now);
        if let Some(more) = used.checked_sub(ours).filter(|more| *more > 0) {
            state.allowances[index].take(more, now);
        }
        shared.meter(index, &mut state, now);
    }

    /// The neighbour sent us away for `wait`: nothing leaves until then, cancels included, for a
    /// call into a ban makes it longer.
    pub fn ban(&self, wait: Duration) {
        let shared = &self.shared;
        {
            let mut state = shared.state();
            let until = machine_time::now() + wait;
            state.banned_until = state.banned_until.max(until);
        }
        shared.reporter.tell(&Notice::Banned {
            name: shared.name.clone(),
            wait,
        });
    }

    /// Where every limit stands: who looks at this before a burst is not banned after it.
    pub fn forecast(&self) -> Vec<Forecast> {
        let mut state = self.shared.state();
        let now = machine_time::now();
        let limits = self.shared.policy.limits.iter();
        let forecast = limits.zip(&mut state.allowances).map(|(limit, allowance)| {
            let used = allowance.used(now);
            Forecast {
                limit: limit.name.clone(),
                used,
                capacity: limit.capacity,
                exhausted_in: allowance.exhausted_in(now),
            }
        });
        forecast.collect()
    }
}

impl Shared {
    /// No method of the state can panic half-way, so a poisoned lock holds good data.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn queue(&self, urgency: Urgency) -> &Queue {
        match urgency {
            Urgency::Normal => &self.normal,
            Urgency::Cancel => &self.cancels,
        }
    }

    /// Takes from every limit or from none: then how long to wait, and for which.
    fn take(
        &self,
        operation: &str,
        urgency: Urgency,
    ) -> std::result::Result<(), (Duration, String)> {
        let mut state = self.state();
        let now = machine_time::now();
        let limits = &self.policy.limits;
        let mut longest = state.banned_until.saturating_duration_since(now);
        let mut which = None;
        for (index, limit) in limits.iter().enumerate() {
            let weight = limit.weight(operation);
            if weight == 0 {
                continue;
            }
            let room = match urgency {
                Urgency::Normal => limit.capacity - limit.reserved,
                Urgency::Cancel => limit.capacity,
            };
            let wait = state.allowances[index].wait(weight, room, now);
            if wait > longest {
                (longest, which) = (wait, Some(index));
            }
        }
        if !longest.is_zero() {
            let limit = which.map_or("ban", |index| limits[index].name.as_str());
            return Err((longest, limit.to_owned()));
        }
        for (index, limit) in limits.iter().enumerate() {
            let weight = limit.weight(operation);
            if weight > 0 {
                state.allowances[index].take(weight, now);
                self.meter(index, &mut state, now);
            }
        }
        self.calls.add(1);
        Ok(())
    }

    /// Shows what is used, and warns once each time it rises to the share to be warned at.
    fn meter(&self, index: usize, state: &mut State, now: Instant) {
        let (limit, meter) = (&self.policy.limits[index], &self.meters[index]);
        let used = state.allowances[index].used(now);
        meter.used.set(f64::from(used));
        let near = f64::from(used) >= self.policy.warn_at * f64::from(limit.capacity);
        let was = meter.warned.swap(near, Ordering::Relaxed);
        if near && !was {
            self.reporter.tell(&Notice::QuotaNear {
                name: self.name.clone(),
                limit: limit.name.clone(),
                used,
                capacity: limit.capacity,
            });
        }
    }

    fn refused(&self, operation: &'static str, wait: Duration, limit: &str) -> Error {
        Error::new(
            ErrorKind::RateLimited,
            operation,
            "there is no room under our own limit in time",
        )
        .context("name", &self.name)
        .context("limit", limit)
        .context("wait", format!("{wait:?}"))
        .hint("ask less often, or allow a longer wait")
        .retry_after(wait)
    }
}
