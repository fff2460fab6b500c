//! The overview as rows: what a journal stores beside its records, compared with a full replay.

use std::collections::BTreeMap;

use ballast_domain::kernel::{Line, Overview};

use crate::chain::Hash;

/// Topic and key to value.
pub type OverviewRows = BTreeMap<(String, String), String>;

/// The value of a line; `None` when it has none any more.
pub fn value(overview: &Overview, line: Line) -> Option<String> {
    // Plain data without maps: it always has a text.
    overview
        .value(line)
        .and_then(|value| serde_json::to_string(&value).ok())
}

/// The rows an overview should have.
pub fn expected(overview: &Overview) -> OverviewRows {
    let row = |line: Line| {
        let (topic, key) = line.name();
        value(overview, line).map(|value| ((topic.to_owned(), key), value))
    };
    overview.lines().into_iter().filter_map(row).collect()
}

/// The hash of the rows: what two replays of the same records agree on.
pub fn state_hash(rows: &OverviewRows) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"overview 1\0");
    for ((topic, key), value) in rows {
        for part in [topic, key, value] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}
