//! What a neighbour answered: status, kind of content, body.

use std::time::Duration;

use ballast_ports::{Error, ErrorKind, Result};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The field in which an answer says that it is none.
#[derive(serde::Deserialize)]
struct MayFail {
    #[serde(default)]
    error: Value,
}

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

    /// Whether the body is an object whose `error` says that there is one. What is no JSON says nothing.
    fn says_error(&self) -> bool {
        // A list would be read as the fields of `MayFail` in their order.
        if !self.body.trim_ascii_start().starts_with(b"{") {
            return false;
        }
        let read = serde_json::from_slice(&self.body);
        let MayFail { error } = read.unwrap_or(MayFail { error: Value::Null });
        match &error {
            Value::Null | Value::Bool(false) => false,
            Value::String(words) => !words.is_empty(),
            Value::Array(errors) => !errors.is_empty(),
            _ => true,
        }
    }

    /// The body of a successful answer as `T`.
    ///
    /// # Errors
    /// As [`Answer::error`] classifies an answer that is no success; `InvalidData` when the body is
    /// not declared as JSON, is not a `T`, or has an `error` in it: some neighbours answer so with the
    /// status of a success. Nothing, an empty text or list and `false` are no error.
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
        if self.says_error() {
            return Err(Error::new(
                ErrorKind::InvalidData,
                operation,
                "the answer is an error with the status of a success",
            )
            .context("body", self.words()));
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

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    /// CAC-17: an answer with an `error` in it is a failure of a kind after which the next source is asked,
    /// whatever its status; one that says there is no error is read.
    #[test]
    fn cac_17_an_answer_with_an_error_in_it_is_a_failure() {
        let read = |body: &'static str| {
            let json = HeaderValue::from_static("application/json");
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
            let answer = Answer::new(StatusCode::OK, headers, Bytes::from_static(body.as_bytes()));
            answer.json::<Value>("history")
        };
        for failed in [
            r#"{"error": "no such ticker"}"#,
            r#"{"error": {"code": 7}, "price": 3}"#,
            r#"{"error": ["EQuery:Unknown asset pair"], "result": {}}"#,
            r#"{"error": true}"#,
        ] {
            let error = read(failed).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidData, "{failed}");
            assert!(!error.is_transient() && error.to_string().contains("error"));
        }
        for good in [
            r#"{"error": null, "price": 3}"#,
            r#"{"error": [], "result": {}}"#,
            r#"{"error": ""}"#,
            r#"{"error": false}"#,
            r#"{"price": 3}"#,
            "[1, 2]",
            r#" [{"price": 3}]"#,
        ] {
            read(good).unwrap();
        }
        assert!(read("{").is_err());
    }
}
