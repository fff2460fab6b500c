//! A bounded cache that forgets the least recently used entry.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use async_trait::async_trait;
use ballast_domain::Error as DomainError;
use ballast_ports::{Cache, Entry, Error, ErrorKind, Lifetime, Result};

use crate::lock;

/// Bytes by key, at most as many entries as it was made for.
///
/// Expiry removes nothing: a stale entry stays until it is removed or room is needed.
#[derive(Debug)]
pub struct MemoryCache {
    max_entries: NonZeroUsize,
    store: Mutex<Store>,
}

#[derive(Debug, Default)]
struct Store {
    entries: BTreeMap<String, (u64, Entry)>,
    /// Keys by last use. Each key is here exactly once.
    uses: BTreeMap<u64, String>,
    clock: u64,
}

impl Store {
    /// Marks `key` as used now; `before` is its last use.
    fn touch(&mut self, key: &str, before: Option<u64>) -> u64 {
        if let Some(before) = before {
            self.uses.remove(&before);
        }
        self.clock += 1;
        self.uses.insert(self.clock, key.to_owned());
        self.clock
    }

    fn remove(&mut self, key: &str) -> bool {
        let removed = self.entries.remove(key);
        if let Some((used, _)) = &removed {
            self.uses.remove(used);
        }
        removed.is_some()
    }
}

impl MemoryCache {
    /// An empty cache of at most `max_entries`.
    pub fn new(max_entries: NonZeroUsize) -> Self {
        Self {
            max_entries,
            store: Mutex::default(),
        }
    }

    /// How many entries there are, fresh or stale.
    pub fn len(&self) -> usize {
        lock(&self.store).entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn checksum(value: &[u8]) -> [u8; 32] {
    *blake3::hash(value).as_bytes()
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let mut store = lock(&self.store);
        let Some((used, entry)) = store.entries.get(key) else {
            return Ok(None);
        };
        if checksum(&entry.value) != entry.checksum {
            let damaged = "the stored bytes do not match their checksum";
            return Err(
                Error::from_domain("get", DomainError::cache_corruption(damaged))
                    .context("key", key)
                    .hint("fetch the value again and put it; if it repeats, test the memory"),
            );
        }
        let (used, entry) = (*used, entry.clone());
        let now = store.touch(key, Some(used));
        if let Some((used, _)) = store.entries.get_mut(key) {
            *used = now;
        }
        Ok(Some(entry))
    }

    async fn put(&self, key: &str, value: Vec<u8>, lifetime: Lifetime) -> Result<()> {
        if key.is_empty() {
            return Err(Error::new(ErrorKind::Rejected, "put", "the key is empty")
                .hint("build the key from the call and all its arguments"));
        }
        let entry = Entry {
            checksum: checksum(&value),
            value,
            lifetime,
        };
        let mut store = lock(&self.store);
        let before = store.entries.get(key).map(|(used, _)| *used);
        let now = store.touch(key, before);
        store.entries.insert(key.to_owned(), (now, entry));
        while store.entries.len() > self.max_entries.get() {
            let Some((_, oldest)) = store.uses.pop_first() else {
                break;
            };
            store.entries.remove(&oldest);
        }
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        Ok(lock(&self.store).remove(key))
    }
}

#[cfg(test)]
mod tests {
    use ballast_domain::time::{Span, Timestamp};
    use ballast_ports::Freshness;

    use super::*;

    fn cache(max_entries: usize) -> MemoryCache {
        MemoryCache::new(NonZeroUsize::new(max_entries).unwrap())
    }

    fn hour() -> Lifetime {
        Lifetime::starting(Timestamp::EPOCH, Span::from_seconds(3_600))
    }

    #[tokio::test]
    async fn an_empty_value_is_a_hit_and_a_stale_one_stays() {
        let cache = cache(2);
        assert_eq!(cache.get("a").await.unwrap(), None);
        cache.put("a", Vec::new(), hour()).await.unwrap();
        let entry = cache.get("a").await.unwrap().unwrap();
        assert!(entry.value.is_empty());
        let age = Span::from_days(7);
        assert_eq!(
            entry.freshness(Timestamp::EPOCH + age),
            Freshness::Stale { age }
        );
        assert!(cache.remove("a").await.unwrap());
        assert!(!cache.remove("a").await.unwrap());
        assert!(cache.is_empty());
        assert_eq!(
            cache.put("", vec![1], hour()).await.unwrap_err().kind,
            ErrorKind::Rejected
        );
    }

    /// CAC-11: one entry above the bound evicts the least recently used.
    #[tokio::test]
    async fn cac_11_the_least_recently_used_goes_first() {
        let cache = cache(1_000);
        for n in 0..1_000 {
            let key = format!("k{n}");
            cache.put(&key, vec![1], hour()).await.unwrap();
        }
        cache.get("k0").await.unwrap();
        cache.put("k1", vec![2], hour()).await.unwrap();
        cache.put("one more", vec![3], hour()).await.unwrap();
        assert_eq!(cache.len(), 1_000);
        assert_eq!(cache.get("k2").await.unwrap(), None);
        assert!(cache.get("k0").await.unwrap().is_some());
        assert_eq!(cache.get("k1").await.unwrap().unwrap().value, [2]);
    }

    #[tokio::test]
    async fn a_flipped_bit_is_refused() {
        let cache = cache(1);
        cache.put("a", vec![0b1000], hour()).await.unwrap();
        lock(&cache.store).entries.get_mut("a").unwrap().1.value[0] ^= 1;
        let e = cache.get("a").await.unwrap_err();
        assert_eq!(e.kind, ErrorKind::InvalidData);
        assert!(e.to_string().contains("key = a"), "{e}");
        let root = DomainError::from(e);
        assert_eq!(*root.kind, ballast_domain::ErrorKind::CacheCorruption);
    }
}
