//! Orders in FIX words: intents, their ids, their life, and their fills.

mod fill;
mod id;
mod intent;
mod order;
mod report;
mod status;

pub use fill::{Fill, TradeId};
pub use id::{ClientOrderId, Installation, OrderId};
pub use intent::{Cause, Intent, OrderType, Side, TimeInForce};
pub use order::{Applied, Order};
pub use report::OrderReport;
pub use status::OrderStatus;
