//! A process: a kernel, its gate and its driver, from its start to its death.

use std::collections::VecDeque;
use std::sync::Arc;

use ballast_domain::kernel::{
    Action, BatchId, Effects, Fact, HealthFact, Input, Kernel, Query, Record, SendGate, SendPermit,
};
use ballast_domain::orders::OrderStatus;
use ballast_domain::simulation::Step;
use ballast_domain::time::Timestamp;

use super::account::settings;
use super::books::Books;
use super::chance;
use super::disk::{Refused, durable_at};
use super::fault::FaultKind;
use super::market::MILLI;
use super::planted::Planted;
use super::queue::{Event, Message, ProcessId};
use super::strategy::Planned;
use super::tape::Tape;
use super::world::{World, millis};

/// A running program.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: ProcessId,
    pub(super) kernel: Kernel<Planned>,
    pub(super) gate: Arc<SendGate>,
    effects: Effects,
    /// What its records say, by somebody else's addition.
    pub(super) books: Books,
    pub(super) started: Timestamp,
    /// It stands still until then.
    pub(super) paused_until: Timestamp,
    /// What came meanwhile, in order.
    pub(super) inbox: VecDeque<Message>,
    /// Its journal failed: nothing may leave any more.
    pub(super) journal_failed: bool,
    /// Batches that became durable as another process took over; nobody has told it yet.
    late_answers: Vec<BatchId>,
    /// Another process took over.
    pub(super) superseded: bool,
    /// The next bar it has not seen.
    next_row: usize,
    /// What it was told, where somebody wants to know.
    pub(super) tape: Option<Box<Tape>>,
}

impl Process {
    /// One step of the kernel, taken down where a tape runs.
    fn tell(&mut self, now: Timestamp, input: Input<'_>) {
        let (records, actions) = (self.effects.records.len(), self.effects.actions.len());
        self.kernel.step(now, input, &mut self.effects);
        if let Some(tape) = &mut self.tape {
            tape.note(&Step {
                now,
                input,
                records: &self.effects.records[records..],
                actions: self.effects.actions.range(actions..),
            });
        }
    }
}

impl World<'_> {
    /// Asks for a start, once.
    pub(super) fn boot_at(&mut self, at: Timestamp) {
        if !std::mem::replace(&mut self.booting, true) {
            self.queue.push(at, Event::Boot);
        }
    }

    /// A process starts: reads the journal, takes it back, and begins a session. One that lives is
    /// superseded.
    pub(super) fn boot(&mut self) {
        self.booting = false;
        self.disk.broken = false;
        self.writer_epoch += 1;
        let writer = self.writer_epoch;
        self.take_over(writer);
        let batches = match self.disk.read() {
            Ok(batches) => batches,
            Err(Refused::Damaged(_)) => {
                self.counts.refused += 1;
                self.witness(FaultKind::BitFlip);
                if self.flipped.is_none() {
                    self.accuse("I-63", "an undamaged journal was refused".into());
                }
                return;
            }
        };
        if self.flipped.is_some() {
            self.accuse("I-64", "a damaged journal was accepted".into());
        }
        self.last_process += 1;
        let id = self.last_process;
        let gate = Arc::new(SendGate::new(writer));
        let strategy = Planned::new(self.plan);
        let kernel = Kernel::new(
            self.instruments.clone(),
            settings(self.plan, self.bug),
            strategy,
            Arc::clone(&gate),
        );
        let mut kernel = kernel.expect("settings of the world are valid");
        let mut books = Books::new(&self.instruments);
        let empty = batches.is_empty();
        let restored = (|| {
            let mut restore = kernel.restore()?;
            for record in batches.iter().flatten() {
                self.judge.found(record);
                if let Err((invariant, what)) = books.take(record) {
                    self.accuse(invariant, format!("in the journal: {what}"));
                }
                restore.record(record)?;
            }
            restore.finish()
        })();
        if let Err(error) = restored {
            self.accuse("I-63", format!("the journal cannot be taken back: {error}"));
            return;
        }
        self.check_kept(&kernel, &gate, &batches);
        let closed = self.market.account.close_times();
        let next_row = closed.partition_point(|t| *t <= self.now);
        for row in 0..next_row {
            if let Some(slice) = self.market.account.slice(row) {
                kernel.warm(&slice);
            }
        }
        self.processes.push(Process {
            id,
            kernel,
            gate,
            effects: Effects::new(),
            books,
            started: self.now,
            paused_until: Timestamp::MIN,
            inbox: VecDeque::new(),
            journal_failed: false,
            late_answers: Vec::new(),
            superseded: false,
            next_row,
            tape: self.tapes.is_some().then(|| {
                Box::new(Tape {
                    restored: batches.iter().flatten().cloned().collect(),
                    warmed: next_row,
                    writer,
                    ..Tape::default()
                })
            }),
        });
        if !self.plan.tuning.adopted {
            // At every start: the records of an earlier one may be lost.
            self.tell_openings(id);
        }
        self.check_restored(id);
        self.check_overview(id, &batches);
        if self.killed_at.is_some() {
            let reason = "the kill file is there".to_owned();
            let killed = HealthFact::Killed { reason };
            self.step(id, Input::Health(&killed));
        }
        self.step(id, Input::Start);
        if self.is_open(FaultKind::StreamDown) {
            self.step(id, Input::Health(&HealthFact::ExecutionReportsDown));
        }
        if next_row > 0 && chance::happens(self.plan.seed, 17, u64::from(id), 50) {
            // Nobody knows whether the last bar was acted upon: it is shown again.
            let message = Message::Slice(next_row - 1);
            self.queue.push(self.now, Event::Deliver(id, message));
        }
        if !empty && self.hits(FaultKind::CrashInRecovery) {
            let at = self.now + self.latency(3_000);
            self.crash_at(at);
        }
    }

    /// The journal's new owner lets the writes end that were under way, and no others begin.
    fn take_over(&mut self, writer: u64) {
        for place in 0..self.processes.len() {
            let old = &mut self.processes[place];
            old.gate.supersede_writer(writer);
            if std::mem::replace(&mut old.superseded, true) || old.journal_failed {
                continue;
            }
            let id = old.id;
            while let Some(batch) = self.disk.next_write() {
                if !self.disk.sync(batch) {
                    break;
                }
                self.judge.durable(id, batch);
                self.processes[place].late_answers.push(batch);
            }
        }
    }

    pub(super) fn place_of(&self, id: ProcessId) -> Option<usize> {
        self.processes.iter().position(|p| p.id == id)
    }

    /// The process that may write.
    pub(super) fn writer(&self) -> Option<&Process> {
        self.processes.iter().find(|p| !p.superseded)
    }

    /// A message reaches a process, unless it died; one that stands still gets it later.
    pub(super) fn deliver(&mut self, id: ProcessId, message: Message) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        let process = &mut self.processes[place];
        if process.paused_until > self.now || !process.inbox.is_empty() {
            process.inbox.push_back(message);
            return;
        }
        self.handle(id, message);
    }

    /// A process that stood still goes on with what came meanwhile.
    pub(super) fn wake(&mut self, id: ProcessId) {
        while let Some(place) = self.place_of(id) {
            let process = &mut self.processes[place];
            if process.paused_until > self.now {
                return;
            }
            let Some(message) = process.inbox.pop_front() else {
                return;
            };
            self.handle(id, message);
        }
    }

    fn handle(&mut self, id: ProcessId, message: Message) {
        match message {
            Message::Fact(fact) => self.hear(id, &fact),
            Message::Report(report) => {
                self.counts.reports += 1;
                self.step(id, Input::Report(&report));
            }
            Message::Timer(timer) => self.step(id, Input::Timer(timer)),
            Message::Slice(row) => self.show(id, row),
            Message::Persisted(batch) => self.step(id, Input::Persisted(batch)),
            Message::Health(fact) => self.step(id, Input::Health(&fact)),
            Message::Send(permit) => self.redeem(id, permit),
            Message::JournalFailed(reason) => self.fail_journal(id, reason),
        }
    }

    fn hear(&mut self, id: ProcessId, fact: &Fact) {
        self.step(id, Input::Fact(fact));
        self.check_orphan(id, fact);
    }

    /// A bar, also one that was shown before.
    pub(super) fn show(&mut self, id: ProcessId, row: usize) {
        self.instant();
        let Some(place) = self.place_of(id) else {
            return;
        };
        let process = &mut self.processes[place];
        if row + 1 < process.next_row {
            return;
        }
        process.next_row = row + 1;
        let Some(slice) = self.market.account.slice(row) else {
            return;
        };
        process.tell(self.now, Input::Slice(&slice));
        self.carry_out(id);
    }

    pub(super) fn step(&mut self, id: ProcessId, input: Input<'_>) {
        self.instant();
        let Some(place) = self.place_of(id) else {
            return;
        };
        let process = &mut self.processes[place];
        process.tell(self.now, input);
        self.carry_out(id);
    }

    /// Does what the kernel asked for, and has its words checked.
    fn carry_out(&mut self, id: ProcessId) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        let (mut recorded, mut grave) = (false, Vec::new());
        while let Some(action) = self.processes[place].effects.next_action() {
            self.instant();
            match action {
                Action::Persist(batch, range) => {
                    recorded = true;
                    let records = &self.processes[place].effects.records[range.clone()];
                    let of_weight = |r: &&Record| match r {
                        Record::Order(r) => r.status == OrderStatus::Dead,
                        r => matches!(r, Record::Mode(_)),
                    };
                    grave.extend(records.iter().filter(of_weight).cloned());
                    self.persist(place, batch, range);
                }
                Action::Send(permit) => {
                    self.check_permit(place, &permit);
                    // One wire, in order: which of two orders comes first is the plan's business.
                    let most = if self.plan.lockstep.is_some() { 0 } else { 5 };
                    let after = self.latency(most);
                    self.to(id, after, Message::Send(permit));
                }
                Action::Cancel(_, order) => {
                    self.note_cancel(order);
                    self.cancel_leaves(id, order);
                }
                Action::Query(query) => {
                    if let Query::Order(_, order) = query
                        && let Some(asked) = self.processes[place].books.unclear.get_mut(&order)
                    {
                        *asked = self.now;
                    }
                    self.question_leaves(id, query);
                }
                Action::Arm(timer, at) => {
                    self.queue
                        .push(at, Event::Deliver(id, Message::Timer(timer)));
                }
                Action::Alert(_, error) => self.trace.word(error.message.len() as u64),
            }
        }
        self.check_process(place, recorded);
        for record in &grave {
            self.check_dead(record);
            self.check_stopped(place, record);
        }
        self.check_cover(place);
        self.check_asked(place);
    }

    fn persist(&mut self, place: usize, batch: BatchId, range: std::ops::Range<usize>) {
        self.trace.word(batch.digest);
        let process = &mut self.processes[place];
        let id = process.id;
        for record in &process.effects.records[range.clone()] {
            if let Record::Order(r) = record
                && r.status == OrderStatus::Unknown
            {
                self.counts.unknown += 1;
            }
            if let Err((invariant, what)) = process.books.take(record) {
                let what = format!("process {id}: {what}");
                return self.accuse(invariant, what);
            }
        }
        if process.journal_failed {
            return;
        }
        let full = self.disk.broken && self.bug != Some(Planted::FullDiskIgnored);
        if process.superseded || full {
            // An older writer can record nothing.
            let reason = if process.superseded {
                "another writer has the journal"
            } else {
                "no space left on the disk"
            };
            return self.to(id, millis(1), Message::JournalFailed(reason));
        }
        self.disk
            .write(batch, &self.processes[place].effects.records[range.clone()]);
        let records = &self.processes[place].effects.records[range.clone()];
        self.judge.written(id, batch, records);
        for n in range {
            if let Record::Intent(r) = &self.processes[place].effects.records[n] {
                let verdict = r.clone();
                self.check_verdict(place, &verdict);
            }
        }
        let mut most = self.plan.tuning.disk * MILLI;
        if self.within(FaultKind::SlowDisk) {
            most = 8_000 * MILLI;
        }
        let nanos = self.latency(most / MILLI).nanos();
        self.disk_free_at = durable_at(self.disk_free_at, self.now, nanos);
        self.queue.push(self.disk_free_at, Event::Synced(id, batch));
    }

    pub(super) fn synced(&mut self, id: ProcessId, batch: BatchId) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        let process = &self.processes[place];
        if process.journal_failed {
            return;
        }
        if process.superseded {
            if process.late_answers.contains(&batch) {
                self.deliver(id, Message::Persisted(batch));
            }
            return;
        }
        if self.hits(FaultKind::SyncFailed) || !self.disk.sync(batch) {
            return self.fail_journal(id, "a sync failed");
        }
        if !self.disk.broken {
            self.judge.durable(id, batch);
        }
        self.deliver(id, Message::Persisted(batch));
    }

    /// The driver stops order flow before it tells anybody: the gate first.
    pub(super) fn fail_journal(&mut self, id: ProcessId, reason: &'static str) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        if std::mem::replace(&mut self.processes[place].journal_failed, true) {
            return;
        }
        self.processes[place].gate.kill();
        let reason = reason.to_owned();
        self.step(id, Input::Health(&HealthFact::JournalFailed { reason }));
    }

    /// The last thing before the first byte.
    fn redeem(&mut self, id: ProcessId, permit: SendPermit) {
        self.instant();
        let Some(place) = self.place_of(id) else {
            return;
        };
        let gate = Arc::clone(&self.processes[place].gate);
        match permit.redeem(&gate, self.now) {
            Ok(order) => {
                self.check_send(place, &order);
                self.order_leaves(id, order);
            }
            Err(unspent) => {
                self.counts.not_sent += 1;
                let fact = Fact::NotSent {
                    client_id: unspent.intent().client_id,
                    reason: "the send gate refused the permit".into(),
                };
                self.step(id, Input::Fact(&fact));
            }
        }
    }
}
