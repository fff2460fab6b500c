//! The files of a run directory, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A file of a run directory other than its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RunFile {
    /// Totals and identities, machine readable.
    #[serde(rename = "summary.json")]
    Summary,
    /// The settings, canonical.
    #[serde(rename = "config.toml")]
    Config,
    /// `time,cash,positions_value,equity`.
    #[serde(rename = "equity.csv")]
    Equity,
    /// Weights held.
    #[serde(rename = "weights.csv")]
    Weights,
    /// Orders and their last status.
    #[serde(rename = "orders.csv")]
    Orders,
    /// `time,order_id,symbol,side,quantity,price,fee,fee_asset`.
    #[serde(rename = "fills.csv")]
    Fills,
    /// `time,kind,symbol,asset,amount`: every cash posting that is no fill.
    #[serde(rename = "ledger.csv")]
    Ledger,
    /// Round trips.
    #[serde(rename = "trades.csv")]
    Trades,
    /// Return, drawdown, exposure, turnover, moving figures and benchmarks at each close.
    #[serde(rename = "curves.csv")]
    Curves,
    /// One decision a line, with what it means for each instrument.
    #[serde(rename = "decisions.jsonl")]
    Decisions,
    /// For people.
    #[serde(rename = "report.html")]
    Report,
    /// What was counted and how long it took.
    #[serde(rename = "metrics.json")]
    Metrics,
}

impl RunFile {
    /// All files, in the order in which a difference is looked for: settings, then what was
    /// decided, then what followed from it.
    pub const ALL: [Self; 12] = [
        Self::Config,
        Self::Decisions,
        Self::Orders,
        Self::Fills,
        Self::Ledger,
        Self::Equity,
        Self::Weights,
        Self::Trades,
        Self::Curves,
        Self::Summary,
        Self::Report,
        Self::Metrics,
    ];

    /// Whether the file holds times of this one execution, so that equal runs differ in it. All
    /// others follow from settings and data alone.
    pub const fn is_measured(self) -> bool {
        matches!(self, Self::Metrics)
    }

    /// The file's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary.json",
            Self::Config => "config.toml",
            Self::Equity => "equity.csv",
            Self::Weights => "weights.csv",
            Self::Orders => "orders.csv",
            Self::Fills => "fills.csv",
            Self::Ledger => "ledger.csv",
            Self::Trades => "trades.csv",
            Self::Curves => "curves.csv",
            Self::Decisions => "decisions.jsonl",
            Self::Report => "report.html",
            Self::Metrics => "metrics.json",
        }
    }
}

impl fmt::Display for RunFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
