//! `doctor`: is everything there that a run of this config needs?

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::error::Error;
use ballast_domain::time::Span;
use ballast_files::catalog::Catalog;
use ballast_memory::MemoryFailureStore;
use ballast_ports::{Clock, Finding, Health, MarketData, Result, Severity};
use ballast_resilience::MetricsRegistry;
use ballast_secrets::{AgePolicy, FolderSecrets};
use serde::Serialize;

use super::settings::{self, SettingsRequest};
use crate::account_folder::AccountFolder;
use crate::config::{Profile, Resolved};
use crate::engine::Engine;
use crate::exit::{Exit, Failure};
use crate::health::{HealthRegistry, HealthReport};
use crate::wiring::{self, stacks::Surroundings};

/// Failures that are kept while it looks; nobody reads more.
const KEPT_FAILURES: NonZeroUsize = NonZeroUsize::new(100).expect("a hundred is not zero");

/// A trader that says less is taken for hung: it means to speak once a second.
const TRADER_SILENCE: Span = Span::from_seconds(30);

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorRequest {
    /// The settings of the run.
    pub settings: SettingsRequest,
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The config, as it was named.
    pub config: String,
    /// The profile, when the config can be used.
    pub profile: Option<Profile>,
    /// What every check found.
    #[serde(flatten)]
    pub report: HealthReport,
}

/// How the program ends: 0 without a critical failure, else what the first of them leads to.
pub fn exit_of(diagnosis: &Diagnosis) -> Exit {
    let mut critical = diagnosis.report.checks.iter().filter(|c| c.is_critical());
    match critical.next().map(|check| check.name.as_str()) {
        None => Exit::Ok,
        Some("config" | "strategy") => Exit::Usage,
        Some("data" | "freshness") => Exit::DataRefused,
        Some("connection") => Exit::Unavailable,
        Some("home" | "disk" | "journal" | "secrets") => Exit::StateRefused,
        Some(_) => Exit::Refused,
    }
}

/// Runs every check that the settings and the home call for.
///
/// # Errors
/// `Invariant` when no runtime can be made. What is wrong is in the report.
pub fn doctor(
    request: &DoctorRequest,
    engine: &dyn Engine,
    clock: Arc<dyn Clock>,
) -> std::result::Result<Diagnosis, Failure> {
    let mut registry = HealthRegistry::new(Arc::clone(&clock));
    let resolved = settings::merged(&request.settings);
    let file = request.settings.file.as_ref();
    let named = file
        .map(|f| format!(" {}", f.display()))
        .unwrap_or_default();
    let look = format!("see all of it: ballast config check{named}");
    registry.register(config_check(&resolved, &look));
    if let Ok(resolved) = &resolved {
        registry.register(strategy_check(resolved, engine));
        data_checks(&mut registry, resolved, &clock);
    }
    home_checks(&mut registry, &request.home, resolved.as_ref().ok(), &clock);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|e| Error::invariant(format!("no runtime for the checks: {e}")))?;
    Ok(Diagnosis {
        config: file.map_or_else(
            || "the shipped example".to_owned(),
            |f| f.display().to_string(),
        ),
        profile: resolved.as_ref().ok().map(|resolved| resolved.profile),
        report: runtime.block_on(registry.run()),
    })
}

/// Something that was already looked at.
#[derive(Debug)]
struct Found {
    name: &'static str,
    severity: Severity,
    finding: Finding,
}

#[async_trait]
impl Health for Found {
    fn name(&self) -> &str {
        self.name
    }

    fn severity(&self) -> Severity {
        self.severity
    }

    async fn check(&self) -> Result<Finding> {
        Ok(self.finding.clone())
    }
}

fn critical(name: &'static str, finding: Finding) -> Found {
    Found {
        name,
        severity: Severity::Critical,
        finding,
    }
}

fn warning(name: &'static str, finding: Finding) -> Found {
    Found {
        name,
        severity: Severity::Warning,
        finding,
    }
}

fn config_check(resolved: &std::result::Result<Resolved, Failure>, look: &str) -> Found {
    match resolved {
        Ok(resolved) => match resolved.warnings.len() {
            0 => critical("config", Finding::healthy("in order")),
            n => warning(
                "config",
                Finding::unhealthy(format!("{n} settings are allowed and seldom wise"), look),
            ),
        },
        Err(failure) => {
            let first = failure.errors.first();
            let first = first.map_or("it cannot be read", |error| error.message.as_str());
            let message = match failure.errors.len() {
                0 | 1 => first.to_owned(),
                n => format!("{first}, and {} more errors", n - 1),
            };
            critical("config", Finding::unhealthy(message, look))
        }
    }
}

fn strategy_check(resolved: &Resolved, engine: &dyn Engine) -> Found {
    let choice = &resolved.config.strategy;
    let finding = match engine.check_strategy(choice) {
        Ok(()) => Finding::healthy(format!("{} takes its parameters", choice.name)),
        Err(error) => {
            let hint = error.hint.clone();
            Finding::unhealthy(
                error.message,
                hint.unwrap_or_else(|| "correct it".to_owned()),
            )
        }
    };
    critical("strategy", finding)
}

fn data_checks(registry: &mut HealthRegistry, resolved: &Resolved, clock: &Arc<dyn Clock>) {
    let config = &resolved.config;
    let kept = Arc::new(MemoryFailureStore::new(KEPT_FAILURES));
    let metrics = MetricsRegistry::default();
    let around = Surroundings::new(Arc::clone(clock), kept, &metrics, |_| {});
    // Without the cache: it would answer for the source, and a running program may have it open.
    let stack = match wiring::guarded_market_data(resolved, None, &around) {
        Ok(stack) => stack,
        Err(error) => {
            let plain = error.to_domain();
            let remedy = plain
                .hint
                .unwrap_or_else(|| "correct data.source".to_owned());
            registry.register(critical("data", Finding::unhealthy(plain.message, remedy)));
            return;
        }
    };
    let source: Arc<dyn MarketData> = stack.source;
    wiring::health::register_data(registry, config, &source, clock);
}

fn home_checks(
    registry: &mut HealthRegistry,
    home: &Path,
    resolved: Option<&Resolved>,
    clock: &Arc<dyn Clock>,
) {
    let health = resolved
        .map(|r| r.config.health.clone())
        .unwrap_or_default();
    registry.register(critical("home", writable(home)));
    wiring::health::register_machine(registry, &health, home);
    registry.register(critical("journal", journals(home)));
    registry.register(warning("kill switch", killed(home)));
    registry.register(critical("traders", traders(home, clock.as_ref())));
    registry.register(warning("catalog", catalog(home)));
    if let Some(resolved) = resolved {
        registry.register(secrets(resolved, home, clock));
    }
}

/// Whether files can be made where they will be; nothing is left behind.
fn writable(home: &Path) -> Finding {
    let Some(folder) = home.ancestors().map(or_here).find(|path| path.is_dir()) else {
        return Finding::unhealthy("no folder above it is there", "name another with --home");
    };
    let probe = folder.join(format!(".ballast-doctor-{}", std::process::id()));
    let made = fs::File::options()
        .write(true)
        .create_new(true)
        .open(&probe);
    // Removed whether it was made or not.
    let _ = fs::remove_file(&probe);
    match made {
        Ok(_) if folder == home => Finding::healthy(format!("{} can be written", home.display())),
        Ok(_) => Finding::healthy(format!("{} can be made", home.display())),
        Err(e) => Finding::unhealthy(
            format!("{} cannot be written: {e}", folder.display()),
            "allow this user to write there, or name another folder with --home",
        ),
    }
}

/// The last ancestor of a relative path is empty and means the folder one stands in.
fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

fn accounts(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("accounts"));
    let mut folders: Vec<PathBuf> = entries
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

fn name_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn journals(home: &Path) -> Finding {
    let mut records = 0;
    let mut proven = 0;
    for folder in accounts(home) {
        if !wiring::journal::has_journal(&folder) {
            continue;
        }
        match wiring::journal::audit(&folder) {
            Ok(audit) => {
                records += audit.records;
                proven += 1;
            }
            Err(error) => {
                let plain = error.to_domain();
                let remedy = plain.hint.unwrap_or_else(|| {
                    format!("see it: ballast journal verify {}", name_of(&folder))
                });
                let message = format!("{}: {}", name_of(&folder), plain.message);
                return Finding::unhealthy(message, remedy);
            }
        }
    }
    match proven {
        0 => Finding::not_judged("no account has one"),
        1 => Finding::healthy(format!("1 account, {records} records proven")),
        n => Finding::healthy(format!("{n} accounts, {records} records proven")),
    }
}

fn killed(home: &Path) -> Finding {
    let mut folders = accounts(home);
    let total = folders.len();
    folders.retain(|folder| folder.join("KILL").exists());
    if total == 0 {
        return Finding::not_judged("no account has one");
    }
    if folders.is_empty() {
        return Finding::healthy("not thrown");
    }
    let names: Vec<_> = folders.iter().map(|folder| name_of(folder)).collect();
    Finding::unhealthy(
        format!("thrown for {}: nothing leaves", names.join(", ")),
        "find out why, then: ballast resume --reason TEXT",
    )
}

/// Whether every trader that has an account still turns: it says so once a second.
fn traders(home: &Path, clock: &dyn Clock) -> Finding {
    let folders = accounts(home).into_iter().map(AccountFolder::at);
    let running: Vec<_> = folders.filter(AccountFolder::is_locked).collect();
    for folder in &running {
        // One that has just begun has said nothing yet.
        let Some(said) = folder.trader() else {
            continue;
        };
        let silent = clock.now().since(said.updated);
        if silent > TRADER_SILENCE {
            return Finding::unhealthy(
                format!(
                    "{} has said nothing for {:.0} s and still has its account",
                    folder.name(),
                    silent.seconds()
                ),
                format!(
                    "it hangs: ballast kill {} --reason WHY, keep its log, end process {}",
                    folder.argument(),
                    said.pid
                ),
            );
        }
    }
    match running.len() {
        0 => Finding::not_judged("none is running"),
        n => Finding::healthy(format!("{n} running, each heard within its time")),
    }
}

fn catalog(home: &Path) -> Finding {
    let folder = home.join("catalog");
    if !folder.exists() {
        return Finding::not_judged("there is none");
    }
    let catalog = Catalog::new(&folder);
    let manifest = match catalog.manifest() {
        Ok(manifest) => manifest,
        Err(error) => {
            let message = error.to_domain().message;
            return Finding::unhealthy(message, "see the damage: ballast data verify");
        }
    };
    let files: Vec<_> = manifest.files().collect();
    let gone = files
        .iter()
        .filter(|f| !folder.join(&f.path).is_file())
        .count();
    if gone > 0 {
        return Finding::unhealthy(
            format!("{gone} of {} files are missing", files.len()),
            "bring them back: ballast data repair FILE",
        );
    }
    let bars = manifest.bars();
    Finding::healthy(format!("{} files with {bars} bars are there", files.len()))
}

fn secrets(resolved: &Resolved, home: &Path, clock: &Arc<dyn Clock>) -> Found {
    let Some(folder) = wiring::secrets_folder(resolved, home) else {
        return warning(
            "secrets",
            Finding::not_judged("taken from the environment when they are needed"),
        );
    };
    if !folder.exists() && resolved.config.secrets.folder.is_none() {
        return warning("secrets", Finding::not_judged("none are stored"));
    }
    let stored = match FolderSecrets::new(&folder).stored() {
        Ok(stored) => stored,
        Err(error) => {
            let plain = error.to_domain();
            let remedy = plain.hint.unwrap_or_else(|| "correct it".to_owned());
            return critical("secrets", Finding::unhealthy(plain.message, remedy));
        }
    };
    let ages: AgePolicy = wiring::secret_ages(resolved);
    let mut old = Vec::new();
    for secret in &stored {
        let age = match &secret.state {
            Ok(written) => clock.now().since(*written),
            Err(error) => {
                let plain = error.to_domain();
                let remedy = plain.hint.unwrap_or_else(|| "correct it".to_owned());
                let message = format!("{}: {}", shown_name(&secret.name), plain.message);
                return critical("secrets", Finding::unhealthy(message, remedy));
            }
        };
        if ages.refuse_after.is_some_and(|limit| age > limit) {
            let message = format!("{} is older than it may be", secret.name);
            let remedy = "have a new one issued and write it over the old one";
            return critical("secrets", Finding::unhealthy(message, remedy));
        }
        if age > ages.warn_after {
            old.push(secret.name.as_str());
        }
    }
    if old.is_empty() {
        let message = format!("{} stored, readable by this user alone", stored.len());
        return critical("secrets", Finding::healthy(message));
    }
    warning(
        "secrets",
        Finding::unhealthy(
            format!("old: {}", old.join(", ")),
            "have new ones issued and write them over the old ones",
        ),
    )
}

/// Somebody may have given a secret for the name of its file.
fn shown_name(name: &str) -> &str {
    match ballast_ports::SecretName::new(name) {
        Ok(_) => name,
        Err(_) => "a file in the folder of secrets",
    }
}
