//! Secrets that were fetched, kept for a while, with a word when they grow old.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Clock, Error, ErrorKind, Result, Secret, SecretName, Secrets};

use crate::Redactor;

/// How long a secret is kept, and how old it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgePolicy {
    /// A fetched secret is asked for again after this; at this age it is not.
    pub keep_for: Span,
    /// Older than this it is used and told of.
    pub warn_after: Span,
    /// Older than this it is refused; `None` uses it however old it is.
    pub refuse_after: Option<Span>,
}

impl Default for AgePolicy {
    /// Kept for 5 minutes, told of after 90 days, never refused.
    fn default() -> Self {
        Self {
            keep_for: Span::from_seconds(300),
            warn_after: Span::from_seconds(90 * 86_400),
            refuse_after: None,
        }
    }
}

/// A secret that should be renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldSecret {
    /// Its name.
    pub name: SecretName,
    /// How long ago it was issued.
    pub age: Span,
}

/// Keeps what its source answers, and hides it from every output that the redactor guards.
pub struct KeptSecrets<S: ?Sized> {
    inner: Arc<S>,
    policy: AgePolicy,
    clock: Arc<dyn Clock>,
    redactor: Redactor,
    old: Box<dyn Fn(&OldSecret) + Send + Sync>,
    kept: Mutex<BTreeMap<SecretName, (Timestamp, Secret)>>,
}

impl<S: Secrets + ?Sized> KeptSecrets<S> {
    /// Keeps the answers of `inner` by `policy`; `old` hears of each old secret whenever it is fetched.
    pub fn new(
        inner: Arc<S>,
        policy: AgePolicy,
        clock: Arc<dyn Clock>,
        redactor: &Redactor,
        old: impl Fn(&OldSecret) + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner,
            policy,
            clock,
            redactor: redactor.clone(),
            old: Box::new(old),
            kept: Mutex::default(),
        }
    }

    /// Fetches `name` now, whatever is kept: after a rotation, or when a venue refuses a key.
    ///
    /// # Errors
    /// As [`Secrets::secret`]; `Unauthenticated` for a secret older than it may be. What was kept is
    /// forgotten then.
    pub async fn refresh(&self, name: &SecretName) -> Result<Secret> {
        self.forget(name);
        let secret = self.inner.secret(name).await?;
        // Hidden before anybody can say anything about it.
        self.redactor.hide(&secret);
        let now = self.clock.now();
        self.judge_age(name, &secret, now)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(name.clone(), (now, secret.clone()));
        Ok(secret)
    }

    fn judge_age(&self, name: &SecretName, secret: &Secret, now: Timestamp) -> Result<()> {
        let Some(issued_at) = secret.issued_at() else {
            return Ok(());
        };
        let age = now.since(issued_at);
        let days = |span: Span| span.nanos() / (86_400 * 1_000_000_000);
        if let Some(limit) = self.policy.refuse_after.filter(|limit| age > *limit) {
            let message = format!("secret {name} is older than it may be");
            return Err(Error::new(ErrorKind::Unauthenticated, "secret", message)
                .context("age in days", days(age))
                .context("limit in days", days(limit))
                .hint("have a new one issued and store it in place of the old one"));
        }
        if age > self.policy.warn_after {
            (self.old)(&OldSecret {
                name: name.clone(),
                age,
            });
        }
        Ok(())
    }

    fn forget(&self, name: &SecretName) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(name);
    }
}

impl<S: fmt::Debug + ?Sized> fmt::Debug for KeptSecrets<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("KeptSecrets");
        shown.field("inner", &self.inner);
        shown.field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: Secrets + ?Sized> Secrets for KeptSecrets<S> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn secret(&self, name: &SecretName) -> Result<Secret> {
        let now = self.clock.now();
        let known = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(name).cloned()
        };
        match known {
            Some((at, secret)) if now.since(at) <= self.policy.keep_for => Ok(secret),
            _ => self.refresh(name).await,
        }
    }
}
