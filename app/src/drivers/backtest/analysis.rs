//! The parts of a summary that are tables: when it hurt, when it earned, with what, at what cost.

use ballast_domain::performance::{Bin, YearReturns};
use serde::Serialize;

/// Everything a report tabulates. Money is in the base currency; losses are negative.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Analysis {
    /// Bars in the moving window of `curves.csv`: the calendar's year.
    pub window: usize,
    /// The benchmark that beta in `curves.csv` is against.
    pub beta_to: Option<String>,
    /// The ten deepest drawdowns, deepest first.
    pub drawdowns: Vec<DrawdownRow>,
    /// Returns by month and year.
    pub years: Vec<YearReturns>,
    /// How often bar returns of which size came.
    pub distribution: Vec<Bin>,
    /// What each symbol earned, in lane order.
    pub contributions: Vec<ContributionRow>,
    /// What each sleeve earned, in the order of their names in the config; empty for a strategy
    /// that runs the account as one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sleeves: Vec<SleeveRow>,
    /// What trading cost.
    pub costs: Costs,
    /// What the data hold of each symbol, in lane order.
    pub data: Vec<DataRow>,
}

/// One time under water.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawdownRow {
    /// Date of the peak; the first bar's for the opening capital.
    pub start: String,
    /// Date of the lowest close.
    pub trough: String,
    /// Date of the first close at or above the peak; `None` while still under water.
    pub recovery: Option<String>,
    /// How deep, as a negative share of the peak.
    pub depth: f64,
    /// Bars from peak to trough.
    pub decline_bars: usize,
    /// Bars from trough to recovery.
    pub recovery_bars: Option<usize>,
    /// Bars from peak to recovery, or to the end of the run.
    pub length_bars: usize,
}

/// What one symbol earned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContributionRow {
    /// The symbol.
    pub symbol: String,
    /// Round trips, open ones included.
    pub trades: usize,
    /// Round trips still open at the end.
    pub open: usize,
    /// Sales less purchases, plus the marks of what is open.
    pub gross_pnl: f64,
    /// Fees paid.
    pub fees: f64,
    /// Dividends and the like.
    pub income: f64,
    /// `gross_pnl - fees + income`.
    pub net_pnl: f64,
    /// `net_pnl` over the opening capital.
    pub net_return: f64,
}

/// What one sleeve earned; the rows add up to the account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SleeveRow {
    /// The sleeve.
    pub sleeve: String,
    /// Its share of equity at the end.
    pub allocation: f64,
    /// Value of its parts of the account's executions, buys and sells both counted.
    pub traded: f64,
    /// Value of what it exchanged with other sleeves inside the account, free of fees.
    pub crossed: f64,
    /// Sales less purchases, plus the marks of what it holds.
    pub gross_pnl: f64,
    /// Its parts of the fees.
    pub fees: f64,
    /// Dividends and the like.
    pub income: f64,
    /// `gross_pnl - fees + income`.
    pub net_pnl: f64,
    /// `net_pnl` over the opening capital.
    pub net_return: f64,
}

/// What trading cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Costs {
    /// Fees paid.
    pub fees: f64,
    /// Notional of all executions, buys and sells both counted.
    pub traded_notional: f64,
    /// Fees over the notional traded; `None` without a trade.
    pub fees_of_traded: Option<f64>,
    /// Fees a year over mean equity.
    pub fees_a_year: Option<f64>,
    /// Total return of the same run without fees and slippage; `None` without a robustness strip.
    pub return_without_costs: Option<f64>,
    /// Total return less that.
    pub cost_of_costs: Option<f64>,
}

/// What the data hold of one symbol.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataRow {
    /// The symbol.
    pub symbol: String,
    /// Date of the first bar.
    pub first: Option<String>,
    /// Date of the last bar.
    pub last: Option<String>,
    /// Bars that came.
    pub bars: usize,
    /// Bars that were expected and did not come.
    pub holes: usize,
    /// Rows before the first bar.
    pub not_listed: usize,
    /// Rows at which its market had no session.
    pub closed: usize,
    /// Rows after its end.
    pub delisted: usize,
    /// Splits.
    pub splits: usize,
    /// Dividends.
    pub dividends: usize,
}
