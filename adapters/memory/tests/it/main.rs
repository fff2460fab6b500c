//! Integration tests, one binary.

mod market_data;
