//! The program around a fake engine: settings, run directories, commands, exit codes.

mod backtest;
mod binary;
mod build_script;
mod command_line;
mod explain;
mod fake;
mod report;
mod verify;
