//! A venue to try a strategy on: the exchange core, its cost models, and the backtest loop.

mod corporate_actions;
mod exchange;
mod exchange_settings;
mod executions;
mod fee_model;
mod fill_point;
mod funding;
mod limit_orders;
mod margin;
mod matching;
mod quotes;
mod run;
mod run_end;
#[cfg(feature = "served")]
mod served;
mod sessions;
mod sink;
mod slippage_model;
mod stages;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_margin;
#[cfg(test)]
mod tests_quotes;
#[cfg(test)]
mod trial;
mod venue_log;
mod venue_order;
mod venue_rules;

pub use exchange::Exchange;
pub use exchange_settings::ExchangeSettings;
pub use fee_model::{FeeAsset, FeeModel, FeeSchedule, Liquidity};
pub use fill_point::FillPoint;
pub use funding::FundingRate;
pub use margin::MarginTerms;
pub use quotes::Quote;
pub use run::{RunTotals, check_data, run};
pub use sink::{BarClose, Sink, Step};
pub use slippage_model::SlippageModel;
pub use stages::{Cursor, Stage};
pub use venue_log::{VenueInput, VenueState};
pub use venue_order::VenueOrder;
pub use venue_rules::{LimitFills, REMEMBERED, VenueRules};
