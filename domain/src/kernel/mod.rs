//! The heart: a pure state machine that turns inputs into effects. Nothing else decides.
//!
//! [`Kernel::step`] takes an instant and an [`Input`], changes the kernel, and appends to
//! [`Effects`]. A driver carries out the effects and feeds back what happened:
//!
//! ```text
//! slice ─▶ decide ─▶ legs ─▶ intents + verdicts ─▶ Persist ─▶ Persisted ─▶ Send(permit)
//!                                                                              │
//!            position, cash, next plan ◀─ Filled, Canceled, … ◀─ venue ◀───────┘
//! ```
//!
//! Three drivers exist or will: backtest ([`crate::simulation::run`]), live, and the simulated
//! world of the tests. All of them run this code and none of them has a path around it.

mod digest;
mod effect;
mod facts;
mod input;
mod order_book;
mod permit;
mod plan;
mod record;
mod settings;
mod sizing;
mod slots;

pub use effect::{Action, BatchId, Effects, Severity, TimerId};
pub use input::{Command, Fact, HealthFact, Input, Quotes};
pub use permit::{Redeemed, SendGate, SendPermit};
pub use record::{
    Cut, DecisionRecord, FillRecord, IntentRecord, LegRecord, ModeRecord, OrderRecord, Record,
    ResidualRecord, SplitRecord, StateRecord,
};
pub use settings::{Settings, SizeAt};

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::instrument::{AssetId, InstrumentId, Instruments};
use crate::market::LaneState;
use crate::orders::{Order, OrderStatus, Side};
use crate::portfolio::{Account, Sleeves};
use crate::risk::{Exposure, Mode, ModeScope, Modes};
use crate::strategy::{Decision, Requirements, Strategy, Target};
use crate::time::Timestamp;
use digest::Digest;
use order_book::OrderBook;
use permit::Epochs;
use plan::Saga;

/// How often each stage of the order path was passed. A run ends with `intents = verdicts` and
/// `permits = sends`, permits that came back unspent aside, or it is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Decisions that took effect.
    pub decisions: u64,
    /// Orders wanted.
    pub intents: u64,
    /// Verdicts given.
    pub verdicts: u64,
    /// Orders risk refused.
    pub denied: u64,
    /// Permits minted.
    pub permits: u64,
    /// Executions booked.
    pub fills: u64,
}

/// A decision on its way to taking effect.
#[derive(Debug)]
struct Pending {
    slot: Timestamp,
    /// Index of the slice at which it takes effect.
    due: usize,
    decision: Decision,
}

/// A batch whose answer has not come.
#[derive(Debug)]
struct Outstanding {
    id: BatchId,
    /// Orders its answer releases.
    release: Range<u64>,
}

/// One account, one strategy, one state machine.
#[derive(Debug)]
pub struct Kernel<S> {
    strategy: S,
    requirements: Requirements,
    instruments: Instruments,
    settings: Settings,
    gate: Arc<SendGate>,
    /// The epochs this kernel has acknowledged. Permits are bound to these, never to what the gate
    /// says at the moment of minting: a kill that nobody told the kernel of must hold.
    epochs: Epochs,
    account: Account,
    orders: OrderBook,
    exposure: Exposure,
    modes: Modes,
    sleeves: Sleeves,
    now: Timestamp,
    slices: usize,
    slice_time: Timestamp,
    states: Vec<LaneState>,
    bars_seen: Vec<u32>,
    pending: VecDeque<Pending>,
    /// Targets that wait for quotes, or for the saga before them to end.
    waiting: Option<plan::Waiting>,
    targets: Vec<Option<Target>>,
    /// Room for a decision that may still be refused.
    spare_sleeves: Sleeves,
    spare_targets: Vec<Option<Target>>,
    saga: Option<Saga>,
    decision_number: u32,
    batch: u64,
    outstanding: VecDeque<Outstanding>,
    /// Orders the batch of the current step releases.
    release: Range<u64>,
    orphans: Vec<Fact>,
    counts: Counts,
}

impl<S: Strategy> Kernel<S> {
    /// A kernel that has seen nothing.
    ///
    /// # Errors
    /// `Configuration` from [`Settings::validate`], or when an instrument is quoted in another
    /// asset than the base currency (conversions are not built yet).
    pub fn new(
        instruments: Instruments,
        settings: Settings,
        strategy: S,
        gate: Arc<SendGate>,
    ) -> Result<Self> {
        settings.validate()?;
        if let Some(foreign) = instruments.all().iter().find(|i| i.quote != AssetId::BASE) {
            let quote = instruments
                .asset(foreign.quote)
                .map_or("?", |a| a.code.as_str());
            return Err(Error::config(format!(
                "{} is quoted in {quote}, the account in {}",
                foreign.symbol,
                instruments.base().code
            ))
            .hint("trade instruments quoted in the base currency; conversions are not built yet"));
        }
        let n = instruments.len();
        let requirements = strategy.requirements();
        Ok(Self {
            requirements,
            account: Account::new(&instruments),
            orders: OrderBook::default(),
            exposure: Exposure::new(n),
            modes: Modes::new(n),
            sleeves: Sleeves::default(),
            spare_sleeves: Sleeves::default(),
            now: Timestamp::MIN,
            slices: 0,
            slice_time: Timestamp::MIN,
            states: vec![LaneState::NotListed; n],
            bars_seen: vec![0; n],
            pending: VecDeque::new(),
            waiting: None,
            targets: Vec::new(),
            spare_targets: Vec::new(),
            saga: None,
            decision_number: 0,
            batch: 0,
            outstanding: VecDeque::new(),
            release: 0..0,
            orphans: Vec::new(),
            counts: Counts::default(),
            epochs: gate.epochs(),
            strategy,
            instruments,
            settings,
            gate,
        })
    }

    /// Takes one input at `now` and appends what must be done.
    ///
    /// An input that cannot be true (time running backwards, an answer to a batch never written)
    /// is refused with an alert and halts the account: wrong is worse than stopped.
    #[inline]
    pub fn step(&mut self, now: Timestamp, input: Input<'_>, effects: &mut Effects) {
        let first = effects.records.len();
        if now < self.now {
            let error = Error::invariant("trading time ran backwards")
                .context("now", now)
                .context("before", self.now)
                .hint("deliver inputs in the order of their times");
            self.halt(effects, error);
        } else {
            self.now = now;
            self.take(input, effects);
        }
        if effects.records.len() > first {
            self.persist(first, effects);
        }
    }

    #[inline]
    fn take(&mut self, input: Input<'_>, effects: &mut Effects) {
        match input {
            Input::Slice(slice) => self.on_slice(slice, effects),
            Input::Persisted(id) => self.on_persisted(id, effects),
            Input::Fact(fact) => self.on_fact(fact, effects),
            Input::Quotes(quotes) => self.on_quotes(quotes, effects),
            Input::Command(command) => self.on_command(command, effects),
            Input::Health(fact) => self.on_health(fact, effects),
            Input::Timer(id) => {
                let error =
                    Error::invariant("a timer fired that was never armed").context("timer", id.0);
                effects
                    .actions
                    .push_back(Action::Alert(Severity::Warning, error));
            }
        }
    }

    /// Asks for the records of this step to be made durable.
    fn persist(&mut self, first: usize, effects: &mut Effects) {
        self.batch += 1;
        let mut digest = Digest::new(self.batch);
        for record in &effects.records[first..] {
            record.feed(&mut digest);
        }
        let id = BatchId {
            sequence: self.batch,
            digest: digest.finish(),
        };
        let release = std::mem::replace(&mut self.release, 0..0);
        self.outstanding.push_back(Outstanding { id, release });
        effects
            .actions
            .push_back(Action::Persist(id, first..effects.records.len()));
    }

    /// Only here are permits minted: the batch that holds intent and verdict is durable.
    fn on_persisted(&mut self, id: BatchId, effects: &mut Effects) {
        let Some(oldest) = self.outstanding.front().filter(|o| o.id == id) else {
            let error = Error::invariant("the journal answers for a batch that was not next")
                .context("answered", id.sequence)
                .context(
                    "expected",
                    self.outstanding.front().map_or(0, |o| o.id.sequence),
                )
                .hint("answer each batch once, in order, with its own sequence and digest");
            self.halt(effects, error);
            return;
        };
        let release = oldest.release.clone();
        self.outstanding.pop_front();
        for number in release {
            self.release_order(number, effects);
        }
    }

    fn release_order(&mut self, number: u64, effects: &mut Effects) {
        let Some(order) = self.orders.by_number(number) else {
            return;
        };
        if order.status() != OrderStatus::Recorded {
            return;
        }
        let intent = order.intent;
        let reduces = {
            let held = self.account.position(intent.instrument).quantity;
            Side::of(-held) == intent.side && intent.quantity <= held.abs()
        };
        if !self.modes.effective(intent.instrument).allows(reduces) {
            // The mode was tightened while the batch was being written.
            self.end_order(
                number,
                OrderStatus::NotSent,
                "mode tightened".into(),
                effects,
            );
            return;
        }
        self.orders.advance(number, OrderStatus::Sent);
        self.counts.permits += 1;
        let expires_at = self.now + self.settings.permit_lifetime;
        effects.actions.push_back(Action::Send(SendPermit::mint(
            intent,
            self.epochs,
            expires_at,
        )));
    }

    fn on_command(&mut self, command: &Command, effects: &mut Effects) {
        match command {
            Command::SetMode {
                scope,
                mode,
                reason,
            } => {
                if self.modes.release(*scope, *mode) {
                    self.record_mode(*scope, *mode, reason.clone(), effects);
                }
            }
        }
    }

    fn on_health(&mut self, fact: &HealthFact, effects: &mut Effects) {
        let (mode, reason) = match fact {
            HealthFact::ClockStepped { nanos } => (
                Mode::ReduceOnly,
                format!("wall clock stepped by {nanos} ns"),
            ),
            HealthFact::ExecutionReportsDown => {
                (Mode::CancelOnly, "execution reports are down".to_owned())
            }
            HealthFact::JournalFailed { reason } => {
                (Mode::Halted, format!("journal failed: {reason}"))
            }
            HealthFact::Killed { reason } => {
                // Acknowledged and halted in one step: whoever releases the mode means after it.
                self.epochs.kill = self.gate.kill_epoch();
                (Mode::Halted, format!("killed: {reason}"))
            }
        };
        self.tighten(ModeScope::Account, mode, reason, effects);
    }

    fn tighten(&mut self, scope: ModeScope, mode: Mode, reason: String, effects: &mut Effects) {
        if self.modes.tighten(scope, mode) {
            self.record_mode(scope, mode, reason, effects);
        }
    }

    fn record_mode(&self, scope: ModeScope, mode: Mode, reason: String, effects: &mut Effects) {
        effects.records.push(Record::Mode(ModeRecord {
            time: self.now,
            scope,
            mode,
            reason,
        }));
    }

    /// Stops order flow because the program or its driver contradicts itself.
    fn halt(&mut self, effects: &mut Effects, error: Error) {
        self.tighten(
            ModeScope::Account,
            Mode::Halted,
            error.message.clone(),
            effects,
        );
        effects
            .actions
            .push_back(Action::Alert(Severity::Error, error));
    }

    /// Whether nothing is outstanding: no batch, no order its plan waits for, no targets waiting
    /// for quotes. An order of unknown outcome may still execute; no plan waits for it.
    pub fn is_quiescent(&self) -> bool {
        self.outstanding.is_empty() && self.saga.is_none() && self.waiting.is_none()
    }

    /// Whether targets wait for [`Input::Quotes`].
    pub const fn wants_quotes(&self) -> bool {
        self.waiting.is_some() && self.saga.is_none()
    }

    /// The gate its permits are bound to.
    pub fn gate(&self) -> &SendGate {
        &self.gate
    }

    /// The time of the last input.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The instruments.
    pub const fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// The strategy.
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the strategy asked for.
    pub const fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// How often each stage was passed.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The mode that holds for an instrument.
    pub fn mode(&self, id: InstrumentId) -> Mode {
        self.modes.effective(id)
    }

    /// What its orders may still do: open quantities and cash set aside.
    pub const fn exposure(&self) -> &Exposure {
        &self.exposure
    }

    /// The orders it still knows, oldest first: all that may execute, and the last final ones.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    /// Facts about orders that are not known here.
    pub fn orphans(&self) -> &[Fact] {
        &self.orphans
    }
}
