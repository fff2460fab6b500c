//! How long to wait before the next attempt, and whether there is one.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use ballast_ports::{Error, ErrorKind, Result};

/// How waits grow from one attempt to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Every wait is the first one.
    Constant,
    /// Each wait is twice the one before it.
    Exponential,
}

/// How a wait is drawn, so that callers who failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// The wait itself.
    None,
    /// Uniform between half the wait and the wait.
    Half,
    /// Uniform between nothing and the wait.
    Full,
}

/// Which errors are worth another attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// Those that [`Error::is_transient`] says.
    Transient,
    /// Those of these kinds.
    Kinds(Vec<ErrorKind>),
}

/// Retries of a whole decorator as a share of its calls, so that retries do not multiply the load
/// on a neighbour that is down for everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptBudget {
    /// Retries that a hundred calls earn.
    pub percent: u32,
    /// Retries that are there at the beginning, and the most that can be saved.
    pub reserve: u32,
}

/// When to try again, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least 1.
    pub max_attempts: u32,
    /// Wait after the first attempt, in machine time.
    pub initial: Duration,
    /// How waits grow.
    pub growth: Growth,
    /// No wait is longer, except one the neighbour asked for.
    pub max_delay: Duration,
    /// How waits are drawn.
    pub jitter: Jitter,
    /// Seed of the draws.
    pub seed: u64,
    /// A call ends by then, attempts and waits included; longer than nothing.
    pub deadline: Duration,
    /// Which errors are tried again.
    pub on: RetryOn,
    /// The share of retries; `None` for no bound but the attempts.
    pub budget: Option<AttemptBudget>,
}

impl Default for RetryPolicy {
    /// Three attempts within two minutes, waits of up to 1 s and 2 s, transient errors only, at most
    /// one retry for five calls once ten are used up.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial: Duration::from_secs(1),
            growth: Growth::Exponential,
            max_delay: Duration::from_secs(60),
            jitter: Jitter::Full,
            seed: 0,
            deadline: Duration::from_secs(120),
            on: RetryOn::Transient,
            budget: Some(AttemptBudget {
                percent: 20,
                reserve: 10,
            }),
        }
    }
}

impl RetryPolicy {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// `Config` for no attempt, no time, or a wait that is nothing while attempts follow.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(ErrorKind::Config, "open", message).hint(hint))
        };
        if self.max_attempts == 0 {
            return refuse(
                "retry has no attempt: nothing would ever be asked",
                "set max_attempts to 1 for no retry, or more",
            );
        }
        if self.deadline.is_zero() {
            return refuse(
                "retry has no time: nothing would ever be answered",
                "set the total deadline to what a caller can wait for",
            );
        }
        if self.max_attempts > 1 && (self.initial.is_zero() || self.max_delay.is_zero()) {
            return refuse(
                "retry has no wait: a neighbour that is down would be asked without a pause",
                "set the first wait and the longest one",
            );
        }
        Ok(())
    }

    /// Whether `error` is worth another attempt.
    pub fn retries(&self, error: &Error) -> bool {
        match &self.on {
            RetryOn::Transient => error.is_transient(),
            RetryOn::Kinds(kinds) => kinds.contains(&error.kind),
        }
    }

    /// The wait after attempt `attempt` (from 1) without jitter.
    pub fn delay(&self, attempt: u32) -> Duration {
        let doublings = match self.growth {
            Growth::Constant => 0,
            Growth::Exponential => attempt.saturating_sub(1).min(31),
        };
        self.initial
            .saturating_mul(1 << doublings)
            .min(self.max_delay)
    }
}

/// The draws of a policy and what is left of its budget. Shared by all calls of a decorator.
#[derive(Debug)]
pub(crate) struct Backoff {
    draws: AtomicU64,
    /// Retries times a hundred.
    saved: AtomicI64,
}

impl Backoff {
    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        let reserve = policy.budget.map_or(0, |budget| budget.reserve);
        Self {
            draws: AtomicU64::new(policy.seed),
            saved: AtomicI64::new(i64::from(reserve) * 100),
        }
    }

    /// A call began: it earns its share of a retry.
    pub(crate) fn earn(&self, policy: &RetryPolicy) {
        if let Some(budget) = policy.budget {
            let most = i64::from(budget.reserve) * 100;
            let grow = |saved: i64| Some((saved + i64::from(budget.percent)).min(most));
            // The closure never refuses, so this cannot fail.
            let _ = self
                .saved
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow);
        }
    }

    /// Takes a retry from the budget; `false` when there is none.
    pub(crate) fn spend(&self, policy: &RetryPolicy) -> bool {
        let take = |saved: i64| (saved >= 100).then(|| saved - 100);
        policy.budget.is_none()
            || self
                .saved
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
    }

    /// The wait after attempt `attempt`, drawn.
    pub(crate) fn delay(&self, policy: &RetryPolicy, attempt: u32) -> Duration {
        let whole = policy.delay(attempt);
        match policy.jitter {
            Jitter::None => whole,
            Jitter::Half => whole.mul_f64(0.5 + 0.5 * self.unit()),
            Jitter::Full => whole.mul_f64(self.unit()),
        }
    }

    /// SplitMix64 (Steele, Lea and Flood 2014), uniform in [0, 1).
    fn unit(&self) -> f64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .draws
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}
