//! A closed source is let go of, and asks nobody.

use std::sync::Arc;

use ballast_ports::{ErrorKind, MarketData, MarketDataExt};
use ballast_resilience::Closable;
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::FakeMarketData;

use crate::named::request;

fn subject() -> Subject {
    let inner = Arc::new(FakeMarketData::new(market()));
    Subject {
        source: Arc::new(Closable::new(inner)),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

#[tokio::test]
async fn a_closed_source_is_dropped_once_its_calls_have_ended() {
    let inner = Arc::new(FakeMarketData::new(market()));
    let dropped = Arc::downgrade(&inner);
    let source = Closable::new(inner);
    let running = source.history(&request());
    source.close();
    source.close();
    assert!(source.is_closed());
    for error in [
        source.load(&request()).await.unwrap_err(),
        source.instruments().await.unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Rejected);
        assert!(!error.is_transient() && error.to_string().contains("was closed"));
    }
    drop(running);
    assert!(dropped.upgrade().is_none(), "somebody still holds it");
    assert_eq!(source.name(), "fake");
}
