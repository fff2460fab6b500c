//! The backtest of the program: files in, a run directory out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ballast_domain::error::{Error, Result};
use ballast_domain::market::contract::Verdict;
use ballast_domain::strategies::EqualWeightHold;
use ballast_files::Defect;
use ballast_ports::Clock;
use ballast_resilience::MetricsRegistry;
use ballast_system::SystemClock;

use super::backtest::{Backtest, DataFinding, Finished, IndexBenchmark, Summary, trades_csv};
use super::{Progress, RunError};
use crate::config::{Config, Resolved, StrategyChoice};
use crate::engine::Engine;
use crate::exit::Failure;
use crate::reports::backtest_page;
use crate::run_directory::{RunFile, RunWriter};
use crate::wiring::Strategies;
use crate::{sample, wiring};

/// Runs a config over the files and samples it names.
#[derive(Clone, Debug)]
pub struct FileEngine {
    /// The strategies a config may name.
    pub strategies: Strategies,
    /// Times the reading of data, for `metrics.json` alone: no result depends on it.
    pub clock: Arc<dyn Clock>,
}

/// The built-in strategies and the clock of this machine.
impl Default for FileEngine {
    fn default() -> Self {
        Self {
            strategies: Strategies::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// Decisions made while a part of the exposure had no fresh price.
pub const STALE_DECISIONS: &str = "decisions_on_stale_data_total";
/// Indicator values that the sleeves of a run asked for.
pub const INDICATORS_ASKED: &str = "indicator_values_asked_total";
/// Of them, those that had to be computed.
pub const INDICATORS_COMPUTED: &str = "indicator_values_computed_total";

impl Engine for FileEngine {
    fn check_strategy(&self, choice: &StrategyChoice) -> Result<()> {
        self.strategies.check(choice)
    }

    fn strategies(&self) -> &Strategies {
        &self.strategies
    }

    fn backtest(
        &self,
        settings: &Resolved,
        run: &mut RunWriter,
        progress: &mut dyn Progress,
    ) -> std::result::Result<Summary, Failure> {
        let backtest = self.prepare(&settings.config, &settings.base, run.metrics())?;
        run.identify(&backtest.data_files)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|e| Error::invariant(format!("no runtime: {e}")))?;
        let outcome = runtime.block_on(backtest.run(progress));
        if progress.is_interrupted() {
            return Err(Failure::interrupted());
        }
        let finished = outcome.map_err(Failure::from)?;
        let stale = run.metrics().counter(STALE_DECISIONS, &[]);
        stale.add(finished.artefacts.stale_decisions);
        let counter = |name| run.metrics().counter(name, &[]);
        counter(INDICATORS_ASKED).add(finished.cache_use.asked);
        counter(INDICATORS_COMPUTED).add(finished.cache_use.computed);
        write(&finished, run).map_err(Failure::state)?;
        Ok(finished.summary)
    }
}

impl FileEngine {
    /// Opens everything the config names, each source metered.
    fn prepare(
        &self,
        config: &Config,
        base: &Path,
        metrics: &MetricsRegistry,
    ) -> std::result::Result<Backtest, RunError> {
        let open = |config: &Config| {
            let opened = wiring::market_data(config, base)?;
            Ok::<_, RunError>(opened.metered(Arc::clone(&self.clock), metrics))
        };
        let market_data = open(config)?;
        let data_findings = findings(&market_data.warnings);
        let mut data_files = BTreeMap::new();
        note(&mut data_files, &market_data, "data");
        let mut indices = Vec::new();
        for name in &config.report.benchmarks {
            if name == EqualWeightHold::NAME {
                continue;
            }
            let levels = open(&index_config(config, name))?;
            note(&mut data_files, &levels, name);
            indices.push(IndexBenchmark {
                name: name.strip_prefix("sample:").unwrap_or(name).to_owned(),
                description: sample::describe(name)
                    .unwrap_or("closes as its file gives them")
                    .to_owned(),
                source: levels.source,
            });
        }
        Ok(Backtest {
            config: config.clone(),
            market_data: market_data.source,
            data_files,
            indices,
            data_findings,
            strategies: self.strategies.clone(),
        })
    }
}

/// Defects that refused nothing, summed up by kind and symbol in the order of their first.
#[allow(clippy::expect_used, reason = "internal invariant: a code is a word")]
fn findings(warnings: &[Defect]) -> Vec<DataFinding> {
    let mut all: Vec<DataFinding> = Vec::new();
    for defect in warnings {
        let code = serde_json::to_value(defect.code).expect("a code is a word");
        let code = code.as_str().unwrap_or_default();
        let known = |f: &&mut DataFinding| f.code == code && f.symbol == defect.symbol;
        if let Some(finding) = all.iter_mut().find(known) {
            finding.count += 1;
            continue;
        }
        let line = defect.row.map(|row| format!(" line {row}"));
        all.push(DataFinding {
            code: code.to_owned(),
            symbol: defect.symbol.clone(),
            consequence: match defect.code.verdict() {
                Verdict::DropRows => "dropped",
                Verdict::Repair => "repaired",
                _ => "warned",
            }
            .to_owned(),
            count: 1,
            first: format!("{}{}", defect.file, line.unwrap_or_default()),
            message: defect.message.clone(),
        });
    }
    all
}

/// The config as it reads a benchmark: the whole of one file, as it is.
fn index_config(config: &Config, source: &str) -> Config {
    let mut index = config.clone();
    index.data.source = source.to_owned();
    index.data.symbols.clear();
    index.data.actions = None;
    index.data.adjust = None;
    index.data.date_format = None;
    index
}

/// Files by role and name: paths differ between machines, roles and names do not.
fn note(files: &mut BTreeMap<String, String>, data: &wiring::Opened, role: &str) {
    for file in &data.files {
        files.insert(format!("{role}: {}", file.name), file.blake3.clone());
    }
}

fn write(finished: &Finished, run: &mut RunWriter) -> Result<()> {
    let artefacts = &finished.artefacts;
    run.put(RunFile::Decisions, artefacts.decisions_jsonl.as_bytes())?;
    run.put(RunFile::Orders, artefacts.orders_csv().as_bytes())?;
    run.put(RunFile::Fills, artefacts.fills_csv.as_bytes())?;
    run.put(RunFile::Ledger, artefacts.ledger_csv.as_bytes())?;
    run.put(RunFile::Equity, artefacts.equity_csv.as_bytes())?;
    run.put(RunFile::Weights, artefacts.weights_csv.as_bytes())?;
    let trades = trades_csv(&finished.round_trips, &finished.instruments, artefacts);
    run.put(RunFile::Trades, trades.as_bytes())?;
    let curves = finished.curves.csv(artefacts, &finished.benchmarks);
    run.put(RunFile::Curves, curves.as_bytes())?;
    run.put(RunFile::Report, backtest_page::render(finished).as_bytes())
}
