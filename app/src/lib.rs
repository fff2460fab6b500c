//! wip

pub mod config;
pub mod drivers;
pub mod reports;
pub mod run_directory;
pub mod sample;
pub mod stable_hash;
pub mod wiring;
