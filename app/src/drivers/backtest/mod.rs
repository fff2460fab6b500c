//! The main job: a config, market data and a strategy become a run and everything it leaves.
//!
//! [`Backtest`] is a library: every boundary is a port it is given. The kernel, the exchange and
//! the loop are [`ballast_domain::simulation::run`]; this module loads, repeats, compares and
//! sums up.
//!
//! Every boundary replaced by a fake: market data that fails once and then answers, an index made
//! up on the spot, nobody who watches the progress.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use ballast::config::Config;
//! use ballast::drivers::backtest::{Backtest, IndexBenchmark};
//! use ballast::wiring::Strategies;
//! use ballast_ports::{Error, ErrorKind};
//! use ballast_testkit::builders::SeriesBuilder;
//! use ballast_testkit::fakes::{FakeMarketData, Fault};
//!
//! let config = Config::from_toml(
//!     r#"
//!     [data]
//!     source = "nowhere"          # never opened: the data is the fake below
//!     calendar = "utc_24x7"
//!     [strategy]
//!     name = "breakout"
//!     parameters = { entry = 20, exit = 30, volatility_window = 20 }
//!     [risk]
//!     max_order_notional = "unlimited"
//!     max_position_notional = "250000"
//!     [report]
//!     benchmarks = ["equal_weight"]
//!     "#,
//! )
//! .unwrap();
//! let series = |seed| SeriesBuilder::new(seed).bars(300).build();
//! let stocks = BTreeMap::from([("A".to_owned(), series(1)), ("B".to_owned(), series(2))]);
//! let index = BTreeMap::from([("INDEX".to_owned(), series(3))]);
//! let busy = Error::new(ErrorKind::Unavailable, "history", "try again");
//! let market_data = Arc::new(FakeMarketData::new(stocks).script([Fault::Fail(busy)]));
//! let backtest = Backtest {
//!     config,
//!     market_data: market_data.clone(),
//!     data_files: BTreeMap::new(),
//!     indices: vec![IndexBenchmark {
//!         name: "index".to_owned(),
//!         description: "made up".to_owned(),
//!         source: Arc::new(FakeMarketData::new(index)),
//!     }],
//!     data_findings: Vec::new(),
//!     strategies: Strategies::built_in(),
//! };
//! let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! // A neighbour's failure comes back as what it was …
//! assert!(runtime.block_on(backtest.run(&mut ())).is_err());
//! // … and the next try goes through the same kernel that will trade live.
//! let finished = runtime.block_on(backtest.run(&mut ())).unwrap();
//! assert_eq!(finished.summary.symbols, ["A", "B"]);
//! assert_eq!(finished.summary.benchmarks.len(), 2);
//! assert_eq!(market_data.calls().len(), 2);
//! # Ok::<(), std::io::Error>(())
//! ```

mod analyse;
mod analysis;
mod artefacts;
mod benchmarks;
mod caveats;
mod curve;
mod curves;
mod decisions;
mod inputs;
mod prepared;
mod sleeve_lines;
mod summary;
mod trades;
mod variant;

pub use analysis::{Analysis, ContributionRow, Costs, DataRow, DrawdownRow, SleeveRow};
pub use artefacts::Artefacts;
pub use benchmarks::Benchmark;
pub use curves::Curves;
pub use summary::{BenchmarkSummary, Caveat, DataFinding, OrderCounts, RobustnessRow, Summary};
pub use trades::trades_csv;
pub use variant::Variant;

use std::collections::BTreeMap;
use std::sync::Arc;

use ballast_domain::indicators::CacheUse;
use ballast_domain::instrument::Instruments;
use ballast_domain::market::{Fields, Panel, PanelBuilder, PriceBasis};
use ballast_domain::money::{Cash, Price};
use ballast_domain::performance::{
    Metrics, OpenMark, RoundTrips, compare_to_benchmark, round_trips, simple_returns,
    trade_statistics, turnover,
};
use ballast_domain::portfolio::Account;
use ballast_domain::simulation::RunTotals;
use ballast_domain::strategies::EqualWeightHold;
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;
use ballast_ports::{HistoryRequest, MarketData, MarketDataExt};

use crate::config::Config;
use crate::run_directory::{Identity, text};

use super::{Progress, RunError};
use crate::wiring::{self, Strategies};

use analyse::Sources;
use prepared::Prepared;

/// The cost multiples of the robustness strip.
const COST_MULTIPLES: [i64; 4] = [0, 1, 2, 4];

/// An index to compare with: where its levels come from and what it is called.
#[derive(Clone, Debug)]
pub struct IndexBenchmark {
    /// Its name in summary and report.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Its source; it must hold exactly one symbol.
    pub source: Arc<dyn MarketData>,
}

/// A backtest with everything it needs from the outside.
#[derive(Debug)]
pub struct Backtest {
    /// What to run.
    pub config: Config,
    /// Where bars and corporate actions come from.
    pub market_data: Arc<dyn MarketData>,
    /// BLAKE3 of each input file by its name, for the run's identity.
    pub data_files: BTreeMap<String, String>,
    /// Indices to compare with, besides `equal_weight`.
    pub indices: Vec<IndexBenchmark>,
    /// What the loader found wrong with the data and let pass, or left out.
    pub data_findings: Vec<DataFinding>,
    /// The strategies the config may name.
    pub strategies: Strategies,
}

/// A finished backtest.
#[derive(Debug)]
pub struct Finished {
    /// Its figures. `result_id` and hashes are filled in.
    pub summary: Summary,
    /// Its tables.
    pub artefacts: Artefacts,
    /// Its round trips.
    pub round_trips: RoundTrips,
    /// The instruments, in lane order.
    pub instruments: Instruments,
    /// What it was compared with, value by value.
    pub benchmarks: Vec<Benchmark>,
    /// Its figures over time.
    pub curves: Curves,
    /// How often its sleeves found what they asked for already computed.
    pub cache_use: CacheUse,
}

impl Backtest {
    /// Loads the data, runs the strategy, its benchmarks and its robustness strip, and sums up.
    ///
    /// # Errors
    /// Whatever the source, the config or the run refuses, as a [`RunError`].
    pub async fn run(&self, progress: &mut dyn Progress) -> Result<Finished, RunError> {
        let prepared = self.prepare().await?;
        let lanes = self.runs(&prepared);
        progress.begin(prepared.panel.len() * lanes);
        let strategy = self
            .strategies
            .make(&self.config.strategy, &prepared.instruments)?;
        let name = strategy.name().to_owned();
        let opening = prepared.variant.exchange.opening_cash;
        let mut artefacts = Artefacts::new(
            &prepared.instruments,
            opening,
            &strategy.sleeves(),
            self.market_data.name(),
        );
        let (totals, account) =
            prepared.run(&prepared.variant, strategy, &mut artefacts, progress)?;
        artefacts.finish();
        let benchmarks = self.benchmarks(&prepared, progress).await?;
        let robustness = self.robustness(&prepared, progress)?;
        progress.end();
        self.sum_up(
            prepared, &name, totals, &account, artefacts, benchmarks, robustness,
        )
    }

    /// How many runs over the panel there will be, for progress.
    fn runs(&self, prepared: &Prepared) -> usize {
        let strip = if self.config.report.robustness {
            COST_MULTIPLES.len() + 1
        } else {
            0
        };
        let equal = self
            .config
            .report
            .benchmarks
            .iter()
            .filter(|b| *b == EqualWeightHold::NAME);
        debug_assert!(!prepared.panel.is_empty());
        1 + strip + equal.count()
    }

    async fn prepare(&self) -> Result<Prepared, RunError> {
        let config = &self.config;
        let symbols = self.symbols().await?;
        let (instruments, variant) = wiring::backtest(config, &symbols)?;
        let requirements = self
            .strategies
            .make(&config.strategy, &instruments)?
            .requirements();
        let basis = match config.data.adjust {
            Some(_) => PriceBasis::BackAdjusted,
            None => config.data.basis,
        };
        let request = HistoryRequest::all(symbols.clone(), config.data.bar)
            .between(start(config), end(config))
            .basis(basis);
        let mut series = self.market_data.load(&request).await?;
        let offered = self.market_data.capabilities().fields;
        let needed = requirements
            .fields
            .union(Fields::of(&[variant.exchange.fill_point.field()]))
            .union(variant.rules.fields());
        // Volume comes along when it is there; what is needed and missing is refused by the run.
        let fields = if needed.missing_from(offered).is_empty() {
            needed
        } else {
            offered
        };
        let mut builder = PanelBuilder::new(fields);
        for symbol in &symbols {
            let one = series.remove(symbol).unwrap_or_default();
            builder.lane(config.data.calendar, one);
        }
        Ok(Prepared {
            instruments,
            variant,
            panel: builder.build()?,
        })
    }

    /// The configured symbols, or all of the source, in the order they become lanes.
    async fn symbols(&self) -> Result<Vec<String>, RunError> {
        if !self.config.data.symbols.is_empty() {
            return Ok(self.config.data.symbols.clone());
        }
        let listed = self.market_data.instruments().await?;
        Ok(listed.into_iter().map(|i| i.symbol).collect())
    }

    async fn benchmarks(
        &self,
        prepared: &Prepared,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Benchmark>, RunError> {
        let mut all = Vec::new();
        for name in &self.config.report.benchmarks {
            if name == EqualWeightHold::NAME {
                all.push(prepared.equal_weight(progress)?);
            }
        }
        let scale = prepared.instruments.base().scale;
        let capital = prepared.variant.exchange.opening_cash.to_f64(scale);
        for index in &self.indices {
            let symbols: Vec<_> = index
                .source
                .instruments()
                .await?
                .into_iter()
                .map(|i| i.symbol)
                .collect();
            let request = HistoryRequest::all(symbols, self.config.data.bar);
            let series = index.source.load(&request).await?;
            let Some((_, levels)) = series.into_iter().next() else {
                continue;
            };
            all.push(benchmarks::from_index(
                &index.name,
                &index.description,
                &levels,
                &prepared.panel,
                capital,
            )?);
        }
        Ok(all)
    }

    fn robustness(
        &self,
        prepared: &Prepared,
        progress: &mut dyn Progress,
    ) -> Result<Vec<RobustnessRow>, RunError> {
        if !self.config.report.robustness {
            return Ok(Vec::new());
        }
        let configured = &prepared.variant;
        let mut variants: Vec<_> = COST_MULTIPLES
            .into_iter()
            .map(|n| (format!("costs x{n}"), n, configured.at_costs(n)))
            .collect();
        variants.push(("one bar later".to_owned(), 1, configured.one_bar_later()));
        let annualisation = wiring::annualisation(&self.config);
        variants
            .into_iter()
            .map(|(name, costs, variant)| {
                let strategy = self
                    .strategies
                    .make(&self.config.strategy, &prepared.instruments)?;
                let curve = prepared.curve(&variant, strategy, progress)?;
                let metrics = Metrics::from_equity(&curve, annualisation)?;
                Ok(RobustnessRow {
                    name,
                    costs,
                    signal_lag: variant.settings.signal_lag,
                    total_return: metrics.total_return.unwrap_or(0.0),
                    sharpe: metrics.sharpe,
                    max_drawdown: metrics.max_drawdown,
                    final_equity: curve.last().copied().unwrap_or(0.0),
                })
            })
            .collect()
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one part of the finished run"
    )]
    fn sum_up(
        &self,
        prepared: Prepared,
        strategy: &str,
        totals: RunTotals,
        account: &Account,
        artefacts: Artefacts,
        benchmarks: Vec<Benchmark>,
        robustness: Vec<RobustnessRow>,
    ) -> Result<Finished, RunError> {
        let Prepared {
            instruments,
            variant,
            panel,
        } = prepared;
        let annualisation = wiring::annualisation(&self.config);
        let metrics = Metrics::from_equity(&artefacts.equity, annualisation)?;
        let marks = open_marks(account, &instruments, &panel);
        let trips = round_trips(&artefacts.trade_events, &marks, &artefacts.times)?;
        let scale = instruments.base().scale;
        let returns = simple_returns(&artefacts.equity)?;
        let compared = benchmarks
            .iter()
            .map(|b| {
                let metrics = Metrics::from_equity(&b.values, annualisation)?;
                Ok(BenchmarkSummary {
                    name: b.name.clone(),
                    description: b.description.clone(),
                    total_return: metrics.total_return.unwrap_or(0.0),
                    sharpe: metrics.sharpe,
                    max_drawdown: metrics.max_drawdown,
                    comparison: compare_to_benchmark(
                        &returns,
                        &simple_returns(&b.values)?,
                        annualisation,
                    )?,
                })
            })
            .collect::<ballast_domain::Result<Vec<_>>>()?;
        let curves = Curves::new(&artefacts, &benchmarks, annualisation)?;
        let statistics = trade_statistics(&trips.trades, &artefacts.times, scale);
        let ledger = account.ledger();
        let base = ballast_domain::instrument::AssetId::BASE;
        let income: Cash = instruments.ids().map(|id| ledger.income(id)).sum();
        let average_gross =
            artefacts.gross.iter().sum::<f64>() / artefacts.gross.len().max(1) as f64;
        let identity = Identity::new(&self.config, &self.data_files)?;
        let turnover = turnover(
            artefacts.traded.iter().copied(),
            &artefacts.equity,
            annualisation,
        );
        let fees = ledger.fees(base).to_f64(scale);
        let total_return = metrics.total_return.unwrap_or(0.0);
        let analysis = Sources {
            instruments: &instruments,
            panel: &panel,
            account,
            artefacts: &artefacts,
            trips: &trips,
            curves: &curves,
            fees,
            turnover: &turnover,
            robustness: &robustness,
            total_return,
        }
        .analyse();
        let summary = Summary {
            name: self.config.run.name.clone(),
            strategy: strategy.to_owned(),
            identity,
            start: text::time(panel.open_times()[0]),
            end: text::time(panel.close_times()[panel.len() - 1]),
            bars: panel.len(),
            symbols: instruments.all().iter().map(|i| i.symbol.clone()).collect(),
            currency: instruments.base().code.clone(),
            initial_cash: variant.exchange.opening_cash.to_f64(scale),
            final_equity: artefacts.equity.last().copied().unwrap_or(0.0),
            total_return,
            sharpe: metrics.sharpe,
            max_drawdown: metrics.max_drawdown,
            trades: statistics.count,
            fees,
            income: income.to_f64(scale),
            average_gross,
            turnover,
            metrics,
            trade_statistics: statistics,
            orders: OrderCounts {
                decisions: totals.counts.decisions,
                intents: totals.counts.intents,
                denied: totals.counts.denied,
                sent: totals.sends,
                fills: totals.counts.fills,
                residuals: artefacts.residuals,
                open_at_end: totals.open_orders,
            },
            benchmarks: compared,
            robustness,
            caveats: caveats::of(
                &self.config,
                &instruments,
                artefacts.unopened,
                &artefacts.gross,
            ),
            data_findings: self.data_findings.clone(),
            analysis,
        };
        Ok(Finished {
            cache_use: totals.cache_use,
            summary,
            artefacts,
            round_trips: trips,
            instruments,
            benchmarks,
            curves,
        })
    }
}

/// What is still held at the end, at its last price.
fn open_marks(account: &Account, instruments: &Instruments, panel: &Panel) -> Vec<OpenMark> {
    let Some(time) = panel.close_times().last().copied() else {
        return Vec::new();
    };
    instruments
        .ids()
        .zip(instruments.all())
        .filter(|(id, _)| !account.position(*id).quantity.is_zero())
        .map(|(id, instrument)| OpenMark {
            instrument: id.0,
            time,
            price: Price::from_market_data(account.mark(id), instrument.price_scale)
                .unwrap_or(Price::ZERO),
            value: account.position_value(instruments, id),
        })
        .collect()
}

fn start(config: &Config) -> Timestamp {
    config
        .run
        .start
        .and_then(Timestamp::from_date)
        .unwrap_or(Timestamp::MIN)
}

/// The last date is meant to be in the run.
fn end(config: &Config) -> Timestamp {
    let after = config
        .run
        .end
        .and_then(|d| d.succ_opt())
        .and_then(Timestamp::from_date);
    after.unwrap_or(Timestamp::MAX)
}
