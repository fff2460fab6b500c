//! wip

pub mod config;
pub mod reports;
pub mod stable_hash;
