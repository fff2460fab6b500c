//! What a journal is not opened for, in words that say what to do, and nothing is lost by it.

use std::fs;
use std::path::Path;

use ballast_ports::{Error, ErrorKind, Journal as _};
use ballast_sqlite::{Options, STATE, SqliteJournal, accept, audit};
use rusqlite::Connection;

use crate::life::{batches, closed, copy, exported, lived, open, options};

/// The error of a start for writing, which must teach.
async fn refused(folder: &Path, kind: ErrorKind, says: &str) -> Error {
    let started = SqliteJournal::open(options(folder)).await;
    let Err(e) = started else {
        panic!("it was opened, and should say: {says}");
    };
    taught(&e, kind, says);
    e
}

fn taught(e: &Error, kind: ErrorKind, says: &str) {
    assert_eq!((e.kind, e.operation), (kind, STATE), "{}", e.chain());
    assert!(e.chain().contains(says), "{}", e.chain());
    assert!(e.advice().is_some(), "no hint: {}", e.chain());
}

/// Start and audit refuse alike.
async fn refused_by_both(folder: &Path, kind: ErrorKind, says: &str) {
    refused(folder, kind, says).await;
    taught(&audit(folder).unwrap_err(), kind, says);
}

/// Every pair of states of a journal: the older database is a good one, and the newer anchor knows
/// better.
#[tokio::test]
async fn an_older_copy_of_the_database_is_refused() {
    let room = tempfile::tempdir().unwrap();
    let mut states = Vec::new();
    for batch in batches() {
        let journal = open(room.path()).await;
        journal.append(&batch).await.unwrap();
        journal.close().await.unwrap();
        let state = tempfile::tempdir().unwrap();
        copy(room.path(), state.path());
        states.push(state);
    }
    for (age, old) in states.iter().enumerate() {
        for new in &states[age + 1..] {
            for (name, says) in [
                ("journal.db", "acknowledged records are missing"),
                ("journal.anchor", "older than the journal"),
            ] {
                let mixed = tempfile::tempdir().unwrap();
                copy(new.path(), mixed.path());
                fs::copy(old.path().join(name), mixed.path().join(name)).unwrap();
                refused_by_both(mixed.path(), ErrorKind::InvalidData, says).await;
                // With the right file back, everything is there again.
                fs::copy(new.path().join(name), mixed.path().join(name)).unwrap();
                assert_eq!(
                    exported(mixed.path()).unwrap(),
                    exported(new.path()).unwrap()
                );
            }
        }
    }
}

/// The file is a good database, and its last commits are gone.
#[tokio::test]
async fn a_tail_that_was_cut_off_is_refused() {
    let room = tempfile::tempdir().unwrap();
    closed(room.path()).await;
    let original = tempfile::tempdir().unwrap();
    copy(room.path(), original.path());
    let newest: i64 = {
        let conn = Connection::open(room.path().join("journal.db")).unwrap();
        conn.query_row("SELECT max(number) FROM links", [], |row| row.get(0))
            .unwrap()
    };
    for keep in 1..newest {
        let cut = tempfile::tempdir().unwrap();
        copy(original.path(), cut.path());
        let conn = Connection::open(cut.path().join("journal.db")).unwrap();
        let (batch, record): (i64, i64) = conn
            .query_row(
                "SELECT last_batch, last_record FROM links WHERE number = ?1",
                [keep],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        conn.execute_batch(&format!(
            "DELETE FROM links WHERE number > {keep}; DELETE FROM batches WHERE seq > {batch}; \
             DELETE FROM records WHERE seq > {record}; \
             DELETE FROM snapshots WHERE link > {keep}; DELETE FROM overview;"
        ))
        .unwrap();
        drop(conn);
        // Cut in the middle it is refused for its overview; without records there is none to miss.
        let says = if record == 0 {
            "acknowledged records are missing"
        } else {
            "the overview is not what a replay"
        };
        refused_by_both(cut.path(), ErrorKind::InvalidData, says).await;
    }
    // The log deleted from under a killed program: the commits in it are gone.
    let killed = tempfile::tempdir().unwrap();
    let room = tempfile::tempdir().unwrap();
    let journal = lived(room.path()).await;
    copy(room.path(), killed.path());
    journal.close().await.unwrap();
    let log = killed.path().join("journal.db-wal");
    let bytes = fs::read(&log).unwrap();
    for length in [0, 100, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&log, &bytes[..length]).unwrap();
        let e = audit(killed.path()).unwrap_err();
        assert_eq!(e.kind, ErrorKind::InvalidData, "{length}: {}", e.chain());
    }
    fs::write(&log, &bytes).unwrap();
    assert_eq!(exported(killed.path()).unwrap().1.batches, 4);
}

#[tokio::test]
async fn a_changed_row_is_refused() {
    let original = tempfile::tempdir().unwrap();
    closed(original.path()).await;
    for (change, says) in [
        (
            "UPDATE records SET body = replace(body, '10000000000', '20000000000') WHERE seq = 1",
            "",
        ),
        ("UPDATE records SET kind = 'hold' WHERE seq = 2", "checksum"),
        ("UPDATE records SET once = NULL WHERE seq = 3", "once"),
        (
            "UPDATE records SET checksum = zeroblob(16) WHERE seq = 4",
            "checksum",
        ),
        (
            "UPDATE records SET batch = 2 WHERE seq = 9",
            "record is missing",
        ),
        ("DELETE FROM records WHERE seq = 5", "record is missing"),
        ("UPDATE batches SET digest = 1 WHERE seq = 2", "chain"),
        (
            "UPDATE batches SET link = 2 WHERE seq = 2",
            "batch is missing",
        ),
        ("DELETE FROM batches WHERE seq = 4", "batch is missing"),
        ("UPDATE links SET epoch = 7 WHERE number = 2", "chain"),
        ("UPDATE links SET note = '' WHERE number = 1", "chain"),
        ("DELETE FROM links WHERE number = 3", "commit is missing"),
        (
            "UPDATE overview SET value = '70' WHERE topic = 'position'",
            "overview",
        ),
        ("DELETE FROM overview WHERE topic = 'mode'", "overview"),
        (
            "INSERT INTO overview VALUES ('position', '9', '9')",
            "overview",
        ),
        ("UPDATE snapshots SET state = x'00'", "snapshot"),
        ("DELETE FROM snapshots", "snapshot"),
        ("UPDATE about SET account = 'other'", ""),
        ("DROP INDEX recorded_once", "tables are not those"),
        ("CREATE TABLE more (x)", "tables are not those"),
    ] {
        let room = tempfile::tempdir().unwrap();
        copy(original.path(), room.path());
        {
            let conn = Connection::open(room.path().join("journal.db")).unwrap();
            // A body is a blob and stays one.
            let change = change.replace("replace(body", "CAST(replace(CAST(body AS TEXT)");
            let change = change.replace("'20000000000')", "'20000000000') AS BLOB)");
            conn.execute_batch(&change)
                .unwrap_or_else(|e| panic!("{change}: {e}"));
        }
        let e = audit(room.path()).expect_err(change);
        taught(&e, ErrorKind::InvalidData, says);
        let started = SqliteJournal::open(options(room.path())).await;
        assert!(started.is_err(), "{change}");
    }
}

#[tokio::test]
async fn a_lost_file_is_named() {
    let original = tempfile::tempdir().unwrap();
    closed(original.path()).await;
    for (name, says) in [
        ("journal.db", "the journal is gone"),
        ("journal.anchor", "the anchor of the journal is gone"),
    ] {
        let room = tempfile::tempdir().unwrap();
        copy(original.path(), room.path());
        fs::remove_file(room.path().join(name)).unwrap();
        refused(room.path(), ErrorKind::InvalidData, says).await;
        audit(room.path()).unwrap_err();
    }
    let nowhere = tempfile::tempdir().unwrap();
    let e = audit(nowhere.path()).unwrap_err();
    taught(&e, ErrorKind::NotFound, "there is no journal here");
}

/// Of two slots the older one is never being written: damage there is no crash.
#[tokio::test]
async fn a_damaged_slot_is_told_from_a_torn_one() {
    let room = tempfile::tempdir().unwrap();
    closed(room.path()).await;
    let newest = audit(room.path()).unwrap().commits % 2;
    let path = room.path().join("journal.anchor");
    let good = fs::read(&path).unwrap();
    for slot in [0, 1] {
        let mut bytes = good.clone();
        bytes[slot * 256 + 20] ^= 1;
        fs::write(&path, &bytes).unwrap();
        if slot as u64 == newest {
            // As a crash leaves it: the commit is there, its mark is not.
            assert_eq!(audit(room.path()).unwrap().batches, 4);
        } else {
            refused_by_both(room.path(), ErrorKind::InvalidData, "slot of the anchor").await;
        }
    }
}

/// A damaged anchor stops the start until a person has looked; the acceptance is recorded.
#[tokio::test]
async fn a_person_may_accept_what_the_anchor_does_not() {
    for damage in ["gone", "short", "noise"] {
        let room = tempfile::tempdir().unwrap();
        closed(room.path()).await;
        let (text, before) = exported(room.path()).unwrap();
        let anchor = room.path().join("journal.anchor");
        match damage {
            "gone" => fs::remove_file(&anchor).unwrap(),
            "short" => fs::write(&anchor, b"ballast").unwrap(),
            _ => fs::write(&anchor, [7; 512]).unwrap(),
        }
        let e = refused(room.path(), ErrorKind::InvalidData, "anchor").await;
        assert!(
            e.advice().unwrap().contains("ballast journal accept"),
            "{e}"
        );
        let accepted = accept(room.path(), "a test", "compared with the venue").unwrap();
        let (found, after) = exported(room.path()).unwrap();
        assert_eq!(after, accepted);
        assert!(found == text);
        assert_eq!(after.commits, before.commits + 1);
        open(room.path()).await.close().await.unwrap();
    }
}

#[tokio::test]
async fn another_schema_is_refused_and_left_alone() {
    for (version, says) in [
        (0, "older schema"),
        (2, "newer program"),
        (99, "newer program"),
    ] {
        let room = tempfile::tempdir().unwrap();
        closed(room.path()).await;
        let path = room.path().join("journal.db");
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", version)
            .unwrap();
        let before = fs::read(&path).unwrap();
        refused_by_both(room.path(), ErrorKind::Unsupported, says).await;
        assert_eq!(fs::read(&path).unwrap(), before, "nothing was changed");
    }
}

#[tokio::test]
async fn what_is_no_journal_is_refused() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("journal.db");
    fs::write(&path, b"to whom it may concern\n".repeat(300)).unwrap();
    refused_by_both(room.path(), ErrorKind::InvalidData, "").await;
    fs::remove_file(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE trades (id INTEGER)")
        .unwrap();
    refused_by_both(
        room.path(),
        ErrorKind::InvalidData,
        "not a journal of Ballast",
    )
    .await;
}

#[tokio::test]
async fn another_accounts_journal_is_refused() {
    let room = tempfile::tempdir().unwrap();
    closed(room.path()).await;
    let other = Options::new(room.path(), "other", "a test");
    let e = SqliteJournal::open(other).await.unwrap_err();
    taught(&e, ErrorKind::Rejected, "another account's journal");
}

#[tokio::test]
async fn a_second_writer_is_refused_and_the_first_goes_on() {
    let room = tempfile::tempdir().unwrap();
    let journal = open(room.path()).await;
    journal.append(&batches()[0]).await.unwrap();
    refused(
        room.path(),
        ErrorKind::Rejected,
        "another process trades this account",
    )
    .await;
    journal.append(&batches()[1]).await.unwrap();
    // Reading is free.
    assert_eq!(audit(room.path()).unwrap().batches, 2);
    journal.close().await.unwrap();
    open(room.path()).await.close().await.unwrap();
}

/// The lock file was deleted by hand: the newer writer wins, the older one records nothing more.
#[tokio::test]
async fn a_writer_that_was_superseded_records_nothing() {
    let room = tempfile::tempdir().unwrap();
    let first = open(room.path()).await;
    first.append(&batches()[0]).await.unwrap();
    fs::remove_file(room.path().join("lock")).unwrap();
    let second = open(room.path()).await;
    assert!(second.epoch() > first.epoch());
    let e = first.append(&batches()[1]).await.unwrap_err();
    taught(&e, ErrorKind::Rejected, "another writer took over");
    second.append(&batches()[1]).await.unwrap();
    assert!(first.append(&batches()[2]).await.is_err());
    first.close().await.unwrap();
    second.close().await.unwrap();
    assert_eq!(audit(room.path()).unwrap().batches, 2);
}

/// What may be recorded once is recorded once, also across batches of one group and restarts.
#[tokio::test]
async fn an_order_id_a_trade_and_a_slot_are_recorded_once() {
    let room = tempfile::tempdir().unwrap();
    closed(room.path()).await;
    let journal = open(room.path()).await;
    let all = batches();
    // The decision, an intent, the fill.
    for (batch, record) in [(1, 0), (1, 1), (2, 1)] {
        let mut again = all[3].clone();
        again.seq = 5;
        let body = all[batch].records[record].clone();
        again.records = vec![ballast_ports::JournalRecord { seq: 10, ..body }];
        let e = journal.append(&again).await.unwrap_err();
        assert_eq!(e.kind, ErrorKind::InvalidData, "{e}");
        assert!(e.to_string().contains("recorded once"), "{e}");
    }
    assert_eq!(journal.head().await.unwrap().unwrap().seq, 4);
    journal.close().await.unwrap();
}
