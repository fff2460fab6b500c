//! Writes the tape of a session, in segments of bounded size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use ballast_domain::kernel::{Effects, Input};
use ballast_domain::market::Slice;
use ballast_domain::strategies::DegradedInput;
use ballast_domain::time::Timestamp;

use super::Stop;
use super::tape::{Checksum, Closing, Entry, Opening, Shown, Smaller, Step, Told, VERSION};
use super::tape_reader::segments;

/// Where tapes are kept, and what is written at the beginning of one.
#[derive(Clone, Debug)]
pub struct TapePlace {
    /// The folder of the account's tapes.
    pub folder: PathBuf,
    /// The program and its version.
    pub program: String,
    /// The account.
    pub account: String,
    /// The writer's epoch of the journal, unlike that of any other session.
    pub epoch: u64,
    /// The settings, in TOML, with whole paths.
    pub config: String,
    /// What the session trades smaller, since its data are not what was wanted.
    pub degraded: Vec<DegradedInput>,
    /// How much is kept.
    pub limits: TapeLimits,
}

/// How much of the tapes is kept. The oldest segments go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeLimits {
    /// Bytes after which a segment is followed by the next.
    pub segment: u64,
    /// Bytes of all segments of an account, the one that is written counted as full.
    pub total: u64,
    /// Files of an account.
    pub files: usize,
}

impl Default for TapeLimits {
    fn default() -> Self {
        Self {
            segment: 16 << 20,
            total: 256 << 20,
            files: 1_000,
        }
    }
}

/// What a kernel was made from, beside what its place says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) records: u64,
    pub(super) batches: u64,
    pub(super) market_shown: usize,
    pub(super) again: Option<usize>,
}

/// A tape that is being written. Each input is handed to the operating system before the kernel is
/// told, so the tape of a killed process has what killed it. It is synced at its end only: after a
/// loss of power it may be shorter than the journal, and nothing is decided from it.
#[derive(Debug)]
pub(super) struct TapeDeck {
    place: TapePlace,
    file: File,
    segment: u32,
    written: u64,
    chain: Checksum,
    did: Checksum,
    inputs: u64,
}

impl TapeDeck {
    /// Begins the tape of a session.
    pub(super) fn begin(place: TapePlace, made: Made) -> io::Result<Self> {
        fs::create_dir_all(&place.folder)?;
        make_room(&place)?;
        let mut deck = Self {
            file: create(&place, 0)?,
            segment: 0,
            written: 0,
            chain: Checksum::default(),
            did: Checksum::default(),
            inputs: 0,
            place,
        };
        let opening = Opening {
            v: VERSION,
            program: deck.place.program.clone(),
            account: deck.place.account.clone(),
            epoch: deck.place.epoch,
            records: made.records,
            batches: made.batches,
            market_shown: made.market_shown,
            again: made.again,
            config: deck.place.config.clone(),
            degraded: deck.place.degraded.iter().map(Smaller::of).collect(),
        };
        deck.line(&Entry::Session(opening))?;
        Ok(deck)
    }

    /// Takes an input down, before the kernel is told.
    pub(super) fn told(&mut self, now: Timestamp, input: &Input<'_>) -> io::Result<()> {
        self.note(now, Told::of(input))
    }

    /// Takes a bar down that is only caught up with.
    pub(super) fn warmed(&mut self, now: Timestamp, slice: &Slice<'_>) -> io::Result<()> {
        self.note(now, Told::Warm(Shown::of(slice)))
    }

    /// Takes down what the kernel answered.
    pub(super) fn did(&mut self, effects: &Effects) -> io::Result<()> {
        self.did = self.did.answered(effects)?;
        Ok(())
    }

    /// The session is over; `records` is the number of the last record it made.
    pub(super) fn end(&mut self, records: u64, stop: Option<Stop>) -> io::Result<()> {
        let closing = Closing {
            inputs: self.inputs,
            records,
            did: self.did,
            stop,
        };
        self.line(&Entry::End(closing))?;
        self.file.sync_all()
    }

    fn note(&mut self, now: Timestamp, told: Told) -> io::Result<()> {
        if self.written >= self.place.limits.segment {
            self.file.sync_all()?;
            make_room(&self.place)?;
            self.segment += 1;
            self.file = create(&self.place, self.segment)?;
            self.written = 0;
        }
        self.inputs += 1;
        let (n, did) = (self.inputs, self.did);
        self.line(&Entry::Told(Step { n, now, did, told }))
    }

    fn line(&mut self, entry: &Entry) -> io::Result<()> {
        let body = serde_json::to_string(entry)?;
        self.chain = self.chain.then(body.as_bytes());
        let line = format!("{} {body}\n", self.chain);
        self.file.write_all(line.as_bytes())?;
        self.written += line.len() as u64;
        Ok(())
    }
}

fn create(place: &TapePlace, segment: u32) -> io::Result<File> {
    let name = format!("{:08}-{segment:04}.tape", place.epoch);
    let path = place.folder.join(name);
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Removes the oldest segments until one more fits.
fn make_room(place: &TapePlace) -> io::Result<()> {
    let mut kept = Vec::new();
    for segment in segments(&place.folder)? {
        let size = fs::metadata(&segment.path)?.len();
        kept.push((segment.path, size));
    }
    let mut total: u64 = kept.iter().map(|(_, size)| size).sum();
    let mut files = kept.len();
    for (path, size) in kept {
        let fits = total + place.limits.segment <= place.limits.total;
        if fits && files < place.limits.files {
            break;
        }
        fs::remove_file(path)?;
        total -= size;
        files -= 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ballast_domain::kernel::{HealthFact, TimerId};

    use super::*;
    use crate::drivers::live::tape_reader::Tape;

    const MADE: Made = Made {
        records: 0,
        batches: 0,
        market_shown: 0,
        again: None,
    };
    const LIMITS: TapeLimits = TapeLimits {
        segment: 2_000,
        total: 12_000,
        files: 9,
    };

    fn place(folder: &std::path::Path, epoch: u64) -> TapePlace {
        TapePlace {
            folder: folder.to_owned(),
            program: "a test".to_owned(),
            account: "a".to_owned(),
            epoch,
            config: String::new(),
            degraded: Vec::new(),
            limits: LIMITS,
        }
    }

    fn size(folder: &std::path::Path) -> u64 {
        let files = segments(folder).unwrap().into_iter();
        files.map(|s| fs::metadata(s.path).unwrap().len()).sum()
    }

    /// Many sessions, one of them too long for the limit: what is kept never grows beyond it, and what
    /// is gone is the oldest.
    #[test]
    fn disk_use_is_bounded_and_the_oldest_goes() {
        let home = tempfile::tempdir().unwrap();
        let mut most = 0;
        for epoch in 1..=30 {
            let mut deck = TapeDeck::begin(place(home.path(), epoch), MADE).unwrap();
            let inputs = if epoch == 20 { 400 } else { 20 };
            for n in 0..inputs {
                let timer = Input::Timer(TimerId(n));
                deck.told(Timestamp::EPOCH, &timer).unwrap();
                most = most.max(size(home.path()));
            }
            deck.end(0, None).unwrap();
            if epoch == 20 {
                let long = Tape::in_folder(home.path()).unwrap().pop().unwrap();
                assert!(!long.has_beginning(), "{long:?}");
            }
        }
        assert!(most > 6_000 && most <= LIMITS.total + 200, "{most}");
        let kept: Vec<u64> = Tape::in_folder(home.path())
            .unwrap()
            .iter()
            .map(|tape| tape.epoch)
            .collect();
        assert!(kept.len() > 2 && kept.len() <= LIMITS.files, "{kept:?}");
        assert_eq!(kept.last(), Some(&30));
        let first = kept[0];
        assert!(kept.iter().copied().eq(first..=30), "{kept:?}");
    }

    /// Every input comes back, over the borders of segments; a segment that is missing is told apart
    /// from an end.
    #[test]
    fn what_was_written_comes_back_over_the_borders_of_segments() {
        let home = tempfile::tempdir().unwrap();
        let mut deck = TapeDeck::begin(place(home.path(), 7), MADE).unwrap();
        for n in 0..60 {
            deck.told(Timestamp::EPOCH, &Input::Timer(TimerId(n)))
                .unwrap();
        }
        let reason = "a line\nwith an end in it".to_owned();
        let killed = HealthFact::Killed { reason };
        deck.told(Timestamp::EPOCH, &Input::Health(&killed))
            .unwrap();
        deck.end(0, Some(Stop::Killed)).unwrap();
        let tape = Tape::in_folder(home.path()).unwrap().remove(0);
        let (opening, mut lines) = tape.open().unwrap();
        assert_eq!((opening.epoch, opening.account.as_str()), (7, "a"));
        let mut told = Vec::new();
        while let Some(entry) = lines.next().unwrap() {
            match entry {
                Entry::Told(step) => told.push(step.told),
                Entry::End(end) => assert_eq!((end.inputs, end.stop), (61, Some(Stop::Killed))),
                Entry::Session(_) => panic!("twice"),
            }
        }
        assert_eq!(told.pop(), Some(Told::Health(killed)));
        let timers = (0..60).map(|n| Told::Timer(TimerId(n)));
        assert!(told.into_iter().eq(timers));

        let files = segments(home.path()).unwrap();
        assert!(files.len() > 2);
        fs::remove_file(&files[1].path).unwrap();
        let tape = Tape::in_folder(home.path()).unwrap().remove(0);
        let (_, mut lines) = tape.open().unwrap();
        let error = loop {
            match lines.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the gap was taken for an end"),
                Err(e) => break e,
            }
        };
        assert!(
            error.to_string().contains("segment 1 is missing"),
            "{error}"
        );
    }
}
