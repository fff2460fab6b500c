//! Reads tapes back, each line proven against the one before.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, Result};

use super::tape::{Checksum, Entry, Opening, VERSION};

/// A file of a tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) epoch: u64,
    pub(super) number: u32,
    pub(super) path: PathBuf,
}

/// The segments in `folder`, oldest first; none when it is not there.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let numbers = name
            .strip_suffix(".tape")
            .and_then(|stem| stem.split_once('-'))
            .and_then(|(epoch, number)| Some((epoch.parse().ok()?, number.parse().ok()?)));
        if let Some((epoch, number)) = numbers {
            found.push(Segment {
                epoch,
                number,
                path,
            });
        }
    }
    found.sort_by_key(|segment| (segment.epoch, segment.number));
    Ok(found)
}

/// The tape of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tape {
    /// The session: the writer's epoch of the journal.
    pub epoch: u64,
    segments: Vec<Segment>,
}

impl Tape {
    /// The tapes in `folder`, oldest first.
    ///
    /// # Errors
    /// `Configuration` when the folder cannot be read.
    pub fn in_folder(folder: &Path) -> Result<Vec<Self>> {
        let found = segments(folder).map_err(|e| unreadable(folder, &e))?;
        let mut tapes: BTreeMap<u64, Vec<Segment>> = BTreeMap::new();
        for segment in found {
            tapes.entry(segment.epoch).or_default().push(segment);
        }
        let tapes = tapes.into_iter();
        Ok(tapes
            .map(|(epoch, segments)| Self { epoch, segments })
            .collect())
    }

    /// Whether its first segment is still there: only a whole tape can be told again.
    pub fn has_beginning(&self) -> bool {
        self.segments.first().is_some_and(|first| first.number == 0)
    }

    /// How the session's kernel was made, and what follows.
    ///
    /// # Errors
    /// `Validation` when a line is not what was written.
    pub(super) fn open(&self) -> Result<(Opening, TapeReader)> {
        let mut reader = TapeReader {
            segments: self.segments.clone().into_iter(),
            lines: None,
            path: PathBuf::new(),
            line: 0,
            expected: 0,
            chain: Checksum::default(),
        };
        match reader.next()? {
            Some(Entry::Session(opening)) if opening.v == VERSION => Ok((opening, reader)),
            Some(Entry::Session(opening)) => Err(Error::validation(format!(
                "the tape has version {} and this program reads {VERSION}",
                opening.v
            ))
            .context("program", opening.program)
            .hint("replay it with the program that wrote it")),
            _ => Err(reader.damaged("the tape does not begin with its session")),
        }
    }

    /// How the session's kernel was made.
    ///
    /// # Errors
    /// `Validation` when the first line is not what was written.
    pub fn opening(&self) -> Result<Opening> {
        self.open().map(|(opening, _)| opening)
    }
}

/// The lines of a tape, in order.
#[derive(Debug)]
pub(super) struct TapeReader {
    segments: std::vec::IntoIter<Segment>,
    lines: Option<BufReader<File>>,
    path: PathBuf,
    line: usize,
    expected: u32,
    chain: Checksum,
}

impl TapeReader {
    /// The next line; `None` at the end. A last line that was being written when the process died was
    /// never acted upon, and is no line.
    pub(super) fn next(&mut self) -> Result<Option<Entry>> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(segment) = self.segments.next() else {
                    return Ok(None);
                };
                if segment.number != self.expected {
                    return Err(self.damaged(format!("segment {} is missing", self.expected)));
                }
                self.expected += 1;
                self.path = segment.path;
                self.line = 0;
                let file = File::open(&self.path).map_err(|e| unreadable(&self.path, &e))?;
                self.lines = Some(BufReader::new(file));
                continue;
            };
            let mut bytes = Vec::new();
            let read = lines.read_until(b'\n', &mut bytes);
            read.map_err(|e| unreadable(&self.path, &e))?;
            if bytes.is_empty() {
                self.lines = None;
                continue;
            }
            self.line += 1;
            if bytes.pop() != Some(b'\n') {
                if self.segments.len() > 0 {
                    return Err(self.damaged("a line is cut"));
                }
                return Ok(None);
            }
            return self.checked(&bytes).map(Some);
        }
    }

    fn checked(&mut self, bytes: &[u8]) -> Result<Entry> {
        let parts = std::str::from_utf8(bytes)
            .ok()
            .and_then(|line| line.split_once(' '));
        let Some((checksum, body)) = parts else {
            return Err(self.damaged("a line has no checksum"));
        };
        let led_on = self.chain.then(body.as_bytes());
        if checksum.parse() != Ok(led_on) {
            return Err(self.damaged("a line's checksum does not follow from the lines before it"));
        }
        self.chain = led_on;
        serde_json::from_str(body)
            .map_err(|e| self.damaged("a line cannot be read").context("cause", e))
    }

    fn damaged(&self, what: impl Into<String>) -> Error {
        Error::validation(what)
            .context("file", self.path.display())
            .context("line", self.line)
            .hint(
                "this file was changed or damaged outside of the program: put back a copy of it; \
                 nothing is traded by it, and the journal is proven by `ballast journal verify`",
            )
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::config("the tape cannot be read")
        .context("path", path.display())
        .context("cause", error)
        .hint("allow this user to read it")
}
