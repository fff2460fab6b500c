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

const WHO: &str = "check the user in the address, the secret postgres_password, and pg_hba.conf";

/// The server asked for a password and there is none: the client says it in its cause alone.
fn wants_password(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.to_string() == "password missing")
}

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
    let (kind, hint) = match error.code() {
        Some(code) => advice(code),
        None if wants_password(&error) => (ErrorKind::Unauthenticated, WHO),
        None => (ErrorKind::Unavailable, AGAIN),
    };
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
        c if *c == SqlState::INVALID_PASSWORD || class("28") => (ErrorKind::Unauthenticated, WHO),
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
