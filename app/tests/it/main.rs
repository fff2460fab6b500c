//! The program around a fake engine: settings, run directories, commands, exit codes.

mod backtest;
mod binary;
mod build_script;
mod command_line;
mod data_check;
mod data_contract;
mod explain;
mod fake;
mod indicator;
mod metrics;
mod nav;
mod report;
mod trade_lists;
mod verify;
mod weights;
