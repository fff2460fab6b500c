//! Market data from CSV and Parquet files, checked row by row before anything is computed from it.
//!
//! Read are: one long file (`timestamp|date|time, [symbol|ticker,] open, high, low, close,
//! volume`, header names in any case, other columns kept aside), a folder of such files (one symbol
//! each, named by the file's stem), and a wide table of closes (a time column, then one column a
//! symbol); each as CSV, plain or gzipped, or as Parquet, from disk or from memory.
//!
//! Timestamps are bar opens. A plain date takes its open and close from the calendar. Loading is
//! strict: one defect refuses the data, and all of them are reported at once with line, column,
//! value and hint. With [`CsvOptions::contract`] the rows are also held against the data contract, and
//! a lenient stage leaves out what does not meet it. [`check`] gives the same list without refusing.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod actions;
mod assemble;
pub mod catalog;
mod check;
mod checked;
mod checksum;
mod column;
mod columnar;
mod contract;
mod contract_report;
mod contract_stage;
mod defect;
mod inventory;
mod layout;
mod market_data;
mod number;
mod options;
mod policy;
mod rows;
mod session;
mod source;
mod stamp;

pub use check::{CheckReport, check};
pub use checked::{CheckedData, load_checked};
pub use checksum::Checksum;
pub use column::{NumericColumn, read_column, read_prices};
pub use contract::{ContractOptions, check_contract};
pub use contract_report::{ContractDefect, ContractReport};
pub use contract_stage::{ContractStage, Strictness};
pub use defect::{Defect, DefectCode, DefectGroup, DefectReport, Severity};
pub use inventory::{FileDigest, Inventory, SymbolInventory};
pub use market_data::CsvMarketData;
pub use options::{CsvOptions, CsvSource, DateFormat};
pub use policy::ContractPolicy;
