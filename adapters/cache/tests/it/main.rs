//! Integration tests, one binary.

mod file_cache;
