//! Where secrets come from, by the config: kept > retry > timeout > source.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ballast_domain::time::Span;
use ballast_ports::{Clock, Result, Secrets};
#[cfg(feature = "postgres")]
use ballast_ports::{Error, ErrorKind, SecretName};
#[cfg(feature = "postgres")]
use ballast_resilience::MetricsRegistry;
use ballast_resilience::{Reporter, ResiliencePolicy, Retry, Timeout};
use ballast_secrets::{AgePolicy, EnvironmentSecrets, FolderSecrets, KeptSecrets, Redactor};

use crate::config::{Profile, Resolved, SECRET_PREFIX};

/// What secrets are opened with.
#[derive(Debug)]
pub struct SecretSurroundings<'a> {
    /// The root of everything Ballast keeps.
    pub home: &'a Path,
    /// What hides fetched secrets from outputs.
    pub redactor: &'a Redactor,
    /// The time of day: secrets age by it.
    pub clock: Arc<dyn Clock>,
    /// Counters, and the hook of logs and alerts.
    pub reporter: &'a Reporter,
}

/// The folder of secrets; `None` when they come from the environment.
pub fn secrets_folder(settings: &Resolved, home: &Path) -> Option<PathBuf> {
    let secrets = &settings.config.secrets;
    if secrets.environment == Some(true) {
        return None;
    }
    Some(match &secrets.folder {
        Some(folder) => settings.base.join(folder),
        None => home.join("secrets"),
    })
}

/// How long secrets are kept and how old they may be.
pub fn secret_ages(settings: &Resolved) -> AgePolicy {
    let secrets = &settings.config.secrets;
    let (default, days) = (AgePolicy::default(), |days: u32| {
        Span::from_seconds(i64::from(days) * 86_400)
    });
    AgePolicy {
        keep_for: secrets
            .keep_minutes
            .map_or(default.keep_for, |m| Span::from_seconds(i64::from(m) * 60)),
        warn_after: secrets.warn_after_days.map_or(default.warn_after, days),
        refuse_after: secrets.refuse_after_days.map(days),
    }
}

/// The secret that is a database's password.
#[cfg(feature = "postgres")]
const POSTGRES_PASSWORD: &str = "postgres_password";

/// The password of the database's user; none where no secret has its name, for servers that ask for
/// none. A folder that fails for a moment is asked again, as every secret is.
///
/// # Errors
/// `Config` where secrets come from the environment; as [`open_secrets`] and its secrets.
#[cfg(feature = "postgres")]
pub(super) async fn database_password(
    settings: &Resolved,
    home: &Path,
) -> Result<ballast_postgres::Password> {
    let Some(folder) = secrets_folder(settings, home) else {
        return Err(Error::new(
            ErrorKind::Config,
            "secret",
            "the password of the database is not taken from the environment",
        )
        .context("key", "secrets.environment")
        .hint("leave secrets.environment out and keep postgres_password in secrets.folder"));
    };
    database_password_in(Arc::new(FolderSecrets::new(folder))).await
}

/// The same from `source`.
#[cfg(feature = "postgres")]
pub(super) async fn database_password_in(
    source: Arc<dyn Secrets>,
) -> Result<ballast_postgres::Password> {
    let reporter = Reporter::new(&MetricsRegistry::default(), super::stacks::log);
    let name = SecretName::new(POSTGRES_PASSWORD)?;
    match guarded(source, &reporter)?.secret(&name).await {
        Ok(secret) => Ok(Some(Arc::new(secret))),
        Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// `retry > timeout > source`.
fn guarded(source: Arc<dyn Secrets>, reporter: &Reporter) -> Result<Arc<dyn Secrets>> {
    let policy = ResiliencePolicy::default();
    let name = source.name().to_owned();
    let timed = Arc::new(Timeout::new(source, policy.timeout)?);
    Ok(Arc::new(Retry::new(timed, &name, policy.retry, reporter)?))
}

/// The secrets of `settings`. Nothing is read before the first one is asked for; `variable` is how the
/// environment is looked at, where the config allows it.
///
/// # Errors
/// `Unauthenticated` for the environment in production, `Config` when a guard cannot work.
pub fn open_secrets(
    settings: &Resolved,
    around: &SecretSurroundings<'_>,
    variable: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
) -> Result<KeptSecrets<dyn Secrets>> {
    let source: Arc<dyn Secrets> = match secrets_folder(settings, around.home) {
        Some(folder) => Arc::new(FolderSecrets::new(folder)),
        None => {
            let production = settings.profile == Profile::Production;
            let environment = EnvironmentSecrets::new(SECRET_PREFIX, production, variable)?;
            Arc::new(environment)
        }
    };
    let retried = guarded(source, around.reporter)?;
    let ages = secret_ages(settings);
    let clock = Arc::clone(&around.clock);
    Ok(KeptSecrets::new(
        retried,
        ages,
        clock,
        around.redactor,
        |old| {
            let days = old.age.nanos() / 86_400_000_000_000;
            tracing::warn!(target: "ballast::secrets", secret = %old.name, "secret is {days} days old");
        },
    ))
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use ballast_ports::Secret;

    use super::*;

    /// Fails so many times, then has the password or none.
    #[derive(Debug)]
    struct Shaky {
        fails: u32,
        asked: AtomicU32,
        kind: ErrorKind,
    }

    #[async_trait]
    impl Secrets for Shaky {
        fn name(&self) -> &str {
            "shaky"
        }

        async fn secret(&self, _: &SecretName) -> Result<Secret> {
            if self.asked.fetch_add(1, Ordering::SeqCst) < self.fails {
                return Err(Error::new(self.kind, "secret", "planted"));
            }
            Secret::new("long enough for one".to_owned(), None)
        }
    }

    /// SEC-12: the password of the database is asked for again through a failure that passes, three times
    /// at most; one that does not pass is told at once, and no password is none.
    #[tokio::test(start_paused = true)]
    async fn sec_12_a_password_is_asked_for_again_with_a_limit() {
        use ErrorKind::{NotFound, Unauthenticated, Unavailable};
        for (fails, kind, asked, found) in [
            (0, Unavailable, 1, Ok(true)),
            (2, Unavailable, 3, Ok(true)),
            (3, Unavailable, 3, Err(Unavailable)),
            (1, Unauthenticated, 1, Err(Unauthenticated)),
            (9, NotFound, 1, Ok(false)),
        ] {
            let source = Arc::new(Shaky {
                fails,
                asked: AtomicU32::new(0),
                kind,
            });
            let password = database_password_in(Arc::clone(&source) as _).await;
            let password = password.map(|p| p.is_some()).map_err(|e| e.kind);
            assert_eq!(password, found, "{fails} times {kind:?}");
            assert_eq!(source.asked.load(Ordering::SeqCst), asked);
        }
    }
}
