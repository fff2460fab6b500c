//! The work of each command, apart from how it is asked for and shown.

pub mod backtest;
pub mod explain;
pub mod init;
pub mod runs;
pub mod settings;
pub mod verify;
