//! Where secrets come from, by the config: kept > retry > timeout > source.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ballast_domain::time::Span;
use ballast_ports::{Clock, Result, Secrets};
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
    let policy = ResiliencePolicy::default();
    let name = source.name().to_owned();
    let timed = Arc::new(Timeout::new(source, policy.timeout)?);
    let retried = Retry::new(timed, &name, policy.retry, around.reporter)?;
    let retried: Arc<dyn Secrets> = Arc::new(retried);
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
