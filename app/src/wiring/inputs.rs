//! The market data of a trader: guarded, and each history with where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ballast_domain::instrument::Instruments;
use ballast_domain::strategies::{DegradedInput, DegradedInputs};
use ballast_domain::strategy::Strategy;
use ballast_memory::MemoryFailureStore;
use ballast_ports::{
    BoxStream, Chunk, Clock, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest, stream,
};
use ballast_resilience::{
    BatchFetcher, Breaker, Closable, FetchPlan, Fetched, MetricsRegistry, Provenance, Traced,
    deferred,
};

use super::cache::open_cache;
use super::guards::guarded_market_data;
use super::stacks::Surroundings;
use crate::config::{Config, Resolved};

/// Histories that are fetched at once, where the config does not say.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(14);
/// Failures that are kept while it trades.
const KEPT_FAILURES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// A source whose histories are fetched symbol by symbol, each once and several at a time, and which
/// remembers where each came from.
#[derive(Clone)]
pub struct TracedInputs {
    source: Arc<dyn Traced>,
    origins: Arc<Mutex<BTreeMap<String, Provenance>>>,
    /// Breakers of the sources, by name.
    breakers: Vec<(String, Breaker)>,
    /// What is closed with it.
    closables: Vec<Arc<Closable>>,
    concurrency: NonZeroUsize,
}

impl fmt::Debug for TracedInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedInputs")
            .field("source", &self.source.name())
            .finish_non_exhaustive()
    }
}

impl TracedInputs {
    /// Remembers what `source` answers.
    pub fn new(source: Arc<dyn Traced>, breakers: Vec<(String, Breaker)>) -> Self {
        Self {
            source,
            origins: Arc::default(),
            breakers,
            closables: Vec::new(),
            concurrency: CONCURRENCY,
        }
    }

    /// The same with so many histories at once.
    #[must_use]
    pub const fn at_once(mut self, concurrency: NonZeroUsize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// The sources of a config in the standard stack, with its cache in `home` where it has one.
    ///
    /// # Errors
    /// As [`guarded_market_data`] and [`open_cache`].
    pub async fn open(settings: &Resolved, home: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let failures = Arc::new(MemoryFailureStore::new(KEPT_FAILURES));
        let metrics = MetricsRegistry::default();
        let around = Surroundings::new(clock, failures, &metrics, |_| {});
        let cache = open_cache(settings, home).await?;
        let stack = guarded_market_data(settings, cache, &around)?;
        let breakers = stack.sources.iter();
        let breakers = breakers
            .map(|s| (s.source.name().to_owned(), s.breaker.clone()))
            .collect();
        let at_once = settings.config.resilience.concurrency;
        let at_once = at_once.and_then(|n| NonZeroUsize::new(n.into()));
        let closables = stack.sources.iter().map(|s| Arc::clone(&s.closable));
        let closables = closables.collect();
        let opened = Self::new(stack.source, breakers).at_once(at_once.unwrap_or(CONCURRENCY));
        Ok(Self {
            closables,
            ..opened
        })
    }

    /// Lets go of its sources; what the cache has is still answered.
    pub fn close(&self) {
        self.closables.iter().for_each(|source| source.close());
    }

    /// The breakers of its sources, by name.
    pub fn breakers(&self) -> Vec<(String, Breaker)> {
        self.breakers.clone()
    }

    /// Where the last history of a symbol came from; `None` when it was never fetched.
    pub fn origin(&self, symbol: &str) -> Option<Provenance> {
        let origins = self.origins.lock();
        let origins = origins.unwrap_or_else(PoisonError::into_inner);
        origins.get(symbol).cloned()
    }

    /// What came from a stand-in or is old, of `instruments`.
    pub fn degraded(&self, instruments: &Instruments) -> Vec<DegradedInput> {
        let each = instruments.ids().zip(instruments.all());
        each.filter_map(|(id, instrument)| {
            let origin = self.origin(&instrument.symbol)?;
            origin.is_degraded().then(|| DegradedInput {
                instrument: id,
                origin: said(&origin),
            })
        })
        .collect()
    }

    async fn fetch(self, request: HistoryRequest) -> Result<Vec<Chunk>> {
        let plan = FetchPlan::new().with("trader", request);
        let batch = BatchFetcher::new(Arc::clone(&self.source), self.concurrency);
        let mut chunks = Vec::new();
        for (key, fetched) in batch.fetch(&plan).await {
            let symbol = key.symbol;
            let Fetched { series, provenance } =
                fetched.map_err(|e| e.context("symbol", &symbol))?;
            if let Some(provenance) = provenance {
                let origins = self.origins.lock();
                let mut origins = origins.unwrap_or_else(PoisonError::into_inner);
                origins.insert(symbol.clone(), provenance);
            }
            chunks.push(Chunk { symbol, series });
        }
        Ok(chunks)
    }
}

/// `strategy`, with less size on `degraded` inputs, as `config` wants it. Without any it is what it was.
///
/// # Errors
/// As [`DegradedInputs::new`].
pub fn shrunk(
    strategy: Box<dyn Strategy>,
    config: &Config,
    instruments: &Instruments,
    degraded: &[DegradedInput],
) -> ballast_domain::Result<Box<dyn Strategy>> {
    if degraded.is_empty() {
        return Ok(strategy);
    }
    for input in degraded {
        let symbol = instruments.get(input.instrument);
        let symbol = symbol.map_or("?", |i| i.symbol.as_str());
        tracing::warn!(target: "ballast::inputs", symbol, origin = input.origin, "degraded");
    }
    let factor = config.risk.degraded_factor;
    let factor = factor.unwrap_or(DegradedInputs::<Box<dyn Strategy>>::FACTOR);
    Ok(Box::new(DegradedInputs::new(
        strategy,
        instruments,
        degraded,
        factor,
    )?))
}

/// The role, the source and the age: `fallback files_fallback, 0.0 h old`.
fn said(origin: &Provenance) -> String {
    let role = if origin.is_stale() {
        origin.role
    } else {
        origin.origin
    };
    let hours = origin.age.seconds() / 3_600.0;
    format!("{} {}, {hours:.1} h old", role.name(), origin.source)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MarketData for TracedInputs {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.source.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.source.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        if let Err(refused) = self.capabilities().admit(request) {
            return stream::once(Err(refused));
        }
        let (this, request) = (self.clone(), request.clone());
        deferred(async move { this.fetch(request).await })
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.source.subscribe(request)
    }
}
