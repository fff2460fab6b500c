//! An audit log compared with its journal, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::path::Path;

use ballast_journal::refusal::of_io;
use ballast_journal::{Acceptance, Audit};
use ballast_ports::{Error, Result};
use serde::Serialize;

use super::line::{Chain, Entry, Position, Said};
use super::{FILE, differs};
use crate::account_folder::AccountFolder;
use crate::wiring::journal::{self, Exported};

/// An audit log of which every line is what the journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AuditProof {
    /// Its lines.
    pub lines: u64,
    /// Lines at the end that are not written yet: a running trader is about to, or the next start will.
    pub behind: u64,
}

/// Proves the journal of the account in `folder` and its audit log against it, and changes nothing. A
/// copy of a journal without the files of a trader has no audit log.
///
/// Lines may be missing at the end while a trader runs, and those of the last batch after one that died,
/// unless a snapshot was kept after it. More is a cut.
///
/// # Errors
/// As [`journal::audit`]; `InvalidData` at the first line that differs, is missing or too many, naming it.
pub fn prove(folder: &Path) -> Result<(Audit, Option<AuditProof>)> {
    let path = super::path(folder);
    let account = AccountFolder::at(folder.to_owned());
    // The file first: what is added meanwhile is not looked at.
    let file = match File::open(&path) {
        Ok(file) => Some(file),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(of_io(e, "the audit log cannot be read", &path)),
    };
    if file.is_none() && !account.config().is_file() {
        return Ok((journal::audit(folder)?, None));
    }
    let unreadable = |e| of_io(e, "the audit log cannot be read", &path);
    let lines: Box<dyn BufRead + Send> = match file {
        None => Box::new(io::empty()),
        Some(file) => {
            let length = file.metadata().map_err(unreadable)?.len();
            Box::new(BufReader::new(file.take(length)))
        }
    };
    let runs = account.is_locked();
    let mut comparison = Comparison::new(lines);
    let audit = journal::export(folder, &mut comparison)?;
    let proof = comparison.end(&audit, runs)?;
    Ok((audit, Some(proof)))
}

/// Takes the lines of an export, and compares the audit log with them.
struct Comparison {
    file: Box<dyn BufRead + Send>,
    /// The beginning of a line of the export.
    begun: Vec<u8>,
    /// The next line of the file, read and not compared yet; without its end when it has none.
    next: Option<Vec<u8>>,
    /// As the journal says.
    chain: Chain,
    lines: u64,
    last: Position,
    accepted: Vec<Acceptance>,
    missing: u64,
    /// Number and batch of the first record whose line is missing.
    missing_from: Option<(u64, u64)>,
    failed: Option<Error>,
}

impl Comparison {
    fn new(file: Box<dyn BufRead + Send>) -> Self {
        Self {
            file,
            begun: Vec::new(),
            next: None,
            chain: Chain::root(),
            lines: 0,
            last: Position::default(),
            accepted: Vec::new(),
            missing: 0,
            missing_from: None,
            failed: None,
        }
    }

    fn read(&mut self) -> Result<()> {
        if self.next.is_none() {
            let mut line = Vec::new();
            let read = self.file.read_until(b'\n', &mut line);
            let read =
                read.map_err(|e| of_io(e, "the audit log cannot be read", Path::new(FILE)))?;
            self.next = (read > 0).then_some(line);
        }
        Ok(())
    }

    /// Takes the acceptances that come next in the file and belong before record `seq`; whether they are
    /// the journal's is known at its end.
    fn take_acceptances(&mut self, seq: u64) -> Result<()> {
        loop {
            self.read()?;
            let whole = self.next.as_ref().and_then(|line| line.strip_suffix(b"\n"));
            let accepted = whole.and_then(Said::read).and_then(|said| said.acceptance);
            let Some(accepted) = accepted.filter(|a| a.record < seq) else {
                return Ok(());
            };
            self.compare(&Entry::of_acceptance(&accepted), u64::MAX)?;
            self.accepted.push(accepted);
        }
    }

    fn take(&mut self, exported: &Exported) -> Result<()> {
        let record = &exported.record;
        let Some(entry) = Entry::of_record(record)? else {
            return Ok(());
        };
        self.take_acceptances(record.seq)?;
        if self.next.is_some() {
            return self.compare(&entry, exported.batch);
        }
        self.missing += 1;
        self.missing_from
            .get_or_insert((record.seq, exported.batch));
        Ok(())
    }

    /// The next line of the file must be this one, or the beginning of it at the end.
    fn compare(&mut self, entry: &Entry, batch: u64) -> Result<()> {
        let found = self.next.take().unwrap_or_default();
        let wanted = entry.after(&mut self.chain);
        if found == wanted {
            self.lines += 1;
            self.last = entry.at;
            return Ok(());
        }
        if !found.ends_with(b"\n") && wanted.starts_with(&found) {
            // It was being written; nothing comes after it in the file.
            self.missing += 1;
            self.missing_from.get_or_insert((entry.at.record, batch));
            return Ok(());
        }
        let said = Said::read(found.strip_suffix(b"\n").unwrap_or(&found));
        let what = match said {
            Some(said) if said.at > entry.at => "a line of the audit log is missing",
            Some(said) if said.at <= self.last => "the audit log has a line too many",
            _ => "a line of the audit log is not what the journal says",
        };
        Err(differs(what, self.lines + 1).context("record", entry.at.record))
    }

    fn end(mut self, audit: &Audit, runs: bool) -> Result<AuditProof> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        self.take_acceptances(u64::MAX)?;
        if self.next.is_some() {
            return Err(differs(
                "the audit log has a line that the journal lacks",
                self.lines + 1,
            ));
        }
        let missing = audit.acceptances.get(self.accepted.len()..);
        let behind = missing.filter(|missing| {
            audit.acceptances.starts_with(&self.accepted)
                && missing
                    .iter()
                    .all(|a| Position::of_acceptance(a) > self.last)
        });
        let Some(behind) = behind else {
            return Err(differs(
                "the audit log does not say who accepted the journal as it is",
                self.lines + 1,
            ));
        };
        if let Some((record, batch)) = self.missing_from {
            let written = audit.snapshot.is_some_and(|kept| kept >= batch);
            if !runs && (written || batch < audit.batches) {
                return Err(differs("the audit log is cut at its end", self.lines + 1)
                    .context("record", record)
                    .context("missing", self.missing)
                    .hint(
                        "after a loss of power the last lines may not have reached the disk: the next \
                         start writes them again and says how many; otherwise somebody cut the file: \
                         keep it as evidence",
                    ));
            }
        }
        Ok(AuditProof {
            lines: self.lines,
            behind: self.missing + behind.len() as u64,
        })
    }
}

impl Write for Comparison {
    /// Never fails: what is wrong is said at the end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n')
            && self.failed.is_none()
        {
            self.begun.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.begun);
            self.failed = Exported::read(&line)
                .and_then(|exported| self.take(&exported))
                .err();
        }
        self.begun.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
