//! The grammar of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::arguments_data::DataCommand;
use super::arguments_journal::JournalCommand;
use super::arguments_trade::{OneAccount, TradeArguments, WithReason};
use crate::commands::close_table::CloseSelection;
use crate::commands::metrics::{MetricsRequest, SeriesKind};
use crate::commands::settings::SettingsRequest;
use crate::commands::weights::WeightsRequest;

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
    /// Trade an account: on paper, on replayed data, with a durable journal; start it again after any end
    Trade(TradeArguments),
    /// Say where an account stands, why, and what to type next; it may be trading meanwhile
    Status(OneAccount),
    /// Throw the kill switch of an account: nothing is sent any more, its orders come off the venue
    Kill(WithReason),
    /// Let an account trade again, once its journal and its venue agree
    Resume(WithReason),
    /// Look at settings before using them
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look whether everything is there that a run needs, and say what to do
    Doctor(Settings),
    /// Repeat a finished run and compare every byte
    Verify {
        /// A run directory, or the beginning of a name that `ballast runs` lists
        #[arg(value_name = "RUN")]
        run: PathBuf,
    },
    /// Make a folder with the example configs and their data
    Init {
        /// A folder that is empty or does not exist yet
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// A checkout of Ballast: the folder becomes a Rust crate with a strategy of your own
        #[arg(long, value_name = "CHECKOUT")]
        source: Option<PathBuf>,
    },
    /// Weigh symbols by their past closes, by one or more methods
    Weights(Weigh),
    /// List the runs under HOME, oldest first, or pack some into an archive
    Runs {
        #[command(subcommand)]
        command: Option<RunsCommand>,
    },
    /// Say why a symbol was traded, or was not: signal, weight, threshold, verdict, fill, residual
    Explain {
        /// A run directory, the beginning of a name that `ballast runs` lists, or a traded account
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// The symbol
        #[arg(value_name = "SYMBOL")]
        symbol: String,
        /// The last decision on or before this date; without it the last of the run
        #[arg(value_name = "DATE")]
        date: Option<NaiveDate>,
    },
    /// Look at finished runs together
    #[command(subcommand)]
    Report(ReportCommand),
    /// Compute indicators over a file of bars or closes
    Indicator(Indicator),
    /// Look at market data before using it
    #[command(subcommand)]
    Data(DataCommand),
    /// Prove, export, back up and restore the journal of an account
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Every performance figure of a return, equity or price series
    Metrics(Series),
    /// Print a script that completes commands and options in a shell
    Completions {
        /// Which shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Write the manual: one page a command, for man(1)
    Man {
        /// The folder the pages go to; made when it is missing
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// Pack finished runs into one file: the same runs give the same bytes
    Archive {
        /// Run directories, or beginnings of names that `ballast runs` lists
        #[arg(value_name = "RUN", required = true)]
        runs: Vec<PathBuf>,
        /// The archive, such as backtest-results-v1.0.0.tar.gz
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ReportCommand {
    /// Lay two runs over each other on one page, and list every difference
    Compare {
        /// A run directory, or the beginning of a name that `ballast runs` lists
        #[arg(value_name = "RUN")]
        a: PathBuf,
        /// The run to compare it with
        #[arg(value_name = "RUN")]
        b: PathBuf,
        /// The page; without it HOME/reports/compare-RESULT-RESULT.html
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write a run as a letter to pipe into sendmail; nothing is sent
    Mail {
        /// A run directory, or the beginning of a name that `ballast runs` lists
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// Where it goes; may be given more than once
        #[arg(long, value_name = "ADDRESS", required = true)]
        to: Vec<String>,
        /// Where it comes from
        #[arg(long, value_name = "ADDRESS", default_value = "ballast@localhost")]
        from: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Indicator {
    /// Names with parameters, such as sma_20 or macd_12_26_9
    #[arg(value_name = "SPEC", required_unless_present = "list")]
    pub(super) specs: Vec<String>,
    /// Every indicator with its formula and warm-up
    #[arg(long, conflicts_with_all = ["specs", "input"])]
    pub(super) list: bool,
    /// A CSV or Parquet file of bars, a wide table of closes, or a folder of files
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    pub(super) input: Option<PathBuf>,
    /// The symbol, when the input has several
    #[arg(long, value_name = "SYMBOL")]
    pub(super) symbol: Option<String>,
    /// The symbol that beta and corr compare with
    #[arg(long, value_name = "SYMBOL")]
    pub(super) benchmark: Option<String>,
    /// Bars a year; without it 365 or 252 days, as the dates have weekends or not
    #[arg(long, value_name = "N")]
    pub(super) annualisation: Option<f64>,
    /// First UTC date
    #[arg(long, value_name = "DATE")]
    pub(super) start: Option<NaiveDate>,
    /// Last UTC date
    #[arg(long, value_name = "DATE")]
    pub(super) end: Option<NaiveDate>,
    /// Column of adjusted closes, or of factors when its name ends in "factor"
    #[arg(long, value_name = "COLUMN")]
    pub(super) adjust: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Series {
    /// A CSV or Parquet file: a time column and the numbers
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// What the numbers are
    #[arg(long, value_name = "KIND")]
    kind: SeriesKind,
    /// The column; without it the only one, or the one with the usual name
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
    /// Bars in a year; without it 252 for daily dates, 365 with weekends among them
    #[arg(long, value_name = "N")]
    annualisation: Option<f64>,
    /// A CSV file with the levels of a benchmark at the same dates: alpha, beta, information ratio
    #[arg(long, value_name = "FILE")]
    benchmark: Option<PathBuf>,
    /// List the N deepest drawdowns with their dates
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    drawdowns: usize,
    /// Volatility, Sharpe ratio and beta over windows of N bars
    #[arg(long, value_name = "N")]
    rolling: Option<usize>,
}

impl From<Series> for MetricsRequest {
    fn from(series: Series) -> Self {
        Self {
            input: series.input,
            kind: series.kind,
            column: series.column,
            annualisation: series.annualisation,
            benchmark: series.benchmark,
            drawdowns: series.drawdowns,
            rolling: series.rolling,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say everything that is wrong
    Check(Settings),
    /// Print every setting and where it comes from
    Show(Settings),
    /// Say which settings two configs differ in
    Diff(TwoConfigs),
    /// Move the settings of an old config to where they are read now
    #[command(arg_required_else_help = true)]
    Migrate(OneConfig),
    /// Print a JSON Schema for editors
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct OneConfig {
    /// A config file
    #[arg(value_name = "CONFIG")]
    pub(super) file: PathBuf,
    /// Write the file, and keep the old one as CONFIG.backup; else only say what would move
    #[arg(long)]
    pub(super) write: bool,
}

#[derive(Debug, Args)]
pub(super) struct TwoConfigs {
    /// A config file, or the config.toml of a run
    #[arg(value_name = "CONFIG")]
    pub(super) a: PathBuf,
    /// The config to compare it with
    #[arg(value_name = "CONFIG")]
    pub(super) b: PathBuf,
    /// The profile of both: development, staging or production
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
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
    /// Without a config: bars to run on, a CSV or Parquet file or a folder of them
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
    /// Where the program runs: development, staging or production; BALLAST_PROFILE without it
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

impl Settings {
    /// With the settings among the variables of the environment.
    pub(super) fn within(self, variables: &BTreeMap<String, String>) -> SettingsRequest {
        SettingsRequest {
            file: self.config,
            data: self.data,
            strategy: self.strategy,
            set: self.set,
            profile: self.profile,
            variables: variables.clone(),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = METHODS)]
pub(super) struct Weigh {
    /// Methods, listed below
    #[arg(value_name = "METHOD", required = true)]
    methods: Vec<String>,
    /// Closes: a CSV or Parquet file, long or wide, or a folder with one file a symbol
    #[arg(long, value_name = "FILE_OR_FOLDER")]
    input: PathBuf,
    /// Use the last N returns up to the date; without it all there are
    #[arg(long, value_name = "N")]
    lookback: Option<usize>,
    /// The last bar to look at: a date or an instant
    #[arg(long, visible_alias = "end", value_name = "DATE")]
    asof: Option<String>,
    /// The first bar to look at: a date or an instant
    #[arg(long, value_name = "DATE")]
    start: Option<String>,
    /// Only these symbols, in this order
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    symbols: Vec<String>,
    /// Use this column as the close
    #[arg(long, value_name = "COLUMN")]
    adjust: Option<String>,
    /// Leave out bars that not every symbol has
    #[arg(long)]
    common_rows: bool,
    /// How the covariance is estimated: sample, ledoit_wolf, or ew_ and a decay, as in ew_0.94
    #[arg(long, value_name = "NAME")]
    covariance: Option<String>,
    /// The largest weight of a capped method, such as 0.15
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    cap: Option<f64>,
    /// Volatility a year to aim at, such as 0.15
    #[arg(long, value_name = "V", allow_negative_numbers = true)]
    target_vol: Option<f64>,
    /// The most a volatility target may multiply weights by; 1 without it
    #[arg(long, value_name = "L", allow_negative_numbers = true)]
    max_leverage: Option<f64>,
    /// Bars in a year; for daily bars 365 or 252 is found from the dates
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    annualisation: Option<f64>,
    /// Market value of a symbol, all in one currency; once for each
    #[arg(long = "market-cap", value_name = "SYMBOL=VALUE")]
    market_caps: Vec<String>,
}

const METHODS: &str = "\
Methods:
  equal                          the same for each
  inverse_vol                    by one divided by volatility
  inverse_vol_capped             that, with no weight above --cap and the excess shared pro rata
  inverse_vol_vol_target         that, scaled to --target-vol, at most by --max-leverage
  inverse_variance               by one divided by variance
  min_variance_long_only         least variance without shorts
  min_variance_capped            that, with no weight above --cap
  min_variance_unconstrained     least variance, shorts allowed
  risk_parity_erc                each contributes the same risk
  hrp_single                     risk split along a tree of correlations, single linkage
  max_diversification_long_only  largest ratio of the parts' volatility to the whole's, no shorts
  market_cap                     by --market-cap";

impl From<Weigh> for WeightsRequest {
    fn from(weigh: Weigh) -> Self {
        Self {
            methods: weigh.methods,
            closes: CloseSelection {
                input: weigh.input,
                symbols: weigh.symbols,
                start: weigh.start,
                end: weigh.asof,
                adjust: weigh.adjust,
                // N returns lie between N + 1 closes.
                last: weigh.lookback.map(|returns| returns.saturating_add(1)),
                common_rows: weigh.common_rows,
            },
            covariance: weigh.covariance,
            cap: weigh.cap,
            target_vol: weigh.target_vol,
            max_leverage: weigh.max_leverage,
            annualisation: weigh.annualisation,
            market_caps: weigh.market_caps,
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
