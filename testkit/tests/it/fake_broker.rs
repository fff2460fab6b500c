//! The fake venue keeps the broker contract while nothing is scripted.

use std::sync::Arc;

use ballast_testkit::fakes::FakeBroker;

fn subject() -> ballast_testkit::conformance::broker::Subject {
    let venue = Arc::new(FakeBroker::new());
    venue.subject(venue.clone())
}

ballast_testkit::broker_conformance!(subject());
