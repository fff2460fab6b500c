//! Decorators: each implements the port it wraps and adds one behaviour, whoever is inside.
//!
//! | decorator | adds |
//! |---|---|
//! | [`Metered`] | counts calls, errors, bars and latency into a [`MetricsRegistry`] |
//! | [`Fallback`] | asks the next source when one fails, and says who answered: [`Provenance`] |
//! | [`SingleSource`] | the provenance of a source without a cascade |
//! | [`Cached`] | fresh answers without asking, old ones when nobody answers |
//! | [`ReliabilityWatch`] | counts who answered, and says when fallbacks answer too often |
//! | [`Retry`] | asks again after an error that may pass; never an order |
//! | [`CircuitBreaker`] | leaves a neighbour alone that fails too often: [`Breaker`] |
//! | [`RateLimit`] | lets calls leave no faster than allowed: [`Limiter`] |
//! | [`Timeout`] | ends a call that takes too long |
//! | [`Closable`] | lets go of a source for all its callers |
//! | [`MeteredBroker`] | counts what a broker is asked |
//! | [`Validated`] | refuses what breaks the data contract |
//! | [`RecordFailures`] | puts failed calls and refused orders into a store |
//! | [`KillGate`] | refuses an order early when its account was killed |
//!
//! [`BatchFetcher`] is no decorator: it fetches what a [`FetchPlan`] needs, each history once.
//!
//! A decorator knows no venue and passes the conformance suite of its port around anything that
//! does. Trading time comes from the [`Clock`](ballast_ports::Clock) it is given; waits, limits and
//! windows are machine time, which is never scaled. Around a broker an error before the write is
//! `NotSent` with the permit, and one after it `Unknown`. Their order is decided in one place,
//! `app/src/wiring/stacks.rs`.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod allowance;
mod backoff;
mod batch_fetcher;
mod breaker;
mod cache_key;
mod cached;
mod circuit_breaker;
mod closable;
mod deferred;
mod disagreement;
mod fallback;
mod fetch_plan;
mod hysteresis;
mod kill_gate;
mod lazily;
mod limiter;
mod machine_time;
mod metered;
mod metered_broker;
mod metrics_registry;
mod notice;
mod observed;
mod policy;
mod provenance;
mod rate_limit;
mod record_failures;
mod reliability;
mod retry;
mod shared_breaker;
mod single_source;
mod stored_answer;
mod timeout;
mod validated;

pub use allowance::Rule;
pub use backoff::{AttemptBudget, Growth, Jitter, RetryOn, RetryPolicy};
pub use batch_fetcher::{Batch, BatchFetcher, Fetched};
pub use breaker::{
    Breaker, BreakerPolicy, BreakerState, BreakerStatistics, CircuitOpen, Pass, Transition,
};
pub use cache_key::CacheKey;
pub use cached::{Cached, StalenessPolicy};
pub use circuit_breaker::CircuitBreaker;
pub use closable::Closable;
pub use deferred::deferred;
pub use disagreement::Disagreement;
pub use fallback::{Fallback, FallbackSettings, passes_on};
pub use fetch_plan::{FetchPlan, PlanKey};
pub use kill_gate::KillGate;
pub use limiter::{Forecast, Limit, Limiter, RatePolicy, Urgency};
pub use machine_time::TimedOut;
pub use metered::Metered;
pub use metered_broker::MeteredBroker;
pub use metrics_registry::{Counter, Gauge, Kind, MetricsRegistry, MetricsSnapshot, Sample};
pub use notice::{FailedCall, Level, Notice, Reporter};
pub use policy::ResiliencePolicy;
pub use provenance::{Answer, FetchRecord, Provenance, Role, SourceFailure, Traced};
pub use rate_limit::RateLimit;
pub use record_failures::{RecordFailures, record_retries};
pub use reliability::{FallbackAlarm, ReliabilityReport, ReliabilityWatch};
pub use retry::Retry;
pub use shared_breaker::{SharedBreaker, SharedPass};
pub use single_source::SingleSource;
pub use timeout::Timeout;
pub use validated::Validated;
