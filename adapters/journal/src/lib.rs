//! What every durable journal shares, wherever its rows are: the bytes, the proof of them, the anchor.
//!
//! | you want | you take |
//! |---|---|
//! | a kernel's record as canonical bytes, and back | [`encode`], [`decode`] |
//! | the chain over stored bytes | [`chain`] |
//! | the head of a journal in a second file | [`anchor`] |
//! | to prove tables, and read, admit or export from them | [`Stored`], [`examine`], [`page`], [`admit`] |
//! | threads that own the connections | [`threads`] |
//!
//! An adapter brings the tables ([`Stored`]), the transaction, and its own words for what its store
//! refuses. Nothing here opens a database.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

pub mod admission;
pub mod anchor;
pub mod audit;
pub mod chain;
pub mod files;
pub mod lock;
pub mod overview_rows;
pub mod record;
pub mod refusal;
pub mod stored;
pub mod threads;
pub mod walk;

pub use admission::{Accepted, admit, admit_group};
pub use audit::{Acceptance, Audit, Examined, Note, examine};
pub use record::{decode, encode};
pub use refusal::STATE;
pub use stored::{Stored, page};
pub use walk::{Head, walk};
