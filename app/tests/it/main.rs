//! The program around a fake engine: settings, run directories, commands, exit codes.

mod archive;
mod backtest;
mod binary;
mod browser;
mod build_script;
mod command_line;
mod config_migrate;
mod data_catalog;
mod data_check;
mod data_contract;
#[cfg(unix)]
mod degraded_inputs;
mod doctor;
mod explain;
mod fake;
mod fault_sweep;
mod guards;
mod health;
mod hostile_bytes;
mod indicator;
mod journal;
mod json;
mod kill;
mod live_boundaries;
mod manual;
mod metrics;
mod named_source;
mod nav;
mod own_strategy;
mod paper_parity;
mod pictures;
mod pipeline;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod rationale;
mod report;
mod report_compare;
mod report_mail;
mod run_metrics;
mod screen_settings;
#[cfg(unix)]
mod secrets;
mod settings;
mod stacks;
mod tape;
mod terminal;
mod trade_lists;
mod trader;
mod troubleshooting;
mod verify;
mod vitals;
mod weights;
