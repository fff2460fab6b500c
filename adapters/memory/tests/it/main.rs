//! Integration tests, one binary.

mod cache;
mod journal;
mod market_data;
