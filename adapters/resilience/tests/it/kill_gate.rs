//! An order stays when its account was killed; cancels and reads pass.

use std::sync::Arc;

use ballast_domain::instrument::InstrumentId;
use ballast_ports::{Broker, ErrorKind, SubmitOutcome};
use ballast_resilience::KillGate;
use ballast_testkit::fakes::FakeBroker;

use crate::broker::{permit, venue};

fn gated(venue: &Arc<FakeBroker>) -> KillGate<FakeBroker> {
    KillGate::new(venue.clone(), venue.gate(), venue.clock())
}

fn subject() -> ballast_testkit::conformance::broker::Subject {
    let venue = venue([]);
    venue.subject(Arc::new(gated(&venue)))
}

ballast_testkit::broker_conformance!(subject());

#[tokio::test]
async fn a_killed_order_does_not_reach_the_venue_and_a_cancel_does() {
    let venue = venue([]);
    let broker = gated(&venue);
    let first = permit(&venue);
    let id = first.intent().client_id;
    assert!(matches!(
        broker.submit(first).await,
        SubmitOutcome::Accepted
    ));
    let held = permit(&venue);
    venue.gate().kill();
    match broker.submit(held).await {
        SubmitOutcome::NotSent { cause, .. } => assert_eq!(cause.kind, ErrorKind::Halted),
        outcome => panic!("{outcome:?}"),
    }
    broker.cancel(InstrumentId(1), id).await.unwrap();
    broker.account().await.unwrap();
    assert_eq!(venue.calls(), ["submit", "cancel", "account"]);
}
