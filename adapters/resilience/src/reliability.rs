//! How reliable the sources are: who gave the answers, and whether fallbacks give too many.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest,
};
use serde::{Deserialize, Serialize};

use crate::deferred::Deferred;
use crate::notice::{Notice, Reporter};
use crate::provenance::{Answer, Role, Traced};

/// When the share of fallbacks is an alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FallbackAlarm {
    /// The hook is told when a larger share of the window came from a fallback, 0 to 1.
    pub share: f64,
    /// So many of the last fetches are the window; no alarm before it is full.
    pub window: NonZeroUsize,
}

impl Default for FallbackAlarm {
    /// More than a tenth of the last hundred fetches.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: a hundred is not zero"
    )]
    fn default() -> Self {
        Self {
            share: 0.1,
            window: NonZeroUsize::new(100).expect("a hundred is not zero"),
        }
    }
}

/// Shares of fetches in percent; all zero when there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityReport {
    /// Fetches.
    pub fetches: u64,
    /// Answered by the primary.
    pub primary: f64,
    /// Answered by another source.
    pub fallback: f64,
    /// Answered by the cache with an answer that is not old.
    pub cache_fresh: f64,
    /// Answered by the cache with an old answer.
    pub cache_stale: f64,
    /// Not answered.
    pub error: f64,
    /// Answered by anyone.
    pub success: f64,
    /// Answered by a source or by a cache entry that is not old: an estimate of how much of the time
    /// current data could be had.
    pub uptime: f64,
}

/// Market data whose answers are counted by who gave them, for statistics and an alarm.
///
/// A `NotFound` is an answer that every source agreed on and counts as nobody's failure: it is left
/// out. Counted with the label `role`: `market_data_fetched_total`.
#[derive(Debug)]
pub struct ReliabilityWatch<S: ?Sized> {
    tally: Arc<Tally>,
    inner: Arc<S>,
}

#[derive(Debug)]
struct Tally {
    alarm: FallbackAlarm,
    reporter: Reporter,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    by_role: BTreeMap<Role, u64>,
    window: VecDeque<Role>,
    fallbacks: usize,
    alarmed: bool,
}

impl<S: Traced + ?Sized> ReliabilityWatch<S> {
    /// Counts answers of `inner`.
    ///
    /// # Errors
    /// `Config` for a share outside of 0 to 1.
    pub fn new(inner: Arc<S>, alarm: FallbackAlarm, reporter: &Reporter) -> Result<Self> {
        if !(0.0..=1.0).contains(&alarm.share) {
            return Err(Error::new(
                ErrorKind::Config,
                "open",
                "the share of fallbacks that is an alarm is no share",
            )
            .context("share", alarm.share)
            .hint("0.1 is a tenth"));
        }
        Ok(Self {
            tally: Arc::new(Tally {
                alarm,
                reporter: reporter.clone(),
                seen: Mutex::default(),
            }),
            inner,
        })
    }

    /// The shares since the beginning or the last reset.
    pub fn report(&self) -> ReliabilityReport {
        let seen = self.tally.seen();
        let count = |role| seen.by_role.get(&role).copied().unwrap_or(0);
        let fetches: u64 = seen.by_role.values().sum();
        let share = |n: u64| {
            if fetches == 0 {
                0.0
            } else {
                n as f64 * 100.0 / fetches as f64
            }
        };
        let [primary, fallback, fresh, stale, error] = Role::ALL.map(count);
        ReliabilityReport {
            fetches,
            primary: share(primary),
            fallback: share(fallback),
            cache_fresh: share(fresh),
            cache_stale: share(stale),
            error: share(error),
            success: share(fetches - error),
            uptime: share(primary + fallback + fresh),
        }
    }

    /// Begins anew.
    pub fn reset(&self) {
        *self.tally.seen() = Seen::default();
    }
}

impl Tally {
    /// No method of the state can panic half-way, so a poisoned lock holds good data.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, fetched: &Result<Answer>) {
        let role = match fetched {
            Ok(answer) => answer.provenance.role,
            Err(error) if error.kind == ErrorKind::NotFound => return,
            Err(_) => Role::Error,
        };
        let labels = [("role", role.name())];
        let counter = self
            .reporter
            .metrics
            .counter("market_data_fetched_total", &labels);
        counter.add(1);
        let window = self.alarm.window.get();
        let share = {
            let mut seen = self.seen();
            *seen.by_role.entry(role).or_default() += 1;
            seen.window.push_back(role);
            seen.fallbacks += usize::from(role == Role::Fallback);
            if seen.window.len() > window {
                let oldest = seen.window.pop_front();
                seen.fallbacks -= usize::from(oldest == Some(Role::Fallback));
            }
            let share = seen.fallbacks as f64 / window as f64;
            let over = seen.window.len() == window && share > self.alarm.share;
            let rises = over && !seen.alarmed;
            seen.alarmed = over;
            rises.then_some(share)
        };
        if let Some(share) = share {
            self.reporter.tell(&Notice::FallbackShare {
                share,
                limit: self.alarm.share,
            });
        }
    }
}

#[async_trait]
impl<S: Traced + ?Sized> Traced for ReliabilityWatch<S> {
    async fn fetch(&self, request: &HistoryRequest) -> Result<Answer> {
        let fetched = self.inner.fetch(request).await;
        self.tally.count(&fetched);
        fetched
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Traced + ?Sized> MarketData for ReliabilityWatch<S> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.inner.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let (tally, inner) = (Arc::clone(&self.tally), Arc::clone(&self.inner));
        let request = request.clone();
        Box::pin(Deferred::new(async move {
            let fetched = inner.fetch(&request).await;
            tally.count(&fetched);
            Ok(fetched?.chunks)
        }))
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.inner.subscribe(request)
    }
}
