//! The journal in memory against the contract of the port.

use std::sync::Arc;

use ballast_memory::MemoryJournal;
use ballast_testkit::conformance::journal::Subject;

fn subject() -> Subject {
    Subject {
        journal: Arc::new(MemoryJournal::new()),
        room: None,
    }
}

ballast_testkit::journal_conformance!(subject());
