//! Where the neighbour is and how long and how much it may answer.

use std::time::Duration;

use ballast_ports::{Error, ErrorKind, Result};
use hyper::Uri;

/// Where the neighbour is, how long each step may take, and how large an answer may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportSettings {
    /// Host and port.
    pub(crate) authority: String,
    /// How long a connection may take until it can be written to.
    pub connect_deadline: Duration,
    /// How long the answer to a read or a command may take, from the first byte written.
    pub call_deadline: Duration,
    /// How long the answer to an order may take, from the first byte written. After it the order's
    /// outcome is unknown.
    pub order_deadline: Duration,
    /// The largest body that is read, in bytes.
    pub largest_body: usize,
}

impl TransportSettings {
    /// Settings for the neighbour at `base`, such as `http://127.0.0.1:8080`: 2 s to connect, 5 s for
    /// an answer, bodies of at most 16 MiB.
    ///
    /// # Errors
    /// `Config` when `base` is no such address, has a path, or is another machine: there is no TLS
    /// here yet, and orders and credentials do not travel in the clear.
    pub fn new(base: &str) -> Result<Self> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(ErrorKind::Config, "connect", message)
                .context("address", base)
                .hint(hint))
        };
        let Ok(uri) = base.parse::<Uri>() else {
            return refuse("not an address", "write it as http://127.0.0.1:8080");
        };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return refuse(
                "an address needs a scheme and a host",
                "write it as http://127.0.0.1:8080",
            );
        };
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return refuse(
                "an address has a scheme, a host and a port, and nothing else",
                "paths belong to the requests, credentials to the headers",
            );
        }
        if scheme != "http" {
            return refuse(
                "only plain HTTP is built in",
                "use http:// and a loopback address",
            );
        }
        if !matches!(authority.host(), "127.0.0.1" | "[::1]" | "localhost") {
            return refuse(
                "plain HTTP does not leave this machine",
                "use a loopback address such as 127.0.0.1",
            );
        }
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self {
            authority: format!("{}:{port}", authority.host()),
            connect_deadline: Duration::from_secs(2),
            call_deadline: Duration::from_secs(5),
            order_deadline: Duration::from_secs(5),
            largest_body: 16 << 20,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_address_of_this_machine_is_taken() {
        for good in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:9/",
        ] {
            assert!(TransportSettings::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:80",
            "/orders",
            "https://127.0.0.1:80",
            "ftp://127.0.0.1",
            "http://example.com",
            "http://127.0.0.1.example.com:80",
            "http://127.0.0.1:80/v2",
            "http://127.0.0.1:80/?key=1",
            "http://key:secret@127.0.0.1:80",
        ] {
            let error = TransportSettings::new(bad).expect_err(bad);
            assert_eq!(error.kind, ErrorKind::Config, "{error}");
            assert!(error.advice().is_some(), "{error}");
        }
    }
}
