//! The tape of inputs and the lockstep replay: a fresh kernel that is told what the trader's was told
//! records and asks for the same, and where it does not, the first record is named.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ballast::account_folder::AccountFolder;
use ballast::commands::journal_replay::{
    ReplayRequest, ReplayedSessions, Sessions, journal_replay,
};
use ballast::commands::settings::SettingsRequest;
use ballast::commands::trade::{TradeRequest, trade};
use ballast::drivers::FileEngine;
use ballast::drivers::live::{Speed, Stop};
use ballast::engine::Program;
use ballast::exit::{Exit, Failure};
use ballast::machine::ThisMachine;
use ballast::wiring::Strategies;
use ballast_domain::kernel::Record;
use ballast_domain::strategies::{EqualWeightHold, EqualWeightParameters};

use crate::paper_parity::{journaled, traded};

fn paper() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml")
}

fn settings(set: &[&str]) -> SettingsRequest {
    let days = ["run.start=2012-01-01", "run.end=2012-06-30"];
    SettingsRequest {
        file: Some(paper()),
        set: days.iter().chain(set).map(|s| (*s).to_owned()).collect(),
        ..SettingsRequest::default()
    }
}

fn replayed_by(home: &Path, strategies: Strategies) -> Result<ReplayedSessions, Failure> {
    let program = Program {
        engine: &FileEngine {
            strategies,
            ..FileEngine::default()
        },
        machine: &ThisMachine::new(),
    };
    let request = ReplayRequest {
        home: home.to_owned(),
        account: None,
        sessions: Sessions::All,
    };
    journal_replay(&program, &request)
}

fn replayed(home: &Path) -> ReplayedSessions {
    replayed_by(home, Strategies::built_in()).unwrap()
}

/// The tapes' files, oldest first.
fn tapes(home: &Path) -> Vec<PathBuf> {
    let folder = AccountFolder::new(home, "paper").unwrap().tapes();
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn lines_of(file: &Path) -> usize {
    let bytes = fs::read(file).unwrap_or_default();
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Sessions that end in the middle, and a rule for missed slots that shows bars without a decision:
/// every record of the journal comes out of a tape again, byte by byte.
#[test]
fn every_session_can_be_told_again() {
    let configs: [&[&str]; 4] = [
        &[],
        &["trade.catch_up=latest"],
        &["execution.size_at=fill", "execution.participation=0.0005"],
        &["trade.stage=shadow"],
    ];
    for set in configs {
        let home = tempfile::tempdir().unwrap();
        let mut sessions = 0;
        while traded(home.path(), &settings(set), 51 + 17 * (sessions % 3))
            .ended
            .stop
            != Stop::EndOfData
        {
            sessions += 1;
            assert!(sessions < 50, "{set:?}");
        }
        let done = replayed(home.path());
        let records: u64 = done.sessions.iter().map(|s| s.records).sum();
        println!(
            "{set:?}: {} sessions, {records} records",
            done.sessions.len()
        );
        assert!(
            done.sessions
                .iter()
                .all(|s| s.whole && s.difference.is_none()),
            "{done:?}"
        );
        assert_eq!((done.sessions.len(), done.exit()), (sessions + 1, Exit::Ok));
        assert_eq!(records, journaled(home.path()).len() as u64, "{set:?}");
        assert_eq!(records, done.records);
    }
}

/// A killed program's tape has everything up to the kill, and the sessions after it are told from the
/// records that were durable then.
#[cfg(unix)]
#[test]
fn a_killed_session_can_be_told_again() {
    let home = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        command.arg("--home").arg(home.path());
        let mut child = command.arg("-q").arg("trade").arg(paper()).spawn().unwrap();
        // In the middle of a line of the tape, or between two.
        let lines = || {
            tapes(home.path())
                .get(round - 1)
                .map_or(0, |file| lines_of(file))
        };
        let begun = std::time::Instant::now();
        while lines() < 150 + 31 * round {
            assert!(begun.elapsed().as_secs() < 60, "it never began");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None);
    }
    let request = SettingsRequest {
        file: Some(paper()),
        ..SettingsRequest::default()
    };
    traded(home.path(), &request, 40);
    let done = replayed(home.path());
    let unfinished = done.sessions.iter();
    let unfinished = unfinished.filter(|s| !s.whole && s.inputs >= 150).count();
    assert_eq!((unfinished, done.sessions.len()), (3, 4), "{done:?}");
    let equal = done.sessions.iter().all(|s| s.difference.is_none());
    assert!(equal, "{done:?}");
}

/// Twenty-eight days of one instrument, the close of the twentieth as given.
fn market(folder: &Path, price: &str) {
    let mut text = "date,symbol,open,high,low,close,volume\n".to_owned();
    for day in 1..=28 {
        let close = if day == 20 { price } else { "100.0" };
        text += &format!("2020-02-{day:02},A,100.0,110.0,90.0,{close},1000\n");
    }
    fs::write(folder.join("market.csv"), text).unwrap();
}

/// A config that trades it.
fn own(folder: &Path, strategy: &str) -> SettingsRequest {
    market(folder, "100.0");
    let file = folder.join("own.toml");
    let text = format!(
        r#"
[run]
name = "paper"
[data]
source = "market.csv"
calendar = "utc_24x7"
[strategy]
name = "{strategy}"
[risk]
max_order_notional = "unlimited"
max_position_notional = "unlimited"
"#
    );
    fs::write(&file, text).unwrap();
    SettingsRequest {
        file: Some(file),
        ..SettingsRequest::default()
    }
}

/// A kernel that decides otherwise is found at its first other record.
#[test]
fn a_kernel_that_decides_otherwise_is_found_at_its_first_record() {
    let (home, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mine = |gross: f64| {
        Strategies::built_in().with("mine", move |_, instruments| {
            let parameters = EqualWeightParameters { gross };
            Ok(Box::new(EqualWeightHold::new(&parameters, instruments)?))
        })
    };
    let request = TradeRequest {
        settings: own(data.path(), "mine"),
        home: home.path().to_owned(),
        once: false,
        speed: Speed::Max,
        adopt: None,
        live: false,
        journal_delay: Duration::ZERO,
    };
    let program = Program {
        engine: &FileEngine {
            strategies: mine(0.5),
            ..FileEngine::default()
        },
        machine: &ThisMachine::new(),
    };
    trade(&program, &request, &mut ()).unwrap();
    let same = replayed_by(home.path(), mine(0.5)).unwrap();
    assert_eq!(same.sessions[0].difference, None);

    let done = replayed_by(home.path(), mine(0.75)).unwrap();
    assert_eq!(done.exit(), Exit::StateRefused);
    let difference = done.sessions[0].difference.clone().unwrap();
    let record = usize::try_from(difference.record.unwrap()).unwrap();
    // All before it are equal, so this is the first.
    assert_eq!(done.sessions[0].records + 1, record as u64);
    let recorded = &journaled(home.path())[record - 1];
    assert!(matches!(recorded, Record::Decision(_)), "{recorded:?}");
    assert!(
        difference.recorded.starts_with("decision {"),
        "{difference:?}"
    );
    assert!(
        difference.replayed.starts_with("decision {"),
        "{difference:?}"
    );
    assert!(difference.told.starts_with("{\"slice\""), "{difference:?}");
}

/// A tape is proven line by line: a changed byte is refused wherever it is; a tape that was cut where a
/// crash cuts it is told as far as it goes.
#[test]
fn a_changed_tape_is_refused_and_a_cut_one_is_told_as_far_as_it_goes() {
    let home = tempfile::tempdir().unwrap();
    traded(home.path(), &settings(&[]), 12);
    let file = tapes(home.path()).remove(0);
    let bytes = fs::read(&file).unwrap();
    let whole = replayed(home.path());
    let step = bytes.len() / 16;
    // The last byte ends the last line: changed, the tape is one that was cut before it.
    for at in (0..bytes.len() - 1).step_by(step) {
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        fs::write(&file, &changed).unwrap();
        match replayed_by(home.path(), Strategies::built_in()) {
            Err(e) => assert_eq!(e.exit, Exit::StateRefused, "byte {at}"),
            Ok(done) => panic!("byte {at}: {done:?}"),
        }
    }
    let first_line = bytes.iter().position(|b| *b == b'\n').unwrap();
    for at in (first_line + 1..bytes.len()).step_by(step) {
        fs::write(&file, &bytes[..at]).unwrap();
        let cut = replayed(home.path());
        assert_eq!(cut.sessions[0].difference, None, "cut at {at}");
        assert!(!cut.sessions[0].whole && cut.sessions[0].inputs <= whole.sessions[0].inputs);
    }
}

/// Bars that changed since are another question, not another answer.
#[test]
fn other_data_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    traded(home.path(), &own(data.path(), "equal_weight"), usize::MAX);
    assert_eq!(replayed(home.path()).exit(), Exit::Ok);
    market(data.path(), "101.0");
    let refused = replayed_by(home.path(), Strategies::built_in()).unwrap_err();
    let words = refused.errors[0].to_string();
    assert!(words.contains("another bar than the trader saw"), "{words}");
}

/// A tape that cannot be written is said aloud, and trading goes on without it.
#[test]
fn a_tape_that_cannot_be_written_is_said_aloud() {
    let home = tempfile::tempdir().unwrap();
    let folder = AccountFolder::new(home.path(), "paper").unwrap();
    fs::create_dir_all(folder.path()).unwrap();
    fs::write(folder.tapes(), "a file where the folder should be").unwrap();
    let ended = traded(home.path(), &settings(&[]), 30);
    assert_eq!(ended.ended.stop, Stop::Interrupted);
    let said = ended
        .ended
        .alerts
        .iter()
        .any(|alert| alert.contains("cannot be replayed"));
    assert!(said, "{:?}", ended.ended.alerts);
}

/// The command says what it compared.
#[test]
fn the_command_says_what_it_compared() {
    let home = tempfile::tempdir().unwrap();
    traded(home.path(), &settings(&[]), 30);
    let ballast = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        command
            .arg("--home")
            .arg(home.path())
            .args(["journal", "replay"]);
        command.args(arguments).output().unwrap()
    };
    let output = ballast(&[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(
        text.starts_with("session 1: equal, ") && text.contains(" records compared"),
        "{text}"
    );
    assert_eq!(ballast(&["--session", "9"]).status.code(), Some(2));
}
