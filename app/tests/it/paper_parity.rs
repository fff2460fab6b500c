//! Data, config and seed alone: the backtest and paper trading through the real journal decide,
//! order and get the same, also when the program ends in the middle, by a word or by SIGKILL.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ballast::commands::settings::SettingsRequest;
use ballast::commands::trade::{TradeRequest, Traded, trade};
use ballast::config;
use ballast::drivers::backtest::Backtest;
use ballast::drivers::live::{Speed, Stop};
use ballast::drivers::{FileEngine, Progress};
use ballast::engine::Program;
use ballast::machine::ThisMachine;
use ballast::wiring::{Strategies, market_data};
use ballast_domain::kernel::{Kernel, Record, SendGate};
use ballast_domain::simulation::{BarClose, Exchange, Sink, run};
use ballast_domain::time::Timestamp;
use ballast_journal::decode;
use ballast_ports::{Journal as _, JournalRecord, stream};
use ballast_sqlite::{Options, SqliteJournal};

/// Configs of the shipped data that are told apart by how orders meet the market.
const CONFIGS: [(&str, &str, &[&str]); 5] = [
    ("next open", "breakout.toml", &[]),
    ("two sleeves", "two-sleeves.toml", &[]),
    (
        "same close",
        "momentum.toml",
        &["execution.fill=same_close", "strategy.schedule=week_end"],
    ),
    (
        "sized at the fill, a part of the volume",
        "breakout.toml",
        &["execution.size_at=fill", "execution.participation=0.0005"],
    ),
    (
        "limits with a deadline, then at the market",
        "momentum.toml",
        &[
            "execution.style=limit",
            "execution.limit_offset_bps=20",
            "execution.limit_bars=3",
            "execution.last_resort=market",
            "strategy.schedule=week_end",
        ],
    ),
];

/// A year and a half, in which one stock is listed.
const DAYS: [&str; 2] = ["run.start=2011-09-01", "run.end=2013-03-01"];

pub(crate) fn settings(file: &str, set: &[&str]) -> SettingsRequest {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let robust = ["report.robustness=false", "report.benchmarks=[]"];
    let all = DAYS.iter().chain(&robust).chain(set);
    SettingsRequest {
        file: Some(root.join(file)),
        set: all.map(|s| (*s).to_owned()).collect(),
        ..SettingsRequest::default()
    }
}

/// What a run decided, ordered and got, without the instants at which it learnt of it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Story {
    decisions: Vec<String>,
    orders: Vec<String>,
    pub(crate) fills: Vec<String>,
}

impl Story {
    /// `whole` names orders by their ids; what was planned again after a restart has other ones.
    pub(crate) fn of(records: &[Record], whole: bool) -> Self {
        let (never, mut story) = (Timestamp::EPOCH, Self::default());
        for record in records {
            match record.clone() {
                Record::Decision(mut r) => {
                    r.time = never;
                    story.decisions.push(format!("{r:?}"));
                }
                Record::Leg(r) => story.decisions.push(format!("{r:?}")),
                Record::Residual(mut r) => {
                    r.time = never;
                    story.decisions.push(format!("{r:?}"));
                }
                Record::Intent(mut r) if whole => {
                    r.time = never;
                    story.orders.push(format!("{r:?}"));
                }
                Record::Fill(mut r) => {
                    if !whole {
                        r.fill.client_id = Default::default();
                    }
                    story.fills.push(format!("{r:?}"));
                }
                _ => {}
            }
        }
        story
    }

    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let parts = [
            ("decision", &self.decisions, &other.decisions),
            ("order", &self.orders, &other.orders),
            ("fill", &self.fills, &other.fills),
        ];
        for (what, ours, theirs) in parts {
            let n = ours.len().max(theirs.len());
            if let Some(n) = (0..n).find(|n| ours.get(*n) != theirs.get(*n)) {
                return Some(format!(
                    "{what} {n}:\n  {:?}\n  {:?}",
                    ours.get(n),
                    theirs.get(n)
                ));
            }
        }
        None
    }
}

#[derive(Default)]
struct Kept(Vec<Record>);

impl Sink for Kept {
    fn records(&mut self, records: &[Record]) -> ballast_domain::Result<()> {
        self.0.extend_from_slice(records);
        Ok(())
    }

    fn bar(&mut self, _: &BarClose<'_>) -> ballast_domain::Result<()> {
        Ok(())
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

/// The records of the backtest driver.
pub(crate) fn tested(request: &SettingsRequest) -> Vec<Record> {
    let set = request.set.iter().map(String::as_str);
    let arguments = config::Layer::arguments(set).unwrap();
    let resolved = config::read(request.file.as_ref().unwrap(), arguments).unwrap();
    let opened = market_data(&resolved.config, &resolved.base).unwrap();
    let strategies = Strategies::built_in();
    let backtest = Backtest {
        config: resolved.config.clone(),
        market_data: opened.source,
        data_files: BTreeMap::new(),
        indices: Vec::new(),
        data_findings: Vec::new(),
        strategies: strategies.clone(),
    };
    let (instruments, variant, panel) = runtime().block_on(backtest.load()).unwrap();
    let strategy = strategies
        .make(&resolved.config.strategy, &instruments)
        .unwrap();
    let gate = Arc::new(SendGate::new(1));
    let mut kernel = Kernel::new(instruments.clone(), variant.settings, strategy, gate).unwrap();
    let mut exchange = Exchange::with_rules(instruments, variant.exchange, variant.rules);
    let mut kept = Kept::default();
    run(&mut kernel, &mut exchange, &panel, &mut kept).unwrap();
    kept.0
}

/// Wants to stop after so many bars.
#[derive(Debug)]
pub(crate) struct StopAfter(pub(crate) usize);

impl Progress for StopAfter {
    fn begin(&mut self, _: usize) {}

    fn advance(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    fn end(&mut self) {}

    fn is_interrupted(&self) -> bool {
        self.0 == 0
    }
}

/// One session on paper, of so many bars at most.
pub(crate) fn traded(home: &Path, settings: &SettingsRequest, bars: usize) -> Traded {
    traded_before(home, settings, &mut StopAfter(bars))
}

/// One session on paper before somebody who sees each bar and may end it.
pub(crate) fn traded_before(
    home: &Path,
    settings: &SettingsRequest,
    progress: &mut dyn Progress,
) -> Traded {
    let request = TradeRequest {
        settings: settings.clone(),
        home: home.to_owned(),
        once: false,
        speed: Speed::Max,
        adopt: None,
        live: false,
        journal_delay: Duration::ZERO,
    };
    let program = Program {
        engine: &FileEngine::default(),
        machine: &ThisMachine::new(),
    };
    trade(&program, &request, progress).unwrap()
}

/// The only account below `home`.
fn account(home: &Path) -> PathBuf {
    let mut accounts = fs::read_dir(home.join("accounts")).unwrap();
    accounts.next().unwrap().unwrap().path()
}

/// Every record of the journal, as its bytes say.
pub(crate) fn journaled(home: &Path) -> Vec<Record> {
    let folder = account(home);
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    runtime().block_on(async {
        let options = Options::new(&folder, name, "a test").with_reserve(0);
        let journal = SqliteJournal::open(options).await.unwrap();
        let mut stored = journal.read_from(1);
        let mut records = Vec::new();
        while let Some(record) = stream::next(&mut stored).await {
            let record: JournalRecord = record.unwrap();
            records.push(decode(&record).unwrap());
        }
        journal.close().await.unwrap();
        records
    })
}

/// From market data, config and seed alone the backtest driver and paper trading, through the
/// journal on disk and the venue's own log, decide, order and get the same.
#[test]
fn paper_trading_decides_orders_and_gets_what_the_backtest_does() {
    for (name, file, set) in CONFIGS {
        let request = settings(file, set);
        let expected = Story::of(&tested(&request), true);
        let home = tempfile::tempdir().unwrap();
        let ended = traded(home.path(), &request, usize::MAX);
        assert_eq!(ended.ended.stop, Stop::EndOfData, "{name}: {ended:?}");
        assert_eq!(ended.ended.unknown, 0, "{name}");
        let ours = Story::of(&journaled(home.path()), true);
        println!(
            "{name}: {} decisions and legs, {} orders, {} fills",
            ours.decisions.len(),
            ours.orders.len(),
            ours.fills.len()
        );
        assert!(ours.fills.len() > 10, "{name}");
        assert_eq!(ours.difference(&expected), None, "{name}");
    }
}

/// EXE-17: ended in the middle and started again, again and again: the same decisions and the same
/// executions, each once. Orders that worked at the end are taken back and planned again, so they
/// have other ids.
#[test]
fn exe_17_a_program_that_ends_in_the_middle_goes_on_where_it_was() {
    for (name, file, set) in CONFIGS {
        let request = settings(file, set);
        let expected = Story::of(&tested(&request), false);
        let home = tempfile::tempdir().unwrap();
        let (mut sessions, mut warm) = (0, 0);
        loop {
            // Odd lengths, so that ends fall on every kind of bar.
            let ended = traded(home.path(), &request, 37 + 13 * (sessions % 5));
            sessions += 1;
            warm += usize::from(ended.last_decision.is_some());
            if ended.ended.stop == Stop::EndOfData {
                break;
            }
            assert_eq!(ended.ended.stop, Stop::Interrupted, "{name}: {ended:?}");
            assert!(sessions < 100, "{name}");
        }
        let ours = Story::of(&journaled(home.path()), false);
        println!("{name}: {sessions} sessions, {warm} of them found a decision");
        assert!(sessions > 5 && warm > 1, "{name}: {sessions} {warm}");
        assert_eq!(ours.difference(&expected), None, "{name}");
    }
}

/// EXE-17: the same with SIGKILL, at instants nobody chose.
#[cfg(unix)]
#[test]
fn exe_17_a_program_that_is_killed_goes_on_where_it_was() {
    let (name, file, set) = CONFIGS[0];
    let request = settings(file, set);
    let expected = Story::of(&tested(&request), false);
    let home = tempfile::tempdir().unwrap();
    let mut kills = 0;
    loop {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        command.arg("--home").arg(home.path()).args(["-q", "trade"]);
        command.arg(request.file.as_ref().unwrap());
        for set in &request.set {
            command.args(["--set", set]);
        }
        let mut child = command.spawn().unwrap();
        // Killed when the venue has heard so much more, wherever the trader is by then.
        let log = home.path().join("accounts/breakout/venue.log");
        let heard = || fs::metadata(&log).map_or(0, |m| m.len());
        let enough = heard() + 200 + 2_711 * (kills % 7);
        let mut ended = None;
        while ended.is_none() && heard() < enough {
            std::thread::sleep(Duration::from_millis(1));
            ended = child.try_wait().unwrap();
        }
        match ended {
            Some(status) => {
                assert!(matches!(status.code(), Some(0 | 7)), "{name}: {status}");
                break;
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                assert!(kills < 300, "no progress between kills");
            }
        }
    }
    let ours = Story::of(&journaled(home.path()), false);
    println!("{kills} kills");
    assert!(kills >= 3, "{kills}");
    assert_eq!(ours.difference(&expected), None, "{name}");
}
