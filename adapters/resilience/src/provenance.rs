//! Where an answer came from.

use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Chunk, Error};

/// Which place in a cascade a source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The first: the one that is wanted.
    Primary,
    /// Any later one: its answers are degraded.
    Fallback,
}

impl Role {
    /// Stable name, for logs and labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Fallback => "fallback",
        }
    }
}

/// Who answered, when, how fast, and who failed before.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// Name of the source.
    pub source: String,
    /// Its place in the cascade.
    pub role: Role,
    /// When the answer was complete, by the cascade's clock.
    pub fetched_at: Timestamp,
    /// From the call of the cascade to the complete answer, failed sources included.
    pub latency: Span,
    /// The sources that failed on the way, in the order they were asked.
    pub failures: Vec<SourceFailure>,
}

impl Provenance {
    /// Whether another source than the wanted one answered.
    pub fn is_degraded(&self) -> bool {
        self.role == Role::Fallback
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
