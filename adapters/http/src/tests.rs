//! Every way an exchange can fail, against a scripted server: what it is called, and who holds the
//! permit afterwards.

use std::sync::Arc;
use std::time::Duration;

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{SendGate, SendPermit};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Clock, ErrorKind, Result};
use ballast_testkit::builders::equities;
use ballast_testkit::fakes::FakeClock;
use ballast_testkit::permits::permits;
use rust_decimal::Decimal;
use tokio::net::TcpListener;

use crate::line::Line;
use crate::scripted::{Act, ScriptedServer};
use crate::{Answer, Request, Sent, Transport, TransportSettings};

const SHORT: Duration = Duration::from_millis(60);

fn settings(base: &str) -> TransportSettings {
    TransportSettings {
        call_deadline: SHORT,
        order_deadline: SHORT,
        largest_body: 64 * 1024,
        ..TransportSettings::new(base).unwrap()
    }
}

async fn server(act: Act) -> (ScriptedServer, Transport) {
    let server = ScriptedServer::start([act]).await.unwrap();
    let transport = Transport::new(settings(&server.base()));
    (server, transport)
}

/// The address of a port at which nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn read(transport: &Transport) -> Result<Answer> {
    transport.read("order", Request::get("/order")).await
}

struct Desk {
    gate: Arc<SendGate>,
    clock: FakeClock,
}

impl Desk {
    fn new() -> Self {
        Self {
            gate: Arc::new(SendGate::new(1)),
            clock: FakeClock::new(Timestamp::EPOCH + Span::from_days(1)),
        }
    }

    fn permit(&self) -> SendPermit {
        let orders = [(InstrumentId(0), Decimal::TEN)];
        let minted = permits(&equities(&["A"]), &orders, &self.gate, self.clock.now());
        minted.into_iter().next().unwrap()
    }

    async fn submit(&self, transport: &Transport) -> Sent {
        let permit = self.permit();
        let request = Request::post("/orders", permit.intent()).unwrap();
        transport
            .submit(permit, request, (&self.gate, &self.clock))
            .await
    }
}

/// Each act of a server, what a read calls it, and whether an order that meets it is answered.
fn acts() -> Vec<(&'static str, Act, Option<ErrorKind>)> {
    let late = |act| Act::Late(SHORT * 3, Box::new(act));
    let text = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n";
    vec![
        ("a whole answer", Act::Answer(200, "{}".into()), None),
        ("an answer and another", Act::Twice("{}".into()), None),
        (
            "half an answer",
            Act::Half("{}".into()),
            Some(ErrorKind::Unavailable),
        ),
        ("silence", Act::Stall, Some(ErrorKind::Unavailable)),
        ("a reset", Act::Reset, Some(ErrorKind::Unavailable)),
        ("a reset unread", Act::Hangup, Some(ErrorKind::Unavailable)),
        (
            "an answer too late",
            late(Act::Answer(200, "{}".into())),
            Some(ErrorKind::Unavailable),
        ),
        (
            "half a head",
            Act::Bytes(text.into()),
            Some(ErrorKind::Unavailable),
        ),
        (
            "another protocol",
            Act::Bytes(b"SSH-2.0-server\r\n".to_vec()),
            Some(ErrorKind::InvalidData),
        ),
        (
            "a body without end",
            Act::Endless,
            Some(ErrorKind::InvalidData),
        ),
        (
            "a larger body than is read",
            Act::Answer(200, " ".repeat(65 * 1024)),
            Some(ErrorKind::InvalidData),
        ),
    ]
}

#[tokio::test]
async fn every_way_to_fail_has_its_kind() {
    for (name, act, expected) in acts() {
        let (_server, transport) = server(act).await;
        let kind = read(&transport).await.err().map(|e| e.kind);
        assert_eq!(kind, expected, "{name}");
    }
    let transport = Transport::new(settings(&nobody().await));
    let error = read(&transport).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("no connection"), "{error}");
}

/// Whatever the server does once it has a connection, the permit is gone: an answer or unknown.
#[tokio::test]
async fn after_the_first_byte_an_order_is_answered_or_unknown() {
    for (name, act, expected) in acts() {
        let unread = matches!(act, Act::Hangup);
        let (server, transport) = server(act).await;
        match (Desk::new().submit(&transport).await, expected) {
            (Sent::Answered(answer), None) => assert!(answer.is_success(), "{name}"),
            (Sent::Unknown { cause }, Some(kind)) => {
                assert_eq!(cause.kind, kind, "{name}: {cause}");
                assert!(cause.contexts().iter().any(|(key, _)| key == "client_id"));
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
        if !unread {
            assert_eq!(server.requests().len(), 1, "{name}: written once");
        }
    }
}

#[tokio::test]
async fn before_the_first_byte_the_permit_comes_back() {
    let desk = Desk::new();
    let transport = Transport::new(settings(&nobody().await));
    let Sent::NotSent { permit, cause } = desk.submit(&transport).await else {
        panic!("nobody was there to send to");
    };
    assert_eq!(cause.kind, ErrorKind::Unavailable, "{cause}");
    // It is worth as much as before.
    assert!(permit.is_redeemable(&desk.gate, desk.clock.now()));

    let (server, transport) = server(Act::Answer(200, "{}".into())).await;
    let permit = desk.permit();
    let request = Request::post("/orders", permit.intent()).unwrap();
    desk.gate.kill();
    let sent = transport.submit(permit, request, (&desk.gate, &desk.clock));
    let Sent::NotSent { cause, .. } = sent.await else {
        panic!("the gate was killed");
    };
    assert_eq!(cause.kind, ErrorKind::Halted, "{cause}");

    let other = Desk::new();
    let request = Request::get("no path at all");
    let sent = transport.submit(other.permit(), request, (&other.gate, &other.clock));
    assert!(matches!(sent.await, Sent::NotSent { .. }));
    assert!(server.requests().is_empty());
}

/// A kill while the connection is made: the gate is looked at again after it. The first look alone
/// would let this order leave.
#[tokio::test]
async fn a_kill_while_connecting_hands_the_permit_back() {
    #[derive(Debug)]
    struct KillsAtFirstLook(Arc<SendGate>, FakeClock, std::sync::atomic::AtomicBool);
    #[async_trait::async_trait]
    impl Clock for KillsAtFirstLook {
        fn now(&self) -> Timestamp {
            let looked = self.2.swap(true, std::sync::atomic::Ordering::SeqCst);
            if looked {
                self.0.kill();
            }
            self.1.now()
        }
        async fn sleep_until(&self, deadline: Timestamp) {
            self.1.sleep_until(deadline).await;
        }
    }
    let desk = Desk::new();
    let (server, transport) = server(Act::Answer(200, "{}".into())).await;
    let permit = desk.permit();
    let request = Request::post("/orders", permit.intent()).unwrap();
    let clock = KillsAtFirstLook(
        Arc::clone(&desk.gate),
        FakeClock::new(desk.clock.now()),
        false.into(),
    );
    let sent = transport
        .submit(permit, request, (&desk.gate, &clock))
        .await;
    assert!(matches!(sent, Sent::NotSent { .. }), "{sent:?}");
    assert!(server.requests().is_empty());
}

/// A connection that was opened and dropped has written nothing.
#[tokio::test]
async fn an_open_line_writes_nothing_by_itself() {
    let (server, transport) = server(Act::Answer(200, "{}".into())).await;
    let line = Line::open("submit", transport.settings()).await.unwrap();
    tokio::time::sleep(SHORT).await;
    drop(line);
    tokio::time::sleep(SHORT).await;
    assert!(server.requests().is_empty());
}

/// A call that is dropped on its way closes its connection, and its outcome is nobody's to know.
#[tokio::test]
async fn a_dropped_order_is_written_at_most_once() {
    let (server, transport) = server(Act::Stall).await;
    let desk = Desk::new();
    let dropped = tokio::time::timeout(SHORT / 3, desk.submit(&transport)).await;
    assert!(dropped.is_err());
    tokio::time::sleep(SHORT * 2).await;
    assert!(server.requests().len() <= 1);
}

#[tokio::test]
async fn a_status_says_what_it_means_and_how_long_to_wait() {
    let table = [
        (400, ErrorKind::Rejected),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::Unauthenticated),
        (404, ErrorKind::NotFound),
        (408, ErrorKind::Unavailable),
        (409, ErrorKind::Rejected),
        (418, ErrorKind::RateLimited),
        (422, ErrorKind::Rejected),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (307, ErrorKind::InvalidData),
    ];
    for (status, kind) in table {
        let (server, transport) = server(Act::Answer(status, "{\"words\":1}".into())).await;
        let answer = read(&transport).await.unwrap();
        let error = answer.json::<u32>("order").unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        let wait = error.is_transient().then_some(Duration::from_secs(7));
        assert_eq!(error.asked_to_wait(), wait, "{status}");
        assert!(error.to_string().contains("words"), "{error}");
        assert_eq!(server.requests().len(), 1, "{status}: nothing is repeated");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_ours_is_invalid_data() {
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}";
    let (_server, transport) = server(Act::Bytes(page.into())).await;
    let error = read(&transport)
        .await
        .unwrap()
        .json::<serde_json::Value>("order")
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidData);
    assert!(error.to_string().contains("text/html"), "{error}");
    let (_server, transport) = server(Act::Answer(200, "{\"a\":".into())).await;
    let answer = read(&transport).await.unwrap();
    let error = answer.json::<serde_json::Value>("order").unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidData);
}

#[tokio::test]
async fn only_a_question_is_read_and_no_header_is_shown() {
    let (server, transport) = server(Act::Answer(200, "{}".into())).await;
    let request = Request::post("/cancel", &7).unwrap();
    let error = transport.read("order", request.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);
    assert!(server.requests().is_empty());
    let name = hyper::header::AUTHORIZATION;
    let signed = request.header(name, "key-of-mine".parse().unwrap());
    assert!(!format!("{signed:?}").contains("key-of-mine"));
    transport.command("cancel", signed).await.unwrap();
    let heard = &server.requests()[0];
    assert!(heard.starts_with("POST /cancel HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("authorization: key-of-mine"), "{heard}");
    assert!(heard.ends_with("\r\n\r\n7"), "{heard}");
}
