//! The grammar of the command line.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};

use crate::commands::settings::SettingsRequest;

/// Systematic trading that keeps a portfolio upright: backtests through the kernel that trades.
#[derive(Debug, Parser)]
#[command(name = "ballast", version, after_help = EXIT_CODES, propagate_version = true)]
pub(super) struct Arguments {
    /// Folder of everything Ballast keeps
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "ballast-data"
    )]
    pub(super) home: PathBuf,
    /// Answer with one JSON object
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// No progress, no answer when all is well
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Say what happens inside, on standard error; twice for more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 2 command line or config wrong, 3 data missing or refused, 4 refused by risk, \
mode or account, 5 venue or provider down, 6 state on disk corrupt or not writable, 7 finished \
with unknown orders or targets not reached, 70 a bug, 130 interrupted";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a strategy over past data; without arguments the shipped example on the shipped data
    Backtest(Run),
    /// Look at settings before using them
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Repeat a finished run and compare every byte
    Verify {
        /// The run directory that `backtest` printed
        #[arg(value_name = "RUN")]
        run: PathBuf,
    },
    /// Make a folder with the example configs and their data
    Init {
        /// A folder that is empty or does not exist yet
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// List the runs under HOME, oldest first
    Runs,
    /// Say why a symbol was traded, or was not: signal, weight, threshold, verdict, fill, residual
    Explain {
        /// The run directory that `backtest` printed
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// The symbol
        #[arg(value_name = "SYMBOL")]
        symbol: String,
        /// The last decision on or before this date; without it the last of the run
        #[arg(value_name = "DATE")]
        date: Option<NaiveDate>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say everything that is wrong
    Check(Settings),
    /// Print every setting and where it comes from
    Show(Settings),
}

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// Write the run to this folder instead of HOME/runs
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Config file; without it the shipped example
    #[arg(value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Without a config: bars to run on, a CSV file or a folder of them
    #[arg(
        long,
        value_name = "FILE",
        requires = "strategy",
        conflicts_with = "config"
    )]
    data: Option<String>,
    /// Without a config: the strategy
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    strategy: Option<String>,
    /// Set one key on top of the config, such as execution.fee_bps=10; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl From<Settings> for SettingsRequest {
    fn from(settings: Settings) -> Self {
        Self {
            file: settings.config,
            data: settings.data,
            strategy: settings.strategy,
            set: settings.set,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::exit::Exit;

    #[test]
    fn the_grammar_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        for (exit, _) in Exit::TABLE {
            let code = format!("{} ", exit.code());
            assert!(EXIT_CODES.contains(&code), "{code}");
        }
    }
}
