//! The chores of the repository as a library, so that its own tests can run them.
//!
//! Nothing here depends on the workspace's other crates: a broken crate must not stop the tool that
//! says why it is broken. Errors are sentences for the person at the terminal.

pub mod bench;
pub mod bootstrap;
pub mod check;
pub mod coverage;
pub mod crash;
pub mod dashboard;
pub mod features;
pub mod figures;
pub mod fuzz;
pub mod graph;
pub mod guides;
pub mod layers;
pub mod metadata;
pub mod mutants;
pub mod postgres;
pub mod repository;
pub mod rust_source;
pub mod scan_logs;
pub mod sim;
pub mod slowest;
pub mod stranger;
pub mod strangers_path;
pub mod tidy;
pub mod tools;
