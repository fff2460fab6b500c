//! One server for all tests of this program, an account for each, and a small journal.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use ballast_ports::{Journal as _, JournalBatch, Snapshot};
use ballast_postgres::{Audit, Database, Options, PostgresJournal, audit, encode, export};
use ballast_testkit::journals::numbered;
use ballast_testkit::postgres::Cluster;

/// The server that all tests share; it ends with this process.
pub(crate) fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(Cluster::start)
}

/// An account of its own, and its folder.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) account: String,
    pub(crate) address: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Room {
    /// On the shared server.
    pub(crate) fn new() -> Self {
        Self::at(server())
    }

    /// On this one.
    pub(crate) fn at(server: &Cluster) -> Self {
        static ACCOUNTS: AtomicU32 = AtomicU32::new(1);
        Self {
            account: format!("main-{}", ACCOUNTS.fetch_add(1, Ordering::Relaxed)),
            address: server.address(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn anchor(&self) -> PathBuf {
        self.path().join("journal.anchor")
    }

    pub(crate) fn schema(&self) -> String {
        format!("ballast_{}", self.account)
    }

    /// SQL in the account's schema, as the superuser.
    pub(crate) fn sql(&self, sql: &str) -> String {
        server().sql(&format!("SET search_path = \"{}\"; {sql}", self.schema()))
    }

    pub(crate) fn options(&self) -> Options {
        self.options_through(&self.address)
    }

    pub(crate) fn options_through(&self, address: &str) -> Options {
        let database = Database::new(address, None).unwrap();
        Options::new(database, self.path(), &self.account, "a test")
    }

    pub(crate) async fn open(&self) -> PostgresJournal {
        let opened = PostgresJournal::open(self.options()).await;
        opened.unwrap_or_else(|e| panic!("{}", e.chain()))
    }

    pub(crate) fn audit(&self) -> ballast_ports::Result<Audit> {
        audit(self.path(), &self.account, None)
    }

    pub(crate) fn export(&self) -> ballast_ports::Result<(Vec<u8>, Audit)> {
        let mut text = Vec::new();
        let audit = export(self.path(), &self.account, None, &mut text)?;
        Ok((text, audit))
    }

    /// Lives: every batch, and a snapshot after the second.
    pub(crate) async fn lived(&self) -> PostgresJournal {
        let journal = self.open().await;
        for batch in batches() {
            journal.append(&batch).await.unwrap();
            if batch.seq == 2 {
                journal.keep_snapshot(&snapshot()).await.unwrap();
            }
        }
        journal
    }
}

pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        batch: 2,
        state: vec![7; 300],
    }
}

/// Batches as a kernel writes them: a decision with its orders, what became of them, a dispute.
const BATCHES: &[&[&str]] = &[
    &[
        r#"{"entry":{"time":"2024-01-02T09:00:00Z","id":0,"kind":"opening","instrument":null,"asset":0,"amount":10000000000}}"#,
        r#"{"session":{"time":"2024-01-02T09:00:00Z","session":"ready","reason":"the venue agrees: μ\u0000"}}"#,
    ],
    &[
        r#"{"intent":{"time":"2024-01-02T17:00:00Z","cause":{"slot":"2024-01-02T17:00:00Z"},"intent":{"id":1,"client_id":"b0000200000102000","instrument":0,"side":"buy","quantity":100,"order_type":"market","time_in_force":"day","post_only":false,"reduce_only":false},"reference":31420,"wanted":100,"cut":null,"verdict":{"failed":0,"breach":null}}}"#,
        r#"{"intent":{"time":"2024-01-02T17:00:00Z","cause":{"slot":"2024-01-02T17:00:00Z"},"intent":{"id":2,"client_id":"b0000200000102001","instrument":1,"side":"sell","quantity":7,"order_type":{"limit":500},"time_in_force":"gtc","post_only":true,"reduce_only":false},"reference":510,"wanted":9,"cut":"cash","verdict":{"failed":0,"breach":null}}}"#,
    ],
    &[
        r#"{"fill":{"fill":{"time":"2024-01-02T17:00:02Z","client_id":"b0000200000102000","trade_id":340282366920938463463374607431768211455,"instrument":0,"side":"buy","quantity":100,"price":31425,"fee":-12,"fee_asset":0},"realised":0}}"#,
    ],
    &[
        r#"{"dispute":{"time":"2024-01-02T18:00:00Z","instrument":1,"ours":0,"theirs":-7}}"#,
        r#"{"mode":{"time":"2024-01-02T18:00:00Z","scope":{"instrument":1},"mode":"reduce_only","reason":"a \"dispute\""}}"#,
    ],
];

pub(crate) fn batches() -> Vec<JournalBatch> {
    numbered(BATCHES, encode)
}
