//! Health of a running program: checks at its start and ever after, and what a critical one forbids.

mod checks;
mod gate;
mod heartbeat;
mod pulse;
mod registry;
mod watcher;

pub use checks::{
    Breakers, ClockOffset, Connectivity, DiskSpace, FreeMemory, FreshData, SymbolsThere,
};
pub use gate::{HealthGate, watch};
pub use heartbeat::Heartbeat;
pub use pulse::Pulse;
pub use registry::{CheckResult, HealthRegistry, HealthReport};
pub use watcher::HealthWatcher;
