//! Integration tests, one binary.

mod fallback;
mod metered;
mod named;
mod reliability;
mod stack;
