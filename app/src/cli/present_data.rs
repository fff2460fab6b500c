//! A verdict on a file, as a list a person can work off.

use std::collections::BTreeMap;
use std::fmt::Write;

use ballast_domain::error::Result;
use ballast_files::{ContractDefect, ContractReport};

use super::present::Answer;
use crate::reports::figures::count;

/// Defects shown to a person; JSON has all of them.
const SHOWN: usize = 20;

pub(super) fn verdict(file: &str, report: &ContractReport) -> Result<Answer> {
    let mut text = format!(
        "{}: {file}\n  {} of {} rows usable, {}\n",
        report.verdict.name(),
        count(report.rows_usable),
        count(report.rows),
        symbols(&report.symbols)
    );
    let mut by_code: BTreeMap<String, usize> = BTreeMap::new();
    for defect in &report.defects {
        *by_code.entry(code(defect)).or_default() += 1;
    }
    if report.defects.len() > SHOWN {
        text.push('\n');
        for (code, n) in &by_code {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {code:<20} {:>8}", count(*n as u64));
        }
    }
    if !report.defects.is_empty() {
        text.push('\n');
    }
    for defect in report.defects.iter().take(SHOWN) {
        let _ = writeln!(text, "  {:<20} {}", code(defect), place(defect));
        let _ = writeln!(text, "  {:<20} {}", defect.verdict.name(), defect.message);
        let _ = writeln!(text, "  {:<20} hint: {}", "", defect.hint);
    }
    let more = report.defects.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "  and {} more; --json lists all", count(more as u64));
    }
    // A person needs no nanoseconds that are zero.
    Answer::new(text.replace(".000000000Z", "Z"), report)
}

fn symbols(symbols: &[String]) -> String {
    match symbols {
        [] => "no symbol".to_owned(),
        [only] => only.clone(),
        [first, .., last] => format!("{} symbols, {first} to {last}", symbols.len()),
    }
}

/// The name of a code as JSON writes it.
fn code(defect: &ContractDefect) -> String {
    serde_json::to_value(defect.code)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| format!("{:?}", defect.code))
}

fn place(defect: &ContractDefect) -> String {
    let mut parts: Vec<String> = Vec::new();
    match defect.row {
        Some(row) => parts.push(format!("line {row}")),
        None => parts.push("the whole file".to_owned()),
    }
    parts.extend(defect.symbol.clone());
    parts.extend(defect.timestamp.map(|time| time.to_string()));
    parts.extend(
        defect
            .column
            .as_ref()
            .map(|column| format!("column {column}")),
    );
    parts.join(", ")
}
