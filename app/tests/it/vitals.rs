//! A trader whose surroundings fall ill: what it still does, what it says, and who hears it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ballast::account_folder::AccountFolder;
use ballast::commands::doctor::{DoctorRequest, doctor};
use ballast::commands::settings::SettingsRequest;
use ballast::drivers::FileEngine;
use ballast::drivers::live::{Observer, Standing, Stop};
use ballast::health::{HealthRegistry, HealthReport, HealthWatcher, Pulse};
use ballast_domain::kernel::{IntentRecord, Record};
use ballast_domain::orders::{Intent, Side};
use ballast_domain::risk::Control;
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Clock, Finding, Health, Result, Severity};
use ballast_system::SystemClock;
use ballast_testkit::builders::day;
use ballast_testkit::fakes::FakeClock;
use serde_json::Value;

use crate::live_boundaries::{Plant, watched};
use crate::paper_parity::{journaled, traded};

fn paper() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml")
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
    command.arg("--home").arg(home).args(arguments);
    command
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn health_of(home: &Path) -> Value {
    let file = home.join("accounts/paper/health.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// OBS-34: with a critical finding at its start the trader refuses with 4 before a record or an order
/// exists, and what was found is in its folder. With the same and no limit it trades.
#[test]
fn obs_34_critical_at_the_start_is_no_order_and_code_four() {
    let home = tempfile::tempdir().unwrap();
    let config = paper();
    let trade = ["trade", config.to_str().unwrap(), "--json", "--once"];
    let mut ill = trade.to_vec();
    ill.extend(["--set", "health.max_data_age_hours=24"]);
    let refused = command(home.path(), &ill).output().unwrap();
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
    let message = json(&refused)["errors"][0]["message"].to_string();
    assert!(
        message.contains("freshness: the newest bar of"),
        "{message}"
    );
    let account = home.path().join("accounts/paper");
    assert!(!account.join("journal.db").exists(), "nothing was opened");
    assert!(!account.join("venue.log").exists(), "no order left");
    assert_eq!(health_of(home.path())["critical_failures"], 1);
    let well = command(home.path(), &trade).output().unwrap();
    assert!(matches!(well.status.code(), Some(0 | 7)), "{well:?}");
    assert_eq!(health_of(home.path())["critical_failures"], 0);
}

#[derive(Debug)]
struct Always(Severity, bool);

#[async_trait]
impl Health for Always {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn severity(&self) -> Severity {
        self.0
    }

    async fn check(&self) -> Result<Finding> {
        Ok(if self.1 {
            Finding::healthy("well")
        } else {
            Finding::unhealthy("the disk is full", "free some")
        })
    }
}

fn report(severity: Severity, healthy: bool) -> HealthReport {
    let mut registry = HealthRegistry::new(Arc::new(FakeClock::new(day(1))));
    registry.register(Always(severity, healthy));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(registry.run())
}

/// Lets the program fall ill after a bar, and get well after another one.
#[derive(Debug)]
struct Illness {
    pulse: Pulse,
    bar: usize,
    from: usize,
    to: usize,
    reports: [HealthReport; 2],
    between: Option<(Timestamp, Timestamp)>,
}

impl Illness {
    fn new(severity: Severity, from: usize, to: usize) -> Self {
        let reports = std::thread::spawn(move || [report(severity, false), report(severity, true)]);
        Self {
            pulse: Pulse::new().unwrap(),
            bar: 0,
            from,
            to,
            reports: reports.join().unwrap(),
            between: None,
        }
    }
}

impl Observer for Illness {
    fn begin(&mut self, _: usize) {}

    fn bar(&mut self, standing: &Standing) {
        self.bar += 1;
        let [ill, well] = &self.reports;
        if self.bar == self.from {
            self.pulse.gate.update(ill.clone());
            self.between = Some((standing.time, Timestamp::MAX));
        }
        if self.bar == self.to {
            self.pulse.gate.update(well.clone());
            self.between = self.between.map(|(from, _)| (from, standing.time));
        }
    }

    fn turn(&mut self) {}

    fn end(&mut self) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Orders of a time by side, and whether each passed; refused for the mode alone count as refused.
#[derive(Debug, Default, PartialEq)]
struct Orders {
    buys: usize,
    sells: usize,
    refused_buys: usize,
    refused_sells: usize,
}

fn orders(records: &[Record], (from, to): (Timestamp, Timestamp)) -> Orders {
    let mut orders = Orders::default();
    for record in records {
        let Record::Intent(r) = record else { continue };
        if r.time <= from || r.time > to {
            continue;
        }
        let Intent { side, .. } = r.intent;
        let by_mode = r.verdict.denied_by().any(|c| c == Control::Mode);
        match (side, by_mode) {
            (Side::Buy, false) => orders.buys += 1,
            (Side::Sell, false) => orders.sells += 1,
            (Side::Buy, true) => orders.refused_buys += 1,
            (Side::Sell, true) => orders.refused_sells += 1,
        }
    }
    orders
}

/// OBS-34: a critical finding while it trades blocks every addition and lets exits leave, says why, and
/// ends by itself with the next healthy look. A warning changes nothing.
#[tokio::test]
async fn obs_34_critical_while_trading_blocks_additions_alone() {
    let (first, last) = (70, 170);
    let mut well = Illness::new(Severity::Warning, first, last);
    let left = watched(Plant::Nothing, well.pulse.clone(), &mut well).await;
    assert_eq!(left.ended.stop, Stop::EndOfData);
    let between = well.between.unwrap();
    let wanted = orders(&left.records, between);
    assert!(
        wanted.buys > 3 && wanted.sells > 0,
        "{between:?} {wanted:?}"
    );
    assert_eq!((wanted.refused_buys, wanted.refused_sells), (0, 0));

    let mut ill = Illness::new(Severity::Critical, first, last);
    let left = watched(Plant::Nothing, ill.pulse.clone(), &mut ill).await;
    assert_eq!(left.ended.stop, Stop::EndOfData);
    let records = left.records;
    let during = orders(&records, ill.between.unwrap());
    assert_eq!((during.buys, during.refused_sells), (0, 0), "{during:?}");
    assert!(during.refused_buys > 0 && during.sells > 0, "{during:?}");
    let told = left
        .ended
        .alerts
        .iter()
        .any(|a| a.contains("planted: the disk is full"));
    assert!(told, "{:?}", left.ended.alerts);
    let after = orders(&records, (ill.between.unwrap().1, Timestamp::MAX));
    assert!(after.buys > 0 && after.refused_buys == 0, "{after:?}");
}

/// The trader says once a second that it lives, also while no bar is due for a day.
#[test]
fn a_waiting_trader_is_heard_every_second() {
    let home = tempfile::tempdir().unwrap();
    let config = paper();
    let arguments = ["-q", "trade", config.to_str().unwrap(), "--speed", "1"];
    let mut child = Ended(command(home.path(), &arguments).spawn().unwrap());
    let folder = AccountFolder::new(home.path(), "paper").unwrap();
    let mut heard: Vec<Timestamp> = Vec::new();
    let began = Instant::now();
    while heard.len() < 4 {
        assert!(began.elapsed() < Duration::from_secs(60), "{heard:?}");
        assert!(child.0.try_wait().unwrap().is_none(), "it ended");
        if let Some(said) = folder.trader()
            && heard.last() != Some(&said.updated)
        {
            heard.push(said.updated);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let apart: Vec<f64> = heard[1..]
        .windows(2)
        .map(|p| p[1].since(p[0]).seconds())
        .collect();
    assert!(apart.iter().all(|s| (0.9..20.0).contains(s)), "{apart:?}");
}

/// A child that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A trader that holds its account and has said nothing for half a minute hangs: doctor says so, with
/// what to do. At the limit it is still heard, and without the lock nobody is missed.
#[test]
fn doctor_misses_a_trader_that_hangs() {
    let home = tempfile::tempdir().unwrap();
    let settings = SettingsRequest {
        file: Some(paper()),
        set: vec!["run.start=2012-07-02".into(), "run.end=2012-07-10".into()],
        ..SettingsRequest::default()
    };
    traded(home.path(), &settings, usize::MAX);
    let folder = AccountFolder::new(home.path(), "paper").unwrap();
    let said = folder.trader().unwrap().updated;
    let found = |after: Span| {
        let request = DoctorRequest {
            settings: settings.clone(),
            home: home.path().to_owned(),
        };
        let clock = Arc::new(FakeClock::new(said + after));
        let diagnosis = doctor(&request, &FileEngine::default(), clock).unwrap();
        let mut checks = diagnosis.report.checks.into_iter();
        let one = checks.find(|c| c.name == "traders").unwrap();
        (one.standing, one.message, one.remedy)
    };
    let limit = Span::from_seconds(30);
    assert_eq!(found(Span::from_seconds(60)).0, "not_judged");
    let lock = fs::File::options()
        .write(true)
        .open(folder.path().join("lock"))
        .unwrap();
    lock.lock().unwrap();
    assert_eq!(found(limit).0, "healthy");
    let (standing, message, remedy) = found(Span::from_seconds(31));
    assert_eq!(standing, "unhealthy");
    assert_eq!(
        message,
        "paper has said nothing for 31 s and still has its account"
    );
    assert!(remedy.unwrap().contains("ballast kill"));
}

/// The watch goes on in a thread of its own, hears of a heart that stopped, and ends at once when it is
/// dropped, also in the middle of a check that hangs.
#[test]
fn the_watch_sees_a_stopped_heart_and_ends_at_once() {
    #[derive(Debug)]
    struct Hangs;

    #[async_trait]
    impl Health for Hangs {
        fn name(&self) -> &'static str {
            "hangs"
        }

        fn severity(&self) -> Severity {
            Severity::Warning
        }

        async fn check(&self) -> Result<Finding> {
            std::future::pending().await
        }
    }

    let pulse = Pulse::new().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let heart = ballast::health::Heartbeat::new("loop", Duration::from_millis(20), 2).unwrap();
    let mut registry = HealthRegistry::new(Arc::clone(&clock));
    registry.register(heart.clone());
    let every = Span::from_nanos(5_000_000);
    let watcher = HealthWatcher::start(registry, every, clock.clone(), pulse.gate.clone(), |_| {});
    let watcher = watcher.unwrap();
    let began = Instant::now();
    while pulse.gate.admit().is_ok() || pulse.gate.looks() == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "never noticed");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(
        pulse.gate.last().unwrap().checks[0]
            .message
            .contains("no beat")
    );
    drop(watcher);
    let looks = pulse.gate.looks();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(pulse.gate.looks(), looks, "nobody looks any more");

    let mut registry = HealthRegistry::new(Arc::clone(&clock));
    registry.register(Hangs);
    let watcher = HealthWatcher::start(registry, every, clock, pulse.gate, |_| {}).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    let began = Instant::now();
    drop(watcher);
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// Three symbols that rise over 260 days, unevenly, so that weights by volatility are traded every day; `GAP` has no bar
/// for five of them.
fn gapped(folder: &Path) -> PathBuf {
    let days: Vec<_> = (0..260)
        .map(|n| chrono::NaiveDate::from_ymd_opt(2012, 1, 2).unwrap() + chrono::Days::new(n))
        .collect();
    let mut text = String::from("date,symbol,open,high,low,close,volume\n");
    for (n, date) in days.iter().enumerate() {
        for (symbol, step) in [("AAA", 3), ("BBB", 5), ("GAP", 7)] {
            if symbol == "GAP" && (120..125).contains(&n) {
                continue;
            }
            let close = 100 + n + (n * step) % 11;
            text += &format!(
                "{date},{symbol},{close},{},{},{close},100000\n",
                close + 1,
                close - 1
            );
        }
    }
    let file = folder.join("gapped.csv");
    fs::write(&file, text).unwrap();
    file
}

/// A symbol whose bars stop coming is told of past `risk.max_price_age_days` and takes no addition until it
/// is back; the others trade on. The alarm names it once.
#[test]
fn a_feed_that_stops_takes_no_risk_until_it_is_back() {
    let home = tempfile::tempdir().unwrap();
    let file = gapped(home.path());
    let set = [
        format!("data.source={}", file.display()),
        "data.symbols=[]".to_owned(),
        "data.calendar=utc_24x7".to_owned(),
        "data.contract=lenient".to_owned(),
        "run.start=2012-01-02".to_owned(),
        "strategy.parameters.entry=2".to_owned(),
        "strategy.parameters.exit=60".to_owned(),
        "strategy.parameters.volatility_window=10".to_owned(),
        "strategy.parameters.cap=1".to_owned(),
        "rebalance.threshold=0".to_owned(),
        "rebalance.min_fresh_share=0".to_owned(),
        "risk.max_price_age_days=2".to_owned(),
    ];
    let mut settings = SettingsRequest {
        file: Some(paper()),
        set: set.to_vec(),
        ..SettingsRequest::default()
    };
    settings.set.push("run.name=gapped".to_owned());
    let ended = traded(home.path(), &settings, usize::MAX).ended;
    assert_eq!(ended.stop, Stop::EndOfData, "{ended:?}");
    let told: Vec<_> = ended
        .alerts
        .iter()
        .filter(|a| a.contains("missing_feed"))
        .collect();
    assert_eq!(told.len(), 1, "{:?}", ended.alerts);
    assert!(told[0].contains("instrument = GAP"), "{}", told[0]);
    let records = journaled(home.path());
    let day_of = |n: u64| {
        let date = chrono::NaiveDate::from_ymd_opt(2012, 1, 2).unwrap() + chrono::Days::new(n);
        Timestamp::from_nanos(
            date.and_hms_opt(0, 0, 0)
                .unwrap()
                .and_utc()
                .timestamp_nanos_opt()
                .unwrap(),
        )
    };
    // The last bar closed at the midnight that begins day 120; the limit of two days is inclusive.
    let in_gap = |r: &IntentRecord| r.time > day_of(122) && r.time <= day_of(125);
    let gap = |r: &IntentRecord| r.intent.instrument.index() == 2;
    let intents: Vec<&IntentRecord> = records
        .iter()
        .filter_map(|record| match record {
            Record::Intent(r) => Some(r),
            _ => None,
        })
        .collect();
    let passed = |of: &dyn Fn(&IntentRecord) -> bool| {
        let passed = intents.iter().filter(|r| r.verdict.passed() && of(r));
        passed.count()
    };
    assert!(passed(&|r| in_gap(r) && !gap(r)) > 0, "the others trade on");
    assert_eq!(passed(&|r| in_gap(r) && gap(r)), 0);
    let back = |r: &IntentRecord| gap(r) && r.time > day_of(126) && r.intent.side == Side::Buy;
    assert!(passed(&back) > 0, "it takes additions again");
}
