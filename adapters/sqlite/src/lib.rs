//! The journal of an account in one embedded SQLite file: hash-chained, anchored, with one writer.
//!
//! | you want | you call |
//! |---|---|
//! | to write an account's journal | [`SqliteJournal::open`], then the [`Journal`](ballast_ports::Journal) port |
//! | to prove one, without changing a byte | [`audit()`] |
//! | its records as JSON lines | [`export()`] |
//! | a copy while it is written, and a journal from it | [`backup()`], [`restore`] |
//! | to go on after its anchor was lost | [`accept`] |
//! | a kernel's record as canonical bytes, and back | [`encode`], [`decode`] |
//!
//! An account's folder holds `journal.db` (SQLite, WAL mode, synchronous FULL), `journal.anchor`
//! (number and hash of the newest commit), `journal.reserve` (space given back when the disk is
//! full) and `lock`. What it promises, and what it cannot see, is
//! `docs/decisions/0017-journal-in-sqlite.md`.
//!
//! Every refusal to use a journal has [`STATE`] as its operation.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod audit;
mod backup;
mod disk;
mod export;
mod file_system;
mod journal;
mod overview_rows;
mod reader;
mod refusal;
mod reserve;
mod schema;
mod store;
mod tables;
mod transaction;

#[cfg(test)]
mod tests;

pub use audit::audit;
pub use backup::{BackedUp, backup, restore};
pub use ballast_journal::{Audit, STATE, decode, encode};
pub use export::export;
pub use file_system::{Space, SpaceLevel, Thresholds};
pub use journal::{Options, SqliteJournal, accept};
