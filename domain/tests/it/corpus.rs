//! Reading the reference corpus, which lives outside the repository.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The corpus' folder, or `None` with a loud line when it is not there.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may look for its reference data; the domain itself never does"
)]
pub(crate) fn corpus() -> Option<PathBuf> {
    let found = std::env::var("BALLAST_CORPUS").ok().map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: BALLAST_CORPUS is not set");
    }
    found
}

/// The text of a file, which must exist once the corpus does.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may read its reference data; the domain itself never does"
)]
pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A JSON file of the corpus.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A CSV file without quoting: its header, and its rows as text.
pub(crate) struct Csv {
    header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Csv {
    pub(crate) fn read(path: &Path) -> Self {
        let text = text(path);
        let mut lines = text
            .lines()
            .map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
        let header = lines.next().expect("a CSV file has a header");
        Self {
            header,
            rows: lines.collect(),
        }
    }

    pub(crate) fn column_index(&self, name: &str) -> usize {
        let at = self.header.iter().position(|h| h == name);
        at.unwrap_or_else(|| panic!("no column {name} in {:?}", self.header))
    }

    pub(crate) fn numbers(&self, name: &str) -> Vec<f64> {
        let column = self.column_index(name);
        let number = |row: &Vec<String>| {
            let cell = &row[column];
            cell.parse().unwrap_or_else(|_| panic!("{name}: '{cell}'"))
        };
        self.rows.iter().map(number).collect()
    }

    /// Keeps the rows whose first column, a date or instant, lies in `start..=end` by date.
    pub(crate) fn between(mut self, start: &str, end: &str) -> Self {
        self.rows
            .retain(|row| &row[0][..10] >= start && &row[0][..10] <= end);
        self
    }
}
