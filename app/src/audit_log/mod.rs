//! The audit log of an account: what was signalled, wanted, refused, executed and overridden, one JSON
//! object a line, in a file that only grows.
//!
//! It says nothing of its own. Each line is worked out from a durable record of the journal and holds its
//! bytes, so the journal says what every line must be: a changed line, a line too many, a missing one and
//! a cut end are found by comparing ([`prove`]). Each line begins with a hash over it and the hash of the
//! line before, so that a copy of the file alone shows where it was changed.
//!
//! [`AuditedJournal`](crate::wiring::AuditedJournal) writes it, before anybody hears that a batch is
//! durable: no order leaves without its line.

mod file;
mod line;
mod proof;

pub use file::{AuditLog, Completed};
pub use proof::{AuditProof, prove};

use std::path::{Path, PathBuf};

use ballast_ports::Error;

/// The file, in the account's folder.
pub const FILE: &str = "audit.jsonl";

/// The audit log of the account in `folder`.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// What is in the file is not what the journal says.
fn differs(what: &str, line: u64) -> Error {
    ballast_journal::refusal::damaged(what)
        .context("file", FILE)
        .context("line", line)
        .hint(
            "somebody changed the audit log outside of the program: move audit.jsonl out of the folder \
             and keep it as evidence; the next start writes it anew from the journal",
        )
}
