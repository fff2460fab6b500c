//! Adapters without a neighbour, which misbehave on command.

mod breaker_store;
mod broker;
mod cache;
mod clock;
mod market_data;

pub use breaker_store::FakeBreakerStore;
pub use broker::{BrokerFault, FakeBroker};
pub use cache::FakeCache;
pub use clock::FakeClock;
pub use market_data::{FakeMarketData, Fault};
