//! A broker at the sandbox venue: the exchange core of the domain in another process, on loopback.
//!
//! The venue's books outlive this program, as those of a real one do, and what it was sent can be
//! counted there. It opens with the instruments and terms of whoever connects first and refuses
//! others. [`SandboxBroker`] is the account behind the [`Broker`](ballast_ports::Broker) port;
//! whoever owns the market data makes prices there with [`SandboxBroker::market`].

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod broker;
mod facts;
mod market;
mod wire;

pub use broker::SandboxBroker;
pub use market::{Remembered, Staged, Standing};
