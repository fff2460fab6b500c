//! Where an answer came from, how old it is, and what a machine is told of that.

use async_trait::async_trait;
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Chunk, Error, HistoryRequest, MarketData, Result};
use serde::{Deserialize, Serialize};

use crate::disagreement::Disagreement;

/// Which place the giver of an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The first source: the one that is wanted.
    Primary,
    /// Any later source: its answers are degraded.
    Fallback,
    /// The cache, with an answer that is not old.
    CacheFresh,
    /// The cache, with an old answer because every source failed: degraded.
    CacheStale,
    /// Nobody.
    Error,
}

impl Role {
    /// Every role, in declaration order.
    pub const ALL: [Self; 5] = [
        Self::Primary,
        Self::Fallback,
        Self::CacheFresh,
        Self::CacheStale,
        Self::Error,
    ];

    /// Stable name, for logs and labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Fallback => "fallback",
            Self::CacheFresh => "cache_fresh",
            Self::CacheStale => "cache_stale",
            Self::Error => "error",
        }
    }
}

/// Who answered, when, how fast, and who failed before.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// Name of the source the answer is from, also when the cache gave it.
    pub source: String,
    /// Who gave it.
    pub role: Role,
    /// The place of the source when it answered: primary or fallback.
    pub origin: Role,
    /// When the source's answer was complete, in trading time.
    pub fetched_at: Timestamp,
    /// Time since then when it was given.
    pub age: Span,
    /// Where the primary, which was probed, told other prices.
    pub disagreement: Option<Disagreement>,
    /// From the call to the complete answer, failed sources included, in trading time.
    pub latency: Span,
    /// The sources that failed on the way, in the order they were asked.
    pub failures: Vec<SourceFailure>,
}

impl Provenance {
    /// Whether it is not what is wanted: of another source than the primary, or old. What is decided
    /// on a degraded input is decided with less risk.
    pub fn is_degraded(&self) -> bool {
        self.origin == Role::Fallback || self.is_stale()
    }

    /// Whether it is old.
    pub fn is_stale(&self) -> bool {
        self.role == Role::CacheStale
    }
}

/// A source that failed in a call.
#[derive(Clone, Debug)]
pub struct SourceFailure {
    /// Its name.
    pub source: String,
    /// What it answered.
    pub error: Error,
}

/// A complete history with its provenance. All chunks are of one source.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Who answered.
    pub provenance: Provenance,
    /// The answer, as the source cut it.
    pub chunks: Vec<Chunk>,
}

/// Market data that says of each history where it came from.
#[async_trait]
pub trait Traced: MarketData {
    /// The history with its provenance; [`MarketData::history`] is this without it.
    ///
    /// # Errors
    /// As [`MarketData::history`]. When no source answered, one error that carries each cause.
    async fn fetch(&self, request: &HistoryRequest) -> Result<Answer>;
}

#[async_trait]
impl<T: Traced + ?Sized> Traced for std::sync::Arc<T> {
    async fn fetch(&self, request: &HistoryRequest) -> Result<Answer> {
        (**self).fetch(request).await
    }
}

/// One line about a fetch, for logs and machines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchRecord {
    /// What was asked for.
    pub symbols: Vec<String>,
    /// Who gave the answer.
    pub data_source: Role,
    /// Name of the source it is from; empty when nobody answered.
    pub provider: String,
    /// Whether it is old.
    pub is_stale: bool,
    /// Whether it is not what is wanted.
    pub is_degraded: bool,
    /// When it was fetched; `None` when nobody answered.
    pub fetched_at: Option<Timestamp>,
    /// From the call to the answer, milliseconds.
    pub latency_ms: Option<f64>,
    /// Age of the answer, hours.
    pub age_hours: Option<f64>,
    /// Why nobody answered, with every cause.
    pub error: Option<String>,
}

impl FetchRecord {
    /// The record of a fetch.
    pub fn of(request: &HistoryRequest, fetched: &Result<Answer>) -> Self {
        let symbols = request.symbols.clone();
        match fetched {
            Ok(Answer { provenance: p, .. }) => Self {
                symbols,
                data_source: p.role,
                provider: p.source.clone(),
                is_stale: p.is_stale(),
                is_degraded: p.is_degraded(),
                fetched_at: Some(p.fetched_at),
                latency_ms: Some(p.latency.seconds() * 1e3),
                age_hours: Some(p.age.seconds() / 3_600.0),
                error: None,
            },
            Err(error) => Self {
                symbols,
                data_source: Role::Error,
                provider: String::new(),
                is_stale: false,
                is_degraded: true,
                fetched_at: None,
                latency_ms: None,
                age_hours: None,
                error: Some(error.chain()),
            },
        }
    }

    /// Whether it has data.
    pub fn is_success(&self) -> bool {
        self.error.is_none()
    }
}
