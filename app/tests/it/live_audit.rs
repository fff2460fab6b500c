//! The audit log of an account: what is in it, and what is said when somebody changed it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ballast::account_folder::AccountFolder;
use ballast::audit_log;
use ballast::commands::resume::{ResumeRequest, resume};
use ballast::commands::settings::SettingsRequest;
use ballast::commands::trade::{TradeRequest, Traded, trade};
use ballast::drivers::FileEngine;
use ballast::drivers::live::Speed;
use ballast::engine::Program;
use ballast::exit::{Exit, Failure};
use ballast::machine::ThisMachine;
use ballast::wiring::AuditedJournal;
use ballast_domain::kernel::{ModeRecord, Record};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Timestamp;
use ballast_journal::encode;
use ballast_memory::MemoryJournal;
use ballast_ports::{Journal, JournalBatch, Snapshot};
use ballast_testkit::conformance::journal::Subject;
use serde_json::Value;

use crate::paper_parity::traded;

fn settings(set: &[&str]) -> SettingsRequest {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml");
    let days = ["run.start=2011-09-01", "run.end=2012-07-31"];
    SettingsRequest {
        file: Some(file),
        set: days.iter().chain(set).map(|s| (*s).to_owned()).collect(),
        ..SettingsRequest::default()
    }
}

fn folder(home: &Path) -> PathBuf {
    let folder = AccountFolder::new(home, "paper").unwrap();
    folder.path().to_owned()
}

fn log(home: &Path) -> PathBuf {
    audit_log::path(&folder(home))
}

fn started(home: &Path) -> Result<Traded, Failure> {
    let request = TradeRequest {
        settings: settings(&[]),
        home: home.to_owned(),
        once: true,
        speed: Speed::Max,
        adopt: None,
        live: false,
        journal_delay: Duration::ZERO,
    };
    let program = Program {
        engine: &FileEngine::default(),
        machine: &ThisMachine::new(),
    };
    trade(&program, &request, &mut ())
}

fn lines(text: &str) -> Vec<Value> {
    let read = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(read).collect()
}

/// The text with every hash computed anew, as somebody who knows how would leave it.
fn chained_anew(text: &str) -> String {
    let mut before = *blake3::hash(b"ballast audit 1").as_bytes();
    let mut all = String::new();
    for line in text.lines() {
        let rest = &line[r#"{"chain":"","#.len() + 64..];
        let mut hasher = blake3::Hasher::new();
        hasher.update(&before);
        hasher.update(rest.as_bytes());
        let hash = hasher.finalize();
        before = *hash.as_bytes();
        all += &format!("{{\"chain\":\"{}\",{rest}\n", hash.to_hex());
    }
    all
}

fn without(lines: &[&str], left_out: usize) -> String {
    let kept = lines.iter().enumerate().filter(|(n, _)| *n != left_out);
    kept.map(|(_, line)| format!("{line}\n")).collect()
}

/// SEC-01: signals, allocations, orders, denials, executions and overrides have their lines, by an operator
/// too; each line holds a record of the journal.
#[test]
fn sec_01_signals_orders_overrides_and_allocations_are_in_the_audit_log() {
    let home = tempfile::tempdir().unwrap();
    traded(
        home.path(),
        &settings(&["risk.max_order_notional=2000"]),
        90,
    );
    let switch = AccountFolder::new(home.path(), "paper")
        .unwrap()
        .kill_switch();
    switch.throw("fat finger").unwrap();
    traded(
        home.path(),
        &settings(&["risk.max_order_notional=2000"]),
        90,
    );
    let request = ResumeRequest {
        home: home.path().to_owned(),
        account: None,
        reason: "looked at it".to_owned(),
    };
    let program = Program {
        engine: &FileEngine::default(),
        machine: &ThisMachine::new(),
    };
    resume(&program, &request, &mut ()).unwrap();
    traded(home.path(), &settings(&[]), usize::MAX);
    let text = fs::read_to_string(log(home.path())).unwrap();
    let lines = lines(&text);
    let events: BTreeSet<&str> = lines.iter().filter_map(|l| l["event"].as_str()).collect();
    for event in [
        "signal",
        "allocation",
        "order",
        "denial",
        "order_status",
        "execution",
        "override",
    ] {
        assert!(events.contains(event), "{event} in {events:?}");
    }
    for (mode, why) in [("halted", "fat finger"), ("active", "looked at it")] {
        let said = lines.iter().any(|l| {
            l["event"] == "override"
                && l["record"]["mode"] == mode
                && l["record"]["reason"]
                    .as_str()
                    .is_some_and(|r| r.contains(why))
        });
        assert!(said, "{mode}: {why}");
    }
    let (audit, proof) = audit_log::prove(&folder(home.path())).unwrap();
    let proof = proof.unwrap();
    assert_eq!((proof.lines, proof.behind), (lines.len() as u64, 0));
    assert!(
        audit.records > proof.lines,
        "memories and agreements have none"
    );
}

/// SEC-01: any byte changed, any line gone, doubled, made up or cut off is found, also by a start, and also
/// when the hashes were computed anew.
#[test]
fn sec_01_an_edit_a_deletion_an_insertion_and_a_cut_are_found() {
    let home = tempfile::tempdir().unwrap();
    traded(home.path(), &settings(&[]), 110);
    let (file, folder) = (log(home.path()), folder(home.path()));
    let whole = fs::read_to_string(&file).unwrap();
    let all: Vec<&str> = whole.lines().collect();
    assert!(all.len() > 60, "{}", all.len());
    let mut changed = Vec::new();
    let mut events = BTreeSet::new();
    for (n, line) in all.iter().enumerate() {
        let said: Value = serde_json::from_str(line).unwrap();
        if !events.insert(said["event"].to_string()) && n % 11 != 0 {
            continue;
        }
        // Gone, and with one character of its record another.
        changed.push((format!("line {n} gone"), without(&all, n)));
        let at = whole.find(line).unwrap();
        let digit = at + 100 + line[100..].find(|c: char| c.is_ascii_digit()).unwrap();
        let other = if &whole[digit..=digit] == "7" {
            "8"
        } else {
            "7"
        };
        let mut edited = whole.clone();
        edited.replace_range(digit..=digit, other);
        changed.push((format!("line {n} edited"), edited));
    }
    for n in [0, 1, all.len() / 2, all.len() - 1] {
        let mut more = all.clone();
        more.insert(n, all[n]);
        changed.push((format!("line {n} twice"), more.join("\n") + "\n"));
        let mut made_up = all.clone();
        let forged = all[n].replacen("\"seq\":", "\"seq\":9", 1);
        made_up.insert(n + 1, &forged);
        changed.push((format!("made up after {n}"), made_up.join("\n") + "\n"));
        changed.push((format!("cut before {n}"), all[..n].join("\n") + "\n"));
    }
    for cut in [1, 40, all[all.len() - 1].len(), whole.len() - 1] {
        changed.push((
            format!("cut by {cut}"),
            whole[..whole.len() - cut].to_owned(),
        ));
    }
    changed.push(("nothing left".to_owned(), String::new()));
    for (n, (what, text)) in changed.iter().enumerate() {
        assert_ne!(*text, whole, "{what}");
        fs::write(&file, text).unwrap();
        let found = audit_log::prove(&folder).map(|proven| proven.1);
        assert!(found.is_err(), "{what}: {found:?}");
        let forged = text.lines().all(|l| l.len() > 75);
        let forged = forged.then(|| chained_anew(text));
        if let Some(forged) = forged.filter(|forged| *forged != whole) {
            fs::write(&file, forged).unwrap();
            let found = audit_log::prove(&folder).map(|proven| proven.1);
            assert!(found.is_err(), "{what}, chained anew: {found:?}");
        }
        // A start follows the chain and knows the end.
        if n % 17 == 0 || what.contains("cut by") {
            fs::write(&file, text).unwrap();
            let failure = started(home.path()).unwrap_err();
            assert_eq!(failure.exit, Exit::StateRefused, "{what}: {failure:?}");
            let hint = failure.errors[0].hint.clone().unwrap_or_default();
            assert!(hint.contains("audit.jsonl"), "{what}: {failure:?}");
        }
    }
    // Moved away, it is written anew, aloud; and it is the same one.
    fs::remove_file(&file).unwrap();
    assert!(audit_log::prove(&folder).is_err(), "it is missed");
    let anew = started(home.path()).unwrap();
    let said = &anew.ended.alerts[0];
    assert!(said.contains("there was no audit log"), "{said}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with(&whole));
    audit_log::prove(&folder).unwrap();
}

fn batch(seq: u64) -> JournalBatch {
    let record = Record::Mode(ModeRecord {
        time: Timestamp::from_nanos(1_700_000_000_000_000_000),
        scope: ModeScope::Account,
        mode: Mode::ReduceOnly,
        reason: format!("number {seq}"),
    });
    JournalBatch {
        seq,
        digest: seq,
        records: vec![encode(seq, &record).unwrap()],
    }
}

/// SEC-01: a program that dies between a commit and its lines, or in the middle of one, leaves a log that the
/// next start completes, at whichever byte it died; nothing in it is changed. What a snapshot was kept after
/// must be there.
#[tokio::test]
async fn sec_01_what_a_dying_program_did_not_write_is_completed() {
    let room = tempfile::tempdir().unwrap();
    let file = audit_log::path(room.path());
    let inner: Arc<MemoryJournal> = Arc::new(MemoryJournal::new());
    let open = || AuditedJournal::open(Arc::clone(&inner) as Arc<dyn Journal>, &file, &[]);
    let (journal, completed) = open().await.unwrap();
    assert_eq!(completed.lines, 0);
    for seq in 1..=3 {
        journal.append(&batch(seq)).await.unwrap();
    }
    let whole = fs::read(&file).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|n| whole[*n] == b'\n').collect();
    assert_eq!(ends.len(), 3);
    for cut in 0..=whole.len() {
        fs::write(&file, &whole[..cut]).unwrap();
        let (_, completed) = open().await.unwrap();
        assert!(fs::read(&file).unwrap() == whole, "cut at {cut}");
        let there = ends.iter().filter(|end| **end < cut).count() as u64;
        assert_eq!((completed.lines, completed.anew), (3 - there, there == 0));
    }
    // A batch that became durable while its caller was gone.
    let (journal, _) = open().await.unwrap();
    inner.append(&batch(4)).await.unwrap();
    journal.append(&batch(5)).await.unwrap();
    assert_eq!(lines(&fs::read_to_string(&file).unwrap()).len(), 5);
    let whole = fs::read(&file).unwrap();
    let state = Snapshot {
        batch: 5,
        state: b"kept".to_vec(),
    };
    journal.keep_snapshot(&state).await.unwrap();
    for cut in 1..whole.len() {
        fs::write(&file, &whole[..cut]).unwrap();
        let refused = open().await.unwrap_err();
        assert!(refused.to_string().contains("was cut"), "{cut}: {refused}");
    }
    fs::write(&file, &whole).unwrap();
    assert_eq!(open().await.unwrap().1.lines, 0);
}

/// SEC-01: a real trader, killed while it trades: the next start goes on and the log is whole.
#[cfg(unix)]
#[test]
fn sec_01_after_a_kill_the_log_is_whole_again() {
    let home = tempfile::tempdir().unwrap();
    let mut child = crate::trader::slow_trader(home.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let file = log(home.path());
    let before = fs::read(&file).unwrap();
    let (audit, proof) = audit_log::prove(&folder(home.path())).unwrap();
    assert!(audit.records >= 20 && proof.unwrap().lines > 5);
    // As if it had died in the middle of its last line.
    fs::write(&file, &before[..before.len() - 17]).unwrap();
    let proof = audit_log::prove(&folder(home.path())).unwrap().1.unwrap();
    assert_eq!(proof.behind, 1);
    let ended = started_anywhere(home.path());
    assert!(
        ended.ended.alerts[0].contains("lacked its last"),
        "{ended:?}"
    );
    assert!(fs::read(&file).unwrap().starts_with(&before));
    let proof = audit_log::prove(&folder(home.path())).unwrap().1.unwrap();
    assert_eq!(proof.behind, 0);
}

#[cfg(unix)]
fn started_anywhere(home: &Path) -> Traded {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml");
    let settings = SettingsRequest {
        file: Some(file),
        ..SettingsRequest::default()
    };
    traded(home, &settings, 1)
}

/// The contract of the port holds around it.
mod contract {
    use super::*;

    async fn subject() -> Subject {
        let room = tempfile::tempdir().unwrap();
        let inner: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
        let file = audit_log::path(room.path());
        let (journal, _) = AuditedJournal::open(inner, &file, &[]).await.unwrap();
        Subject {
            journal: Arc::new(journal),
            room: Some(Arc::new(room)),
        }
    }

    ballast_testkit::journal_conformance!(subject().await);
}
