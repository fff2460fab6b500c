//! What is there after a restart, and that it is what SQLite has.

use std::sync::Arc;

use ballast_domain::risk::Mode;
use ballast_ports::{ErrorKind, Journal};
use ballast_postgres::PostgresJournal;
use ballast_testkit::conformance::journal::batch;
use ballast_testkit::journals::together;

use super::room::{Room, batches, snapshot};

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn everything_is_there_again_and_the_epoch_rises() {
    let room = Room::new();
    for (epoch, batch) in (1..).zip(batches()) {
        let journal = room.open().await;
        assert_eq!(journal.epoch(), epoch);
        assert_eq!(journal.opened_at().map_or(0, |h| h.seq), batch.seq - 1);
        journal.append(&batch).await.unwrap();
        assert_eq!(
            journal.append(&batch).await.unwrap().seq,
            batch.seq,
            "it again"
        );
        if batch.seq == 2 {
            journal.keep_snapshot(&snapshot()).await.unwrap();
        }
        assert_eq!(journal.head().await.unwrap().unwrap().digest, batch.digest);
        journal.close().await.unwrap();
        assert!(journal.append(&batch).await.is_err(), "it is closed");
    }
    let found = room.audit().unwrap();
    assert_eq!((found.epoch, found.batches, found.records), (4, 4, 7));
    assert_eq!(found.snapshot, Some(2));
    let modes: Vec<_> = found.overview.modes().map(|line| line.mode).collect();
    assert_eq!(modes, [Mode::ReduceOnly]);
    let journal = room.open().await;
    assert_eq!(journal.snapshot().await.unwrap(), Some(snapshot()));
    assert_eq!(journal.overview().await.unwrap(), found.overview);
    // What may be recorded once is not recorded again, also after a start.
    let mut again = batches()[2].clone();
    again.seq = 5;
    again.records[0].seq = 8;
    let e = journal.append(&again).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::InvalidData, "{e}");
    journal.append(&batch(5, 8, 1)).await.unwrap();
    journal.close().await.unwrap();
}

/// Batches that wait share a commit: far fewer links than batches.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn batches_that_wait_share_a_commit() {
    let room = Room::new();
    let journal = Arc::new(room.open().await);
    let shared: Arc<dyn Journal> = journal.clone();
    together(&shared, (1..=60).map(|n| batch(n, n, 1)).collect()).await;
    journal.close().await.unwrap();
    let found = room.audit().unwrap();
    assert_eq!(found.batches, 60);
    assert!(found.commits < 20, "{} commits", found.commits);
}

/// Two accounts share a database and nothing else.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn accounts_share_a_database_and_nothing_else() {
    let (one, other) = (Room::new(), Room::new());
    let first = one.lived().await;
    let second: PostgresJournal = other.open().await;
    assert_eq!(second.opened_at(), None);
    second.append(&batches()[0]).await.unwrap();
    assert_eq!(first.head().await.unwrap().unwrap().seq, 4);
    assert_eq!(second.head().await.unwrap().unwrap().seq, 1);
    // The schema of the other one under this one's name is refused: the chain grows from a name.
    first.close().await.unwrap();
    second.close().await.unwrap();
    one.sql(&format!(
        "DROP SCHEMA \"{0}\" CASCADE; ALTER SCHEMA \"{1}\" RENAME TO \"{0}\"",
        one.schema(),
        other.schema()
    ));
    std::fs::copy(other.anchor(), one.anchor()).unwrap();
    let e = one.audit().unwrap_err();
    assert_eq!(e.kind, ErrorKind::Rejected, "{e}");
    one.sql(&format!("UPDATE about SET account = '{}'", one.account));
    let e = one.audit().unwrap_err();
    assert_eq!(e.kind, ErrorKind::InvalidData, "{e}");
}
