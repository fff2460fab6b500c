//! Decorators: each implements the port it wraps and adds one behaviour, whoever is inside.
//!
//! | decorator | adds |
//! |---|---|
//! | [`Metered`] | counts calls, errors, bars and latency into a [`MetricsRegistry`] |
//! | [`Fallback`] | asks the next source when one fails, and says who answered: [`Provenance`] |
//!
//! A decorator knows no venue, passes the conformance suite of its port around any source that
//! does, and takes its time from the [`Clock`](ballast_ports::Clock) it is given. The order of a
//! stack is outermost first: `Metered > Fallback[Metered > source, Metered > source]`.

mod deferred;
mod fallback;
mod hysteresis;
mod metered;
mod metrics_registry;
mod observed;
mod provenance;

pub use fallback::{Fallback, FallbackSettings, passes_on};
pub use metered::Metered;
pub use metrics_registry::{Counter, Gauge, Kind, MetricsRegistry, MetricsSnapshot, Sample};
pub use provenance::{Answer, Provenance, Role, SourceFailure};
