//! Adapters without a neighbour, which misbehave on command.

mod clock;
mod market_data;

pub use clock::FakeClock;
pub use market_data::{FakeMarketData, Fault};
