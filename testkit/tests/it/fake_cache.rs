//! The fake cache keeps the cache contract while nothing is scripted.

use std::sync::Arc;

use ballast_testkit::conformance::cache::Subject;
use ballast_testkit::fakes::FakeCache;

fn subject() -> Subject {
    Subject {
        cache: Arc::new(FakeCache::new(8)),
        max_entries: 8,
    }
}

ballast_testkit::cache_conformance!(subject());
