//! Histories from a cache: fresh ones instead of asking, old ones when nobody answers.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::time::Span;
use ballast_ports::{
    BoxStream, Cache, Chunk, Clock, Error, ErrorKind, Freshness, HistoryRequest, Lifetime,
    ListedInstrument, LiveBar, MarketData, MarketDataCapabilities, Result, SubscribeRequest,
};

use crate::cache_key::CacheKey;
use crate::deferred::Deferred;
use crate::fallback::passes_on;
use crate::metrics_registry::{Counter, Gauge};
use crate::notice::{Notice, Reporter};
use crate::provenance::{Answer, Provenance, Role, Traced};
use crate::stored_answer::{Content, StoredAnswer};

/// How old an answer may be, in trading time. Every limit is strict: exactly that old is within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StalenessPolicy {
    /// An entry this young is served without asking anyone; `None` always asks first.
    pub serve_for: Option<Span>,
    /// When every source failed, an older entry is stale.
    pub stale_after: Span,
    /// When every source failed, an older entry is not served at all.
    pub reject_after: Span,
    /// Whether entries are served when every source failed.
    pub serve_when_down: bool,
}

impl Default for StalenessPolicy {
    /// Served for an hour, stale after 48 hours, rejected after 7 days.
    fn default() -> Self {
        Self {
            serve_for: Some(Span::from_seconds(3_600)),
            stale_after: Span::from_days(2),
            reject_after: Span::from_days(7),
            serve_when_down: true,
        }
    }
}

/// Market data in front of a [`Cache`].
///
/// An answer is kept under the question, whoever gave it, with who gave it and when; an absence is an
/// answer too. What the cache does wrong never breaks a call: the hook is told, and the source is
/// asked. An entry from after now is not used: a replay does not see it. Entries outlive the time for
/// which they are fresh; how long they are kept is the cache's bound.
///
/// Counted: `cache_hits_total`, `cache_misses_total`, `cache_stale_total`, `cache_errors_total`; and
/// `cache_hit_ratio`, the share of hits among all questions so far.
#[derive(Debug)]
pub struct Cached<S: ?Sized> {
    shared: Arc<Shared>,
    inner: Arc<S>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    cache: Arc<dyn Cache>,
    policy: StalenessPolicy,
    clock: Arc<dyn Clock>,
    reporter: Reporter,
    hits: Counter,
    misses: Counter,
    ratio: Gauge,
    stale: Counter,
    errors: Counter,
}

impl<S: Traced + ?Sized> Cached<S> {
    /// Puts `cache` before `inner`. Entries are kept under `name`: two stacks of different sources over
    /// one cache need two names.
    ///
    /// # Errors
    /// `Config` when an entry would be rejected before it is stale, or stale while it is served.
    pub fn new(
        inner: Arc<S>,
        name: &str,
        cache: Arc<dyn Cache>,
        policy: StalenessPolicy,
        clock: Arc<dyn Clock>,
        reporter: &Reporter,
    ) -> Result<Self> {
        let served = policy.serve_for.unwrap_or(Span::ZERO);
        if served > policy.stale_after || policy.stale_after > policy.reject_after {
            return Err(Error::new(
                ErrorKind::Config,
                "open",
                "the limits of age of a cache are not in order",
            )
            .hint("serve_for <= stale_after <= reject_after, such as 1 h, 48 h and 7 days"));
        }
        let counter = |name| reporter.metrics.counter(name, &[]);
        let shared = Shared {
            name: name.to_owned(),
            hits: counter("cache_hits_total"),
            misses: counter("cache_misses_total"),
            ratio: reporter.metrics.gauge("cache_hit_ratio", &[]),
            stale: counter("cache_stale_total"),
            errors: counter("cache_errors_total"),
            cache,
            policy,
            clock,
            reporter: reporter.clone(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            inner,
        })
    }

    async fn ask(&self, request: &HistoryRequest) -> Result<Answer> {
        self.inner.capabilities().admit(request)?;
        let shared = &self.shared;
        let begun = shared.clock.now();
        let key = CacheKey::history(&shared.name, request).to_string();
        let found = shared.look(&key).await;
        if let Some(found) = &found
            && found.is_served
        {
            shared.counted(&shared.hits);
            return match &found.stored.content {
                Content::Chunks(chunks) => Ok(found.answer(chunks, Role::CacheFresh, Span::ZERO)),
                Content::Absent(message) => {
                    Err(Error::new(ErrorKind::NotFound, "history", message)
                        .context("cached_at", found.lifetime.stored_at)
                        .hint("instruments() lists what there is; symbols are case-sensitive"))
                }
            };
        }
        shared.counted(&shared.misses);
        let error = match self.inner.fetch(request).await {
            Ok(answer) => {
                let stored = StoredAnswer {
                    source: answer.provenance.source.clone(),
                    role: answer.provenance.origin,
                    content: Content::Chunks(answer.chunks),
                };
                shared.keep(&key, &stored).await;
                let Content::Chunks(chunks) = stored.content else {
                    unreachable!("chunks were put in above");
                };
                return Ok(Answer {
                    provenance: answer.provenance,
                    chunks,
                });
            }
            Err(error) => error,
        };
        if error.kind == ErrorKind::NotFound {
            let absent = StoredAnswer {
                source: self.inner.name().to_owned(),
                role: Role::Primary,
                content: Content::Absent(error.message().to_owned()),
            };
            shared.keep(&key, &absent).await;
            return Err(error);
        }
        let symbols = request.symbols.join(", ");
        if !passes_on(error.kind) || !shared.policy.serve_when_down {
            return Err(error);
        }
        match found {
            None => Err(error
                .context("cache", "no entry")
                .context("symbols", symbols)),
            Some(found) => shared.when_down(found, error, symbols, begun),
        }
    }
}

/// An entry that was read and understood.
struct Found {
    stored: StoredAnswer,
    lifetime: Lifetime,
    /// Since it was fetched.
    age: Span,
    is_served: bool,
}

impl Found {
    fn answer(&self, chunks: &[Chunk], role: Role, latency: Span) -> Answer {
        Answer {
            provenance: Provenance {
                source: self.stored.source.clone(),
                role,
                origin: self.stored.role,
                fetched_at: self.lifetime.stored_at,
                age: self.age,
                disagreement: None,
                latency,
                failures: Vec::new(),
            },
            chunks: chunks.to_vec(),
        }
    }
}

impl Shared {
    /// One more answer from the cache or not, and the share of those that were.
    fn counted(&self, which: &Counter) {
        which.add(1);
        let (hits, misses) = (self.hits.get() as f64, self.misses.get() as f64);
        self.ratio.set(hits / (hits + misses));
    }

    fn failed(&self, operation: &'static str, error: Error) {
        self.errors.add(1);
        let call = self.reporter.next_call();
        self.reporter.tell(&Notice::CacheFailed {
            operation,
            call,
            error,
        });
    }

    async fn look(&self, key: &str) -> Option<Found> {
        let entry = match self.cache.get(key).await {
            Ok(entry) => entry?,
            Err(error) => {
                self.failed("get", error);
                return None;
            }
        };
        let stored = match StoredAnswer::decode(&entry.value) {
            Ok(stored) => stored,
            Err(error) => {
                self.failed("get", error.context("key", key));
                return None;
            }
        };
        let now = self.clock.now();
        if entry.lifetime.stored_at > now {
            return None;
        }
        let is_fresh = entry.freshness(now) == Freshness::Fresh;
        Some(Found {
            stored,
            lifetime: entry.lifetime,
            age: now.since(entry.lifetime.stored_at),
            is_served: self.policy.serve_for.is_some() && is_fresh,
        })
    }

    async fn keep(&self, key: &str, stored: &StoredAnswer) {
        let ttl = self.policy.serve_for.unwrap_or(self.policy.stale_after);
        let lifetime = Lifetime::starting(self.clock.now(), ttl);
        if let Err(error) = self.cache.put(key, stored.encode(), lifetime).await {
            self.failed("put", error);
        }
    }

    /// Every source failed: the entry, if it is young enough, else the error with why it is not.
    fn when_down(
        &self,
        found: Found,
        error: Error,
        symbols: String,
        begun: ballast_domain::time::Timestamp,
    ) -> Result<Answer> {
        let hours = found.age.seconds() / 3_600.0;
        let Content::Chunks(chunks) = &found.stored.content else {
            return Err(error
                .context("cache", "an absence, which an outage may have ended")
                .context("symbols", symbols));
        };
        if found.age > self.policy.reject_after {
            return Err(error
                .context(
                    "cache",
                    format!("an entry from {hours:.1} hours ago is too old"),
                )
                .context("symbols", symbols));
        }
        let role = if found.age > self.policy.stale_after {
            self.stale.add(1);
            self.reporter.tell(&Notice::ServedStale {
                what: symbols,
                hours,
            });
            Role::CacheStale
        } else {
            Role::CacheFresh
        };
        let latency = self.clock.now().since(begun);
        Ok(found.answer(chunks, role, latency))
    }
}

#[async_trait]
impl<S: Traced + ?Sized> Traced for Cached<S> {
    async fn fetch(&self, request: &HistoryRequest) -> Result<Answer> {
        self.ask(request).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Traced + ?Sized> MarketData for Cached<S> {
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
        let this = Self {
            shared: Arc::clone(&self.shared),
            inner: Arc::clone(&self.inner),
        };
        let request = request.clone();
        Box::pin(Deferred::new(async move {
            Ok(this.ask(&request).await?.chunks)
        }))
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.inner.subscribe(request)
    }
}
