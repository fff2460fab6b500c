//! The work of each command, apart from how it is asked for and shown.

pub mod backtest;
pub mod close_table;
pub mod explain;
pub mod init;
pub mod settings;
pub mod verify;
pub mod weights;
