//! Integration tests, one binary.

mod broken_sources;
mod fake_breaker_store;
mod fake_broker;
mod fake_cache;
mod fake_market_data;
mod parity;
#[cfg(feature = "sandbox-venue")]
mod sandbox_venue;
mod simworld;
