//! The program around a fake engine: settings, run directories, commands, exit codes.

mod backtest;
mod binary;
mod browser;
mod build_script;
mod command_line;
mod data_check;
mod explain;
mod fake;
mod indicator;
mod metrics;
mod own_strategy;
mod report;
mod trade_lists;
mod troubleshooting;
mod verify;
mod weights;
