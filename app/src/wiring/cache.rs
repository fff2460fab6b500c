//! The cache of a config: in files of its own or in a server that several programs share.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_cache::{CacheBounds, FileCache};
use ballast_ports::{Cache, Entry, Error, ErrorKind, Lifetime, Result};

use crate::config::{self, CacheStore, Resolved};

/// The cache of a config; `None` when it is not switched on. One in a server is asked for nothing yet.
///
/// # Errors
/// As [`FileCache::open`]; `Config` for a server in a program without PostgreSQL, and for an address
/// that cannot be used.
pub async fn open_cache(settings: &Resolved, home: &Path) -> Result<Option<Arc<dyn Cache>>> {
    let cache = &settings.config.cache;
    if cache.enabled != Some(true) {
        return Ok(None);
    }
    let max_entries = max_entries(cache)?;
    match cache.store.unwrap_or_default() {
        CacheStore::Files => {
            let folder = match &cache.folder {
                Some(folder) => settings.base.join(folder),
                None => home.join("cache"),
            };
            let bounds = CacheBounds {
                max_entries,
                verify: cache.verify != Some(false),
                ..CacheBounds::default()
            };
            Ok(Some(Arc::new(FileCache::open(&folder, bounds)?)))
        }
        #[cfg(feature = "postgres")]
        CacheStore::Postgres => {
            use ballast_postgres::{Database, PostgresCache, SharedCacheBounds};
            let address = cache.database.as_deref().unwrap_or_default();
            let password = super::secrets::database_password(settings, home).await?;
            let bounds = SharedCacheBounds {
                verify: cache.verify != Some(false),
                ..SharedCacheBounds::new(max_entries)
            };
            let database = Database::new(address, password)?;
            Ok(Some(Arc::new(PostgresCache::new(database, bounds))))
        }
        #[cfg(not(feature = "postgres"))]
        CacheStore::Postgres => Err(Error::new(
            ErrorKind::Config,
            "open",
            "this program was built without PostgreSQL",
        )
        .context("key", "cache.store")
        .hint("build it with the cargo feature postgres, or use cache.store = \"files\"")),
    }
}

fn max_entries(cache: &config::Cache) -> Result<NonZeroUsize> {
    let Some(entries) = cache.max_entries else {
        return Ok(CacheBounds::default().max_entries);
    };
    let entries = usize::try_from(entries).ok().and_then(NonZeroUsize::new);
    entries.ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            "open",
            "a cache keeps at least one entry",
        )
        .hint("set cache.max_entries to 1 or more, or cache.enabled to false")
    })
}

/// A cache in which the entries of other data have other keys. Sources are named by their kind, so two
/// configs that read different files ask their caches the same questions.
#[derive(Debug)]
pub(super) struct CacheOfData {
    inner: Arc<dyn Cache>,
    data: String,
}

impl CacheOfData {
    /// The entries of `data` in `inner`.
    pub(super) fn new(inner: Arc<dyn Cache>, data: &str) -> Self {
        Self {
            inner,
            data: data.to_owned(),
        }
    }

    /// An empty key stays one: it is refused.
    fn key(&self, key: &str) -> String {
        if key.is_empty() {
            return String::new();
        }
        format!("data/{}/{key}", self.data)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Cache for CacheOfData {
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.inner.get(&self.key(key)).await
    }

    async fn put(&self, key: &str, value: Vec<u8>, lifetime: Lifetime) -> Result<()> {
        self.inner.put(&self.key(key), value, lifetime).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        self.inner.remove(&self.key(key)).await
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use ballast_memory::MemoryCache;
    use ballast_testkit::conformance::cache::Subject;

    use super::*;

    fn subject() -> Subject {
        let cache = MemoryCache::new(NonZeroUsize::new(8).unwrap());
        Subject {
            cache: Arc::new(CacheOfData::new(Arc::new(cache), "a")),
            max_entries: 8,
        }
    }

    ballast_testkit::cache_conformance!(subject());
}
