//! What feeds a kernel: one driver a way of running it.

pub mod backtest;
mod error;
mod progress;

pub use error::RunError;
pub use progress::Progress;
