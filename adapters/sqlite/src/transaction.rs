//! The statements of a commit: begin, rows, link, end.

use ballast_domain::kernel::Record;
use ballast_journal::anchor::Mark;
use ballast_journal::chain::{CHECKSUM, LinkHasher};
use ballast_journal::refusal::taken_over;
use ballast_journal::stored::hash_batch;
use ballast_journal::{Head, Stored as _};
use ballast_ports::{JournalBatch, Result};
use rusqlite::{Connection, params};

use crate::disk::{Disk, Step};
use crate::refusal::of_sqlite;
use crate::schema;
use crate::tables::Tables;

/// The schema, in a transaction of its own.
pub(crate) fn create(conn: &Connection, account: &str, disk: &mut Disk) -> Result<()> {
    let made = (|| {
        begin(conn, disk)?;
        disk.ask_sqlite(Step::Schema)?;
        schema::create(conn, account)?;
        end(conn, disk)
    })();
    made.map_err(|e| of_sqlite(e, "the journal cannot be made"))
}

/// The commit that says who writes from here on.
pub(crate) fn first_commit(
    conn: &Connection,
    head: Head,
    epoch: u64,
    note: &str,
    disk: &mut Disk,
) -> Result<Mark> {
    let number = head.mark.number + 1;
    let hash = LinkHasher::new(&head.mark.hash, number, epoch, note).finish();
    let mark = Mark { number, hash };
    let head = Head {
        mark,
        epoch,
        ..head
    };
    (|| {
        begin(conn, disk)?;
        link(conn, head, note, disk)?;
        end(conn, disk)
    })()
    .map_err(|e| of_sqlite(e, "the journal cannot be taken over"))?;
    Ok(mark)
}

pub(crate) fn begin(conn: &Connection, disk: &mut Disk) -> rusqlite::Result<()> {
    disk.ask_sqlite(Step::Begin)?;
    conn.execute_batch("BEGIN IMMEDIATE")
}

pub(crate) fn end(conn: &Connection, disk: &mut Disk) -> rusqlite::Result<()> {
    disk.ask_sqlite(Step::Commit)?;
    conn.execute_batch("COMMIT")?;
    disk.ask_sqlite(Step::Committed)
}

/// Whoever wrote since has taken over: an older writer records nothing.
pub(crate) fn still_ours(tables: &Tables<'_>, head: Head) -> Result<()> {
    let newest = tables.newest()?;
    if newest == head.mark.number && tables.head_at(newest)?.map(|h| h.mark) == Some(head.mark) {
        return Ok(());
    }
    Err(taken_over()
        .context("commit", newest)
        .context("last of ours", head.mark.number))
}

pub(crate) fn link(
    conn: &Connection,
    head: Head,
    note: &str,
    disk: &mut Disk,
) -> rusqlite::Result<()> {
    disk.ask_sqlite(Step::Row)?;
    conn.prepare_cached("INSERT INTO links VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            head.mark.number.cast_signed(),
            head.epoch.cast_signed(),
            note,
            head.batch.cast_signed(),
            head.record.cast_signed(),
            head.mark.hash,
        ])?;
    Ok(())
}

/// Writes a batch and its records; answers the head after it.
pub(crate) fn insert(
    conn: &Connection,
    batch: &JournalBatch,
    records: &[Record],
    link: u64,
    head: Head,
    hasher: &mut LinkHasher,
    disk: &mut Disk,
) -> rusqlite::Result<Head> {
    let (after, hashes) = hash_batch(head, batch, hasher);
    disk.ask_sqlite(Step::Row)?;
    conn.prepare_cached("INSERT INTO batches VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            batch.seq.cast_signed(),
            link.cast_signed(),
            batch.digest.cast_signed(),
            after.record.cast_signed()
        ])?;
    let mut row = conn.prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for ((stored, record), hash) in batch.records.iter().zip(records).zip(hashes) {
        disk.ask_sqlite(Step::Row)?;
        row.execute(params![
            stored.seq.cast_signed(),
            batch.seq.cast_signed(),
            stored.kind,
            stored.body,
            &hash[..CHECKSUM],
            record.once().map(|once| once.to_string()),
        ])?;
    }
    Ok(after)
}
