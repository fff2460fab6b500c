//! The work of each command, apart from how it is asked for and shown.

pub mod backtest;
pub mod catalog;
pub mod close_table;
pub mod data_check;
pub mod doctor;
pub mod explain;
pub mod indicator;
pub mod init;
pub mod journal;
pub mod journal_replay;
pub mod kill;
pub mod metrics;
pub mod metrics_detail;
pub mod report_compare;
pub mod report_mail;
pub mod resume;
pub mod run_metrics;
pub mod runs;
pub mod runs_archive;
pub mod settings;
pub mod status;
pub mod strategy_crate;
pub mod trade;
mod trader;
pub mod verify;
pub mod weights;
