//! Secrets: keys and passwords, fetched when they are needed and printed nowhere.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind, Result};

/// The name of a secret: lowercase letters, digits and underscores, at most 64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// Longest name.
    pub const MAX_LENGTH: usize = 64;

    /// The name `text`.
    ///
    /// # Errors
    /// `Config` for anything that could be a path, or mean something to a shell or a file system. The
    /// text is not repeated: somebody may have given the secret for its name.
    pub fn new(text: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !text.bytes().all(allowed) {
            let message = "this is no name of a secret";
            return Err(Error::new(ErrorKind::Config, "secret", message)
                .hint("use a to z, 0 to 9 and _, at most 64 of them, such as alpaca_key"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret. It prints as `***`, has no JSON form, and its memory is wiped when the last copy goes.
#[derive(Clone)]
pub struct Secret {
    value: SecretString,
    issued_at: Option<Timestamp>,
}

impl Secret {
    /// Shortest secret: a shorter one is guessed, and hiding it would mangle ordinary text.
    pub const MIN_LENGTH: usize = 8;

    /// The secret `value`, in force since `issued_at` where the source knows.
    ///
    /// # Errors
    /// `InvalidData` when it is shorter than [`Secret::MIN_LENGTH`] bytes or has control characters.
    pub fn new(value: String, issued_at: Option<Timestamp>) -> Result<Self> {
        // Wrapped first: what is refused is wiped as well.
        let value = SecretString::from(value);
        let text = value.expose_secret();
        let refused = |message: &str| {
            Err(Error::new(ErrorKind::InvalidData, "secret", message)
                .hint("store the secret alone, on one line"))
        };
        if text.len() < Self::MIN_LENGTH {
            return refused("a secret has at least 8 bytes");
        }
        if text.chars().any(char::is_control) {
            return refused("a secret has control characters");
        }
        Ok(Self { value, issued_at })
    }

    /// The value, to sign or to send with. Never into a message, a log or a file.
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// Since when it is in force, where the source knows.
    pub const fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where secrets come from.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Secrets: fmt::Debug + Send + Sync + 'static {
    /// What the source is called in errors and warnings.
    fn name(&self) -> &str;

    /// The secret called `name`.
    ///
    /// # Behaviour
    /// Nothing is read before the first call. A source answers with what is in force now; a decorator may
    /// answer with what it knows for a while.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Unauthenticated` when others than the owner can read it or the
    /// source may not be used here, `InvalidData` when it cannot be one, `Unavailable` when the source
    /// does not answer. No error holds any part of the secret.
    ///
    /// # Idempotency
    /// A read.
    ///
    /// # Cancellation
    /// Dropping the future leaves nothing behind.
    ///
    /// # For adapter authors
    /// Keep the value in [`Secret`] from the first byte on, and nothing of it in an error.
    async fn secret(&self, name: &SecretName) -> Result<Secret>;
}

#[async_trait]
impl<T: Secrets + ?Sized> Secrets for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    async fn secret(&self, name: &SecretName) -> Result<Secret> {
        (**self).secret(name).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-11: whatever prints a secret prints three stars, and its type cannot become JSON.
    #[test]
    fn sec_11_a_secret_prints_as_three_stars() {
        let secret = Secret::new("canary-5fd1c1".to_owned(), None).unwrap();
        for text in [
            format!("{secret}"),
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{secret:>20?}"),
            format!("{:?}", Some((1, secret.clone()))),
            format!("{:?}", Ok::<_, Error>(secret.clone())),
        ] {
            assert!(text.contains("***") && !text.contains("canary"), "{text}");
        }
        assert_eq!(secret.expose(), "canary-5fd1c1");
    }

    #[test]
    fn what_cannot_be_a_name_or_a_secret_is_refused_unseen() {
        for text in ["", "../etc/passwd", "Key", "a b", "a/b", &"x".repeat(65)] {
            let e = SecretName::new(text).unwrap_err();
            assert!(text.len() < 2 || !e.chain().contains(text), "{e}");
        }
        for text in ["canary", "canary\nline", "canary-\u{0}-x"] {
            let e = Secret::new(text.to_owned(), None).unwrap_err();
            assert!(!format!("{e:?} {}", e.chain()).contains("canary"), "{e}");
        }
    }
}
