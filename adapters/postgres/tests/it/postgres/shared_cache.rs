//! The cache that several programs share: the suite of the port, and what only a shared one does.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ballast_domain::time::Span;
use ballast_ports::{Cache as _, ErrorKind, Lifetime, Secret};
use ballast_postgres::{Database, PostgresCache, SharedCacheBounds};
use ballast_testkit::builders::day;
use ballast_testkit::conformance::cache::{BEHAVIOURS, Subject, run};
use ballast_testkit::postgres::Cluster;

fn bounds() -> SharedCacheBounds {
    SharedCacheBounds::new(NonZeroUsize::new(8).unwrap())
}

fn at(server: &Cluster) -> PostgresCache {
    PostgresCache::new(Database::new(&server.address(), None).unwrap(), bounds())
}

fn hour() -> Lifetime {
    Lifetime::starting(day(0), Span::from_seconds(3_600))
}

/// CAC-26: the suite that the caches in memory and in files pass.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn cac_26_the_contract_of_the_port() {
    let server = Cluster::start();
    for behaviour in BEHAVIOURS {
        server.sql("DROP SCHEMA IF EXISTS ballastcache CASCADE");
        let subject = Subject {
            cache: Arc::new(at(&server)),
            max_entries: 8,
        };
        println!("{behaviour}");
        run(behaviour, &subject).await;
    }
}

/// CAC-26: two programs see each other's entries, uses and removals, and together keep the bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn cac_26_two_programs_share_one_cache() {
    let server = Cluster::start();
    let (one, two) = (at(&server), at(&server));
    one.put("key", b"from one".to_vec(), hour()).await.unwrap();
    let found = two.get("key").await.unwrap().unwrap();
    assert_eq!(
        (&found.value[..], found.lifetime),
        (&b"from one"[..], hour())
    );
    two.put("key", b"from two".to_vec(), hour()).await.unwrap();
    assert_eq!(one.get("key").await.unwrap().unwrap().value, b"from two");
    assert!(one.remove("key").await.unwrap());
    assert_eq!(two.get("key").await.unwrap(), None);

    for n in 0..8 {
        one.put(&format!("k{n}"), vec![n], hour()).await.unwrap();
    }
    // The other's use keeps it.
    two.get("k0").await.unwrap().unwrap();
    one.put("one more", vec![9], hour()).await.unwrap();
    assert!(one.get("k0").await.unwrap().is_some());
    assert_eq!(two.get("k1").await.unwrap(), None);

    let busy: Vec<_> = (0..4)
        .map(|writer| {
            let cache = at(&server);
            tokio::spawn(async move {
                for n in 0..50 {
                    let key = format!("{}", (writer * 7 + n) % 20);
                    cache.put(&key, vec![n; 100], hour()).await.unwrap();
                    cache.get(&key).await.unwrap();
                }
            })
        })
        .collect();
    for writer in busy {
        writer.await.unwrap();
    }
    assert_eq!(
        server.sql("SELECT count(*) FROM ballastcache.entries_1"),
        "8"
    );
}

/// Whatever changes a row in the server is refused, and the next answer replaces it.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_damaged_row_is_refused_and_replaced() {
    let server = Cluster::start();
    let cache = at(&server);
    for change in [
        "value = set_byte(value, 0, get_byte(value, 0) # 1)",
        "value = ''",
        "checksum = set_byte(checksum, 31, get_byte(checksum, 31) # 128)",
        "checksum = ''",
        "digest = set_byte(digest, 5, get_byte(digest, 5) # 2)",
        "stored_at = stored_at + 1",
        "expires_at = expires_at + 1",
        "key = 'other'",
    ] {
        cache.put("key", b"value".to_vec(), hour()).await.unwrap();
        server.sql(&format!("UPDATE ballastcache.entries_1 SET {change}"));
        let e = cache.get("key").await.unwrap_err();
        assert_eq!(e.kind, ErrorKind::InvalidData, "{change}: {}", e.chain());
        assert!(e.advice().is_some(), "{change}: no hint in {e}");
    }
    cache.put("key", b"value".to_vec(), hour()).await.unwrap();
    assert_eq!(cache.get("key").await.unwrap().unwrap().value, b"value");
    // A row that was moved under another name is no answer to that name.
    cache.put("other", b"value".to_vec(), hour()).await.unwrap();
    server.sql("DELETE FROM ballastcache.entries_1 WHERE key = 'key'");
    let moved = blake3::hash(b"key").to_hex();
    server.sql(&format!(
        "UPDATE ballastcache.entries_1 SET name = decode('{moved}', 'hex')"
    ));
    let e = cache.get("key").await.unwrap_err();
    assert!(e.to_string().contains("another key's row"), "{e}");
}

/// A server that stops is `Unavailable`, call by call and soon; when it is back, so is the cache. A
/// session that was ended and a call that nobody waited for do no harm.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_server_that_stops_is_told_and_comes_back() {
    let mut server = Cluster::start();
    let cache = at(&server);
    cache.put("key", b"value".to_vec(), hour()).await.unwrap();
    server.sql("CHECKPOINT");
    for _ in 0..2 {
        server.stop();
        for _ in 0..2 {
            let e = cache.get("key").await.unwrap_err();
            assert_eq!(e.kind, ErrorKind::Unavailable, "{}", e.chain());
            assert!(e.advice().is_some(), "no hint in {e}");
        }
        server.run();
        assert_eq!(cache.get("key").await.unwrap().unwrap().value, b"value");
    }
    for _ in 0..20 {
        let dropped = cache.put("key", vec![7; 1 << 16], hour());
        let _ = tokio::time::timeout(Duration::from_micros(300), dropped).await;
        let found = cache.get("key").await.unwrap().unwrap();
        assert!(found.value == b"value" || found.value == [7; 1 << 16]);
    }
    server.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ballast cache'",
    );
    // The end may be heard of by the next call, and by none after it.
    let _ = cache.get("key").await;
    assert!(cache.get("key").await.unwrap().is_some());
}

/// The password is in no error, whatever the connection or the server does, and in no `Debug` text.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn sec_08_the_password_of_a_shared_cache_is_in_no_error() {
    const CANARY: &str = "canary-77-password";
    let mut server = Cluster::start();
    let hba = server.sql("SHOW hba_file");
    server.sql("CREATE ROLE other LOGIN PASSWORD 'another'");
    server.sql(&format!(
        "COPY (VALUES ('local all ballast trust'), ('local all all scram-sha-256'), \
         ('host all all 127.0.0.1/32 scram-sha-256')) TO '{hba}'"
    ));
    server.sql("SELECT pg_reload_conf()");
    let with = |address: &str| {
        let secret = Secret::new(CANARY.to_owned(), None).unwrap();
        let database = Database::new(address, Some(Arc::new(secret))).unwrap();
        PostgresCache::new(database, bounds())
    };
    let mut said = Vec::new();
    let refused = async |cache: &PostgresCache, kind: ErrorKind| {
        let e = cache.get("key").await.unwrap_err();
        assert_eq!(e.kind, kind, "{}", e.chain());
        format!("{e} {e:?} {} {cache:?} {:?}", e.chain(), e.advice())
    };
    let address = server.address();
    let other = address.replace("user=ballast", "user=other");
    // Not the right one, no such user, no right to make the table, no such database.
    said.push(refused(&with(&other), ErrorKind::Unauthenticated).await);
    let nobody = address.replace("user=ballast", "user=nobody");
    said.push(refused(&with(&nobody), ErrorKind::Unauthenticated).await);
    server.sql(&format!("ALTER ROLE other PASSWORD '{CANARY}'"));
    said.push(refused(&with(&other), ErrorKind::Unauthenticated).await);
    let missing = address.replace("dbname=ballast", "dbname=nothing");
    said.push(refused(&with(&missing), ErrorKind::NotFound).await);
    // Nobody listens, and who listens is no server.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let there = format!("host=127.0.0.1 port={port} user=ballast dbname=ballast");
    said.push(refused(&with(&there), ErrorKind::Unavailable).await);
    drop(silent);
    said.push(refused(&with(&there), ErrorKind::Unavailable).await);
    let open = with(&address);
    open.put("key", vec![1], hour()).await.unwrap();
    server.stop();
    said.push(refused(&open, ErrorKind::Unavailable).await);
    for text in said {
        assert!(!text.contains(CANARY), "{text}");
        assert!(!text.contains("Some(None)"), "{text}");
    }
}
