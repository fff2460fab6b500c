//! A cache that fails as a test says.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballast_ports::{Cache, Entry, Error, ErrorKind, Lifetime, Result};

/// A cache in memory with a script of errors: one a call of `get`, `put` or `remove`, `None` for a
/// call that works, then none.
#[derive(Debug)]
pub struct FakeCache {
    max_entries: usize,
    /// The least recently used first.
    entries: Mutex<Vec<(String, Entry)>>,
    script: Mutex<VecDeque<Option<Error>>>,
    calls: Mutex<Vec<&'static str>>,
}

impl FakeCache {
    /// An empty cache of at most this many entries.
    pub fn new(max_entries: usize) -> Self {
        Self {
            max_entries,
            entries: Mutex::default(),
            script: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// Errors of the next calls.
    #[must_use]
    pub fn script(self, errors: impl IntoIterator<Item = Option<Error>>) -> Self {
        lock(&self.script).extend(errors);
        self
    }

    /// The name of every call so far.
    pub fn calls(&self) -> Vec<&'static str> {
        lock(&self.calls).clone()
    }

    /// Every key that is there, the least recently used first.
    pub fn keys(&self) -> Vec<String> {
        lock(&self.entries).iter().map(|(k, _)| k.clone()).collect()
    }

    fn begin(&self, operation: &'static str) -> Result<()> {
        lock(&self.calls).push(operation);
        match lock(&self.script).pop_front().flatten() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Cache for FakeCache {
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.begin("get")?;
        let mut entries = lock(&self.entries);
        let Some(at) = entries.iter().position(|(k, _)| k == key) else {
            return Ok(None);
        };
        let used = entries.remove(at);
        let entry = used.1.clone();
        entries.push(used);
        Ok(Some(entry))
    }

    async fn put(&self, key: &str, value: Vec<u8>, lifetime: Lifetime) -> Result<()> {
        self.begin("put")?;
        if key.is_empty() {
            return Err(Error::new(ErrorKind::Rejected, "put", "the key is empty")
                .hint("build the key from the call and all its arguments"));
        }
        let entry = Entry {
            checksum: *blake3::hash(&value).as_bytes(),
            value,
            lifetime,
        };
        let mut entries = lock(&self.entries);
        entries.retain(|(k, _)| k != key);
        entries.push((key.to_owned(), entry));
        if entries.len() > self.max_entries {
            entries.remove(0);
        }
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.begin("remove")?;
        let mut entries = lock(&self.entries);
        let before = entries.len();
        entries.retain(|(k, _)| k != key);
        Ok(entries.len() < before)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
