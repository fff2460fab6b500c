//! What Ballast needs from the outside, as traits in domain words.
//!
//! A port is written for its callers: small, object safe, in domain types, without a default body
//! that succeeds. An adapter implements it for one neighbour, in a crate of its own under
//! `adapters/`; `app` is the only crate that knows every adapter. An adapter never names another
//! one: behaviour that any of them can use (retry, rate limit, cache) is a decorator, which
//! implements the port it wraps.
//!
//! | port | what it is | read |
//! |---|---|---|
//! | [`MarketData`] | bars and corporate actions, past and live | [`market_data`] |
//! | [`Broker`] | a venue that takes orders, each with its permit | [`broker`] |
//! | [`VenueReports`] | the account as its venue shows it whole | [`venue_reports`] |
//! | [`Clock`] | trading time | [`clock`] |
//! | [`Cache`] | bytes that may be stale, never wrong | [`cache`] |
//! | [`BreakerStore`] | breakers that several programs have together | [`breaker_store`] |
//! | [`Journal`] | the durable record of a kernel | [`journal`] |
//! | [`FailureStore`] | failed calls and refused orders | [`failure_store`] |
//! | [`Health`] | what a part says about itself | [`health`] |
//! | [`Secrets`] | keys and passwords | [`secrets`] |
//!
//! Every method is documented under the same heads: Behaviour, Errors, Idempotency, Cancellation,
//! and what an adapter author must know. [`MarketData`], [`Broker`], [`Journal`], [`Cache`] and
//! [`BreakerStore`] have a conformance suite in `ballast-testkit`; an adapter is done when it passes.
//!
//! Failures are one type, [`Error`]: the adapter classifies once, where it can still see the
//! status code, and callers ask [`Error::is_transient`].
//!
//! The feature `mock` gives a mockall mock of every port, for tests that count calls; prefer the
//! fakes of `ballast-testkit` elsewhere.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

pub mod breaker_store;
pub mod broker;
pub mod cache;
mod chunk;
pub mod clock;
mod cut;
mod error;
pub mod failure_store;
pub mod health;
mod held;
pub mod journal;
pub mod market_data;
pub mod secrets;
pub mod stream;
pub mod venue_reports;

#[cfg(any(test, feature = "mock"))]
pub use breaker_store::MockBreakerStore;
pub use breaker_store::{BreakerStore, KeptBreaker, SharedBreakerState, SharedPhase};
#[cfg(any(test, feature = "mock"))]
pub use broker::MockBroker;
pub use broker::{
    AccountReport, Broker, BrokerCapabilities, Idempotency, OrderReport, SubmitOutcome,
};
#[cfg(any(test, feature = "mock"))]
pub use cache::MockCache;
pub use cache::{Cache, Entry, Freshness, Lifetime};
pub use chunk::Chunk;
pub use clock::Clock;
#[cfg(any(test, feature = "mock"))]
pub use clock::MockClock;
pub use error::{Error, ErrorKind, Result};
#[cfg(any(test, feature = "mock"))]
pub use failure_store::MockFailureStore;
pub use failure_store::{Failure, FailureOutcome, FailureStore};
#[cfg(any(test, feature = "mock"))]
pub use health::MockHealth;
pub use health::{Finding, Health, Severity, Standing};
pub use held::HeldSeries;
#[cfg(any(test, feature = "mock"))]
pub use journal::MockJournal;
pub use journal::{Committed, Journal, JournalBatch, JournalRecord, Snapshot};
#[cfg(any(test, feature = "mock"))]
pub use market_data::MockMarketData;
pub use market_data::{
    HistoryRequest, ListedInstrument, LiveBar, MarketData, MarketDataCapabilities, MarketDataExt,
    SubscribeRequest,
};
#[cfg(any(test, feature = "mock"))]
pub use secrets::MockSecrets;
pub use secrets::{Secret, SecretName, Secrets};
pub use stream::BoxStream;
#[cfg(any(test, feature = "mock"))]
pub use venue_reports::MockVenueReports;
pub use venue_reports::VenueReports;
