//! The seeded world's only scheduler: what happens next, by time, then by the order it was asked for.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ballast_domain::kernel::{BatchId, Fact, HealthFact, Query, Redeemed, SendPermit};
use ballast_domain::kernel::{TimerId, VenueReport};
use ballast_domain::orders::ClientOrderId;
use ballast_domain::time::Timestamp;

/// Number of a process; a restart is another process.
pub(super) type ProcessId = u32;

/// What becomes of the answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Comes,
    Lost,
    Late,
}

/// What reaches a process.
#[derive(Debug)]
pub(super) enum Message {
    Fact(Fact),
    Report(Box<VenueReport>),
    Timer(TimerId),
    Slice(usize),
    Persisted(BatchId),
    Health(HealthFact),
    /// A permit that waited at the socket is about to be written.
    Send(SendPermit),
    /// The driver notices that the disk failed it.
    JournalFailed(&'static str),
}

/// What happens.
#[derive(Debug)]
pub(super) enum Event {
    Fault(usize),
    Deliver(ProcessId, Message),
    /// An order arrives at the venue.
    Order(ProcessId, Redeemed, Answer),
    /// A cancel arrives at the venue.
    Cancel(ProcessId, ClientOrderId),
    /// A question arrives at the venue.
    Question(ProcessId, Query),
    /// A batch should be on the disk now.
    Synced(ProcessId, BatchId),
    /// The venue executes.
    Execute,
    /// A bar closes.
    Bar(usize),
    /// The feed of a day in lockstep may have something to show.
    Feed,
    /// A process that stood still goes on.
    Wake(ProcessId),
    /// A process starts.
    Boot,
    /// The writer dies.
    Crash,
    /// The superseded process is taken down.
    Reap(ProcessId),
    /// The operator looks.
    Visit,
    /// The stream is back.
    StreamUp,
}

impl Event {
    /// Whether the kernel waits for it, or it for the kernel: not for what only time brings.
    const fn is_on_its_way(&self) -> bool {
        match self {
            Self::Deliver(_, message) => !matches!(message, Message::Timer(_)),
            Self::Order(..) | Self::Cancel(..) | Self::Question(..) | Self::Synced(..) => true,
            Self::Boot | Self::Execute => true,
            _ => false,
        }
    }
}

struct Entry {
    at: Timestamp,
    number: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// Reversed: the heap gives its largest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// Events by time.
#[derive(Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Entry>,
    number: u64,
    /// Entries that are on their way.
    moving: usize,
}

impl Queue {
    pub(super) fn push(&mut self, at: Timestamp, event: Event) {
        self.number += 1;
        self.moving += usize::from(event.is_on_its_way());
        self.heap.push(Entry {
            at,
            number: self.number,
            event,
        });
    }

    pub(super) fn pop(&mut self) -> Option<(Timestamp, Event)> {
        let entry = self.heap.pop()?;
        self.moving -= usize::from(entry.event.is_on_its_way());
        Some((entry.at, entry.event))
    }

    /// Whether nothing is on its way between process, disk and venue.
    pub(super) const fn is_quiet(&self) -> bool {
        self.moving == 0
    }
}
