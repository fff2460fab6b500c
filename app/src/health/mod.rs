//! Health of a running program: checks at its start and ever after, and what a critical one forbids.

mod checks;
mod gate;
mod heartbeat;
mod registry;

pub use checks::{
    Breakers, ClockOffset, Connectivity, DiskSpace, FreeMemory, FreshData, SymbolsThere,
};
pub use gate::{HealthGate, watch};
pub use heartbeat::Heartbeat;
pub use registry::{CheckResult, HealthRegistry, HealthReport};
