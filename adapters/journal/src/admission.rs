//! Which batches a journal takes: those that continue it, in canonical bytes, saying nothing twice.

use std::collections::BTreeSet;

use ballast_domain::kernel::Record;
use ballast_ports::{Error, ErrorKind, JournalBatch, Result};

use crate::chain;
use crate::record::checked;
use crate::stored::Stored;
use crate::walk::Head;

/// A batch that may be written, and what its records say.
pub type Accepted<'a> = (&'a JournalBatch, Vec<Record>);

/// Which of `group` may follow what is stored, in order, and the verdict on each.
pub fn admit_group<'a>(
    rows: &dyn Stored,
    head: Head,
    group: &[&'a JournalBatch],
) -> (Vec<Accepted<'a>>, Vec<Result<()>>) {
    let mut accepted = Vec::new();
    let mut once = BTreeSet::new();
    let verdicts = group
        .iter()
        .map(|batch| admit(rows, head, batch, &mut accepted, &mut once))
        .collect();
    (accepted, verdicts)
}

/// Whether `batch` may follow what is stored and accepted; one that is there already is fine.
///
/// # Errors
/// `Rejected` for an empty batch, `InvalidData` for one that does not follow, is not in canonical
/// bytes or says again what may be recorded once.
pub fn admit<'a>(
    rows: &dyn Stored,
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
            None => is_stored(rows, head, batch)?,
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
            && (once.contains(&key) || rows.is_recorded(&key)? || !said.insert(key.clone()))
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

fn is_stored(rows: &dyn Stored, head: Head, batch: &JournalBatch) -> Result<bool> {
    // By batch there is no index: this happens once after a start, if ever.
    Ok(batch.digest == head.digest && rows.records_of(batch.seq)? == batch.records)
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
