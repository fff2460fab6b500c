//! Breakers kept in memory for several instances in one process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ballast_ports::{BreakerStore, Error, ErrorKind, KeptBreaker, Result, SharedBreakerState};

/// A store whose clones are the same store, as instances see a server. Its time stands still until
/// [`FakeBreakerStore::advance`].
#[derive(Clone, Debug, Default)]
pub struct FakeBreakerStore {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    states: BTreeMap<String, (u64, SharedBreakerState)>,
    passed: Duration,
    is_gone: bool,
    hangs: bool,
}

impl FakeBreakerStore {
    /// Makes every call fail from now on, or no more.
    pub fn set_gone(&self, is_gone: bool) {
        self.lock().is_gone = is_gone;
    }

    /// Leaves every call without an answer from now on, or no more.
    pub fn set_hanging(&self, hangs: bool) {
        self.lock().hangs = hangs;
    }

    /// Turns the store's time.
    pub fn advance(&self, by: Duration) {
        self.lock().passed += by;
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reach(&self, operation: &'static str) -> Result<()> {
        // Others run between a read and what follows from it.
        tokio::task::yield_now().await;
        let (is_gone, hangs) = {
            let kept = self.lock();
            (kept.is_gone, kept.hangs)
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        if is_gone {
            return Err(Error::new(
                ErrorKind::Unavailable,
                operation,
                "the store of breakers is gone",
            ));
        }
        Ok(())
    }
}

#[async_trait]
impl BreakerStore for FakeBreakerStore {
    async fn read(&self, name: &str) -> Result<KeptBreaker> {
        self.reach("read").await?;
        let kept = self.lock();
        let (revision, state) = kept.states.get(name).cloned().unwrap_or_default();
        Ok(KeptBreaker {
            revision,
            state,
            now: Duration::from_secs(1_000) + kept.passed,
        })
    }

    async fn replace(&self, name: &str, revision: u64, state: &SharedBreakerState) -> Result<bool> {
        self.reach("replace").await?;
        let mut kept = self.lock();
        let there = kept.states.get(name).map_or(0, |(revision, _)| *revision);
        if there != revision {
            return Ok(false);
        }
        let next = (revision + 1, state.clone());
        kept.states.insert(name.to_owned(), next);
        Ok(true)
    }
}
