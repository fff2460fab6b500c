//! The seams of the program: what runs a backtest, and what the machine tells.
//!
//! [`Program`] holds both; `main` fills it with the real ones, a test with fakes.

use std::collections::BTreeMap;
use std::fmt;

use ballast_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Resolved;
use crate::exit::Failure;
use crate::progress::Progress;
use crate::registry::Registry;
use crate::run_directory::RunWriter;

/// Everything the commands need from outside.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The strategies a config can name.
    pub strategies: &'a Registry,
    /// What runs a backtest.
    pub engine: &'a dyn Engine,
    /// What the machine tells.
    pub machine: &'a dyn Machine,
}

/// Runs a backtest.
pub trait Engine: fmt::Debug {
    /// Runs `settings` and writes the results into `run`.
    ///
    /// # Behaviour
    /// Loads the data, names it with [`RunWriter::identify`], runs, and writes every
    /// [`RunFile`](crate::run_directory::RunFile) but `config.toml` and `summary.json`: those two
    /// and the manifest are written by the caller. All bytes follow from `settings.config` and
    /// the data alone.
    ///
    /// # Errors
    /// Data that is missing or refused, a strategy or limit that cannot be used, a broken
    /// invariant, or [`Failure::interrupted`].
    fn backtest(
        &self,
        settings: &Resolved,
        run: &mut RunWriter,
        progress: &mut dyn Progress,
    ) -> Result<Summary, Failure>;
}

/// What the machine tells. Nothing of it reaches a result.
pub trait Machine: fmt::Debug {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Seconds of machine time since some fixed instant; never decreases.
    fn seconds(&self) -> f64;

    /// The largest resident memory of this process, in bytes, where the system tells.
    fn peak_memory_bytes(&self) -> Option<u64>;
}

/// The totals of a run: `summary.json` (with the identity) and what is printed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Last equity over first, less one.
    pub total_return: f64,
    /// Annualised; `None` when it is not defined.
    pub sharpe: Option<f64>,
    /// Largest loss from a peak, 0 or less.
    pub max_drawdown: f64,
    /// Round trips.
    pub trades: u64,
    /// Fees paid, in the base currency. The exact amounts are in `fills.csv`.
    pub fees: f64,
    /// The last equity, in the base currency. The exact one is in `equity.csv`.
    pub final_equity: f64,
    /// Every other figure by its name; `None` where it is not defined.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// What the run is compared with.
    pub benchmarks: Vec<Variant>,
    /// The same run at other costs, and one bar later.
    pub robustness: Vec<Variant>,
    /// What a reader has to know: conventions, survivorship, costs.
    pub notes: Vec<String>,
}

/// The totals of a benchmark or of a run under other assumptions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name, such as `costs x2`.
    pub name: String,
    /// As [`Summary::total_return`].
    pub total_return: f64,
    /// As [`Summary::sharpe`].
    pub sharpe: Option<f64>,
    /// As [`Summary::max_drawdown`].
    pub max_drawdown: f64,
}
