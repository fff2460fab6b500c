//! Where two runs differ: the first file, row and column, and both values.

use std::fmt;

use ballast_domain::error::{Error, Result};
use serde::{Deserialize, Serialize};

use super::file::RunFile;
use super::reader::RunDirectory;
use super::table;

/// The outcome of comparing two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Every byte of every file is the same, written by the same build.
    Identical,
    /// Every byte is the same; version, revision or target of the program differ.
    IdenticalResultsOtherBuild,
    /// Something differs.
    Different(Difference),
}

/// The first place where two runs differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// In which file.
    pub file: RunFile,
    /// In which row of a table (1 is the header) or line of a text, from 1.
    pub row: usize,
    /// In which column of a table, key of a JSON object, or from which character of a line.
    pub column: String,
    /// What the first run has; `None` when it has nothing there.
    pub left: Option<String>,
    /// What the second run has.
    pub right: Option<String>,
    /// Whether the same build wrote both.
    pub same_build: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| match value {
            Some(text) => format!("'{text}'"),
            None => "nothing".to_owned(),
        };
        write!(
            f,
            "{} row {}, {}: {} against {}",
            self.file,
            self.row,
            self.column,
            shown(&self.left),
            shown(&self.right)
        )
    }
}

/// Compares two runs file by file, in the order of [`RunFile::ALL`]; what was measured in one
/// execution does not count: the manifests and [`RunFile::is_measured`].
///
/// Each file is proven against its own manifest before it is compared.
///
/// # Errors
/// `DataValidation` or `DataMissing` when either run is not what its manifest says.
pub fn compare(left: &RunDirectory, right: &RunDirectory) -> Result<Verdict> {
    for run in [left, right] {
        if let Some(damage) = run.damage()?.into_iter().next() {
            return Err(damage);
        }
    }
    let (l, r) = (left.manifest(), right.manifest());
    let same_build = l.identity.program_version == r.identity.program_version
        && l.revision == r.revision
        && l.host == r.host;
    for file in RunFile::ALL.into_iter().filter(|file| !file.is_measured()) {
        let found = match (l.entry(file), r.entry(file)) {
            (None, None) => continue,
            (Some(a), Some(b)) if a.blake3 == b.blake3 => continue,
            (Some(_), Some(_)) => {
                let (a, b) = (without_name(left, file)?, without_name(right, file)?);
                if a == b {
                    continue;
                }
                first_difference(file, &a, &b)
            }
            (a, b) => {
                let there = |is: bool| is.then(|| "the file".to_owned());
                Some(Place::new(1, "all", there(a.is_some()), there(b.is_some())))
            }
        };
        let Some(place) = found else {
            return Err(Error::invariant(format!(
                "{file} has two hashes and no difference"
            )));
        };
        return Ok(Verdict::Different(Difference {
            file,
            row: place.row,
            column: place.column,
            left: place.left,
            right: place.right,
            same_build,
        }));
    }
    Ok(if same_build {
        Verdict::Identical
    } else {
        Verdict::IdenticalResultsOtherBuild
    })
}

/// The text of `file` without the result id and version, which stand in the summary and the report
/// and are others for another version of the program.
fn without_name(run: &RunDirectory, file: RunFile) -> Result<String> {
    let text = String::from_utf8_lossy(&run.read(file)?).into_owned();
    if !matches!(file, RunFile::Summary | RunFile::Report) {
        return Ok(text);
    }
    let identity = &run.manifest().identity;
    Ok(text
        .replace(&identity.result_id, "RESULT_ID")
        .replace(&identity.program_version, "VERSION"))
}

#[derive(Debug, PartialEq)]
struct Place {
    row: usize,
    column: String,
    left: Option<String>,
    right: Option<String>,
}

impl Place {
    fn new(
        row: usize,
        column: impl Into<String>,
        left: Option<String>,
        right: Option<String>,
    ) -> Self {
        Self {
            row,
            column: column.into(),
            left,
            right,
        }
    }
}

fn first_difference(file: RunFile, left: &str, right: &str) -> Option<Place> {
    let in_table = if file.name().ends_with(".csv") {
        table_difference(left, right)
    } else {
        None
    };
    // Two spellings of the same cells differ as text.
    in_table.or_else(|| line_difference(left, right))
}

fn table_difference(left: &str, right: &str) -> Option<Place> {
    let (left, right) = (table::rows(left), table::rows(right));
    let header = left.first().cloned().unwrap_or_default();
    for n in 0..left.len().max(right.len()) {
        let (a, b) = (left.get(n), right.get(n));
        let (Some(a), Some(b)) = (a, b) else {
            let text = |row: Option<&Vec<String>>| row.map(|cells| cells.join(","));
            return Some(Place::new(n + 1, "all columns", text(a), text(b)));
        };
        for c in 0..a.len().max(b.len()) {
            if a.get(c) != b.get(c) {
                let name = header.get(c).filter(|_| n > 0).cloned();
                let column = name.unwrap_or_else(|| format!("column {}", c + 1));
                return Some(Place::new(
                    n + 1,
                    column,
                    a.get(c).cloned(),
                    b.get(c).cloned(),
                ));
            }
        }
    }
    None
}

fn line_difference(left: &str, right: &str) -> Option<Place> {
    let (a, b): (Vec<_>, Vec<_>) = (left.split('\n').collect(), right.split('\n').collect());
    for n in 0..a.len().max(b.len()) {
        match (a.get(n), b.get(n)) {
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) => return Some(in_line(n + 1, x, y)),
            (x, y) => {
                let text = |line: Option<&&str>| line.map(|line| excerpt(line, 0));
                return Some(Place::new(n + 1, "the line", text(x), text(y)));
            }
        }
    }
    None
}

/// Where two lines differ: by key when both are JSON objects or `key = value`, else by character.
fn in_line(row: usize, left: &str, right: &str) -> Place {
    type Object = serde_json::Map<String, serde_json::Value>;
    let object = |text: &str| serde_json::from_str::<Object>(text).ok();
    if let (Some(a), Some(b)) = (object(left), object(right)) {
        let mut keys: Vec<_> = a.keys().chain(b.keys()).collect();
        keys.sort();
        if let Some(key) = keys.into_iter().find(|key| a.get(*key) != b.get(*key)) {
            let text = |value: Option<&serde_json::Value>| value.map(ToString::to_string);
            return Place::new(row, key.clone(), text(a.get(key)), text(b.get(key)));
        }
    }
    for separator in [" = ", ": "] {
        if let (Some((k, a)), Some((l, b))) =
            (left.split_once(separator), right.split_once(separator))
            && k == l
        {
            let key = k.trim().trim_matches('"');
            return Place::new(row, key, Some(a.to_owned()), Some(b.to_owned()));
        }
    }
    let same = left
        .chars()
        .zip(right.chars())
        .take_while(|(x, y)| x == y)
        .count();
    Place::new(
        row,
        format!("character {}", same + 1),
        Some(excerpt(left, same)),
        Some(excerpt(right, same)),
    )
}

/// At most 60 characters from a little before `at`.
fn excerpt(line: &str, at: usize) -> String {
    line.chars().skip(at.saturating_sub(20)).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let csv = "time,price\na,1\nb,2\n";
        for (file, left, right, row, column, a, b) in [
            (
                RunFile::Fills,
                csv,
                "time,price\na,1\nb,3\n",
                3,
                "price",
                Some("2"),
                Some("3"),
            ),
            (
                RunFile::Fills,
                csv,
                "time,price\na,1\n",
                3,
                "all columns",
                Some("b,2"),
                None,
            ),
            (
                RunFile::Fills,
                csv,
                "time,cost\na,1\nb,2\n",
                1,
                "column 2",
                Some("price"),
                Some("cost"),
            ),
            (
                RunFile::Fills,
                csv,
                "time,price\na,\"1\"\nb,2\n",
                2,
                "character 3",
                Some("a,1"),
                Some("a,\"1\""),
            ),
            (
                RunFile::Decisions,
                "{\"a\":1,\"b\":[1]}\n",
                "{\"a\":1,\"b\":[2]}\n",
                1,
                "b",
                Some("[1]"),
                Some("[2]"),
            ),
            (
                RunFile::Summary,
                "{\n  \"sharpe\": 0.5\n}",
                "{\n  \"sharpe\": 0.6\n}",
                2,
                "sharpe",
                Some("0.5"),
                Some("0.6"),
            ),
            (
                RunFile::Config,
                "[run]\nseed = 1\n",
                "[run]\nseed = 2\n",
                2,
                "seed",
                Some("1"),
                Some("2"),
            ),
            (
                RunFile::Report,
                "abc",
                "abd",
                1,
                "character 3",
                Some("abc"),
                Some("abd"),
            ),
        ] {
            let place = first_difference(file, left, right).unwrap();
            let text = |value: Option<&str>| value.map(str::to_owned);
            assert_eq!(place, Place::new(row, column, text(a), text(b)), "{file}");
        }
        assert_eq!(first_difference(RunFile::Fills, "a,b\n", "a,b\n"), None);
    }
}
