//! A whole series held against the data contract. An import is judged by itself: between two of them
//! bars may be missing, or jump, and neither import shows it.

use ballast_domain::market::Bars;
use ballast_domain::market::contract::{RawBar, Terms, Verdict, examine};
use ballast_ports::{Error, Result};

use super::bars::raw_bars;
use super::load::Loaded;
use super::manifest::CatalogSeries;
use crate::contract_stage::Strictness;
use crate::defect::{Defect, Defects, Severity};
use crate::layout::COLUMNS;

/// Judges every series by the calendar of the catalog. What refuses nothing is returned; a lenient
/// stage leaves out the bars at fault.
///
/// # Errors
/// `InvalidData` with every defect that is graver than `strictness` lets pass.
pub(super) fn hold(loaded: &mut Loaded, strictness: Strictness) -> Result<Vec<Defect>> {
    let lenient = strictness == Strictness::Lenient;
    let mut defects = Defects::default();
    for entry in &loaded.entries {
        let Some(series) = loaded.series.get_mut(&entry.symbol) else {
            continue;
        };
        let terms = Terms {
            bar: entry.bar,
            calendar: entry.calendar,
            now: None,
            fields: entry.field_set(),
        };
        let rows = raw_bars(&series.bars);
        let found = examine(&rows, &terms).map_err(|e| Error::from_domain("open", e))?;
        for finding in found.findings {
            let row = finding
                .row
                .and_then(|place| rows.get(usize::try_from(place).ok()?.checked_sub(1)?));
            let time = finding.time.or(row.map(|row| row.time));
            let message = match time {
                Some(time) => format!("{} ({time})", finding.message),
                None => finding.message,
            };
            let mut defect = Defect::new(finding.code, &place(entry, row), message)
                .symbol(&entry.symbol)
                .hint(finding.hint);
            defect.timestamp = time;
            if let (Some(field), Some(values)) = (finding.field, row.and_then(|row| row.values)) {
                let index = field as usize;
                defect = defect.cell(COLUMNS[index].1, values[index]);
            }
            let mended = lenient && finding.verdict == Verdict::DropRows;
            if finding.verdict <= Verdict::Warn || mended {
                defect.severity = Severity::Warning;
            }
            defects.push(defect);
        }
        if lenient && found.usable.len() < rows.len() {
            let mut kept = Bars::new(series.bars.fields());
            let places = found.usable.iter().map(|bar| bar.row);
            for i in places.filter_map(|place| usize::try_from(place).ok()?.checked_sub(1)) {
                kept.append(&series.bars.range(i..i + 1))
                    .map_err(|e| Error::from_domain("open", e).context("symbol", &entry.symbol))?;
            }
            series.bars = kept;
        }
        defects.conclude(&entry.symbol, !series.bars.is_empty());
    }
    defects.explain_splits(&loaded.series);
    defects.refuse()?;
    Ok(defects.kept)
}

/// The file of the year a bar is in.
fn place(entry: &CatalogSeries, row: Option<&RawBar>) -> String {
    let of = |row: &RawBar| entry.years.iter().rev().find(|file| file.first <= row.time);
    row.and_then(of)
        .or(entry.years.first())
        .map_or_else(|| entry.symbol.clone(), |file| file.path.clone())
}
