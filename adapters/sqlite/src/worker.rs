//! The two threads of an open journal: one that writes, one that reads. Each owns its connection.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::thread;

use ballast_domain::kernel::Overview;
use ballast_ports::{Committed, Error, ErrorKind, JournalBatch, JournalRecord, Result, Snapshot};
use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::{mpsc, oneshot};

use crate::audit::Note;
use crate::backup::{BackedUp, copy};
use crate::disk::Disk;
use crate::file_system::Space;
use crate::journal::Options;
use crate::refusal::{STATE, damaged, of_sqlite, unreadable_row};
use crate::schema;
use crate::store::Store;
use crate::walk::{Head, Seen, head_at, newest, walk};

/// Requests that may wait for a thread: a driver has a few batches under way, no more.
const QUEUE: usize = 64;
/// Records of one commit, about: a group takes no further batch beyond.
const GROUP_RECORDS: usize = 16_384;
/// Records of one answer of the reader, about: whole commits are read.
const PAGE_RECORDS: usize = 1_024;

/// What an answer goes to.
pub(crate) type Answer<T> = oneshot::Sender<Result<T>>;

/// What the writer is asked.
#[derive(Debug)]
pub(crate) enum Write {
    Append(JournalBatch, Answer<Committed>),
    Keep(Snapshot, Answer<()>),
    Space(Answer<Space>),
    Overview(Answer<Overview>),
    Close(Answer<()>),
}

/// What the reader is asked.
#[derive(Debug)]
pub(crate) enum Read {
    Page(u64, Answer<Page>),
    Head(Answer<Option<Committed>>),
    Snapshot(Answer<Option<Snapshot>>),
    Backup(PathBuf, Answer<BackedUp>),
    Close(Answer<()>),
}

/// Some records in order, all proven, and whether there were more.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) records: VecDeque<JournalRecord>,
    pub(crate) is_last: bool,
}

/// What an open journal was found to be.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) epoch: u64,
    pub(crate) head: Option<Committed>,
}

/// Asks a thread and waits for its answer.
pub(crate) async fn ask<R, T>(
    to: &mpsc::Sender<R>,
    request: impl FnOnce(Answer<T>) -> R,
) -> Result<T> {
    let (answer, answered) = oneshot::channel();
    if to.send(request(answer)).await.is_err() {
        return Err(ended());
    }
    answered.await.unwrap_or_else(|_| Err(ended()))
}

/// The thread is gone: it was closed, or it panicked.
fn ended() -> Error {
    Error::new(ErrorKind::Unavailable, STATE, "the journal is closed")
        .hint("stop trading and open the journal again")
}

/// Starts the writer; the answer comes when the journal is proven and taken over.
pub(crate) fn start_writer(
    options: Options,
    disk: Disk,
) -> Result<(mpsc::Sender<Write>, oneshot::Receiver<Result<Opened>>)> {
    let (requests, queue) = mpsc::channel(QUEUE);
    let (opened, opening) = oneshot::channel();
    start("ballast-journal", move || {
        let store = match Store::open(options, disk) {
            Ok(store) => store,
            Err(e) => {
                let _ = opened.send(Err(e));
                return;
            }
        };
        let found = Opened {
            epoch: store.epoch(),
            head: store.committed(),
        };
        if opened.send(Ok(found)).is_ok() {
            serve_writes(store, queue);
        }
    })?;
    Ok((requests, opening))
}

/// Starts the reader of the journal in `folder`.
pub(crate) fn start_reader(folder: &Path, account: &str) -> Result<mpsc::Sender<Read>> {
    let conn = schema::open_reader(&folder.join("journal.db"))?;
    let (requests, queue) = mpsc::channel(QUEUE);
    let account = account.to_owned();
    start("ballast-journal-reader", move || {
        serve_reads(conn, &account, queue);
    })?;
    Ok(requests)
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(drop).map_err(|e| {
        Error::new(ErrorKind::Unavailable, STATE, "a thread cannot be started")
            .caused_by(e)
            .hint("raise the limit on threads")
    })
}

fn serve_writes(mut store: Store, mut queue: mpsc::Receiver<Write>) {
    let mut waiting = None;
    while let Some(request) = waiting.take().or_else(|| queue.blocking_recv()) {
        // Whoever dropped the question needs no answer; what it asked was done.
        match request {
            Write::Append(batch, answer) => {
                let mut size = batch.records.len();
                let mut group = vec![(batch, answer)];
                // What came meanwhile shares the commit.
                while size < GROUP_RECORDS {
                    match queue.try_recv() {
                        Ok(Write::Append(batch, answer)) => {
                            size += batch.records.len();
                            group.push((batch, answer));
                        }
                        Ok(other) => {
                            waiting = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                let batches: Vec<_> = group.iter().map(|(batch, _)| batch).collect();
                let outcomes = store.append(&batches);
                for ((_, answer), outcome) in group.into_iter().zip(outcomes) {
                    let _ = answer.send(outcome);
                }
            }
            Write::Keep(snapshot, answer) => {
                let _ = answer.send(store.keep(&snapshot));
            }
            Write::Space(answer) => {
                let _ = answer.send(Ok(store.space()));
            }
            Write::Overview(answer) => {
                let _ = answer.send(Ok(store.overview().clone()));
            }
            Write::Close(answer) => {
                let _ = answer.send(store.close());
                return;
            }
        }
    }
    // Nobody is left to be told; the next start finds what is there.
    let _ = store.close();
}

fn serve_reads(conn: Connection, account: &str, mut queue: mpsc::Receiver<Read>) {
    conn.set_prepared_statement_cache_capacity(16);
    while let Some(request) = queue.blocking_recv() {
        match request {
            Read::Page(from, answer) => {
                let _ = answer.send(page(&conn, account, from));
            }
            Read::Head(answer) => {
                let _ = answer.send(stored_head(&conn, account));
            }
            Read::Snapshot(answer) => {
                let _ = answer.send(snapshot(&conn));
            }
            Read::Backup(to, answer) => {
                let _ = answer.send(copy(&conn, &to, &mut Disk::real()));
            }
            Read::Close(answer) => {
                let closed = conn.close();
                let _ = answer
                    .send(closed.map_err(|(_, e)| of_sqlite(e, "the journal cannot be closed")));
                return;
            }
        }
    }
}

/// The records from `from` on, to the end of a commit.
fn page(conn: &Connection, account: &str, from: u64) -> Result<Page> {
    let read = conn
        .unchecked_transaction()
        .map_err(|e| unreadable_row("schema", e))?;
    let mut page = Page {
        records: VecDeque::new(),
        is_last: true,
    };
    let link: Option<i64> = conn
        .prepare_cached(
            "SELECT link FROM batches WHERE seq = (SELECT batch FROM records WHERE seq = ?1)",
        )
        .and_then(|mut query| {
            let from = i64::try_from(from.max(1)).unwrap_or(i64::MAX);
            query.query_row([from], |row| row.get(0)).optional()
        })
        .map_err(|e| unreadable_row("batches", e))?;
    let Some(link) = link else {
        return Ok(page);
    };
    let before = link.cast_unsigned().saturating_sub(1);
    let Some(start) = head_at(conn, account, before)? else {
        return Err(damaged("a commit is missing").context("commit", before));
    };
    let records = &mut page.records;
    let mut ended_early = false;
    walk(conn, start, &mut |seen| match seen {
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
    drop(read);
    Ok(page)
}

/// The last batch, its commit proven.
fn stored_head(conn: &Connection, account: &str) -> Result<Option<Committed>> {
    let read = conn
        .unchecked_transaction()
        .map_err(|e| unreadable_row("schema", e))?;
    let number = newest(conn)?;
    let Some(before) = head_at(conn, account, number.saturating_sub(1))? else {
        return Err(damaged("a commit is missing").context("commit", number.saturating_sub(1)));
    };
    let head: Head = walk(conn, before, &mut |_| Ok(true))?;
    drop(read);
    Ok((head.batch > 0).then_some(Committed {
        seq: head.batch,
        digest: head.digest,
    }))
}

/// The newest snapshot, if it is the one its commit names.
fn snapshot(conn: &Connection) -> Result<Option<Snapshot>> {
    let row: Option<(i64, Vec<u8>, String)> = conn
        .query_row(
            "SELECT batch, state, note FROM snapshots JOIN links ON number = link \
             ORDER BY batch DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .map_err(|e| unreadable_row("snapshots", e))?;
    let Some((batch, state, note)) = row else {
        return Ok(None);
    };
    let snapshot = Snapshot {
        batch: batch.cast_unsigned(),
        state,
    };
    let kept = Note::Snapshot {
        batch: snapshot.batch,
        blake3: blake3::hash(&snapshot.state).to_hex().to_string(),
    };
    if note != kept.text() {
        return Err(damaged("a snapshot is not the one that was kept").context("batch", batch));
    }
    Ok(Some(snapshot))
}
