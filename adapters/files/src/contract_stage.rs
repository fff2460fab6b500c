//! Loading through the data contract: the same rules as a check, with consequences.

use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::{RawBar, Terms, Verdict, examine, likely_calendar};
use ballast_domain::market::{BarSize, Fields};
use ballast_ports::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::defect::{Defect, DefectCode, Defects, Severity};
use crate::layout::COLUMNS;
use crate::rows::{Row, Rows};
use crate::source::TextFile;

/// What loading does with data that do not meet the contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// Refuses whatever would have to be dropped or repaired; warnings pass and are said.
    #[default]
    Strict,
    /// Drops rows and repairs order and repetition, and says so; refuses only what cannot be used
    /// at all.
    Lenient,
}

/// How loading holds its rows against the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractStage {
    /// What follows from defects.
    pub strictness: Strictness,
    /// When the instruments trade. `None` takes the calendar the dates follow, and then nobody said
    /// which bars to expect: a gap or a day without a session is a warning.
    pub calendar: Option<Calendar>,
}

/// What series are later found to be by the assembly itself: it names these with the same words.
const OF_ASSEMBLY: [DefectCode; 4] = [
    DefectCode::NotSorted,
    DefectCode::DuplicateTimestamp,
    DefectCode::DuplicateConflict,
    DefectCode::NonSessionDay,
];

/// What depends on knowing which bars to expect.
const OF_CALENDAR: [DefectCode; 3] = [
    DefectCode::MissingBar,
    DefectCode::GapTooLong,
    DefectCode::NonSessionDay,
];

/// What a lenient load can do something about.
fn can_be_mended(code: DefectCode) -> bool {
    let order = [
        DefectCode::NotSorted,
        DefectCode::DuplicateTimestamp,
        DefectCode::Bom,
    ];
    code.verdict() == Verdict::DropRows || order.contains(&code)
}

/// Holds rows, whose cells are usable, against the contract. Findings join the defects; a lenient
/// stage leaves only usable rows behind, in order of time, and its defects become warnings.
///
/// # Errors
/// When the calendar cannot answer for a date.
pub(crate) fn hold(
    files: &[TextFile],
    rows: &mut Rows,
    bar: BarSize,
    stage: ContractStage,
    defects: &mut Defects,
) -> Result<()> {
    let lenient = stage.strictness == Strictness::Lenient;
    if stage.calendar.is_some() {
        // A time of day without a zone places a bar in a session only by luck.
        defects.harden(DefectCode::NaiveTimestamp);
    }
    if lenient {
        defects.mend(can_be_mended);
    }
    let dates: Vec<_> = (rows.symbols.values().flat_map(|s| &s.rows))
        .filter_map(|row| Some(row.stamp.instant()?.date()))
        .collect();
    let terms = Terms {
        bar,
        calendar: stage.calendar.unwrap_or_else(|| likely_calendar(&dates)),
        now: None,
        fields: rows.fields.unwrap_or(Fields::CLOSE),
    };
    for (symbol, of_symbol) in &mut rows.symbols {
        let whole = of_symbol.rows.iter().map(|row| (*row, true));
        let refused = of_symbol.refused.iter().map(|row| (*row, false));
        let mut lane: Vec<(Row, bool)> = whole.chain(refused).collect();
        lane.sort_by_key(|(row, _)| (row.file, row.line));
        // A symbol's rows may stand in several files: findings point at places in the lane.
        let bars: Vec<RawBar> = (0_u64..)
            .zip(&lane)
            .filter_map(|(place, (row, is_whole))| {
                Some(RawBar {
                    row: place,
                    time: row.stamp.instant()?,
                    values: is_whole.then_some(row.values),
                })
            })
            .collect();
        let at = |place: u64| usize::try_from(place).ok().and_then(|i| lane.get(i));
        let found = examine(&bars, &terms).map_err(|e| Error::from_domain("open", e))?;
        for mut finding in found.findings {
            if stage.calendar.is_none() && OF_CALENDAR.contains(&finding.code) {
                finding.verdict = Verdict::Warn;
            } else if !lenient && OF_ASSEMBLY.contains(&finding.code) {
                continue;
            }
            let row = finding.row.and_then(at).map(|(row, _)| row);
            let file = row
                .or(lane.first().map(|(row, _)| row))
                .map_or(0, |r| r.file);
            let mut defect = Defect::new(finding.code, &files[file].name, finding.message)
                .symbol(symbol)
                .hint(finding.hint);
            defect.row = row.map(|row| row.line);
            defect.timestamp = finding.time;
            if let (Some(field), Some(row)) = (finding.field, row) {
                let index = field as usize;
                defect = defect.cell(COLUMNS[index].1, row.values[index]);
            }
            let mended = lenient && can_be_mended(finding.code);
            if finding.verdict <= Verdict::Warn || mended {
                defect.severity = Severity::Warning;
            }
            defects.push(defect);
        }
        if lenient {
            let kept = found.usable.iter().filter_map(|bar| at(bar.row));
            of_symbol.rows = kept.map(|(row, _)| *row).collect();
        }
    }
    Ok(())
}
