//! One simulated day: clock, queue and everything in it, and the loop that runs it.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::instrument::Instruments;
use ballast_domain::orders::{ClientOrderId, Intent};
use ballast_domain::time::{Span, Timestamp};

use super::chance::Trace;
use super::coverage::Coverage;
use super::disk::Disk;
use super::fault::{ARMED_FOR, FaultKind};
use super::judge::Judge;
use super::lockstep::Feed;
use super::market::{MILLI, MINUTE, Market, dawn, instruments};
use super::outage::Outage;
use super::outcome::{Counts, Outcome, Violation};
use super::plan::Plan;
use super::planted::Planted;
use super::process::Process;
use super::queue::{Event, ProcessId, Queue};
use super::tape::Tape;
use super::venue::Venue;

/// An order between the socket and the venue that the venue will still take.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) intent: Intent,
}

/// What was true at the instant of a kill.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct AtKill {
    pub(super) at: Timestamp,
    pub(super) sent: u64,
    pub(super) cancels: u64,
    /// Orders that rest at the venue.
    pub(super) resting: Vec<ClientOrderId>,
}

/// The world.
pub(super) struct World<'p> {
    pub(super) plan: &'p Plan,
    /// What is wrong with the program, on purpose.
    pub(super) bug: Option<Planted>,
    pub(super) now: Timestamp,
    pub(super) market: Market,
    pub(super) instruments: Instruments,
    pub(super) queue: Queue,
    pub(super) venue: Venue,
    pub(super) disk: Disk,
    /// Processes that live: at most one writer and one that was superseded.
    pub(super) processes: Vec<Process>,
    pub(super) last_process: ProcessId,
    pub(super) writer_epoch: u64,
    /// Row of the last bar that closed.
    pub(super) row: usize,
    pub(super) in_flight: Vec<InFlight>,
    /// Messages sent so far, for latencies.
    pub(super) messages: u64,
    /// When the kill file appeared, while it is there.
    pub(super) killed_at: Option<Timestamp>,
    /// The number of the instant at which the kill comes, and how long after it the process dies.
    #[cfg(test)]
    pub(super) kill_at: Option<(u64, Option<Span>)>,
    #[cfg(test)]
    pub(super) at_kill: Option<AtKill>,
    /// A bit of the disk that is not what it was.
    pub(super) flipped: Option<usize>,
    /// Whether a start waits in the queue.
    pub(super) booting: bool,
    /// When the last batch is durable.
    pub(super) disk_free_at: Timestamp,
    pub(super) execution_due: bool,
    /// Where the feed of a day in lockstep stands.
    pub(super) feed: Feed,
    /// Tapes of processes that ended, where tapes are taken.
    pub(super) tapes: Option<Vec<Tape>>,
    armed: BTreeMap<FaultKind, Vec<Timestamp>>,
    windows: BTreeMap<FaultKind, Vec<(u32, Timestamp)>>,
    /// Ids the venue invented.
    pub(super) invented: BTreeSet<ClientOrderId>,
    pub(super) judge: Judge,
    /// Whether the account ever traded, and the outage since.
    pub(super) traded: bool,
    pub(super) outage: Option<Outage>,
    pub(super) counts: Counts,
    pub(super) coverage: Coverage,
    pub(super) trace: Trace,
}

/// Events a day has at most; a day that has more runs in circles.
const MOST_EVENTS: u64 = 2_000_000;

impl<'p> World<'p> {
    pub(super) fn new(plan: &'p Plan, bug: Option<Planted>) -> Self {
        let market = Market::new(plan);
        let instruments = instruments(plan);
        let venue = Venue::new(plan, instruments.clone(), dawn());
        let mut world = Self {
            plan,
            bug,
            now: dawn(),
            market,
            queue: Queue::default(),
            venue,
            disk: Disk::new(bug),
            processes: Vec::new(),
            last_process: 0,
            writer_epoch: 0,
            row: 0,
            in_flight: Vec::new(),
            messages: 0,
            killed_at: None,
            #[cfg(test)]
            kill_at: None,
            #[cfg(test)]
            at_kill: None,
            flipped: None,
            booting: false,
            disk_free_at: dawn(),
            execution_due: false,
            feed: Feed::new(),
            tapes: None,
            armed: BTreeMap::new(),
            windows: BTreeMap::new(),
            invented: BTreeSet::new(),
            judge: Judge::new(&instruments),
            traded: false,
            outage: None,
            counts: Counts::default(),
            coverage: Coverage::default(),
            trace: Trace::default(),
            instruments,
        };
        world.furnish();
        world
    }

    /// Puts everything that is known beforehand into the queue.
    fn furnish(&mut self) {
        for (n, fault) in self.plan.faults.iter().enumerate() {
            let at = dawn() + millis(fault.at);
            self.queue.push(at, Event::Fault(n));
        }
        self.boot_at(dawn());
        if self.plan.lockstep.is_some() {
            return self.feed_later();
        }
        for minute in 0..self.plan.minutes as usize {
            let close = self.market.venue.close_times()[minute];
            self.queue.push(close, Event::Bar(minute));
        }
        self.visit_later();
    }

    /// Runs the day to its end or to its first violation.
    pub(super) fn run(mut self) -> Outcome {
        self.play();
        self.close()
    }

    pub(super) fn play(&mut self) {
        // What the last bar of a feed in lockstep brings about comes after it.
        let after = u32::from(self.plan.lockstep.is_some());
        let minutes = i64::from(self.plan.minutes + after);
        let end = dawn() + Span::from_nanos(minutes * MINUTE);
        while let Some((at, event)) = self.queue.pop() {
            if at > end || self.judge.violation.is_some() {
                break;
            }
            self.counts.events += 1;
            if self.counts.events > MOST_EVENTS {
                self.accuse(
                    "liveness",
                    "the day does not end: two million events".into(),
                );
                break;
            }
            self.now = at;
            self.trace.word(at.nanos().cast_unsigned());
            self.instant();
            self.take(event);
            self.settle();
            self.feed();
            self.note_outage();
        }
        if self.judge.violation.is_none() {
            self.now = end;
            self.judge_end();
        }
    }

    /// An instant at which the kill may come: nothing else happens between two of them.
    #[cfg(test)]
    pub(super) fn instant(&mut self) {
        let Some((left, crash)) = self.kill_at else {
            return;
        };
        self.kill_at = left.checked_sub(1).map(|left| (left, crash));
        if left > 0 {
            return;
        }
        let resting = self.venue.working().map(|i| i.client_id);
        self.at_kill = Some(AtKill {
            at: self.now,
            sent: self.counts.sent,
            cancels: self.counts.cancels,
            resting: resting.collect(),
        });
        self.kill();
        if let Some(after) = crash {
            self.crash_at(self.now + after);
        }
    }

    #[cfg(not(test))]
    #[inline]
    #[expect(clippy::unused_self, reason = "the same call in both builds")]
    pub(super) const fn instant(&mut self) {}

    /// The records on the disk at the end of a day.
    #[cfg(test)]
    pub(super) fn records_of(plan: &'p Plan) -> Vec<ballast_domain::kernel::Record> {
        let mut world = Self::new(plan, None);
        world.play();
        let batches = world.disk.read().expect("a whole journal");
        batches.into_iter().flatten().collect()
    }

    fn close(mut self) -> Outcome {
        self.note_standing();
        self.counts.journal = self.disk.len() as u64;
        for word in [
            self.counts.sent,
            self.counts.fills,
            self.counts.events,
            self.counts.journal,
            u64::try_from(self.venue.core.cash().units()).unwrap_or(0),
        ] {
            self.trace.word(word);
        }
        Outcome {
            reasons: self.reasons(),
            violation: self.judge.violation,
            counts: self.counts,
            trace: self.trace.value(),
            coverage: self.coverage,
        }
    }

    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Fault(n) => self.inject(self.plan.faults[n]),
            Event::Deliver(process, message) => self.deliver(process, message),
            Event::Order(process, order, answer) => self.order_arrives(process, order, answer),
            Event::Cancel(process, id) => self.cancel_arrives(process, id),
            Event::Question(process, query) => self.question_arrives(process, query),
            Event::Synced(process, id) => self.synced(process, id),
            Event::Execute => {
                self.execution_due = false;
                if self.venue.core.has_work()
                    && self.hits(FaultKind::Expire)
                    && let Some(slice) = self.market.venue.slice(self.row)
                {
                    self.venue.expire(&slice, self.now);
                }
                self.execute();
            }
            Event::Bar(row) => self.bar(row),
            // Every event lets the feed look whether it may go on.
            Event::Feed => {}
            Event::Wake(process) => self.wake(process),
            Event::Boot => self.boot(),
            Event::Crash => {
                self.crash(2);
            }
            Event::Reap(process) => self.end_process(process),
            Event::Visit => self.visit(),
            Event::StreamUp => self.stream_up(),
        }
    }

    /// A bar closes: the venue has new prices, and the account hears of it.
    fn bar(&mut self, row: usize) {
        self.note_prices(row);
        if let Some(slice) = self.market.venue.slice(row) {
            self.venue.core.note_closes(&slice);
        }
        self.execute();
        let ids: Vec<ProcessId> = self.processes.iter().map(|p| p.id).collect();
        for id in ids {
            self.queue.push(
                self.now,
                Event::Deliver(id, super::queue::Message::Slice(row)),
            );
        }
    }

    /// A process is gone, and its tape is over.
    pub(super) fn end_process(&mut self, id: ProcessId) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        let process = self.processes.remove(place);
        if let (Some(tapes), Some(tape)) = (&mut self.tapes, process.tape) {
            tapes.push(*tape);
        }
    }

    /// The last prices are those of this row.
    pub(super) fn note_prices(&mut self, row: usize) {
        self.row = row;
        let Some(slice) = self.market.venue.slice(row) else {
            return;
        };
        for (id, price) in self.instruments.ids().zip(&mut self.venue.prices) {
            let scale = self.instruments.get(id).map_or(4, |i| i.price_scale);
            let close = slice.last_close(id).unwrap_or(0.0);
            if let Some(seen) = ballast_domain::money::Price::from_market_data(close, scale) {
                *price = seen;
            }
        }
    }

    /// The venue executes what works.
    pub(super) fn execute(&mut self) {
        if self.venue.core.has_work()
            && let Some(slice) = self.market.venue.slice(self.row)
        {
            self.venue.execute(&slice, self.now);
        }
    }

    /// Whether a fault of this kind waits for something to hit; it is used up.
    pub(super) fn hits(&mut self, kind: FaultKind) -> bool {
        let since = self.now - millis(ARMED_FOR);
        let Some(waiting) = self.armed.get_mut(&kind) else {
            return false;
        };
        waiting.retain(|at| *at >= since);
        if waiting.is_empty() {
            return false;
        }
        waiting.remove(0);
        self.witness(kind);
        true
    }

    /// Whether a window of this kind is open.
    pub(super) fn within(&mut self, kind: FaultKind) -> bool {
        let open = self.is_open(kind);
        if open {
            self.witness(kind);
        }
        open
    }

    /// Whether a window of this kind is open, without a trace of having asked.
    pub(super) fn is_open(&self, kind: FaultKind) -> bool {
        let windows = self.windows.get(&kind);
        windows.is_some_and(|w| w.iter().any(|(_, until)| *until > self.now))
    }

    /// Whether a window of this kind is open for an instrument.
    pub(super) fn within_for(&mut self, kind: FaultKind, instrument: usize) -> bool {
        let windows = self.windows.get(&kind);
        let open = windows.is_some_and(|w| {
            w.iter().any(|(target, until)| {
                *until > self.now && (*target % self.plan.instruments) as usize == instrument
            })
        });
        if open {
            self.witness(kind);
        }
        open
    }

    pub(super) fn arm(&mut self, kind: FaultKind) {
        self.armed.entry(kind).or_default().push(self.now);
    }

    pub(super) fn open_window(&mut self, kind: FaultKind, target: u32, lasts: u32) {
        let until = self.now + millis(u64::from(lasts));
        self.windows.entry(kind).or_default().push((target, until));
    }

    /// A fault took effect: note in which mode, and while orders were in which states.
    pub(super) fn witness(&mut self, kind: FaultKind) {
        self.counts.faults += 1;
        self.trace.word(kind.index() as u64);
        let (mode, states) = self.situation();
        for (place, present) in states.into_iter().enumerate() {
            if present {
                self.coverage.hit(mode, place, kind);
            }
        }
    }

    /// Something that must never happen did.
    pub(super) fn accuse(&mut self, invariant: &str, what: String) {
        if self.judge.violation.is_none() {
            let at = self.now.since(dawn()).nanos() / MILLI;
            self.judge.violation = Some(Violation {
                invariant: invariant.to_owned(),
                at: u64::try_from(at).unwrap_or(0),
                what,
            });
        }
    }
}

/// Milliseconds as a span.
pub(super) fn millis(n: u64) -> Span {
    Span::from_nanos(
        i64::try_from(n)
            .unwrap_or(i64::MAX / MILLI)
            .saturating_mul(MILLI),
    )
}
