//! What stands between the program and its sources of data: `[resilience]` and `[cache]`.

use serde::{Deserialize, Serialize};

/// `[resilience]`: of each source; what is absent has the default of its part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resilience {
    /// Attempts after the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Seconds an attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Seconds a call may take, with all its attempts and waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<u32>,
    /// Failures in a row that open the breaker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_failures: Option<u32>,
    /// Seconds an open breaker refuses every call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker_seconds: Option<u32>,
    /// Calls a minute; no limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_minute: Option<u32>,
    /// Whether `data.fallback` is asked when the source fails; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_fallback: Option<bool>,
    /// Histories that are fetched at once; 15 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u8>,
}

/// `cache.store`: what keeps the answers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CacheStore {
    /// Files in a folder that one program has to itself.
    #[default]
    Files,
    /// A table of the server at `cache.database`, which several programs share. Needs the cargo
    /// feature `postgres`.
    Postgres,
}

/// `[cache]`: in front of the sources; there is none unless it is switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Whether there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What keeps it; files when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<CacheStore>,
    /// Where the PostgreSQL server is and which database, without a password, such as
    /// `postgresql://ballast@127.0.0.1:5432/trading`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Its folder, relative to the config file; `cache` in the home when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Entries it keeps; 1000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<u32>,
    /// Minutes for which an answer is served without asking anyone; 60 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serve_minutes: Option<u32>,
    /// Hours after which an answer is stale; 48 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_after_hours: Option<u32>,
    /// Hours after which an answer is not served at all; 168 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_after_hours: Option<u32>,
    /// Whether old answers are served when every source failed; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serve_when_down: Option<bool>,
    /// Whether each read takes the checksum of its file; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
}

impl Resilience {
    pub(super) fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

impl Cache {
    pub(super) fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}
