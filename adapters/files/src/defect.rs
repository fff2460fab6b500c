//! What is wrong with a file, precisely enough to repair it.

use std::collections::BTreeMap;
use std::fmt;

pub use ballast_domain::market::contract::DefectCode;
use ballast_domain::market::{ActionKind, Series};
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind};
use serde::Serialize;

/// Defects of one kind and column shown in an error; the rest are counted. Five show the pattern.
const SAMPLES_MAX: usize = 5;
/// Kinds and columns listed in one error; the rest are counted. A screen holds no more.
const GROUPS_MAX: usize = 20;

/// Defects kept for a check; the rest are counted. More than this says "another file format".
const KEPT_MAX: usize = 10_000;

/// How much a defect matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Usable as it was read, and worth knowing.
    Warning,
    /// The row or the file cannot be used.
    Error,
}

/// One thing that is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Defect {
    /// Its kind.
    pub code: DefectCode,
    /// How much it matters.
    pub severity: Severity,
    /// Name of the file.
    pub file: String,
    /// Line in the file, from 1; absent when the whole file is meant.
    pub row: Option<u64>,
    /// Open time of the bar, where it is known.
    pub timestamp: Option<Timestamp>,
    /// Symbol, where it is known.
    pub symbol: Option<String>,
    /// Column, where one is meant.
    pub column: Option<String>,
    /// The value as written, where one is meant.
    pub value: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Defect {
    pub(crate) fn new(code: DefectCode, file: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            file: file.to_owned(),
            row: None,
            timestamp: None,
            symbol: None,
            column: None,
            value: None,
            message: message.into(),
            hint: String::new(),
        }
    }

    pub(crate) fn row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    pub(crate) fn at(mut self, time: Timestamp) -> Self {
        self.timestamp = Some(time);
        self
    }

    pub(crate) fn symbol(mut self, symbol: &str) -> Self {
        self.symbol = Some(symbol.to_owned());
        self
    }

    pub(crate) fn cell(mut self, column: &str, value: impl ToString) -> Self {
        self.column = Some(column.to_owned());
        self.value = Some(value.to_string());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    pub(crate) const fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(row) = self.row {
            write!(f, " line {row}")?;
        }
        if let Some(symbol) = &self.symbol {
            write!(f, ", {symbol}")?;
        }
        if let (Some(column), Some(value)) = (&self.column, &self.value) {
            write!(f, ", {column} = '{value}'")?;
        }
        write!(f, ": {}; hint: {}", self.message, self.hint)
    }
}

/// The defects that refused a file, by kind and column: how many, and the first few of each.
#[derive(Clone, Debug, PartialEq)]
pub struct DefectReport {
    /// At most twenty, in the order of their first lines.
    pub groups: Vec<DefectGroup>,
    /// All defects, listed or not.
    pub total: u64,
}

/// Defects of one kind in one column.
#[derive(Clone, Debug, PartialEq)]
pub struct DefectGroup {
    /// The kind.
    pub code: DefectCode,
    /// The column, where one is meant.
    pub column: Option<String>,
    /// How many there are, among the first 10,000 of the file.
    pub count: u64,
    /// The first five, by file and line.
    pub samples: Vec<Defect>,
}

impl DefectReport {
    fn new<'a>(defects: impl Iterator<Item = &'a Defect>, total: u64) -> Self {
        let mut groups: Vec<DefectGroup> = Vec::new();
        for defect in defects {
            let same = |g: &DefectGroup| g.code == defect.code && g.column == defect.column;
            let at = groups.iter().position(same).unwrap_or(groups.len());
            if at == GROUPS_MAX {
                continue;
            }
            if at == groups.len() {
                groups.push(DefectGroup {
                    code: defect.code,
                    column: defect.column.clone(),
                    count: 0,
                    samples: Vec::new(),
                });
            }
            let group = &mut groups[at];
            group.count += 1;
            if group.samples.len() < SAMPLES_MAX {
                group.samples.push(defect.clone());
            }
        }
        Self { groups, total }
    }
}

impl fmt::Display for DefectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = 0;
        for group in &self.groups {
            for sample in &group.samples {
                write!(f, "\n  {sample}")?;
            }
            let more = group.count - group.samples.len() as u64;
            if more > 0 {
                write!(f, "\n  and {more} more such")?;
                if let Some(column) = &group.column {
                    write!(f, " in {column}: {} in all", group.count)?;
                } else {
                    write!(f, ": {} in all", group.count)?;
                }
            }
            shown += group.count;
        }
        let more = self.total.saturating_sub(shown);
        if more > 0 {
            write!(f, "\n  and {more} others")?;
        }
        Ok(())
    }
}

impl std::error::Error for DefectReport {}

/// Defects as they are found, bounded.
#[derive(Debug, Default)]
pub(crate) struct Defects {
    pub(crate) kept: Vec<Defect>,
    pub(crate) errors: u64,
    pub(crate) warnings: u64,
}

impl Defects {
    pub(crate) fn push(&mut self, defect: Defect) {
        let room = self.kept.len() < KEPT_MAX;
        match defect.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        if room {
            self.kept.push(defect);
        }
    }

    /// Turns errors of the codes that `mends` says yes to into warnings: what they refused is left
    /// out.
    pub(crate) fn mend(&mut self, mends: impl Fn(DefectCode) -> bool) {
        for defect in &mut self.kept {
            if defect.severity == Severity::Error && mends(defect.code) {
                defect.severity = Severity::Warning;
                self.errors -= 1;
                self.warnings += 1;
            }
        }
    }

    /// Turns warnings of this code into errors.
    pub(crate) fn harden(&mut self, code: DefectCode) {
        for defect in &mut self.kept {
            if defect.severity == Severity::Warning && defect.code == code {
                defect.severity = Severity::Error;
                self.errors += 1;
                self.warnings -= 1;
            }
        }
    }

    /// Takes back what looked like an unknown split where the series has a split of that date.
    pub(crate) fn explain_splits(&mut self, series: &BTreeMap<String, Series>) {
        let is_explained = |defect: &Defect| {
            let splits = defect.symbol.as_ref().and_then(|symbol| series.get(symbol));
            let mut splits = splits
                .into_iter()
                .flat_map(|series| &series.actions)
                .filter(|action| matches!(action.kind, ActionKind::Split(_)));
            defect.code == DefectCode::PossibleSplit
                && defect.severity == Severity::Warning
                && defect
                    .timestamp
                    .is_some_and(|at| splits.any(|split| split.at.date() == at.date()))
        };
        let before = self.kept.len();
        self.kept.retain(|defect| !is_explained(defect));
        self.warnings -= (before - self.kept.len()) as u64;
    }

    /// Ends the collection: by file and line, and never silent about data without a bar.
    pub(crate) fn conclude(&mut self, file: &str, has_bars: bool) {
        if !has_bars && self.errors == 0 {
            self.push(
                Defect::new(DefectCode::Empty, file, "there is no bar")
                    .hint("check how the file was written"),
            );
        }
        self.kept
            .sort_by(|a, b| (&a.file, a.row).cmp(&(&b.file, b.row)));
    }

    /// One error with every defect, or nothing when there are only warnings.
    pub(crate) fn refuse(&self) -> Result<(), Error> {
        if self.errors == 0 {
            return Ok(());
        }
        let errors = self.kept.iter().filter(|d| d.severity == Severity::Error);
        let noun = if self.errors == 1 {
            "defect"
        } else {
            "defects"
        };
        Err(Error::new(
            ErrorKind::InvalidData,
            "open",
            format!("{} {noun} in the data", self.errors),
        )
        .hint("repair every line listed, then load again")
        .caused_by(DefectReport::new(errors, self.errors)))
    }
}
