//! The tape of a session: what a kernel was told, in order, each input with its instant.
//!
//! Decisions are a function of what the kernel is told, so a fresh kernel that is told a tape must
//! record and ask for the same. Bars are market data and stay where they are: the tape has their rows
//! and a checksum of what was shown.

use std::io::{self, Write};

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{
    Action, BatchId, Command, Effects, Fact, HealthFact, Input, Kernel, Query, Quotes, TimerId,
    VenueReport,
};
use ballast_domain::market::{Field, Panel, Slice};
use ballast_domain::strategies::DegradedInput;
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Stop;

/// Version of the lines below.
pub(super) const VERSION: u32 = 1;

/// What a kernel was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// A session begins.
    Start,
    /// The bars of a row, to decide upon.
    Slice(Shown),
    /// The bars of a row that is only caught up with.
    Warm(Shown),
    /// Prices between closes, one a lane.
    Quotes(Vec<Option<f64>>),
    /// The venue said something.
    Fact(Box<Fact>),
    /// The venue showed the account.
    Report(Box<VenueReport>),
    /// A batch is durable.
    Persisted(BatchId),
    /// A timer is due.
    Timer(TimerId),
    /// A person said something.
    Command(Command),
    /// The surroundings changed.
    Health(HealthFact),
}

/// Bars that were shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Their row in the data.
    pub row: usize,
    /// Checksum of their times and prices.
    pub checksum: Checksum,
}

impl Shown {
    /// What `slice` shows.
    pub(super) fn of(slice: &Slice<'_>) -> Self {
        let mut sum = blake3::Hasher::new();
        sum.update(&slice.time().nanos().to_le_bytes());
        for lane in 0..slice.lanes() {
            let id =
                ballast_domain::instrument::InstrumentId(u32::try_from(lane).unwrap_or(u32::MAX));
            for field in [
                Field::Open,
                Field::High,
                Field::Low,
                Field::Close,
                Field::Volume,
            ] {
                let value = slice.value(id, field);
                sum.update(&[u8::from(value.is_some())]);
                sum.update(&value.unwrap_or(0.0).to_bits().to_le_bytes());
            }
            let factor = slice.total_return_factor(id);
            sum.update(&factor.to_bits().to_le_bytes());
        }
        Self {
            row: slice.index(),
            checksum: Checksum::of(&sum),
        }
    }
}

impl Told {
    pub(super) fn of(input: &Input<'_>) -> Self {
        match *input {
            Input::Start => Self::Start,
            Input::Slice(slice) => Self::Slice(Shown::of(slice)),
            Input::Quotes(quotes) => Self::Quotes(quotes.prices.to_vec()),
            Input::Fact(fact) => Self::Fact(Box::new(fact.clone())),
            Input::Report(report) => Self::Report(Box::new(report.clone())),
            Input::Persisted(id) => Self::Persisted(id),
            Input::Timer(id) => Self::Timer(id),
            Input::Command(command) => Self::Command(command.clone()),
            Input::Health(fact) => Self::Health(fact.clone()),
        }
    }

    /// The bars it names.
    pub(super) const fn shown(&self) -> Option<Shown> {
        match self {
            Self::Slice(shown) | Self::Warm(shown) => Some(*shown),
            _ => None,
        }
    }

    /// Tells it to `kernel`, whose bars are `panel`'s; a row that is not there is not told.
    pub(super) fn tell<S: Strategy>(
        &self,
        kernel: &mut Kernel<S>,
        now: Timestamp,
        panel: &Panel,
        effects: &mut Effects,
    ) {
        match self {
            Self::Start => kernel.step(now, Input::Start, effects),
            Self::Slice(shown) => {
                if let Some(slice) = panel.slice(shown.row) {
                    kernel.step(now, Input::Slice(&slice), effects);
                }
            }
            Self::Warm(shown) => {
                if let Some(slice) = panel.slice(shown.row) {
                    kernel.warm(&slice);
                }
            }
            Self::Quotes(prices) => kernel.step(now, Input::Quotes(&Quotes { prices }), effects),
            Self::Fact(fact) => kernel.step(now, Input::Fact(fact), effects),
            Self::Report(report) => kernel.step(now, Input::Report(report), effects),
            Self::Persisted(id) => kernel.step(now, Input::Persisted(*id), effects),
            Self::Timer(id) => kernel.step(now, Input::Timer(*id), effects),
            Self::Command(command) => kernel.step(now, Input::Command(command), effects),
            Self::Health(fact) => kernel.step(now, Input::Health(fact), effects),
        }
    }
}

/// A line of a tape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The first line: how the kernel was made.
    Session(Opening),
    /// One input.
    Told(Step),
    /// The last line, when the session ended in order.
    End(Closing),
}

/// How a session's kernel was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Version of the lines.
    pub v: u32,
    /// The program and its version.
    pub program: String,
    /// The account.
    pub account: String,
    /// The writer's epoch of the journal: the session's number.
    pub epoch: u64,
    /// Records the kernel was restored from.
    pub records: u64,
    /// Batches they are in.
    pub batches: u64,
    /// Bars the market had shown.
    pub market_shown: usize,
    /// The bar that was shown once more.
    pub again: Option<usize>,
    /// The settings, in TOML.
    pub config: String,
    /// What it traded smaller, since its data were not what was wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<Smaller>,
}

/// An instrument that a session traded smaller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smaller {
    instrument: u32,
    origin: String,
}

impl Smaller {
    pub(super) fn of(input: &DegradedInput) -> Self {
        Self {
            instrument: input.instrument.0,
            origin: input.origin.clone(),
        }
    }

    /// What the strategy is told.
    pub fn input(&self) -> DegradedInput {
        DegradedInput {
            instrument: InstrumentId(self.instrument),
            origin: self.origin.clone(),
        }
    }
}

/// One input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    /// Its number in the session, from 1.
    pub(super) n: u64,
    /// The kernel's `now`.
    pub(super) now: Timestamp,
    /// Checksum of everything the kernel answered before it, in this session.
    pub(super) did: Checksum,
    /// What it was.
    pub(super) told: Told,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Closing {
    /// Inputs there were.
    pub(super) inputs: u64,
    /// The number of the last record that was given to the journal.
    pub(super) records: u64,
    /// Checksum of everything the kernel answered.
    pub(super) did: Checksum,
    /// Why it ended; `None` when the program failed.
    pub(super) stop: Option<Stop>,
}

/// The first 64 bits of a BLAKE3 hash, written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum([u8; 8]);

impl Checksum {
    fn of(hasher: &blake3::Hasher) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(first)
    }

    /// This checksum, led on over `bytes`.
    pub(super) fn then(self, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(bytes);
        Self::of(&hasher)
    }

    /// This checksum, led on over what a kernel answered: every record in the bytes a journal keeps,
    /// and every call. Words of alerts and epochs of permits are left out: neither is decided upon.
    pub(super) fn answered(self, effects: &Effects) -> io::Result<Self> {
        if effects.records.is_empty() && effects.actions.is_empty() {
            return Ok(self);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        for record in &effects.records {
            hasher.update(record.kind().as_bytes());
            serde_json::to_writer(&mut hasher, &record.body())?;
        }
        for action in &effects.actions {
            match action {
                Action::Persist(id, range) => {
                    writeln!(
                        hasher,
                        "persist {} {} {}",
                        id.sequence,
                        id.digest,
                        range.len()
                    )
                }
                Action::Send(permit) => writeln!(hasher, "send {}", permit.intent().client_id),
                Action::Cancel(instrument, id) => writeln!(hasher, "cancel {} {id}", instrument.0),
                Action::Query(Query::Order(instrument, id)) => {
                    writeln!(hasher, "ask {} {id}", instrument.0)
                }
                Action::Query(Query::Account { since }) => writeln!(hasher, "account {since}"),
                Action::Arm(timer, at) => writeln!(hasher, "arm {} {at}", timer.0),
                Action::Alert(severity, error) => {
                    writeln!(hasher, "alert {severity:?} {}", error.kind.name())
                }
            }?;
        }
        Ok(Self::of(&hasher))
    }
}

impl std::fmt::Display for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for Checksum {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bits = u64::from_str_radix(text, 16).map_err(|_| "not hexadecimal")?;
        let read = Self(bits.to_be_bytes());
        // One spelling only: sixteen small digits.
        if read.to_string() == text {
            Ok(read)
        } else {
            Err("not 16 hexadecimal digits")
        }
    }
}

impl Serialize for Checksum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
