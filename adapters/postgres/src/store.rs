//! The writer's side: one connection, one lock, one transaction a commit, one anchor after it.

use std::collections::BTreeSet;
use std::time::Duration;

use ballast_domain::kernel::{Line, Overview};
use ballast_journal::anchor::{self, Anchor, Mark};
use ballast_journal::chain::LinkHasher;
use ballast_journal::lock::{self, Lock};
use ballast_journal::refusal::{check_account, damaged, fail_stop};
use ballast_journal::stored::{SNAPSHOTS, admit_snapshot, echo};
use ballast_journal::threads::{Closing, Opened, Writing};
use ballast_journal::{Acceptance, Accepted, Head, Note, STATE, Stored as _, admit_group};
use ballast_ports::{Committed, Error, ErrorKind, JournalBatch, Result, Snapshot};

use crate::folder::{self, RealFiles};
use crate::journal::Options;
use crate::schema::{self, Content};
use crate::session::Session;
use crate::transaction::{begin, end, insert, link, overview};

/// The lock of a writer whose connection was cut is free when the server has noticed.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(50);

/// A journal open for writing.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) session: Session,
    anchor: Anchor,
    head: Head,
    overview: Overview,
    acceptances: Vec<Acceptance>,
    /// Why nothing is written any more: what one failed write left behind is for the next start to
    /// find out.
    failed: Option<Error>,
    _lock: Lock,
}

impl Store {
    /// Takes both locks, proves what is there, and begins a new epoch.
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let folder = &options.folder;
        folder::make(folder)?;
        let lock = lock::take(folder, &mut RealFiles)?;
        let accepted = options.accept.is_some();
        let anchored = match anchor::read(folder) {
            Err(_) if accepted => None,
            found => found?,
        };
        let session = Session::connect(&options.database, &options.account)?;
        take_lock(&session)?;
        folder::note(folder, &options.database)?;
        if schema::judge(&session)? == Content::Empty {
            if anchored.is_some() {
                return Err(damaged("the journal is gone: its anchor is still there")
                    .context("database", &session.place));
            }
            schema::create(&session)?;
        }
        check_account(&schema::account(&session)?, &options.account)?;
        let (examined, before) = session.at_one_instant(|| {
            let examined = session.examine()?;
            if !accepted {
                examined.compare(&session, anchored, anchored)?;
            }
            let before = session.head_at(examined.head.mark.number.saturating_sub(1))?;
            Ok((examined, before))
        })?;
        let head = examined.head;
        let how = (anchored, accepted);
        let before = || Ok(before.map(|head| head.mark));
        let anchor = Anchor::of_opening(folder, how, head.mark, before, &mut RealFiles)?;
        let note = Note::of_opening(&options.program, options.accept.as_deref());
        let head = take_over(&session, head, &note.text())?;
        let anchor = Anchor::begin(anchor, folder, head.mark, &mut RealFiles)?;
        Ok(Self {
            session,
            anchor,
            head,
            overview: examined.overview,
            acceptances: examined.acceptances,
            failed: None,
            _lock: lock,
        })
    }

    /// One transaction, one link, one anchor.
    fn commit(
        &mut self,
        note: &str,
        batches: &[Accepted<'_>],
        more: impl FnOnce(&Session, u64) -> Result<()>,
    ) -> Result<()> {
        let session = &self.session;
        let number = self.head.mark.number + 1;
        begin(session, self.head, self.head.epoch, number)?;
        let mut hasher = LinkHasher::new(&self.head.mark.hash, number, self.head.epoch, note);
        let mut changed: BTreeSet<Line> = BTreeSet::new();
        let mut head = self.head;
        for (batch, records) in batches {
            head = insert(session, batch, records, number, head, &mut hasher)?;
            for record in records {
                self.overview.take(record, &mut changed);
            }
        }
        overview(session, &self.overview, &changed)?;
        more(session, number)?;
        let hash = hasher.finish();
        head.mark = Mark { number, hash };
        link(session, head, note)?;
        end(session)?;
        self.head = head;
        self.anchor.note(head.mark, &mut RealFiles)
    }

    fn fail_if_lost(&mut self, error: &Error) {
        if is_lost(&error) {
            self.fail(error);
        }
    }

    /// After a failed write nothing is written any more.
    fn fail(&mut self, error: &Error) {
        // Where even this fails, the server rolls back when the connection ends.
        let _ = self.session.run("ROLLBACK");
        self.failed = Some(fail_stop(&self.session.place, error));
    }
}

/// Whether the server was not heard.
fn is_lost(error: &&Error) -> bool {
    error.kind == ErrorKind::Unavailable
}

/// Takes the lock of the account's journal in its database, which lives as long as the session.
fn take_lock(session: &Session) -> Result<()> {
    let name = format!("ballast journal lock {}", session.account);
    let hash = blake3::hash(name.as_bytes());
    let mut key = [0; 8];
    key.copy_from_slice(&hash.as_bytes()[..8]);
    let key = i64::from_le_bytes(key);
    let mut waited = Duration::ZERO;
    loop {
        let row = session.row("SELECT pg_try_advisory_lock($1)", &[&key])?;
        if row.is_some_and(|row| row.try_get(0).unwrap_or(false)) {
            return Ok(());
        }
        if waited >= PATIENCE {
            break;
        }
        std::thread::sleep(LOOK);
        waited += LOOK;
    }
    let holder = session.row(
        "SELECT l.pid, coalesce(host(a.client_addr), 'this machine') FROM pg_locks l \
         LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
         AND (l.classid::int8 << 32 | l.objid::int8) = $1 \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        &[&key],
    )?;
    let refused = Error::new(
        ErrorKind::Rejected,
        STATE,
        "another process trades this account",
    )
    .context("database", &session.place);
    let refused = match &holder {
        Some(row) => refused
            .context("server process", row.try_get(0).unwrap_or(0_i32))
            .context("from", row.try_get(1).unwrap_or("somewhere")),
        None => refused,
    };
    Err(refused.hint(
        "end the other process first; when its machine is gone, end its session: \
         SELECT pg_terminate_backend(PID of the server process)",
    ))
}

/// The commit that says who writes from here on: any other writer is fenced off by it.
fn take_over(session: &Session, last: Head, note: &str) -> Result<Head> {
    let (number, epoch) = (last.mark.number + 1, last.epoch + 1);
    let hash = LinkHasher::new(&last.mark.hash, number, epoch, note).finish();
    let head = Head {
        mark: Mark { number, hash },
        epoch,
        ..last
    };
    begin(session, last, epoch, number)?;
    link(session, head, note)?;
    end(session)?;
    Ok(head)
}

impl Writing for Store {
    fn append(&mut self, group: &[&JournalBatch]) -> Vec<Result<Committed>> {
        if let Some(failed) = &self.failed {
            return group.iter().map(|_| Err(failed.clone())).collect();
        }
        let (accepted, verdicts) = admit_group(&self.session, self.head, group);
        // A connection that cannot be asked cannot be trusted with the next commit either.
        if let Some(lost) = verdicts
            .iter()
            .find_map(|v| v.as_ref().err().filter(is_lost))
        {
            let lost = lost.clone();
            self.fail(&lost);
            return group.iter().map(|_| Err(lost.clone())).collect();
        }
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
                let digest = self.session.digest(batch.seq);
                echo(batch.seq, digest.inspect_err(|e| self.fail_if_lost(e))?)
            })
            .collect()
    }

    fn keep(&mut self, snapshot: &Snapshot) -> Result<()> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let admitted = admit_snapshot(&self.session, self.head, snapshot);
        let Some(note) = admitted.inspect_err(|e| self.fail_if_lost(e))? else {
            return Ok(());
        };
        let written = self.commit(&note.text(), &[], |session, link| {
            session.change(
                "INSERT INTO snapshots VALUES ($1, $2, $3)",
                &[
                    &snapshot.batch.cast_signed(),
                    &link.cast_signed(),
                    &snapshot.state,
                ],
            )?;
            session.change(
                "DELETE FROM snapshots WHERE batch NOT IN \
                 (SELECT batch FROM snapshots ORDER BY batch DESC LIMIT $1)",
                &[&SNAPSHOTS],
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
            epoch: self.head.epoch,
            head: self.head.committed(),
            acceptances: self.acceptances.clone(),
        }
    }
}

impl Closing for Store {
    fn close(self) -> Result<()> {
        self.session.close();
        Ok(())
    }
}
