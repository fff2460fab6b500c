//! The one place where a failed exchange becomes an error of the ports.

use std::time::Duration;

use ballast_ports::{Error, ErrorKind};

use super::answer::Answer;

impl Answer {
    /// What an answer that is no success means to the caller of a read or a command.
    ///
    /// Of an order only the venue's adapter knows which answers prove that it is refused; a 5xx proves
    /// nothing.
    pub fn error(&self, operation: &'static str) -> Error {
        let (kind, message) = match self.status() {
            401 | 403 => (ErrorKind::Unauthenticated, "the credentials were refused"),
            404 => (ErrorKind::NotFound, "the neighbour does not know it"),
            418 | 429 => (ErrorKind::RateLimited, "too many requests"),
            408 | 425 | 500..=599 => (ErrorKind::Unavailable, "the neighbour cannot answer now"),
            400..=499 => (ErrorKind::Rejected, "the neighbour refused the request"),
            300..=399 => (
                ErrorKind::InvalidData,
                "the neighbour points elsewhere, and redirects are not followed",
            ),
            _ => (
                ErrorKind::InvalidData,
                "the answer has a status nobody expects",
            ),
        };
        let error = Error::new(kind, operation, message)
            .context("status", self.status())
            .context("body", self.words());
        match self.retry_after() {
            Some(wait) if error.is_transient() => error.retry_after(wait),
            _ => error,
        }
    }
}

/// No connection came about: nothing was written.
pub(crate) fn no_connection(operation: &'static str, authority: &str) -> Error {
    Error::new(ErrorKind::Unavailable, operation, "no connection").context("address", authority)
}

/// The answer did not come in time.
pub(crate) fn too_late(operation: &'static str, deadline: Duration) -> Error {
    let waited = format!("no whole answer within {} ms", deadline.as_millis());
    Error::new(ErrorKind::Unavailable, operation, waited)
}

/// The connection or its protocol broke while the answer was awaited.
pub(crate) fn broken(operation: &'static str, cause: hyper::Error) -> Error {
    let (kind, message) = if cause.is_parse() {
        (ErrorKind::InvalidData, "the answer is not HTTP")
    } else {
        (ErrorKind::Unavailable, "the connection was lost")
    };
    Error::new(kind, operation, message).caused_by(cause)
}

/// More came than is read.
pub(crate) fn too_large(operation: &'static str, largest: usize) -> Error {
    Error::new(ErrorKind::InvalidData, operation, "the answer is too large")
        .context("largest", format!("{largest} bytes"))
        .hint("ask for less at once")
}
