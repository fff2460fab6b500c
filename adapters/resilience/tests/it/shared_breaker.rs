//! Two instances with one breaker: what one learns holds for the other.

use std::sync::Arc;
use std::time::Duration;

use ballast_ports::{BreakerStore as _, ErrorKind, MarketDataExt as _, SharedPhase};
use ballast_resilience::{
    BreakerPolicy, BreakerState, CircuitBreaker, CircuitOpen, Notice, SharedBreaker,
};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{FakeBreakerStore, FakeMarketData, Fault};
use tokio::time::advance;

use crate::broker::venue;
use crate::named::{fail, request};
use crate::notices::Notices;

fn policy() -> BreakerPolicy {
    BreakerPolicy {
        failures: 4,
        open_for: Duration::from_secs(30),
        half_open_calls: 2,
        successes: 2,
        ..BreakerPolicy::default()
    }
}

/// A program: its source behind the breaker that all have together.
struct Instance {
    inner: Arc<FakeMarketData>,
    breaker: SharedBreaker,
    source: CircuitBreaker<FakeMarketData>,
    notices: Notices,
}

impl Instance {
    fn new(store: &FakeBreakerStore, faults: impl IntoIterator<Item = Fault>) -> Self {
        let notices = Notices::default();
        let inner = Arc::new(FakeMarketData::new(market()).script(faults));
        let store = Arc::new(store.clone());
        let breaker = SharedBreaker::new("fake", policy(), store, &notices.reporter()).unwrap();
        Self {
            source: CircuitBreaker::shared(Arc::clone(&inner), &breaker),
            inner,
            breaker,
            notices,
        }
    }

    async fn load(&self) -> Option<ErrorKind> {
        let loaded = self.source.load(&request()).await;
        loaded.err().map(|error| error.kind)
    }
}

async fn later(store: &FakeBreakerStore, seconds: u64) {
    let by = Duration::from_secs(seconds);
    store.advance(by);
    advance(by).await;
}

fn down(times: usize) -> impl Iterator<Item = Fault> {
    std::iter::repeat_with(fail).take(times)
}

const DOWN: Option<ErrorKind> = Some(ErrorKind::Unavailable);
const OPEN: Option<ErrorKind> = Some(ErrorKind::CircuitOpen);

fn subject() -> Subject {
    Subject {
        source: Arc::new(Instance::new(&FakeBreakerStore::default(), []).source),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

mod around_a_broker {
    use super::*;

    fn subject() -> ballast_testkit::conformance::broker::Subject {
        let (venue, reporter) = (venue([]), Notices::default().reporter());
        let store = Arc::new(FakeBreakerStore::default());
        let breaker = SharedBreaker::new("fake", policy(), store, &reporter).unwrap();
        venue.subject(Arc::new(CircuitBreaker::shared(venue.clone(), &breaker)))
    }

    ballast_testkit::broker_conformance!(subject());
}

/// RES-20: failures of one instance open the breaker for the other, which has not made a call; failures of
/// both add up, and a success of either clears them.
#[tokio::test(start_paused = true)]
async fn res_20_failures_of_one_instance_open_the_breaker_for_the_other() {
    let store = FakeBreakerStore::default();
    let (one, other) = (Instance::new(&store, down(9)), Instance::new(&store, []));
    for _ in 0..4 {
        assert_eq!(one.load().await, DOWN);
    }
    let refused = other.source.load(&request()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::CircuitOpen);
    let cause = refused.cause::<CircuitOpen>().unwrap();
    assert_eq!(
        (cause.name.as_str(), cause.retry_in),
        ("fake", Duration::from_secs(30))
    );
    assert_eq!((one.load().await, other.inner.calls().len()), (OPEN, 0));
    // Who opened it says so, once.
    assert_eq!(one.notices.lines(), ["breaker of fake opened for 30s"]);
    assert!(other.notices.lines().is_empty());

    let store = FakeBreakerStore::default();
    let one = Instance::new(&store, down(3));
    let other = Instance::new(
        &store,
        [fail(), Fault::None, fail(), fail(), fail(), fail()],
    );
    for expected in [DOWN, DOWN, DOWN] {
        assert_eq!(one.load().await, expected);
    }
    // The fourth failure is the other's, and opens it; so does not one after a success.
    assert_eq!(other.load().await, DOWN);
    assert_eq!((one.load().await, other.load().await), (OPEN, OPEN));
    let store = FakeBreakerStore::default();
    let one = Instance::new(&store, down(3));
    let other = Instance::new(&store, [Fault::None, fail()]);
    for expected in [DOWN, DOWN, DOWN] {
        assert_eq!(one.load().await, expected);
    }
    assert_eq!((other.load().await, other.load().await), (None, DOWN));
    assert_eq!(one.load().await, None, "it was cleared and is closed");
}

/// RES-20: half-open lets its quota through once over all instances, closes for all when enough succeed, and
/// opens for all when one fails. A probe whose program is gone gives its place back.
#[tokio::test(start_paused = true)]
async fn res_20_the_quota_of_half_open_holds_over_all_instances() {
    let store = FakeBreakerStore::default();
    let one = Instance::new(&store, down(4));
    let other = Instance::new(&store, []);
    let third = Instance::new(&store, []);
    for _ in 0..4 {
        one.load().await;
    }
    later(&store, 30).await;
    // Ten calls of each at once: two probes.
    let mut calls = tokio::task::JoinSet::new();
    for breaker in [&one.breaker, &other.breaker, &third.breaker] {
        for _ in 0..10 {
            let breaker = breaker.clone();
            calls.spawn(async move { breaker.admit("history").await });
        }
    }
    let answers = calls.join_all().await;
    let mut probes: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
    assert_eq!(probes.len(), 2, "the quota is for all");
    assert_eq!((one.load().await, other.load().await), (OPEN, OPEN));
    probes.pop().unwrap().succeeded().await;
    assert_eq!(
        third.load().await,
        OPEN,
        "one of two is not enough, and its place is used up"
    );
    // The other probe's program is gone: after a while another one may probe.
    drop(probes);
    later(&store, 29).await;
    assert_eq!(third.load().await, OPEN);
    later(&store, 1).await;
    assert_eq!(third.load().await, None);
    assert_eq!(third.notices.lines(), ["breaker of fake closed"]);
    assert_eq!((one.load().await, other.load().await), (None, None));

    let store = FakeBreakerStore::default();
    let one = Instance::new(&store, down(5));
    let other = Instance::new(&store, []);
    for _ in 0..4 {
        one.load().await;
    }
    later(&store, 30).await;
    let slow = other.breaker.admit("history").await.unwrap();
    assert_eq!(one.load().await, DOWN);
    assert_eq!(other.load().await, OPEN, "one failed probe is enough");
    // What began before it opened again changes nothing.
    slow.succeeded().await;
    let kept = store.read("fake").await.unwrap();
    assert!(matches!(kept.state.phase, SharedPhase::Open { .. }));
}

/// RES-20: while the store is gone or silent each instance decides by what it has seen itself, and says so
/// once; when the store is back, what it keeps decides again.
#[tokio::test(start_paused = true)]
async fn res_20_without_its_store_each_instance_decides_alone_and_says_so() {
    for hangs in [false, true] {
        let store = FakeBreakerStore::default();
        let lose = |lost| {
            if hangs {
                store.set_hanging(lost);
            } else {
                store.set_gone(lost);
            }
        };
        let one = Instance::new(&store, down(9));
        let other = Instance::new(&store, []);
        for _ in 0..3 {
            assert_eq!(one.load().await, DOWN);
        }
        lose(true);
        // Its own breaker has seen the three failures before: the next one opens it, here alone.
        assert_eq!(one.load().await, DOWN);
        assert_eq!((one.load().await, other.load().await), (OPEN, None));
        assert_eq!(one.breaker.own().statistics().state, BreakerState::Open);
        for instance in [&one, &other] {
            let lines = instance.notices.lines();
            let said: Vec<_> = lines.iter().filter(|l| l.contains("alone")).collect();
            assert_eq!(said.len(), 1, "{lines:?}");
            let notices = instance.notices.all();
            let failed = notices.iter().find_map(Notice::failed_call).unwrap();
            assert_eq!(
                (failed.component, failed.kind, failed.call > 0),
                ("breakers", ErrorKind::Unavailable, true)
            );
        }
        lose(false);
        // Three failures are kept; the fourth for all was this program's alone.
        assert_eq!(one.load().await, DOWN);
        assert_eq!(other.load().await, OPEN);
        lose(true);
        other.load().await;
        let again = other.notices.lines();
        assert_eq!(again.iter().filter(|l| l.contains("alone")).count(), 2);
    }
}
