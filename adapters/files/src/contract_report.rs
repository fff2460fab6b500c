//! What a check of the contract answers.

use ballast_domain::market::contract::{DefectCode, Verdict};
use ballast_domain::time::Timestamp;
use serde::Serialize;

/// One reason of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContractDefect {
    /// Its kind.
    pub code: DefectCode,
    /// Line in the file, from 1 for the header; absent when the whole file is meant. Of a run the
    /// first.
    pub row: Option<u64>,
    /// Open time of the bar; of a gap the first bar that is missing.
    pub timestamp: Option<Timestamp>,
    /// Symbol, where it is known.
    pub symbol: Option<String>,
    /// Column, where one is meant.
    pub column: Option<String>,
    /// What is wrong, with the value where one is meant.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// What follows from this one alone.
    #[serde(skip)]
    pub verdict: Verdict,
}

/// A verdict on a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContractReport {
    /// The gravest consequence of any defect; a rejection also when less than half of the rows
    /// that have values are usable, or anything is wrong and the check is strict.
    pub verdict: Verdict,
    /// Rows below the header.
    pub rows: u64,
    /// Bars that may be used; none of a rejected file.
    pub rows_usable: u64,
    /// Symbols with a usable bar.
    pub symbols: Vec<String>,
    /// Every reason, by line; at most 10,000 from reading.
    pub defects: Vec<ContractDefect>,
}
