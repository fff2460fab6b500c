//! Adapters without a neighbour, which misbehave on command.

mod broker;
mod clock;
mod market_data;

pub use broker::{BrokerFault, FakeBroker};
pub use clock::FakeClock;
pub use market_data::{FakeMarketData, Fault};
