//! A trader that is stopped, killed, started twice, robbed of its files, or that panics: what it
//! leaves, what it says, and what is typed next.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballast::account_folder::AccountFolder;
use ballast::audit_log;
use ballast::commands::resume::{ResumeRequest, resume};
use ballast::commands::settings::SettingsRequest;
use ballast::commands::status::{Activity, status};
use ballast::commands::trade::{TradeRequest, trade};
use ballast::drivers::FileEngine;
use ballast::drivers::live::{Speed, Stop, cancel_all};
use ballast::engine::Program;
use ballast::exit::Exit;
use ballast::machine::ThisMachine;
use ballast::wiring::Strategies;
use ballast_domain::kernel::{Record, SendGate};
use ballast_domain::risk::Mode;
use ballast_ports::{AccountReport, BoxStream, Broker, BrokerCapabilities, ErrorKind, Idempotency};
use ballast_ports::{OrderReport, SubmitOutcome};
use serde_json::Value;

use crate::paper_parity::{journaled, traded};

fn paper() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml")
}

/// Eleven months, in which there are orders and one stock is listed.
fn settings(set: &[&str]) -> SettingsRequest {
    let days = ["run.start=2011-09-01", "run.end=2012-07-31"];
    SettingsRequest {
        file: Some(paper()),
        set: days.iter().chain(set).map(|s| (*s).to_owned()).collect(),
        ..SettingsRequest::default()
    }
}

fn folder(home: &Path) -> AccountFolder {
    AccountFolder::new(home, "paper").unwrap()
}

fn ballast(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
    command.arg("--home").arg(home).args(arguments);
    command
}

/// A trader that takes half a minute for what others do in a second.
pub(crate) fn slow_trader(home: &Path) -> Child {
    let config = paper();
    let config = config.to_str().unwrap();
    let mut child = command(home, &["-q", "trade", config, "--speed", "3000000"])
        .spawn()
        .unwrap();
    let began = Instant::now();
    while status(home, None).map_or(true, |s| s.records < 20) {
        assert!(child.try_wait().unwrap().is_none(), "it ended at once");
        assert!(began.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// Killed from outside while it trades: it ends with code 4, the next start is halted, and only a
/// release with a reason lets it trade on.
#[test]
fn a_killed_trader_stays_killed_until_it_is_released() {
    let home = tempfile::tempdir().unwrap();
    let mut child = slow_trader(home.path());
    let during = status(home.path(), None).unwrap();
    assert_eq!(during.activity, Activity::Running);
    let account = folder(home.path()).path().display().to_string();
    assert_eq!(
        during.next_command,
        format!("ballast kill {account} --reason WHY")
    );
    let killed = json(&ballast(
        home.path(),
        &["kill", "paper", "--reason", "fat finger", "--json"],
    ));
    assert_eq!(killed["trader_runs"], true);
    let ended = child.wait().unwrap();
    assert_eq!(ended.code(), Some(4));
    let after = status(home.path(), None).unwrap();
    assert_eq!(
        (after.activity, after.mode),
        (Activity::Stopped, Mode::Halted)
    );
    assert_eq!(after.killed.as_deref(), Some("fat finger"));
    assert_eq!(
        after.next_command,
        format!("ballast resume {account} --reason WHY")
    );
    let again = traded(home.path(), &settings(&[]), usize::MAX);
    assert_eq!((again.ended.stop, again.ended.bars), (Stop::Killed, 0));
    assert_eq!(again.exit(), Exit::Refused);

    let request = ResumeRequest {
        home: home.path().to_owned(),
        account: None,
        reason: "looked at it".to_owned(),
    };
    let program = Program {
        engine: &FileEngine::default(),
        machine: &ThisMachine::new(),
    };
    let resumed = resume(&program, &request, &mut ()).unwrap();
    assert_eq!(resumed.killed.as_deref(), Some("fat finger"));
    assert!(!folder(home.path()).kill_switch().is_thrown());
    let said = journaled(home.path()).into_iter().any(
        |r| matches!(r, Record::Mode(r) if r.mode == Mode::Active && r.reason == "looked at it"),
    );
    assert!(said, "the release is in the journal");
    let released = status(home.path(), None).unwrap();
    assert_eq!((released.mode, released.killed), (Mode::Active, None));
}

/// A second trader of the same account is refused with what to do, and disturbs nobody.
#[test]
fn a_second_trader_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut child = slow_trader(home.path());
    let config = paper();
    let second = ballast(home.path(), &["trade", config.to_str().unwrap(), "--json"]);
    assert_eq!(second.status.code(), Some(6));
    let message = json(&second)["errors"][0]["message"].to_string();
    assert!(message.contains("another process"), "{message}");
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    let crashed = status(home.path(), None).unwrap();
    assert_eq!(crashed.activity, Activity::Crashed);
    // What is to be typed trades this account on, and no other.
    let typed: Vec<&str> = crashed.next_command.split(' ').skip(1).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(&typed)
        .args(["--once", "--json"])
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 7)), "{output:?}");
    assert!(json(&output)["recovered"].as_u64() >= Some(crashed.records));
}

fn refused(home: &Path, settings: SettingsRequest, adopt: Option<&str>) -> ballast::exit::Failure {
    started(home, settings, adopt).unwrap_err()
}

fn started(
    home: &Path,
    settings: SettingsRequest,
    adopt: Option<&str>,
) -> Result<ballast::commands::trade::Traded, ballast::exit::Failure> {
    let request = TradeRequest {
        settings,
        home: home.to_owned(),
        once: false,
        speed: Speed::Max,
        adopt: adopt.map(str::to_owned),
        live: false,
        journal_delay: Duration::ZERO,
    };
    let program = Program {
        engine: &FileEngine::default(),
        machine: &ThisMachine::new(),
    };
    trade(&program, &request, &mut ())
}

/// A journal that is gone while the venue knows the account: nobody begins anew by accident.
#[test]
fn an_account_whose_journal_is_gone_is_taken_over_on_purpose_only() {
    let home = tempfile::tempdir().unwrap();
    let before = traded(home.path(), &settings(&[]), 90);
    assert!(
        before.ended.fills > 0 && !before.positions.is_empty(),
        "{before:?}"
    );
    for file in [
        "journal.db",
        "journal.anchor",
        "journal.db-wal",
        "journal.db-shm",
    ] {
        let _ = fs::remove_file(folder(home.path()).path().join(file));
    }
    // The audit log alone knows that there was one.
    let failure = refused(home.path(), settings(&[]), None);
    assert_eq!(failure.exit, Exit::StateRefused);
    let hint = failure.errors[0].hint.clone().unwrap();
    assert!(hint.contains("--adopt-account"), "{hint}");
    fs::remove_file(audit_log::path(folder(home.path()).path())).unwrap();
    let failure = refused(home.path(), settings(&[]), None);
    assert_eq!(failure.exit, Exit::Refused);
    let hint = failure.errors[0].hint.clone().unwrap();
    assert!(hint.contains("--adopt-account"), "{hint}");
    let adopted = started(home.path(), settings(&[]), Some("the disk was lost")).unwrap();
    assert_eq!(adopted.ended.stop, Stop::EndOfData, "{adopted:?}");
    assert_eq!(adopted.ended.disputes, 0);
}

/// The venue's memory is proven as well, and bound to its terms.
#[test]
fn a_changed_venue_log_and_other_terms_are_refused() {
    let home = tempfile::tempdir().unwrap();
    traded(home.path(), &settings(&[]), 90);
    let other = refused(home.path(), settings(&["execution.fee_bps=7"]), None);
    assert_eq!(other.exit, Exit::StateRefused);
    assert!(
        other.errors[0].to_string().contains("other terms"),
        "{other:?}"
    );
    let log = folder(home.path()).venue_log();
    let whole = fs::read_to_string(&log).unwrap();
    let last = whole.trim_end().rfind('\n').unwrap();
    for (changed, says) in [
        (whole.replacen("order", "0rder", 1), "not as it was written"),
        // A line left out of the middle.
        (
            whole
                .lines()
                .enumerate()
                .filter(|(n, _)| *n != 9)
                .fold(String::new(), |text, (_, line)| text + line + "\n"),
            "not as it was written",
        ),
    ] {
        assert_ne!(changed, whole);
        fs::write(&log, changed).unwrap();
        let failure = refused(home.path(), settings(&[]), None);
        assert_eq!(failure.exit, Exit::StateRefused);
        assert!(failure.errors[0].to_string().contains(says), "{failure:?}");
    }
    // A line that was being written when the power went was never acted upon.
    fs::write(&log, &whole[..last + 20]).unwrap();
    let ended = started(home.path(), settings(&[]), None).unwrap();
    assert_eq!(ended.ended.stop, Stop::EndOfData);
}

/// EXE-01: in the shadow everything is decided, judged and recorded, and no order reaches the venue.
#[test]
fn exe_01_a_shadow_decides_everything_and_sends_nothing() {
    let home = tempfile::tempdir().unwrap();
    let shadow = traded(home.path(), &settings(&["trade.stage=shadow"]), usize::MAX);
    assert!(
        shadow.ended.decisions > 10 && shadow.ended.intents > 5,
        "{shadow:?}"
    );
    assert_eq!((shadow.ended.fills, shadow.positions.len()), (0, 0));
    let log = fs::read_to_string(folder(home.path()).venue_log()).unwrap();
    assert!(log.contains("\"stage\"") && !log.contains("\"order\""));
    let home = tempfile::tempdir().unwrap();
    traded(home.path(), &settings(&[]), usize::MAX);
    let log = fs::read_to_string(folder(home.path()).venue_log()).unwrap();
    assert!(log.contains("\"order\""), "on paper it does reach it");
}

/// A panic in the kernel's strategy: exit code 70 through the command line, the switch latched, the
/// incident written, and the next start halted.
#[test]
fn a_panic_latches_the_kill_switch_and_leaves_an_incident() {
    let home = tempfile::tempdir().unwrap();
    let strategies = Strategies::built_in().with("panics", |_, _| Ok(Box::new(Panics)));
    let engine = FileEngine {
        strategies,
        ..FileEngine::default()
    };
    let program = Program {
        engine: &engine,
        machine: &ThisMachine::new(),
    };
    let request = TradeRequest {
        settings: settings(&["strategy.name=panics", "strategy.parameters={}"]),
        home: home.path().to_owned(),
        once: false,
        speed: Speed::Max,
        adopt: None,
        live: false,
        journal_delay: Duration::ZERO,
    };
    let run = || trade(&program, &request, &mut ());
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    assert!(ended.is_err(), "the panic goes on to the command line");
    let folder = folder(home.path());
    let reason = folder.kill_switch().reason().unwrap();
    assert!(reason.contains("planted in a strategy"), "{reason}");
    let incidents = fs::read_dir(folder.path().join("incidents")).unwrap();
    assert_eq!(incidents.count(), 1);
    // The journal's threads end by themselves, and the account's lock with them.
    let begun = Instant::now();
    while folder.is_locked() && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let found = status(home.path(), None).unwrap();
    assert_eq!(
        (found.mode, found.activity),
        (Mode::Halted, Activity::Crashed)
    );
}

#[derive(Debug)]
struct Panics;

impl ballast_domain::strategy::Strategy for Panics {
    fn name(&self) -> &str {
        "panics"
    }

    fn requirements(&self) -> ballast_domain::strategy::Requirements {
        ballast_domain::strategy::Requirements {
            fields: ballast_domain::market::Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _: &ballast_domain::strategy::View<'_>) {}

    fn decide(
        &mut self,
        _: ballast_domain::strategy::Slot,
        _: &ballast_domain::strategy::View<'_>,
    ) -> ballast_domain::strategy::Decision {
        panic!("planted in a strategy")
    }

    fn save(&self) -> ballast_domain::strategy::State {
        ballast_domain::strategy::State { words: Vec::new() }
    }

    fn restore(&mut self, _: &ballast_domain::strategy::State) -> ballast_domain::Result<()> {
        Ok(())
    }
}

/// A venue on which cancels take effect at a later look, some of them never.
#[derive(Debug)]
struct Slow {
    open: std::sync::Mutex<Vec<(OrderReport, u32)>>,
    looks: std::sync::atomic::AtomicU32,
}

impl Slow {
    /// Orders that stay listed for so many looks after their cancel.
    fn new(looks: &[u32]) -> Arc<Self> {
        let report = |n: usize| OrderReport {
            client_id: ballast_domain::orders::ClientOrderId::default(),
            instrument: ballast_domain::instrument::InstrumentId::from_index(n),
            side: ballast_domain::orders::Side::Buy,
            status: ballast_domain::orders::OrderStatus::Accepted,
            filled: ballast_domain::money::Quantity::ZERO,
        };
        let open = looks
            .iter()
            .enumerate()
            .map(|(n, l)| (report(n), *l))
            .collect();
        Arc::new(Self {
            open: std::sync::Mutex::new(open),
            looks: std::sync::atomic::AtomicU32::new(0),
        })
    }
}

#[async_trait::async_trait]
impl Broker for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn capabilities(&self) -> BrokerCapabilities {
        BrokerCapabilities {
            market_orders: true,
            limit_orders: true,
            times_in_force: Vec::new(),
            post_only: false,
            reduce_only: false,
            idempotency: Idempotency::None,
            expiry_fence: None,
        }
    }

    async fn submit(&self, permit: ballast_domain::kernel::SendPermit) -> SubmitOutcome {
        let cause = ballast_ports::Error::new(ErrorKind::Unsupported, "submit", "only cancels");
        SubmitOutcome::NotSent { permit, cause }
    }

    async fn cancel(
        &self,
        instrument: ballast_domain::instrument::InstrumentId,
        _: ballast_domain::orders::ClientOrderId,
    ) -> ballast_ports::Result<()> {
        let mut open = self.open.lock().unwrap();
        for (report, left) in open.iter_mut().filter(|(r, _)| r.instrument == instrument) {
            report.status = ballast_domain::orders::OrderStatus::PendingCancel;
            *left = left.saturating_sub(1);
        }
        Ok(())
    }

    async fn order(
        &self,
        _: ballast_domain::instrument::InstrumentId,
        _: ballast_domain::orders::ClientOrderId,
    ) -> ballast_ports::Result<OrderReport> {
        Err(ballast_ports::Error::new(
            ErrorKind::NotFound,
            "order",
            "not here",
        ))
    }

    async fn open_orders(&self) -> ballast_ports::Result<Vec<OrderReport>> {
        self.looks.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let mut open = self.open.lock().unwrap();
        open.retain(|(_, left)| *left > 0);
        Ok(open.iter().map(|(report, _)| *report).collect())
    }

    async fn account(&self) -> ballast_ports::Result<AccountReport> {
        Ok(AccountReport::default())
    }

    fn facts(&self) -> BoxStream<ballast_ports::Result<ballast_domain::kernel::Fact>> {
        ballast_ports::stream::iter(Vec::new())
    }
}

/// EXE-08: a cancel is believed when the venue no longer lists the order, at whichever look that is;
/// one that never goes is said to be there.
#[tokio::test(start_paused = true)]
async fn exe_08_everything_is_off_when_the_list_is_empty_and_not_before() {
    let venue = Slow::new(&[1, 2, 5]);
    assert_eq!(cancel_all(Arc::clone(&venue) as _).await.unwrap(), 3);
    assert!(venue.open.lock().unwrap().is_empty());
    assert_eq!(venue.looks.load(std::sync::atomic::Ordering::SeqCst), 6);
    let empty = Slow::new(&[]);
    assert_eq!(cancel_all(Arc::clone(&empty) as _).await.unwrap(), 0);
    let stuck = Slow::new(&[1, u32::MAX]);
    let error = cancel_all(Arc::clone(&stuck) as _).await.unwrap_err();
    assert!(error.to_string().contains("still lists"), "{error}");
}

/// From the file's creation to the closed gate, and to an empty list at the venue. Run alone:
/// `cargo test --release -p ballast --test it trader::kill_figures -- --ignored --nocapture`
#[test]
#[ignore = "measures, on an idle machine: docs/testing.md has the command"]
fn kill_figures() {
    let folder = tempfile::tempdir().unwrap();
    let mut closed = Vec::new();
    for _ in 0..500 {
        let switch = ballast_system::KillSwitch::in_folder(folder.path());
        let gate = Arc::new(SendGate::new(1));
        let watch = switch.watch(Arc::clone(&gate)).unwrap();
        std::thread::sleep(Duration::from_millis(3));
        let began = Instant::now();
        // What a person's shell does; the sync of `throw` comes after the name is there.
        fs::File::create(switch.path()).unwrap();
        while gate.kill_epoch() == 0 {
            // A spin would take the core that the watcher needs.
            std::thread::sleep(Duration::from_micros(100));
        }
        closed.push(began.elapsed());
        drop(watch);
        switch.release().unwrap();
    }
    closed.sort();
    println!(
        "file to closed gate: p50 {:?}, p99 {:?}, worst {:?} of {}",
        closed[250],
        closed[495],
        closed[499],
        closed.len()
    );
    assert!(closed[495] < Duration::from_millis(10), "{:?}", closed[495]);
}
