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

#[cfg(test)]
mod tests {
    use ballast_domain::error::Error as DomainError;
    use bytes::Bytes;
    use hyper::StatusCode;
    use hyper::header::HeaderMap;

    use super::*;

    /// ERR-06: timeouts, 429 and every 5xx may pass; every other 4xx, data that break the contract and too
    /// little money do not. `Retry` asks the same word (`RetryOn::Transient`).
    #[test]
    fn err_06_what_may_pass_and_what_stays() {
        let status = |code: u16| {
            let status = StatusCode::from_u16(code).unwrap();
            Answer::new(status, HeaderMap::new(), Bytes::new()).error("test")
        };
        let may_pass = [408, 418, 425, 429].into_iter().chain(500..=599);
        for code in may_pass.clone() {
            assert!(status(code).is_transient(), "{code}");
        }
        let stays = (400..=499).filter(|code| !may_pass.clone().any(|passes| passes == *code));
        for code in stays.chain(300..=399) {
            assert!(!status(code).is_transient(), "{code}");
        }
        assert!(too_late("test", Duration::from_secs(30)).is_transient());
        assert!(no_connection("test", "localhost:1").is_transient());
        assert!(!too_large("test", 1).is_transient());
        let poor = "insufficient funds: available 10, required 1000";
        for stays in [
            Error::from_domain("test", DomainError::validation("high below low")),
            Error::from_domain("test", DomainError::config("no such key")),
            Error::new(ErrorKind::Rejected, "submit", poor),
        ] {
            assert!(!stays.is_transient(), "{stays}");
        }
    }
}
