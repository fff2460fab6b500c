//! What tests are made of: builders, fakes and the conformance suite of each port.
//!
//! A dev-dependency only. [`builders`] make domain values from a seed, [`fakes`] are adapters that
//! misbehave on command, and [`conformance`] holds what every adapter of a port must do, one
//! behaviour a function:
//!
//! ```text
//! mod market_data {
//!     ballast_testkit::market_data_conformance!(super::subject());
//! }
//! ```

pub mod builders;
pub mod by_hand;
pub mod conformance;
#[cfg(feature = "sandbox-venue")]
pub mod crash;
pub mod fakes;
pub mod journals;
pub mod permits;
#[cfg(unix)]
pub mod postgres;
#[cfg(feature = "sandbox-venue")]
pub mod sandbox;
pub mod simworld;
