//! wip

pub mod cli;
pub mod commands;
pub mod config;
pub mod drivers;
pub mod engine;
pub mod exit;
pub mod machine;
pub mod reports;
pub mod run_directory;
pub mod sample;
pub mod stable_hash;
pub mod wiring;
