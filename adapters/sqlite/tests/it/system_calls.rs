//! Real failures: the n-th system call fails, the file may not grow, the folder may not be written.
//!
//! The seam inside the crate fails our own steps; here SQLite itself meets the error, from outside
//! the process, without a line of unsafe code. What strace fails is what the kernel would answer;
//! what a disk does after it lied about a sync, no test without a disk of its own can show.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use ballast_ports::Journal as _;
use ballast_sqlite::{Options, STATE, SqliteJournal, audit};
use ballast_testkit::conformance::journal::batch;

/// Batches of a child's life, four records each.
const BATCHES: u64 = 12;

/// A program for the tests below to run: it is this test, alone in its process. It says each batch
/// that was acknowledged, and the error that stopped it.
#[tokio::test]
async fn child_that_lives() {
    let Some(folder) = std::env::var_os("BALLAST_TEST_PATH") else {
        return;
    };
    let say = |what: String| writeln!(std::io::stderr(), "{what}").unwrap();
    let options = Options::new(folder, "main", "a child").with_reserve(20_000);
    let journal = match SqliteJournal::open(options).await {
        Ok(journal) => journal,
        Err(e) => return say(format!("refused {} {}", e.operation, e.chain())),
    };
    let head = journal.opened_at().map_or(0, |head| head.seq);
    for n in head + 1..=BATCHES {
        match journal.append(&batch(n, (n - 1) * 4 + 1, 4)).await {
            Ok(_) => say(format!("acknowledged {n}")),
            Err(e) => {
                say(format!("refused {} {}", e.operation, e.chain()));
                break;
            }
        }
    }
    match journal.close().await {
        Ok(()) => say("closed".to_owned()),
        Err(e) => say(format!("unclosed {}", e.chain())),
    }
}

/// Runs the child through `wrapper`, whose last argument is followed by the program's own.
fn run(folder: &Path, wrapper: &[String]) -> Output {
    let child = std::env::current_exe().unwrap();
    let mut command = match wrapper.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(&child);
            command
        }
        None => Command::new(&child),
    };
    command
        .args(["--exact", "system_calls::child_that_lives", "--nocapture"])
        .env("BALLAST_TEST_PATH", folder)
        .output()
        .unwrap()
}

/// What a child said.
#[derive(Debug)]
struct Said {
    acknowledged: u64,
    refused: Option<String>,
    closed: bool,
}

fn said(output: &Output) -> Said {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let after = |line: &str, word: &str| line.strip_prefix(word).map(str::to_owned);
    Said {
        acknowledged: text
            .lines()
            .filter_map(|line| after(line, "acknowledged ")?.parse().ok())
            .max()
            .unwrap_or(0),
        refused: text.lines().find_map(|line| after(line, "refused ")),
        closed: text.lines().any(|line| line == "closed"),
    }
}

/// Nothing acknowledged is lost, and without the fault the program goes on to the end.
fn recovers(folder: &Path, before: &Said, place: &str) {
    if let Some(refused) = &before.refused {
        assert!(refused.starts_with(STATE), "{place}: {refused}");
        assert!(refused.contains("hint: "), "{place}: {refused}");
    }
    if folder.join("journal.db").exists() {
        match audit(folder) {
            Ok(found) => assert!(found.batches >= before.acknowledged, "{place}: lost"),
            // A journal that was only just being made may hold nothing yet.
            Err(e) => assert_eq!(before.acknowledged, 0, "{place}: {}", e.chain()),
        }
    }
    let after = said(&run(folder, &[]));
    assert_eq!(after.refused, None, "{place}");
    assert!(after.closed, "{place}");
    assert_eq!(audit(folder).unwrap().batches, BATCHES, "{place}");
}

/// Whether strace is here and may trace.
fn strace_works() -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    let works = traced.is_ok_and(|output| output.status.success());
    if !works {
        println!("skipped: system calls are failed by strace, which is not here or may not trace");
    }
    works
}

/// SQLite's own writes and syncs fail: once with an input/output error, and from the n-th on with a
/// full disk. Every eighth n, so that the test takes seconds; the ignored one takes every n.
fn every_call(stride: usize) {
    if !strace_works() {
        return;
    }
    let (mut total, mut given_back) = (0, 0);
    for (call, fault) in [
        ("pwrite64", "error=ENOSPC"),
        ("pwrite64", "error=EIO"),
        ("fdatasync", "error=EIO"),
        ("fsync", "error=EIO"),
        ("ftruncate", "error=EIO"),
        ("fallocate", "error=ENOSPC"),
    ] {
        let (mut hurt, mut stopped) = (0, 0);
        for n in (1..).step_by(stride) {
            let folder = tempfile::tempdir().unwrap();
            let room = folder.path().join("account");
            let log = folder.path().join("log");
            let always = if fault.ends_with("ENOSPC") { "+" } else { "" };
            let wrapper = [
                "strace",
                "-f",
                "-o",
                log.to_str().unwrap(),
                "-e",
                &format!("trace={call}"),
                "-e",
                &format!("inject={call}:{fault}:when={n}{always}"),
            ]
            .map(str::to_owned);
            let before = said(&run(&room, &wrapper));
            if !fs::read_to_string(&log).unwrap().contains("(INJECTED)") {
                assert_eq!(before.acknowledged, BATCHES, "{call}");
                break;
            }
            hurt += 1;
            let is_full = before
                .refused
                .as_ref()
                .is_some_and(|e| e.contains("disk is full"));
            if is_full && before.acknowledged > 0 {
                given_back += 1;
                assert!(!room.join("journal.reserve").exists(), "{call} when={n}");
            }
            stopped += u32::from(before.refused.is_some());
            recovers(&room, &before, &format!("{call} {fault} when={n}"));
        }
        total += hurt;
        println!("{call} {fault}: {hurt} lives with a failed call, {stopped} of them stopped");
        assert!(
            hurt == 0 || stopped > 0,
            "{call}: a failed call that stops nothing"
        );
    }
    assert!(total > 10 && given_back > 0, "{total} and {given_back}");
}

#[test]
fn a_failed_system_call_stops_the_journal_and_loses_nothing() {
    every_call(8);
}

/// `cargo test -p ballast-sqlite --test it system_calls -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes: docs/testing.md has the command"]
fn every_failed_system_call_stops_the_journal_and_loses_nothing() {
    every_call(1);
}

/// A file may not grow beyond a limit, as under a quota: for many limits. What was acknowledged
/// stays, and with room again it goes on.
#[test]
#[cfg(unix)]
fn a_file_that_may_not_grow_stops_the_journal_and_loses_nothing() {
    let mut stopped = 0;
    // In units of 512 bytes, by the shell's own rule.
    for limit in (0..200).step_by(9) {
        let folder = tempfile::tempdir().unwrap();
        let room = folder.path().join("account");
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        let wrapper = ["sh", "-c", &script].map(str::to_owned);
        let before = said(&run(&room, &wrapper));
        stopped += u32::from(before.refused.is_some());
        recovers(&room, &before, &format!("ulimit -f {limit}"));
    }
    println!("{stopped} lives stopped by the limit");
    assert!(stopped > 5);
}

/// A folder that may not be written: the start says so and changes nothing; reading works.
#[test]
#[cfg(unix)]
fn a_read_only_folder_is_refused_and_can_be_audited() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let folder = tempfile::tempdir().unwrap();
    let room = folder.path().join("account");
    assert!(said(&run(&room, &[])).closed);
    let expected = audit(&room).unwrap();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(folder.path(), 0o755);
    for entry in fs::read_dir(&room).unwrap() {
        mode(&entry.unwrap().path(), 0o444);
    }
    mode(&room, 0o555);
    let is_root = fs::write(room.join("probe"), b"").is_ok();
    if is_root {
        fs::remove_file(room.join("probe")).unwrap();
    }
    let child = std::env::current_exe().unwrap();
    let mut command = Command::new(child);
    command
        .args(["--exact", "system_calls::child_that_lives", "--nocapture"])
        .env("BALLAST_TEST_PATH", &room);
    if is_root {
        // Nobody: root may write anywhere.
        command.uid(65_534).gid(65_534);
    }
    match command.output() {
        Ok(output) => {
            let refused = said(&output).refused.expect("a refusal");
            assert!(
                refused.contains("allow this user to read and write"),
                "{refused}"
            );
        }
        Err(e) => println!("skipped: the program cannot be run as nobody: {e}"),
    }
    assert_eq!(audit(&room).unwrap(), expected);
    mode(&room, 0o755);
}
