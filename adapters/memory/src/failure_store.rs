//! The last failures, in memory.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use ballast_ports::{Failure, FailureStore, Result};

use crate::lock;

/// Keeps the last failures, at most as many as it was made for; older ones go.
#[derive(Debug)]
pub struct MemoryFailureStore {
    max_failures: NonZeroUsize,
    failures: Mutex<VecDeque<Failure>>,
}

impl MemoryFailureStore {
    /// An empty store of at most `max_failures`.
    pub fn new(max_failures: NonZeroUsize) -> Self {
        Self {
            max_failures,
            failures: Mutex::default(),
        }
    }

    /// What is kept, oldest first.
    pub fn all(&self) -> Vec<Failure> {
        lock(&self.failures).iter().cloned().collect()
    }
}

impl FailureStore for MemoryFailureStore {
    fn record(&self, failure: &Failure) -> Result<()> {
        let mut failures = lock(&self.failures);
        if failures.len() == self.max_failures.get() {
            failures.pop_front();
        }
        failures.push_back(failure.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ballast_domain::time::Timestamp;
    use ballast_ports::{Error, ErrorKind, FailureOutcome};

    use super::*;

    #[test]
    fn the_oldest_goes_first() {
        let store = MemoryFailureStore::new(NonZeroUsize::new(2).unwrap());
        for n in 0..3 {
            let error = Error::new(ErrorKind::Unavailable, "history", format!("no {n}"));
            let at = Timestamp::from_nanos(n);
            let outcome = FailureOutcome::Returned;
            store
                .record(&Failure::of(at, "a", "history", outcome, &error))
                .unwrap();
        }
        let kept: Vec<_> = store.all().into_iter().map(|f| f.message).collect();
        assert_eq!(
            kept,
            [
                "unavailable at history: no 1",
                "unavailable at history: no 2"
            ]
        );
    }
}
