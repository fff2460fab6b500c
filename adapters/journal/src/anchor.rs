//! The head of the journal in a second file: what exposes a cut tail and an old copy.
//!
//! Two slots of 256 bytes are written in turn, each after the commit it names, so that one of them
//! is whole whatever happens to a write. The file's size never changes: a write costs one sync.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use ballast_ports::{Error, ErrorKind, Result};

use crate::chain::{Hash, hex, unhex};
use crate::files::Files;
use crate::refusal::{STATE, of_io};

/// What to do about an anchor that is worth nothing.
const ACCEPT: &str = "if the records and the venue's account agree, take the records as they are \
                      with `ballast journal accept FOLDER --reason WHY`";

/// Bytes of a slot.
const SLOT: usize = 256;

/// Number and hash of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The commit's number, from 1; 0 before the first.
    pub number: u64,
    /// The hash of its link.
    pub hash: Hash,
}

/// What the anchor file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The newest mark that holds.
    pub newest: Mark,
    /// Whether the other slot holds nothing: as after a write that was torn, or a damage.
    pub other_damaged: bool,
}

/// The path of the anchor in an account's folder.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("journal.anchor")
}

/// Reads the anchor; `None` when there is no file.
///
/// # Errors
/// `InvalidData` when no slot holds.
pub fn read(folder: &Path) -> Result<Option<Found>> {
    let path = path(folder);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(of_io(e, "the anchor cannot be read", &path)),
    };
    let bad = |what: &str| {
        Error::new(ErrorKind::InvalidData, STATE, format!("the anchor {what}"))
            .context("path", path.display())
            .hint(ACCEPT)
    };
    if bytes.len() != 2 * SLOT {
        return Err(bad("has the wrong length"));
    }
    let slots = [slot_at(&bytes, 0), slot_at(&bytes, 1)];
    let found = match slots {
        [Slot::Mark(a), Slot::Mark(b)] if a.number.abs_diff(b.number) == 1 => Found {
            newest: if a.number > b.number { a } else { b },
            other_damaged: false,
        },
        [Slot::Empty, Slot::Mark(mark)] if mark.number == 1 => Found {
            newest: mark,
            other_damaged: false,
        },
        [Slot::Damaged, Slot::Mark(newest)] | [Slot::Mark(newest), Slot::Damaged] => Found {
            newest,
            other_damaged: true,
        },
        _ => return Err(bad("holds no head that can be trusted")),
    };
    Ok(Some(found))
}

enum Slot {
    Empty,
    Damaged,
    Mark(Mark),
}

fn slot_at(bytes: &[u8], place: usize) -> Slot {
    let slot = &bytes[place * SLOT..(place + 1) * SLOT];
    if slot.iter().all(|b| *b == 0) {
        return Slot::Empty;
    }
    let read = || {
        let text = std::str::from_utf8(slot).ok()?;
        let mut words = text.split(' ').skip(1);
        let number = words.next()?.parse().ok()?;
        let hash = unhex(words.next()?)?;
        Some(Mark { number, hash })
    };
    match read() {
        // A mark is what it would be written as, to the last byte, in its own place.
        Some(mark) if written(mark) == slot && mark.number % 2 == place as u64 => Slot::Mark(mark),
        _ => Slot::Damaged,
    }
}

fn written(mark: Mark) -> [u8; SLOT] {
    let said = format!("ballast-anchor {} {}", mark.number, hex(&mark.hash));
    let sum = blake3::hash(said.as_bytes()).to_hex();
    let line = format!("{said} {sum}\n");
    let mut slot = [0; SLOT];
    slot[..line.len()].copy_from_slice(line.as_bytes());
    slot
}

/// An anchor that follows a journal.
#[derive(Debug)]
pub struct Anchor {
    path: PathBuf,
    file: File,
}

impl Anchor {
    /// Opens the anchor in `folder`; `fresh` makes a new file that holds nothing but this mark and,
    /// where there is one, the mark before it.
    ///
    /// # Errors
    /// As [`of_io`].
    pub fn open(
        folder: &Path,
        fresh: Option<(Option<Mark>, Mark)>,
        disk: &mut dyn Files,
    ) -> Result<Self> {
        let path = path(folder);
        if let Some((before, mark)) = fresh {
            let mut bytes = [0; 2 * SLOT];
            for mark in before.into_iter().chain([mark]) {
                let place = place_of(mark);
                bytes[place..place + SLOT].copy_from_slice(&written(mark));
            }
            disk.put(&path, &bytes)
                .map_err(|e| of_io(e, "the anchor cannot be written", &path))?;
        }
        let file = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(|e| of_io(e, "the anchor cannot be opened", &path))?;
        Ok(Self { path, file })
    }

    /// The anchor of a journal that is being opened and whose newest commit is `head`; made anew, with the
    /// mark `before`, where none was `found` or a person has `accepted` the records. `None` for a journal
    /// without a commit: it has nothing to anchor yet.
    ///
    /// # Errors
    /// As `before` and [`of_io`].
    pub fn of_opening(
        folder: &Path,
        (found, accepted): (Option<Found>, bool),
        head: Mark,
        before: impl FnOnce() -> Result<Option<Mark>>,
        disk: &mut dyn Files,
    ) -> Result<Option<Self>> {
        let known = found.filter(|_| !accepted);
        let fresh = match known {
            Some(_) => None,
            None => Some((before()?.filter(|mark| mark.number > 0), head)),
        };
        if head.number == 0 {
            return Ok(None);
        }
        let mut anchor = Self::open(folder, fresh, disk)?;
        if known.is_some_and(|found| found.newest != head || found.other_damaged) {
            // Both slots hold before either is written again.
            anchor.note(head, disk)?;
        }
        Ok(Some(anchor))
    }

    /// Notes the commit of an opening; makes the anchor where it is the first.
    ///
    /// # Errors
    /// As [`of_io`].
    pub fn begin(
        this: Option<Self>,
        folder: &Path,
        mark: Mark,
        disk: &mut dyn Files,
    ) -> Result<Self> {
        match this {
            Some(mut anchor) => {
                anchor.note(mark, disk)?;
                Ok(anchor)
            }
            None => Self::open(folder, Some((None, mark)), disk),
        }
    }

    /// Notes a commit, durably.
    ///
    /// # Errors
    /// As [`of_io`].
    pub fn note(&mut self, mark: Mark, disk: &mut dyn Files) -> Result<()> {
        let place = u64::try_from(place_of(mark)).unwrap_or_default();
        disk.overwrite(&mut self.file, place, &written(mark))
            .map_err(|e| of_io(e, "the anchor cannot be written", &self.path))
    }
}

fn place_of(mark: Mark) -> usize {
    if mark.number.is_multiple_of(2) {
        0
    } else {
        SLOT
    }
}

/// Compares the anchor with the head of the records: read once before and once after the records
/// were looked at, for somebody may be writing. `hash_of` gives the hash of an earlier commit.
///
/// # Errors
/// `InvalidData` when the anchor is ahead (a tail was cut or an old copy put back), further behind
/// than a crash can leave it, or names another history.
pub fn compare(
    before: Found,
    after: Found,
    head: Mark,
    hash_of: &mut dyn FnMut(u64) -> Result<Option<Hash>>,
) -> Result<()> {
    let anchor = before.newest;
    let refuse = |what: &str| {
        Error::new(ErrorKind::InvalidData, STATE, what)
            .context("anchored commit", anchor.number)
            .context("newest commit", head.number)
            .hint(
                "put back the database and the journal.anchor that belong together; if records are \
                 lost, restore the newest backup and compare with the venue before trading",
            )
    };
    if anchor.number > head.number {
        return Err(refuse(
            "acknowledged records are missing: the journal was cut or an older copy put back",
        ));
    }
    if head.number > after.newest.number + 1 {
        return Err(refuse("the anchor is older than the journal"));
    }
    if hash_of(anchor.number)? != Some(anchor.hash) {
        return Err(refuse("the journal is not the one its anchor belongs to"));
    }
    // A torn write is of the slot for the newest commit, and then that commit is there.
    if before.other_damaged && before == after && head.number == anchor.number {
        return Err(refuse("a slot of the anchor is damaged").hint(ACCEPT));
    }
    Ok(())
}
