//! A venue in another process: the exchange core of the domain, served over HTTP on loopback.
//!
//! It opens with what the first client lists and in the terms it names, and keeps both for life. What
//! it was told goes into its ledger, a file that is enough to build it again: so its books outlive a
//! program that was killed, and itself. A client order id is taken once, for ever; an order is refused
//! after the instant its sender gave it. Its time is the latest it was told of.
//!
//! | request | does |
//! |---|---|
//! | `POST /open` | lists instruments and names terms; again only with the same |
//! | `POST /orders` | takes an order: 200 accepted, 409 known id, 422 refused |
//! | `GET /orders`, `GET /orders/ID?now=T` | open orders, one order; 404 |
//! | `POST /orders/ID/cancel` | takes an order back; 404 |
//! | `GET /account?since=T&now=T` | the whole account |
//! | `GET /facts?after=N&wait=MS` | what happened after the N-th fact; waits for one |
//! | `POST /market` | a stage of a bar: prices are made and orders execute |
//! | `GET /market` | where the market stands, and how many orders ever came |
//! | `GET /ledger?after=N` | what it was told, for a judge |
//!
//! Requests and answers are JSON, in the words that the domain gives its values.

mod faults;
mod ledger;
mod server;
mod told;
mod venue;

pub use faults::Faults;
pub use ledger::{Entry, Ledger, LedgerError};
pub use server::{Announce, SandboxServer};
pub use told::{Bar, Lane, Listing, Opening, Order, Specification, Terms, Told};
pub use venue::{Standing, Taken, Venue};
