//! The program around a fake engine: settings, run directories, commands, exit codes.

mod archive;
mod backtest;
mod binary;
mod browser;
mod build_script;
mod command_line;
mod data_catalog;
mod data_check;
mod data_contract;
mod explain;
mod fake;
mod hostile_bytes;
mod indicator;
mod json;
mod manual;
mod metrics;
mod nav;
mod own_strategy;
mod report;
mod report_compare;
mod run_metrics;
mod terminal;
mod trade_lists;
mod troubleshooting;
mod verify;
mod weights;
