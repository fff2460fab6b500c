//! The pure core of Ballast: values in, decisions out.
//!
//! No I/O, no clock, no threads, no randomness: time is an argument, market data is a value, and
//! every decision is a function of what was pushed into it. Read the modules in this order.

pub mod error;
pub mod money;
pub mod time;

pub mod indicators;
pub mod signals;
pub mod universe;
pub mod weighting;

pub use error::{Error, Result};
