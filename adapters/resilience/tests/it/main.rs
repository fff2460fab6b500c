//! Integration tests, one binary.

mod broker;
mod circuit_breaker;
mod fallback;
mod kill_gate;
mod metered;
mod named;
mod notices;
mod rate_limit;
mod reliability;
mod retry;
mod stack;
mod timeout;
