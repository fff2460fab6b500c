//! The cache behind its port.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballast_ports::{Cache, Entry, Error, ErrorKind, Lifetime, Result};
use ballast_system::Fate;

use crate::manifest::{Manifest, RunIdentity};
use crate::store::{Fates, Invalidation, Store};

/// How much a cache keeps, and how far it trusts its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBounds {
    /// One entry more removes the least recently used.
    pub max_entries: NonZeroUsize,
    /// A larger value is refused.
    pub max_value_bytes: usize,
    /// Whether each read takes the checksum of its file. Without, damage that leaves lengths and key as
    /// they were is not noticed.
    pub verify: bool,
}

impl Default for CacheBounds {
    /// A thousand entries of up to 64 MiB, every read verified.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: a thousand is not zero"
    )]
    fn default() -> Self {
        Self {
            max_entries: NonZeroUsize::new(1_000).expect("a thousand is not zero"),
            max_value_bytes: 64 << 20,
            verify: true,
        }
    }
}

/// Entries in files, one a key, in a folder that one process holds.
///
/// A file is replaced whole or not at all and reaches the disk before its name does. Each read checks
/// it to the last byte, unless [`CacheBounds::verify`] is off; what does not fit is `InvalidData` and never a value. Expiry removes nothing: an
/// entry goes when it is removed, invalidated, or the least recently used of too many. Work on the disk
/// happens on tokio's blocking threads, one call at a time; a dropped call is finished all the same.
#[derive(Clone, Debug)]
pub struct FileCache {
    store: Arc<Mutex<Store>>,
}

impl FileCache {
    /// Opens the cache in `root`, and makes the folder when it is new.
    ///
    /// # Errors
    /// `Rejected` while another process has it, `Unavailable` when the disk fails.
    pub fn open(root: &Path, bounds: CacheBounds) -> Result<Self> {
        Self::open_with(root, bounds, Box::new(|_| Fate::Go))
    }

    pub(crate) fn open_with(root: &Path, bounds: CacheBounds, fates: Fates) -> Result<Self> {
        let store = Store::open(root, bounds, fates)?;
        Ok(Self {
            store: Arc::new(Mutex::new(store)),
        })
    }

    /// How many entries there are.
    pub async fn len(&self) -> Result<usize> {
        self.on_disk("len", |store| Ok(store.len())).await
    }

    /// How many reads took a checksum since it was opened.
    ///
    /// # Errors
    /// `Unexpected` when work on the disk ended early.
    pub async fn verified(&self) -> Result<u64> {
        self.on_disk("verified", |store| Ok(store.verified())).await
    }

    /// Removes the entries that `which` names, and those that cannot be read; how many went.
    ///
    /// # Errors
    /// `Unavailable` when the disk fails.
    pub async fn invalidate(&self, which: Invalidation) -> Result<usize> {
        self.on_disk("invalidate", move |store| store.invalidate(&which))
            .await
    }

    /// Lists every entry of this moment in a manifest and writes it into the folder of the cache.
    ///
    /// # Errors
    /// `Unavailable` when the disk fails.
    pub async fn write_manifest(&self, run: RunIdentity) -> Result<(Manifest, PathBuf)> {
        self.on_disk("manifest", move |store| {
            let mut manifest = Manifest::new(run);
            for file in store.files() {
                manifest.add(store.root(), &file)?;
            }
            store.write(Manifest::NAME, &manifest.encode()?)?;
            Ok((manifest, store.root().join(Manifest::NAME)))
        })
        .await
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(&mut lock(&store))).await;
        done.unwrap_or_else(|e| {
            Err(Error::new(
                ErrorKind::Unexpected,
                operation,
                "work on the disk ended early",
            )
            .caused_by(e))
        })
    }
}

/// What a panic left is the index of an older state, which each read corrects.
fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Cache for FileCache {
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let key = key.to_owned();
        self.on_disk("get", move |store| store.get(&key)).await
    }

    async fn put(&self, key: &str, value: Vec<u8>, lifetime: Lifetime) -> Result<()> {
        let key = key.to_owned();
        self.on_disk("put", move |store| store.put(key, value, lifetime))
            .await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        let key = key.to_owned();
        self.on_disk("remove", move |store| store.remove(&key))
            .await
    }
}
