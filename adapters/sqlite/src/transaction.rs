//! The statements of a commit: begin, rows, link, end.

use ballast_domain::kernel::Record;
use ballast_ports::{Error, ErrorKind, JournalBatch, Result};
use rusqlite::{Connection, params};

use crate::anchor::Mark;
use crate::chain::{self, CHECKSUM, Hash, LinkHasher};
use crate::disk::{Disk, Step};
use crate::refusal::{STATE, of_sqlite};
use crate::schema;
use crate::walk::{self, Head, head_at};

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
pub(crate) fn still_ours(conn: &Connection, account: &str, head: Head) -> Result<()> {
    let newest = walk::newest(conn)?;
    if newest == head.mark.number
        && head_at(conn, account, newest)?.map(|h| h.mark) == Some(head.mark)
    {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Rejected,
        STATE,
        "another writer took over the journal",
    )
    .context("commit", newest)
    .context("last of ours", head.mark.number)
    .hint("this program must stop: the other one trades the account"))
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
    let last = chain::last_record(batch, head.record);
    disk.ask_sqlite(Step::Row)?;
    conn.prepare_cached("INSERT INTO batches VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            batch.seq.cast_signed(),
            link.cast_signed(),
            batch.digest.cast_signed(),
            last.cast_signed()
        ])?;
    hasher.batch(batch.seq, batch.digest, last);
    let mut row = conn.prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (stored, record) in batch.records.iter().zip(records) {
        disk.ask_sqlite(Step::Row)?;
        let hash: Hash = chain::record(stored.seq, &stored.kind, &stored.body);
        row.execute(params![
            stored.seq.cast_signed(),
            batch.seq.cast_signed(),
            stored.kind,
            stored.body,
            &hash[..CHECKSUM],
            record.once().map(|once| once.to_string()),
        ])?;
        hasher.record(&hash);
    }
    Ok(Head {
        batch: batch.seq,
        digest: batch.digest,
        record: last,
        ..head
    })
}
