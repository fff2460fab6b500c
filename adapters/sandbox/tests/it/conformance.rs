//! The broker contract over the account at a served venue.

use std::sync::Arc;

use ballast_testkit::conformance::broker::{BEHAVIOURS, Subject, run};
use ballast_testkit::sandbox::{Faults, SandboxServer};

use crate::venue::{B, Desk, morning, serve};

async fn subject(server: &SandboxServer) -> Subject {
    let desk = Arc::new(Desk::at_server(server).await);
    Subject {
        broker: Arc::clone(&desk.broker) as _,
        instruments: desk.instruments.clone(),
        instrument: B,
        gate: Arc::clone(&desk.gate),
        now: morning(),
        market: desk,
    }
}

/// Every behaviour, each at a fresh venue, and never an order that came twice unless the behaviour
/// sends it twice.
#[tokio::test]
async fn an_account_at_a_served_venue_keeps_the_broker_contract() {
    for behaviour in BEHAVIOURS {
        let server = serve(None, Faults::default()).await;
        run(behaviour, &subject(&server).await).await;
        let (_, twice) = server.venue().arrivals();
        let twin = *behaviour == "a_duplicate_client_id_makes_no_second_order";
        assert_eq!(twice, usize::from(twin), "{behaviour}");
    }
}

/// The same at a venue that tells every second fact twice: it numbers what it tells.
#[tokio::test]
async fn facts_that_are_told_twice_change_nothing() {
    let faults = Faults {
        duplicate_fact: 2,
        ..Faults::default()
    };
    for behaviour in BEHAVIOURS {
        let server = serve(None, faults).await;
        run(behaviour, &subject(&server).await).await;
    }
}
