//! The ledger of a served venue: what it was told and what it had to show after it, line by line.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::told::Told;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What the venue was told.
    pub told: Told,
    /// What became of it: `done`, `accepted`, `duplicate`, or why it was refused.
    pub answer: String,
    /// Facts that were told up to here.
    pub facts: u64,
    /// Executions up to here.
    pub trades: u64,
    /// Cash in the base currency after it, in units of its scale, as text.
    pub cash: String,
}

/// Why a ledger cannot be used.
#[derive(Debug)]
pub struct LedgerError {
    what: String,
}

impl LedgerError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the venue's ledger cannot be used: {}", self.what)
    }
}

impl std::error::Error for LedgerError {}

impl From<io::Error> for LedgerError {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// The lines, and the file that has them if there is one.
///
/// A line is handed to the operating system before anybody hears of it: it outlives the process, not
/// the machine. The loss of power is not what this venue is for.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    file: Option<File>,
}

impl Ledger {
    /// Opens the ledger at `path`, or begins one. A last line without its end was never answered and
    /// is cut off.
    ///
    /// # Errors
    /// The file cannot be read or written, or a line is none of a ledger.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        let mut entries = Vec::new();
        for (i, line) in text[..whole].lines().enumerate() {
            let entry = serde_json::from_str(line)
                .map_err(|e| LedgerError::new(format!("line {}: {e}", i + 1)))?;
            entries.push(entry);
        }
        Ok(Self {
            entries,
            file: Some(file),
        })
    }

    /// All lines, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<(), LedgerError> {
        if let Some(file) = &mut self.file {
            let text = serde_json::to_string(&entry)
                .map_err(|e| LedgerError::new(format!("a line has no text: {e}")))?;
            file.write_all((text + "\n").as_bytes())?;
        }
        self.entries.push(entry);
        Ok(())
    }
}
