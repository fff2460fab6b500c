//! Checks of a running program, each alone and all together, and what a critical one forbids.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ballast::exit::Exit;
use ballast::health::{
    Breakers, ClockOffset, Connectivity, FreshData, HealthGate, HealthRegistry, Heartbeat,
    SymbolsThere, watch,
};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    Clock, Error, ErrorKind, Finding, Health, MarketData, Result, Severity, Standing,
};
use ballast_resilience::{Breaker, BreakerPolicy, MetricsRegistry, Reporter};
use ballast_testkit::builders::day;
use ballast_testkit::fakes::{FakeClock, Fault};

use crate::named_source::NamedSource;

/// Answers as it is told, each time the next of a list, the last for ever.
#[derive(Debug)]
struct Told {
    severity: Severity,
    answers: Vec<Answer>,
    asked: Arc<AtomicU32>,
    clock: Arc<FakeClock>,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Healthy,
    Unhealthy,
    Fails,
    Hangs,
    Panics,
}

impl Told {
    fn new(severity: Severity, answers: &[Answer], clock: &Arc<FakeClock>) -> Self {
        Self {
            severity,
            answers: answers.to_vec(),
            asked: Arc::default(),
            clock: clock.clone(),
        }
    }
}

#[async_trait]
impl Health for Told {
    fn name(&self) -> &str {
        "told"
    }

    fn severity(&self) -> Severity {
        self.severity
    }

    async fn check(&self) -> Result<Finding> {
        self.clock.advance(Span::from_seconds(1));
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) as usize;
        match self.answers[asked.min(self.answers.len() - 1)] {
            Answer::Healthy => Ok(Finding::healthy("well")),
            Answer::Unhealthy => Ok(Finding::unhealthy("ill", "see a doctor")),
            Answer::Fails => Err(Error::new(
                ErrorKind::Unavailable,
                "check",
                "no way to look",
            )),
            Answer::Hangs => std::future::pending().await,
            Answer::Panics => panic!("planted"),
        }
    }
}

fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::new(day(5_000)))
}

fn paused<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(body)
}

/// RES-17: a check that fails to look, hangs or panics is unhealthy, the others still run, and only all
/// of them together are healthy. OBS-33: a summary has these figures, and each check its own instant.
#[test]
fn res_17_obs_33_each_check_is_alone_with_its_trouble() {
    use Answer::{Fails, Hangs, Healthy, Panics, Unhealthy};
    let clock = clock();
    let mut registry = HealthRegistry::new(clock.clone());
    for (severity, answer) in [
        (Severity::Critical, Healthy),
        (Severity::Critical, Panics),
        (Severity::Warning, Fails),
        (Severity::Critical, Hangs),
        (Severity::Warning, Unhealthy),
        (Severity::Critical, Healthy),
    ] {
        registry.register(Told::new(severity, &[answer], &clock));
    }
    let report = paused(registry.run());
    let standings: Vec<_> = report.checks.iter().map(|c| c.standing).collect();
    assert_eq!(
        standings,
        [
            "healthy",
            "unhealthy",
            "unhealthy",
            "unhealthy",
            "unhealthy",
            "healthy"
        ]
    );
    assert!(!report.healthy);
    let (total, passed, failed) = (report.total, report.passed, report.failed);
    assert_eq!(
        (total, passed, failed, report.critical_failures),
        (6, 2, 4, 2)
    );
    assert!(
        report
            .checks
            .iter()
            .filter(|c| c.failed())
            .all(|c| c.remedy.is_some())
    );
    assert_eq!(report.checks[3].message, "no answer within 10 s");
    assert!(report.checks[3].latency_ms >= 10_000.0);
    // Instants differ: none is frozen when the registry is made.
    assert!(report.checks[0].at < report.checks[2].at, "{report:?}");
    let json = serde_json::to_value(&report).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "checks",
            "critical_failures",
            "failed",
            "healthy",
            "not_judged",
            "passed",
            "total"
        ]
    );
    let mut registry = HealthRegistry::new(clock.clone());
    registry.register(Told::new(Severity::Critical, &[Healthy], &clock));
    assert!(paused(registry.run()).healthy);
}

/// At the start and every 300 s; critical at the start, and nothing is admitted until a look
/// finds it well; a warning forbids nothing.
#[test]
fn critical_checks_close_the_gate_and_are_looked_at_again() {
    use Answer::{Fails, Healthy, Unhealthy};
    let clock = clock();
    let gate = HealthGate::default();
    let refused = gate.admit().unwrap_err();
    assert_eq!(refused.exit, Exit::Refused, "nobody has looked yet");
    let mut registry = HealthRegistry::new(clock.clone());
    let answers = [Unhealthy, Healthy, Fails, Healthy];
    registry.register(Told::new(Severity::Critical, &answers, &clock));
    registry.register(Told::new(Severity::Warning, &[Unhealthy], &clock));
    let seen = Arc::new(Mutex::new(Vec::new()));
    paused(async {
        let (told, at, of_gate) = (Arc::clone(&seen), clock.clone(), gate.clone());
        let start = clock.now();
        let looks = tokio::spawn({
            let clock = clock.clone();
            async move {
                let every = Span::from_seconds(300);
                watch(&registry, every, &*clock, &of_gate, move |report| {
                    let since = at.now().since(start).seconds();
                    told.lock().unwrap().push((since, report.critical_failures));
                })
                .await;
            }
        });
        for look in 1..=4 {
            while seen.lock().unwrap().len() < look || clock.sleepers() == 0 {
                tokio::task::yield_now().await;
            }
            let admitted = gate.admit();
            assert_eq!(admitted.is_ok(), look % 2 == 0, "{look}");
            if let Err(failure) = admitted {
                assert_eq!(failure.exit.code(), 4);
                assert_eq!(failure.errors.len(), 1, "the warning is no refusal");
            }
            clock.set(start + Span::from_seconds(300 * look as i64));
        }
        looks.abort();
    });
    let seen = seen.lock().unwrap();
    let starts: Vec<_> = seen
        .iter()
        .map(|(at, n)| ((at / 300.0).floor(), *n))
        .collect();
    assert_eq!(starts[..4], [(0.0, 1), (1.0, 0), (2.0, 1), (3.0, 0)]);
}

/// RES-18: a loop that misses its beats is dead after as many as were allowed, in machine time.
#[test]
fn res_18_missed_heartbeats_are_unhealthy() {
    paused(async {
        let second = Duration::from_secs(1);
        let heart = Heartbeat::new("loop", second, 3).unwrap();
        let standing = || async { heart.check().await.unwrap().standing };
        for (wait, expected) in [
            (0, Standing::Healthy),
            (2_999, Standing::Healthy),
            (1, Standing::Unhealthy),
            (60_000, Standing::Unhealthy),
        ] {
            tokio::time::advance(Duration::from_millis(wait)).await;
            assert_eq!(standing().await, expected, "{wait}");
        }
        heart.clone().beat();
        assert_eq!((standing().await, heart.missed()), (Standing::Healthy, 0));
        assert!(Heartbeat::new("loop", Duration::ZERO, 3).is_err());
        assert!(Heartbeat::new("loop", second, 0).is_err());
    });
}

fn found(check: &impl Health) -> Finding {
    paused(check.check()).unwrap()
}

async fn last_bar(source: &NamedSource) -> Timestamp {
    let listed = source.instruments().await.unwrap();
    listed.into_iter().filter_map(|i| i.last).min().unwrap()
}

/// OBS-29: bars are fresh for 24 hours and critical a second later; a source that cannot be asked is
/// critical as well.
#[test]
fn obs_29_old_data_is_critical() {
    let source = NamedSource::new("a", []);
    let last = paused(last_bar(&source));
    let source = Arc::new(source);
    let at = |seconds| FreshData {
        source: source.clone(),
        symbols: Vec::new(),
        max_age: Some(FreshData::MAX_AGE),
        clock: Arc::new(FakeClock::new(last + Span::from_seconds(seconds))),
    };
    assert_eq!(at(0).severity(), Severity::Critical);
    for (seconds, standing) in [
        (0, Standing::Healthy),
        (86_400, Standing::Healthy),
        (86_401, Standing::Unhealthy),
    ] {
        assert_eq!(found(&at(seconds)).standing, standing, "{seconds}");
    }
    let past = FreshData {
        max_age: None,
        ..at(86_401)
    };
    assert_eq!(found(&past).standing, Standing::NotJudged);
    let down = Error::new(ErrorKind::Unavailable, "instruments", "no route");
    let broken = FreshData {
        source: Arc::new(NamedSource::new("b", []).listing([Fault::Fail(down)])),
        ..past
    };
    let mut registry = HealthRegistry::new(clock());
    registry.register(broken);
    assert_eq!(paused(registry.run()).critical_failures, 1);
}

/// OBS-30: of seven missing symbols five are named, and that is a warning.
#[test]
fn obs_30_missing_symbols_are_a_warning() {
    let mut expected: Vec<String> = (1..=7).map(|n| format!("MISSING{n}")).collect();
    expected.extend(["ALFA".to_owned(), "BETA".to_owned()]);
    let check = SymbolsThere {
        source: Arc::new(NamedSource::new("a", [])),
        expected: expected.clone(),
    };
    let finding = found(&check);
    assert_eq!(check.severity(), Severity::Warning);
    assert_eq!(finding.standing, Standing::Unhealthy);
    assert_eq!(
        finding.message,
        "7 of 9 symbols are missing: MISSING1, MISSING2, MISSING3, MISSING4, MISSING5 and 2 more"
    );
    let there = SymbolsThere {
        expected: expected.split_off(7),
        ..check
    };
    assert_eq!(found(&there).standing, Standing::Healthy);
}

/// OBS-31: a source that answers passes with its latency, one that is down fails with the reason.
#[test]
fn obs_31_a_source_is_asked_whether_it_is_there() {
    let down = Error::new(ErrorKind::Unavailable, "instruments", "no route to host");
    for (faults, healthy, said) in [
        (vec![], true, "a answers"),
        (vec![Fault::Fail(down)], false, "no route to host"),
        (vec![Fault::Hang(0)], false, "no answer within 10 s"),
    ] {
        let mut registry = HealthRegistry::new(clock());
        registry.register(Connectivity {
            source: Arc::new(NamedSource::new("a", []).listing(faults)),
        });
        let report = paused(registry.run());
        let check = &report.checks[0];
        assert_eq!(report.healthy, healthy, "{report:?}");
        assert!(check.message.contains(said), "{check:?}");
        assert!(check.latency_ms >= 0.0 && check.severity == "critical");
    }
}

#[test]
fn a_clock_beside_the_venues_and_an_open_breaker_are_critical() {
    let (ours, theirs) = (clock(), clock());
    let check = ClockOffset {
        ours: ours.clone(),
        reference: theirs.clone(),
        limit: Span::from_nanos(500_000_000),
    };
    let start = ours.now();
    for (millis, standing) in [
        (500, Standing::Healthy),
        (501, Standing::Unhealthy),
        (-500, Standing::Healthy),
        (-501, Standing::Unhealthy),
    ] {
        let shift = Span::from_nanos(i64::from(millis) * 1_000_000);
        let (ours, theirs) = (Arc::new(FakeClock::new(start + shift)), clock());
        let check = ClockOffset {
            ours,
            reference: theirs,
            limit: check.limit,
        };
        assert_eq!(found(&check).standing, standing, "{millis}");
    }
    paused(async {
        let reporter = Reporter::silent(&MetricsRegistry::default());
        let policy = BreakerPolicy {
            failures: 1,
            ..BreakerPolicy::default()
        };
        let breaker = Breaker::new("acme", policy, &reporter).unwrap();
        let check = Breakers {
            breakers: vec![("acme".to_owned(), breaker.clone())],
        };
        assert_eq!(check.check().await.unwrap().standing, Standing::Healthy);
        breaker.admit("history").unwrap().failed();
        let finding = check.check().await.unwrap();
        assert_eq!(finding.standing, Standing::Unhealthy);
        assert_eq!(finding.message, "not closed: acme");
    });
}
