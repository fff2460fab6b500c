//! The journal from the shell: proven, exported, copied, damaged, and what to type then.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ballast_domain::kernel::{ModeRecord, Record};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Timestamp;
use ballast_journal::encode;
use ballast_ports::{Journal as _, JournalBatch};
use ballast_sqlite::{Options, SqliteJournal};
use serde_json::Value;

/// An account's journal with three modes in it, still open.
pub(crate) fn opened(folder: &Path) -> SqliteJournal {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let options = Options::new(folder, "main", "a test").with_reserve(0);
    runtime.block_on(async {
        let journal = SqliteJournal::open(options).await.unwrap();
        for (seq, mode) in (1..).zip([Mode::Active, Mode::ReduceOnly, Mode::Halted]) {
            let record = Record::Mode(ModeRecord {
                time: Timestamp::from_nanos(1_700_000_000_000_000_000),
                scope: ModeScope::Account,
                mode,
                reason: "the operator wanted to see what happens".to_owned(),
            });
            let batch = JournalBatch {
                seq,
                digest: seq,
                records: vec![encode(seq, &record).unwrap()],
            };
            journal.append(&batch).await.unwrap();
        }
        journal
    })
}

/// Makes such a journal and closes it.
pub(crate) fn made(folder: &Path) {
    let journal = opened(folder);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(journal.close()).unwrap();
}

fn ballast(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// The answer as JSON, with the exit code the command must have.
fn json(folder: &Path, arguments: &[&str], exit: i32) -> Value {
    let output = ballast(folder, &[arguments, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {text}"))
}

/// Refused with exit code 6, what it says, and what to do.
fn refused(folder: &Path, arguments: &[&str], says: &str) -> String {
    let answer = json(folder, arguments, 6);
    let error = &answer["errors"][0];
    assert!(
        error["message"].as_str().unwrap().contains(says),
        "{answer}"
    );
    let hint = error["hint"].as_str().unwrap_or_default().to_owned();
    assert!(!hint.is_empty(), "{answer}");
    hint
}

const ACCOUNT: &str = "ballast-data/accounts/main";

#[test]
fn a_journal_is_proven_exported_copied_and_restored() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    made(&at.join(ACCOUNT));
    let proven = json(at, &["journal", "verify"], 0);
    assert_eq!(
        (&proven["records"], &proven["epoch"]),
        (&3.into(), &1.into())
    );
    assert_eq!(proven["modes"][0]["mode"], "halted");
    for name in ["main", ACCOUNT] {
        assert_eq!(
            json(at, &["journal", "verify", name], 0)["head_hash"],
            proven["head_hash"]
        );
    }
    let text = String::from_utf8(ballast(at, &["journal", "verify"]).stdout).unwrap();
    assert!(
        text.starts_with("every record proven: 3 records in 3 batches"),
        "{text}"
    );
    assert!(
        text.contains("halted for account since 2023-11-14"),
        "{text}"
    );
    let export = ["journal", "export", "--out", "records.jsonl"];
    assert_eq!(json(at, &export, 0)["records"], 3);
    let records = fs::read_to_string(at.join("records.jsonl")).unwrap();
    let last: Value = serde_json::from_str(records.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["seq"], &last["kind"], &last["body"]["mode"]),
        (&3.into(), &"mode".into(), &"halted".into())
    );
    let copied = json(at, &["journal", "backup", "--to", "backup"], 0);
    assert_eq!(copied["state_hash"], proven["state_hash"]);
    refused(
        at,
        &["journal", "backup", "--to", "backup"],
        "there already",
    );
    refused(
        at,
        &["journal", "restore", "backup", "--to", ACCOUNT],
        "there already",
    );
    fs::rename(at.join(ACCOUNT), at.join("lost")).unwrap();
    let restored = json(at, &["journal", "restore", "backup", "--to", ACCOUNT], 0);
    assert_eq!(restored["head_hash"], proven["head_hash"]);
    assert_eq!(
        json(at, &["journal", "verify"], 0)["head_hash"],
        proven["head_hash"]
    );
}

/// Reading disturbs nobody; what writes is refused while somebody else does.
#[test]
fn a_journal_that_is_being_written_can_be_read_and_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let journal = opened(&at.join(ACCOUNT));
    assert_eq!(json(at, &["journal", "verify"], 0)["records"], 3);
    assert_eq!(
        json(at, &["journal", "backup", "--to", "live"], 0)["records"],
        3
    );
    let accept = ["journal", "accept", "main", "--reason", "impatience"];
    refused(at, &accept, "another process");
    drop(journal);
}

#[test]
fn what_cannot_be_trusted_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    refused(at, &["journal", "verify", "nowhere"], "no journal here");
    let which = json(at, &["journal", "verify"], 2);
    assert!(which["errors"][0]["hint"].is_string(), "{which}");
    made(&at.join(ACCOUNT));
    let (db, anchor) = (
        at.join(ACCOUNT).join("journal.db"),
        at.join(ACCOUNT).join("journal.anchor"),
    );
    let (good, good_anchor) = (fs::read(&db).unwrap(), fs::read(&anchor).unwrap());
    let place = good
        .windows(8)
        .position(|part| part == b"operator")
        .unwrap();
    let mut bad = good.clone();
    bad[place] ^= 1;
    fs::write(&db, &bad).unwrap();
    for command in ["verify", "export"] {
        let mut arguments = vec!["journal", command, "main"];
        arguments.extend(
            (command == "export")
                .then_some(["--out", "x.jsonl"])
                .iter()
                .flatten(),
        );
        let hint = refused(at, &arguments, "checksum");
        assert!(hint.contains("restore the newest backup"), "{hint}");
    }
    assert!(!at.join("x.jsonl").exists(), "nothing was exported");
    fs::write(&db, &good).unwrap();
    // Without its anchor a journal may be anything; a person may take it, and says why.
    fs::remove_file(&anchor).unwrap();
    let hint = refused(at, &["journal", "verify"], "anchor");
    assert!(hint.contains("ballast journal accept"), "{hint}");
    json(at, &["journal", "accept", "main", "--reason", " "], 2);
    let accept = ["journal", "accept", "main", "--reason", "the venue agrees"];
    assert_eq!(json(at, &accept, 0)["records"], 3);
    assert_eq!(json(at, &["journal", "verify"], 0)["epoch"], 2);
    // The old anchor belongs to an earlier journal.
    fs::write(&anchor, good_anchor).unwrap();
    assert_eq!(
        json(at, &["journal", "verify"], 0)["epoch"],
        2,
        "one commit ahead is a crash"
    );
    let text = String::from_utf8(ballast(at, &["journal", "verify", "nowhere"]).stderr).unwrap();
    assert!(text.contains("hint"), "{text}");
}
