//! wip

pub mod cli;
pub mod commands;
pub mod config;
pub mod engine;
pub mod exit;
pub mod machine;
pub mod progress;
pub mod registry;
pub mod reports;
pub mod run_directory;
pub mod sample_data;
pub mod stable_hash;
