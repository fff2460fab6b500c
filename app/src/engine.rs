//! The seams of the program: what runs a backtest, and what the machine tells.
//!
//! [`Program`] holds both; `main` fills it with the real ones, a test with fakes.

use std::fmt;

use ballast_domain::error::Result;
use ballast_domain::time::Timestamp;

use crate::config::{Resolved, StrategyChoice};
use crate::drivers::Progress;
use crate::drivers::backtest::Summary;
use crate::exit::Failure;
use crate::run_directory::RunWriter;
use crate::wiring::Strategies;

/// Everything the commands need from outside.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// What runs a backtest.
    pub engine: &'a dyn Engine,
    /// What the machine tells.
    pub machine: &'a dyn Machine,
}

/// Runs a backtest.
pub trait Engine: fmt::Debug {
    /// Builds the strategy once, to hear what it says about its parameters.
    ///
    /// # Errors
    /// `Configuration` for an unknown name (the error lists the available ones), an unknown
    /// parameter or one out of range.
    fn check_strategy(&self, choice: &StrategyChoice) -> Result<()>;

    /// The strategies a config may name.
    fn strategies(&self) -> &Strategies;

    /// Runs `settings` and writes the results into `run`.
    ///
    /// # Behaviour
    /// Loads the data, names it with [`RunWriter::identify`], runs, and writes every
    /// [`RunFile`](crate::run_directory::RunFile) but `config.toml`, `summary.json` and
    /// `metrics.json`: those three and the manifest are written by the caller. All bytes follow
    /// from `settings.config` and the data alone; what depends on time goes into
    /// [`RunWriter::metrics`].
    ///
    /// # Errors
    /// Data that is missing or refused, a strategy or limit that cannot be used, a broken
    /// invariant, or [`Failure::interrupted`].
    fn backtest(
        &self,
        settings: &Resolved,
        run: &mut RunWriter,
        progress: &mut dyn Progress,
    ) -> std::result::Result<Summary, Failure>;
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
