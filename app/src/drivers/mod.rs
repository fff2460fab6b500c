//! What feeds a kernel: one driver a way of running it.

pub mod backtest;
