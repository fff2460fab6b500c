//! The cache contract over the memory cache.

use std::num::NonZeroUsize;
use std::sync::Arc;

use ballast_memory::MemoryCache;
use ballast_testkit::conformance::cache::Subject;

fn subject() -> Subject {
    Subject {
        cache: Arc::new(MemoryCache::new(NonZeroUsize::new(8).unwrap())),
        max_entries: 8,
    }
}

ballast_testkit::cache_conformance!(subject());
