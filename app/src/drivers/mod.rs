//! What feeds a kernel: one driver a way of running it.

pub mod backtest;
mod error;
pub mod live;
mod progress;
mod recorded;

pub use error::RunError;
pub use progress::Progress;
pub use recorded::{FileEngine, INDICATORS_ASKED, INDICATORS_COMPUTED, STALE_DECISIONS};
