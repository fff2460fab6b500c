//! Integration tests, one binary.

mod cache;
mod market_data;
