//! Integration tests, one binary.

mod batch_fetcher;
mod broker;
mod cached;
mod circuit_breaker;
mod closable;
mod fallback;
mod kill_gate;
mod metered;
mod named;
mod notices;
mod rate_limit;
mod record_failures;
mod reliability;
mod reliability_watch;
mod retry;
mod secrets;
mod shared_breaker;
mod stack;
mod timeout;
mod validated;
