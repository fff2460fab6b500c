//! Integration tests, one binary.

mod broken_sources;
mod fake_broker;
mod fake_cache;
mod fake_market_data;
mod parity;
mod simworld;
