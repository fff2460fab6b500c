//! The HTTP transport that clients of venues share.
//!
//! Three ways out, and no fourth. [`Transport::read`] asks and changes nothing.
//! [`Transport::command`] changes something that may be repeated, such as a cancel.
//! [`Transport::submit`] writes an order: it connects first, redeems the permit last, and hands the
//! spent permit to [`Line::send_once`], the only function here that writes one. What fails before
//! that is proof that nothing left, and the permit comes back; what fails after it is unknown.
//!
//! Nothing is repeated, no redirect is followed and no pooled connection is reused: each of those
//! can write an order twice or lose one without a trace. Deadlines are of the machine's time.
//!
//! The feature `scripted-server` adds the module `scripted`, a server for tests that breaks off, stalls,
//! resets and answers late or twice.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod answer;
mod classify;
mod line;
mod request;
#[cfg(any(test, feature = "scripted-server"))]
pub mod scripted;
mod settings;
#[cfg(test)]
mod tests;
mod transport;

pub use answer::Answer;
pub use line::Line;
pub use request::Request;
pub use settings::TransportSettings;
pub use transport::{Sent, Transport};
