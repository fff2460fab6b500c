//! The memory of a paper venue: what it was told, in a file that outlives the process.
//!
//! It is the venue's and nobody else's: the kernel's journal is compared with what is rebuilt from
//! here, so nothing of it may come from there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use ballast_domain::simulation::{VenueInput, VenueState};
use ballast_ports::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// Operation of every refusal to use a venue's log.
pub const VENUE_STATE: &str = "venue log";

const RESTORE: &str = "this file was changed or damaged outside of the program: put back its newest \
                       copy, or trade under another account name";

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    v: u32,
    /// Whose account, in which terms: another one is refused.
    terms: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    told: VenueInput,
    shown: VenueState,
}

/// An open log. Each line begins with a checksum over it and the checksum of the line before.
#[derive(Debug)]
pub(crate) struct VenueLog {
    file: File,
    path: PathBuf,
    /// Checksum of the last line.
    last: String,
    /// Once a write has failed nothing is written any more: what is in the file is not known.
    failed: bool,
}

impl VenueLog {
    /// Opens the log at `path`, or begins one under `terms`; what it holds, in order. A last line
    /// that was being written when the program ended was never acted upon, and is cut off.
    pub(crate) fn open(path: &Path, terms: &str) -> Result<(Self, Vec<(VenueInput, VenueState)>)> {
        let refused = |e| unreadable(e, path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(refused)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(refused)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(refused)?;
        file.seek(SeekFrom::End(0)).map_err(refused)?;
        let mut log = Self {
            file,
            path: path.to_owned(),
            last: String::new(),
            failed: false,
        };
        let mut entries = Vec::new();
        for (number, line) in text[..whole].lines().enumerate() {
            let body = log.checked(number + 1, line)?;
            if number == 0 {
                let head: Head = log.parsed(1, body)?;
                log.judge(&head, terms)?;
            } else {
                let Line { told, shown } = log.parsed(number + 1, body)?;
                entries.push((told, shown));
            }
        }
        if whole == 0 {
            let head = Head {
                v: 1,
                terms: terms.to_owned(),
            };
            log.line(&head)?;
            log.sync()?;
        }
        Ok((log, entries))
    }

    fn judge(&self, head: &Head, terms: &str) -> Result<()> {
        if head.v != 1 {
            return Err(self
                .refusal(ErrorKind::Unsupported, "a newer program wrote this log")
                .hint("use the program that wrote it"));
        }
        if head.terms != terms {
            return Err(self
                .refusal(ErrorKind::Config, "this paper venue has other terms")
                .context("here", terms)
                .context("there", &head.terms)
                .hint(
                    "an account keeps its instruments, opening cash, fees and fill point for life: \
                     put them back, or trade under another account name",
                ));
        }
        Ok(())
    }

    /// The body of a line whose checksum holds.
    fn checked<'a>(&mut self, number: usize, line: &'a str) -> Result<&'a str> {
        let split = line.split_once(' ');
        let good = split.filter(|(sum, body)| *sum == checksum(&self.last, body));
        let Some((sum, body)) = good else {
            return Err(self
                .refusal(ErrorKind::InvalidData, "a line is not as it was written")
                .context("line", number)
                .hint(RESTORE));
        };
        sum.clone_into(&mut self.last);
        Ok(body)
    }

    fn parsed<'a, T: Deserialize<'a>>(&self, number: usize, body: &'a str) -> Result<T> {
        serde_json::from_str(body).map_err(|e| {
            self.refusal(ErrorKind::InvalidData, "a line cannot be read")
                .context("line", number)
                .caused_by(e)
                .hint(RESTORE)
        })
    }

    fn refusal(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, VENUE_STATE, message).context("path", self.path.display())
    }

    /// Writes what the venue was told and what it shows after it.
    pub(crate) fn note(&mut self, told: VenueInput, shown: VenueState) -> Result<()> {
        self.line(&Line { told, shown })
    }

    fn line(&mut self, value: &impl Serialize) -> Result<()> {
        let body = serde_json::to_string(value).map_err(|e| {
            self.refusal(ErrorKind::Unexpected, "a line has no text")
                .caused_by(e)
        })?;
        let sum = checksum(&self.last, &body);
        let line = format!("{sum} {body}\n");
        self.write(|file| file.write_all(line.as_bytes()))?;
        self.last = sum;
        Ok(())
    }

    /// What was written survives the loss of power.
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.write(|file| file.sync_data())
    }

    fn write(&mut self, step: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
        if self.failed {
            return Err(self
                .refusal(ErrorKind::Unavailable, "an earlier write failed")
                .hint("check free space and the disk, then start again"));
        }
        step(&mut self.file).map_err(|e| {
            self.failed = true;
            unreadable(e, &self.path)
        })
    }
}

fn checksum(before: &str, body: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before.as_bytes());
    hasher.update(body.as_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

fn unreadable(error: io::Error, path: &Path) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Unauthenticated,
        io::ErrorKind::InvalidData => ErrorKind::InvalidData,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, VENUE_STATE, "the paper venue's log cannot be used")
        .context("path", path.display())
        .hint("allow this user to read and write the account's folder, and check free space")
        .caused_by(error)
}
