//! A tape told to a fresh kernel, in lockstep with what the journal holds of that session.

use std::ops::Range;
use std::sync::Arc;

use ballast_domain::error::{Error, Result};
use ballast_domain::kernel::{Action, Effects, Kernel, Record, SendGate};
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;
use ballast_journal::{decode, encode};
use ballast_ports::JournalRecord;
use serde::Serialize;

use super::Live;
use super::recovery::{Recorded, Taken};
use super::tape::{Checksum, Closing, Entry, Opening, Shown, Step, Told};
use super::tape_reader::Tape;

/// A session that was told again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    /// The session: the writer's epoch of the journal.
    pub session: u64,
    /// The program that traded.
    pub program: String,
    /// Inputs that were told.
    pub inputs: u64,
    /// Records of the journal that were compared, byte by byte.
    pub records: u64,
    /// Whether the tape goes to an end in order; a killed program's does not.
    pub whole: bool,
    /// Checksum of everything the kernel answered.
    pub answers: Checksum,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// Where a fresh kernel and the one that traded part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The input at which it shows, from 1.
    pub input: u64,
    /// Its instant.
    pub now: Timestamp,
    /// What was told.
    pub told: String,
    /// The journal's record, where one differs.
    pub record: Option<u64>,
    /// What the journal or the tape says.
    pub recorded: String,
    /// What the fresh kernel says.
    pub replayed: String,
}

/// What the journal holds, and which of it is the session's.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// All records, from the first.
    pub stored: &'a [JournalRecord],
    /// Records when the next session began, or now.
    pub until: u64,
}

/// Tells `tape` to a fresh kernel of `strategy` and compares every answer. The kernel is made as the
/// session's was: from the same records, at the same bar.
///
/// # Errors
/// `Validation` when the tape was damaged or the data have changed since; as [`Live::kernel`] and as a
/// start from those records.
pub fn replay(
    live: &Live,
    strategy: Box<dyn Strategy>,
    tape: &Tape,
    held: Held<'_>,
) -> Result<Replayed> {
    let (opening, mut lines) = tape.open()?;
    let mut fresh = Fresh::new(live, strategy, &opening, held)?;
    let mut replayed = Replayed {
        session: opening.epoch,
        program: opening.program,
        inputs: 0,
        records: 0,
        whole: false,
        answers: Checksum::default(),
        difference: None,
    };
    let mut last: Option<Step> = None;
    while replayed.difference.is_none()
        && let Some(entry) = lines.next()?
    {
        match entry {
            Entry::Told(step) => {
                replayed.difference = fresh.parted(last.as_ref(), step.did);
                if replayed.difference.is_none() {
                    replayed.inputs = step.n;
                    replayed.difference = fresh.tell(live, &step)?;
                }
                last = Some(step);
            }
            Entry::End(Closing { did, records, .. }) => {
                replayed.whole = true;
                let parted = fresh.parted(last.as_ref(), did);
                replayed.difference = parted.or_else(|| fresh.unmade(last.as_ref(), records));
            }
            Entry::Session(_) => return Err(Error::validation("a tape has two beginnings")),
        }
    }
    replayed.records = fresh.compared;
    replayed.answers = fresh.did;
    Ok(replayed)
}

/// A kernel that is told what another was told.
struct Fresh<'a> {
    kernel: Kernel<Box<dyn Strategy>>,
    effects: Effects,
    did: Checksum,
    held: Held<'a>,
    /// The number of the last record it made.
    made: u64,
    compared: u64,
}

impl<'a> Fresh<'a> {
    fn new(
        live: &Live,
        strategy: Box<dyn Strategy>,
        opening: &Opening,
        held: Held<'a>,
    ) -> Result<Self> {
        let before = usize::try_from(opening.records).ok();
        let Some(before) = before.and_then(|n| held.stored.get(..n)) else {
            return Err(Error::validation(
                "the session began with more records than the journal has",
            )
            .context("records at its beginning", opening.records)
            .context("records in the journal", held.stored.len())
            .hint("the journal is an older copy than the tape: restore the newest backup"));
        };
        let decoded: ballast_ports::Result<Vec<Record>> = before.iter().map(decode).collect();
        let recorded = Recorded::of(decoded.map_err(|e| e.to_domain())?, opening.batches);
        let mut kernel = live.kernel(strategy, &Arc::new(SendGate::new(opening.epoch)))?;
        let Taken { again, .. } =
            recorded.restore(&mut kernel, &live.panel, opening.market_shown)?;
        if again != opening.again {
            return Err(
                Error::validation("the data ask for other bars than the session saw")
                    .context("bar shown once more then", format!("{:?}", opening.again))
                    .context("bar shown once more now", format!("{again:?}"))
                    .hint("put the data of that session back"),
            );
        }
        Ok(Self {
            kernel,
            effects: Effects::new(),
            did: Checksum::default(),
            held,
            made: opening.records,
            compared: 0,
        })
    }

    /// Tells one input, and compares the records it leads to.
    fn tell(&mut self, live: &Live, step: &Step) -> Result<Option<Difference>> {
        if let Some(shown) = step.told.shown() {
            same_bar(live, step, shown)?;
        }
        let Self {
            kernel, effects, ..
        } = self;
        step.told.tell(kernel, step.now, &live.panel, effects);
        let led_on = self.did.answered(&self.effects);
        self.did =
            led_on.map_err(|e| Error::invariant(format!("no record has such a text: {e}")))?;
        let mut difference = None;
        while let Some(action) = self.effects.next_action() {
            if let Action::Persist(_, range) = action
                && difference.is_none()
            {
                difference = self.compare(range, step)?;
            }
        }
        Ok(difference)
    }

    fn compare(&mut self, range: Range<usize>, step: &Step) -> Result<Option<Difference>> {
        for record in &self.effects.records[range] {
            self.made += 1;
            if self.made > self.held.until {
                // It never became durable: the session ended first.
                return Ok(None);
            }
            let ours = encode(self.made, record).map_err(|e| e.to_domain())?;
            let index = usize::try_from(self.made - 1).unwrap_or(usize::MAX);
            let theirs = self.held.stored.get(index);
            if theirs != Some(&ours) {
                let recorded = theirs.map_or_else(|| "nothing".to_owned(), shown_record);
                return Ok(Some(Difference {
                    record: Some(self.made),
                    recorded,
                    replayed: shown_record(&ours),
                    ..at(step)
                }));
            }
            self.compared += 1;
        }
        Ok(None)
    }

    /// Whether the answers up to and with `last` are other ones than the tape's.
    fn parted(&self, last: Option<&Step>, did: Checksum) -> Option<Difference> {
        let last = last.filter(|_| did != self.did)?;
        Some(Difference {
            recorded: format!("answers with checksum {did}"),
            replayed: format!("answers with checksum {}", self.did),
            ..at(last)
        })
    }

    /// A record of the session that the fresh kernel never made.
    fn unmade(&self, last: Option<&Step>, records: u64) -> Option<Difference> {
        let last = last.filter(|_| self.made < records)?;
        let theirs = self.held.stored.get(usize::try_from(self.made).ok()?);
        Some(Difference {
            record: Some(self.made + 1),
            recorded: theirs.map_or_else(|| "a record".to_owned(), shown_record),
            replayed: "nothing".to_owned(),
            ..at(last)
        })
    }
}

/// A difference at `step`, still without its two sides.
fn at(step: &Step) -> Difference {
    Difference {
        input: step.n,
        now: step.now,
        told: words(&step.told),
        record: None,
        recorded: String::new(),
        replayed: String::new(),
    }
}

fn words(told: &Told) -> String {
    serde_json::to_string(told).unwrap_or_default()
}

fn shown_record(record: &JournalRecord) -> String {
    format!("{} {}", record.kind, String::from_utf8_lossy(&record.body))
}

/// Another bar in the same row would be another question.
fn same_bar(live: &Live, step: &Step, shown: Shown) -> Result<()> {
    let found = live.panel.slice(shown.row).map(|slice| Shown::of(&slice));
    if found == Some(shown) {
        return Ok(());
    }
    Err(
        Error::validation("the data show another bar than the trader saw")
            .context("row", shown.row)
            .context("instant", step.now)
            .hint(
                "put the data of that session back: run.start, run.end and the files of its config",
            ),
    )
}
