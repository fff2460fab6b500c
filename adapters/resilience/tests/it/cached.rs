//! Fresh answers without asking, old ones when nobody answers, and what a broken cache does.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::market::BarSize;
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    BoxStream, Chunk, Clock, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar,
    MarketData, MarketDataCapabilities, MarketDataExt, Result, SubscribeRequest,
};
use ballast_resilience::{
    CacheKey, Cached, Fallback, FetchRecord, MetricsRegistry, Notice, Role, SingleSource,
    StalenessPolicy, Traced,
};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::{BEHAVIOURS, Subject, run};
use ballast_testkit::fakes::{FakeCache, FakeClock, Fault};

use crate::named::{Named, cascade, clock, down, fail, request};
use crate::notices::Notices;

const HOUR: i64 = 3_600;

/// Asks the sources first, as the cascade of the sources' own tests does.
fn sources_first() -> StalenessPolicy {
    StalenessPolicy {
        serve_for: None,
        ..StalenessPolicy::default()
    }
}

struct Setup {
    a: Named,
    b: Named,
    cache: Arc<FakeCache>,
    clock: Arc<FakeClock>,
    notices: Notices,
    cached: Cached<Fallback>,
}

fn setup(
    policy: StalenessPolicy,
    cache: FakeCache,
    a: impl IntoIterator<Item = Fault>,
    b: impl IntoIterator<Item = Fault>,
) -> Setup {
    let (a, b) = (Named::new("a", a), Named::new("b", b));
    let (cache, clock, notices) = (Arc::new(cache), clock(), Notices::default());
    let inner = cascade(&[&a, &b], 1, &MetricsRegistry::default()).unwrap();
    let reporter = notices.reporter();
    let cached = Cached::new(
        Arc::new(inner),
        "fallback",
        cache.clone(),
        policy,
        clock.clone(),
        &reporter,
    );
    Setup {
        cached: cached.unwrap(),
        a,
        b,
        cache,
        clock,
        notices,
    }
}

fn subject(cache: FakeCache) -> Subject {
    Subject {
        source: Arc::new(setup(StalenessPolicy::default(), cache, [], []).cached),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject(FakeCache::new(64)));

/// The same suite with a cache that fails every call.
#[tokio::test]
async fn the_suite_passes_over_a_dead_cache() {
    for behaviour in BEHAVIOURS {
        let dead = (0..500).map(|_| Some(down("disk on fire")));
        run(behaviour, &subject(FakeCache::new(64).script(dead))).await;
    }
}

/// CAC-13, CAC-16: primary, then fallback, then cache by its age, then an error: fresh at 12 and at
/// exactly 48 hours, stale at 72 hours and at exactly 7 days, an error at 10 days and without an entry.
#[tokio::test]
async fn cac_13_the_cascade_down_to_the_cache() {
    // The first call fills the cache unless there is none to fill; the second is the test.
    let all_good: fn() -> Vec<Fault> = Vec::new;
    let second_fails: fn() -> Vec<Fault> = || vec![Fault::None, fail()];
    let fails: fn() -> Vec<Fault> = || vec![fail()];
    for (a, b, hours, role, calls) in [
        (all_good, all_good, 0, Ok(Role::Primary), (2, 0)),
        (second_fails, all_good, 0, Ok(Role::Fallback), (2, 1)),
        (second_fails, fails, 12, Ok(Role::CacheFresh), (2, 1)),
        (second_fails, fails, 48, Ok(Role::CacheFresh), (2, 1)),
        (second_fails, fails, 72, Ok(Role::CacheStale), (2, 1)),
        (second_fails, fails, 168, Ok(Role::CacheStale), (2, 1)),
        (second_fails, fails, 240, Err("too old"), (2, 1)),
    ] {
        let s = setup(sources_first(), FakeCache::new(8), a(), b());
        s.cached.fetch(&request()).await.unwrap();
        s.clock.advance(Span::from_seconds(hours * HOUR));
        let answer = s.cached.fetch(&request()).await;
        assert_eq!((s.a.calls(), s.b.calls()), calls, "{hours} h");
        match (answer, role) {
            (Ok(answer), Ok(role)) => {
                let p = answer.provenance;
                assert_eq!(p.role, role, "{hours} h");
                let from_cache = matches!(role, Role::CacheFresh | Role::CacheStale);
                assert_eq!(p.source, if role == Role::Fallback { "b" } else { "a" });
                let age = if from_cache { hours * HOUR } else { 0 };
                assert_eq!(p.age, Span::from_seconds(age));
                assert_eq!(p.is_stale(), role == Role::CacheStale);
                let degraded = matches!(role, Role::CacheStale | Role::Fallback);
                assert_eq!(p.is_degraded(), degraded, "{role:?}");
            }
            (Err(error), Err(text)) => {
                assert_eq!(error.kind, ErrorKind::Unavailable);
                assert!(error.to_string().contains(text), "{error}");
            }
            (answer, role) => panic!("{answer:?} for {role:?}"),
        }
    }
    let limit = |extra| Span::from_nanos(Span::from_days(7).nanos() + extra);
    for (extra, served) in [(0, true), (1, false)] {
        let s = setup(sources_first(), FakeCache::new(8), second_fails(), fails());
        s.cached.fetch(&request()).await.unwrap();
        s.clock.advance(limit(extra));
        assert_eq!(s.cached.fetch(&request()).await.is_ok(), served);
    }
}

/// CAC-24: when everything fails, the error names the symbols, each source and its reason, and why
/// the cache does not help.
#[tokio::test]
async fn cac_24_the_error_says_who_said_what() {
    let s = setup(
        sources_first(),
        FakeCache::new(8),
        [fail()],
        [Fault::Fail(down("503"))],
    );
    let error = s.cached.fetch(&request()).await.unwrap_err();
    let text = error.to_string();
    for part in [
        "a = unavailable at history: connection refused",
        "b = unavailable at history: 503",
        "cache = no entry",
        "symbols = ALFA, BETA",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(error.advice().is_some());
}

/// CAC-22: serving an old entry is told with its age in hours.
#[tokio::test]
async fn cac_22_a_stale_answer_is_told_with_its_age() {
    let s = setup(
        sources_first(),
        FakeCache::new(8),
        [Fault::None, fail()],
        [fail()],
    );
    s.cached.fetch(&request()).await.unwrap();
    s.clock.advance(Span::from_seconds(72 * HOUR));
    s.cached.fetch(&request()).await.unwrap();
    let line = "served ALFA, BETA from 72.0 hours ago".to_owned();
    assert_eq!(s.notices.lines(), [line]);
    assert_eq!(s.notices.total("cache_stale_total"), 1.0);
}

/// CAC-12: a day of a trader that looks at twenty histories every five minutes, for six and a half hours: nine
/// of ten answers come from the cache, of which each is an hour good, and the share of them is exported.
#[tokio::test]
async fn cac_12_a_day_of_looks_is_served_from_the_cache() {
    let s = setup(StalenessPolicy::default(), FakeCache::new(64), [], []);
    let histories = (0..20).map(|day| {
        let start = s.clock.now() - Span::from_days(day + 100);
        request().between(start, Timestamp::MAX)
    });
    let histories: Vec<_> = histories.collect();
    for _ in 0..78 {
        for request in &histories {
            s.cached.fetch(request).await.unwrap();
        }
        s.clock.advance(Span::from_seconds(300));
    }
    let total = |name: &str| s.notices.total(name);
    let (hits, misses) = (total("cache_hits_total"), total("cache_misses_total"));
    assert_eq!(hits + misses, 78.0 * 20.0);
    assert_eq!(misses, s.a.calls() as f64);
    let ratio = total("cache_hit_ratio");
    assert_eq!(ratio, hits / (hits + misses));
    assert!(ratio >= 0.85, "{ratio}");
}

/// CAC-18: a success is kept with its time; a cache that fails costs a warning and nothing else.
#[tokio::test]
async fn cac_18_a_broken_cache_never_breaks_a_fetch() {
    let dead = [Some(down("no disk")), Some(down("disk full"))];
    let s = setup(sources_first(), FakeCache::new(8).script(dead), [], []);
    let answer = s.cached.fetch(&request()).await.unwrap();
    assert_eq!(answer.provenance.role, Role::Primary);
    let told = s.notices.all();
    assert!(matches!(
        &told[..],
        [
            Notice::CacheFailed {
                operation: "get",
                ..
            },
            Notice::CacheFailed {
                operation: "put",
                ..
            }
        ]
    ));
    assert_eq!(s.notices.levels(), (2, 0));
    s.cached.fetch(&request()).await.unwrap();
    let key = CacheKey::history("fallback", &request()).to_string();
    assert_eq!(s.cache.keys(), [key]);

    // Damaged or foreign bytes are a miss with a warning, and are replaced.
    let damaged = Error::new(ErrorKind::InvalidData, "get", "checksum");
    let s = setup(
        StalenessPolicy::default(),
        FakeCache::new(8).script([Some(damaged)]),
        [],
        [],
    );
    s.cached.fetch(&request()).await.unwrap();
    assert_eq!(s.notices.total("cache_errors_total"), 1.0);
    s.cached.fetch(&request()).await.unwrap();
    assert_eq!(s.a.calls(), 1);
}

/// CAC-03: an answer within its time is not asked for again, and an absence is an answer; after it
/// both are. A request in another order is the same request.
#[tokio::test]
async fn cac_03_an_absence_is_a_hit() {
    let s = setup(StalenessPolicy::default(), FakeCache::new(8), [], []);
    let unknown = HistoryRequest::all(["NO-SUCH"], BarSize::DAY);
    let swapped = HistoryRequest::all(["BETA", "ALFA"], BarSize::DAY);
    for n in 0..3 {
        let error = s.cached.fetch(&unknown).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
        assert_eq!(error.to_string().contains("cached_at"), n > 0, "{error}");
        let asked = if n == 1 { swapped.clone() } else { request() };
        let loaded = s.cached.load(&asked).await.unwrap();
        assert_eq!(loaded, market());
    }
    // Each source was asked for the unknown symbol, the primary for the others.
    assert_eq!((s.a.calls(), s.b.calls()), (2, 1));
    assert_eq!(s.notices.total("cache_hits_total"), 4.0);
    s.clock.advance(Span::from_seconds(HOUR));
    s.cached.load(&request()).await.unwrap();
    assert_eq!(s.a.calls(), 2, "exactly an hour is within");
    s.clock.advance(Span::from_nanos(1));
    s.cached.load(&request()).await.unwrap();
    s.cached.fetch(&unknown).await.unwrap_err();
    assert_eq!((s.a.calls(), s.b.calls()), (4, 2));
}

/// An absence that is over says nothing while the sources are down, and an entry from later than now
/// does not exist yet.
#[tokio::test]
async fn neither_an_old_absence_nor_the_future_is_served() {
    let s = setup(
        sources_first(),
        FakeCache::new(8),
        [Fault::None, fail()],
        [Fault::None, fail()],
    );
    let unknown = HistoryRequest::all(["NO-SUCH"], BarSize::DAY);
    assert_eq!(
        s.cached.fetch(&unknown).await.unwrap_err().kind,
        ErrorKind::NotFound
    );
    assert_eq!(
        s.cached.fetch(&unknown).await.unwrap_err().kind,
        ErrorKind::Unavailable
    );

    let s = setup(StalenessPolicy::default(), FakeCache::new(8), [], []);
    s.clock.advance(Span::from_days(30));
    s.cached.load(&request()).await.unwrap();
    let replay = Cached::new(
        Arc::new(cascade(&[&s.a, &s.b], 1, &MetricsRegistry::default()).unwrap()),
        "fallback",
        s.cache.clone(),
        StalenessPolicy::default(),
        clock(),
        &s.notices.reporter(),
    );
    replay.unwrap().load(&request()).await.unwrap();
    assert_eq!(s.a.calls(), 2);
}

/// Without the old entries an outage is an error; without a second source there is no
/// fallback to ask. Both are settings of the stack.
#[tokio::test]
async fn stale_entries_can_be_switched_off() {
    let policy = StalenessPolicy {
        serve_when_down: false,
        ..sources_first()
    };
    let s = setup(policy, FakeCache::new(8), [Fault::None, fail()], [fail()]);
    s.cached.load(&request()).await.unwrap();
    s.cached.load(&request()).await.unwrap_err();
    let bad = StalenessPolicy {
        stale_after: Span::from_days(8),
        ..StalenessPolicy::default()
    };
    let inner = Arc::new(cascade(&[&s.a, &s.b], 1, &MetricsRegistry::default()).unwrap());
    let refused = Cached::new(
        inner,
        "fallback",
        s.cache,
        bad,
        clock(),
        &s.notices.reporter(),
    );
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Config);
}

/// What was wrong with the request is not answered from the cache.
#[tokio::test]
async fn only_outages_are_bridged() {
    for kind in ErrorKind::ALL {
        let bad = Fault::Fail(Error::new(kind, "history", "as planted"));
        let script = [Fault::None, bad.clone()];
        let s = setup(sources_first(), FakeCache::new(8), script, [bad]);
        s.cached.load(&request()).await.unwrap();
        let served = s.cached.load(&request()).await.is_ok();
        let bridged = ballast_resilience::passes_on(kind) && kind != ErrorKind::NotFound;
        assert_eq!(served, bridged, "{kind}");
    }
}

/// DAT-17, CAC-14, CAC-15: the record of a fetch has who, whether stale, when and how long; that of
/// a failure has the symbols, the error and the source "error". Names are lower snake case.
#[tokio::test]
async fn dat_17_a_fetch_leaves_a_record() {
    let s = setup(
        sources_first(),
        FakeCache::new(8),
        [Fault::None, Fault::None, fail()],
        [fail()],
    );
    let slow = Arc::new(SingleSource::new(
        Arc::new(Slow(s.clock.clone(), s.a.clone())),
        s.clock.clone(),
    ));
    let fetched = slow.fetch(&request()).await;
    let record = FetchRecord::of(&request(), &fetched);
    assert!(record.is_success());
    assert_eq!(
        (record.data_source, record.is_stale),
        (Role::Primary, false)
    );
    assert_eq!(record.latency_ms, Some(7.0));
    assert_eq!(record.fetched_at, Some(s.clock.now()));
    s.cached.fetch(&request()).await.unwrap();
    s.clock.advance(Span::from_days(3));
    let stale = FetchRecord::of(&request(), &s.cached.fetch(&request()).await);
    assert_eq!(
        (stale.data_source, stale.is_stale),
        (Role::CacheStale, true)
    );
    assert!(stale.age_hours.unwrap() >= 72.0);
    let nobody = setup(sources_first(), FakeCache::new(8), [fail()], [fail()]);
    let failed = FetchRecord::of(&request(), &nobody.cached.fetch(&request()).await);
    assert!(!failed.is_success());
    let json = serde_json::to_value(&failed).unwrap();
    assert_eq!(json["data_source"], "error");
    assert_eq!(json["symbols"], serde_json::json!(["ALFA", "BETA"]));
    assert!(
        json["error"]
            .as_str()
            .unwrap()
            .contains("connection refused")
    );
    let names: Vec<_> = Role::ALL
        .iter()
        .map(|role| serde_json::to_value(role).unwrap())
        .collect();
    assert_eq!(
        names,
        ["primary", "fallback", "cache_fresh", "cache_stale", "error"]
    );
    assert!(Role::ALL.iter().zip(&names).all(|(r, n)| *n == r.name()));
}

/// A source that needs seven milliseconds of trading time.
#[derive(Debug)]
struct Slow(Arc<FakeClock>, Named);

#[async_trait]
impl MarketData for Slow {
    fn name(&self) -> &str {
        self.1.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.1.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.1.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.0.advance(Span::from_nanos(7_000_000));
        self.1.history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.1.subscribe(request)
    }
}

/// Two stacks over one cache have their own entries.
#[tokio::test]
async fn another_stack_is_another_name() {
    let s = setup(StalenessPolicy::default(), FakeCache::new(8), [], []);
    s.cached.load(&request()).await.unwrap();
    let other = Named::new("c", []);
    let inner = Arc::new(SingleSource::new(Arc::new(other.clone()), s.clock.clone()));
    let policy = StalenessPolicy::default();
    let reporter = s.notices.reporter();
    let cached = Cached::new(
        inner,
        "c",
        s.cache.clone(),
        policy,
        s.clock.clone(),
        &reporter,
    );
    cached.unwrap().load(&request()).await.unwrap();
    assert_eq!((other.calls(), s.cache.keys().len()), (1, 2));
}

/// A cached answer of a fallback stays a fallback's: degraded, under its name.
#[tokio::test]
async fn the_cache_forgets_no_degradation() {
    let s = setup(StalenessPolicy::default(), FakeCache::new(8), [fail()], []);
    s.cached.fetch(&request()).await.unwrap();
    let p = s.cached.fetch(&request()).await.unwrap().provenance;
    assert_eq!(
        (p.role, p.origin, p.source.as_str()),
        (Role::CacheFresh, Role::Fallback, "b")
    );
    assert!(p.is_degraded() && !p.is_stale());
    assert_eq!(s.cached.name(), "fallback");
}
