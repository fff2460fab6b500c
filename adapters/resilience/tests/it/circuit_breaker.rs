//! When calls are refused, who may probe, and what closes a breaker.

use std::sync::Arc;
use std::time::Duration;

use ballast_domain::instrument::InstrumentId;
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{Broker, ErrorKind, MarketData, MarketDataExt, SubmitOutcome, stream};
use ballast_resilience::{
    Breaker, BreakerPolicy, BreakerState, CircuitBreaker, CircuitOpen, Jitter, Level, Notice, Pass,
    Retry, RetryPolicy,
};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{BrokerFault, FakeMarketData, Fault};
use proptest::prelude::*;
use tokio::time::advance;

use crate::broker::{error, permit, venue};
use crate::named::{fail, request};
use crate::notices::{Notices, paused};

use BreakerState::{Closed, HalfOpen, Open};

fn policy(failures: u32, seconds: u64) -> BreakerPolicy {
    BreakerPolicy {
        failures,
        open_for: Duration::from_secs(seconds),
        ..BreakerPolicy::default()
    }
}

fn around(
    faults: impl IntoIterator<Item = Fault>,
    policy: BreakerPolicy,
    notices: &Notices,
) -> (Arc<FakeMarketData>, CircuitBreaker<FakeMarketData>) {
    let inner = Arc::new(FakeMarketData::new(market()).script(faults));
    let breaker = Breaker::new("fake", policy, &notices.reporter()).unwrap();
    (inner.clone(), CircuitBreaker::new(inner, &breaker))
}

fn subject() -> Subject {
    let (_, source) = around([], BreakerPolicy::default(), &Notices::default());
    Subject {
        source: Arc::new(source),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

mod around_a_broker {
    use super::*;

    fn subject() -> ballast_testkit::conformance::broker::Subject {
        let (venue, reporter) = (venue([]), Notices::default().reporter());
        let breaker = Breaker::new("fake", BreakerPolicy::default(), &reporter).unwrap();
        venue.subject(Arc::new(CircuitBreaker::new(venue.clone(), &breaker)))
    }

    ballast_testkit::broker_conformance!(subject());
}

/// RES-07, RES-09: five failures open it; it refuses without a call, by a typed error that
/// says when; after a minute one probe decides; every change of state is kept, counted and told.
#[tokio::test(start_paused = true)]
async fn res_07_every_transition() {
    let notices = Notices::default();
    let script = [fail(), fail(), fail(), fail(), fail(), fail(), Fault::None];
    let (inner, source) = around(script, BreakerPolicy::default(), &notices);
    let state = || source.breaker().statistics().state;
    for n in 0..5 {
        assert_eq!(state(), Closed, "after {n} failures");
        source.load(&request()).await.unwrap_err();
    }
    assert_eq!(state(), Open);
    advance(Duration::from_secs(20)).await;
    let refused = source.load(&request()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::CircuitOpen);
    let cause = refused.cause::<CircuitOpen>().unwrap();
    assert_eq!(cause.name, "fake");
    assert_eq!(cause.retry_in, Duration::from_secs(40));
    assert!(
        refused.to_string().contains("name = fake, retry_in = 40s"),
        "{refused}"
    );
    assert_eq!(
        source.instruments().await.unwrap_err().kind,
        ErrorKind::CircuitOpen
    );
    assert_eq!(inner.calls().len(), 5);

    // The probe fails and opens it again; the next one closes it.
    advance(Duration::from_secs(40)).await;
    assert_eq!(
        source.load(&request()).await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
    assert_eq!(state(), Open);
    assert_eq!(
        source.load(&request()).await.unwrap_err().kind,
        ErrorKind::CircuitOpen
    );
    advance(Duration::from_secs(60)).await;
    source.load(&request()).await.unwrap();
    assert_eq!(state(), Closed);
    assert_eq!(inner.calls().len(), 7);

    let seen = source.breaker().statistics();
    assert_eq!((seen.failures, seen.successes, seen.refused), (6, 1, 3));
    assert_eq!(seen.last_failure, Some(Duration::from_secs(60)));
    assert_eq!(seen.last_success, Some(Duration::ZERO));
    let moves: Vec<_> = seen
        .transitions
        .iter()
        .map(|t| (t.at.as_secs(), t.from, t.to))
        .collect();
    assert_eq!(
        moves,
        [
            (0, Closed, Open),
            (60, Open, HalfOpen),
            (60, HalfOpen, Open),
            (120, Open, HalfOpen),
            (120, HalfOpen, Closed)
        ]
    );
    assert_eq!(notices.total("breaker_opened_total"), 2.0);
    assert_eq!(notices.total("breaker_refused_total"), 3.0);
    assert_eq!(notices.total("breaker_state"), 0.0);
    let alerts: Vec<_> = notices
        .all()
        .into_iter()
        .filter(|n| n.level() == Level::Error)
        .collect();
    assert!(matches!(
        &alerts[..],
        [Notice::BreakerOpened { .. }, Notice::BreakerOpened { .. }]
    ));
}

/// RES-08: other thresholds and times; a success in between, an old failure and an error that is not
/// counted do not open it.
#[tokio::test(start_paused = true)]
async fn res_08_what_counts_is_configured() {
    for (failures, seconds) in [(3_u32, 30), (3, 60)] {
        let notices = Notices::default();
        let (_, source) = around((0..3).map(|_| fail()), policy(failures, seconds), &notices);
        for _ in 0..3 {
            source.load(&request()).await.unwrap_err();
        }
        let refused = source.load(&request()).await.unwrap_err();
        let cause = refused.cause::<CircuitOpen>().unwrap();
        assert_eq!(cause.retry_in, Duration::from_secs(seconds));
    }
    let notices = Notices::default();
    let other = |kind| Fault::Fail(error(kind));
    let uncounted = ErrorKind::ALL
        .into_iter()
        .filter(|k| *k != ErrorKind::Unavailable);
    let script: Vec<_> = [fail(), fail()]
        .into_iter()
        .chain(uncounted.map(other))
        .chain([fail()])
        .collect();
    let calls = script.len();
    let (_, source) = around(script, policy(3, 60), &notices);
    for n in 0..calls {
        assert_eq!(source.breaker().statistics().state, Closed, "call {n}");
        source.load(&request()).await.unwrap_err();
    }
    assert_eq!(source.breaker().statistics().state, Open);
    let script = [fail(), fail(), Fault::None, fail(), fail()];
    let (_, source) = around(script, policy(3, 60), &notices);
    for _ in 0..5 {
        let _ = source.load(&request()).await;
    }
    assert_eq!(
        source.breaker().statistics().state,
        Closed,
        "a success clears"
    );
    let (_, source) = around((0..6).map(|_| fail()), policy(3, 60), &notices);
    for _ in 0..6 {
        source.load(&request()).await.unwrap_err();
        advance(Duration::from_secs(31)).await;
    }
    assert_eq!(
        source.breaker().statistics().state,
        Closed,
        "never three in a minute"
    );
}

/// RES-09: a person resets it, with a name and a reason, and that is told.
#[tokio::test(start_paused = true)]
async fn res_09_a_reset_by_hand_is_audited() {
    let notices = Notices::default();
    let (_, source) = around([fail()], policy(1, 3_600), &notices);
    source.load(&request()).await.unwrap_err();
    let breaker = source.breaker();
    for (by, reason) in [("", "back"), ("ann", "  ")] {
        assert_eq!(
            breaker.reset(by, reason).unwrap_err().kind,
            ErrorKind::Rejected
        );
    }
    assert_eq!(breaker.statistics().state, Open);
    breaker.reset("ann", "the vendor says it is back").unwrap();
    source.load(&request()).await.unwrap();
    let line = "breaker of fake reset by ann: the vendor says it is back".to_owned();
    assert!(notices.lines().contains(&line), "{:?}", notices.lines());
}

/// One dependency's breaker is nothing to another.
#[tokio::test(start_paused = true)]
async fn breakers_of_two_dependencies_are_apart() {
    let notices = Notices::default();
    let (_, sick) = around([fail()], policy(1, 60), &notices);
    let (_, well) = around([], policy(1, 60), &notices);
    sick.load(&request()).await.unwrap_err();
    assert_eq!(
        sick.load(&request()).await.unwrap_err().kind,
        ErrorKind::CircuitOpen
    );
    well.load(&request()).await.unwrap();
}

/// RES-11: put around a retry, a call that uses up three attempts is one failure.
#[tokio::test(start_paused = true)]
async fn res_11_outside_of_a_retry_a_call_is_one_failure() {
    let notices = Notices::default();
    let inner = Arc::new(FakeMarketData::new(market()).script((0..6).map(|_| fail())));
    let retries = RetryPolicy {
        jitter: Jitter::None,
        ..RetryPolicy::default()
    };
    let retry = Retry::new(inner.clone(), "fake", retries, &notices.reporter()).unwrap();
    let breaker = Breaker::new("fake", policy(2, 60), &notices.reporter()).unwrap();
    let source = CircuitBreaker::new(Arc::new(retry), &breaker);
    source.load(&request()).await.unwrap_err();
    assert_eq!(inner.calls().len(), 3);
    let seen = breaker.statistics();
    assert_eq!((seen.failures, seen.state), (1, Closed));
    source.load(&request()).await.unwrap_err();
    assert_eq!(breaker.statistics().state, Open);
}

/// An order that is refused comes back with its permit; a lost answer is a failure whatever its
/// kind; a cancel passes an open breaker and does not close it.
#[tokio::test(start_paused = true)]
async fn an_order_comes_back_and_a_cancel_passes() {
    let notices = Notices::default();
    let venue = venue([BrokerFault::AfterWrite(error(ErrorKind::InvalidData))]);
    let breaker = Breaker::new("v", policy(1, 60), &notices.reporter()).unwrap();
    let broker = CircuitBreaker::new(venue.clone(), &breaker);
    let sent = permit(&venue);
    let id = sent.intent().client_id;
    assert!(matches!(
        broker.submit(sent).await,
        SubmitOutcome::Unknown { .. }
    ));
    assert_eq!(breaker.statistics().state, Open);
    match broker.submit(permit(&venue)).await {
        SubmitOutcome::NotSent { permit, cause } => {
            assert_eq!(cause.kind, ErrorKind::CircuitOpen);
            assert_eq!(permit.intent().client_id, id);
        }
        outcome => panic!("{outcome:?}"),
    }
    for refused in [
        broker.account().await.unwrap_err(),
        broker.open_orders().await.unwrap_err(),
        broker.order(InstrumentId(1), id).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind, ErrorKind::CircuitOpen);
    }
    broker.cancel(InstrumentId(1), id).await.unwrap();
    assert_eq!(venue.calls(), ["submit", "cancel"]);
    assert_eq!(breaker.statistics().state, Open);
    advance(Duration::from_secs(60)).await;
    let unknown = broker
        .cancel(InstrumentId(1), ClientOrderId::default())
        .await;
    unknown.unwrap_err();
    assert_eq!(breaker.statistics().state, Open, "a cancel is no probe");
    broker.account().await.unwrap();
    assert_eq!(breaker.statistics().state, Closed);
}

/// A probe that is dropped half-way gives its place back.
#[tokio::test(start_paused = true)]
async fn a_dropped_probe_is_no_verdict() {
    let (_, source) = around([fail()], policy(1, 60), &Notices::default());
    source.load(&request()).await.unwrap_err();
    advance(Duration::from_secs(60)).await;
    let mut probe = source.history(&request());
    stream::next(&mut probe).await.unwrap().unwrap();
    let second = source.load(&request()).await.unwrap_err();
    assert_eq!(
        second.kind,
        ErrorKind::CircuitOpen,
        "one probe is under way"
    );
    drop(probe);
    source.load(&request()).await.unwrap();
    assert_eq!(source.breaker().statistics().state, Closed);
}

/// What cannot work is refused when it is built.
#[tokio::test]
async fn a_policy_that_cannot_work_is_refused() {
    let good = BreakerPolicy::default;
    for (policy, text) in [
        (
            BreakerPolicy {
                failures: 0,
                ..good()
            },
            "no failure",
        ),
        (
            BreakerPolicy {
                successes: 0,
                ..good()
            },
            "no success",
        ),
        (
            BreakerPolicy {
                window: Duration::ZERO,
                ..good()
            },
            "without time",
        ),
        (
            BreakerPolicy {
                open_for: Duration::ZERO,
                ..good()
            },
            "without time",
        ),
        (
            BreakerPolicy {
                successes: 2,
                ..good()
            },
            "never close",
        ),
    ] {
        let error = Breaker::new("a", policy, &Notices::default().reporter()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(
            error.to_string().contains(text) && error.advice().is_some(),
            "{error}"
        );
    }
}

/// RES-16: ten threads lose no outcome.
#[test]
fn res_16_ten_threads_are_counted_exactly() {
    let breaker = Breaker::new(
        "a",
        BreakerPolicy::default(),
        &Notices::default().reporter(),
    )
    .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| (0..1_000).for_each(|_| breaker.admit("x").unwrap().succeeded()));
        }
    });
    assert_eq!(breaker.statistics().successes, 10_000);
}

#[derive(Clone, Debug)]
enum Step {
    Admit,
    Succeed(usize),
    Fail(usize),
    Drop(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Admit),
        2 => any::<usize>().prop_map(Step::Succeed),
        3 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Drop),
        2 => (0_u64..90).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..200)
}

/// Calls that half-open let through and that have not been given back, and the successes of them,
/// counted from outside: by what the breaker says its state is when a call passes.
#[derive(Default)]
struct Probes {
    episode: usize,
    admitted: u32,
    succeeded: u32,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Half-open lets no more than its quota through; a breaker closes only after as many of those
    /// have succeeded as it wants, and opens from closed only after as many failures as it takes.
    #[test]
    fn half_open_keeps_its_quota_and_closes_only_on_successes(
        steps in steps(),
        failures in 1_u32..4,
        successes in 1_u32..4,
        spare in 0_u32..3,
    ) {
        let quota = successes + spare;
        paused(async {
            let policy = BreakerPolicy {
                failures,
                successes,
                half_open_calls: quota,
                ..BreakerPolicy::default()
            };
            let reporter = Notices::default().reporter();
            let breaker = Breaker::new("a", policy, &reporter).unwrap();
            // Each pass with the state it was admitted in and the number of transitions then.
            let mut open: Vec<(Pass, BreakerState, usize)> = Vec::new();
            let mut probes = Probes::default();
            let mut moves = 0;
            for step in steps {
                let before = breaker.statistics();
                match step {
                    Step::Admit => {
                        if let Ok(pass) = breaker.admit("x") {
                            let now = breaker.statistics();
                            assert_ne!(now.state, Open, "a call passed an open breaker");
                            moves += now.transitions.len() - before.transitions.len();
                            if now.state == HalfOpen {
                                if probes.episode != moves {
                                    probes = Probes { episode: moves, ..Probes::default() };
                                }
                                probes.admitted += 1;
                                assert!(probes.admitted <= quota, "{} calls", probes.admitted);
                            }
                            open.push((pass, now.state, moves));
                        } else {
                            let now = breaker.statistics();
                            moves += now.transitions.len() - before.transitions.len();
                            assert_ne!(now.state, Closed, "a closed breaker refused");
                        }
                    }
                    Step::Succeed(n) | Step::Fail(n) | Step::Drop(n) if !open.is_empty() => {
                        let (pass, state, episode) = open.swap_remove(n % open.len());
                        let probe = state == HalfOpen && episode == probes.episode
                            && before.state == HalfOpen && moves == episode;
                        match step {
                            Step::Succeed(_) => {
                                probes.succeeded += u32::from(probe);
                                pass.succeeded();
                            }
                            Step::Fail(_) => pass.failed(),
                            _ => {
                                probes.admitted -= u32::from(probe);
                                drop(pass);
                            }
                        }
                        let now = breaker.statistics();
                        let moved = now.transitions.len() - before.transitions.len();
                        moves += moved;
                        if moved > 0 {
                            let last = now.transitions.last().unwrap();
                            match (last.from, last.to) {
                                (HalfOpen, Closed) => {
                                    assert!(matches!(step, Step::Succeed(_)) && probe);
                                    assert!(probes.succeeded >= successes);
                                }
                                (HalfOpen, Open) => assert!(matches!(step, Step::Fail(_)) && probe),
                                (Closed, Open) => {
                                    assert!(matches!(step, Step::Fail(_)));
                                    assert!(now.failures >= u64::from(failures));
                                }
                                other => panic!("{other:?}"),
                            }
                        }
                    }
                    Step::Wait(seconds) => advance(Duration::from_secs(seconds)).await,
                    Step::Succeed(_) | Step::Fail(_) | Step::Drop(_) => {}
                }
                // Only what is kept can be compared: a run has fewer moves than are kept.
                if breaker.statistics().transitions.len() >= 60 {
                    break;
                }
            }
        });
    }
}
