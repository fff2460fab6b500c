//! The figures of a run, as summary.json and every page show them.

use ballast_domain::performance::{BenchmarkComparison, Metrics, TradeStatistics, Turnover};
use serde::{Deserialize, Serialize};

use super::analysis::Analysis;
use crate::run_directory::Identity;

/// Everything a run says about itself. Money is in the base currency; losses are negative.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Name of the run.
    pub name: String,
    /// Name of the strategy.
    pub strategy: String,
    /// What the result is a function of, and the name that follows from it.
    #[serde(flatten)]
    pub identity: Identity,
    /// Open of the first bar.
    pub start: String,
    /// Close of the last bar.
    pub end: String,
    /// Bars delivered.
    pub bars: usize,
    /// Symbols, in lane order.
    pub symbols: Vec<String>,
    /// Base currency.
    pub currency: String,
    /// Capital at the start.
    pub initial_cash: f64,
    /// Cash and positions at the last close.
    pub final_equity: f64,
    /// Final equity over capital, less one.
    pub total_return: f64,
    /// Annualised Sharpe ratio at a risk-free rate of zero.
    pub sharpe: Option<f64>,
    /// Deepest fall from a peak, negative.
    pub max_drawdown: Option<f64>,
    /// Round trips that were closed.
    pub trades: usize,
    /// Fees paid.
    pub fees: f64,
    /// Dividends and cash in lieu received.
    pub income: f64,
    /// Mean share of equity that was invested.
    pub average_gross: f64,
    /// All performance figures.
    pub metrics: Metrics,
    /// Statistics over round trips.
    pub trade_statistics: TradeStatistics,
    /// How much was traded.
    pub turnover: Turnover,
    /// The order path in numbers.
    pub orders: OrderCounts,
    /// What the run is compared with.
    pub benchmarks: Vec<BenchmarkSummary>,
    /// The same run at other costs and one bar later.
    pub robustness: Vec<RobustnessRow>,
    /// What to keep in mind when believing these numbers.
    pub caveats: Vec<Caveat>,
    /// What was wrong with the data: a line a kind and symbol.
    pub data_findings: Vec<DataFinding>,
    /// Drawdowns, calendar returns, contributions, costs and data, in tables.
    pub analysis: Analysis,
}

/// The order path in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OrderCounts {
    /// Decisions that took effect.
    pub decisions: u64,
    /// Orders wanted; each got a verdict.
    pub intents: u64,
    /// Orders risk refused.
    pub denied: u64,
    /// Orders sent, each with its permit.
    pub sent: u64,
    /// Executions.
    pub fills: u64,
    /// Targets that were not reached.
    pub residuals: u64,
    /// Orders that still waited when the data ended.
    pub open_at_end: usize,
}

/// Defects of one kind in the data of one symbol that did not refuse them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataFinding {
    /// The kind, such as `STUCK_PRICE`.
    pub code: String,
    /// The symbol, where one is meant.
    pub symbol: Option<String>,
    /// What became of it: `warned`, `dropped` or `repaired`.
    pub consequence: String,
    /// How many there are.
    pub count: u64,
    /// File and line of the first.
    pub first: String,
    /// What is wrong with the first.
    pub message: String,
}

/// What a run is compared with.
#[derive(Clone, Debug, Serialize)]
pub struct BenchmarkSummary {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Final over first value, less one.
    pub total_return: f64,
    /// Annualised Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Deepest fall from a peak, negative.
    pub max_drawdown: Option<f64>,
    /// The run's returns against this one's.
    pub comparison: BenchmarkComparison,
}

/// The run once more under other conditions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustnessRow {
    /// What is different.
    pub name: String,
    /// Multiple of the configured costs.
    pub costs: i64,
    /// Bars between decision and effect.
    pub signal_lag: usize,
    /// Final over first value, less one.
    pub total_return: f64,
    /// Annualised Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Deepest fall from a peak, negative.
    pub max_drawdown: Option<f64>,
    /// Final equity.
    pub final_equity: f64,
}

/// Something to keep in mind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caveat {
    /// About what.
    pub topic: String,
    /// What.
    pub text: String,
}
