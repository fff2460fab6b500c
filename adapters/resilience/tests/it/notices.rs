//! What decorators told in a test, and a runtime whose time a test turns.

use std::future::Future;
use std::sync::{Arc, Mutex};

use ballast_resilience::{Level, MetricsRegistry, Notice, Reporter};

/// Keeps every notice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    pub(crate) metrics: MetricsRegistry,
    told: Arc<Mutex<Vec<Notice>>>,
}

impl Notices {
    pub(crate) fn reporter(&self) -> Reporter {
        let told = Arc::clone(&self.told);
        Reporter::new(&self.metrics, move |notice| {
            told.lock().unwrap().push(notice.clone());
        })
    }

    pub(crate) fn all(&self) -> Vec<Notice> {
        self.told.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.all().iter().map(ToString::to_string).collect()
    }

    /// Warnings and errors.
    pub(crate) fn levels(&self) -> (usize, usize) {
        let all = self.all();
        let count = |level| all.iter().filter(|n| n.level() == level).count();
        (count(Level::Warning), count(Level::Error))
    }

    pub(crate) fn total(&self, name: &str) -> f64 {
        self.metrics.snapshot().total(name, &[])
    }
}

/// Runs a test body under paused machine time.
pub(crate) fn paused<T>(body: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(body)
}
