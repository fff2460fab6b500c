//! Ballast as a program and as a library: settings, market data, the kernel, a run directory.
//!
//! The program `ballast` is one line over this crate. To embed it, take as much as you want:
//!
//! | you want | you call |
//! |---|---|
//! | a strategy of your own and a loop in memory | `ballast-domain` alone: [`ballast_domain::simulation::run`] |
//! | the whole program with your strategy in it | [`main_with`]; `ballast init DIR --source CHECKOUT` writes such a crate |
//! | a backtest over your own market-data port | [`drivers::backtest::Backtest`] |
//! | what the program does, with your own engine or clock behind it | [`cli::main`] with your [`engine::Program`] |
//! | to read, prove or compare finished runs | [`run_directory::RunDirectory`], [`run_directory::compare`] |
//!
//! Settings are values: [`config::Config`] is built by hand or read in layers, and says everything
//! that is wrong with it at once.
//!
//! ```
//! use ballast::config::{Config, Layer, from_text, BREAKOUT};
//!
//! // The shipped example with higher fees on top, as `--set execution.fee_bps=20` would have it.
//! let costs = Layer::arguments(["execution.fee_bps=20"])?;
//! let resolved = from_text("breakout.toml", BREAKOUT, costs, "".as_ref()).unwrap();
//! assert_eq!(resolved.origin("execution.fee_bps").unwrap().to_string(), "--set");
//!
//! // The canonical text gives back an equal config, with an equal hash.
//! let again = Config::from_toml(&resolved.config.to_toml()).unwrap();
//! assert_eq!(again.hash(), resolved.config.hash());
//!
//! // A misspelt key is refused with the key that was meant.
//! let errors = Config::from_toml("[risk]\nmax_positon_weight = 0.4").unwrap_err();
//! assert_eq!(errors[0].hint.as_deref(), Some("did you mean 'max_position_weight'?"));
//! # Ok::<(), ballast_domain::Error>(())
//! ```
//!
//! Nothing here keeps state behind the caller's back: no globals, no threads but those of
//! [`cli::main`], and time enters through [`engine::Machine`] alone.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

pub mod account_folder;
pub mod alarm;
pub mod audit_log;
pub mod cli;
pub mod commands;
pub mod config;
pub mod drivers;
pub mod engine;
pub mod exit;
pub mod health;
pub mod machine;
pub mod reports;
pub mod run_directory;
pub mod sample;
pub mod stable_hash;
pub mod wiring;

use std::process::ExitCode;

use drivers::FileEngine;
use engine::Program;
use machine::ThisMachine;
use wiring::Strategies;

/// The program `ballast` as a process, with these strategies for its configs: every command, the
/// same kernel, the same run directory.
///
/// ```no_run
/// use ballast::wiring::Strategies;
/// use ballast_domain::strategies::EqualWeightHold;
///
/// fn main() -> std::process::ExitCode {
///     ballast::main_with(Strategies::built_in().with("mine", |choice, instruments| {
///         let parameters = choice.typed_parameters()?;
///         Ok(Box::new(EqualWeightHold::new(&parameters, instruments)?))
///     }))
/// }
/// ```
pub fn main_with(strategies: Strategies) -> ExitCode {
    cli::main(&Program {
        engine: &FileEngine {
            strategies,
            ..FileEngine::default()
        },
        machine: &ThisMachine::new(),
    })
}
