//! A copy of a journal while it is written, and a journal from such a copy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ballast_journal::anchor::Anchor;
use ballast_journal::refusal::of_io;
use ballast_journal::{Audit, STATE, Stored as _, examine};
use ballast_ports::{Error, ErrorKind, Result};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::audit::audit;
use crate::disk::{Disk, temporary};
use crate::refusal::of_sqlite;
use crate::schema;
use crate::tables::Tables;

/// A copy that was made and proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// The folder of the copy.
    pub folder: PathBuf,
    /// What is in it.
    pub audit: Audit,
}

/// Makes the journal of an account from a backup: the restore drill, and the day it is needed.
///
/// The backup is proven first and the result after. Records that were written after the backup are
/// not in it: the next start compares with the venue, which knows of orders that this journal does
/// not.
///
/// # Errors
/// As [`audit()`](crate::audit()) for the backup; `Rejected` when the target holds a journal, or
/// what is left of one; `Unavailable` when it cannot be written.
pub fn restore(backup: &Path, folder: &Path) -> Result<Audit> {
    let expected = audit(backup)?;
    let (_, conn) = crate::audit::open(backup)?;
    let made = copy(&conn, folder, &mut Disk::real())?;
    if made.audit == expected {
        return Ok(made.audit);
    }
    Err(Error::new(
        ErrorKind::InvalidData,
        STATE,
        "the restored journal is not the backup",
    )
    .context("path", folder.display())
    .hint("somebody wrote to the backup meanwhile: restore from one that is at rest"))
}

/// Copies the journal in `from` into the folder `to`, which is made; somebody may be writing it
/// meanwhile.
///
/// # Errors
/// As [`SqliteJournal::backup`](crate::SqliteJournal::backup).
pub fn backup(from: &Path, to: &Path) -> Result<BackedUp> {
    let (_, conn) = crate::audit::open(from)?;
    copy(&conn, to, &mut Disk::real())
}

/// Copies what `conn` reads into `folder`, with an anchor of its own, and proves it.
pub(crate) fn copy(conn: &Connection, folder: &Path, disk: &mut Disk) -> Result<BackedUp> {
    for name in ["journal.db", "journal.db-wal", "journal.anchor"] {
        let there = folder.join(name);
        if there.exists() {
            return Err(
                Error::new(ErrorKind::Rejected, STATE, "a journal is there already")
                    .context("path", there.display())
                    .hint("name an empty folder, or move the old files away and keep them"),
            );
        }
    }
    disk.folder(folder)
        .map_err(|e| of_io(e, "the folder cannot be made", folder))?;
    let place = folder.join("journal.db");
    let partial = temporary(&place);
    match fs::remove_file(&partial) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(of_io(
                e,
                "what an earlier copy left cannot be removed",
                &partial,
            ));
        }
        _ => {}
    }
    let copied = pages(conn, &partial).and_then(|()| {
        let file = fs::File::open(&partial).and_then(|file| file.sync_all());
        file.map_err(|e| of_io(e, "the copy cannot be made durable", &partial))?;
        anchored(&partial, folder, disk)?;
        disk.rename(&partial, &place)
            .map_err(|e| of_io(e, "the copy cannot be put in its place", &place))
    });
    if let Err(e) = copied {
        // What is there is no journal yet.
        let _ = fs::remove_file(&partial);
        return Err(e);
    }
    Ok(BackedUp {
        folder: folder.to_owned(),
        audit: audit(folder)?,
    })
}

/// All pages in one read transaction: the writer goes on, and the copy is of one instant.
fn pages(conn: &Connection, to: &Path) -> Result<()> {
    let failed = |e| of_sqlite(e, "the journal cannot be copied").context("to", to.display());
    let mut target = Connection::open(to).map_err(failed)?;
    let done = {
        let backup = Backup::new(conn, &mut target).map_err(failed)?;
        backup.step(-1).map_err(failed)?
    };
    target.close().map_err(|(_, e)| failed(e))?;
    if done == StepResult::Done {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        STATE,
        "the journal is busy and was not copied",
    )
    .context("to", to.display())
    .hint("try again"))
}

/// The anchor of a copy names the copy's own head.
fn anchored(partial: &Path, folder: &Path, disk: &mut Disk) -> Result<()> {
    let conn = schema::open_at_rest(partial)?;
    let account = schema::account(&conn)?;
    let tables = Tables {
        conn: &conn,
        account: &account,
    };
    let head = examine(&tables)?.head.mark;
    if head.number == 0 {
        return Ok(());
    }
    let before = tables.head_at(head.number - 1)?;
    let before = before.map(|h| h.mark).filter(|mark| mark.number > 0);
    Anchor::open(folder, Some((before, head)), disk).map(drop)
}
