//! What a run was worth: returns, ratios, drawdowns, tails, trades and turnover.
//!
//! Statistics are f64 over plain slices, trade results are exact [`Cash`](crate::money::Cash).
//! Conventions, the same everywhere in this room:
//! - returns are simple, one per bar; `0.01` is one percent;
//! - losses and drawdowns are negative numbers;
//! - the risk-free rate is zero;
//! - `annualisation` is the number of bars in a year (365 for daily bars of a market that never
//!   closes, 252 for daily bars of US equities);
//! - sums run in the order of the bars and are compensated, so a result does not depend on scale
//!   or on the machine;
//! - a figure that is not defined (a Sharpe ratio without variance, a Calmar ratio without a
//!   drawdown) is `None` and becomes `null`; NaN and infinity never leave.

mod benchmark;
mod calendar_returns;
mod contribution;
mod drawdown;
mod histogram;
mod moments;
mod normal;
mod ratios;
mod returns;
mod risk_figures;
mod rolling;
mod summary;
mod tail;
mod trade_statistics;
mod trades;
mod turnover;

pub use benchmark::{BenchmarkComparison, compare_to_benchmark};
pub use calendar_returns::{YearReturns, calendar_returns};
pub use contribution::{Contribution, contributions};
pub use drawdown::{
    Drawdown, MaxDrawdown, drawdowns, max_drawdown, ulcer_index, underwater, worst_drawdowns,
};
pub use histogram::{Bin, histogram};
pub use moments::{excess_kurtosis, mean, skew, standard_deviation, sum};
pub use normal::normal_quantile;
pub use ratios::{
    annual_volatility, calmar, downside_deviation, hit_rate, omega, sharpe, sortino, tail_ratio,
};
pub use returns::{cagr, check_equity, check_returns, simple_returns, total_return, wealth};
pub use risk_figures::RiskFigures;
pub use rolling::{rolling_beta, rolling_sharpe, rolling_turnover, rolling_volatility};
pub use summary::Metrics;
pub use tail::{es_historical, es_tail_mean, percentile, var_historical, var_parametric};
pub use trade_statistics::{TradeStatistics, trade_statistics};
pub use trades::{
    Adjustment, FillRow, OpenMark, RoundTrips, Trade, TradeEvent, TradeSide, round_trips,
};
pub use turnover::{Turnover, turnover};

/// `value` when it is a number one can print.
fn defined(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
