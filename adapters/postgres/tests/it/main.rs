//! The journal against a real server. These tests start one of their own and are ignored where
//! nobody asked for them: `cargo xtask postgres` runs them.
#![cfg(unix)]

mod echo;
mod postgres;
