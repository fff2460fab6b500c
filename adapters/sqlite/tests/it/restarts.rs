//! What is there after a restart, a backup and a restore.

use std::collections::BTreeMap;
use std::sync::Arc;

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Overview, Session};
use ballast_domain::orders::OrderStatus;
use ballast_domain::risk::Mode;
use ballast_ports::{ErrorKind, Journal, stream};
use ballast_sqlite::{SpaceLevel, SqliteJournal, Thresholds, audit, decode, restore};
use ballast_testkit::conformance::journal::batch;
use ballast_testkit::journals::together;

use crate::life::{batches, closed, exported, lived, open};

#[tokio::test]
async fn everything_is_there_again_and_the_epoch_rises() {
    let room = tempfile::tempdir().unwrap();
    let mut written = Vec::new();
    for (epoch, batch) in (1..).zip(batches()) {
        let journal = open(room.path()).await;
        assert_eq!(journal.epoch(), epoch);
        assert_eq!(journal.opened_at().map_or(0, |h| h.seq), batch.seq - 1);
        journal.append(&batch).await.unwrap();
        written.extend(batch.records);
        let mut found = Vec::new();
        let mut records = journal.read_from(1);
        while let Some(record) = stream::next(&mut records).await {
            found.push(record.unwrap());
        }
        assert_eq!(found, written);
        journal.close().await.unwrap();
        assert!(journal.append(&batches()[0]).await.is_err(), "it is closed");
    }
    let found = audit(room.path()).unwrap();
    assert_eq!((found.epoch, found.batches, found.records), (4, 4, 9));
}

/// What a person asks after a stop, from the rows of the overview and from a full replay alike.
#[tokio::test]
async fn the_overview_says_where_the_account_stands() {
    let room = tempfile::tempdir().unwrap();
    let journal = lived(room.path()).await;
    let live = journal.overview().await.unwrap();
    journal.close().await.unwrap();
    let found = audit(room.path()).unwrap();
    assert_eq!(found.overview, live);
    assert_eq!(live.session(), Some(Session::Ready));
    assert_eq!(live.decision().unwrap().number, 1);
    assert_eq!(live.position(InstrumentId(0)).units(), 100);
    let modes: Vec<_> = live
        .modes()
        .map(|line| (line.mode, &*line.reason))
        .collect();
    assert_eq!(modes, [(Mode::ReduceOnly, "a \"dispute\"")]);
    let orders: Vec<_> = live.orders().map(|(_, order)| order.status).collect();
    assert_eq!(orders, [OrderStatus::Accepted], "the other one is filled");
    assert_eq!(live.disputes().count(), 1);
    // The same records give the same state, whoever adds them up.
    let mut again = Overview::new();
    for stored in batches().iter().flat_map(|batch| &batch.records) {
        again.take(
            &decode(stored).unwrap(),
            &mut std::collections::BTreeSet::new(),
        );
    }
    assert_eq!(again, live);
}

/// The state hash depends on the records, not on how they were cut into commits and epochs.
#[tokio::test]
async fn the_state_hash_is_of_the_records_alone() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    closed(one.path()).await;
    for batch in batches() {
        let journal = open(other.path()).await;
        journal.append(&batch).await.unwrap();
        journal.close().await.unwrap();
    }
    let ((text, a), (same, b)) = (
        exported(one.path()).unwrap(),
        exported(other.path()).unwrap(),
    );
    assert!(text == same);
    assert_eq!(a.state_hash, b.state_hash);
    assert_ne!(a.head_hash, b.head_hash, "the chain tells them apart");
}

/// The export is one JSON object a line, with the body as it was written.
#[tokio::test]
async fn the_export_is_json_lines() {
    let room = tempfile::tempdir().unwrap();
    closed(room.path()).await;
    let (text, audit) = exported(room.path()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().count() as u64, audit.records);
    let bodies: Vec<_> = batches()
        .into_iter()
        .flat_map(|batch| batch.records)
        .map(|record| String::from_utf8(record.body).unwrap())
        .collect();
    for (line, body) in text.lines().zip(&bodies) {
        let read: BTreeMap<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        assert!(line.ends_with(&format!("\"body\":{body}}}")), "{line}");
        assert_eq!(read["body"]["v"], 1);
    }
    assert!(text.starts_with("{\"seq\":1,\"batch\":1,\"kind\":\"entry\",\"body\":{\"v\":1,"));
}

/// Batches that wait together share a commit, and each is answered for itself.
#[tokio::test]
async fn batches_that_wait_share_a_commit() {
    let room = tempfile::tempdir().unwrap();
    let journal = Arc::new(open(room.path()).await);
    let shared: Arc<dyn Journal> = journal.clone();
    together(&shared, (1..=60).map(|n| batch(n, n, 1)).collect()).await;
    journal.close().await.unwrap();
    let found = audit(room.path()).unwrap();
    assert_eq!(found.batches, 60);
    assert!(found.commits < 20, "{} commits", found.commits);
}

/// Copies are made while the journal grows; each is whole, starts, and goes on.
#[tokio::test]
async fn a_backup_made_while_writing_is_a_journal() {
    let room = tempfile::tempdir().unwrap();
    let journal = Arc::new(open(&room.path().join("live")).await);
    let writer = Arc::clone(&journal);
    let writing = tokio::spawn(async move {
        for n in 1..=150 {
            writer.append(&batch(n, (n - 1) * 4 + 1, 4)).await.unwrap();
        }
    });
    let mut copies = Vec::new();
    while !writing.is_finished() || copies.is_empty() {
        let to = room.path().join(format!("copy-{}", copies.len()));
        let made = journal.backup(&to).await.unwrap();
        assert_eq!(audit(&to).unwrap(), made.audit);
        copies.push(made);
    }
    writing.await.unwrap();
    let last = room.path().join("last");
    assert_eq!(journal.backup(&last).await.unwrap().audit.batches, 150);
    let e = journal.backup(&last).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Rejected, "{e}");
    journal.close().await.unwrap();
    // The drill: a folder that was lost is made from the copy, and trading goes on from there.
    for (place, made) in copies.iter().enumerate() {
        let folder = room.path().join(format!("restored-{place}"));
        let restored = restore(&made.folder, &folder).unwrap();
        assert_eq!(restored, made.audit);
        let journal = open(&folder).await;
        let next = restored.batches + 1;
        let more = batch(next, restored.records + 1, 2);
        assert_eq!(journal.append(&more).await.unwrap().seq, next);
        journal.close().await.unwrap();
        assert_eq!(audit(&folder).unwrap().batches, next);
        let e = restore(&made.folder, &folder).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Rejected, "{e}");
    }
    println!("{} copies while 150 batches were written", copies.len());
}

/// A damaged backup is no backup, and nothing is made from it.
#[tokio::test]
async fn a_damaged_backup_restores_nothing() {
    let room = tempfile::tempdir().unwrap();
    let (backup, target) = (room.path().join("backup"), room.path().join("new"));
    let journal = lived(&room.path().join("live")).await;
    journal.backup(&backup).await.unwrap();
    journal.close().await.unwrap();
    let path = backup.join("journal.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes
        .windows(7)
        .position(|part| part == b"monthly")
        .expect("a reason that was recorded");
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let e = restore(&backup, &target).unwrap_err();
    assert_eq!(e.kind, ErrorKind::InvalidData, "{e}");
    assert!(
        SqliteJournal::open(crate::life::options(&target))
            .await
            .is_ok()
    );
}

/// Room is told, and the reserve is there.
#[tokio::test]
async fn the_reserve_is_taken_and_told() {
    let room = tempfile::tempdir().unwrap();
    let options = crate::life::options(room.path()).with_reserve(100_000);
    let thresholds = Thresholds {
        low: u64::MAX,
        critical: 0,
    };
    let options = options.with_thresholds(thresholds);
    let journal = SqliteJournal::open(options).await.unwrap();
    let space = journal.space().await.unwrap();
    assert!(space.reserve);
    if space.free.is_some() {
        assert_eq!(space.level, SpaceLevel::Low);
    }
    let reserve = std::fs::metadata(room.path().join("journal.reserve")).unwrap();
    assert_eq!(reserve.len(), 100_000);
    journal.close().await.unwrap();
}
