//! PostgreSQL: the journal of an account, hash-chained, anchored, one writer behind a fence; and a cache
//! that several programs share.
//!
//! | you want | you call |
//! |---|---|
//! | to say which database | [`Database::new`] |
//! | to write an account's journal | [`PostgresJournal::open`], then the [`Journal`](ballast_ports::Journal) port |
//! | to prove one, without changing a byte | [`audit()`] |
//! | its records as JSON lines | [`export()`] |
//! | to go on after its anchor was lost | [`accept`] |
//! | a cache for several programs | [`PostgresCache::new`], then the [`Cache`](ballast_ports::Cache) port |
//!
//! The records are in the schema `ballast_ACCOUNT` of a database; beside them the account's folder
//! holds `journal.anchor` (number and hash of the newest commit), `journal.postgres` (where the
//! database is, without a password) and `lock`. Bytes, chain and proof are those of the journal in
//! SQLite (`ballast-journal`). What it promises is `docs/decisions/0022-journal-in-postgresql.md`.
//!
//! Every refusal to use a journal has [`STATE`] as its operation. Connections are not encrypted, so
//! only a Unix socket or this machine's loopback is taken.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod audit;
mod cache;
mod cached_row;
mod database;
mod folder;
mod journal;
mod reader;
mod refusal;
mod schema;
mod server;
mod session;
mod store;
mod tables;
mod transaction;

#[cfg(test)]
mod postgres_tests;

pub use audit::{audit, export};
pub use ballast_journal::{Audit, STATE, decode, encode};
pub use cache::{PostgresCache, SharedCacheBounds};
pub use database::{Database, Password};
pub use folder::is_here;
pub use journal::{Options, PostgresJournal, accept};
