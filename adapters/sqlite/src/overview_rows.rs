//! The overview as rows, changed in the transaction of its records.

use std::collections::BTreeSet;

use ballast_domain::kernel::{Line, Overview};
use ballast_journal::overview_rows::value;
use rusqlite::Connection;

use crate::disk::{Disk, Step};

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
