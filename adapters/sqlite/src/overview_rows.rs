//! The overview as rows: changed in the transaction of its records, compared with a full replay.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::kernel::{Line, Overview};
use ballast_ports::Result;
use rusqlite::Connection;

use crate::chain::Hash;
use crate::disk::{Disk, Step};
use crate::refusal::unreadable_row;
use crate::walk::{next, text};

/// Topic and key to value.
pub(crate) type OverviewRows = BTreeMap<(String, String), String>;

fn value(overview: &Overview, line: Line) -> Option<String> {
    // Plain data without maps: it always has a text.
    overview
        .value(line)
        .and_then(|value| serde_json::to_string(&value).ok())
}

/// The rows an overview should have.
pub(crate) fn expected(overview: &Overview) -> OverviewRows {
    let row = |line: Line| {
        let (topic, key) = line.name();
        value(overview, line).map(|value| ((topic.to_owned(), key), value))
    };
    overview.lines().into_iter().filter_map(row).collect()
}

/// The rows there are.
pub(crate) fn stored(conn: &Connection) -> Result<OverviewRows> {
    let failed = |e| unreadable_row("overview", e);
    let mut query = conn
        .prepare("SELECT topic, key, value FROM overview ORDER BY topic, key")
        .map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut found = OverviewRows::new();
    while let Some(row) = next(&mut rows, "overview")? {
        let column = |i| text(row, i, "overview").map(str::to_owned);
        found.insert((column(0)?, column(1)?), column(2)?);
    }
    Ok(found)
}

/// Writes the lines that changed.
pub(crate) fn write(
    conn: &Connection,
    overview: &Overview,
    changed: &BTreeSet<Line>,
    disk: &mut Disk,
) -> rusqlite::Result<()> {
    for line in changed {
        disk.ask_sqlite(Step::Row)?;
        let (topic, key) = line.name();
        match value(overview, *line) {
            Some(value) => conn
                .prepare_cached("INSERT OR REPLACE INTO overview VALUES (?1, ?2, ?3)")?
                .execute((topic, key, value))?,
            None => conn
                .prepare_cached("DELETE FROM overview WHERE topic = ?1 AND key = ?2")?
                .execute((topic, key))?,
        };
    }
    Ok(())
}

/// The hash of the rows: what two replays of the same records agree on.
pub(crate) fn state_hash(rows: &OverviewRows) -> Hash {
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
