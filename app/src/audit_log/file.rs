//! The file of an audit log: opened for appending, completed from the journal, and never changed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use ballast_journal::refusal::of_io;
use ballast_journal::{Acceptance, STATE};
use ballast_ports::{Error, ErrorKind, Journal, JournalRecord, Result, stream};

use super::differs;
use super::line::{Chain, Entry, Position};

/// Bytes of lines after which a completion is written.
const WRITTEN_AT: usize = 1 << 16;

/// What a start had to write again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    /// Lines that were missing at the end.
    pub lines: u64,
    /// Whether there was no line at all.
    pub anew: bool,
}

/// An open audit log.
#[derive(Debug)]
pub struct AuditLog {
    file: File,
    path: PathBuf,
    chain: Chain,
    last: Position,
    /// The last record that was looked at, with a line or without.
    record: u64,
    lines: u64,
    /// The beginning of a line that was being written when its program ended.
    begun: Vec<u8>,
    /// Lines that are not written yet.
    out: Vec<u8>,
    /// Once a write has failed nothing is written any more: the next start completes the file.
    failed: bool,
}

impl AuditLog {
    /// Opens the file at `path` or makes it, follows its chain, compares its last line with the journal and
    /// writes what is missing at its end. Nothing that is in it is changed: a line of which only the
    /// beginning was written is completed.
    ///
    /// # Errors
    /// With the operation [`STATE`]: `InvalidData` at the first line that is not what it was, when the
    /// last one is not the journal's, or when lines are missing that were synced before a snapshot was
    /// kept; as the file system says.
    pub async fn open(
        path: &Path,
        journal: &dyn Journal,
        acceptances: &[Acceptance],
    ) -> Result<(Self, Completed)> {
        let unusable = |e| of_io(e, "the audit log cannot be opened", path);
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path);
        let mut log = Self {
            file: file.map_err(unusable)?,
            path: path.to_owned(),
            chain: Chain::root(),
            last: Position::default(),
            record: 0,
            lines: 0,
            begun: Vec::new(),
            out: Vec::new(),
            failed: false,
        };
        let last_line = log.follow()?;
        if last_line.is_some() && journal.head().await?.is_none() {
            return Err(differs("the audit log has lines and the journal has none", 1).hint(
                "the journal was lost: restore its newest backup with `ballast journal restore`; to take over \
                 what the venue shows, move audit.jsonl out of the folder, keep it, and type `ballast trade \
                 CONFIG --adopt-account WHY`",
            ));
        }
        log.compare(last_line.as_deref(), journal, acceptances)
            .await?;
        let completed = log.complete(journal, acceptances).await?;
        Ok((log, completed))
    }

    /// Follows the chain to the last whole line, and answers that line.
    fn follow(&mut self) -> Result<Option<Vec<u8>>> {
        let mut reader = BufReader::new(&self.file);
        let mut last_line = None;
        loop {
            let mut line = Vec::new();
            let read = reader.read_until(b'\n', &mut line);
            if read.map_err(|e| of_io(e, "the audit log cannot be read", &self.path))? == 0 {
                return Ok(last_line);
            }
            if line.pop_if(|byte| *byte == b'\n').is_none() {
                self.begun = line;
                return Ok(last_line);
            }
            self.lines += 1;
            let said = self.chain.over(&line).filter(|said| said.at > self.last);
            let Some(said) = said else {
                return Err(differs(
                    "a line of the audit log is not as it was written",
                    self.lines,
                ));
            };
            self.last = said.at;
            last_line = Some(line);
        }
    }

    /// The last line is what the journal says; with the chain, so are those before it, unless the whole
    /// chain was computed anew. [`prove`](super::prove) compares every line.
    async fn compare(
        &self,
        line: Option<&[u8]>,
        journal: &dyn Journal,
        acceptances: &[Acceptance],
    ) -> Result<()> {
        let Some(line) = line else { return Ok(()) };
        let entry = if self.last.commit > 0 {
            let mut all = acceptances.iter();
            all.find(|a| Position::of_acceptance(a) == self.last)
                .map(Entry::of_acceptance)
        } else {
            let record = stream::next(&mut journal.read_from(self.last.record)).await;
            record
                .transpose()?
                .map_or(Ok(None), |r| Entry::of_record(&r))?
        };
        let Some(entry) = entry else {
            return Err(differs(
                "the audit log has a line that the journal lacks",
                self.lines,
            ));
        };
        // The chain is behind this line: what it must end with is enough.
        if entry.at == self.last && entry.is_rest_of(line) {
            return Ok(());
        }
        Err(differs(
            "a line of the audit log is not what the journal says",
            self.lines,
        ))
    }

    /// Writes what the journal has after the last line.
    async fn complete(
        &mut self,
        journal: &dyn Journal,
        acceptances: &[Acceptance],
    ) -> Result<Completed> {
        let (before, found) = (self.lines, self.last);
        let head = journal.head().await?.map_or(0, |head| head.seq);
        // Lines are synced before a snapshot is kept: one of the last batch was kept after all of them.
        let kept = match journal.snapshot().await {
            Ok(kept) => kept.is_some_and(|kept| kept.batch == head),
            Err(e) if e.kind == ErrorKind::InvalidData => false,
            Err(e) => return Err(e),
        };
        let was_cut = kept && (before > 0 || !self.begun.is_empty());
        self.record = found.record;
        let mut accepted = acceptances
            .iter()
            .filter(|a| Position::of_acceptance(a) > found)
            .peekable();
        let mut records = journal.read_from(found.record + 1);
        while let Some(record) = stream::next(&mut records).await {
            let record = record?;
            self.record = record.seq;
            while let Some(a) = accepted.next_if(|a| a.record < record.seq) {
                self.add(&Entry::of_acceptance(a))?;
            }
            let Some(entry) = Entry::of_record(&record)? else {
                continue;
            };
            if was_cut {
                return Err(differs(
                    "the audit log was cut: lines that were synced are missing",
                    self.lines + 1,
                )
                .context("record", record.seq));
            }
            self.add(&entry)?;
            if self.out.len() >= WRITTEN_AT {
                self.flush()?;
            }
        }
        for a in accepted {
            self.add(&Entry::of_acceptance(a))?;
        }
        if !self.begun.is_empty() {
            return Err(differs(
                "the audit log has a line that the journal lacks",
                self.lines + 1,
            ));
        }
        self.flush()?;
        Ok(Completed {
            lines: self.lines - before,
            anew: before == 0,
        })
    }

    fn add(&mut self, entry: &Entry) -> Result<()> {
        let line = entry.after(&mut self.chain);
        self.lines += 1;
        self.last = entry.at;
        let begun = std::mem::take(&mut self.begun);
        let Some(rest) = line.strip_prefix(begun.as_slice()) else {
            return Err(differs(
                "the last line of the audit log is no beginning of what the journal says",
                self.lines,
            ));
        };
        self.out.extend_from_slice(rest);
        Ok(())
    }

    /// The last record of the journal when it was opened.
    pub(crate) const fn record(&self) -> u64 {
        self.record
    }

    /// Adds the lines of durable records.
    ///
    /// # Errors
    /// As [`decode`](ballast_journal::decode) and the file system; then nothing is written any more.
    pub fn append(&mut self, records: &[JournalRecord]) -> Result<()> {
        for record in records {
            if let Some(entry) = Entry::of_record(record)? {
                self.add(&entry)?;
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        let out = std::mem::take(&mut self.out);
        self.write(|file| file.write_all(&out))
    }

    /// What was written survives the loss of power.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn sync(&mut self) -> Result<()> {
        self.write(|file| file.sync_data())
    }

    /// Lets every later write find a full disk.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn fill_its_disk(&mut self) {
        self.file = OpenOptions::new().append(true).open("/dev/full").unwrap();
    }

    fn write(&mut self, step: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
        if self.failed {
            return Err(Error::new(
                ErrorKind::Unavailable,
                STATE,
                "the audit log failed and takes no more lines",
            )
            .context("path", self.path.display())
            .hint("start again: the start completes it from the journal"));
        }
        step(&mut self.file).map_err(|e| {
            self.failed = true;
            of_io(e, "the audit log cannot be written", &self.path)
        })
    }
}
