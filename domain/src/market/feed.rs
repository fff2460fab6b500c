//! How healthy a live feed of prices is, stream by stream, by the venue's own clock.

use std::fmt;

use crate::error::{Error, Result};
use crate::instrument::InstrumentId;
use crate::time::{Span, Timestamp};

/// When a stream is no longer trusted. Limits are inclusive: at the limit it still is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedLimits {
    /// Oldest venue time of the newest message.
    pub max_age: Span,
    /// Longest silence. A stream that talks within it and whose venue time is too old is frozen, one
    /// that does not is stale.
    pub max_silence: Span,
}

impl FeedLimits {
    /// Refuses limits that every stream breaks.
    ///
    /// # Errors
    /// `Configuration` for a limit that is not positive.
    pub fn validate(&self) -> Result<()> {
        if self.max_age <= Span::ZERO || self.max_silence <= Span::ZERO {
            return Err(
                Error::config("a feed cannot be younger than its limit of age")
                    .hint("give it at least the length of a bar"),
            );
        }
        Ok(())
    }
}

/// What is said about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedState {
    /// Young and whole.
    Fresh,
    /// Nothing came for too long.
    Stale,
    /// Messages come, and say the same old time: it looks alive and is not.
    Frozen,
    /// Messages are missing since a jump of the sequence; whole again after a snapshot.
    Gapped,
    /// The best bid is at or above the best ask: the book is wrong.
    Crossed,
}

impl FeedState {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Frozen => "frozen",
            Self::Gapped => "gapped",
            Self::Crossed => "crossed",
        }
    }

    /// Whether its prices may be decided on, and risk added by them. Exits do not ask.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Fresh)
    }
}

impl fmt::Display for FeedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One message of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedMessage {
    /// When it happened, by the venue.
    pub venue_time: Timestamp,
    /// When it was received, in trading time.
    pub received_at: Timestamp,
    /// Its place in the stream, where the venue counts.
    pub sequence: Option<u64>,
    /// Best bid and ask, where it has both.
    pub quote: Option<(f64, f64)>,
    /// Whether it shows everything and so ends a gap.
    pub is_snapshot: bool,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Its content is the newest.
    Take,
    /// Seen before: nothing changes.
    Duplicate,
    /// Older than what is known: its content must not replace it.
    OutOfOrder,
}

/// The feed of one account: a stream an instrument.
#[derive(Clone, Debug)]
pub struct FeedHealth {
    limits: FeedLimits,
    streams: Vec<Stream>,
}

#[derive(Clone, Debug)]
struct Stream {
    /// When it was asked for: silence counts from here until something comes.
    since: Timestamp,
    venue_time: Option<Timestamp>,
    received_at: Option<Timestamp>,
    sequence: Option<u64>,
    gapped: bool,
    crossed: bool,
    out_of_order: u64,
    duplicates: u64,
    missed: u64,
    told: FeedState,
    told_missing: bool,
}

/// What a stream has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCounts {
    /// Messages older than what was known.
    pub out_of_order: u64,
    /// Messages that came twice.
    pub duplicates: u64,
    /// Messages that a jump of the sequence left out.
    pub missed: u64,
}

/// A stream whose state is another than at the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedChange {
    /// Whose stream.
    pub instrument: InstrumentId,
    /// Before.
    pub from: FeedState,
    /// Now.
    pub to: FeedState,
    /// Age of the newest venue time; of the subscription where nothing came.
    pub age: Span,
}

impl FeedChange {
    /// What an alarm about it is called, beside its symbol.
    pub const fn alarm(&self) -> &'static str {
        match self.to {
            FeedState::Fresh => "feed_recovered",
            FeedState::Stale => "missing_feed",
            FeedState::Frozen => "frozen_feed",
            FeedState::Gapped => "gapped_feed",
            FeedState::Crossed => "crossed_feed",
        }
    }
}

impl FeedHealth {
    /// Streams of `instruments` many instruments, asked for at `since`.
    ///
    /// # Errors
    /// As [`FeedLimits::validate`].
    pub fn new(limits: FeedLimits, instruments: usize, since: Timestamp) -> Result<Self> {
        limits.validate()?;
        let stream = Stream {
            since,
            venue_time: None,
            received_at: None,
            sequence: None,
            gapped: false,
            crossed: false,
            out_of_order: 0,
            duplicates: 0,
            missed: 0,
            // Until something comes, nothing may be decided on it.
            told: FeedState::Stale,
            told_missing: false,
        };
        Ok(Self {
            limits,
            streams: vec![stream; instruments],
        })
    }

    /// A message of an instrument. Panics for an instrument it does not have.
    ///
    /// Order is by sequence where the venue counts, else by its time. A snapshot ends a gap; a book that
    /// is crossed stays so until a message shows one that is not.
    pub fn heard(&mut self, instrument: InstrumentId, message: &FeedMessage) -> Admission {
        let stream = &mut self.streams[instrument.index()];
        // Somebody spoke, whatever was said.
        stream.received_at = stream.received_at.max(Some(message.received_at));
        match (stream.sequence, message.sequence) {
            (Some(known), Some(new)) if new == known => {
                stream.duplicates += 1;
                return Admission::Duplicate;
            }
            (Some(known), Some(new)) if new < known && !message.is_snapshot => {
                stream.out_of_order += 1;
                return Admission::OutOfOrder;
            }
            (Some(known), Some(new)) if new > known + 1 && !message.is_snapshot => {
                stream.missed += new - known - 1;
                stream.gapped = true;
            }
            (None | Some(_), None)
                if stream
                    .venue_time
                    .is_some_and(|known| message.venue_time < known) =>
            {
                stream.out_of_order += 1;
                return Admission::OutOfOrder;
            }
            _ => {}
        }
        if message.sequence.is_some() {
            stream.sequence = message.sequence;
        }
        stream.venue_time = stream.venue_time.max(Some(message.venue_time));
        if message.is_snapshot {
            stream.gapped = false;
        }
        if let Some((bid, ask)) = message.quote {
            // Written so that what is no number is crossed as well.
            stream.crossed = !(bid > 0.0 && ask > bid && ask.is_finite());
        }
        Admission::Take
    }

    /// The connection was lost: what came meanwhile is missing until a snapshot.
    pub fn reconnected(&mut self, instrument: InstrumentId) {
        self.streams[instrument.index()].gapped = true;
    }

    /// What an instrument's stream is worth at `now`: the worst that is true of it.
    pub fn state(&self, instrument: InstrumentId, now: Timestamp) -> FeedState {
        let stream = &self.streams[instrument.index()];
        let (Some(venue_time), Some(received_at)) = (stream.venue_time, stream.received_at) else {
            return FeedState::Stale;
        };
        if stream.crossed {
            return FeedState::Crossed;
        }
        if stream.gapped {
            return FeedState::Gapped;
        }
        let silent = now.since(received_at) > self.limits.max_silence;
        if now.since(venue_time) > self.limits.max_age {
            return if silent {
                FeedState::Stale
            } else {
                FeedState::Frozen
            };
        }
        if silent {
            return FeedState::Stale;
        }
        FeedState::Fresh
    }

    /// Age of the newest venue time at `now`; of the subscription where nothing came.
    pub fn age(&self, instrument: InstrumentId, now: Timestamp) -> Span {
        let stream = &self.streams[instrument.index()];
        now.since(stream.venue_time.unwrap_or(stream.since))
    }

    /// What an instrument's stream has seen.
    pub fn counts(&self, instrument: InstrumentId) -> FeedCounts {
        let stream = &self.streams[instrument.index()];
        FeedCounts {
            out_of_order: stream.out_of_order,
            duplicates: stream.duplicates,
            missed: stream.missed,
        }
    }

    /// Looks at all streams: each whose state is another than at the last look, in order of
    /// instruments. One of which nothing ever came is told once it is silent for too long.
    pub fn look(&mut self, now: Timestamp) -> Vec<FeedChange> {
        let mut changes = Vec::new();
        for index in 0..self.streams.len() {
            let instrument = InstrumentId::from_index(index);
            let to = self.state(instrument, now);
            let age = self.age(instrument, now);
            let stream = &mut self.streams[index];
            let from = stream.told;
            let missing = stream.venue_time.is_none() && age > self.limits.max_silence;
            if to == from && (!missing || stream.told_missing) {
                continue;
            }
            stream.told_missing = missing;
            stream.told = to;
            changes.push(FeedChange {
                instrument,
                from,
                to,
                age,
            });
        }
        changes
    }
}
