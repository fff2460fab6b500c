//! What each answer to an order proves.

use ballast_http::scripted::{Act, ScriptedServer};
use ballast_ports::{Broker, ErrorKind, SubmitOutcome};

use crate::venue::Desk;

/// One word for each outcome of one order at a server that opens and then does `act`.
async fn outcome(act: Act) -> &'static str {
    let opened = Act::Answer(200, r#"{"facts":0}"#.into());
    let server = ScriptedServer::start([opened, act]).await.unwrap();
    let desk = Desk::at(&server.base()).await;
    let outcome = desk.broker.submit(desk.permit()).await;
    let orders = server.requests().len() - 1;
    assert!(orders <= 1, "an order is written once");
    match outcome {
        SubmitOutcome::Accepted => "accepted",
        SubmitOutcome::Rejected { .. } => "rejected",
        SubmitOutcome::NotSent { .. } => "not sent",
        SubmitOutcome::Unknown { .. } => "unknown",
    }
}

#[tokio::test]
async fn only_the_venues_own_words_prove_anything() {
    let refused = r#"{"refused":"no"}"#;
    let accepted = r#"{"outcome":"accepted"}"#;
    let table: [(u16, &str, &str); 13] = [
        (200, accepted, "accepted"),
        (409, refused, "rejected"),
        (422, refused, "rejected"),
        (422, "a proxy's page", "unknown"),
        (409, "{}", "unknown"),
        (200, "{}", "unknown"),
        (200, r#"{"outcome":"queued"}"#, "unknown"),
        (202, "", "unknown"),
        (400, refused, "unknown"),
        (429, refused, "unknown"),
        (500, refused, "unknown"),
        (503, refused, "unknown"),
        (302, refused, "unknown"),
    ];
    for (status, body, expected) in table {
        let act = Act::Answer(status, body.to_owned());
        assert_eq!(outcome(act).await, expected, "{status} {body}");
    }
    for act in [
        Act::Stall,
        Act::Reset,
        Act::Hangup,
        Act::Half(accepted.into()),
        Act::Endless,
        Act::Bytes(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
    ] {
        let name = format!("{act:?}");
        assert_eq!(outcome(act).await, "unknown", "{name}");
    }
    assert_eq!(outcome(Act::Twice(accepted.into())).await, "accepted");
}

#[tokio::test]
async fn without_a_venue_the_permit_comes_back() {
    let opened = Act::Answer(200, r#"{"facts":0}"#.into());
    let server = ScriptedServer::start([opened]).await.unwrap();
    let desk = Desk::at(&server.base()).await;
    drop(server);
    // The port is given back when the server's task has ended.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let outcome = desk.broker.submit(desk.permit()).await;
    let SubmitOutcome::NotSent { permit, cause } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(cause.kind, ErrorKind::Unavailable);
    assert_eq!(permit.intent().instrument, crate::venue::B);
    let error = desk.broker.open_orders().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
}
