//! Whom and what a journal is not opened for, in words that say what to do.

use ballast_ports::{Error, ErrorKind};
use ballast_postgres::{Database, Options, PostgresJournal, STATE};
use ballast_testkit::postgres::Cluster;

use super::room::{Room, server};

async fn refused(options: Options, kind: ErrorKind, says: &str) -> Error {
    let Err(e) = PostgresJournal::open(options).await else {
        panic!("it was opened, and should say: {says}");
    };
    assert_eq!((e.kind, e.operation), (kind, STATE), "{}", e.chain());
    assert!(e.chain().contains(says), "{says}: {}", e.chain());
    assert!(e.advice().is_some(), "no hint in {e}");
    e
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_second_writer_is_refused_here_and_elsewhere() {
    let room = Room::new();
    let journal = room.lived().await;
    // On the same machine the file says it, on another one the database does.
    refused(
        room.options(),
        ErrorKind::Rejected,
        "another process trades",
    )
    .await;
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(room.anchor(), elsewhere.path().join("journal.anchor")).unwrap();
    let database = Database::new(&room.address, None).unwrap();
    let other = Options::new(database, elsewhere.path(), &room.account, "another host");
    let e = refused(other.clone(), ErrorKind::Rejected, "another process trades").await;
    assert!(e.chain().contains("server process"), "{}", e.chain());
    room.audit().unwrap();
    journal.close().await.unwrap();
    // With the anchor of the last commit the other machine goes on.
    std::fs::copy(room.anchor(), elsewhere.path().join("journal.anchor")).unwrap();
    let next = PostgresJournal::open(other).await.unwrap();
    assert_eq!(next.epoch(), 2);
    next.close().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_server_that_promises_too_little_is_refused() {
    let cluster = Cluster::start();
    let room = Room::at(&cluster);
    let journal = room.lived().await;
    for name in ["fsync", "full_page_writes"] {
        cluster.sql(&format!("ALTER SYSTEM SET {name} = off"));
        cluster.sql("SELECT pg_reload_conf()");
        while cluster.sql(&format!("SHOW {name}")) != "off" {}
        let e = refused(
            Options::new(
                Database::new(&room.address, None).unwrap(),
                tempfile::tempdir().unwrap().path(),
                "other",
                "a test",
            ),
            ErrorKind::Config,
            &format!("{name} = off"),
        )
        .await;
        assert!(e.chain().contains("ALTER SYSTEM RESET"), "{}", e.chain());
        if name == "fsync" {
            // One that is open notices at its next commit, and stops.
            use ballast_ports::Journal as _;
            let next = ballast_testkit::conformance::journal::batch(5, 8, 1);
            let e = journal.append(&next).await.unwrap_err();
            assert!(e.chain().contains("fsync = off"), "{}", e.chain());
            assert_eq!(
                journal.append(&next).await.unwrap_err().kind,
                ErrorKind::Unavailable
            );
            journal.close().await.unwrap();
        }
        cluster.sql(&format!("ALTER SYSTEM RESET {name}"));
        cluster.sql("SELECT pg_reload_conf()");
        while cluster.sql(&format!("SHOW {name}")) != "on" {}
    }
    cluster.sql("ALTER ROLE ballast SET synchronous_commit = off");
    refused(
        room.options(),
        ErrorKind::Config,
        "synchronous_commit = off",
    )
    .await;
    cluster.sql("ALTER ROLE ballast RESET synchronous_commit");
    cluster.sql("ALTER DATABASE ballast SET default_transaction_read_only = on");
    refused(
        room.options(),
        ErrorKind::Config,
        "replica or takes no changes",
    )
    .await;
    cluster.sql(
        "BEGIN READ WRITE; ALTER DATABASE ballast RESET default_transaction_read_only; COMMIT",
    );
    room.open().await.close().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn what_cannot_be_reached_or_is_not_ours_is_refused() {
    let room = Room::new();
    let with = |address: String, account: &str| {
        Options::new(
            Database::new(&address, None).unwrap(),
            room.path(),
            account,
            "a test",
        )
    };
    let nobody = format!(
        "host={} port=1 user=ballast dbname=ballast",
        room.path().display()
    );
    refused(
        with(nobody, "x"),
        ErrorKind::Unavailable,
        "cannot be reached",
    )
    .await;
    let missing = room.address.replace("dbname=ballast", "dbname=nothing");
    refused(with(missing, "x"), ErrorKind::NotFound, "createdb").await;
    let long = "x".repeat(56);
    refused(
        with(room.address.clone(), &long),
        ErrorKind::Config,
        "that of a schema",
    )
    .await;
    server().sql("CREATE ROLE guest LOGIN");
    let guest = room.address.replace("user=ballast", "user=guest");
    refused(
        with(guest, "x"),
        ErrorKind::Unauthenticated,
        "create schemas",
    )
    .await;
    server().sql("CREATE SCHEMA \"ballast_foreign\"; CREATE TABLE \"ballast_foreign\".t (x int)");
    refused(
        with(room.address.clone(), "foreign"),
        ErrorKind::InvalidData,
        "not a journal",
    )
    .await;
    std::fs::write(room.path().join("journal.db"), "x").unwrap();
    refused(room.options(), ErrorKind::Rejected, "a journal in a file").await;
    let e = ballast_postgres::audit(tempfile::tempdir().unwrap().path(), "main", None).unwrap_err();
    assert_eq!(e.kind, ErrorKind::NotFound, "{e}");
}
