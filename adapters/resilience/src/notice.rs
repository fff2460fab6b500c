//! What decorators tell while they work: a hook for logs, alerts and the failure store.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ballast_ports::{Error, ErrorKind};

use crate::metrics_registry::MetricsRegistry;

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Somebody may want to know.
    Warning,
    /// Somebody has to look.
    Error,
}

/// Something a decorator did on its own, beside the answer it gave. `Display` is its log line.
#[derive(Clone, Debug)]
pub enum Notice {
    /// An attempt failed and another one follows after `delay`.
    Retrying {
        /// Who was asked.
        name: String,
        /// Number of the call: all its attempts have the same one.
        call: u64,
        /// Number of the failed attempt, from 1.
        attempt: u32,
        /// Wait before the next one.
        delay: Duration,
        /// Why it failed.
        error: Error,
    },
    /// The last attempt failed; its error is the answer.
    GivenUp {
        /// Who was asked.
        name: String,
        /// Number of the call.
        call: u64,
        /// Attempts made.
        attempts: u32,
        /// What ended it: `attempts`, `deadline` or `budget`.
        because: &'static str,
        /// The last error.
        error: Error,
    },
    /// A breaker opened: calls are refused for `retry_in`.
    BreakerOpened {
        /// Whose breaker.
        name: String,
        /// How long calls are refused.
        retry_in: Duration,
    },
    /// A breaker closed after probes that succeeded.
    BreakerClosed {
        /// Whose breaker.
        name: String,
    },
    /// A person closed a breaker by hand.
    BreakerReset {
        /// Whose breaker.
        name: String,
        /// Who did it.
        by: String,
        /// Why.
        reason: String,
    },
    /// The store of a shared breaker failed: this program decides by what it has seen itself.
    BreakerAlone {
        /// Whose breaker.
        name: String,
        /// Number of the call of the store.
        call: u64,
        /// Why.
        error: Error,
    },
    /// A call had to wait for room under a limit.
    RateLimitHit {
        /// Whose limiter.
        name: String,
        /// The limit without room.
        limit: String,
        /// How long it waits at least.
        wait: Duration,
    },
    /// The used share of a limit reached the share to be warned at.
    QuotaNear {
        /// Whose limiter.
        name: String,
        /// The limit.
        limit: String,
        /// Weight used in its window.
        used: u32,
        /// Weight it allows.
        capacity: u32,
    },
    /// The neighbour sent us away: nothing leaves for this long.
    Banned {
        /// Whose limiter.
        name: String,
        /// How long.
        wait: Duration,
    },
    /// The cache failed; the call went on without it.
    CacheFailed {
        /// `get` or `put`.
        operation: &'static str,
        /// Number of the call of the cache.
        call: u64,
        /// Why.
        error: Error,
    },
    /// Every source failed and an old entry of the cache was served.
    ServedStale {
        /// What was asked for.
        what: String,
        /// Hours since it was fetched.
        hours: f64,
    },
    /// Other sources than the primary give too many of the answers.
    FallbackShare {
        /// Share of the window, 0 to 1.
        share: f64,
        /// The limit it exceeds.
        limit: f64,
    },
    /// A failure could not be recorded.
    FailureLost {
        /// Number of the call of the store.
        call: u64,
        /// Why.
        error: Error,
    },
}

/// Which failed call a notice is about: what a line of the log needs so that others can be found by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedCall<'a> {
    /// Who was called.
    pub component: &'a str,
    /// What was asked for.
    pub operation: &'static str,
    /// The kind of its error.
    pub kind: ErrorKind,
    /// Number of the call, unique within a [`Reporter`].
    pub call: u64,
}

impl Notice {
    /// The failed call behind the notice; `None` where none failed.
    pub fn failed_call(&self) -> Option<FailedCall<'_>> {
        let (component, error, call) = match self {
            Self::Retrying {
                name, error, call, ..
            }
            | Self::GivenUp {
                name, error, call, ..
            } => (name.as_str(), error, call),
            Self::CacheFailed { error, call, .. } => ("cache", error, call),
            Self::BreakerAlone { error, call, .. } => ("breakers", error, call),
            Self::FailureLost { error, call } => ("failures", error, call),
            _ => return None,
        };
        Some(FailedCall {
            component,
            operation: error.operation,
            kind: error.kind,
            call: *call,
        })
    }

    /// How loud it is.
    pub const fn level(&self) -> Level {
        match self {
            Self::GivenUp { .. }
            | Self::BreakerOpened { .. }
            | Self::BreakerAlone { .. }
            | Self::Banned { .. }
            | Self::FallbackShare { .. }
            | Self::FailureLost { .. } => Level::Error,
            Self::Retrying { .. }
            | Self::BreakerClosed { .. }
            | Self::BreakerReset { .. }
            | Self::RateLimitHit { .. }
            | Self::QuotaNear { .. }
            | Self::CacheFailed { .. }
            | Self::ServedStale { .. } => Level::Warning,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retrying {
                name,
                attempt,
                delay,
                error,
                ..
            } => write!(
                f,
                "retrying {name} in {delay:?} after attempt {attempt}: {}",
                error.chain()
            ),
            Self::GivenUp {
                name,
                attempts,
                because,
                error,
                ..
            } => write!(
                f,
                "gave up on {name} after {attempts} attempts ({because}): {}",
                error.chain()
            ),
            Self::BreakerOpened { name, retry_in } => {
                write!(f, "breaker of {name} opened for {retry_in:?}")
            }
            Self::BreakerClosed { name } => write!(f, "breaker of {name} closed"),
            Self::BreakerReset { name, by, reason } => {
                write!(f, "breaker of {name} reset by {by}: {reason}")
            }
            Self::BreakerAlone { name, error, .. } => write!(
                f,
                "breaker of {name} is this program's alone: {}",
                error.chain()
            ),
            Self::RateLimitHit { name, limit, wait } => {
                write!(f, "rate_limit_hit: {name} waits {wait:?} for {limit}")
            }
            Self::QuotaNear {
                name,
                limit,
                used,
                capacity,
            } => write!(f, "{name} used {used} of {capacity} of {limit}"),
            Self::Banned { name, wait } => write!(f, "{name} asks to be left alone for {wait:?}"),
            Self::CacheFailed {
                operation, error, ..
            } => {
                write!(f, "cache failed at {operation}: {}", error.chain())
            }
            Self::ServedStale { what, hours } => {
                write!(f, "served {what} from {hours:.1} hours ago")
            }
            Self::FallbackShare { share, limit } => write!(
                f,
                "{:.1} % of the answers came from a fallback, limit {:.1} %",
                share * 100.0,
                limit * 100.0
            ),
            Self::FailureLost { error, .. } => {
                write!(f, "a failure could not be recorded: {}", error.chain())
            }
        }
    }
}

type Hook = Arc<dyn Fn(&Notice) + Send + Sync>;

/// Where decorators count and tell. Clones share both.
///
/// The hook is called on the task that makes the call: it must be quick and must not block.
#[derive(Clone)]
pub struct Reporter {
    /// What is counted.
    pub metrics: MetricsRegistry,
    hook: Hook,
    calls: Arc<AtomicU64>,
}

impl Reporter {
    /// Counts into `metrics` and tells `hook`.
    pub fn new(metrics: &MetricsRegistry, hook: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        Self {
            metrics: metrics.clone(),
            hook: Arc::new(hook),
            calls: Arc::default(),
        }
    }

    /// Counts into `metrics` and tells nobody.
    pub fn silent(metrics: &MetricsRegistry) -> Self {
        Self::new(metrics, |_| {})
    }

    /// The number of the next call: notices of one call bear the same.
    pub(crate) fn next_call(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn tell(&self, notice: &Notice) {
        (self.hook)(notice);
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").finish_non_exhaustive()
    }
}
