//! Ports held in memory: for tests, embedders and runs that keep nothing.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod cache;
mod failure_store;
mod journal;
mod market_data;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use cache::MemoryCache;
pub use failure_store::MemoryFailureStore;
pub use journal::MemoryJournal;
pub use market_data::MemoryMarketData;

/// Every critical section here leaves its data whole, so a panic elsewhere poisons nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
