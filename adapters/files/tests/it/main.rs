//! Integration tests, one binary.

mod actions;
mod catalog;
mod conformance;
mod contract;
mod contract_corpus;
mod contract_stage;
mod corpus;
mod defects;
mod formats;
mod inventory;
mod parquet;
mod validators;

use ballast_domain::calendar::Calendar;
use ballast_files::{CsvMarketData, CsvOptions, CsvSource};

/// A file in memory.
fn bytes(name: &str, text: impl Into<Vec<u8>>) -> CsvSource {
    CsvSource::Bytes {
        name: name.to_owned(),
        data: text.into().into(),
    }
}

/// A file in memory that trades around the clock.
fn options(name: &str, text: impl Into<Vec<u8>>) -> CsvOptions {
    CsvOptions::new(bytes(name, text), Calendar::Utc24x7)
}

fn open(name: &str, text: impl Into<Vec<u8>>) -> CsvMarketData {
    CsvMarketData::open(&options(name, text)).unwrap_or_else(|e| panic!("{}", e.chain()))
}

/// Everything that a refused file says.
fn refusal(options: &CsvOptions) -> String {
    CsvMarketData::open(options).unwrap_err().chain()
}
