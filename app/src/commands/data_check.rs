//! `data check FILE`: a file held against the data contract.

use std::path::PathBuf;

use ballast_domain::error::Error;
use ballast_domain::market::contract::{DEFAULT_MAX_AGE, Verdict};
use ballast_domain::time::{Span, Timestamp};
use ballast_files::{ContractOptions, ContractPolicy, ContractReport, CsvSource, check_contract};
use ballast_ports::Clock;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::drivers::RunError;
use crate::exit::{Exit, Failure};

/// What to check, and against what.
#[derive(Clone, Debug, PartialEq)]
pub struct DataCheckRequest {
    /// A CSV file, plain or gzipped, a Parquet file, or a folder of them.
    pub file: PathBuf,
    /// Bar size; `None` takes the commonest distance between rows.
    pub bar: Option<String>,
    /// Calendar; `None` takes the one the dates follow.
    pub calendar: Option<String>,
    /// The instant the data is for, with its zone, or a date for its midnight in UTC. `None` is the clock's now, and freshness is then looked at
    /// only when `max_age_hours` is given: a file of the past is no defect.
    pub now: Option<String>,
    /// Age beyond which the newest bar is stale; 48 hours when only `now` is given.
    pub max_age_hours: Option<String>,
    /// Symbols that must be there, and no others; empty takes what comes.
    pub expect: Vec<String>,
    /// Whether every defect rejects the file.
    pub strict: bool,
    /// What the bytes must hash to, as `sha256:HEX` or `blake3:HEX`.
    pub checksum: Option<String>,
    /// What times without a zone and rows with holes mean.
    pub policy: ContractPolicy,
}

/// Reads the file and judges it.
///
/// # Errors
/// `Configuration` when size, calendar, instant or hours are none; as [`check_contract`]. A
/// rejection is no error but an answer.
pub fn data_check(
    request: &DataCheckRequest,
    clock: &dyn Clock,
) -> Result<ContractReport, Failure> {
    let max_age = match &request.max_age_hours {
        Some(text) => Some(hours(text)?),
        None => request.now.as_ref().map(|_| DEFAULT_MAX_AGE),
    };
    let now = match &request.now {
        Some(text) => instant(text)?,
        None => clock.now(),
    };
    let options = ContractOptions {
        bar: request.bar.as_deref().map(str::parse).transpose()?,
        calendar: request.calendar.as_deref().map(str::parse).transpose()?,
        now: Some(now),
        max_age,
        expect: request.expect.clone(),
        strict: request.strict,
        checksum: request.checksum.as_deref().map(str::parse).transpose()?,
        policy: request.policy,
        ..ContractOptions::new(CsvSource::Path(request.file.clone()))
    };
    Ok(check_contract(&options).map_err(RunError::Port)?)
}

/// An instant with its zone, or a date, which is its midnight in UTC.
fn instant(text: &str) -> Result<Timestamp, Error> {
    let date = text.parse().ok().and_then(Timestamp::from_date);
    date.or_else(|| text.parse().ok()).ok_or_else(|| {
        Error::config(format!("'{text}' is not an instant"))
            .hint("write it like 2024-01-31T16:00:00Z, or 2024-01-31 for its midnight in UTC")
    })
}

/// Hours to the second; more than a century is a slip.
fn hours(text: &str) -> Result<Span, Error> {
    let parsed: Option<Decimal> = text.parse().ok();
    let seconds = parsed
        .filter(|hours| (Decimal::ZERO..=Decimal::from(1_000_000)).contains(hours))
        .and_then(|hours| (hours * Decimal::from(3_600)).round().to_i64());
    seconds.map(Span::from_seconds).ok_or_else(|| {
        Error::config(format!("'{text}' is not a number of hours"))
            .hint("write a number from 0 to 1,000,000, such as 48 or 1.5")
    })
}

/// Rejected data is refused data.
pub fn exit_of(report: &ContractReport) -> Exit {
    match report.verdict {
        Verdict::Reject => Exit::DataRefused,
        _ => Exit::Ok,
    }
}
