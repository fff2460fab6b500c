//! Every byte of a journal is changed: it is refused, or says the same as before.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use crate::life::{closed, copy, exported, lived, open};

/// What became of the flips of a file.
#[derive(Debug, Default)]
struct Counts {
    refused: u32,
    equal: u32,
}

/// Changes one bit of every `stride`-th byte of `name`, or every bit, one at a time.
fn flip(original: &Path, name: &str, stride: usize, every_bit: bool) -> Counts {
    let (text, audit) = exported(original).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    copy(original, scratch.path());
    let path = scratch.path().join(name);
    let bytes = fs::read(&path).unwrap();
    let mut counts = Counts::default();
    for place in (0..bytes.len()).step_by(stride) {
        for bit in 0..8 {
            if !every_bit && bit != place % 8 {
                continue;
            }
            write_byte(&path, place, bytes[place] ^ 1 << bit);
            match exported(scratch.path()) {
                Err(e) => {
                    assert!(e.advice().is_some(), "{name} byte {place}: no hint in {e}");
                    counts.refused += 1;
                }
                Ok((found, again)) => {
                    assert!(found == text, "{name} byte {place} bit {bit}: unnoticed");
                    assert_eq!(again.state_hash, audit.state_hash, "{name} byte {place}");
                    assert_eq!(again.head, audit.head, "{name} byte {place}");
                    assert_eq!(again.snapshot, audit.snapshot, "{name} byte {place}");
                    counts.equal += 1;
                }
            }
            write_byte(&path, place, bytes[place]);
            let _ = fs::remove_file(scratch.path().join("journal.db-shm"));
        }
    }
    assert!(counts.refused > 0, "{name}: nothing was refused");
    println!(
        "{name}: {} bytes, {} flips: {} refused, {} equal, 0 different and unnoticed",
        bytes.len(),
        counts.refused + counts.equal,
        counts.refused,
        counts.equal
    );
    counts
}

/// In place: a file that is replaced is flushed by some file systems, thousands of times here.
fn write_byte(path: &Path, place: usize, byte: u8) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(place as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}

/// A journal that was closed, and one whose program was killed: with commits in its log.
async fn journals() -> (tempfile::TempDir, tempfile::TempDir) {
    let at_rest = tempfile::tempdir().unwrap();
    closed(at_rest.path()).await;
    let killed = tempfile::tempdir().unwrap();
    let room = tempfile::tempdir().unwrap();
    let journal = lived(room.path()).await;
    copy(room.path(), killed.path());
    journal.close().await.unwrap();
    let log = fs::metadata(killed.path().join("journal.db-wal")).unwrap();
    assert!(log.len() > 10_000, "the log holds the commits");
    (at_rest, killed)
}

async fn every_byte(stride: usize, every_bit: bool) {
    let (at_rest, killed) = journals().await;
    flip(at_rest.path(), "journal.db", stride, every_bit);
    flip(at_rest.path(), "journal.anchor", 1, every_bit);
    flip(killed.path(), "journal.db-wal", stride * 2 - 1, every_bit);
    flip(killed.path(), "journal.anchor", 1, every_bit);
}

/// One bit of every seventh byte of the closed database, of every thirteenth of its log, and of every byte
/// of the anchor.
#[tokio::test]
async fn a_flipped_bit_is_refused_or_changes_nothing() {
    every_byte(7, false).await;
}

/// Every bit of every byte, in release: `cargo test --release -p ballast-sqlite --test it flips --
/// --ignored --nocapture`.
#[tokio::test]
#[ignore = "takes minutes: docs/testing.md has the command"]
async fn every_flipped_bit_is_refused_or_changes_nothing() {
    every_byte(1, true).await;
}

/// A start for writing sees what the audit sees, and changes nothing that it refuses.
#[tokio::test]
async fn a_start_refuses_what_the_audit_refuses() {
    let (at_rest, killed) = journals().await;
    let (mut refused, mut accepted) = (0, 0);
    for (original, name) in [
        (at_rest.path(), "journal.db"),
        (killed.path(), "journal.db-wal"),
        (killed.path(), "journal.anchor"),
    ] {
        let (text, _) = exported(original).unwrap();
        let bytes = fs::read(original.join(name)).unwrap();
        for place in (0..bytes.len()).step_by(149) {
            let scratch = tempfile::tempdir().unwrap();
            copy(original, scratch.path());
            write_byte(
                &scratch.path().join(name),
                place,
                bytes[place] ^ 1 << (place % 8),
            );
            let started =
                ballast_sqlite::SqliteJournal::open(crate::life::options(scratch.path())).await;
            match started {
                Err(e) => {
                    refused += 1;
                    assert_eq!(
                        e.operation,
                        ballast_sqlite::STATE,
                        "{name} byte {place}: {e}"
                    );
                    assert!(e.advice().is_some(), "{name} byte {place}: no hint in {e}");
                }
                Ok(journal) => {
                    accepted += 1;
                    journal.close().await.unwrap();
                    let (found, _) = exported(scratch.path()).unwrap();
                    assert!(found == text, "{name} byte {place}: unnoticed");
                    // It goes on as a whole one does.
                    open(scratch.path()).await.close().await.unwrap();
                }
            }
        }
    }
    println!("{refused} starts refused, {accepted} equal");
    assert!(refused > 100);
}
