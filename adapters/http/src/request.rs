//! What is asked of a neighbour, before it is written.

use ballast_ports::{Error, ErrorKind, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Method;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde::Serialize;

/// One request: method, path with query, headers, body.
///
/// `Debug` leaves the headers out: they hold keys and signatures.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    /// Asks for `path`, which begins with `/` and may have a query.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), Bytes::new())
    }

    /// Takes away what is at `path`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path.into(), Bytes::new())
    }

    /// Posts `body` as JSON.
    ///
    /// # Errors
    /// `Unexpected` when the value cannot be JSON, such as a map without text keys.
    pub fn post(path: impl Into<String>, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body).map_err(|e| {
            Error::new(
                ErrorKind::Unexpected,
                "request",
                "a value cannot be written as JSON",
            )
            .caused_by(e)
        })?;
        let mut request = Self::new(Method::POST, path.into(), body.into());
        let json = HeaderValue::from_static("application/json");
        request.headers.insert(CONTENT_TYPE, json);
        Ok(request)
    }

    fn new(method: Method, path: String, body: Bytes) -> Self {
        Self {
            method,
            path,
            headers: HeaderMap::new(),
            body,
        }
    }

    /// With one more header, such as a signature.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The request as it is written to `authority`.
    pub(crate) fn build(
        self,
        operation: &'static str,
        authority: &str,
    ) -> Result<hyper::Request<Full<Bytes>>> {
        let mut built = hyper::Request::builder()
            .method(self.method)
            .uri(&self.path)
            .header(HOST, authority)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("ballast/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(self.body))
            .map_err(|e| {
                Error::new(
                    ErrorKind::Unexpected,
                    operation,
                    "a request cannot be written",
                )
                .context("path", self.path)
                .caused_by(e)
            })?;
        built.headers_mut().extend(self.headers);
        Ok(built)
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
