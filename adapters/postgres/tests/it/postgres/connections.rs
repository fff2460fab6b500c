//! The connection or the server goes away in the middle: nothing acknowledged is lost, nothing is
//! there twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ballast_ports::{ErrorKind, Journal as _};
use ballast_testkit::conformance::journal::batch;
use ballast_testkit::postgres::Cluster;

use super::room::{Room, server};

/// Appends from where the journal ends until it fails or `last` is there; tells the last that was
/// acknowledged, and whether it failed.
async fn write(room: &Room, last: u64, acknowledged: &AtomicU64) -> bool {
    let journal = room.open().await;
    let head = journal.opened_at().map_or(0, |head| head.seq);
    let before = acknowledged.load(Ordering::SeqCst);
    assert!(
        head >= before,
        "{before} was acknowledged, and {head} is there"
    );
    assert!(head <= before + 1, "more than was asked is there");
    acknowledged.store(head, Ordering::SeqCst);
    let mut failed = false;
    for seq in head + 1..=last {
        match journal.append(&batch(seq, (seq - 1) * 3 + 1, 3)).await {
            Ok(_) => acknowledged.store(seq, Ordering::SeqCst),
            Err(e) => {
                assert_eq!(e.kind, ErrorKind::Unavailable, "{}", e.chain());
                assert!(e.advice().is_some(), "no hint in {e}");
                // It takes nothing more, not even what would follow.
                let next = batch(seq + 1, seq * 3 + 1, 3);
                assert!(journal.append(&next).await.is_err());
                failed = true;
                break;
            }
        }
    }
    let _ = journal.close().await;
    failed
}

fn whole(room: &Room, batches: u64) {
    let found = room.audit().unwrap_or_else(|e| panic!("{}", e.chain()));
    assert_eq!((found.batches, found.records), (batches, batches * 3));
}

/// The server process of the writer is ended while it commits, again and again.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_terminated_session_stops_the_journal_and_loses_nothing() {
    let room = Room::new();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let name = format!("ballast journal {}", room.account);
    let mut ended = 0;
    for round in 0..12 {
        let (seen, name) = (Arc::clone(&acknowledged), name.clone());
        let from = seen.load(Ordering::SeqCst);
        let killer = tokio::task::spawn_blocking(move || {
            // Somewhere in the commits after the first ones of this round.
            while seen.load(Ordering::SeqCst) < from + 1 + round % 4 {
                std::thread::yield_now();
            }
            server().sql(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE application_name = '{name}'"
            ));
        });
        if write(&room, from + 10_000, &acknowledged).await {
            ended += 1;
        }
        killer.await.unwrap();
    }
    let last = acknowledged.load(Ordering::SeqCst) + 5;
    assert!(!write(&room, last, &acknowledged).await);
    whole(&room, last);
    println!("{ended} sessions ended, {last} batches");
    assert_eq!(ended, 12);
}

/// The server stops as a machine does and starts again.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_server_that_stops_and_starts_has_everything_acknowledged() {
    let mut cluster = Cluster::start();
    let room = Arc::new(Room::at(&cluster));
    let acknowledged = Arc::new(AtomicU64::new(0));
    for round in 0..4_u64 {
        let from = acknowledged.load(Ordering::SeqCst);
        let (at, seen) = (Arc::clone(&room), Arc::clone(&acknowledged));
        let writing = tokio::spawn(async move { write(&at, from + 100_000, &seen).await });
        while acknowledged.load(Ordering::SeqCst) < from + 3 + round * 7 {
            tokio::task::yield_now().await;
        }
        cluster.stop();
        assert!(
            writing.await.unwrap(),
            "the journal stopped with its server"
        );
        let e = ballast_postgres::PostgresJournal::open(room.options())
            .await
            .unwrap_err();
        assert_eq!(e.kind, ErrorKind::Unavailable, "{}", e.chain());
        cluster.run();
    }
    let last = acknowledged.load(Ordering::SeqCst) + 5;
    assert!(!write(&room, last, &acknowledged).await);
    whole(&room, last);
    println!("4 stops, {last} batches");
}
