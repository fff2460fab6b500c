//! The contract of the port.

use std::sync::Arc;

use ballast_sqlite::{Options, SqliteJournal};
use ballast_testkit::conformance::journal::Subject;

async fn subject() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        reserve_bytes: 1 << 12,
        ..Options::new(folder.path(), "main", "the suite")
    };
    let journal = SqliteJournal::open(options).await;
    Subject {
        journal: Arc::new(journal.unwrap_or_else(|e| panic!("{}", e.chain()))),
        room: Some(Arc::new(folder)),
    }
}

ballast_testkit::journal_conformance!(subject().await);
