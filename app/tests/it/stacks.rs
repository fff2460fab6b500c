//! The standard stacks: the contracts of their ports, what they bridge, and what they tell.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ballast::wiring::stacks::{
    BrokerStack, CascadeSettings, GuardedSource, MarketDataStack, Surroundings, broker_stack,
    market_data_stack, source_stack,
};
use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::market::BarSize;
use ballast_domain::time::Span;
use ballast_memory::{MemoryCache, MemoryFailureStore};
use ballast_ports::{
    Broker, Cache, Clock, Error, ErrorKind, FailureOutcome, HistoryRequest, MarketDataExt,
    SubmitOutcome,
};
use ballast_resilience::{
    BreakerState, Jitter, Level, Limit, MetricsRegistry, Notice, RatePolicy, ResiliencePolicy,
    RetryPolicy, Role, StalenessPolicy, TimedOut, Traced,
};
use ballast_testkit::builders::{day, market};
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{BrokerFault, FakeBroker, FakeClock, FakeMarketData, Fault};
use proptest::prelude::*;
use tokio::time::{Instant, advance};

use crate::named_source::NamedSource;

pub(crate) struct Setup {
    pub(crate) around: Surroundings,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) failures: Arc<MemoryFailureStore>,
    pub(crate) metrics: MetricsRegistry,
    pub(crate) notices: Arc<Mutex<Vec<Notice>>>,
}

pub(crate) fn setup() -> Setup {
    // After every bar of the test market: a bar from later than now is refused.
    let clock = Arc::new(FakeClock::new(day(5_000)));
    let failures = Arc::new(MemoryFailureStore::new(NonZeroUsize::new(10_000).unwrap()));
    let (metrics, notices) = (MetricsRegistry::default(), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&notices);
    let around = Surroundings::new(
        clock.clone(),
        failures.clone(),
        &metrics,
        move |notice: &Notice| told.lock().unwrap().push(notice.clone()),
    );
    Setup {
        around,
        clock,
        failures,
        metrics,
        notices,
    }
}

/// Waits that a test can count.
pub(crate) fn policy() -> ResiliencePolicy {
    ResiliencePolicy {
        retry: RetryPolicy {
            jitter: Jitter::None,
            ..RetryPolicy::default()
        },
        ..ResiliencePolicy::default()
    }
}

fn guarded(source: &NamedSource) -> GuardedSource {
    GuardedSource {
        adapter: Arc::new(source.clone()),
        policy: policy(),
        validate: Some(Calendar::Utc24x7),
    }
}

fn cache() -> Arc<dyn Cache> {
    Arc::new(MemoryCache::new(NonZeroUsize::new(64).unwrap()))
}

fn request() -> HistoryRequest {
    HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY)
}

fn down() -> Fault {
    Fault::Fail(Error::new(ErrorKind::Unavailable, "history", "no route"))
}

fn cascade(sources: &[&NamedSource], settings: &CascadeSettings, setup: &Setup) -> MarketDataStack {
    let sources: Vec<_> = sources.iter().map(|source| guarded(source)).collect();
    market_data_stack(&sources, Some(cache()), settings, &setup.around).unwrap()
}

fn subject() -> Subject {
    let (a, b) = (NamedSource::new("a", []), NamedSource::new("b", []));
    Subject {
        source: cascade(&[&a, &b], &CascadeSettings::default(), &setup()).source,
        request: request(),
        truth: Some(market()),
    }
}

mod market_data {
    ballast_testkit::market_data_conformance!(super::subject());
}

fn brokers(venue: &Arc<FakeBroker>, setup: &Setup) -> BrokerStack {
    broker_stack(venue.clone(), &policy(), venue.gate(), &setup.around).unwrap()
}

/// A stack whose permits are judged at the venue's time.
pub(crate) fn broker_setup(venue: &Arc<FakeBroker>) -> Setup {
    let mut setup = setup();
    setup.around.clock = venue.clock();
    setup
}

mod broker {
    use super::{Arc, FakeBroker, broker_setup, brokers};

    fn subject() -> ballast_testkit::conformance::broker::Subject {
        let venue = Arc::new(FakeBroker::new());
        let stack = brokers(&venue, &broker_setup(&venue));
        venue.subject(stack.broker)
    }

    ballast_testkit::broker_conformance!(subject());
}

/// CAC-23, RES-10: each source has a breaker of its own; while the primary's is open it is not asked
/// and the fallback answers; that it opened is counted and is an alert.
#[tokio::test(start_paused = true)]
async fn cac_23_an_open_breaker_is_passed_over() {
    let setup = setup();
    let (a, b) = (
        NamedSource::new("a", vec![down(); 9]),
        NamedSource::new("b", []),
    );
    let settings = CascadeSettings {
        staleness: StalenessPolicy {
            serve_for: None,
            ..StalenessPolicy::default()
        },
        ..CascadeSettings::default()
    };
    let stack = cascade(&[&a, &b], &settings, &setup);
    stack.source.load(&request()).await.unwrap();
    assert_eq!(a.calls(), 3);
    // Two attempts of the second call open it, and what is left of that call is refused.
    setup.clock.advance(Span::from_seconds(60));
    let answer = stack.source.fetch(&request()).await.unwrap();
    assert_eq!((answer.provenance.role, a.calls()), (Role::Fallback, 5));
    assert_eq!(
        stack.sources[0].breaker.statistics().state,
        BreakerState::Open
    );
    assert_eq!(
        stack.sources[1].breaker.statistics().state,
        BreakerState::Closed
    );
    setup.clock.advance(Span::from_seconds(60));
    let answer = stack.source.fetch(&request()).await.unwrap();
    assert_eq!((answer.provenance.role, a.calls()), (Role::Fallback, 5));
    let refused = &answer.provenance.failures[0];
    assert_eq!(
        (refused.source.as_str(), refused.error.kind),
        ("a", ErrorKind::CircuitOpen)
    );
    let opened = setup
        .metrics
        .snapshot()
        .total("breaker_opened_total", &[("name", "a")]);
    assert_eq!(opened, 1.0);
    let told = setup.notices.lock().unwrap();
    let alert = |n: &&Notice| matches!(n, Notice::BreakerOpened { name, .. } if name == "a");
    assert_eq!(told.iter().filter(alert).count(), 1);
    assert_eq!(told.iter().find(alert).unwrap().level(), Level::Error);
}

/// CAC-21: each stage is switched off by its setting alone: no fallback is asked, no old entry is
/// served.
#[tokio::test(start_paused = true)]
async fn cac_21_stages_are_switched_off_by_settings() {
    for (use_fallback, serve_when_down, answered) in [
        (true, true, Some(Role::Fallback)),
        (true, false, Some(Role::Fallback)),
        (false, true, Some(Role::CacheStale)),
        (false, false, None),
    ] {
        let setup = setup();
        let a = NamedSource::new("a", [vec![Fault::None], vec![down(); 3]].concat());
        let b = NamedSource::new("b", []);
        let settings = CascadeSettings {
            use_fallback,
            staleness: StalenessPolicy {
                serve_for: None,
                serve_when_down,
                ..StalenessPolicy::default()
            },
            ..CascadeSettings::default()
        };
        let stack = cascade(&[&a, &b], &settings, &setup);
        stack.source.load(&request()).await.unwrap();
        setup.clock.advance(Span::from_days(3));
        let answer = stack.source.fetch(&request()).await;
        assert_eq!(answer.ok().map(|a| a.provenance.role), answered);
        assert_eq!(b.calls(), usize::from(use_fallback));
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Keeps what this thread logs until the guard is dropped.
    pub(crate) fn capture(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn all(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// RES-06: three attempts log two warnings with their waits and one error; the hook hears each. ERR-09: each
/// line has who was called, for what, the kind of the error, and the number that the lines of one call
/// share.
#[tokio::test(start_paused = true)]
async fn res_06_attempts_are_logged() {
    let lines = Lines::default();
    let setup = setup();
    let a = NamedSource::new("a", vec![down(); 4]);
    let stack = source_stack(&guarded(&a), &setup.around).unwrap();
    let guard = lines.capture();
    stack.source.load(&request()).await.unwrap_err();
    stack.source.load(&request()).await.unwrap();
    drop(guard);
    let logged = lines.all();
    let cause = "unavailable at history: no route component=\"a\" operation=\"history\" \
                 kind=\"unavailable\"";
    let gave_up = "gave up on a after 3 attempts (attempts)";
    assert_eq!(
        logged,
        [
            format!("WARN ballast::resilience: retrying a in 1s after attempt 1: {cause} call=1"),
            format!("WARN ballast::resilience: retrying a in 2s after attempt 2: {cause} call=1"),
            format!("ERROR ballast::resilience: {gave_up}: {cause} call=1"),
            format!("WARN ballast::resilience: retrying a in 1s after attempt 1: {cause} call=2"),
        ]
    );
    assert_eq!(setup.notices.lock().unwrap().len(), 4);
}

/// RES-21: what a run writes as metrics lists attempts and the state of each breaker.
#[tokio::test(start_paused = true)]
async fn the_metrics_list_attempts_and_breakers() {
    let setup = setup();
    let a = NamedSource::new("a", vec![down(); 5]);
    let stack = source_stack(&guarded(&a), &setup.around).unwrap();
    stack.source.load(&request()).await.unwrap_err();
    stack.source.load(&request()).await.unwrap_err();
    let total = |name: &str| setup.metrics.snapshot().total(name, &[("name", "a")]);
    assert_eq!(total("retry_attempts_total"), 3.0 + 1.0);
    assert_eq!(total("breaker_state"), 2.0);
}

/// An order that waits for room while the account is killed does not leave.
#[tokio::test(start_paused = true)]
async fn a_kill_while_an_order_waits_holds_it_back() {
    let venue = Arc::new(FakeBroker::new());
    let setup = broker_setup(&venue);
    let policy = ResiliencePolicy {
        rate: RatePolicy::of(vec![Limit::sliding("orders", 1, Duration::from_secs(10))]),
        ..policy()
    };
    let stack = broker_stack(venue.clone(), &policy, venue.gate(), &setup.around).unwrap();
    stack.broker.account().await.unwrap();
    let held = permit(&venue);
    let waiting = tokio::spawn({
        let broker = Arc::clone(&stack.broker);
        async move { broker.submit(held).await }
    });
    advance(Duration::from_secs(5)).await;
    venue.gate().kill();
    let SubmitOutcome::NotSent { cause, .. } = waiting.await.unwrap() else {
        panic!("a killed order left");
    };
    assert_eq!(cause.kind, ErrorKind::Halted);
    assert_eq!(venue.calls(), ["account"]);
    assert_eq!(setup.failures.all().len(), 1);
    // The account was killed by its owner: the venue is well.
    assert_eq!(stack.breaker.statistics().failures, 0);
}

pub(crate) fn permit(venue: &FakeBroker) -> ballast_domain::kernel::SendPermit {
    let orders = [(InstrumentId(1), rust_decimal::Decimal::TEN)];
    let now = venue.clock().now();
    let gate = venue.gate();
    let minted = ballast_testkit::permits::permits(venue.instruments(), &orders, &gate, now);
    minted.into_iter().next().unwrap()
}

/// A policy that cannot work is refused when the stack is built, not when it is used.
#[tokio::test]
async fn a_stack_that_cannot_work_is_refused() {
    let setup = setup();
    let mut bad = guarded(&NamedSource::new("a", []));
    bad.policy.retry.max_attempts = 0;
    assert_eq!(
        source_stack(&bad, &setup.around).unwrap_err().kind,
        ErrorKind::Config
    );
    let none = market_data_stack(&[], None, &CascadeSettings::default(), &setup.around);
    assert_eq!(none.unwrap_err().kind, ErrorKind::Config);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// RES-12: one policy guards a dependency by all four; whatever fails, hangs or waits inside, a
    /// call of the stack ends by its total deadline.
    #[test]
    fn res_12_a_call_through_the_stack_ends_by_its_deadline(
        deadline in 1_u64..60_000,
        timeout in 1_u64..20_000,
        per in 1_u64..20_000,
        delay in 0_u64..5_000,
        faults in proptest::collection::vec(0_u8..4, 0..12),
    ) {
        let millis = Duration::from_millis;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let took = runtime.block_on(async move {
            let script = faults.into_iter().map(|fault| match fault {
                0 => Fault::None,
                1 => Fault::Hang(1),
                2 => down(),
                _ => Fault::Fail(
                    Error::new(ErrorKind::RateLimited, "history", "429").retry_after(millis(per)),
                ),
            });
            let source = FakeMarketData::new(market()).delay(millis(delay)).script(script);
            let policy = ResiliencePolicy {
                retry: RetryPolicy {
                    deadline: millis(deadline),
                    max_attempts: 5,
                    ..RetryPolicy::default()
                },
                rate: RatePolicy::of(vec![Limit::sliding("all", 1, millis(per))]),
                timeout: millis(timeout),
                ..ResiliencePolicy::default()
            };
            let guarded = GuardedSource {
                adapter: Arc::new(source),
                policy,
                validate: Some(Calendar::Utc24x7),
            };
            let stack = source_stack(&guarded, &setup().around).unwrap();
            let mut longest = Duration::ZERO;
            for _ in 0..3 {
                let begun = Instant::now();
                if let Err(error) = stack.source.load(&request()).await {
                    assert!(matches!(
                        error.kind,
                        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::CircuitOpen
                    ), "{error}");
                }
                longest = longest.max(begun.elapsed());
            }
            longest
        });
        // Timers of the runtime have a grain of a millisecond.
        prop_assert!(took <= millis(deadline + 1), "{took:?} of {deadline} ms");
    }
}

/// A venue that hangs with an order: unknown, one record with its id, and nothing is sent again.
#[tokio::test(start_paused = true)]
async fn a_hung_order_is_unknown_and_recorded_once() {
    let venue = Arc::new(FakeBroker::new().script([BrokerFault::Hang]));
    let setup = broker_setup(&venue);
    let stack = brokers(&venue, &setup);
    let SubmitOutcome::Unknown { cause } = stack.broker.submit(permit(&venue)).await else {
        panic!("a hung order is unknown");
    };
    assert!(cause.cause::<TimedOut>().is_some());
    assert_eq!(venue.calls(), ["submit"]);
    let kept = setup.failures.all();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].outcome, FailureOutcome::Unknown);
}

/// DAT-18: closing the stack lets go of the primary and, where it is used, of the fallback; twice is once.
#[tokio::test]
async fn dat_18_both_sources_are_closed() {
    for use_fallback in [true, false] {
        let setup = setup();
        let (a, b) = (NamedSource::new("a", []), NamedSource::new("b", []));
        let settings = CascadeSettings {
            use_fallback,
            ..CascadeSettings::default()
        };
        let stack = cascade(&[&a, &b], &settings, &setup);
        stack.close();
        stack.close();
        assert_eq!(stack.sources.len(), 1 + usize::from(use_fallback));
        assert!(stack.sources.iter().all(|s| s.closable.is_closed()));
        let error = stack.source.fetch(&request()).await.unwrap_err();
        assert!(error.to_string().contains("was closed"), "{error}");
        assert_eq!((a.calls(), b.calls()), (0, 0));
    }
}
