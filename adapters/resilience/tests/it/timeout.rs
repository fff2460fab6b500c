//! Calls end in time, and an order that does not is unknown.

use std::sync::Arc;
use std::time::Duration;

use ballast_domain::instrument::InstrumentId;
use ballast_ports::{Broker, ErrorKind, MarketDataExt, SubmitOutcome};
use ballast_resilience::{TimedOut, Timeout};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{BrokerFault, FakeMarketData, Fault};
use tokio::time::Instant;

use crate::broker::{permit, venue};
use crate::named::request;

const LIMIT: Duration = Timeout::<FakeMarketData>::DEFAULT;

fn subject() -> Subject {
    let inner = Arc::new(FakeMarketData::new(market()));
    Subject {
        source: Arc::new(Timeout::new(inner, LIMIT).unwrap()),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

mod around_a_broker {
    use super::*;

    fn subject() -> ballast_testkit::conformance::broker::Subject {
        let venue = venue([]);
        venue.subject(Arc::new(Timeout::new(venue.clone(), LIMIT).unwrap()))
    }

    ballast_testkit::broker_conformance!(subject());
}

/// RES-19: a source that hangs, at once or half-way, ends at 30 s with the typed cause.
#[tokio::test(start_paused = true)]
async fn res_19_a_hung_call_ends_after_thirty_seconds() {
    for chunks in [0, 2] {
        let inner = Arc::new(FakeMarketData::new(market()).script([Fault::Hang(chunks)]));
        let source = Timeout::new(inner, LIMIT).unwrap();
        let begun = Instant::now();
        let error = source.load(&request()).await.unwrap_err();
        assert_eq!(begun.elapsed(), Duration::from_secs(30));
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(error.cause(), Some(&TimedOut { after: LIMIT }));
        assert!(error.is_transient() && error.advice().is_some());
    }
    // The limit is on the whole of a history that comes slowly, from its first poll on.
    let inner = Arc::new(FakeMarketData::new(market()).delay(Duration::from_secs(29)));
    let source = Timeout::new(inner, LIMIT).unwrap();
    let unpolled = ballast_ports::MarketData::history(&source, &request());
    tokio::time::advance(Duration::from_secs(100)).await;
    drop(unpolled);
    let begun = Instant::now();
    let error = source.load(&request()).await.unwrap_err();
    assert_eq!(
        (begun.elapsed(), error.kind),
        (LIMIT, ErrorKind::Unavailable)
    );
}

/// A reader that is slow itself is not cut off while the source has its chunks ready.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_no_slow_source() {
    let source = Timeout::new(Arc::new(FakeMarketData::new(market())), LIMIT).unwrap();
    let mut history = ballast_ports::MarketData::history(&source, &request());
    let mut chunks = 0;
    while let Some(chunk) = ballast_ports::stream::next(&mut history).await {
        chunk.unwrap();
        chunks += 1;
        tokio::time::advance(Duration::from_secs(20)).await;
    }
    assert!(chunks > 2);
}

/// The venue has the order: no answer in time is unknown, never "not sent".
#[tokio::test(start_paused = true)]
async fn an_order_without_an_answer_is_unknown() {
    let venue = venue((0..5).map(|_| BrokerFault::Hang));
    let broker = Timeout::new(venue.clone(), LIMIT).unwrap();
    let held = permit(&venue);
    let id = held.intent().client_id;
    let begun = Instant::now();
    match broker.submit(held).await {
        SubmitOutcome::Unknown { cause } => assert!(cause.cause::<TimedOut>().is_some()),
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(begun.elapsed(), LIMIT);
    for error in [
        broker.cancel(InstrumentId(1), id).await.unwrap_err(),
        broker.order(InstrumentId(1), id).await.unwrap_err(),
        broker.open_orders().await.unwrap_err(),
        broker.account().await.unwrap_err(),
    ] {
        assert!(error.cause::<TimedOut>().is_some(), "{error}");
    }
    assert_eq!(begun.elapsed(), 5 * LIMIT);
}

#[test]
fn no_time_at_all_is_refused() {
    let refused = Timeout::new(Arc::new(FakeMarketData::new(market())), Duration::ZERO);
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Config);
}
