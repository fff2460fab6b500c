//! All checks together: each alone with its trouble, one report.

use std::sync::Arc;
use std::time::Duration;

use ballast_domain::error::Error;
use ballast_domain::time::Timestamp;
use ballast_ports::{Clock, Finding, Health, Severity, Standing};
use serde::Serialize;
use tokio::time::{Instant, timeout};

/// How long a check may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks that are run together.
#[derive(Debug)]
pub struct HealthRegistry {
    checks: Vec<Arc<dyn Health>>,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckResult {
    /// What was looked at.
    pub name: String,
    /// What a failure means: `warning` or `critical`.
    pub severity: &'static str,
    /// `healthy`, `unhealthy` or `not_judged`.
    pub standing: &'static str,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// When the check ended.
    pub at: Timestamp,
    /// How long it took.
    pub latency_ms: f64,
}

impl CheckResult {
    /// Whether it failed.
    pub fn failed(&self) -> bool {
        self.standing == Standing::Unhealthy.name()
    }

    /// Whether it failed and that forbids to add risk.
    pub fn is_critical(&self) -> bool {
        self.failed() && self.severity == Severity::Critical.name()
    }
}

/// What all checks found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HealthReport {
    /// Whether no check failed.
    pub healthy: bool,
    /// Checks that were run.
    pub total: usize,
    /// Of them, healthy.
    pub passed: usize,
    /// Of them, unhealthy.
    pub failed: usize,
    /// Of those, critical.
    pub critical_failures: usize,
    /// Checks that had nothing to judge.
    pub not_judged: usize,
    /// Each, in the order they were registered.
    pub checks: Vec<CheckResult>,
}

impl HealthReport {
    /// The critical failures as errors; empty when risk may be added.
    pub fn refusals(&self) -> Vec<Error> {
        let critical = self.checks.iter().filter(|check| check.is_critical());
        critical
            .map(|check| {
                let error = Error::execution(format!("{}: {}", check.name, check.message));
                match &check.remedy {
                    Some(remedy) => error.context("check", &check.name).hint(remedy),
                    None => error.context("check", &check.name),
                }
            })
            .collect()
    }
}

impl HealthRegistry {
    /// No checks yet; results are dated by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            checks: Vec::new(),
            clock,
            patience: PATIENCE,
        }
    }

    /// One more check.
    pub fn register(&mut self, check: impl Health) {
        self.checks.push(Arc::new(check));
    }

    /// With another limit on how long a check may take.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Runs all checks at once. One that fails to look, hangs or panics is unhealthy, and the others
    /// still run.
    pub async fn run(&self) -> HealthReport {
        let tasks: Vec<_> = self
            .checks
            .iter()
            .map(|check| {
                let (check, clock) = (Arc::clone(check), Arc::clone(&self.clock));
                let patience = self.patience;
                tokio::spawn(async move {
                    let began = Instant::now();
                    let looked = timeout(patience, check.check()).await;
                    let latency_ms = began.elapsed().as_secs_f64() * 1e3;
                    let finding = match looked {
                        Ok(Ok(finding)) => finding,
                        Ok(Err(error)) => {
                            let plain = error.to_domain();
                            let remedy = plain.hint.clone().unwrap_or_else(|| {
                                "see what the error says and run doctor again".to_owned()
                            });
                            Finding::unhealthy(said(&plain), remedy)
                        }
                        Err(_) => Finding::unhealthy(
                            format!("no answer within {} s", patience.as_secs()),
                            "it hangs: look at what it asks, then run doctor again",
                        ),
                    };
                    (finding, clock.now(), latency_ms)
                })
            })
            .collect();
        let mut checks = Vec::with_capacity(tasks.len());
        for (check, task) in self.checks.iter().zip(tasks) {
            let (finding, at, latency_ms) = task.await.unwrap_or_else(|_| {
                let finding = Finding::unhealthy(
                    "the check itself broke down",
                    "this is a bug: please report it with the line that begins with panic",
                );
                (finding, self.clock.now(), 0.0)
            });
            checks.push(CheckResult {
                name: check.name().to_owned(),
                severity: check.severity().name(),
                standing: finding.standing.name(),
                message: finding.message,
                remedy: finding.remedy,
                at,
                latency_ms,
            });
        }
        report(checks)
    }
}

/// Message and context on one line.
fn said(error: &Error) -> String {
    let context: Vec<_> = error
        .context
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    if context.is_empty() {
        error.message.clone()
    } else {
        format!("{} ({})", error.message, context.join(", "))
    }
}

fn report(checks: Vec<CheckResult>) -> HealthReport {
    let count = |standing: Standing| {
        let of = checks.iter().filter(|c| c.standing == standing.name());
        of.count()
    };
    HealthReport {
        healthy: count(Standing::Unhealthy) == 0,
        total: checks.len(),
        passed: count(Standing::Healthy),
        failed: count(Standing::Unhealthy),
        critical_failures: checks.iter().filter(|c| c.is_critical()).count(),
        not_judged: count(Standing::NotJudged),
        checks,
    }
}
