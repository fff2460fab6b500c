//! The contract of the port.

use std::sync::Arc;

use ballast_sqlite::{Options, SqliteJournal};
use ballast_testkit::conformance::journal::Subject;

async fn subject() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path(), "main", "the suite").with_reserve(1 << 12);
    let journal = SqliteJournal::open(options).await;
    Subject {
        journal: Arc::new(journal.unwrap_or_else(|e| panic!("{}", e.chain()))),
        room: Some(Arc::new(folder)),
    }
}

ballast_testkit::journal_conformance!(subject().await);
