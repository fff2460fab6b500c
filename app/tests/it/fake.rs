//! A fake engine and machine, and the program run as a function.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ballast::cli::{self, Session};
use ballast::config::Resolved;
use ballast::config::StrategyChoice;
use ballast::drivers::Progress;
use ballast::drivers::backtest::{
    Analysis, BenchmarkSummary, Caveat, OrderCounts, RobustnessRow, Summary,
};
use ballast::engine::{Engine, Machine, Program};
use ballast::exit::{Exit, Failure};
use ballast::run_directory::{
    DecisionLine, ExcludedLine, Identity, LegLine, OrderLine, RunFile, RunWriter, StaleInput, Table,
};
use ballast_domain::Error;
use ballast_domain::error::Result as DomainResult;
use ballast_domain::performance::{Metrics, compare_to_benchmark, trade_statistics, turnover};
use ballast_domain::time::Timestamp;

/// What the engine does beside its duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    /// One cell of the fills is another in every run.
    AnotherCell,
    /// Another data file in every run.
    AnotherData,
    /// No trades.csv.
    NoTrades,
    /// Stops in the middle, as after Ctrl-C.
    Interrupted,
    Panic,
}

#[derive(Debug)]
pub(crate) struct FakeEngine {
    pub(crate) plant: Plant,
    pub(crate) runs: Cell<u32>,
    strategies: ballast::wiring::Strategies,
}

impl FakeEngine {
    pub(crate) fn new(plant: Plant) -> Self {
        Self {
            plant,
            runs: Cell::new(0),
            strategies: ballast::wiring::Strategies::built_in(),
        }
    }
}

impl Engine for FakeEngine {
    fn check_strategy(&self, choice: &StrategyChoice) -> DomainResult<()> {
        match choice.parameters.get("refused") {
            Some(_) => Err(Error::config("unknown parameter 'refused'")),
            None => ballast::wiring::Strategies::built_in().check(choice),
        }
    }

    fn strategies(&self) -> &ballast::wiring::Strategies {
        &self.strategies
    }

    fn backtest(
        &self,
        settings: &Resolved,
        run: &mut RunWriter,
        progress: &mut dyn Progress,
    ) -> Result<Summary, Failure> {
        self.runs.set(self.runs.get() + 1);
        let n = self.runs.get();
        let data = if self.plant == Plant::AnotherData {
            n
        } else {
            0
        };
        let source = settings.config.data.source.clone();
        let identity = run.identify(&BTreeMap::from([(source, format!("hash {data}"))]))?;
        progress.begin(2);
        if self.plant == Plant::Interrupted || progress.is_interrupted() {
            return Err(Failure::interrupted());
        }
        assert!(self.plant != Plant::Panic, "planted panic");
        let quantity = if self.plant == Plant::AnotherCell {
            n
        } else {
            10
        };
        let mut fills = Table::new(
            run.open(RunFile::Fills)?,
            &[
                "time",
                "order_id",
                "symbol",
                "side",
                "quantity",
                "price",
                "fee",
                "fee_asset",
            ],
        )
        .unwrap();
        let quantity = quantity.to_string();
        fills
            .row(&[
                "2005-03-01",
                "b1",
                "AAPL",
                "buy",
                &quantity,
                "44.50",
                "0.22",
                "USD",
            ])
            .unwrap();
        run.close(fills.into_inner())?;
        let mut lines = String::new();
        for line in decisions() {
            writeln!(lines, "{}", serde_json::to_string(&line).unwrap()).unwrap();
        }
        run.put(RunFile::Decisions, lines.as_bytes())?;
        for file in RunFile::ALL {
            match file {
                RunFile::Config
                | RunFile::Summary
                | RunFile::Metrics
                | RunFile::Fills
                | RunFile::Decisions => {}
                RunFile::Trades if self.plant == Plant::NoTrades => {}
                RunFile::Report => {
                    let mut report = run.open(file)?;
                    write!(report, "<p>{}</p>", identity.result_id).unwrap();
                    run.close(report)?;
                }
                RunFile::Equity => run.put(file, EQUITY.as_bytes())?,
                RunFile::Curves => run.put(file, CURVES.as_bytes())?,
                file => run.put(file, format!("seed\n{}\n", identity.seed).as_bytes())?,
            }
        }
        progress.end();
        let mut summary = summary(identity);
        if summary.identity.seed > 0 {
            // Another seed, other figures.
            summary.sharpe = None;
            summary.trades = 12;
            summary.orders.fills = 2_400;
            summary.metrics.cagr = Some(-0.25);
        }
        Ok(summary)
    }
}

const EQUITY: &str = "time,cash,positions_value,equity\n\
    2005-02-28T21:00:00Z,900000,0,900000\n\
    2005-03-01T21:00:00Z,0,2250000.5,2250000.5\n";

const CURVES: &str = "time,return,drawdown\n\
    2005-02-28T21:00:00Z,-0.1,-0.1\n\
    2005-03-01T21:00:00Z,1.5,0.0\n";

fn summary(identity: Identity) -> Summary {
    let equity = [1_000_000.0, 900_000.0, 2_250_000.5];
    let metrics = Metrics::from_equity(&equity, 252.0).unwrap();
    Summary {
        name: "breakout".to_owned(),
        strategy: "breakout".to_owned(),
        identity,
        start: "2005-02-28T14:30:00Z".to_owned(),
        end: "2005-03-01T21:00:00Z".to_owned(),
        bars: 2,
        symbols: vec!["AAPL".to_owned(), "FB".to_owned()],
        currency: "USD".to_owned(),
        initial_cash: 1_000_000.0,
        final_equity: 2_250_000.5,
        total_return: 1.250_000_5,
        sharpe: Some(0.8),
        max_drawdown: Some(-0.1),
        trades: 1,
        fees: 0.22,
        income: 0.0,
        average_gross: 0.5,
        metrics,
        trade_statistics: trade_statistics(&[], &[], 8),
        turnover: turnover([10.0], &equity, 252.0),
        orders: OrderCounts {
            decisions: 2,
            intents: 1,
            denied: 0,
            sent: 1,
            fills: 1,
            residuals: 1,
            open_at_end: 0,
        },
        benchmarks: vec![BenchmarkSummary {
            name: "equal_weight".to_owned(),
            description: "the same in equal parts".to_owned(),
            total_return: 1.5,
            sharpe: None,
            max_drawdown: Some(-0.5),
            comparison: compare_to_benchmark(&[0.1, 0.2], &[0.2, 0.1], 252.0).unwrap(),
        }],
        robustness: vec![RobustnessRow {
            name: "costs x2".to_owned(),
            costs: 2,
            signal_lag: 0,
            total_return: 1.0,
            sharpe: Some(0.7),
            max_drawdown: Some(-0.2),
            final_equity: 2_000_000.0,
        }],
        caveats: vec![Caveat {
            topic: "survivorship".to_owned(),
            text: "five names known today".to_owned(),
        }],
        data_findings: Vec::new(),
        analysis: Analysis::default(),
    }
}

fn decimal(text: &str) -> rust_decimal::Decimal {
    text.parse().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn decisions() -> Vec<DecisionLine> {
    let base = DecisionLine {
        number: 1,
        slot: time("2005-02-28T21:00:00Z"),
        time: time("2005-03-01T14:30:00Z"),
        action: "targets".to_owned(),
        reason: "breakouts".to_owned(),
        equity: decimal("1000000"),
        source: "files".to_owned(),
        stale: vec![StaleInput {
            symbol: "FB".to_owned(),
            age_seconds: 86_400.0,
        }],
        fresh_share: 1.0,
        planned: true,
        legs: vec![LegLine {
            symbol: "AAPL".to_owned(),
            signal: "long".to_owned(),
            score: Some(1.0),
            volatility: Some(0.31),
            uncapped: Some(0.6),
            target: Some("0.4 of equity".to_owned()),
            price: decimal("44.86"),
            current: decimal("0"),
            wanted: decimal("8916"),
            current_value: decimal("0"),
            target_value: decimal("400000"),
            drift: decimal("400000"),
            threshold: decimal("50000"),
            disposition: "trade".to_owned(),
            cut: Some("cash".to_owned()),
            orders: vec![OrderLine {
                order_id: "b1".to_owned(),
                side: "buy".to_owned(),
                quantity: decimal("10"),
                wanted: decimal("8916"),
                limit: None,
                last_resort: false,
                verdict: "passed".to_owned(),
            }],
            residual: Some(decimal("8906")),
            sleeves: Vec::new(),
        }],
        sleeves: Vec::new(),
        excluded: vec![ExcludedLine {
            symbol: "FB".to_owned(),
            reason: "not listed".to_owned(),
        }],
    };
    let mut later = base.clone();
    later.number = 2;
    later.slot = time("2005-03-01T21:00:00Z");
    later.legs[0].disposition = "below_threshold".to_owned();
    later.legs[0].orders.clear();
    later.legs[0].residual = None;
    vec![base, later]
}

#[derive(Debug)]
struct FakeMachine;

impl Machine for FakeMachine {
    fn now(&self) -> Timestamp {
        time("2026-01-31T16:00:00Z")
    }
    fn seconds(&self) -> f64 {
        1.5
    }
    fn peak_memory_bytes(&self) -> Option<u64> {
        Some(64 << 20)
    }
}

/// What one use of the program left.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Used {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// Runs the program with `engine`; the home is `home`.
pub(crate) fn ballast(engine: &dyn Engine, home: &Path, arguments: &[&str]) -> Used {
    ballast_interrupted(engine, home, arguments, false)
}

pub(crate) fn ballast_interrupted(
    engine: &dyn Engine,
    home: &Path,
    arguments: &[&str],
    interrupted: bool,
) -> Used {
    let program = Program {
        engine,
        machine: &FakeMachine,
    };
    let all: Vec<OsString> = ["ballast", "--home", home.to_str().unwrap()]
        .iter()
        .chain(arguments)
        .map(OsString::from)
        .collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let flag = Arc::new(AtomicBool::new(false));
    flag.store(interrupted, Ordering::Relaxed);
    let mut session = Session {
        out: &mut out,
        err: &mut err,
        colour: false,
        out_columns: None,
        err_columns: None,
        progress: false,
        interrupted: flag,
    };
    let exit = cli::run(&program, &all, &mut session);
    Used {
        exit,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// Runs the shipped example and gives its directory.
pub(crate) fn finished(engine: &FakeEngine, home: &Path, arguments: &[&str]) -> std::path::PathBuf {
    let all: Vec<&str> = ["backtest", "--json"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let used = ballast(engine, home, &all);
    assert_eq!(used.exit, Exit::Ok, "{used:?}");
    used.json()["directory"].as_str().unwrap().into()
}
