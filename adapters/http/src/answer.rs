//! What a neighbour answered: status, kind of content, body.

use std::time::Duration;

use ballast_ports::{Error, ErrorKind, Result};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use serde::de::DeserializeOwned;

/// A whole answer: it came to its end, whatever it says.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) const fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Whether the status says that the request was carried out.
    pub fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// A header's text, such as how much of a rate budget is used.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the neighbour wants to be left alone, in whole seconds as it said it. Dates are not
    /// read: they depend on two clocks.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(&RETRY_AFTER)?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// The body, as bytes.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text for an error: its beginning, without what could end a line.
    pub(crate) fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        text.chars().take(200).map(plain).collect()
    }

    /// The body of a successful answer as `T`.
    ///
    /// # Errors
    /// As [`Answer::error`] classifies an answer that is no success; `InvalidData` when the body is
    /// not declared as JSON, or is not a `T`.
    pub fn json<T: DeserializeOwned>(&self, operation: &'static str) -> Result<T> {
        if !self.is_success() {
            return Err(self.error(operation));
        }
        let declared = self.header(&CONTENT_TYPE).unwrap_or("nothing");
        let essence = declared.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Error::new(
                ErrorKind::InvalidData,
                operation,
                format!("the answer is declared as {declared:?}, not as JSON"),
            )
            .context("body", self.words())
            .hint("something other than the neighbour answered: look at address and proxies"));
        }
        serde_json::from_slice(&self.body).map_err(|e| {
            Error::new(
                ErrorKind::InvalidData,
                operation,
                "the answer cannot be read",
            )
            .context("body", self.words())
            .caused_by(e)
        })
    }
}
