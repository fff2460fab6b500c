//! Decorators in their standard order: the one place that decides on it.
//!
//! Read a stack from the adapter at its beginning to what the caller gets at its end.

use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::kernel::SendGate;
use ballast_ports::{Broker, Cache, Clock, Error, ErrorKind, FailureStore, MarketData, Result};
use ballast_resilience::{
    Breaker, Cached, CircuitBreaker, Closable, Fallback, FallbackAlarm, FallbackSettings, KillGate,
    Level, Limiter, Metered, MeteredBroker, MetricsRegistry, Notice, RateLimit, RecordFailures,
    ReliabilityWatch, Reporter, ResiliencePolicy, Retry, SingleSource, StalenessPolicy, Timeout,
    Traced, Validated, record_retries,
};

/// What every stack shares.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Trading time.
    pub clock: Arc<dyn Clock>,
    /// Where failures go.
    pub failures: Arc<dyn FailureStore>,
    /// Counters, and the hook of logs and alerts.
    pub reporter: Reporter,
}

impl Surroundings {
    /// Counts into `metrics`; notices are logged, attempts that are tried again are recorded, and
    /// `alert` is told everything.
    pub fn new(
        clock: Arc<dyn Clock>,
        failures: Arc<dyn FailureStore>,
        metrics: &MetricsRegistry,
        alert: impl Fn(&Notice) + Send + Sync + 'static,
    ) -> Self {
        let record = record_retries(Arc::clone(&failures), Arc::clone(&clock));
        let reporter = Reporter::new(metrics, move |notice| {
            log(notice);
            record(notice);
            alert(notice);
        });
        Self {
            clock,
            failures,
            reporter,
        }
    }
}

/// One line of the log. A failed call is told with who was called, for what, the kind of its error and
/// the number that all lines of this call share.
pub(super) fn log(notice: &Notice) {
    let failed = notice.failed_call();
    let component = failed.map(|failed| failed.component);
    let operation = failed.map(|failed| failed.operation);
    let kind = failed.map(|failed| failed.kind.name());
    let call = failed.map(|failed| failed.call);
    match notice.level() {
        Level::Warning => {
            tracing::warn!(target: "ballast::resilience", component, operation, kind, call, "{notice}");
        }
        Level::Error => {
            tracing::error!(target: "ballast::resilience", component, operation, kind, call, "{notice}");
        }
    }
}

/// A source and what it is guarded by.
#[derive(Clone, Debug)]
pub struct GuardedSource {
    /// The adapter.
    pub adapter: Arc<dyn MarketData>,
    /// Its guards.
    pub policy: ResiliencePolicy,
    /// The calendar its answers are held against; `None` leaves them unchecked.
    pub validate: Option<Calendar>,
}

/// A source behind its guards, with the handles an operator needs.
#[derive(Clone, Debug)]
pub struct SourceStack {
    /// What callers use.
    pub source: Arc<dyn MarketData>,
    /// Its breaker: statistics and reset.
    pub breaker: Breaker,
    /// Its limiter: forecast, and feedback of what the neighbour counts.
    pub limiter: Limiter,
    /// Lets go of its adapter.
    pub closable: Arc<Closable>,
}

/// `failures > validated > metered > retry > breaker > rate limit > timeout > closable > adapter`.
///
/// # Errors
/// `Config` when a policy cannot work.
pub fn source_stack(guarded: &GuardedSource, around: &Surroundings) -> Result<SourceStack> {
    let (policy, reporter) = (&guarded.policy, &around.reporter);
    policy.check()?;
    let name = guarded.adapter.name().to_owned();
    let breaker = Breaker::new(&name, policy.breaker.clone(), reporter)?;
    let limiter = Limiter::new(&name, policy.rate.clone(), reporter)?;

    let closable = Arc::new(Closable::new(Arc::clone(&guarded.adapter)));
    let timed = Arc::new(Timeout::new(Arc::clone(&closable), policy.timeout)?);
    let limited = Arc::new(RateLimit::new(timed, &limiter));
    let broken = Arc::new(CircuitBreaker::new(limited, &breaker));
    let retried = Arc::new(Retry::new(broken, &name, policy.retry.clone(), reporter)?);
    let metered = Metered::new(retried, Arc::clone(&around.clock), &reporter.metrics);
    let validated: Arc<dyn MarketData> = match guarded.validate {
        Some(calendar) => Arc::new(Validated::new(
            Arc::new(metered),
            calendar,
            Arc::clone(&around.clock),
        )),
        None => Arc::new(metered),
    };
    let source = RecordFailures::new(
        validated,
        &name,
        Arc::clone(&around.failures),
        Arc::clone(&around.clock),
        reporter,
    );
    Ok(SourceStack {
        source: Arc::new(source),
        breaker,
        limiter,
        closable,
    })
}

/// How sources stand behind each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CascadeSettings {
    /// Whether any source but the first is asked.
    pub use_fallback: bool,
    /// When the cascade goes back to its primary.
    pub fallback: FallbackSettings,
    /// How old answers of the cache may be; its `serve_when_down` switches old ones off.
    pub staleness: StalenessPolicy,
    /// When the share of fallbacks is an alarm.
    pub alarm: FallbackAlarm,
}

impl Default for CascadeSettings {
    /// Every stage, with the defaults of its part.
    fn default() -> Self {
        Self {
            use_fallback: true,
            fallback: FallbackSettings::default(),
            staleness: StalenessPolicy::default(),
            alarm: FallbackAlarm::default(),
        }
    }
}

/// Market data from guarded sources, with the handles an operator needs.
#[derive(Debug)]
pub struct MarketDataStack {
    /// What callers use: provenance by `fetch`, statistics by `report`.
    pub source: Arc<ReliabilityWatch<dyn Traced>>,
    /// The sources, as they were given.
    pub sources: Vec<SourceStack>,
}

impl MarketDataStack {
    /// Closes every source that is used, the primary and its fallbacks; once is enough. A cache still
    /// answers what it has.
    pub fn close(&self) {
        for stack in &self.sources {
            stack.closable.close();
        }
    }
}

/// `reliability > cached > fallback[ source stacks ]`, without what is not given.
///
/// # Errors
/// `Config` when there is no source, when they cannot stand in for each other, or when a policy cannot
/// work.
pub fn market_data_stack(
    sources: &[GuardedSource],
    cache: Option<Arc<dyn Cache>>,
    settings: &CascadeSettings,
    around: &Surroundings,
) -> Result<MarketDataStack> {
    let used = if settings.use_fallback {
        sources
    } else {
        &sources[..sources.len().min(1)]
    };
    let stacks: Vec<_> = used
        .iter()
        .map(|source| source_stack(source, around))
        .collect::<Result<_>>()?;
    let clock = || Arc::clone(&around.clock);
    let cascade: Arc<dyn Traced> = match &stacks[..] {
        [] => {
            return Err(
                Error::new(ErrorKind::Config, "open", "market data has no source")
                    .hint("name at least one"),
            );
        }
        [only] => Arc::new(SingleSource::new(Arc::clone(&only.source), clock())),
        all => {
            let sources = all.iter().map(|stack| Arc::clone(&stack.source)).collect();
            let metrics = &around.reporter.metrics;
            let cascade = Fallback::new(sources, settings.fallback, clock(), metrics)?;
            Arc::new(cascade)
        }
    };
    let cached: Arc<dyn Traced> = match cache {
        Some(cache) => Arc::new(Cached::new(
            cascade,
            &names(&stacks),
            cache,
            settings.staleness,
            clock(),
            &around.reporter,
        )?),
        None => cascade,
    };
    let watched = ReliabilityWatch::new(cached, settings.alarm, &around.reporter)?;
    Ok(MarketDataStack {
        source: Arc::new(watched),
        sources: stacks,
    })
}

/// What entries of the cache are kept under: the sources, in their order.
fn names(stacks: &[SourceStack]) -> String {
    let names: Vec<_> = stacks.iter().map(|stack| stack.source.name()).collect();
    names.join("+")
}

/// A broker behind its guards, with the handles an operator needs.
#[derive(Clone, Debug)]
pub struct BrokerStack {
    /// What the driver uses.
    pub broker: Arc<dyn Broker>,
    /// Its breaker: statistics and reset.
    pub breaker: Breaker,
    /// Its limiter: forecast, and feedback of what the venue counts.
    pub limiter: Limiter,
}

/// `failures > metered > retry (reads and cancels) > breaker > rate limit > kill gate > timeout > adapter`.
///
/// # Errors
/// `Config` when a policy cannot work.
pub fn broker_stack(
    adapter: Arc<dyn Broker>,
    policy: &ResiliencePolicy,
    gate: Arc<SendGate>,
    around: &Surroundings,
) -> Result<BrokerStack> {
    policy.check()?;
    let reporter = &around.reporter;
    let name = adapter.name().to_owned();
    let breaker = Breaker::new(&name, policy.breaker.clone(), reporter)?;
    let limiter = Limiter::new(&name, policy.rate.clone(), reporter)?;

    let timed = Arc::new(Timeout::new(adapter, policy.timeout)?);
    let gated = Arc::new(KillGate::new(timed, gate, Arc::clone(&around.clock)));
    let limited = Arc::new(RateLimit::new(gated, &limiter));
    let broken = Arc::new(CircuitBreaker::new(limited, &breaker));
    let retried = Arc::new(Retry::new(broken, &name, policy.retry.clone(), reporter)?);
    let metered = Arc::new(MeteredBroker::new(retried, &reporter.metrics));
    let recorded = RecordFailures::new(
        metered,
        &name,
        Arc::clone(&around.failures),
        Arc::clone(&around.clock),
        reporter,
    );
    Ok(BrokerStack {
        broker: Arc::new(recorded),
        breaker,
        limiter,
    })
}
