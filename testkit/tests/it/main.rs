//! Integration tests, one binary.

mod broken_sources;
mod fake_market_data;
mod parity;
mod simworld;
