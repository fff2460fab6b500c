//! metrics.json: what a run counted, and that it is no part of the result.
#![cfg(feature = "sample-data")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ballast::commands::backtest::{BacktestRequest, backtest};
use ballast::commands::settings::SettingsRequest;
use ballast::drivers::FileEngine;
use ballast::engine::{Machine, Program};
use ballast::run_directory::{RunDirectory, RunFile, Verdict, compare};
use ballast_domain::time::{Span, Timestamp};
use ballast_testkit::fakes::FakeClock;
use chrono::NaiveDate;
use serde_json::Value;

/// Each look at the stopwatch is `step` seconds after the one before.
#[derive(Debug)]
struct Ticking {
    step: f64,
    looks: AtomicU32,
}

fn start() -> Timestamp {
    "2026-01-31T16:00:00Z".parse().unwrap()
}

impl Machine for Ticking {
    fn now(&self) -> Timestamp {
        start() + Span::from_seconds(7)
    }

    fn seconds(&self) -> f64 {
        self.step * f64::from(self.looks.fetch_add(1, Ordering::Relaxed))
    }

    fn peak_memory_bytes(&self) -> Option<u64> {
        Some(96 << 20)
    }
}

/// Almost two years of two stocks of the sample.
fn sample() -> SettingsRequest {
    let set = [
        "run.end=2001-12-31",
        "report.robustness=false",
        "data.symbols=[\"AAPL\", \"IBM\"]",
    ];
    SettingsRequest {
        set: set.map(str::to_owned).into(),
        ..SettingsRequest::default()
    }
}

/// Runs on a machine whose stopwatch makes steps of so many seconds.
fn run(home: &Path, name: &str, settings: SettingsRequest, step: f64) -> (RunDirectory, Value) {
    let engine = FileEngine {
        clock: Arc::new(FakeClock::new(start())),
        ..FileEngine::default()
    };
    let machine = Ticking {
        step,
        looks: AtomicU32::new(0),
    };
    let program = Program {
        engine: &engine,
        machine: &machine,
    };
    let request = BacktestRequest {
        settings,
        home: home.to_owned(),
        out: Some(home.join(name)),
    };
    let finished = backtest(&program, &request, &mut ()).unwrap();
    let text = finished.directory.text(RunFile::Metrics).unwrap();
    let metrics = serde_json::from_str(&text).unwrap();
    (finished.directory, metrics)
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// OBS-09: the record has its six groups and their keys, no more and no less; the figures are those
/// of the summary, and the uptime is that of the clock that was injected.
#[test]
fn obs_09_the_record_has_six_groups_and_the_uptime_of_its_clock() {
    let home = tempfile::tempdir().unwrap();
    let (directory, metrics) = run(home.path(), "run", sample(), 2.5);
    let system = &metrics["system"];
    let expected: [(&str, &[&str]); 6] = [
        (
            "data",
            &[
                "bars",
                "errors",
                "fetches",
                "instruments",
                "last_update",
                "staleness_warnings",
            ],
        ),
        (
            "execution",
            &["fees", "fills", "open_orders", "orders", "total_notional"],
        ),
        (
            "performance",
            &[
                "bars",
                "bars_per_second",
                "indicator_hit_rate",
                "max_memory_mb",
            ],
        ),
        (
            "risk",
            &["average_gross", "denied", "max_drawdown", "total_return"],
        ),
        ("signals", &["decisions", "intents", "residuals"]),
        ("timing", &["fetch_seconds", "started", "uptime", "written"]),
    ];
    assert_eq!(keys(system), expected.map(|(group, _)| group));
    for (group, of_group) in expected {
        assert_eq!(keys(&system[group]), of_group, "{group}");
    }
    // The stopwatch was read when the run began and when it was over.
    assert_eq!(system["timing"]["uptime"], 2.5);
    assert_eq!(system["performance"]["max_memory_mb"], 96.0);
    assert_eq!(system["data"]["last_update"], "2026-01-31T16:00:00Z");
    let summary: Value = serde_json::from_str(&directory.text(RunFile::Summary).unwrap()).unwrap();
    for (ours, theirs) in [
        ("/execution/fills", "/orders/fills"),
        ("/execution/orders", "/orders/sent"),
        ("/execution/total_notional", "/turnover/traded_notional"),
        ("/signals/decisions", "/orders/decisions"),
        ("/risk/denied", "/orders/denied"),
        ("/performance/bars", "/bars"),
    ] {
        let (ours, theirs) = (system.pointer(ours), summary.pointer(theirs));
        assert_eq!(ours, theirs);
        assert!(ours.is_some());
    }
    assert!(summary["orders"]["fills"].as_u64() > Some(0));
    // The stocks, and the index they are compared with.
    assert_eq!(system["data"]["fetches"], 2);
    assert_eq!(system["data"]["errors"], 0);
    assert!(system["data"]["bars"].as_u64() > Some(1_000));
    let run = &metrics["run"];
    assert_eq!(
        run["result_id"].as_str(),
        Some(directory.manifest().identity.result_id.as_str())
    );
    assert_eq!(
        run["run_id"].as_str(),
        Some(directory.manifest().run_id.as_str())
    );
}

/// DAT-26: a decision on partly stale prices is one warning; the count is that of the decisions file.
#[test]
fn staleness_warnings_are_the_decisions_that_saw_stale_prices() {
    let home = tempfile::tempdir().unwrap();
    // Each close above all before for forty days, so that both are held; one has no bar on three of the last.
    let mut bars = "date,symbol,open,high,low,close,volume\n".to_owned();
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
    for (n, date) in first.iter_days().take(40).enumerate() {
        let (low, close, high) = (99 + 2 * n, 100 + 2 * n, 101 + 2 * n);
        for symbol in ["ALFA", "BETA"] {
            if symbol == "ALFA" || !(30..33).contains(&n) {
                bars += &format!("{date},{symbol},{close},{high},{low},{close},1000\n");
            }
        }
    }
    let data = home.path().join("bars.csv");
    std::fs::write(&data, bars).unwrap();
    let set = [
        "data.calendar=utc_24x7",
        "report.robustness=false",
        "strategy.parameters={entry=3,exit=10,volatility_window=3}",
    ];
    let settings = SettingsRequest {
        data: Some(data.display().to_string()),
        strategy: Some("breakout".to_owned()),
        set: set.map(str::to_owned).into(),
        ..SettingsRequest::default()
    };
    let (directory, metrics) = run(home.path(), "run", settings, 1.0);
    let decisions = directory.decisions().unwrap();
    let stale = decisions.iter().filter(|line| line.fresh_share < 1.0);
    let stale = stale.count();
    // DAT-26: source and age of every price a decision saw can be told from its record.
    assert!(decisions.iter().all(|line| line.source == "files"));
    let ages = decisions.iter().filter(|line| line.age_of("BETA") > 0.0);
    let days: Vec<f64> = ages.map(|line| line.age_of("BETA") / 86_400.0).collect();
    assert_eq!(days, [1.0, 2.0, 3.0]);
    assert!(decisions.iter().all(|line| line.age_of("ALFA") == 0.0));
    let warnings = &metrics["system"]["data"]["staleness_warnings"];
    assert_eq!((warnings.as_u64(), stale), (Some(3), 3));
}

/// WGT-08: the hit rate of what sleeves share is in the metrics of a run; one strategy alone shares
/// nothing.
#[test]
fn wgt_08_the_hit_rate_of_shared_indicators_is_reported() {
    let home = tempfile::tempdir().unwrap();
    let mut bars = "date,symbol,open,high,low,close,volume\n".to_owned();
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
    for (n, date) in (0_u32..).zip(first.iter_days().take(40)) {
        for (symbol, width) in [("ALFA", 1), ("BETA", 2), ("GAMMA", 3)] {
            let close = 100 + width * (n * 7 % 5);
            bars += &format!("{date},{symbol},{close},{close},{close},{close},1000\n");
        }
    }
    let data = home.path().join("bars.csv");
    std::fs::write(&data, bars).unwrap();
    let sleeves = "strategy.parameters={\
        calm={strategy=\"volatility_factor\",allocation=0.5,parameters={window=5,sides=\"long_low\"}},\
        wild={strategy=\"volatility_factor\",allocation=0.5,parameters={window=5,sides=\"long_high\"}}}";
    let set = ["data.calendar=utc_24x7", "report.robustness=false", sleeves];
    let settings = SettingsRequest {
        data: Some(data.display().to_string()),
        strategy: Some("sleeves".to_owned()),
        set: set.map(str::to_owned).into(),
        ..SettingsRequest::default()
    };
    let (_, metrics) = run(home.path(), "run", settings, 1.0);
    let rate = metrics["system"]["performance"]["indicator_hit_rate"].as_f64();
    assert!(rate > Some(0.5) && rate < Some(1.0), "{rate:?}");
    let total = |name: &str| {
        let samples = metrics["samples"].as_array().unwrap();
        let of = samples.iter().find(|s| s["name"] == name).unwrap();
        of["value"].as_f64().unwrap()
    };
    let (asked, computed) = (
        total("indicator_values_asked_total"),
        total("indicator_values_computed_total"),
    );
    assert_eq!(rate, Some((asked - computed) / asked));
    let (_, alone) = run(home.path(), "alone", sample(), 1.0);
    assert!(alone["system"]["performance"]["indicator_hit_rate"].is_null());
}

/// Two executions of one run differ in their metrics and in nothing else: same identity, and the
/// comparison of `verify` calls them identical. The manifest still proves the file.
#[test]
fn metrics_are_no_part_of_the_result() {
    let home = tempfile::tempdir().unwrap();
    let (slow, slow_metrics) = run(home.path(), "slow", sample(), 9.0);
    let (fast, fast_metrics) = run(home.path(), "fast", sample(), 1.0);
    assert_ne!(slow_metrics["system"], fast_metrics["system"]);
    assert_eq!(slow.manifest().identity, fast.manifest().identity);
    assert_eq!(compare(&slow, &fast).unwrap(), Verdict::Identical);
    let path = fast.path().join(RunFile::Metrics.name());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"errors\": 0", "\"errors\": 1", 1)).unwrap();
    let damage = fast.damage().unwrap();
    assert_eq!(damage.len(), 1);
    assert!(
        damage[0].to_string().contains("metrics.json"),
        "{}",
        damage[0]
    );
}
