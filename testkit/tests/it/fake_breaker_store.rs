//! The store of breakers that instances in one process share.

use std::sync::Arc;

use ballast_testkit::conformance::breaker_store::Subject;
use ballast_testkit::fakes::FakeBreakerStore;

fn subject() -> Subject {
    let store = FakeBreakerStore::default();
    Subject {
        one: Arc::new(store.clone()),
        other: Arc::new(store),
    }
}

/// RES-20: the contract of a shared store, as two instances see it.
mod res_20_the_contract_of_the_port {
    use super::*;

    ballast_testkit::breaker_store_conformance!(subject());
}
