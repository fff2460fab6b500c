//! The loop around a kernel: effects out, events in, and nothing decided here.

use std::collections::{BTreeSet, VecDeque};
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ballast_domain::error::{Error, Result};
use ballast_domain::kernel::{
    Action, BatchId, Effects, Fact, HealthFact, Input, Kernel, Record, Severity, TimerId,
};
use ballast_domain::market::Slice;
use ballast_domain::orders::OrderStatus;
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;
use ballast_journal::encode;
use ballast_ports::{BoxStream, Broker, ErrorKind, JournalBatch};
use ballast_simulated::Staged;

use super::calls::{Answer, Call, Calls, Ending, Under};
use super::cancel_all::cancel_all;
use super::events;
use super::fill_latency::FillLatency;
use super::market::SharedClock;
use super::recovery::Found;
use super::snapshot::{Noted, Upto};
use super::stop::Stop;
use super::tape_deck::{Made, TapeDeck};
use super::vitals::Vitals;
use super::{Boundaries, MOST_FAILED_ORDERS, Observer, TapePlace};
use crate::engine::Machine;

/// Between two looks at what no waker tells: the kill switch, an interruption.
const TICK: Duration = Duration::from_millis(4);
/// Ticks that a stop waits for what is under way, 10 s.
const MOST_TICKS_TO_STOP: u32 = 2_500;
/// Alerts that are kept for the end.
const KEPT_ALERTS: usize = 20;

/// What the loop wakes up for.
#[derive(Debug)]
pub(super) enum Event {
    /// A call ended.
    Ended(Ending),
    /// A stage of the market was carried out.
    Staged(ballast_ports::Result<Staged>),
    /// Everything is off the venue, or is not.
    Canceled(ballast_ports::Result<usize>),
    /// A snapshot is in the journal, or is not.
    Kept(ballast_ports::Result<()>),
    /// The venue says something.
    Heard(ballast_ports::Result<Fact>),
    /// The venue's facts ended.
    Deaf,
    /// The pause between two stages is over.
    Paced,
    /// Time to look around.
    Tick,
    /// Nothing is under way, and everything that was told is heard.
    Quiet,
}

/// A running session.
pub(super) struct Session<'a> {
    pub(super) kernel: Kernel<Box<dyn Strategy>>,
    effects: Effects,
    /// What a start found in the journal.
    pub(super) found: Found,
    pub(super) noted: Noted,
    pub(super) calls: Calls,
    broker: Arc<dyn Broker>,
    facts: BoxStream<ballast_ports::Result<Fact>>,
    /// Facts the market says it has told, and those that were heard.
    told: u64,
    heard: u64,
    pub(super) staging: Option<Under<ballast_ports::Result<Staged>>>,
    pub(super) pause: Option<Pin<Box<tokio::time::Sleep>>>,
    canceling: Option<Under<ballast_ports::Result<usize>>>,
    tick: Pin<Box<tokio::time::Sleep>>,
    pub(super) timers: BTreeSet<(Timestamp, TimerId)>,
    pub(super) clock: SharedClock,
    pub(super) kill: &'a super::KillWatch,
    kill_reason: &'a dyn Fn() -> Option<String>,
    pub(super) machine: &'a dyn Machine,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) vitals: Vitals,
    /// The last record and the last batch so far, and the record of the newest snapshot.
    pub(super) upto: Upto,
    pub(super) kept: u64,
    pub(super) keeping: Option<Under<ballast_ports::Result<()>>>,
    killed_at: Option<f64>,
    pub(super) canceled_in_ms: Option<u64>,
    pub(super) journal_failed: bool,
    pub(super) failed_calls: u64,
    /// Orders in a row that the venue did not take; what a start finds unanswered is none of them.
    pub(super) failed_orders: u8,
    pub(super) started: bool,
    ticks_to_stop: u32,
    pub(super) stop: Option<(Stop, Option<String>)>,
    pub(super) alerts: VecDeque<String>,
    /// Instruments of the last decision that were not reached.
    pub(super) residuals: usize,
    tape: Option<TapeDeck>,
    pub(super) fill_latency: FillLatency,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        boundaries: &Boundaries<'a>,
        kernel: Kernel<Box<dyn Strategy>>,
        (noted, found): (Noted, Found),
        vitals: Vitals,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let clock: Arc<dyn ballast_ports::Clock> = Arc::clone(&boundaries.clock) as _;
        let ignored = found.ignored.as_ref().map(|why| {
            let said = format!(
                "a snapshot of the journal is left aside, and all records are folded: {why}"
            );
            tracing::warn!("{said}");
            said
        });
        Self {
            kernel,
            effects: Effects::new(),
            noted,
            calls: Calls::new(
                Arc::clone(&boundaries.journal),
                Arc::clone(&boundaries.broker),
                Arc::clone(&boundaries.reports),
                clock,
            ),
            broker: Arc::clone(&boundaries.broker),
            facts: boundaries.broker.facts(),
            told: 0,
            heard: 0,
            failed_calls: 0,
            staging: None,
            pause: None,
            canceling: None,
            tick: Box::pin(tokio::time::sleep(TICK)),
            timers: BTreeSet::new(),
            clock: Arc::clone(&boundaries.clock),
            kill: boundaries.kill,
            kill_reason: boundaries.kill_reason,
            machine: boundaries.machine,
            observer,
            vitals,
            upto: found.upto,
            kept: found.upto.record - found.folded,
            keeping: None,
            found,
            killed_at: None,
            canceled_in_ms: None,
            journal_failed: false,
            failed_orders: 0,
            started: false,
            ticks_to_stop: 0,
            stop: None,
            alerts: ignored.into_iter().collect(),
            residuals: 0,
            tape: None,
            fill_latency: FillLatency::default(),
        }
    }

    /// From here on everything the kernel is told is taken down.
    pub(super) fn begin_tape(&mut self, place: Option<TapePlace>, made: Made) {
        let Some(place) = place else { return };
        match TapeDeck::begin(place, made) {
            Ok(deck) => self.tape = Some(deck),
            Err(e) => self.lose_tape(&e),
        }
    }

    /// The session is over.
    pub(super) fn end_tape(&mut self) {
        let stop = self.stop.as_ref().map(|(stop, _)| *stop);
        let records = self.upto.record;
        self.taped(|deck| deck.end(records, stop));
        self.tape = None;
    }

    /// Does something with the tape. A tape that cannot be written ends there, aloud: it is for
    /// looking back, and trading does not wait for it.
    fn taped(&mut self, what: impl FnOnce(&mut TapeDeck) -> std::io::Result<()>) {
        if let Some(deck) = &mut self.tape
            && let Err(e) = what(deck)
        {
            self.lose_tape(&e);
        }
    }

    fn lose_tape(&mut self, error: &std::io::Error) {
        tracing::error!(%error, "the tape ends here");
        self.note(format!(
            "the tape of inputs ends here, and this session cannot be replayed: {error}"
        ));
        self.tape = None;
    }

    /// Tells the kernel something, and sets off what it asks for.
    pub(super) fn step(&mut self, input: Input<'_>) -> Result<()> {
        let now = self.clock.now();
        self.taped(|deck| deck.told(now, &input));
        self.kernel.step(now, input, &mut self.effects);
        if let Some(deck) = &mut self.tape
            && let Err(e) = deck.did(&self.effects)
        {
            self.lose_tape(&e);
        }
        self.set_off()
    }

    /// Shows the kernel a bar that is only caught up with.
    pub(super) fn warm(&mut self, slice: &Slice<'_>) {
        let now = self.clock.now();
        self.taped(|deck| deck.warmed(now, slice));
        self.kernel.warm(slice);
    }

    fn set_off(&mut self) -> Result<()> {
        while let Some(action) = self.effects.next_action() {
            match action {
                Action::Persist(id, range) => self.persist(id, range)?,
                Action::Send(permit) => {
                    let id = permit.intent().client_id;
                    self.fill_latency.sent(id, self.clock.now());
                    self.calls.call(Call::Send(permit));
                }
                Action::Query(query) => self.calls.call(Call::Ask(query)),
                Action::Cancel(instrument, client_id) => self.calls.cancel(instrument, client_id),
                Action::Arm(timer, at) => {
                    self.timers.insert((at, timer));
                }
                Action::Alert(severity, error) => self.alert(severity, &error),
            }
        }
        if self.calls.is_flooded() {
            return Err(Error::invariant(
                "more calls wait than a sound kernel asks for",
            ));
        }
        Ok(())
    }

    fn persist(&mut self, id: BatchId, range: std::ops::Range<usize>) -> Result<()> {
        let mut records = Vec::with_capacity(range.len());
        for record in &self.effects.records[range] {
            self.noted.take(record);
            events::say(record);
            match record {
                Record::Fill(r) => self.fill_latency.filled(r.fill.client_id, r.fill.time),
                Record::Decision(_) => self.residuals = 0,
                Record::Residual(_) => self.residuals += 1,
                Record::Order(r) if self.started => match r.status {
                    OrderStatus::Rejected | OrderStatus::Unknown => self.failed_orders += 1,
                    status if status.is_from_venue() => self.failed_orders = 0,
                    _ => {}
                },
                _ => {}
            }
            self.upto.record += 1;
            let encoded = encode(self.upto.record, record);
            records.push(encoded.map_err(|e| e.to_domain())?);
        }
        self.upto.batch = self.found.upto.batch + id.sequence;
        if !self.journal_failed {
            self.calls.append(JournalBatch {
                seq: self.upto.batch,
                digest: id.digest,
                records,
            });
        }
        Ok(())
    }

    fn alert(&mut self, severity: Severity, error: &Error) {
        match severity {
            Severity::Warning => tracing::warn!(%error, "alert"),
            Severity::Error => tracing::error!(%error, "alert"),
        }
        self.note(error.to_string());
    }

    pub(super) fn note(&mut self, alert: String) {
        if self.alerts.back() == Some(&alert) {
            return;
        }
        if self.alerts.len() == KEPT_ALERTS {
            self.alerts.pop_front();
        }
        self.alerts.push_back(alert);
    }

    /// Ends the session when what is under way has ended. The first reason stays.
    pub(super) fn end(&mut self, stop: Stop, why: Option<String>) {
        if self.stop.is_none() {
            tracing::info!(stop = stop.describe(), why, "the session ends");
            self.stop = Some((stop, why));
            // No stage comes any more: a session in front of its next bar ends now, not then.
            self.pause = None;
        }
    }

    /// What comes next; a quiet session is told so.
    pub(super) async fn next(&mut self) -> Event {
        poll_fn(|cx| {
            if let Some(ending) = self.calls.poll(cx) {
                return Poll::Ready(Event::Ended(ending));
            }
            if let Some(under) = &mut self.staging
                && let Poll::Ready(staged) = under.as_mut().poll(cx)
            {
                self.staging = None;
                return Poll::Ready(Event::Staged(staged));
            }
            if let Some(under) = &mut self.canceling
                && let Poll::Ready(done) = under.as_mut().poll(cx)
            {
                self.canceling = None;
                return Poll::Ready(Event::Canceled(done));
            }
            if let Some(under) = &mut self.keeping
                && let Poll::Ready(kept) = under.as_mut().poll(cx)
            {
                self.keeping = None;
                return Poll::Ready(Event::Kept(kept));
            }
            match self.facts.as_mut().poll_next(cx) {
                Poll::Ready(Some(fact)) => return Poll::Ready(Event::Heard(fact)),
                Poll::Ready(None) => return Poll::Ready(Event::Deaf),
                Poll::Pending => {}
            }
            if let Some(pause) = &mut self.pause
                && pause.as_mut().poll(cx).is_ready()
            {
                self.pause = None;
                return Poll::Ready(Event::Paced);
            }
            let waits = self.staging.is_some() || self.canceling.is_some() || self.pause.is_some();
            if self.calls.is_idle() && !waits && self.heard >= self.told {
                return Poll::Ready(Event::Quiet);
            }
            if self.tick.as_mut().poll(cx).is_ready() {
                self.tick = Box::pin(tokio::time::sleep(TICK));
                return Poll::Ready(Event::Tick);
            }
            Poll::Pending
        })
        .await
    }

    /// Takes an event in; a quiet one is the feed's.
    pub(super) fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Ended(Ending::Written(Ok(batch))) => {
                let sequence = batch.sequence - self.found.upto.batch;
                self.step(Input::Persisted(BatchId { sequence, ..batch }))
            }
            Event::Ended(Ending::Written(Err(e))) => self.fail_journal(&e),
            Event::Ended(Ending::Answered(answer)) => self.answered(answer),
            Event::Staged(Ok(staged)) => {
                self.told = self.told.max(staged.told);
                Ok(())
            }
            Event::Staged(Err(e)) => {
                self.log_failed("venue", &e);
                self.end(Stop::VenueFailed, Some(e.to_string()));
                Ok(())
            }
            Event::Canceled(done) => {
                match done {
                    Ok(_) => {
                        let since = self.killed_at.map(|at| self.machine.seconds() - at);
                        // Saturates far beyond any stop.
                        self.canceled_in_ms = since
                            .map(|s| Duration::try_from_secs_f64(s).unwrap_or(Duration::MAX))
                            .map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
                    }
                    Err(e) => self.failed("venue", &e),
                }
                Ok(())
            }
            // Nothing of ours: a later one was there.
            Event::Kept(Err(e)) if e.kind != ErrorKind::Rejected => self.fail_journal(&e),
            Event::Kept(_) => Ok(()),
            Event::Heard(Ok(fact)) => {
                self.heard += 1;
                self.step(Input::Fact(&fact))
            }
            Event::Heard(Err(e)) => self.listen_again(Some(e)),
            Event::Deaf => self.listen_again(None),
            Event::Tick => {
                if self.stop.is_some() {
                    self.ticks_to_stop += 1;
                }
                Ok(())
            }
            Event::Paced | Event::Quiet => Ok(()),
        }
    }

    /// Whether a stop has waited long enough for what is under way.
    pub(super) const fn is_out_of_patience(&self) -> bool {
        self.ticks_to_stop > MOST_TICKS_TO_STOP
    }

    fn answered(&mut self, answer: Answer) -> Result<()> {
        match answer {
            Answer::Fact(fact) => {
                self.count_unsent(&fact);
                self.step(Input::Fact(&fact))
            }
            Answer::Report(report) => self.step(Input::Report(&report)),
            Answer::None(e) => {
                self.failed("venue", &e);
                Ok(())
            }
            Answer::Done => Ok(()),
        }
    }

    /// The subscription ended: nothing is sent until the gap is closed by asking.
    fn listen_again(&mut self, cause: Option<ballast_ports::Error>) -> Result<()> {
        if let Some(e) = cause {
            self.failed("venue", &e);
        }
        self.step(Input::Health(&HealthFact::ExecutionReportsDown))?;
        self.facts = self.broker.facts();
        self.heard = self.told;
        self.step(Input::Health(&HealthFact::ExecutionReportsUp))
    }

    /// The gate first, then everybody else: nothing leaves without a record any more.
    fn fail_journal(&mut self, error: &ballast_ports::Error) -> Result<()> {
        self.kernel.gate().kill();
        if std::mem::replace(&mut self.journal_failed, true) {
            return Ok(());
        }
        self.calls.abandon_records();
        let reason = error.to_string();
        self.failed("journal", error);
        self.begin_canceling();
        self.end(Stop::JournalFailed, Some(reason.clone()));
        self.step(Input::Health(&HealthFact::JournalFailed { reason }))
    }

    pub(super) fn begin_canceling(&mut self) {
        if self.canceling.is_none() && self.killed_at.is_none() {
            self.killed_at = Some(self.machine.seconds());
            self.canceling = Some(Box::pin(cancel_all(Arc::clone(&self.broker))));
        }
    }

    /// Looks at what nobody announces: the kill switch, an interruption, what the modes have become.
    pub(super) fn look_around(&mut self) -> Result<()> {
        self.observer.turn();
        if let Some(fact) = self.vitals.turned() {
            self.step(Input::Health(&fact))?;
        }
        if self.kill.is_thrown() && self.killed_at.is_none() {
            let reason = (self.kill_reason)().unwrap_or_else(|| "the kill switch".to_owned());
            self.begin_canceling();
            self.end(Stop::Killed, Some(reason.clone()));
            self.step(Input::Health(&HealthFact::Killed { reason }))?;
        }
        if !self.kill.is_alive() {
            return Err(Error::invariant("nobody watches the kill switch any more")
                .hint("nothing may be sent unwatched; start again"));
        }
        if self.stop.is_some() {
            return Ok(());
        }
        if self.observer.is_interrupted() {
            self.end(Stop::Interrupted, None);
        }
        if self.failed_orders >= MOST_FAILED_ORDERS {
            let why = format!("{MOST_FAILED_ORDERS} orders in a row were refused or unanswered");
            self.end(Stop::OrdersFail, Some(why));
        }
        Ok(())
    }
}
