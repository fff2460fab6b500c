//! Why a journal is not used or could not be written, in words that say what to do.

use std::io;
use std::path::Path;

use ballast_ports::{Error, ErrorKind};
use rusqlite::ErrorCode;

/// The operation of every refusal to use what is on disk.
pub const STATE: &str = "journal";

const RESTORE: &str = "keep the folder as evidence, restore the newest backup, and compare with \
                       the venue before trading";

const ROOM: &str = "free space on its disk, where journal.reserve may go first, then start again: \
                    nothing acknowledged is lost";

/// What is stored is not what was written.
pub(crate) fn damaged(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, STATE, what).hint(RESTORE)
}

/// A column cannot be read as what was written there.
pub(crate) fn unreadable_row(table: &'static str, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(_) => of_sqlite(error, "the journal cannot be read"),
        None => damaged("a stored row is not of its type")
            .context("table", table)
            .caused_by(error),
    }
}

/// SQLite could not do `what`.
pub(crate) fn of_sqlite(error: rusqlite::Error, what: &str) -> Error {
    let (kind, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            (ErrorKind::InvalidData, RESTORE)
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::Unavailable, ROOM),
        Some(
            ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::AuthorizationForStatementDenied,
        ) => (
            ErrorKind::Unauthenticated,
            "allow this user to read and write the account's folder and the files in it",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Rejected,
            "another program has the journal open for writing: end it",
        ),
        _ => (
            ErrorKind::Unavailable,
            "check free space and the disk, then start again",
        ),
    };
    Error::new(kind, STATE, what).hint(hint).caused_by(error)
}

/// The file system could not do `what` with `path`.
pub(crate) fn of_io(error: io::Error, what: &str, path: &Path) -> Error {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            ErrorKind::NotFound,
            "check the path of the account's folder",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::Unauthenticated,
            "allow this user to read and write the account's folder and the files in it",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            (ErrorKind::Unavailable, ROOM)
        }
        _ => (
            ErrorKind::Unavailable,
            "check free space and the disk, then start again",
        ),
    };
    Error::new(kind, STATE, what)
        .context("path", path.display())
        .hint(hint)
        .caused_by(error)
}
