//! The guards a config names, as the standard stack takes them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ballast_domain::time::Span;
use ballast_ports::{
    BoxStream, Cache, Chunk, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest,
};
use ballast_resilience::{Limit, RatePolicy, ResiliencePolicy, StalenessPolicy};

use super::cache::CacheOfData;
use super::stacks::{
    CascadeSettings, GuardedSource, MarketDataStack, Surroundings, market_data_stack,
};
use crate::config::{Config, Resolved};
use crate::stable_hash::stable_hash;

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

/// The sources of a config in the standard stack: `data.source`, behind it `data.fallback`, each with
/// the guards of `[resilience]`, and `cache` in front ([`super::open_cache`] opens the config's own).
/// Entries are kept under what the data is: the settings of `[data]` and the hashes of its files. Other
/// files, or the same read otherwise, are other questions.
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
    let (mut sources, mut files) = (Vec::new(), Vec::new());
    for named in std::iter::once(&config.data.source).chain(&config.data.fallback) {
        let mut of_source = config.clone();
        of_source.data.source.clone_from(named);
        if !sources.is_empty() {
            of_source.data.contract = config.data.fallback_contract.unwrap_or_default();
        }
        let opened = super::market_data(&of_source, &settings.base)?;
        files.extend(opened.files.into_iter().map(|file| file.blake3));
        let opened = opened.source;
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
    let cache = match cache {
        Some(cache) => {
            let data = stable_hash(&(&config.data, files))
                .map_err(|e| ballast_ports::Error::from_domain("open", e))?;
            Some(Arc::new(CacheOfData::new(cache, &data)) as Arc<dyn Cache>)
        }
        None => None,
    };
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
