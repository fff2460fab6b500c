//! What is asked of the tables of a journal, whoever keeps them.

use std::collections::VecDeque;
use std::io::{self, Write};

use ballast_ports::{Committed, Error, ErrorKind, JournalBatch, JournalRecord, Result, Snapshot};

use crate::audit::{Audit, Note};
use crate::chain::{self, Hash, LinkHasher, hex};
use crate::overview_rows::OverviewRows;
use crate::refusal::{STATE, damaged};
use crate::walk::{Head, See, Seen};

/// Records of one page, about: whole commits are read.
const PAGE_RECORDS: usize = 1_024;

/// How many snapshots are kept.
pub const SNAPSHOTS: i64 = 2;

/// The state of a kernel as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSnapshot {
    /// The commit that names it.
    pub link: u64,
    /// The snapshot.
    pub snapshot: Snapshot,
}

/// The tables of one account's journal, as of one instant.
pub trait Stored {
    /// Whose journal it is.
    fn account(&self) -> &str;

    /// Walks all commits after `from`, as [`walk`](crate::walk()).
    ///
    /// # Errors
    /// As [`walk`](crate::walk()).
    fn walk(&self, from: Head, see: See<'_>) -> Result<Head>;

    /// The head as of the commit `number`, by the stored rows alone; `None` when there is none.
    ///
    /// # Errors
    /// As the store says.
    fn head_at(&self, number: u64) -> Result<Option<Head>>;

    /// The number of the newest commit; 0 when there is none.
    ///
    /// # Errors
    /// As the store says.
    fn newest(&self) -> Result<u64>;

    /// What a commit says of itself.
    ///
    /// # Errors
    /// As the store says.
    fn note(&self, link: u64) -> Result<Option<String>>;

    /// The rows of the overview.
    ///
    /// # Errors
    /// As the store says.
    fn overview(&self) -> Result<OverviewRows>;

    /// The snapshots that are kept, oldest first.
    ///
    /// # Errors
    /// As the store says.
    fn snapshots(&self) -> Result<Vec<StoredSnapshot>>;

    /// The commit that a record is in; `None` when there is no such record.
    ///
    /// # Errors
    /// As the store says.
    fn link_of(&self, record: u64) -> Result<Option<u64>>;

    /// Whether what may be recorded once was.
    ///
    /// # Errors
    /// As the store says.
    fn is_recorded(&self, once: &str) -> Result<bool>;

    /// The records of a batch, in order.
    ///
    /// # Errors
    /// As the store says.
    fn records_of(&self, batch: u64) -> Result<Vec<JournalRecord>>;
}

/// Some records in order, all proven, and whether there were more.
#[derive(Debug)]
pub struct Page {
    /// The records.
    pub records: VecDeque<JournalRecord>,
    /// Whether none came after them.
    pub is_last: bool,
}

/// The records from `from` on, to the end of a commit.
///
/// # Errors
/// As [`walk`](crate::walk()).
pub fn page(stored: &dyn Stored, from: u64) -> Result<Page> {
    let mut page = Page {
        records: VecDeque::new(),
        is_last: true,
    };
    let Some(link) = stored.link_of(from.max(1))? else {
        return Ok(page);
    };
    let before = link.saturating_sub(1);
    let Some(start) = stored.head_at(before)? else {
        return Err(damaged("a commit is missing").context("commit", before));
    };
    let records = &mut page.records;
    let mut ended_early = false;
    stored.walk(start, &mut |seen| match seen {
        Seen::Record(stored) if stored.seq >= from => {
            records.push_back(JournalRecord {
                seq: stored.seq,
                kind: stored.kind.to_owned(),
                body: stored.body.to_vec(),
            });
            Ok(true)
        }
        Seen::Record(_) => Ok(true),
        Seen::Link { .. } => {
            ended_early = records.len() >= PAGE_RECORDS;
            Ok(!ended_early)
        }
    })?;
    page.is_last = !ended_early;
    Ok(page)
}

/// The last batch, its commit proven.
///
/// # Errors
/// As [`walk`](crate::walk()).
pub fn head(stored: &dyn Stored) -> Result<Option<Committed>> {
    let number = stored.newest()?.saturating_sub(1);
    let Some(before) = stored.head_at(number)? else {
        return Err(damaged("a commit is missing").context("commit", number));
    };
    Ok(stored.walk(before, &mut |_| Ok(true))?.committed())
}

/// The newest snapshot, if it is the one its commit names.
///
/// # Errors
/// `InvalidData` when it is not.
pub fn newest_snapshot(stored: &dyn Stored) -> Result<Option<Snapshot>> {
    let Some(newest) = stored.snapshots()?.pop() else {
        return Ok(None);
    };
    let note = stored.note(newest.link)?;
    if note.as_deref() != Some(Note::snapshot(&newest.snapshot).text().as_str()) {
        return Err(damaged("a snapshot is not the one that was kept")
            .context("batch", newest.snapshot.batch));
    }
    Ok(Some(newest.snapshot))
}

/// Whether `snapshot` may be kept after `head`: the note of its commit, `None` when it is kept
/// already.
///
/// # Errors
/// `Rejected` when its batch is not durable, or this one with other content or a later one is there.
pub fn admit_snapshot(
    stored: &dyn Stored,
    head: Head,
    snapshot: &Snapshot,
) -> Result<Option<Note>> {
    let newest = stored.snapshots()?.pop();
    let refuse = |what: &str| {
        Err(Error::new(ErrorKind::Rejected, "keep_snapshot", what)
            .context("batch", snapshot.batch)
            .hint("a snapshot is of the state after a durable batch, and newer than the last"))
    };
    if snapshot.batch == 0 || snapshot.batch > head.batch {
        return refuse("the snapshot is of a batch that is not durable");
    }
    match newest.map(|kept| kept.snapshot) {
        Some(kept) if kept == *snapshot => Ok(None),
        Some(kept) if kept.batch >= snapshot.batch => {
            refuse("a snapshot of this batch or a later one is there")
        }
        _ => Ok(Some(Note::snapshot(snapshot))),
    }
}

/// Adds a batch to the link under way; answers the head after it and the hash of each record.
pub fn hash_batch(head: Head, batch: &JournalBatch, hasher: &mut LinkHasher) -> (Head, Vec<Hash>) {
    let last = chain::last_record(batch, head.record);
    hasher.batch(batch.seq, batch.digest, last);
    let hash = |r: &JournalRecord| chain::record(r.seq, &r.kind, &r.body);
    let hashes: Vec<Hash> = batch.records.iter().map(hash).collect();
    for hash in &hashes {
        hasher.record(hash);
    }
    let after = Head {
        batch: batch.seq,
        digest: batch.digest,
        record: last,
        ..head
    };
    (after, hashes)
}

/// Writes every record up to what `audit` proved as JSON lines: `seq`, `batch`, `kind` and the body
/// byte for byte. All is proven again on the way.
///
/// # Errors
/// As [`walk`](crate::walk()); `Config` when `to` cannot be written, and then the cause is the I/O
/// error.
pub fn export_lines(stored: &dyn Stored, audit: &Audit, to: &mut dyn Write) -> Result<()> {
    let mut failed = None;
    stored.walk(Head::root(stored.account()), &mut |seen| {
        match seen {
            Seen::Record(record) if record.seq <= audit.records => {
                let mut line = || -> io::Result<()> {
                    write!(
                        to,
                        "{{\"seq\":{},\"batch\":{},\"kind\":\"{}\",\"body\":",
                        record.seq, record.batch, record.kind
                    )?;
                    to.write_all(record.body)?;
                    to.write_all(b"}\n")
                };
                if failed.is_none() {
                    failed = line().err();
                }
            }
            Seen::Record(_) => {}
            Seen::Link { head, .. } => {
                return Ok(failed.is_none() && hex(&head.mark.hash) != audit.head_hash);
            }
        }
        Ok(true)
    })?;
    match failed {
        None => Ok(()),
        Some(e) => Err(
            Error::new(ErrorKind::Config, "export", "the records cannot be written")
                .hint("check the file's disk and permissions")
                .caused_by(e),
        ),
    }
}

/// What was stored, not what was asked.
///
/// # Errors
/// `InvalidData` when it is not there.
pub fn echo(seq: u64, stored_digest: Option<u64>) -> Result<Committed> {
    let digest = stored_digest.ok_or_else(|| {
        damaged("a batch that was written is not there").context("operation", STATE)
    })?;
    Ok(Committed { seq, digest })
}
