//! No window holds more than its limit, who came first goes first, and cancels do not starve.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ballast_domain::instrument::InstrumentId;
use ballast_ports::{Broker, Error, ErrorKind, MarketDataExt, SubmitOutcome};
use ballast_resilience::{Limit, Limiter, Notice, RateLimit, RatePolicy, Rule, Urgency};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{BrokerFault, FakeMarketData, Fault};
use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep};

use crate::broker::{permit, venue};
use crate::named::request;
use crate::notices::{Notices, paused};

const MINUTE: Duration = Duration::from_secs(60);

fn limiter(limits: Vec<Limit>, notices: &Notices) -> Limiter {
    let policy = RatePolicy {
        max_wait: Duration::from_secs(3_600),
        ..RatePolicy::of(limits)
    };
    Limiter::new("api", policy, &notices.reporter()).unwrap()
}

fn wide() -> Limiter {
    limiter(
        vec![Limit::sliding("all", 1_000, MINUTE)],
        &Notices::default(),
    )
}

fn subject() -> Subject {
    let inner = Arc::new(FakeMarketData::new(market()));
    Subject {
        source: Arc::new(RateLimit::new(inner, &wide())),
        request: request(),
        truth: Some(market()),
    }
}

mod around_market_data {
    use super::*;

    #[tokio::test]
    async fn it_conforms() {
        use ballast_testkit::conformance::market_data::{BEHAVIOURS, run};
        for behaviour in BEHAVIOURS {
            run(behaviour, &subject()).await;
        }
    }
}

mod around_a_broker {
    use super::*;

    fn subject() -> ballast_testkit::conformance::broker::Subject {
        let venue = venue([]);
        venue.subject(Arc::new(RateLimit::new(venue.clone(), &wide())))
    }

    #[tokio::test]
    async fn it_conforms() {
        use ballast_testkit::conformance::broker::{BEHAVIOURS, run};
        for behaviour in BEHAVIOURS {
            run(behaviour, &subject()).await;
        }
    }
}

/// RES-13, RES-14, RES-15: 10 in 60 s, 30 in 60 s and 1 in 1 s: one more is refused without a wait where
/// none is wanted, else waits until the first is a window
/// ago, and that is told; another limit gives another wait.
#[tokio::test(start_paused = true)]
async fn res_13_one_more_than_the_limit_waits_for_the_window() {
    for (calls, seconds) in [(10, 60), (30, 60), (1, 1)] {
        let notices = Notices::default();
        let per = Duration::from_secs(seconds);
        let limiter = limiter(vec![Limit::sliding("calls", calls, per)], &notices);
        let begun = Instant::now();
        for _ in 0..calls {
            limiter.acquire("history", Urgency::Normal).await.unwrap();
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert!(!limiter.try_acquire("history", Urgency::Normal));
        assert_eq!(begun.elapsed(), Duration::ZERO);
        limiter.acquire("history", Urgency::Normal).await.unwrap();
        assert_eq!(begun.elapsed(), per);
        let hits: Vec<_> = notices
            .lines()
            .into_iter()
            .filter(|line| line.starts_with("rate_limit_hit"))
            .collect();
        assert_eq!(
            hits,
            [format!("rate_limit_hit: api waits {per:?} for calls")]
        );
        assert_eq!(notices.total("rate_limit_hits_total"), 1.0);
    }
}

/// RES-16: ten threads take a thousand places each, and not one more is there.
#[test]
fn res_16_ten_threads_take_exactly_what_there_is() {
    let limiter = limiter(
        vec![Limit::sliding("all", 10_000, MINUTE)],
        &Notices::default(),
    );
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    assert!(limiter.try_acquire("x", Urgency::Normal));
                }
            });
        }
    });
    assert!(!limiter.try_acquire("x", Urgency::Normal));
    assert_eq!(limiter.forecast()[0].used, 10_000);
}

/// Heavy and light calls are let in as they came.
#[tokio::test(start_paused = true)]
async fn who_came_first_goes_first() {
    let weights = BTreeMap::from([("heavy", 5)]);
    let limit = Limit {
        weights,
        ..Limit::sliding("w", 5, Duration::from_secs(1))
    };
    let limiter = limiter(vec![limit], &Notices::default());
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks = (0..20).map(|n| {
        let (limiter, order) = (limiter.clone(), Arc::clone(&order));
        tokio::spawn(async move {
            sleep(Duration::from_millis(n)).await;
            let operation = if n % 3 == 0 { "heavy" } else { "light" };
            limiter.acquire(operation, Urgency::Normal).await.unwrap();
            order.lock().unwrap().push(n);
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

/// The same capacity by the two rules, after a minute of silence: a sliding window gives no more
/// than its capacity in any minute; a bucket gives almost twice that, which is why it has its name.
#[tokio::test(start_paused = true)]
async fn a_bucket_is_not_a_window() {
    for (rule, in_a_minute) in [(Rule::SlidingWindow, 10), (Rule::TokenBucket, 19)] {
        let limit = Limit {
            rule,
            ..Limit::sliding("x", 10, MINUTE)
        };
        let limiter = limiter(vec![limit], &Notices::default());
        advance(MINUTE).await;
        let mut passed = 0;
        for _ in 0..60 {
            while limiter.try_acquire("x", Urgency::Normal) {
                passed += 1;
            }
            advance(Duration::from_secs(1)).await;
        }
        assert_eq!(passed, in_a_minute, "{rule:?}");
    }
}

/// A call that would wait too long is refused; an order then comes back with its permit.
#[tokio::test(start_paused = true)]
async fn no_room_in_time_is_not_sent() {
    let notices = Notices::default();
    let policy = RatePolicy {
        max_wait: Duration::from_secs(5),
        ..RatePolicy::of(vec![Limit::sliding("orders", 1, MINUTE)])
    };
    let limiter = Limiter::new("v", policy, &notices.reporter()).unwrap();
    let venue = venue([]);
    let broker = RateLimit::new(venue.clone(), &limiter);
    assert!(matches!(
        broker.submit(permit(&venue)).await,
        SubmitOutcome::Accepted
    ));
    match broker.submit(permit(&venue)).await {
        SubmitOutcome::NotSent { cause, .. } => {
            assert_eq!(cause.kind, ErrorKind::RateLimited);
            assert_eq!(cause.asked_to_wait(), Some(MINUTE));
        }
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(venue.calls(), ["submit"]);
}

/// The neighbour says "too many": nothing leaves for as long as it asks, cancels included. What its
/// headers say it counted is counted, and the forecast knows when the rest is used up.
#[tokio::test(start_paused = true)]
async fn bans_and_headers_are_heeded() {
    let notices = Notices::default();
    let limiter = limiter(vec![Limit::sliding("weight", 100, MINUTE)], &notices);
    let ban = Error::new(ErrorKind::RateLimited, "account", "429");
    let ban = ban.retry_after(Duration::from_secs(30));
    let venue = venue([BrokerFault::BeforeWrite(ban)]);
    let broker = RateLimit::new(venue.clone(), &limiter);
    broker.account().await.unwrap_err();
    let begun = Instant::now();
    let unknown = permit(&venue).intent().client_id;
    broker.cancel(InstrumentId(1), unknown).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
    assert_eq!(venue.calls(), ["account", "cancel"]);

    let limiter = self::limiter(vec![Limit::sliding("weight", 100, MINUTE)], &notices);
    limiter.acquire("x", Urgency::Normal).await.unwrap();
    advance(Duration::from_secs(10)).await;
    limiter.observe("weight", 40);
    limiter.observe("unknown", 99);
    let seen = limiter.forecast();
    assert_eq!((seen[0].used, seen[0].capacity), (40, 100));
    // 40 in ten seconds: the other 60 last for fifteen.
    assert_eq!(seen[0].exhausted_in, Some(Duration::from_secs(15)));
    limiter.observe("weight", 85);
    let near = notices.all().into_iter().filter(
        |n| matches!(n, Notice::QuotaNear { used: 85, capacity: 100, limit, .. } if limit == "weight"),
    );
    assert_eq!(near.count(), 1);
    let inner = Arc::new(
        FakeMarketData::new(market()).script([Fault::Fail(Error::new(
            ErrorKind::RateLimited,
            "history",
            "too many",
        ))]),
    );
    let source = RateLimit::new(inner, &wide());
    let begun = Instant::now();
    source.load(&request()).await.unwrap_err();
    source.load(&request()).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

/// DAT-25: calls of a provider in the last day are exported, and the share to be warned at is told
/// once each time it is reached.
#[tokio::test(start_paused = true)]
async fn dat_25_the_daily_quota_is_exported_and_warned_about() {
    let notices = Notices::default();
    let day = Duration::from_secs(86_400);
    let limiter = limiter(vec![Limit::sliding("day", 500, day)], &notices);
    let used = || notices.total("rate_limit_used");
    let warned = || {
        let near = |n: &Notice| matches!(n, Notice::QuotaNear { .. });
        notices.all().iter().filter(|n| near(n)).count()
    };
    for n in 1..=399 {
        limiter.acquire("history", Urgency::Normal).await.unwrap();
        assert_eq!((used(), warned()), (f64::from(n), 0));
    }
    limiter.acquire("history", Urgency::Normal).await.unwrap();
    limiter.acquire("history", Urgency::Normal).await.unwrap();
    assert_eq!((used(), warned()), (401.0, 1));
    advance(day).await;
    limiter.acquire("history", Urgency::Normal).await.unwrap();
    assert_eq!((used(), warned()), (1.0, 1));
    assert_eq!(notices.total("rate_limit_calls_total"), 402.0);
}

/// What lets nothing through is refused when it is built.
#[tokio::test]
async fn limits_that_cannot_work_are_refused() {
    let good = || Limit::sliding("a", 10, MINUTE);
    for (limits, text) in [
        (
            vec![Limit {
                capacity: 0,
                ..good()
            }],
            "lets nothing through",
        ),
        (
            vec![Limit {
                per: Duration::ZERO,
                ..good()
            }],
            "lets nothing through",
        ),
        (
            vec![Limit {
                reserved: 10,
                ..good()
            }],
            "reserved",
        ),
        (
            vec![Limit {
                default_weight: 11,
                ..good()
            }],
            "for ever",
        ),
        (vec![good(), good()], "one name"),
    ] {
        let policy = RatePolicy::of(limits);
        let error = Limiter::new("a", policy, &Notices::default().reporter()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(
            error.to_string().contains(text) && error.advice().is_some(),
            "{error}"
        );
    }
}

fn limits() -> impl Strategy<Value = Vec<Limit>> {
    let limit = (1_u32..12, 1_u64..200, any::<bool>(), 0_u32..3, 1_u32..4).prop_map(
        |(room, per, bucket, reserved, weight)| Limit {
            rule: if bucket {
                Rule::TokenBucket
            } else {
                Rule::SlidingWindow
            },
            reserved,
            weights: BTreeMap::from([("order", weight), ("other", 0)]),
            ..Limit::sliding("", room.max(weight) + reserved, Duration::from_millis(per))
        },
    );
    proptest::collection::vec(limit, 1..4).prop_map(|mut limits| {
        for (n, limit) in limits.iter_mut().enumerate() {
            limit.name = format!("l{n}");
        }
        limits
    })
}

const OPERATIONS: [&str; 3] = ["order", "other", "cancel"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever comes when: no window of any limit holds more than its capacity, nor more than what
    /// is not reserved by calls that may not use it; a bucket gives at most its capacity and what
    /// flowed in; and every call leaves in the end.
    #[test]
    fn no_window_is_ever_exceeded(
        limits in limits(),
        arrivals in proptest::collection::vec((0_u64..400, 0_usize..3), 1..60),
    ) {
        let wanted = arrivals.len();
        let left = paused({
            let limits = limits.clone();
            async move {
                let limiter = limiter(limits, &Notices::default());
                let left = Arc::new(Mutex::new(Vec::new()));
                let begun = Instant::now();
                let tasks: Vec<_> = arrivals.into_iter().map(|(at, which)| {
                    let (limiter, left) = (limiter.clone(), Arc::clone(&left));
                    tokio::spawn(async move {
                        sleep(Duration::from_millis(at)).await;
                        let operation = OPERATIONS[which];
                        let urgency = match operation {
                            "cancel" => Urgency::Cancel,
                            _ => Urgency::Normal,
                        };
                        limiter.acquire(operation, urgency).await.unwrap();
                        left.lock().unwrap().push((begun.elapsed(), operation));
                    })
                }).collect();
                for task in tasks {
                    task.await.unwrap();
                }
                left.lock().unwrap().clone()
            }
        });
        prop_assert_eq!(left.len(), wanted);
        for limit in &limits {
            let weight = |operation: &str| match operation {
                "order" => limit.weights["order"],
                "other" => 0,
                _ => 1,
            };
            for (begin, _) in &left {
                for (end, _) in left.iter().filter(|(end, _)| end >= begin) {
                    let within = left.iter().filter(|(at, _)| at >= begin && at <= end);
                    let (mut all, mut normal) = (0, 0);
                    for (_, operation) in within {
                        all += weight(operation);
                        normal += if *operation == "cancel" { 0 } else { weight(operation) };
                    }
                    let span = *end - *begin;
                    let flowed = match limit.rule {
                        Rule::SlidingWindow if span >= limit.per => continue,
                        Rule::SlidingWindow => 0,
                        Rule::TokenBucket => {
                            let capacity = u128::from(limit.capacity);
                            u32::try_from(span.as_nanos() * capacity / limit.per.as_nanos()).unwrap()
                        }
                    };
                    prop_assert!(all <= limit.capacity + flowed, "{all} in {span:?}: {limit:?}");
                    prop_assert!(
                        normal <= limit.capacity - limit.reserved + flowed,
                        "{normal} normal in {span:?}: {limit:?}"
                    );
                }
            }
        }
    }

    /// While others ask for far more than there is, a cancel that keeps within the reserved share
    /// leaves at once.
    #[test]
    fn cancels_do_not_starve(
        reserved in 1_u32..5,
        room in 1_u32..20,
        bucket in any::<bool>(),
        gap in 0_u64..400,
    ) {
        let waits = paused(async move {
            let per = Duration::from_secs(1);
            let limit = Limit {
                rule: if bucket { Rule::TokenBucket } else { Rule::SlidingWindow },
                reserved,
                ..Limit::sliding("a", room + reserved, per)
            };
            let limiter = limiter(vec![limit], &Notices::default());
            let flood: Vec<_> = (0..200).map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move { limiter.acquire("read", Urgency::Normal).await })
            }).collect();
            let mut waits = Vec::new();
            for _ in 0..10 {
                sleep(per + Duration::from_millis(gap)).await;
                for _ in 0..reserved {
                    let begun = Instant::now();
                    limiter.acquire("cancel", Urgency::Cancel).await.unwrap();
                    waits.push(begun.elapsed());
                }
            }
            flood.iter().for_each(tokio::task::JoinHandle::abort);
            waits
        });
        prop_assert!(waits.iter().all(Duration::is_zero), "{waits:?}");
    }
}
