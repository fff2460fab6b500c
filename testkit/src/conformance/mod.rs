//! What every adapter of a port must do, one behaviour a function.
//!
//! A suite is a list of async functions that panic on a violation, and a macro that makes one named
//! test of each. Decorators and fakes pass the same suites as adapters.

pub mod breaker_store;
pub mod broker;
pub mod cache;
pub mod journal;
pub mod market_data;
