//! What a config says of guards and cache is what the stack does.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ballast::config::{self, Above, Layer, PROFILES, Profile, Resolved};
use ballast::wiring::stacks::{CascadeSettings, GuardedSource, source_stack};
use ballast::wiring::{cascade_settings, guarded_market_data, open_cache, resilience_policy};
use ballast_domain::market::{BarSize, Field};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Error, ErrorKind, HistoryRequest, Lifetime, MarketDataExt as _};
use ballast_resilience::{Jitter, ResiliencePolicy, Role, Traced as _};
use ballast_testkit::fakes::Fault;
use tokio::time::Instant;

use crate::named_source::NamedSource;
use crate::stacks::setup;

fn settings(set: &[&str]) -> Resolved {
    let arguments = Layer::arguments(set.iter().copied()).unwrap();
    config::from_text("p.toml", PROFILES, arguments, Path::new("")).unwrap()
}

fn refused(set: &[&str]) -> Vec<ballast_domain::Error> {
    let arguments = Layer::arguments(set.iter().copied()).unwrap();
    config::from_text("p.toml", PROFILES, arguments, Path::new("")).unwrap_err()
}

fn paused<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(body)
}

/// Calls the source gets and virtual seconds it takes, behind the guards that `set` names; jitter is
/// left out so that a test can count.
fn behaved(set: &[&str], faults: Vec<Fault>, calls: usize) -> (usize, u64, Vec<ErrorKind>) {
    let mut policy = resilience_policy(&settings(set).config);
    policy.retry.jitter = Jitter::None;
    let source = NamedSource::new("a", faults);
    let guarded = GuardedSource {
        adapter: Arc::new(source.clone()),
        policy,
        validate: None,
    };
    let setup = setup();
    paused(async {
        let stack = source_stack(&guarded, &setup.around).unwrap();
        let began = Instant::now();
        let mut errors = Vec::new();
        for _ in 0..calls {
            let request = HistoryRequest::all(["ALFA"], BarSize::DAY);
            if let Err(error) = stack.source.load(&request).await {
                errors.push(error.kind);
            }
        }
        (source.calls(), began.elapsed().as_secs(), errors)
    })
}

fn down(times: usize) -> Vec<Fault> {
    let error = || Error::new(ErrorKind::Unavailable, "history", "no route");
    (0..times).map(|_| Fault::Fail(error())).collect()
}

/// CFG-18: attempts, timeout, breaker and limit of the config are those of the stack.
#[test]
fn cfg_18_the_guards_are_those_of_the_config() {
    use ErrorKind::{CircuitOpen, Unavailable};
    // Without a word: three attempts, waits of 1 and 2 s.
    assert_eq!(behaved(&[], down(9), 1), (3, 3, vec![Unavailable]));
    assert_eq!(
        behaved(&["resilience.retries=0"], down(9), 1),
        (1, 0, vec![Unavailable])
    );
    assert_eq!(
        behaved(&["resilience.retries=4"], down(9), 1),
        (5, 15, vec![Unavailable])
    );
    let hangs = || vec![Fault::Hang(0)];
    let once = "resilience.retries=0";
    assert_eq!(behaved(&[once], hangs(), 1), (1, 30, vec![Unavailable]));
    let five = "resilience.timeout_seconds=5";
    assert_eq!(
        behaved(&[once, five], hangs(), 1),
        (1, 5, vec![Unavailable])
    );
    let deadline = "resilience.deadline_seconds=40";
    let many = "resilience.retries=10";
    let hanging = vec![Fault::Hang(0), Fault::Hang(0), Fault::Hang(0)];
    let (_, seconds, errors) = behaved(&[many, deadline], hanging, 1);
    assert_eq!((seconds, errors), (40, vec![Unavailable]));
    let breaker = [once, "resilience.breaker_failures=2"];
    let expected = vec![Unavailable, Unavailable, CircuitOpen, CircuitOpen];
    assert_eq!(behaved(&breaker, down(9), 4), (2, 0, expected));
    assert_eq!(
        behaved(&["resilience.calls_per_minute=2"], vec![], 4),
        (4, 60, vec![])
    );
    assert_eq!(behaved(&[], vec![], 4), (4, 0, vec![]));
    let seconds = resilience_policy(&settings(&["resilience.breaker_seconds=7"]).config);
    assert_eq!(seconds.breaker.open_for, Duration::from_secs(7));
}

/// CFG-19, CFG-17: fallback, old answers and cache are switched off by a key each, and without any key
/// everything is as the parts have it.
#[test]
fn cfg_17_cfg_19_stages_are_switched_off_by_a_key() {
    let silent = settings(&[]);
    assert_eq!(
        resilience_policy(&silent.config),
        ResiliencePolicy::default()
    );
    assert_eq!(cascade_settings(&silent.config), CascadeSettings::default());
    let home = tempfile::tempdir().unwrap();
    let opened = paused(open_cache(&silent, home.path()));
    assert!(opened.unwrap().is_none());
    assert!(
        !home.path().join("cache").exists(),
        "nothing is made for a cache that is off"
    );
    let off = settings(&[
        "resilience.use_fallback=false",
        "cache.serve_when_down=false",
    ]);
    let cascade = cascade_settings(&off.config);
    assert!(!cascade.use_fallback && !cascade.staleness.serve_when_down);
    let times = settings(&[
        "cache.serve_minutes=5",
        "cache.stale_after_hours=10",
        "cache.reject_after_hours=20",
    ]);
    let staleness = cascade_settings(&times.config).staleness;
    assert_eq!(staleness.serve_for, Some(Span::from_seconds(300)));
    assert_eq!(staleness.stale_after, Span::from_seconds(36_000));
    assert_eq!(staleness.reject_after, Span::from_seconds(72_000));
}

/// A config's own sources and cache in the standard stack: the first answer is the primary's, the second
/// the cache's, also for the next process; without the fallback there is one source.
#[test]
fn sources_and_cache_of_a_config_stand_in_the_standard_stack() {
    let home = tempfile::tempdir().unwrap();
    let on = ["cache.enabled=true", "data.fallback=sample:us-stocks"];
    let mut resolved = settings(&on);
    resolved.base = home.path().to_owned();
    let request = HistoryRequest::all(["AAPL", "IBM"], BarSize::DAY);
    let mut setup = setup();
    setup.around.clock = Arc::new(ballast_testkit::fakes::FakeClock::new(
        ballast_testkit::builders::day(20_000),
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut roles = Vec::new();
    for _ in 0..2 {
        let cache = runtime
            .block_on(open_cache(&resolved, home.path()))
            .unwrap();
        assert!(cache.is_some());
        let stack = guarded_market_data(&resolved, cache, &setup.around).unwrap();
        assert_eq!(stack.sources.len(), 2);
        let answer = runtime.block_on(stack.source.fetch(&request)).unwrap();
        roles.push(answer.provenance.role);
    }
    assert_eq!(roles, [Role::Primary, Role::CacheFresh]);
    assert!(fs::read_dir(home.path().join("cache")).unwrap().count() > 0);
    let one = settings(&["resilience.use_fallback=false", on[1]]);
    let stack = guarded_market_data(&one, None, &setup.around).unwrap();
    assert_eq!(stack.sources.len(), 1);
}

/// One cache for several configs keeps the answers of different data apart, and of the same data together:
/// the files are those that were read, whatever they are called.
#[tokio::test]
async fn answers_of_other_data_are_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let csv = |name: &str, close: u8| {
        let path = folder.path().join(name);
        let text = format!("date,symbol,close\n2012-01-03,A,{close}\n2012-01-04,A,{close}\n");
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (one, two) = (csv("one.csv", 7), csv("two.csv", 9));
    let mut setup = setup();
    setup.around.clock = Arc::new(ballast_testkit::fakes::FakeClock::new(
        ballast_testkit::builders::day(20_000),
    ));
    let ask = async |source: &str| {
        let source = format!("data.source=\"{source}\"");
        let set = ["cache.enabled=true", "data.symbols=A", &source];
        let settings = settings(&set);
        let cache = open_cache(&settings, home.path()).await.unwrap();
        let stack = guarded_market_data(&settings, cache, &setup.around).unwrap();
        let request = HistoryRequest::all(["A"], BarSize::DAY);
        let answer = stack.source.fetch(&request).await.unwrap();
        let role = answer.provenance.role;
        let series = stack.source.load(&request).await.unwrap();
        (role, series["A"].bars.column(Field::Close)[0])
    };
    assert_eq!(ask(&one).await, (Role::Primary, 7.0));
    assert_eq!(ask(&one).await, (Role::CacheFresh, 7.0));
    assert_eq!(ask(&two).await, (Role::Primary, 9.0));
    assert_eq!(ask(&two).await, (Role::CacheFresh, 9.0));
    // The same path with other bytes is other data.
    csv("one.csv", 8);
    assert_eq!(ask(&one).await, (Role::Primary, 8.0));
}

/// CAC-26: the store is chosen by a key, and what contradicts it is refused, without repeating an address
/// that may hold a password.
#[test]
fn cac_26_the_store_of_the_cache_is_a_setting() {
    let database = "cache.database=postgresql://a@127.0.0.1/b";
    for (set, said) in [
        (&["cache.store=postgres"][..], "no database is named"),
        (&[database], "the cache is in files"),
        (&["cache.store=files", database], "the cache is in files"),
        (
            &["cache.store=postgres", database, "cache.folder=x"],
            "a folder is named",
        ),
        (
            &[
                "cache.store=postgres",
                "cache.database=postgresql://a:canary@127.0.0.1/b",
            ],
            "holds a password",
        ),
    ] {
        let errors = refused(set);
        assert!(errors[0].message.contains(said), "{errors:?}");
        assert!(!format!("{errors:?}").contains("canary"), "{errors:?}");
    }
    let named = settings(&["cache.enabled=true", "cache.store=postgres", database]);
    let home = tempfile::tempdir().unwrap();
    let opened = paused(open_cache(&named, home.path()));
    #[cfg(feature = "postgres")]
    assert!(format!("{:?}", opened.unwrap()).contains("PostgresCache"));
    #[cfg(not(feature = "postgres"))]
    {
        let e = opened.unwrap_err();
        assert_eq!(e.kind, ErrorKind::Config);
        assert!(
            e.to_string().contains("without PostgreSQL") && e.advice().is_some(),
            "{e}"
        );
    }
}

/// Each bound is refused below and above, and taken at both ends.
#[test]
fn bounds_of_the_guards_are_those_of_the_checklist() {
    for (key, least, most) in [
        ("resilience.retries", 0, 10),
        ("resilience.timeout_seconds", 5, 300),
        ("resilience.concurrency", 1, 50),
        ("cache.stale_after_hours", 1, 168),
        ("secrets.keep_minutes", 1, 1_440),
    ] {
        let deadline = "resilience.deadline_seconds=3600";
        let set = |n: i64| format!("{key}={n}");
        for good in [least, most] {
            settings(&[&set(good), deadline]);
        }
        for bad in [least - 1, most + 1] {
            let errors = refused(&[&set(bad), deadline]);
            assert!(
                errors[0].message.starts_with(&format!("'{key}' cannot be")),
                "{errors:?}"
            );
        }
    }
    for (set, said) in [
        (
            ["resilience.timeout_seconds=300", "resilience.retries=1"],
            "before its first attempt",
        ),
        (
            [
                "cache.stale_after_hours=168",
                "cache.reject_after_hours=167",
            ],
            "before they are stale",
        ),
    ] {
        let errors = refused(&set);
        assert!(errors[0].message.contains(said), "{errors:?}");
    }
}

/// VAL-20: each source is held to the data contract by a flag of its own, and strictly where nothing is said: a
/// row at fault refuses the source, and leniently it is left out.
#[tokio::test]
async fn val_20_each_source_has_its_own_contract_and_strict_is_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, second: &str| {
        let path = folder.path().join(name);
        let rows = format!(
            "date,symbol,open,high,low,close,volume\n2012-01-03,A,1,2,1,2,9\n{second}\n\
             2012-01-05,A,1,2,1,2,9\n"
        );
        fs::write(&path, rows).unwrap();
        path.display().to_string()
    };
    let good = file("good.csv", "2012-01-04,A,1,2,1,2,9");
    // A high below its low.
    let bad = file("bad.csv", "2012-01-04,A,1,1,2,2,9");
    let bars = async |source: &str, fallback: &str, more: &[&str], ask_fallback: bool| {
        let mut set = vec![
            "data.symbols=A".to_owned(),
            "resilience.retries=0".to_owned(),
        ];
        set.push(format!("data.source=\"{source}\""));
        set.push(format!("data.fallback=\"{fallback}\""));
        set.extend(more.iter().map(|s| (*s).to_owned()));
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        let stack = guarded_market_data(&settings(&set), None, &setup().around).ok()?;
        let source = &stack.sources[usize::from(ask_fallback)].source;
        let loaded = source.load(&HistoryRequest::all(["A"], BarSize::DAY)).await;
        loaded.ok().map(|series| series["A"].bars.len())
    };
    let (source, fallback) = ("data.contract=lenient", "data.fallback_contract=lenient");
    assert_eq!(bars(&good, &good, &[], true).await, Some(3));
    // Strict where nothing is said, for either.
    assert_eq!(bars(&bad, &good, &[], false).await, None);
    assert_eq!(bars(&good, &bad, &[], true).await, None);
    // A flag is of its own source alone.
    assert_eq!(bars(&good, &bad, &[source], true).await, None);
    assert_eq!(bars(&bad, &good, &[fallback], false).await, None);
    assert_eq!(bars(&good, &bad, &[fallback], true).await, Some(2));
    assert_eq!(bars(&bad, &good, &[source], false).await, Some(2));
}

/// CAC-28: `cache.verify` reaches the disk: a flipped bit of a value is refused, and read where the config says
/// so. That is warned of, and refused in production.
#[tokio::test]
async fn cac_28_a_config_switches_checksums_off_but_not_in_production() {
    let home = tempfile::tempdir().unwrap();
    let read = async |set: &[&str]| {
        let all = [&["cache.enabled=true"], set].concat();
        let cache = open_cache(&settings(&all), home.path())
            .await
            .unwrap()
            .unwrap();
        cache.get("key").await.map(|entry| entry.unwrap().value)
    };
    {
        let on = settings(&["cache.enabled=true"]);
        let cache = open_cache(&on, home.path()).await;
        let lifetime = Lifetime::starting(Timestamp::EPOCH, Span::from_days(1));
        let put = cache.unwrap().unwrap();
        put.put("key", b"value".to_vec(), lifetime).await.unwrap();
    }
    let entries = home.path().join("cache/entries");
    let path = fs::read_dir(entries)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(5).position(|w| w == b"value").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(read(&[]).await.unwrap_err().kind, ErrorKind::InvalidData);
    assert_eq!(read(&["cache.verify=false"]).await.unwrap(), b"walue");
    let off = settings(&["cache.verify=false"]);
    assert_eq!(off.warnings.len(), 1);
    assert_eq!(off.warnings[0].key, "cache.verify");
    let production = Above {
        profile: Profile::Production,
        ..Above::from(Layer::arguments(["cache.verify=false"]).unwrap())
    };
    let refused = config::from_text("p.toml", PROFILES, production, Path::new("")).unwrap_err();
    assert!(
        refused[0].message.contains("production reads no cache"),
        "{refused:?}"
    );
}
