//! What the server refused or did not answer, in words that say what to do.

use ballast_journal::STATE;
use ballast_journal::refusal::{RESTORE, damaged};
use ballast_ports::{Error, ErrorKind};
use tokio_postgres::error::SqlState;

/// A call of the server that gave nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It failed.
    Failed(tokio_postgres::Error),
    /// No answer in time.
    Silent,
}

const AGAIN: &str = "look at the server and its log, then start again: the start finds out what is \
                     there";

/// A column cannot be read as what was written there.
pub(crate) fn unreadable(table: &'static str, error: tokio_postgres::Error) -> Error {
    damaged("a stored row is not of its type")
        .context("table", table)
        .caused_by(error)
}

/// The server did not do `what`.
pub(crate) fn of_trouble(trouble: Trouble, what: &str) -> Error {
    let error = match trouble {
        Trouble::Failed(error) => error,
        Trouble::Silent => {
            return Error::new(ErrorKind::Unavailable, STATE, what)
                .context("server", "no answer in time")
                .hint(AGAIN);
        }
    };
    let (kind, hint) = error.code().map_or((ErrorKind::Unavailable, AGAIN), advice);
    let told = Error::new(kind, STATE, what).hint(hint);
    let told = match error.as_db_error() {
        Some(said) => told
            .context("server", said.message())
            .context("sqlstate", said.code().code()),
        None => told,
    };
    told.caused_by(error)
}

fn advice(code: &SqlState) -> (ErrorKind, &'static str) {
    let class = |prefix: &str| code.code().starts_with(prefix);
    match code {
        c if *c == SqlState::INVALID_PASSWORD || class("28") => (
            ErrorKind::Unauthenticated,
            "check the user in the address, the secret postgres_password, and pg_hba.conf",
        ),
        c if *c == SqlState::INSUFFICIENT_PRIVILEGE => (
            ErrorKind::Unauthenticated,
            "let the user create schemas in the database, or make it the owner of the account's \
             schema",
        ),
        c if *c == SqlState::UNDEFINED_DATABASE => (
            ErrorKind::NotFound,
            "make the database first: createdb --owner=USER NAME",
        ),
        c if *c == SqlState::DISK_FULL => (
            ErrorKind::Unavailable,
            "free space on the server's disk, then start again: nothing acknowledged is lost",
        ),
        c if *c == SqlState::LOCK_NOT_AVAILABLE => (
            ErrorKind::Rejected,
            "another program has the journal open for writing: end it",
        ),
        c if *c == SqlState::READ_ONLY_SQL_TRANSACTION => (
            ErrorKind::Unavailable,
            "name the server that may be written: never a replica",
        ),
        _ if class("XX") => (ErrorKind::InvalidData, RESTORE),
        _ => (ErrorKind::Unavailable, AGAIN),
    }
}
