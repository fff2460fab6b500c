//! Attempts, waits and what is never tried again.

use std::sync::Arc;
use std::time::Duration;

use ballast_domain::instrument::InstrumentId;
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{Broker, Error, ErrorKind, MarketData, MarketDataExt, SubmitOutcome};
use ballast_resilience::{
    AttemptBudget, Growth, Jitter, Notice, Retry, RetryOn, RetryPolicy, TimedOut,
};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{BrokerFault, FakeMarketData, Fault};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::broker::{error, permit, venue};
use crate::named::{down, fail, request};
use crate::notices::{Notices, paused};

const SECOND: Duration = Duration::from_secs(1);

/// No jitter, no budget: what a test can count.
fn plain(max_attempts: u32) -> RetryPolicy {
    RetryPolicy {
        max_attempts,
        jitter: Jitter::None,
        budget: None,
        ..RetryPolicy::default()
    }
}

fn source(faults: impl IntoIterator<Item = Fault>) -> Arc<FakeMarketData> {
    Arc::new(FakeMarketData::new(market()).script(faults))
}

fn subject() -> Subject {
    let reporter = Notices::default().reporter();
    let retry = Retry::new(source([]), "fake", RetryPolicy::default(), &reporter);
    Subject {
        source: Arc::new(retry.unwrap()),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

mod around_a_broker {
    use super::*;

    fn subject() -> ballast_testkit::conformance::broker::Subject {
        let venue = venue([]);
        let reporter = Notices::default().reporter();
        let retry = Retry::new(venue.clone(), "fake", RetryPolicy::default(), &reporter);
        venue.subject(Arc::new(retry.unwrap()))
    }

    ballast_testkit::broker_conformance!(subject());
}

/// The waits that were told.
fn delays(notices: &Notices) -> Vec<Duration> {
    let delay = |notice: &Notice| match notice {
        Notice::Retrying { delay, .. } => Some(*delay),
        _ => None,
    };
    notices.all().iter().filter_map(delay).collect()
}

/// RES-01, RES-23: one attempt for a success, three for one that comes third and for none; waits of
/// 1 and 2 s; the last error as it came, and at once; another kind of error is not tried again.
#[tokio::test(start_paused = true)]
async fn res_01_three_attempts_with_waits_between_them() {
    let third = || [fail(), fail(), Fault::None];
    let never = || [fail(), fail(), Fault::Fail(down("the third"))];
    let refused = || {
        [
            Fault::Fail(error(ErrorKind::Rejected)),
            Fault::None,
            Fault::None,
        ]
    };
    let good = || [Fault::None, Fault::None, Fault::None];
    for (script, attempts, waits, answer) in [
        (good(), 1, vec![], Ok(())),
        (third(), 3, vec![SECOND, 2 * SECOND], Ok(())),
        (never(), 3, vec![SECOND, 2 * SECOND], Err("the third")),
        (refused(), 1, vec![], Err("as planted")),
    ] {
        let (notices, inner) = (Notices::default(), source(script));
        let retry = Retry::new(inner.clone(), "a", plain(3), &notices.reporter()).unwrap();
        let begun = Instant::now();
        let loaded = retry.load(&request()).await;
        assert_eq!(inner.calls().len(), attempts);
        assert_eq!(delays(&notices), waits);
        let given_up = usize::from(answer == Err("the third"));
        assert_eq!(notices.levels(), (attempts - 1, given_up));
        assert_eq!(begun.elapsed(), waits.iter().sum::<Duration>());
        match (loaded, answer) {
            (Ok(series), Ok(())) => assert_eq!(series, market()),
            (Err(error), Err(message)) => {
                assert_eq!(error.message(), message);
                assert!(
                    error.contexts().is_empty(),
                    "the error was changed: {error}"
                );
            }
            (loaded, answer) => panic!("{loaded:?} for {answer:?}"),
        }
        assert_eq!(notices.total("retry_attempts_total"), attempts as f64 - 1.0);
    }
}

/// RES-01: the filter of kinds can be given.
#[tokio::test(start_paused = true)]
async fn only_the_listed_kinds_are_tried_again() {
    for kind in ErrorKind::ALL {
        for (on, again) in [
            (RetryOn::Transient, error(kind).is_transient()),
            (
                RetryOn::Kinds(vec![ErrorKind::InvalidData]),
                kind == ErrorKind::InvalidData,
            ),
        ] {
            let inner = source([Fault::Fail(error(kind)), Fault::None]);
            let policy = RetryPolicy { on, ..plain(3) };
            let retry =
                Retry::new(inner.clone(), "a", policy, &Notices::default().reporter()).unwrap();
            assert_eq!(retry.load(&request()).await.is_ok(), again, "{kind}");
            assert_eq!(inner.calls().len(), 1 + usize::from(again), "{kind}");
        }
    }
}

/// RES-02: constant or doubling waits, up to the longest one.
#[test]
fn res_02_waits_are_constant_or_double_up_to_the_cap() {
    let waits = |growth| {
        let policy = RetryPolicy { growth, ..plain(9) };
        (1..=9)
            .map(|n| policy.delay(n).as_secs())
            .collect::<Vec<_>>()
    };
    assert_eq!(waits(Growth::Constant), [1; 9]);
    assert_eq!(waits(Growth::Exponential), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    let late = RetryPolicy::default().delay(u32::MAX);
    assert_eq!(late, Duration::from_secs(60));
}

/// RES-03: every wait is within its band, not all are the same, and a seed gives them again.
#[test]
fn res_03_jitter_stays_in_its_band_and_repeats_from_its_seed() {
    let told = |jitter, seed| {
        let notices = Notices::default();
        let policy = RetryPolicy {
            jitter,
            seed,
            growth: Growth::Constant,
            deadline: Duration::from_secs(3_600),
            ..plain(200)
        };
        paused(async {
            let inner = source((0..200).map(|_| fail()));
            let retry = Retry::new(inner, "a", policy, &notices.reporter()).unwrap();
            retry.load(&request()).await.unwrap_err();
        });
        delays(&notices)
    };
    for (jitter, low) in [(Jitter::Half, 0.5), (Jitter::Full, 0.0)] {
        let waits = told(jitter, 7);
        assert_eq!(waits.len(), 199);
        let seconds: Vec<_> = waits.iter().map(Duration::as_secs_f64).collect();
        assert!(
            seconds.iter().all(|s| (low..1.0).contains(s)),
            "{seconds:?}"
        );
        let mean = seconds.iter().sum::<f64>() / 199.0;
        let middle = (1.0 + low) / 2.0;
        assert!((mean - middle).abs() < 0.1, "mean {mean}, not {middle}");
        assert_eq!(waits, told(jitter, 7));
        assert_ne!(waits, told(jitter, 8));
    }
}

/// RES-04: reads and cancels are tried again, an order never, whatever becomes of it.
#[tokio::test(start_paused = true)]
async fn res_04_an_order_is_never_sent_again() {
    let id = ClientOrderId::default();
    for kind in ErrorKind::ALL {
        for fault in [BrokerFault::BeforeWrite, BrokerFault::AfterWrite] {
            let venue = venue([fault(error(kind)), fault(error(kind))]);
            let retry =
                Retry::new(venue.clone(), "v", plain(3), &Notices::default().reporter()).unwrap();
            let outcome = retry.submit(permit(&venue)).await;
            assert!(
                matches!(
                    outcome,
                    SubmitOutcome::NotSent { .. } | SubmitOutcome::Unknown { .. }
                ),
                "{outcome:?}"
            );
            assert_eq!(venue.calls(), ["submit"], "{kind}");
        }
    }
    let faults = (0..8).map(|_| BrokerFault::BeforeWrite(error(ErrorKind::Unavailable)));
    let venue = venue(faults);
    let retry = Retry::new(venue.clone(), "v", plain(3), &Notices::default().reporter()).unwrap();
    // Three attempts each; the third read finds no fault any more.
    retry.cancel(InstrumentId(1), id).await.unwrap_err();
    retry.order(InstrumentId(1), id).await.unwrap_err();
    retry.open_orders().await.unwrap();
    retry.account().await.unwrap();
    let calls = [["cancel"; 3], ["order"; 3], ["open_orders"; 3]].concat();
    assert_eq!(venue.calls(), [calls, vec!["account"]].concat());
}

/// A mid-way failure delivers no bar of the failed attempt.
#[tokio::test(start_paused = true)]
async fn a_history_is_of_one_attempt() {
    let inner = source([Fault::FailAfter(2, down("reset")), Fault::None]);
    let retry = Retry::new(inner, "a", plain(2), &Notices::default().reporter()).unwrap();
    assert_eq!(retry.load(&request()).await.unwrap(), market());
    let inner = source([Fault::FailAfter(2, down("reset"))]);
    let retry = Retry::new(inner, "a", plain(1), &Notices::default().reporter()).unwrap();
    let mut history = retry.history(&request());
    let first = ballast_ports::stream::next(&mut history).await.unwrap();
    assert_eq!(first.unwrap_err().kind, ErrorKind::Unavailable);
}

/// What the neighbour asks for is waited for, and not more than there is time.
#[tokio::test(start_paused = true)]
async fn a_longer_wait_that_is_asked_for_is_kept() {
    let asked = |seconds| {
        let error = Error::new(ErrorKind::RateLimited, "history", "too many");
        Fault::Fail(error.retry_after(Duration::from_secs(seconds)))
    };
    let notices = Notices::default();
    let inner = source([asked(10), asked(200)]);
    let retry = Retry::new(inner.clone(), "a", plain(5), &notices.reporter()).unwrap();
    let begun = Instant::now();
    retry.load(&request()).await.unwrap_err();
    // Two hundred seconds are beyond the deadline of two minutes: there is no use in waiting.
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    assert_eq!(inner.calls().len(), 2);
}

/// Retries are a share of calls once the reserve is used up.
#[tokio::test(start_paused = true)]
async fn the_budget_ends_retries_before_they_multiply() {
    let notices = Notices::default();
    let policy = RetryPolicy {
        budget: Some(AttemptBudget {
            percent: 20,
            reserve: 3,
        }),
        ..plain(2)
    };
    let inner = source((0..1_000).map(|_| fail()));
    let retry = Retry::new(inner.clone(), "a", policy, &notices.reporter()).unwrap();
    for _ in 0..100 {
        retry.load(&request()).await.unwrap_err();
    }
    let retries = notices.total("retry_attempts_total");
    // Three saved ones and a fifth of a hundred; the first call finds the reserve full.
    assert!((22.0..=23.0).contains(&retries), "{retries} retries");
    assert!(notices.lines().iter().any(|line| line.contains("(budget)")));
}

/// What cannot work is refused when it is built.
#[test]
fn a_policy_without_attempt_time_or_wait_is_refused() {
    let zero = Duration::ZERO;
    for (policy, text) in [
        (plain(0), "no attempt"),
        (
            RetryPolicy {
                deadline: zero,
                ..plain(1)
            },
            "no time",
        ),
        (
            RetryPolicy {
                initial: zero,
                ..plain(2)
            },
            "no wait",
        ),
    ] {
        let refused = Retry::new(source([]), "a", policy, &Notices::default().reporter());
        let error = refused.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(
            error.to_string().contains(text) && error.advice().is_some(),
            "{error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// However long attempts and waits are, a call ends by its deadline; one that hangs says so.
    #[test]
    fn a_call_ends_by_its_deadline(
        deadline in 1_u64..20_000,
        initial in 1_u64..10_000,
        max_attempts in 1_u32..8,
        attempt in 0_u64..10_000,
        hangs in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let took = paused(async {
            let millis = Duration::from_millis;
            let policy = RetryPolicy {
                deadline: millis(deadline),
                initial: millis(initial),
                jitter: Jitter::Full,
                seed,
                ..plain(max_attempts)
            };
            let fault = if hangs { Fault::Hang(0) } else { fail() };
            let inner = FakeMarketData::new(market()).delay(millis(attempt));
            let inner = Arc::new(inner.script((0..8).map(|_| fault.clone())));
            let retry =
                Retry::new(inner, "a", policy, &Notices::default().reporter()).unwrap();
            let begun = Instant::now();
            let error = retry.load(&request()).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable);
            if hangs {
                let cause = error.cause::<TimedOut>().expect("it says that it timed out");
                assert_eq!(cause.after, millis(deadline));
            }
            begun.elapsed()
        });
        // Timers of the runtime have a grain of a millisecond.
        let latest = Duration::from_millis(deadline + 1);
        prop_assert!(took <= latest, "{took:?} of {deadline} ms");
    }
}
