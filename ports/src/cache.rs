//! Bytes kept for later: they may be stale, they are never wrong.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::time::{Span, Timestamp};

use crate::error::Result;

/// From when to when an entry counts as fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Trading time at which the value was fetched.
    pub stored_at: Timestamp,
    /// The last instant at which it is fresh.
    pub expires_at: Timestamp,
}

impl Lifetime {
    /// Fresh from `now` for `ttl`, both ends included.
    pub fn starting(now: Timestamp, ttl: Span) -> Self {
        Self {
            stored_at: now,
            expires_at: now + ttl,
        }
    }
}

/// Whether an entry is still within its lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// At or before its expiry.
    Fresh,
    /// After its expiry. Whether that is good enough is the caller's decision.
    Stale {
        /// Time since it was stored.
        age: Span,
    },
}

/// A stored value. An empty value is a value: only the absence of an entry is a miss.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The bytes as they were put.
    pub value: Vec<u8>,
    /// When they are fresh.
    pub lifetime: Lifetime,
    /// BLAKE3 of `value`, taken when it was put and verified by the adapter on each read.
    pub checksum: [u8; 32],
}

impl Entry {
    /// Whether the entry is fresh at `now`.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        if now <= self.lifetime.expires_at {
            Freshness::Fresh
        } else {
            Freshness::Stale {
                age: now.since(self.lifetime.stored_at),
            }
        }
    }
}

impl fmt::Debug for Entry {
    // Values can be large and can hold account data: the length is enough to debug with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("bytes", &self.value.len())
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// A bounded store of bytes by key.
///
/// An entry outlives its expiry, so that a stale value is there when every source is down. It goes
/// when it is removed or when the adapter needs the room.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Cache: fmt::Debug + Send + Sync + 'static {
    /// The entry under `key`, fresh or stale; `None` is a miss.
    ///
    /// # Errors
    /// `InvalidData` when the stored bytes do not match their checksum: treat it as a miss and say
    /// so. `Unavailable` when the store cannot be reached.
    ///
    /// # Idempotency
    /// Reading changes nothing but the order of eviction.
    ///
    /// # Cancellation
    /// Safe at any point.
    async fn get(&self, key: &str) -> Result<Option<Entry>>;

    /// Stores `value` under `key` in place of what was there.
    ///
    /// # Behaviour
    /// A later [`Cache::get`] sees the old entry or the new one, never a mixture.
    ///
    /// # Errors
    /// `Rejected` for an empty key or a value above the adapter's limit; `Unavailable` when the
    /// store cannot be reached. A caller that has the value goes on without the cache.
    ///
    /// # Idempotency
    /// Putting the same again gives the same entry.
    ///
    /// # Cancellation
    /// A dropped call has stored the entry or has not.
    ///
    /// # For adapter authors
    /// Take the checksum before anything can change the bytes. Bound the store and name the bound.
    async fn put(&self, key: &str, value: Vec<u8>, lifetime: Lifetime) -> Result<()>;

    /// Removes the entry under `key`; `false` when there was none.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    ///
    /// # Idempotency
    /// Removing twice is the same as once.
    ///
    /// # Cancellation
    /// A dropped call has removed the entry or has not.
    async fn remove(&self, key: &str) -> Result<bool>;
}

#[async_trait]
impl<T: Cache + ?Sized> Cache for Arc<T> {
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        (**self).get(key).await
    }

    async fn put(&self, key: &str, value: Vec<u8>, lifetime: Lifetime) -> Result<()> {
        (**self).put(key, value, lifetime).await
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        (**self).remove(key).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_fresh_up_to_and_at_its_expiry() {
        let entry = Entry {
            value: Vec::new(),
            lifetime: Lifetime::starting(Timestamp::EPOCH, Span::from_seconds(3_600)),
            checksum: [0; 32],
        };
        let at = |seconds| entry.freshness(Timestamp::from_seconds(seconds).unwrap());
        assert_eq!(at(3_600), Freshness::Fresh);
        let age = Span::from_seconds(3_601);
        assert_eq!(at(3_601), Freshness::Stale { age });
    }
}
