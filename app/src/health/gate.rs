//! What a critical check forbids: nothing that adds risk leaves until a look finds it healthy.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ballast_domain::error::Error;
use ballast_domain::time::Span;
use ballast_ports::Clock;

use super::registry::{HealthRegistry, HealthReport};
use crate::exit::{Exit, Failure};

/// Holds the last report for whoever is about to add risk. Clones are one gate.
#[derive(Clone, Debug, Default)]
pub struct HealthGate {
    last: Arc<Mutex<Option<HealthReport>>>,
    looks: Arc<AtomicU64>,
}

impl HealthGate {
    /// Takes a report.
    pub fn update(&self, report: HealthReport) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        // After the report: who sees the number sees what it counts.
        self.looks.fetch_add(1, Ordering::Release);
    }

    /// Reports so far: cheap to ask at every turn of a loop.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Acquire)
    }

    /// The last report.
    pub fn last(&self) -> Option<HealthReport> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    /// Whether risk may be added: after a look, and when it found nothing critical.
    ///
    /// # Errors
    /// [`Exit::Refused`] with each critical check, or with the missing look.
    pub fn admit(&self) -> Result<(), Failure> {
        let errors = match self.last() {
            None => vec![
                Error::execution("nobody has looked at the program's health yet")
                    .hint("run the checks before anything that adds risk"),
            ],
            Some(report) => report.refusals(),
        };
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure {
            exit: Exit::Refused,
            errors,
        })
    }
}

/// Looks now and then every `every`, for ever: `gate` holds each report, and `told` hears of it.
pub async fn watch(
    registry: &HealthRegistry,
    every: Span,
    clock: &dyn Clock,
    gate: &HealthGate,
    mut told: impl FnMut(&HealthReport),
) {
    loop {
        let due = clock.now() + every;
        let report = registry.run().await;
        gate.update(report.clone());
        for check in report.checks.iter().filter(|check| check.failed()) {
            if check.is_critical() {
                tracing::error!(target: "ballast::health", check = check.name, "{}", check.message);
            } else {
                tracing::warn!(target: "ballast::health", check = check.name, "{}", check.message);
            }
        }
        told(&report);
        clock.sleep_until(due).await;
    }
}
