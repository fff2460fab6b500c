//! Data that passed the contract: the only way from a file into the catalog.

use std::collections::BTreeMap;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::Verdict;
use ballast_domain::market::{Bar, BarSize, Bars, Fields, PriceBasis, Series};
use ballast_ports::{Error, ErrorKind, Result};

use crate::actions;
use crate::contract::{ContractOptions, judge};
use crate::contract_report::ContractReport;
use crate::defect::Defects;
use crate::inventory::FileDigest;
use crate::session::Sessions;
use crate::source;

/// Bars that may be used, and the verdict they got.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedData {
    /// What the contract said.
    pub report: ContractReport,
    /// Bar size, given or found.
    pub bar: BarSize,
    /// Calendar, given or found.
    pub calendar: Calendar,
    /// Columns of every symbol.
    pub fields: Fields,
    /// Raw series by symbol, with their corporate actions; never empty.
    pub series: BTreeMap<String, Series>,
    /// Most digits after the point in any price of a symbol.
    pub price_decimals: BTreeMap<String, u32>,
    /// The files, those of actions last.
    pub files: Vec<FileDigest>,
}

/// Reads a source, holds it against the contract and gives its usable bars, if its verdict is no
/// graver than `at_most`: `Warn` takes data as it is, `Repair` joins equal repetitions, sorts rows
/// and unifies symbols, `DropRows` also leaves out the rows that were named.
///
/// # Errors
/// `InvalidData` when the verdict is graver, with the first reasons, or when an action is wrong;
/// otherwise as [`check_contract`](crate::check_contract).
pub fn load_checked(options: &ContractOptions, at_most: Verdict) -> Result<CheckedData> {
    let judged = judge(options)?;
    let report = judged.report;
    let (Some(terms), true) = (
        judged.terms,
        report.verdict <= at_most.min(Verdict::DropRows),
    ) else {
        return Err(refused(&report));
    };
    let mut series = BTreeMap::new();
    for (symbol, examined) in &judged.usable {
        let mut bars = Bars::new(terms.fields);
        for (row, (open_time, close_time)) in examined.usable.iter().zip(&examined.sessions) {
            let [open, high, low, close, volume] = row.values.unwrap_or_default();
            let bar = Bar {
                open_time: *open_time,
                close_time: *close_time,
                open,
                high,
                low,
                close,
                volume,
            };
            bars.push(&bar)
                .map_err(|e| Error::from_domain("load", e).context("symbol", symbol))?;
        }
        let one = Series {
            basis: PriceBasis::Raw,
            bars,
            actions: Vec::new(),
        };
        series.insert(symbol.clone(), one);
    }
    let mut files: Vec<FileDigest> = judged.files.iter().map(|f| f.digest.clone()).collect();
    if let Some(source) = &options.actions {
        let mut defects = Defects::default();
        for file in source::read(source, None)?.0 {
            let mut sessions = Sessions::new(terms.calendar);
            let format = judged.date_format;
            actions::attach(&file, format, &mut sessions, &mut series, &mut defects)?;
            files.push(file.digest);
        }
        defects.refuse()?;
    }
    let mut price_decimals: BTreeMap<String, u32> = BTreeMap::new();
    for symbol in series.keys() {
        // A symbol may have been joined from several spellings, or named by the caller.
        let of = |name: &str| name.eq_ignore_ascii_case(symbol) || judged.rows.symbols.len() == 1;
        let decimals = (judged.rows.symbols.iter())
            .filter(|(name, _)| of(name))
            .map(|(_, rows)| rows.decimals);
        price_decimals.insert(symbol.clone(), decimals.max().unwrap_or(0));
    }
    Ok(CheckedData {
        report,
        bar: terms.bar,
        calendar: terms.calendar,
        fields: terms.fields,
        series,
        price_decimals,
        files,
    })
}

fn refused(report: &ContractReport) -> Error {
    let verdict = report.verdict;
    let hint = match verdict {
        Verdict::Repair => "allow the repair, which loses nothing, or correct the file",
        Verdict::DropRows => "allow the rows to be left out, or correct the file",
        _ => "see every reason with: ballast data check FILE",
    };
    let mut error = Error::new(
        ErrorKind::InvalidData,
        "load",
        format!("the data got the verdict {}", verdict.name()),
    )
    .context("defects", report.defects.len());
    let grave = report.defects.iter().filter(|d| d.verdict == verdict);
    for defect in grave.take(3) {
        let place = defect
            .row
            .map_or_else(String::new, |row| format!("line {row}: "));
        error = error.context("reason", format!("{place}{}", defect.message));
    }
    error.hint(hint)
}
