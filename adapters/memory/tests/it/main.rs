//! Integration tests, one binary.

mod journal;
mod market_data;
