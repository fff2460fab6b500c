//! Every failed call leaves one record, and a broken store breaks nothing.

use std::sync::{Arc, Mutex};

use ballast_domain::instrument::InstrumentId;
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{
    Broker, ErrorKind, Failure, FailureOutcome, FailureStore, MarketData, MarketDataExt, Result,
    SubmitOutcome, stream,
};
use ballast_resilience::{MeteredBroker, Notice, RecordFailures};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{BrokerFault, FakeBroker, FakeMarketData, Fault};

use crate::broker::{error, permit, venue};
use crate::named::{clock, down, fail, request};
use crate::notices::Notices;

/// Keeps what it is told, or refuses to.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) failures: Mutex<Vec<Failure>>,
    pub(crate) is_full: bool,
}

impl FailureStore for Store {
    fn record(&self, failure: &Failure) -> Result<()> {
        if self.is_full {
            return Err(down("the queue is full"));
        }
        self.failures.lock().unwrap().push(failure.clone());
        Ok(())
    }
}

fn recorded<P>(inner: Arc<P>, store: &Arc<Store>, notices: &Notices) -> RecordFailures<P> {
    RecordFailures::new(inner, "x", store.clone(), clock(), &notices.reporter())
}

fn subject() -> Subject {
    let inner = Arc::new(FakeMarketData::new(market()));
    Subject {
        source: Arc::new(recorded(inner, &Arc::default(), &Notices::default())),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

mod around_a_broker {
    use super::*;

    fn subject() -> ballast_testkit::conformance::broker::Subject {
        let (venue, notices) = (venue([]), Notices::default());
        let metered = MeteredBroker::new(venue.clone(), &notices.metrics);
        let broker = recorded(Arc::new(metered), &Arc::default(), &notices);
        venue.subject(Arc::new(broker))
    }

    ballast_testkit::broker_conformance!(subject());
}

/// ERR-08: an order that fails is counted and leaves a record with its id and what became of it, and
/// so does every other failed call; what works leaves none.
#[tokio::test]
async fn err_08_a_failed_order_is_counted_and_recorded() {
    let (store, notices) = (Arc::new(Store::default()), Notices::default());
    let unavailable = || error(ErrorKind::Unavailable);
    let venue = venue([
        BrokerFault::BeforeWrite(unavailable()),
        BrokerFault::AfterWrite(unavailable()),
    ]);
    let metered = MeteredBroker::new(venue.clone(), &notices.metrics);
    let broker = recorded(Arc::new(metered), &store, &notices);
    let id = permit(&venue).intent().client_id;
    let mut outcomes = Vec::new();
    // Not sent, unknown, and then a duplicate of what the venue has.
    for _ in 0..3 {
        outcomes.push(match broker.submit(permit(&venue)).await {
            SubmitOutcome::NotSent { .. } => FailureOutcome::NotSent,
            SubmitOutcome::Unknown { .. } => FailureOutcome::Unknown,
            SubmitOutcome::Rejected { .. } => FailureOutcome::Rejected,
            SubmitOutcome::Accepted => panic!("accepted"),
        });
    }
    broker
        .order(InstrumentId(1), ClientOrderId::default())
        .await
        .unwrap_err();
    broker.account().await.unwrap();
    let kept = store.failures.lock().unwrap().clone();
    let seen: Vec<_> = kept.iter().map(|f| f.outcome).collect();
    outcomes.push(FailureOutcome::Returned);
    assert_eq!(seen, outcomes);
    assert_eq!(kept[1].order, Some((InstrumentId(1), id)));
    assert_eq!(kept[1].message, "unavailable at submit: as planted");
    assert_eq!(kept[3].kind, ErrorKind::NotFound);
    assert_eq!(notices.total("orders_failed_total"), 3.0);
    assert_eq!(notices.total("failures_recorded_total"), 4.0);
    let total =
        |name: &str, labels: &[(&str, &str)]| notices.metrics.snapshot().total(name, labels);
    assert_eq!(total("broker_calls_total", &[("operation", "submit")]), 3.0);
    assert_eq!(
        total("broker_errors_total", &[("kind", "unavailable")]),
        2.0
    );
    for outcome in ["not_sent", "unknown", "rejected"] {
        assert_eq!(total("broker_orders_total", &[("outcome", outcome)]), 1.0);
    }
}

/// A history leaves one record however it fails, and a subscription too.
#[tokio::test]
async fn a_failed_history_is_one_record() {
    let (store, notices) = (Arc::new(Store::default()), Notices::default());
    let script = [fail(), Fault::FailAfter(2, down("reset")), Fault::None];
    let source = recorded(
        Arc::new(FakeMarketData::new(market()).script(script)),
        &store,
        &notices,
    );
    for _ in 0..3 {
        let _ = source.load(&request()).await;
    }
    let mut live = source.subscribe(&ballast_ports::SubscribeRequest {
        symbols: vec!["ALFA".to_owned()],
        bar: request().bar,
    });
    stream::next(&mut live).await.unwrap().unwrap_err();
    let kept = store.failures.lock().unwrap().clone();
    let operations: Vec<_> = kept.iter().map(|f| f.operation.as_str()).collect();
    assert_eq!(operations, ["history", "history", "subscribe"]);
}

/// A store that is full costs a notice and nothing else.
#[tokio::test]
async fn a_store_that_fails_breaks_no_call() {
    let store = Arc::new(Store {
        is_full: true,
        ..Store::default()
    });
    let notices = Notices::default();
    let venue = Arc::new(
        FakeBroker::new().script([BrokerFault::AfterWrite(error(ErrorKind::Unavailable))]),
    );
    let broker = recorded(venue.clone(), &store, &notices);
    let outcome = broker.submit(permit(&venue)).await;
    assert!(
        matches!(outcome, SubmitOutcome::Unknown { .. }),
        "{outcome:?}"
    );
    assert!(matches!(&notices.all()[..], [Notice::FailureLost { .. }]));
    assert_eq!(notices.total("failures_lost_total"), 1.0);
}
