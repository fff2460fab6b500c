//! A venue to try a strategy on: the exchange core, its cost models, and the backtest loop.

mod exchange;
mod fee_model;
mod fill_point;
mod run;
mod slippage_model;

pub use exchange::{Exchange, ExchangeSettings};
pub use fee_model::FeeModel;
pub use fill_point::FillPoint;
pub use run::{BarClose, RunTotals, Sink, run};
pub use slippage_model::SlippageModel;
