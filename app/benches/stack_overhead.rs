//! What the standard stacks cost on a call that works: full stack minus bare adapter.
//!
//! Both are behind `dyn` and are called in turn in one process. A figure is the median of rounds, each
//! shorter than the time slice of a busy machine. Above the goal the program fails.
//!
//! `--gate` asks in seconds whether the goal is kept: the least of many short rounds instead of their
//! median, because what else a machine does only adds to a round. It is wall time, so that a wait
//! counts as much as work. An unoptimised build has a goal of its own.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ballast::wiring::stacks::{GuardedSource, Surroundings, broker_stack, source_stack};
use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendGate, SendPermit};
use ballast_domain::market::BarSize;
use ballast_domain::orders::ClientOrderId;
use ballast_memory::MemoryFailureStore;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Error, ErrorKind, HistoryRequest,
    Idempotency, MarketData, OrderReport, Result, SubmitOutcome, stream,
};
use ballast_resilience::{Limit, MetricsRegistry, RatePolicy, ResiliencePolicy};
use ballast_system::SystemClock;
use ballast_testkit::builders::series_of;
use ballast_testkit::fakes::FakeMarketData;

/// Nanoseconds a call, optimised.
const GOAL: f64 = 2_000.0;
/// Nanoseconds a call in a build without optimisation, where the dearest call takes 7,500: a net for
/// waits and loops, with room for a processor that is slower and busy.
const UNOPTIMISED_GOAL: f64 = 40_000.0;

/// How a figure is taken.
#[derive(Clone, Copy)]
struct Way {
    calls: u32,
    rounds: usize,
    figure: fn(Vec<f64>) -> f64,
}

/// For the record.
const FIGURES: Way = Way {
    calls: 100,
    rounds: 3_001,
    figure: median,
};

/// For a machine that others use as well.
const GATE: Way = Way {
    calls: 20,
    rounds: 2_001,
    figure: least,
};

/// A venue that answers at once.
#[derive(Debug)]
struct AtOnce;

fn unasked<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, "order", "not measured"))
}

#[async_trait]
impl Broker for AtOnce {
    fn name(&self) -> &str {
        "bare"
    }

    fn capabilities(&self) -> BrokerCapabilities {
        BrokerCapabilities {
            market_orders: true,
            limit_orders: false,
            times_in_force: Vec::new(),
            post_only: false,
            reduce_only: false,
            idempotency: Idempotency::None,
            expiry_fence: None,
        }
    }

    async fn submit(&self, _: SendPermit) -> SubmitOutcome {
        SubmitOutcome::Accepted
    }

    async fn cancel(&self, _: InstrumentId, _: ClientOrderId) -> Result<()> {
        Ok(())
    }

    async fn order(&self, _: InstrumentId, _: ClientOrderId) -> Result<OrderReport> {
        unasked()
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        Ok(Vec::new())
    }

    async fn account(&self) -> Result<AccountReport> {
        Ok(AccountReport::default())
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        stream::iter([])
    }
}

fn policy() -> ResiliencePolicy {
    // Two limits that never hold anything up: a minute of calls does not reach them.
    let limits = vec![
        Limit::sliding("second", 1_000_000, Duration::from_millis(1)),
        Limit {
            rule: ballast_resilience::Rule::TokenBucket,
            ..Limit::sliding("minute", 1_000_000_000, Duration::from_secs(1))
        },
    ];
    ResiliencePolicy {
        rate: RatePolicy::of(limits),
        ..ResiliencePolicy::default()
    }
}

fn surroundings() -> Surroundings {
    let store = MemoryFailureStore::new(NonZeroUsize::MIN);
    let clock = Arc::new(SystemClock::new());
    Surroundings::new(clock, Arc::new(store), &MetricsRegistry::default(), |_| {})
}

fn nanos(took: Duration, calls: u32) -> f64 {
    took.as_nanos() as f64 / f64::from(calls)
}

fn least(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

macro_rules! measure {
    ($way:expr, $name:literal, $bare:expr, $full:expr, $call:expr) => {{
        let way: Way = $way;
        let (mut bare, mut full) = (Vec::new(), Vec::new());
        for round in 0..=way.rounds {
            for (side, times) in [(&$bare, &mut bare), (&$full, &mut full)] {
                let begun = Instant::now();
                for _ in 0..way.calls {
                    black_box($call(side).await);
                }
                // The first round warms up.
                if round > 0 {
                    times.push(nanos(begun.elapsed(), way.calls));
                }
            }
        }
        let (bare, full) = ((way.figure)(bare), (way.figure)(full));
        println!("| {} | {bare:.0} | {full:.0} | {:.0} |", $name, full - bare);
        full - bare
    }};
}

fn main() -> std::process::ExitCode {
    let way = if std::env::args().any(|arg| arg == "--gate") {
        GATE
    } else {
        FIGURES
    };
    let goal = if cfg!(debug_assertions) {
        UNOPTIMISED_GOAL
    } else {
        GOAL
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime without I/O");
    let worst = runtime.block_on(async {
        println!("| call | bare, ns | full stack, ns | difference |\n|---|---|---|---|");
        let bare: Arc<dyn Broker> = Arc::new(AtOnce);
        let gate = Arc::new(SendGate::new(1));
        let stack = broker_stack(Arc::clone(&bare), &policy(), gate, &surroundings());
        let full = stack.expect("the policy is valid").broker;
        let account = measure!(way, "broker, account", bare, full, |b: &Arc<dyn Broker>| {
            let b = Arc::clone(b);
            async move { b.account().await.is_ok() }
        });
        let id = ClientOrderId::default();
        let cancel = measure!(way, "broker, cancel", bare, full, |b: &Arc<dyn Broker>| {
            let b = Arc::clone(b);
            async move { b.cancel(InstrumentId(0), id).await.is_ok() }
        });
        let one = [("A".to_owned(), series_of(&[1.0]))].into();
        let bare: Arc<dyn MarketData> = Arc::new(FakeMarketData::new(one));
        let guarded = GuardedSource {
            adapter: Arc::clone(&bare),
            policy: policy(),
            validate: None,
        };
        let full = source_stack(&guarded, &surroundings());
        let full = full.expect("the policy is valid").source;
        let instruments = measure!(way, "source, instruments", bare, full, |s: &Arc<
            dyn MarketData,
        >| {
            let s = Arc::clone(s);
            async move { s.instruments().await.is_ok() }
        });
        let request = HistoryRequest::all(["A"], BarSize::DAY);
        let read = |s: &Arc<dyn MarketData>| {
            let mut answer = s.history(&request);
            async move {
                while let Some(chunk) = stream::next(&mut answer).await {
                    black_box(chunk.is_ok());
                }
            }
        };
        let history = measure!(way, "source, history of one bar", bare, full, read);
        let guarded = GuardedSource {
            validate: Some(Calendar::Utc24x7),
            ..guarded
        };
        let full = source_stack(&guarded, &surroundings());
        let full = full.expect("the policy is valid").source;
        let validated = measure!(way, "the same, validated", bare, full, read);
        [account, cancel, instruments, history, validated]
            .into_iter()
            .fold(0.0, f64::max)
    });
    println!("worst: {worst:.0} ns a call, goal {goal:.0}");
    if worst > goal {
        return std::process::ExitCode::FAILURE;
    }
    std::process::ExitCode::SUCCESS
}
