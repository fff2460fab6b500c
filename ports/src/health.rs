//! Health: one question each part of a running program can answer about itself.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;

/// What it means when a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A person should look at it; trading goes on.
    Warning,
    /// Nothing may add risk until it is healthy again.
    Critical,
}

impl Severity {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// The answer of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// As it should be.
    Healthy,
    /// Not as it should be.
    Unhealthy,
    /// There is nothing here to judge. Never the answer of a check that could not look.
    NotJudged,
}

impl Standing {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::NotJudged => "not_judged",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The answer.
    pub standing: Standing,
    /// What was seen, with figures; lowercase, no full stop.
    pub message: String,
    /// What to do about it: a command where there is one.
    pub remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn healthy(message: impl Into<String>) -> Self {
        Self {
            standing: Standing::Healthy,
            message: message.into(),
            remedy: None,
        }
    }

    /// Not as it should be, and what to do.
    pub fn unhealthy(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            standing: Standing::Unhealthy,
            message: message.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Nothing to judge, and why.
    pub fn not_judged(message: impl Into<String>) -> Self {
        Self {
            standing: Standing::NotJudged,
            message: message.into(),
            remedy: None,
        }
    }
}

/// One check.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Health: fmt::Debug + Send + Sync + 'static {
    /// What it looks at, in one or two words.
    fn name(&self) -> &str;

    /// What a failure means.
    fn severity(&self) -> Severity;

    /// Looks.
    ///
    /// # Behaviour
    /// Reads only, and within seconds: whoever asks gives up on a check that hangs and takes that for a
    /// failure, as it does a panic.
    ///
    /// # Errors
    /// Whatever kept it from looking. That is a failure of the check's severity: what cannot be seen is
    /// not healthy.
    ///
    /// # Idempotency
    /// A read.
    ///
    /// # Cancellation
    /// Dropping the future leaves nothing behind.
    async fn check(&self) -> Result<Finding>;
}

#[async_trait]
impl<T: Health + ?Sized> Health for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn severity(&self) -> Severity {
        (**self).severity()
    }

    async fn check(&self) -> Result<Finding> {
        (**self).check().await
    }
}
