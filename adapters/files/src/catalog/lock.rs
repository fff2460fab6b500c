//! One writer at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use ballast_ports::{Error, ErrorKind, Result};

use super::{STATE, unreadable};

/// Held while a catalog changes; the system lets go of it when the process ends in any way.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Takes the lock of the catalog in `root`, whose folder exists.
///
/// # Errors
/// `Rejected` when another process writes.
pub(super) fn take(root: &Path) -> Result<Lock> {
    let path = root.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| unreadable(e, &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Rejected,
            STATE,
            "another process writes to the catalog",
        )
        .context("path", path.display())
        .hint("wait until it has ended; reading works meanwhile")),
        Err(TryLockError::Error(e)) => Err(unreadable(e, &path)),
    }
}
