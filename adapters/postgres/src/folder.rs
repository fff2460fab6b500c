//! What an account's folder holds beside the database: where that is, the lock, the anchor.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ballast_journal::STATE;
use ballast_journal::files::Files;
use ballast_journal::refusal::of_io;
use ballast_ports::{Error, ErrorKind, Result};
use ballast_system::{Disk, Fate};

use crate::database::{Database, Password};

/// Where the file with the database's address is.
fn path(folder: &Path) -> PathBuf {
    folder.join("journal.postgres")
}

/// Whether the journal of the account in `folder` is in PostgreSQL.
pub fn is_here(folder: &Path) -> bool {
    path(folder).is_file()
}

/// The database that holds the journal of the account in `folder`.
///
/// # Errors
/// `NotFound` when the folder names none; as [`Database::new`].
pub(crate) fn database(folder: &Path, password: Password) -> Result<Database> {
    let path = path(folder);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(
                Error::new(ErrorKind::NotFound, STATE, "there is no journal here")
                    .context("path", path.display())
                    .hint("name an account's folder, such as ballast-data/accounts/NAME"),
            );
        }
        Err(e) => return Err(of_io(e, "the address of the journal cannot be read", &path)),
    };
    Database::new(text.trim_end(), password).map_err(|e| e.context("path", path.display()))
}

/// Makes the folder.
pub(crate) fn make(folder: &Path) -> Result<()> {
    real(|disk| disk.folder(folder))
        .map_err(|e| of_io(e, "the account's folder cannot be made", folder))
}

/// Notes where the journal is. An account with a journal in a file keeps that one.
///
/// # Errors
/// `Rejected` when the other kind is there.
pub(crate) fn note(folder: &Path, database: &Database) -> Result<()> {
    let file = folder.join("journal.db");
    if file.exists() {
        return Err(Error::new(
            ErrorKind::Rejected,
            STATE,
            "the account has a journal in a file",
        )
        .context("path", file.display())
        .hint(
            "trade it on with trade.journal = \"sqlite\"; a journal in PostgreSQL begins \
                     with an account of its own name",
        ));
    }
    let path = path(folder);
    let text = format!("{}\n", database.text());
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    real(|disk| disk.put(&path, text.as_bytes()))
        .map_err(|e| of_io(e, "the address of the journal cannot be noted", &path))
}

fn real<T>(work: impl FnOnce(&mut Disk<'_>) -> io::Result<T>) -> io::Result<T> {
    work(&mut Disk::new(&mut |_| Fate::Go))
}

/// The disk as it is.
#[derive(Debug)]
pub(crate) struct RealFiles;

impl Files for RealFiles {
    fn open_lock(&mut self, path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    }

    fn put(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        real(|disk| disk.put(path, bytes))
    }

    fn overwrite(&mut self, file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        file.sync_data()
    }
}
