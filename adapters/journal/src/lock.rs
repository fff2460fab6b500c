//! One writer at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use ballast_ports::{Error, ErrorKind, Result};

use crate::files::Files;
use crate::refusal::{STATE, of_io};

/// Held while a journal is written; the system lets go of it when the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// At once, also while a child process that was just started still holds a copy of the file.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Takes the lock of the account in `folder`.
///
/// # Errors
/// `Rejected` when another process has it; else as the file system says.
pub fn take(folder: &Path, disk: &mut dyn Files) -> Result<Lock> {
    let path = folder.join("lock");
    let taken = "the lock of the account cannot be taken";
    let file = disk.open_lock(&path).map_err(|e| of_io(e, taken, &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { file }),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Rejected,
            STATE,
            "another process trades this account",
        )
        .context("path", path.display())
        .hint("end the other process first; the lock ends with it")),
        Err(TryLockError::Error(e)) => Err(of_io(e, taken, &path)),
    }
}
