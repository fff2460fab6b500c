//! The fence, against a real server: a writer whose lock was lost and who does not know it.
#![cfg(unix)]

use ballast_ports::{ErrorKind, Journal as _};
use ballast_testkit::conformance::journal::batch;
use ballast_testkit::postgres::Cluster;

use crate::{Database, Options, PostgresJournal, audit};

/// Whatever took the lock from a living session, such as a pooler that shares connections: the next
/// writer's epoch keeps the first one out, inside the database.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_writer_that_was_overtaken_writes_nothing() {
    let server = Cluster::start();
    let database = || Database::new(&server.address(), None).unwrap();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = |folder: &std::path::Path| Options::new(database(), folder, "main", "a test");
    let first = PostgresJournal::open(options(here.path())).await.unwrap();
    first.append(&batch(1, 1, 2)).await.unwrap();
    first
        .writer
        .ask(|store| store.session.run("SELECT pg_advisory_unlock_all()"))
        .await
        .unwrap();
    std::fs::copy(
        here.path().join("journal.anchor"),
        there.path().join("journal.anchor"),
    )
    .unwrap();
    let second = PostgresJournal::open(options(there.path())).await.unwrap();
    assert_eq!(second.epoch(), 2);
    // Before the second one has written anything, and after it.
    let e = first.append(&batch(2, 3, 2)).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Rejected, "{}", e.chain());
    assert!(
        e.chain().contains("another writer took over"),
        "{}",
        e.chain()
    );
    second.append(&batch(2, 3, 1)).await.unwrap();
    let e = first.append(&batch(2, 3, 2)).await.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Unavailable, "{}", e.chain());
    let _ = first.close().await;
    second.append(&batch(3, 4, 1)).await.unwrap();
    second.close().await.unwrap();
    let found = audit(there.path(), "main", None).unwrap();
    assert_eq!((found.batches, found.records, found.epoch), (3, 4, 2));
}

/// Both begin a transaction at the same commit: the fence lets one of them end it.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_take_over_in_the_middle_of_a_commit_waits_for_it() {
    let server = Cluster::start();
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(&server.address(), None).unwrap();
    let options = Options::new(database, folder.path(), "main", "a test");
    let journal = PostgresJournal::open(options).await.unwrap();
    journal.append(&batch(1, 1, 2)).await.unwrap();
    // Somebody with the same rights moves the fence and has not committed: the commit waits, in vain.
    let appended = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            server.sql(
                "BEGIN; UPDATE ballast_main.writer SET epoch = epoch + 1; SELECT pg_sleep(0.5); \
                     COMMIT",
            )
        });
        std::thread::sleep(std::time::Duration::from_millis(200));
        let runtime = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(journal.append(&batch(2, 3, 2)))
        });
        let appended = runtime.join().unwrap();
        other.join().unwrap();
        appended
    });
    let e = appended.unwrap_err();
    assert_eq!(e.kind, ErrorKind::Rejected, "{}", e.chain());
    let _ = journal.close().await;
    assert_eq!(server.sql("SELECT count(*) FROM ballast_main.batches"), "1");
}
