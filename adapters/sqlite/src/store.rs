//! The writer's side: one connection, one transaction a commit, one anchor after it.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use ballast_domain::kernel::{Line, Overview};
use ballast_journal::anchor::{self, Anchor, Mark};
use ballast_journal::chain::LinkHasher;
use ballast_journal::lock::{self, Lock};
use ballast_journal::refusal::{check_account, damaged, fail_stop, of_io};
use ballast_journal::stored::{SNAPSHOTS, admit_snapshot, echo};
use ballast_journal::threads::{Closing, Opened, Writing};
use ballast_journal::{Acceptance, Accepted, Head, Note, Stored as _, admit_group, examine};
use ballast_ports::{Committed, Error, JournalBatch, Result, Snapshot};
use rusqlite::{Connection, params};

use crate::disk::{Disk, Step};
use crate::file_system::{self, Space};
use crate::journal::Options;
use crate::overview_rows;
use crate::refusal::of_sqlite;
use crate::reserve::Reserve;
use crate::schema::{self, Content};
use crate::tables::Tables;
use crate::transaction::{begin, create, end, first_commit, insert, link, still_ours};

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
    acceptances: Vec<Acceptance>,
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
        check_account(&account, &options.account)?;
        schema::check_pages(&conn)?;
        let tables = Tables {
            conn: &conn,
            account: &account,
        };
        let examined = examine(&tables)?;
        if !accepted {
            examined.compare(&tables, anchored, anchored)?;
        }
        let head = examined.head;
        let before = || {
            let before = tables.head_at(head.mark.number.saturating_sub(1))?;
            Ok(before.map(|head| head.mark))
        };
        let how = (anchored, accepted);
        let anchor = Anchor::of_opening(&folder, how, head.mark, before, &mut disk)?;
        let epoch = head.epoch + 1;
        let note = Note::of_opening(&options.program, options.accept.as_deref());
        let mark = first_commit(&conn, head, epoch, &note.text(), &mut disk)?;
        let anchor = Anchor::begin(anchor, &folder, mark, &mut disk)?;
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
            overview: examined.overview,
            acceptances: examined.acceptances,
            failed: None,
            _lock: lock,
        })
    }

    fn tables(&self) -> Tables<'_> {
        Tables {
            conn: &self.conn,
            account: &self.options.account,
        }
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
        let tables = Tables {
            conn,
            account: &self.options.account,
        };
        still_ours(&tables, self.head)?;
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
        self.failed = Some(fail_stop(&self.path.display().to_string(), error));
    }
}

impl Writing for Store {
    fn append(&mut self, group: &[&JournalBatch]) -> Vec<Result<Committed>> {
        if let Some(failed) = &self.failed {
            return group.iter().map(|_| Err(failed.clone())).collect();
        }
        let (accepted, verdicts) = admit_group(&self.tables(), self.head, group);
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
                echo(batch.seq, self.tables().digest(batch.seq)?)
            })
            .collect()
    }

    fn keep(&mut self, snapshot: &Snapshot) -> Result<()> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let Some(note) = admit_snapshot(&self.tables(), self.head, snapshot)? else {
            return Ok(());
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

    fn overview(&self) -> &Overview {
        &self.overview
    }

    fn opened(&self) -> Opened {
        Opened {
            epoch: self.epoch,
            head: self.head.committed(),
            acceptances: self.acceptances.clone(),
        }
    }
}

impl Closing for Store {
    /// Moves all commits into the database file and closes it.
    fn close(self) -> Result<()> {
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
