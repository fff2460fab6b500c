//! The guards a config names, as the standard stack takes them.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ballast_cache::{CacheBounds, FileCache};
use ballast_domain::time::Span;
use ballast_ports::{
    BoxStream, Cache, Chunk, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar,
    MarketData, MarketDataCapabilities, Result, SubscribeRequest,
};
use ballast_resilience::{Limit, RatePolicy, ResiliencePolicy, StalenessPolicy};

use super::stacks::{
    CascadeSettings, GuardedSource, MarketDataStack, Surroundings, market_data_stack,
};
use crate::config::{Config, Resolved};

/// Retry, breaker, rate limit and timeout of each source.
pub fn resilience_policy(config: &Config) -> ResiliencePolicy {
    let (keys, mut policy) = (&config.resilience, ResiliencePolicy::default());
    let seconds = |n: u32| Duration::from_secs(u64::from(n));
    if let Some(retries) = keys.retries {
        policy.retry.max_attempts = retries + 1;
    }
    if let Some(timeout) = keys.timeout_seconds {
        policy.timeout = seconds(timeout);
    }
    if let Some(deadline) = keys.deadline_seconds {
        policy.retry.deadline = seconds(deadline);
    }
    if let Some(failures) = keys.breaker_failures {
        policy.breaker.failures = failures;
    }
    if let Some(open) = keys.breaker_seconds {
        policy.breaker.open_for = seconds(open);
    }
    if let Some(calls) = keys.calls_per_minute {
        let limit = Limit::sliding("calls", calls, Duration::from_secs(60));
        policy.rate = RatePolicy::of(vec![limit]);
    }
    policy
}

/// How sources stand behind each other and how old an answer may be.
pub fn cascade_settings(config: &Config) -> CascadeSettings {
    let (cache, default) = (&config.cache, StalenessPolicy::default());
    let span = |n: u32, unit: i64| Span::from_seconds(i64::from(n) * unit);
    CascadeSettings {
        use_fallback: config.resilience.use_fallback != Some(false),
        staleness: StalenessPolicy {
            serve_for: match cache.serve_minutes {
                Some(minutes) => Some(span(minutes, 60)),
                None => default.serve_for,
            },
            stale_after: cache
                .stale_after_hours
                .map_or(default.stale_after, |hours| span(hours, 3_600)),
            reject_after: cache
                .reject_after_hours
                .map_or(default.reject_after, |hours| span(hours, 3_600)),
            serve_when_down: cache.serve_when_down != Some(false),
        },
        ..CascadeSettings::default()
    }
}

/// The cache of a config; `None` when it is not switched on.
///
/// # Errors
/// As [`FileCache::open`].
pub fn open_cache(settings: &Resolved, home: &Path) -> Result<Option<Arc<dyn Cache>>> {
    let cache = &settings.config.cache;
    if cache.enabled != Some(true) {
        return Ok(None);
    }
    let folder = match &cache.folder {
        Some(folder) => settings.base.join(folder),
        None => home.join("cache"),
    };
    let mut bounds = CacheBounds {
        verify: cache.verify != Some(false),
        ..CacheBounds::default()
    };
    if let Some(entries) = cache.max_entries {
        let entries = usize::try_from(entries).ok().and_then(NonZeroUsize::new);
        bounds.max_entries = entries.ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "open",
                "a cache keeps at least one entry",
            )
            .hint("set cache.max_entries to 1 or more, or cache.enabled to false")
        })?;
    }
    Ok(Some(Arc::new(FileCache::open(&folder, bounds)?)))
}

/// The sources of a config in the standard stack: `data.source`, behind it `data.fallback`, each with
/// the guards of `[resilience]`, and `cache` in front ([`open_cache`] opens the config's own).
///
/// A backtest does not go through it: its data is named by the hash of its files, and an answer of
/// another source or of a cache would be other data under the same name.
///
/// # Errors
/// As [`super::market_data`] and [`market_data_stack`].
pub fn guarded_market_data(
    settings: &Resolved,
    cache: Option<Arc<dyn Cache>>,
    around: &Surroundings,
) -> Result<MarketDataStack> {
    let config = &settings.config;
    let policy = resilience_policy(config);
    let mut sources = Vec::new();
    for named in std::iter::once(&config.data.source).chain(&config.data.fallback) {
        let mut of_source = config.clone();
        of_source.data.source.clone_from(named);
        if !sources.is_empty() {
            of_source.data.contract = config.data.fallback_contract.unwrap_or_default();
        }
        let opened = super::market_data(&of_source, &settings.base)?.source;
        let adapter: Arc<dyn MarketData> = if sources.is_empty() {
            opened
        } else {
            Arc::new(Standby::new(opened))
        };
        sources.push(GuardedSource {
            adapter,
            policy: policy.clone(),
            validate: Some(config.data.calendar),
        });
    }
    market_data_stack(&sources, cache, &cascade_settings(config), around)
}

/// A source that stands in for another, under a name of its own: both may be files.
#[derive(Debug)]
struct Standby {
    name: String,
    inner: Arc<dyn MarketData>,
}

impl Standby {
    fn new(inner: Arc<dyn MarketData>) -> Self {
        Self {
            name: format!("{}_fallback", inner.name()),
            inner,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MarketData for Standby {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.inner.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.inner.history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.inner.subscribe(request)
    }
}
