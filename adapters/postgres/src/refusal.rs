//! What the server refused or did not answer, in words that say what to do.

use ballast_journal::STATE;
use ballast_journal::refusal::{RESTORE, damaged};
use ballast_ports::{Error, ErrorKind, Secret};
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

/// The server did not do `what`. A server may repeat the password it was given: `hidden` is taken out
/// of all it said.
pub(crate) fn of_trouble(trouble: Trouble, what: &str, hidden: Option<&Secret>) -> Error {
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
            .context("server", without(said.message(), hidden))
            .context("sqlstate", said.code().code()),
        None => told,
    };
    caused(told, error, hidden)
}

/// `text` without `hidden`.
pub(crate) fn without(text: &str, hidden: Option<&Secret>) -> String {
    match hidden {
        Some(secret) => text.replace(secret.expose(), "***"),
        None => text.to_owned(),
    }
}

/// `told` with its cause, which stays outside where it would show `hidden` to anybody who prints it.
pub(crate) fn caused(told: Error, cause: tokio_postgres::Error, hidden: Option<&Secret>) -> Error {
    let mut shown = format!("{cause:?} {cause}");
    let mut inner = std::error::Error::source(&cause);
    while let Some(source) = inner {
        shown += &format!(" {source:?} {source}");
        inner = source.source();
    }
    // Debug texts escape what they quote.
    let gives_away = hidden.is_some_and(|secret| {
        let escaped = format!("{:?}", secret.expose());
        shown.contains(secret.expose()) || shown.contains(escaped.trim_matches('"'))
    });
    if gives_away {
        return told.context("cause", without(&cause.to_string(), hidden));
    }
    told.caused_by(cause)
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
