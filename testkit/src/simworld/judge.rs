//! The oracles: what must hold after every event, and what must hold at the end of the day.
//!
//! They judge by the venue's history, by the records, and by plain arithmetic; the kernel's own
//! opinion is only ever what is judged.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::{BatchId, Fact, IntentRecord, Record, Redeemed, SendPermit, Session};
use ballast_domain::orders::{ClientOrderId, Intent, Side};
use ballast_domain::risk::Mode;
use ballast_domain::time::{Span, Timestamp};

use super::account::{MAX_ORDER, max_position};
use super::books::{Books, ledger, post};
use super::coverage::{STATES, state};
use super::ledger::NaiveLedger;
use super::outcome::Violation;
use super::queue::ProcessId;
use super::world::World;

/// What the oracles keep.
#[derive(Debug)]
pub(super) struct Judge {
    /// The venue's history, added up.
    pub(super) truth: NaiveLedger,
    /// How much of the history is in it.
    heard: usize,
    /// Passing intents of batches that are being written.
    writing: BTreeMap<(ProcessId, u64), Vec<ClientOrderId>>,
    /// Passing intents that are durable.
    pub(super) durable: BTreeSet<ClientOrderId>,
    /// Orders whose bytes left.
    sent: BTreeSet<ClientOrderId>,
    /// Orders whose cancel left.
    pub(super) cancelled: BTreeSet<ClientOrderId>,
    /// Until when each permit was good.
    pub(super) fences: BTreeMap<ClientOrderId, Timestamp>,
    /// Until when an instrument's position may be beyond what was ordered.
    overfilled: Vec<Timestamp>,
    pub(super) violation: Option<Violation>,
}

/// How long an overfill may go unnoticed by the books before it counts against them.
const OVERFILL_NOTICED: Span = Span::from_seconds(3_600);

impl Judge {
    pub(super) fn new(instruments: &Instruments) -> Self {
        Self {
            truth: ledger(instruments),
            heard: 0,
            writing: BTreeMap::new(),
            durable: BTreeSet::new(),
            sent: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            fences: BTreeMap::new(),
            overfilled: vec![Timestamp::MIN; instruments.len()],
            violation: None,
        }
    }

    /// A batch is handed to the disk.
    pub(super) fn written(&mut self, process: ProcessId, batch: BatchId, records: &[Record]) {
        let passed: Vec<_> = records.iter().filter_map(passing).collect();
        if !passed.is_empty() {
            self.writing.insert((process, batch.sequence), passed);
        }
    }

    /// A batch is durable.
    pub(super) fn durable(&mut self, process: ProcessId, batch: BatchId) {
        if let Some(ids) = self.writing.remove(&(process, batch.sequence)) {
            self.durable.extend(ids);
        }
    }

    /// A record was found on the disk at a start.
    pub(super) fn found(&mut self, record: &Record) {
        self.durable.extend(passing(record));
    }

    /// Whether the bytes of an order left.
    pub(super) fn was_sent(&self, id: ClientOrderId) -> bool {
        self.sent.contains(&id)
    }

    /// Whether something that was no order of ours happened to an instrument that the books do not
    /// have yet: until they do, no order can be held against them.
    fn tainted(&self, books: &Books, index: usize, now: Timestamp) -> bool {
        let (truth, ours) = (&self.truth, &books.ledger);
        truth.changes[index] != ours.changes[index]
            || truth.voids[index] != ours.voids[index]
            || self.overfilled[index] > now
    }
}

fn passing(record: &Record) -> Option<ClientOrderId> {
    match record {
        Record::Intent(r) if r.verdict.passed() => Some(r.intent.client_id),
        _ => None,
    }
}

impl World<'_> {
    /// After every event: the stream takes what was said, and the venue's history is heard.
    pub(super) fn settle(&mut self) {
        self.stream();
        self.hear_history();
        self.check_open();
    }

    fn hear_history(&mut self) {
        let from = self.judge.heard;
        if from == self.venue.log.len() {
            return;
        }
        self.judge.heard = self.venue.log.len();
        for n in from..self.venue.log.len() {
            let fact = self.venue.log[n].fact.clone();
            if let Fact::Filled(fill) = &fact {
                self.counts.fills += 1;
                self.trace.word(fill.quantity.units().cast_unsigned());
                self.check_execution(fill);
            }
            if post(&mut self.judge.truth, &fact).is_err() {
                self.accuse("world", "the venue's history contradicts itself".into());
            }
        }
        let core = &self.venue.core;
        let cash = [core.cash().units(), self.venue.other_cash.units()];
        let held: Vec<i64> = self
            .instruments
            .ids()
            .map(|id| core.position(id).units())
            .collect();
        if self.judge.truth.cash != cash || self.judge.truth.held != held {
            self.accuse("I-21", "the venue's history and its account differ".into());
        }
    }

    /// I-04 and I-12 of one execution.
    fn check_execution(&mut self, fill: &ballast_domain::orders::Fill) {
        let id = fill.client_id;
        let beyond = fill.trade_id.0 & 15 == 15;
        if beyond {
            self.judge.overfilled[fill.instrument.index()] = self.now + OVERFILL_NOTICED;
            return;
        }
        let order = &self.venue.orders[&id];
        let most = order
            .turns
            .iter()
            .map(|t| t.filled)
            .max()
            .unwrap_or(fill.quantity);
        let overfilled = self.judge.overfilled[fill.instrument.index()] > self.now;
        if most > order.intent.quantity && !overfilled && self.venue.overfilled == 0 {
            self.accuse("I-12", format!("{id} executed beyond its quantity"));
        }
        if let Some(process) = self.writer()
            && process.books.ended.contains(&id)
        {
            self.accuse("I-04", format!("{id} executed after we called it ended"));
        }
        if !self.judge.sent.contains(&id) {
            self.accuse("I-03", format!("{id} executed and was never sent"));
        }
    }

    /// I-02 and I-04 when an order arrives.
    pub(super) fn judge_arrival(&mut self, intent: &Intent) {
        let id = intent.client_id;
        let accepted = self.venue.orders.get(&id).map_or(0, |o| o.accepted);
        self.counts.accepted += u64::from(accepted > 0);
        if accepted > 1 {
            self.accuse("I-02", format!("the venue took {id} twice"));
        }
        if let Some(process) = self.writer()
            && accepted > 0
            && process.books.ended.contains(&id)
        {
            self.accuse("I-04", format!("{id} was taken after we called it ended"));
        }
    }

    /// Everything of ours that may still execute on one side of an instrument, without `except`.
    fn true_open(&self, index: usize, side: Side, except: ClientOrderId) -> i64 {
        let flying = self.in_flight.iter().map(|f| f.intent);
        let open = self.venue.open().chain(flying);
        open.filter(|i| i.instrument.index() == index && i.side == side && i.client_id != except)
            .map(|i| i.quantity.units())
            .sum()
    }

    /// I-01: what may still execute is counted by the writer at worst case.
    fn check_open(&mut self) {
        if self.in_flight.is_empty() && !self.venue.core.has_work() {
            return;
        }
        let Some(process) = self.writer() else { return };
        let none = ClientOrderId::default();
        let flying = self.in_flight.iter().map(|f| &f.intent);
        let short = self.venue.working().chain(flying).find(|i| {
            let truth = self.true_open(i.instrument.index(), i.side, none);
            process.kernel.exposure().open(i.instrument, i.side).units() < truth
        });
        if let Some(id) = short.map(|i| i.client_id) {
            self.accuse("I-01", format!("{id} may execute and is not counted"));
        }
    }

    /// I-84 when a permit is minted: the mode by the records lets the order through.
    pub(super) fn check_permit(&mut self, place: usize, permit: &SendPermit) {
        let intent = permit.intent();
        // One minted by a process that was superseded is worthless: `check_send` sees to that.
        if !self.processes[place].superseded {
            self.judge
                .fences
                .insert(intent.client_id, permit.expires_at());
        }
        let books = &self.processes[place].books;
        let index = intent.instrument.index();
        let mode = books.mode(index).max(books.session.mode());
        // A cash account holds nothing short: what sells reduces.
        let reduces = intent.side == Side::Sell;
        if !mode.allows(reduces) {
            let what = format!("{} got a permit in mode {}", intent.client_id, mode.name());
            self.accuse("I-84", what);
        }
    }

    /// Everything that must hold as the first byte of an order leaves.
    pub(super) fn check_send(&mut self, place: usize, order: &Redeemed) {
        let process = &self.processes[place];
        let intent = order.intent();
        let id = intent.client_id;
        let (superseded, failed) = (process.superseded, process.journal_failed);
        let passed = process.books.passed(id);
        let late = self.now > order.expires_at();
        self.judge.fences.insert(id, order.expires_at());
        let wrong = [
            (superseded, "I-07", "left from a superseded process"),
            (failed, "I-62", "left after the journal failed"),
            (self.killed_at.is_some(), "I-80", "left after the kill"),
            (late, "I-03", "left after its permit's expiry"),
            (!passed, "I-03", "left without a passing verdict"),
            (
                !self.judge.durable.contains(&id),
                "I-61",
                "left before its intent was durable",
            ),
            (!self.judge.sent.insert(id), "I-02", "left twice"),
        ];
        for (broken, invariant, what) in wrong {
            if broken {
                self.accuse(invariant, format!("{id} {what}"));
            }
        }
        self.check_overshoot(place, intent);
        self.check_cash(place, order);
    }

    /// I-02 and I-13: with everything that may still execute, no order carries its leg beyond the
    /// target of its decision, and no reducing one beyond nothing.
    fn check_overshoot(&mut self, place: usize, intent: &Intent) {
        let index = intent.instrument.index();
        let books = &self.processes[place].books;
        if self.judge.tainted(books, index, self.now) {
            return;
        }
        let open = self.true_open(index, intent.side, intent.client_id);
        let units = intent.quantity.units() + open;
        let held = self.judge.truth.held[index];
        let leg = books.legs.get(&index).copied();
        let target = leg.filter(|(decision, _)| *decision == intent.client_id.decision);
        let id = intent.client_id;
        let (after, beyond) = match (intent.side, target) {
            (Side::Buy, Some((_, target))) => (held + units, held + units > target),
            (Side::Sell, Some((_, target))) => (held - units, held - units < target.min(held)),
            (_, None) => (held, false),
        };
        if beyond {
            let what =
                format!("{id} could carry instrument {index} from {held} to {after}, {leg:?}");
            self.accuse("I-02", what);
        }
        if intent.reduce_only && intent.side == Side::Sell && held < units {
            self.accuse("I-13", format!("{id} could sell {units} of {held}"));
        }
    }

    /// I-10 when a verdict is recorded: the order, the position and, with everything that may still
    /// execute, all positions together stay below their limits.
    pub(super) fn check_verdict(&mut self, place: usize, r: &IntentRecord) {
        let intent = &r.intent;
        if !r.verdict.passed() || intent.side == Side::Sell {
            return;
        }
        let (id, index) = (intent.client_id, intent.instrument.index());
        let value = |units| {
            let units = ballast_domain::money::Quantity::from_units(units);
            self.venue.value(intent.instrument, r.reference, units)
        };
        let books = &self.processes[place].books;
        let open = self.true_open(index, Side::Buy, id);
        let units = intent.quantity.units();
        let after = self.judge.truth.held[index] + open + units;
        let (order, position) = (value(units), value(after));
        let known = !self.judge.tainted(books, index, self.now);
        if order > MAX_ORDER {
            self.accuse("I-10", format!("{id} is larger than an order may be"));
        } else if known && position > max_position(self.plan) {
            let what = format!("{id} could take a position above its limit");
            self.accuse("I-10", what);
        } else {
            self.check_gross(place, r);
        }
    }

    /// I-21 and I-15 after a step that recorded something: the kernel's account is the sum of its
    /// own records.
    pub(super) fn check_process(&mut self, place: usize, recorded: bool) {
        if !recorded {
            return;
        }
        let process = &self.processes[place];
        let ledger = process.kernel.account().ledger();
        let books = &process.books.ledger;
        for (index, cash) in books.cash.iter().enumerate() {
            let asset = ballast_domain::instrument::AssetId::from_index(index);
            let ours = ledger.cash(asset).units();
            if ours != *cash {
                let what = format!("asset {index}: {ours} in the account, {cash} in the records");
                return self.accuse("I-21", what);
            }
        }
        for (id, held) in self.instruments.ids().zip(&books.held) {
            let ours = ledger.position(id).quantity.units();
            if ours != *held {
                let index = id.index();
                let what = format!("instrument {index}: {ours} held, {held} by the records");
                return self.accuse("I-15", what);
            }
        }
        if !ledger.trial_balance().is_zero() {
            self.accuse("I-21", "debits and credits differ".into());
        }
    }

    /// I-63: a restored account is the sum of the records it was restored from.
    pub(super) fn check_restored(&mut self, id: ProcessId) {
        if let Some(place) = self.place_of(id) {
            self.check_process(place, true);
            self.check_modes(place);
        }
    }

    /// I-19: a fact about an order nobody knows is kept.
    pub(super) fn check_orphan(&mut self, id: ProcessId, fact: &Fact) {
        let unknown = fact.client_id().is_some_and(|c| self.invented.contains(&c));
        if !unknown {
            return;
        }
        let kept = self.place_of(id).is_none_or(|p| {
            let process = &self.processes[p];
            process.kernel.orphans().contains(fact) && process.books.orphans > 0
        });
        if !kept {
            self.accuse("I-19", "a fact about an unknown order was dropped".into());
        }
    }

    /// The mode of the account and the states of its open orders, for the coverage map.
    pub(super) fn situation(&self) -> (usize, [bool; STATES.len()]) {
        let mut states = [false; STATES.len()];
        let Some(process) = self.writer() else {
            states[0] = true;
            return (5, states);
        };
        for order in process.kernel.orders().filter(|o| !o.is_complete()) {
            states[state(order.status())] = true;
        }
        if !states.contains(&true) {
            states[0] = true;
        }
        let mode = match (process.books.session, process.books.account_mode()) {
            (Session::Reconciling | Session::Down, _) => 4,
            (_, Mode::Halted) => 3,
            (_, Mode::CancelOnly) => 2,
            (Session::Doubtful, _) | (_, Mode::ReduceOnly) => 1,
            (_, Mode::Active) => 0,
        };
        (mode, states)
    }

    /// The end of the day, long after the last fault: ready and equal to the venue, or restricted
    /// for a recorded reason.
    pub(super) fn judge_end(&mut self) {
        self.hear_history();
        let Some(process) = self.writer() else {
            return self.accuse("liveness", "no process lives at the end of the day".into());
        };
        if process.kernel.session() != Session::Ready {
            let what = format!("the session is still {}", process.kernel.session().name());
            return self.accuse("liveness", what);
        }
        if let Some(what) = process.books.ledger.difference(&self.judge.truth)
            && self.counts.adopted == 0
        {
            return self.accuse(
                "I-15",
                format!("our records and the venue's history: {what}"),
            );
        }
        if self.plan.lockstep.is_some() {
            // The feed ends where it ends: what still works waits for a bar that never comes.
            return;
        }
        // Where there is no fence an order that nobody ever saw stays unknown, and visible.
        let fenced = self.venue.profile.fenced;
        let unclear = |o: &&ballast_domain::orders::Order| !o.is_complete();
        let left = process
            .kernel
            .orders()
            .find(|o| unclear(o) && (fenced || !o.is_unclear()));
        if let Some(order) = left {
            let (id, status) = (order.intent.client_id, order.status().name());
            return self.accuse("liveness", format!("{id} is still {status}"));
        }
        let dispute = process.kernel.disputes().next();
        if let Some((id, dispute)) = dispute {
            let what = format!("instrument {} is disputed: {dispute:?}", id.index());
            return self.accuse("liveness", what);
        }
        if self.venue.core.has_work() {
            return self.accuse("I-14", "an order rests at the venue after the day".into());
        }
        if !process.books.restricted().is_empty() {
            if process.books.reasons.values().any(String::is_empty) {
                return self.accuse("liveness", "a mode without a reason".into());
            }
            self.counts.restricted += 1;
        }
    }

    /// Why scopes are restricted.
    pub(super) fn reasons(&self) -> Vec<String> {
        let reasons = self.writer().map(|p| &p.books.reasons);
        reasons
            .into_iter()
            .flatten()
            .map(|(scope, reason)| format!("{scope}: {reason}"))
            .collect()
    }

    /// Notes which standing conditions of the world held.
    pub(super) fn note_standing(&mut self) {
        let shown = [
            self.counts.sent > 20,
            self.counts.fills > 20,
            self.venue.profile.foreign_fees,
            self.venue.profile.clock_offset != 0,
            self.venue.profile.idempotency == super::plan::Idempotency::OpenOnly,
        ];
        for (row, shown) in shown.into_iter().enumerate() {
            if shown {
                self.coverage.stand(row);
            }
        }
    }
}
