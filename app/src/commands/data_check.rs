//! `data check FILE`: a file held against the data contract.

use ballast_domain::calendar::Calendar;
use ballast_domain::market::BarSize;
use ballast_domain::market::contract::{DEFAULT_MAX_AGE, Verdict};
use ballast_domain::time::{Span, Timestamp};
use ballast_files::{ContractOptions, ContractReport, CsvSource, check_contract};
use ballast_ports::Clock;
use std::path::PathBuf;

use crate::drivers::RunError;
use crate::exit::{Exit, Failure};

/// What to check, and against what.
#[derive(Clone, Debug, PartialEq)]
pub struct DataCheckRequest {
    /// A CSV file, plain or gzipped, or a folder of them.
    pub file: PathBuf,
    /// Bar size; `None` takes the commonest distance between rows.
    pub bar: Option<BarSize>,
    /// Calendar; `None` takes the one the dates follow.
    pub calendar: Option<Calendar>,
    /// The instant the data is for. `None` is the clock's now, and freshness is then looked at
    /// only when `max_age` is given: a file of the past is no defect.
    pub now: Option<Timestamp>,
    /// Age beyond which the newest bar is stale; 48 hours when only `now` is given.
    pub max_age: Option<Span>,
    /// Symbols that must be there, and no others; empty takes what comes.
    pub expect: Vec<String>,
    /// Whether every defect rejects the file.
    pub strict: bool,
}

/// Reads the file and judges it.
///
/// # Errors
/// As [`check_contract`]. A rejection is no error but an answer.
pub fn data_check(
    request: &DataCheckRequest,
    clock: &dyn Clock,
) -> Result<ContractReport, Failure> {
    let max_age = match (request.max_age, request.now) {
        (None, Some(_)) => Some(DEFAULT_MAX_AGE),
        (given, _) => given,
    };
    let options = ContractOptions {
        bar: request.bar,
        calendar: request.calendar,
        now: Some(request.now.unwrap_or_else(|| clock.now())),
        max_age,
        expect: request.expect.clone(),
        strict: request.strict,
        ..ContractOptions::new(CsvSource::Path(request.file.clone()))
    };
    Ok(check_contract(&options).map_err(RunError::Port)?)
}

/// Rejected data is refused data.
pub fn exit_of(report: &ContractReport) -> Exit {
    match report.verdict {
        Verdict::Reject => Exit::DataRefused,
        _ => Exit::Ok,
    }
}
