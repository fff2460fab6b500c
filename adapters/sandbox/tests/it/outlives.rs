//! What a venue's books survive, and what is counted in them.

use std::time::Duration;

use ballast_domain::kernel::Fact;
use ballast_domain::orders::OrderStatus;
use ballast_domain::simulation::Stage;
use ballast_domain::time::Span;
use ballast_ports::{Broker, ErrorKind, SubmitOutcome, VenueReports, stream};
use ballast_testkit::conformance::broker::Market;
use ballast_testkit::sandbox::{Faults, Ledger, Venue};
use rust_decimal::Decimal;

use crate::venue::{B, Desk, morning, serve};

async fn accepted(desk: &Desk) -> ballast_domain::orders::ClientOrderId {
    let permit = desk.permit();
    let id = permit.intent().client_id;
    let outcome = desk.broker.submit(permit).await;
    assert!(matches!(outcome, SubmitOutcome::Accepted), "{outcome:?}");
    id
}

/// A venue that died, in the middle of a line, comes back with the same books and goes on: an order
/// half executed executes to its end, and its id is known also after that.
#[tokio::test]
async fn books_outlive_the_venue_and_an_id_is_taken_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let server = serve(Some(&path), Faults::default()).await;
    let desk = Desk::at_server(&server).await;
    let id = accepted(&desk).await;
    desk.offer(Decimal::from(4)).await;
    let before = desk.broker.report(morning()).await.unwrap();
    assert_eq!(before.fills.len(), 1);
    let stood = desk.broker.remembered().await.unwrap();
    assert_eq!(stood.orders, 1);
    let at = stood.at.unwrap();
    assert_eq!((at.stage, at.again), (Stage::Show, false));
    drop((server, desk));
    let mut torn = std::fs::read_to_string(&path).unwrap();
    let lines = torn.lines().count();
    torn += "{\"told\":{\"cancel\":\"b0";
    std::fs::write(&path, torn).unwrap();

    let server = serve(Some(&path), Faults::default()).await;
    assert_eq!(server.venue().ledger().len(), lines);
    let desk = Desk::at_server(&server).await;
    assert_eq!(desk.broker.report(morning()).await.unwrap(), before);
    assert_eq!(desk.broker.remembered().await.unwrap(), stood);
    // The bar that was made before does nothing when it is told again.
    desk.offer(Decimal::from(4)).await;
    assert_eq!(desk.broker.report(morning()).await.unwrap(), before);
    desk.offer(Decimal::from(100)).await;
    let order = desk.broker.order(B, id).await.unwrap();
    assert_eq!(order.status, OrderStatus::Filled);
    assert_eq!(order.filled.units(), 10);
    let outcome = desk.broker.submit(desk.permit()).await;
    assert!(
        matches!(&outcome, SubmitOutcome::Rejected { reason } if reason.contains("duplicate")),
        "{outcome:?}"
    );
    assert_eq!(server.venue().arrivals(), (2, 1));
    assert_eq!(
        desk.broker.account().await.unwrap().positions[0].1,
        order.filled
    );
}

/// Changed by hand, a ledger is refused: it says what the venue had to show after each line.
#[tokio::test]
async fn a_ledger_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let server = serve(Some(&path), Faults::default()).await;
    let desk = Desk::at_server(&server).await;
    accepted(&desk).await;
    desk.offer(Decimal::from(100)).await;
    drop((server, desk));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(Venue::new(Ledger::open(&path).unwrap()).is_ok());
    for (from, to) in [
        ("\"opening_cash\":1", "\"opening_cash\":2"),
        ("\"trades\":1", "\"trades\":2"),
        ("\"quantity\":10", "\"quantity\":20"),
        ("\"answer\":\"accepted\"", "\"answer\":\"duplicate\""),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        std::fs::write(&path, changed).unwrap();
        let opened = Ledger::open(&path).and_then(Venue::new);
        assert!(opened.is_err(), "{from}");
    }
}

/// An answer that is lost leaves an order that the venue has: unknown, then found, and sent once.
#[tokio::test]
async fn an_answer_that_is_lost_is_unknown_and_the_order_is_found() {
    let faults = Faults {
        drop_answer: 1,
        ..Faults::default()
    };
    let server = serve(None, faults).await;
    let desk = Desk::at_server(&server).await;
    let mut facts = desk.broker.facts();
    let permit = desk.permit();
    let id = permit.intent().client_id;
    let outcome = desk.broker.submit(permit).await;
    assert!(
        matches!(outcome, SubmitOutcome::Unknown { .. }),
        "{outcome:?}"
    );
    let order = desk.broker.order(B, id).await.unwrap();
    assert_eq!(order.status, OrderStatus::Accepted);
    // The venue's own stream says so as well.
    let fact = stream::next(&mut facts).await.unwrap().unwrap();
    assert_eq!(fact, Fact::Accepted { client_id: id });
    assert_eq!(server.venue().arrivals(), (1, 0));
}

/// The fence: once the venue was asked after an order's last instant and did not know it, the order
/// is refused when it comes.
#[tokio::test]
async fn an_order_that_comes_after_its_fence_is_refused() {
    let server = serve(None, Faults::default()).await;
    let (late, asking) = (
        Desk::at_server(&server).await,
        Desk::at_server(&server).await,
    );
    let permit = late.permit();
    let id = permit.intent().client_id;
    asking.clock.set(permit.expires_at() + Span::from_nanos(1));
    let error = asking.broker.order(B, id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    // Its sender's clock stands still, so its own gate lets it pass.
    let outcome = late.broker.submit(permit).await;
    assert!(
        matches!(&outcome, SubmitOutcome::Rejected { reason } if reason.contains("expiry")),
        "{outcome:?}"
    );
}

/// A venue keeps what it opened with.
#[tokio::test]
async fn other_terms_are_refused() {
    let server = serve(None, Faults::default()).await;
    let base = format!("http://{}", server.address());
    Desk::with_cash(&base, 1_000).await.unwrap();
    Desk::with_cash(&base, 1_000).await.unwrap();
    let error = Desk::with_cash(&base, 1_001).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected, "{error}");
    assert!(error.advice().is_some(), "{error}");
}

/// A stream that ended is followed by one that goes on after the last fact that was heard.
#[tokio::test]
async fn a_new_subscription_goes_on_where_the_last_one_ended() {
    let server = serve(None, Faults::default()).await;
    let desk = Desk::at_server(&server).await;
    let mut first = desk.broker.facts();
    let id = accepted(&desk).await;
    let heard = stream::next(&mut first).await.unwrap().unwrap();
    assert_eq!(heard, Fact::Accepted { client_id: id });
    drop(first);
    // Nobody listens while it executes.
    desk.offer(Decimal::from(100)).await;
    let mut second = desk.broker.facts();
    let fact = stream::next(&mut second).await.unwrap().unwrap();
    assert!(matches!(fact, Fact::Filled(_)), "{fact:?}");
    // Silence is no end and no error.
    let silence = tokio::time::timeout(Duration::from_millis(1_500), stream::next(&mut second));
    assert!(silence.await.is_err());
}
