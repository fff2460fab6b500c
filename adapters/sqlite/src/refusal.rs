//! Why a journal is not used or could not be written, in words that say what to do.

use ballast_journal::STATE;
use ballast_journal::refusal::{RESTORE, ROOM, damaged};
use ballast_ports::{Error, ErrorKind};
use rusqlite::ErrorCode;

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
