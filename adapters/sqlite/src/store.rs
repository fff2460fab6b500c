//! The writer's side: one connection, one transaction a commit, one anchor after it.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use ballast_domain::kernel::{Line, Overview};
use ballast_ports::{Committed, Error, ErrorKind, JournalBatch, Result, Snapshot};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::admission::{Accepted, admit};
use crate::anchor::{self, Anchor, Mark};
use crate::audit::{Note, examine};
use crate::chain::LinkHasher;
use crate::disk::{Disk, Step};
use crate::file_system::{self, Space};
use crate::journal::Options;
use crate::lock::{self, Lock};
use crate::overview_rows;
use crate::refusal::{STATE, damaged, of_io, of_sqlite, unreadable_row};
use crate::reserve::Reserve;
use crate::schema::{self, Content};
use crate::transaction::{begin, create, end, first_commit, insert, link, still_ours};
use crate::walk::{Head, head_at};

/// How many snapshots are kept.
const SNAPSHOTS: i64 = 2;

/// A journal open for writing.
#[derive(Debug)]
pub(crate) struct Store {
    options: Options,
    path: PathBuf,
    conn: Connection,
    disk: Disk,
    anchor: Anchor,
    reserve: Reserve,
    head: Head,
    epoch: u64,
    overview: Overview,
    /// Why nothing is written any more: what one failed write left behind is for the next start to
    /// find out.
    failed: Option<Error>,
    _lock: Lock,
}

impl Store {
    /// Takes the lock, proves what is there, and begins a new epoch.
    pub(crate) fn open(options: Options, mut disk: Disk) -> Result<Self> {
        let folder = options.folder.clone();
        disk.folder(&folder)
            .map_err(|e| of_io(e, "the account's folder cannot be made", &folder))?;
        file_system::check_local(&folder)?;
        let lock = lock::take(&folder, &mut disk)?;
        let path = folder.join("journal.db");
        let accepted = options.accept.is_some();
        let anchored = match anchor::read(&folder) {
            Err(_) if accepted => None,
            found => found?,
        };
        let unclean = schema::has_wal(&path);
        let is_there = std::fs::metadata(&path).is_ok_and(|m| m.len() > 0);
        let gone = || {
            damaged("the journal is gone: its anchor or its write-ahead log is still there")
                .context("path", path.display())
        };
        if !is_there && (anchored.is_some() || unclean) {
            return Err(gone());
        }
        let opened = "the journal cannot be opened";
        disk.ask(Step::Open).map_err(|e| of_io(e, opened, &path))?;
        let conn = schema::open_writer(&path, options.page_size)?;
        if schema::judge(&conn)? == Content::Empty {
            if anchored.is_some() {
                return Err(gone());
            }
            create(&conn, &options.account, &mut disk)?;
            disk.sync_parent(&path)
                .map_err(|e| of_io(e, opened, &path))?;
        }
        let account = schema::account(&conn)?;
        if account != options.account {
            return Err(Error::new(
                ErrorKind::Rejected,
                STATE,
                "this is another account's journal",
            )
            .context("account", account)
            .context("wanted", &options.account)
            .hint("name the folder of this account"));
        }
        schema::check_pages(&conn)?;
        let examined = examine(&conn, &account)?;
        if !accepted {
            examined.compare(&conn, &account, anchored, anchored)?;
        }
        let head = examined.head;
        let current = anchored.is_some_and(|a| a.newest == head.mark && !a.other_damaged);
        let fresh = if anchored.is_none() || accepted {
            let before = head_at(&conn, &account, head.mark.number.saturating_sub(1))?;
            let before = before.map(|h| h.mark).filter(|mark| mark.number > 0);
            Some((before, head.mark))
        } else {
            None
        };
        // A journal without a commit has nothing to anchor yet.
        let is_first = head.mark.number == 0;
        let rows = examined.overview;
        let anchor = if is_first {
            None
        } else {
            let is_fresh = fresh.is_some();
            let mut anchor = Anchor::open(&folder, fresh, &mut disk)?;
            if !is_fresh && !current {
                // Both slots hold before either is written again.
                anchor.note(head.mark, &mut disk)?;
            }
            Some(anchor)
        };
        let epoch = head.epoch + 1;
        let note = match &options.accept {
            Some(reason) => Note::Accepted {
                reason: reason.clone(),
            },
            None => Note::Writer {
                program: options.program.clone(),
            },
        };
        let mark = first_commit(&conn, head, epoch, &note.text(), &mut disk)?;
        let anchor = match anchor {
            Some(mut anchor) => {
                anchor.note(mark, &mut disk)?;
                anchor
            }
            None => Anchor::open(&folder, Some((None, mark)), &mut disk)?,
        };
        let reserve = Reserve::new(&folder, options.reserve_bytes);
        reserve.take(file_system::free_bytes(&folder), &mut disk)?;
        Ok(Self {
            options,
            path,
            conn,
            disk,
            anchor,
            reserve,
            head: Head {
                mark,
                epoch,
                ..head
            },
            epoch,
            overview: rows,
            failed: None,
            _lock: lock,
        })
    }

    /// The last batch.
    pub(crate) fn committed(&self) -> Option<Committed> {
        (self.head.batch > 0).then_some(Committed {
            seq: self.head.batch,
            digest: self.head.digest,
        })
    }

    /// How often the journal was opened for writing, this time included.
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Where the account stands.
    pub(crate) const fn overview(&self) -> &Overview {
        &self.overview
    }

    /// The room there is.
    pub(crate) fn space(&self) -> Space {
        let free = file_system::free_bytes(&self.options.folder);
        Space {
            free,
            level: self.options.thresholds.level(free),
            reserve: self.reserve.is_held(),
        }
    }

    /// Makes all of `group` durable in one commit; a batch that cannot follow is refused alone.
    pub(crate) fn append(&mut self, group: &[&JournalBatch]) -> Vec<Result<Committed>> {
        if let Some(failed) = &self.failed {
            return group.iter().map(|_| Err(failed.clone())).collect();
        }
        let mut accepted: Vec<Accepted<'_>> = Vec::new();
        let mut once = BTreeSet::new();
        let verdicts: Vec<Result<()>> = group
            .iter()
            .map(|batch| admit(&self.conn, self.head, batch, &mut accepted, &mut once))
            .collect();
        let outcome = if accepted.is_empty() {
            Ok(())
        } else {
            let written = self.commit("", &accepted, |_, _| Ok(()));
            written.inspect_err(|e| self.fail(e))
        };
        group
            .iter()
            .zip(verdicts)
            .map(|(batch, verdict)| {
                verdict?;
                outcome.clone()?;
                self.echo(batch)
            })
            .collect()
    }

    /// What was stored, not what was asked.
    fn echo(&self, batch: &JournalBatch) -> Result<Committed> {
        let digest: Option<i64> = self
            .conn
            .prepare_cached("SELECT digest FROM batches WHERE seq = ?1")
            .and_then(|mut query| {
                query
                    .query_row([batch.seq.cast_signed()], |row| row.get(0))
                    .optional()
            })
            .map_err(|e| unreadable_row("batches", e))?;
        let digest = digest.ok_or_else(|| damaged("a batch that was written is not there"))?;
        Ok(Committed {
            seq: batch.seq,
            digest: digest.cast_unsigned(),
        })
    }

    /// Keeps the state of a kernel.
    pub(crate) fn keep(&mut self, snapshot: &Snapshot) -> Result<()> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let stored: Option<(i64, Vec<u8>)> = self
            .conn
            .query_row(
                "SELECT batch, state FROM snapshots ORDER BY batch DESC LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(|e| unreadable_row("snapshots", e))?;
        let refuse = |what: &str| {
            Error::new(ErrorKind::Rejected, "keep_snapshot", what)
                .context("batch", snapshot.batch)
                .hint("a snapshot is of the state after a durable batch, and newer than the last")
        };
        if snapshot.batch == 0 || snapshot.batch > self.head.batch {
            return Err(refuse("the snapshot is of a batch that is not durable"));
        }
        if let Some((batch, state)) = stored {
            if batch.cast_unsigned() == snapshot.batch && state == snapshot.state {
                return Ok(());
            }
            if batch.cast_unsigned() >= snapshot.batch {
                return Err(refuse("a snapshot of this batch or a later one is there"));
            }
        }
        let note = Note::Snapshot {
            batch: snapshot.batch,
            blake3: blake3::hash(&snapshot.state).to_hex().to_string(),
        };
        let link = self.head.mark.number + 1;
        let written = self.commit(&note.text(), &[], |conn, disk| {
            disk.ask_sqlite(Step::Row)?;
            conn.execute(
                "INSERT INTO snapshots VALUES (?1, ?2, ?3)",
                params![
                    snapshot.batch.cast_signed(),
                    link.cast_signed(),
                    snapshot.state
                ],
            )?;
            disk.ask_sqlite(Step::Row)?;
            conn.execute(
                "DELETE FROM snapshots WHERE batch NOT IN \
                 (SELECT batch FROM snapshots ORDER BY batch DESC LIMIT ?1)",
                [SNAPSHOTS],
            )?;
            Ok(())
        });
        written.inspect_err(|e| self.fail(e))
    }

    /// One transaction, one link, one anchor.
    fn commit(
        &mut self,
        note: &str,
        batches: &[Accepted<'_>],
        more: impl FnOnce(&Connection, &mut Disk) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let failed = |e| of_sqlite(e, "records cannot be written");
        let (conn, disk) = (&self.conn, &mut self.disk);
        begin(conn, disk).map_err(failed)?;
        still_ours(conn, &self.options.account, self.head)?;
        let number = self.head.mark.number + 1;
        let mut hasher = LinkHasher::new(&self.head.mark.hash, number, self.epoch, note);
        let mut changed: BTreeSet<Line> = BTreeSet::new();
        let mut head = self.head;
        for (batch, records) in batches {
            head = insert(conn, batch, records, number, head, &mut hasher, disk).map_err(failed)?;
            for record in records {
                self.overview.take(record, &mut changed);
            }
        }
        overview_rows::write(conn, &self.overview, &changed, disk).map_err(failed)?;
        more(conn, disk).map_err(failed)?;
        let hash = hasher.finish();
        head.mark = Mark { number, hash };
        link(conn, head, note, disk).map_err(failed)?;
        end(conn, disk).map_err(failed)?;
        self.head = head;
        self.anchor.note(head.mark, &mut self.disk)
    }

    /// After a failed write nothing is written any more, and space is given back if it was that.
    fn fail(&mut self, error: &Error) {
        if !self.conn.is_autocommit() {
            // Where even this fails, the next start rolls back.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        if is_full(error) {
            let _ = self.reserve.release(&mut self.disk);
        }
        self.failed = Some(
            Error::new(
                ErrorKind::Unavailable,
                STATE,
                "the journal failed and takes no more records",
            )
            .context("path", self.path.display())
            .caused_by(error.clone())
            .hint("stop trading and start again: the start finds out what is there"),
        );
    }

    /// Moves all commits into the database file and closes it.
    pub(crate) fn close(self) -> Result<()> {
        let failed = |e| of_sqlite(e, "the journal cannot be closed");
        if self.failed.is_none() {
            self.conn
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(failed)?;
        }
        self.conn.close().map_err(|(_, e)| failed(e))
    }
}

fn is_full(error: &Error) -> bool {
    let Some(source) = error.source() else {
        return false;
    };
    if let Some(error) = source.downcast_ref::<rusqlite::Error>() {
        return error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
    }
    source.downcast_ref::<io::Error>().is_some_and(|e| {
        matches!(
            e.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    })
}
