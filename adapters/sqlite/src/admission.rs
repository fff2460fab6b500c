//! Which batches a journal takes: those that continue it, in canonical bytes, saying nothing twice.

use std::collections::BTreeSet;

use ballast_domain::kernel::Record;
use ballast_ports::{Error, ErrorKind, JournalBatch, JournalRecord, Result};
use rusqlite::Connection;

use crate::chain;
use crate::record::checked;
use crate::refusal::unreadable_row;
use crate::walk::Head;

/// A batch that may be written, and what its records say.
pub(crate) type Accepted<'a> = (&'a JournalBatch, Vec<Record>);

/// Whether `batch` may follow what is stored and accepted; one that is there already is fine.
pub(crate) fn admit<'a>(
    conn: &Connection,
    head: Head,
    batch: &'a JournalBatch,
    accepted: &mut Vec<Accepted<'a>>,
    once: &mut BTreeSet<String>,
) -> Result<()> {
    if batch.records.is_empty() {
        return Err(refuse(ErrorKind::Rejected, "the batch has no records")
            .context("batch", batch.seq)
            .hint("persist nothing instead of an empty batch"));
    }
    let before = accepted.last().map(|(batch, _)| *batch);
    let newest = before.map_or(head.batch, |b| b.seq);
    if newest > 0 && batch.seq == newest {
        let same = match before {
            Some(before) => before == batch,
            None => is_stored(conn, head, batch)?,
        };
        return if same {
            Ok(())
        } else {
            Err(refuse(
                ErrorKind::InvalidData,
                "another batch with this number is there",
            )
            .context("batch", batch.seq)
            .hint("two writers share this journal, or it was rolled back: stop and reconcile"))
        };
    }
    if batch.seq != newest + 1 {
        return Err(gap("batch", newest + 1, batch.seq));
    }
    let last = before.map_or(head.record, |b| chain::last_record(b, 0));
    let mut said = BTreeSet::new();
    let mut records = Vec::with_capacity(batch.records.len());
    for (expected, stored) in (last + 1..).zip(&batch.records) {
        if stored.seq != expected {
            return Err(gap("record", expected, stored.seq));
        }
        let record = checked(stored)?;
        if let Some(key) = record.once().map(|once| once.to_string())
            && (once.contains(&key) || is_recorded(conn, &key)? || !said.insert(key.clone()))
        {
            return Err(refuse(
                ErrorKind::InvalidData,
                "what may be recorded once is there already",
            )
            .context("what", key)
            .context("record", expected)
            .hint("nothing may leave: the program and its journal disagree; restart it"));
        }
        records.push(record);
    }
    once.append(&mut said);
    accepted.push((batch, records));
    Ok(())
}

fn is_recorded(conn: &Connection, once: &str) -> Result<bool> {
    conn.prepare_cached("SELECT 1 FROM records WHERE once = ?1")
        .and_then(|mut query| query.exists([once]))
        .map_err(|e| unreadable_row("records", e))
}

fn is_stored(conn: &Connection, head: Head, batch: &JournalBatch) -> Result<bool> {
    if batch.digest != head.digest {
        return Ok(false);
    }
    let read = || {
        let mut query = conn
            .prepare_cached("SELECT seq, kind, body FROM records WHERE batch = ?1 ORDER BY seq")?;
        let rows = query.query_map([batch.seq.cast_signed()], |row| {
            Ok(JournalRecord {
                seq: row.get::<_, i64>(0)?.cast_unsigned(),
                kind: row.get(1)?,
                body: row.get(2)?,
            })
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    // By batch there is no index: this happens once after a start, if ever.
    let stored = read().map_err(|e| unreadable_row("records", e))?;
    Ok(stored == batch.records)
}

fn refuse(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, "append", message)
}

fn gap(what: &str, expected: u64, found: u64) -> Error {
    refuse(
        ErrorKind::InvalidData,
        &format!("{what} number {found} does not continue the journal"),
    )
    .context("expected", expected)
    .hint("a journal has one writer, which numbers from 1 without gaps")
}
