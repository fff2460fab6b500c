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

mod cancel;
mod commands;
mod digest;
mod effect;
mod events;
mod facts;
mod input;
mod modes;
mod order_book;
mod overview;
mod permit;
mod plan;
mod planted;
mod reconcile;
mod record;
mod record_body;
mod recorded_state;
mod recovery;
mod report;
mod saga;
mod session;
mod settings;
mod sizing;
mod slots;
mod style;
mod watch;

pub use effect::{Action, BatchId, Effects, Severity, TimerId};
pub use input::{AdjustmentKind, Command, EventId, Fact, HealthFact, Input, Quotes};
pub use overview::{LastDecision, Line, LineValue, ModeLine, OpenOrder, Overview};
pub use permit::{Redeemed, SendGate, SendPermit};
#[cfg(feature = "planted")]
pub use planted::Bug;
pub use reconcile::{Books, Difference, Dispute, reconcile};
pub use record::{
    AdjustmentRecord, AgreementRecord, Cut, DecisionRecord, DisputeRecord, FillRecord, HoldRecord,
    IntentRecord, LegRecord, ModeRecord, OrderRecord, OrphanRecord, Record, ResidualRecord,
    SessionRecord, SplitRecord, StateRecord,
};
pub use record_body::{Once, RecordBody};
pub use recorded_state::RecordedState;
pub use recovery::Restore;
pub use report::{ExternalOrder, Query, VenueReport};
pub use session::Session;
pub use settings::{Settings, SizeAt, Watch};
pub use style::{LimitStyle, OrderStyle};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::instrument::{AssetId, InstrumentId, Instruments};
use crate::market::LaneState;
use crate::money::{Cash, Quantity};
use crate::orders::{Cause, Order, OrderStatus, Side};
use crate::portfolio::{Account, Sleeves};
use crate::risk::{Exposure, Modes};
use crate::strategy::{BarsSeen, Decision, Requirements, Strategy, Target};
use crate::time::{Span, Timestamp};
use digest::Digest;
use facts::Refusal;
use order_book::OrderBook;
use permit::Epochs;
use plan::Room;
#[cfg(not(feature = "planted"))]
use planted::Bug;
use saga::{Saga, Waiting};
use watch::{Purpose, Unsent};

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
    /// Whether every state is known to be `Present`, so that it need not be written again.
    all_present: bool,
    bars_seen: BarsSeen,
    pending: VecDeque<Pending>,
    /// Targets that wait for quotes, or for the saga before them to end.
    waiting: Option<Waiting>,
    targets: Vec<Option<Target>>,
    /// Room for a decision that may still be refused.
    spare_sleeves: Sleeves,
    spare_targets: Vec<Option<Target>>,
    /// Boxed: every plan takes it out and puts it back.
    saga: Option<Box<Saga>>,
    room: Room,
    decision_number: u32,
    batch: u64,
    outstanding: VecDeque<Outstanding>,
    /// Orders the batch of the current step releases.
    release: Range<u64>,
    orphans: Vec<Fact>,
    counts: Counts,
    /// Which assets have had their opening.
    opened: Vec<bool>,
    /// Events of the account that are booked.
    events: BTreeSet<EventId>,
    /// When each position last changed, by the venue's clock where it gave one.
    changed_at: Vec<Timestamp>,
    /// The last slot that was used up; each is used once.
    last_slot: Timestamp,
    /// Commands that caused orders.
    commands: u64,
    session: Session,
    session_since: Timestamp,
    /// Whether orders of an earlier session are still to be cleared.
    starting: bool,
    /// Whether records are being taken back: nothing is decided, armed or tightened.
    restoring: bool,
    /// The rebalance that a restart found unfinished.
    interrupted: Option<Box<Saga>>,
    /// The account as the venue shows it while the journal is empty.
    unadopted: Option<Box<VenueReport>>,
    /// When the last event of the account was booked.
    event_at: Timestamp,
    /// The newest report that was compared.
    reported_at: Timestamp,
    /// The newest report with which everything agreed.
    agreed_at: Timestamp,
    /// The newest agreement that is recorded: a restart goes on from it.
    recorded_agreement: Timestamp,
    disputes: Vec<Option<Dispute>>,
    /// Asset, difference, how often in a row, and the last report.
    cash_dispute: Option<(AssetId, Cash, u8, Timestamp)>,
    timers: BTreeMap<TimerId, Purpose>,
    last_timer: u64,
    /// The last request each instrument's venue refused.
    refusals: Vec<Option<Refusal>>,
    /// Whether the prices of each instrument are in doubt.
    sick_feeds: Vec<bool>,
    unwell: bool,
    /// Orders in a row without any answer.
    unanswered: u8,
    unsent: Unsent,
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
            orders: OrderBook::new(settings.remembered_orders),
            exposure: Exposure::new(n),
            modes: Modes::new(n),
            sleeves: Sleeves::default(),
            spare_sleeves: Sleeves::default(),
            now: Timestamp::MIN,
            slices: 0,
            slice_time: Timestamp::MIN,
            states: vec![LaneState::NotListed; n],
            all_present: false,
            bars_seen: BarsSeen::new(n),
            pending: VecDeque::new(),
            waiting: None,
            targets: Vec::new(),
            spare_targets: Vec::new(),
            saga: None,
            room: Room::default(),
            decision_number: 0,
            batch: 0,
            outstanding: VecDeque::new(),
            release: 0..0,
            orphans: Vec::new(),
            counts: Counts::default(),
            opened: vec![false; instruments.assets().len()],
            events: BTreeSet::new(),
            changed_at: vec![Timestamp::MIN; n],
            last_slot: Timestamp::MIN,
            commands: 0,
            session: Session::Ready,
            session_since: Timestamp::MIN,
            starting: false,
            restoring: false,
            interrupted: None,
            unadopted: None,
            event_at: Timestamp::MIN,
            reported_at: Timestamp::MIN,
            agreed_at: Timestamp::MIN,
            recorded_agreement: Timestamp::MIN,
            disputes: vec![None; n],
            cash_dispute: None,
            timers: BTreeMap::new(),
            last_timer: 0,
            refusals: vec![None; n],
            sick_feeds: vec![false; n],
            unwell: false,
            unanswered: 0,
            unsent: Unsent::default(),
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
    // Every driver knows which input it hands over: inlined, the match costs nothing.
    #[inline(always)]
    pub fn step(&mut self, now: Timestamp, input: Input<'_>, effects: &mut Effects) {
        let first = effects.records.len();
        if now < self.now {
            self.refuse_past(now, effects);
        } else {
            self.now = now;
            self.take(input, effects);
        }
        if effects.records.len() > first {
            self.persist(first, effects);
        }
    }

    #[cold]
    fn refuse_past(&mut self, now: Timestamp, effects: &mut Effects) {
        let error = Error::invariant("trading time ran backwards")
            .context("now", now)
            .context("before", self.now)
            .hint("deliver inputs in the order of their times");
        self.halt(effects, error);
    }

    #[inline(always)]
    fn take(&mut self, input: Input<'_>, effects: &mut Effects) {
        match input {
            Input::Slice(slice) => self.on_slice(slice, effects),
            Input::Persisted(id) => self.on_persisted(id, effects),
            Input::Fact(fact) => self.on_fact(fact, effects),
            Input::Quotes(quotes) => self.on_quotes(quotes, effects),
            Input::Command(command) => self.on_command(command, effects),
            Input::Health(fact) => self.on_health(fact, effects),
            Input::Timer(id) => self.on_timer(id, effects),
            Input::Report(report) => self.on_report(report, effects),
            Input::Start => self.on_start(effects),
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
        // The mode may have been tightened while the batch was being written.
        let cause = match &self.saga {
            Some(saga) if saga.decision == intent.client_id.decision => saga.cause,
            _ => Cause::Slot(self.now),
        };
        if !self.mode_for(cause, intent.instrument).allows(reduces) {
            let none = Quantity::ZERO;
            let reason = "mode tightened".into();
            self.learn(number, OrderStatus::NotSent, none, reason, effects);
            return;
        }
        if self.planted(Bug::PermitAfterKill) {
            self.epochs.kill = self.gate.epochs().kill;
        }
        if self.planted(Bug::PermitByOldWriter) {
            self.epochs.writer = self.gate.epochs().writer;
        }
        let lifetime = if self.planted(Bug::PermitAfterExpiry) {
            Span::from_days(3_650)
        } else {
            self.settings.permit_lifetime
        };
        let expires_at = self.now + lifetime;
        if let Some(order) = self.orders.by_number_mut(number) {
            order.advance(OrderStatus::Sent, Quantity::ZERO);
            order.fence = expires_at;
            order.sent_at = self.now;
        }
        self.counts.permits += 1;
        if let Some(after) = self.settings.watch.as_ref().map(|w| w.acknowledgement) {
            self.watch_order(number, after, effects);
        }
        effects.actions.push_back(Action::Send(SendPermit::mint(
            intent,
            self.epochs,
            expires_at,
        )));
    }

    /// Whether nothing is outstanding: no batch, no order its plan waits for, no targets waiting
    /// for quotes. An order of unknown outcome may still execute; no plan waits for it.
    pub fn is_quiescent(&self) -> bool {
        self.outstanding.is_empty()
            && self.saga.as_ref().is_none_or(|s| s.open == 0)
            && self.waiting.is_none()
    }

    /// Whether targets wait for [`Input::Quotes`].
    pub const fn wants_quotes(&self) -> bool {
        self.waiting.is_some() && self.saga.is_none()
    }

    /// Sums the account's equity once for all who ask until something is booked.
    pub(crate) fn renew_equity(&mut self) {
        self.account.renew_equity();
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

    /// What its orders may still do: open quantities and cash set aside.
    pub const fn exposure(&self) -> &Exposure {
        &self.exposure
    }

    /// The orders it still knows, oldest first: all that may execute, and the last final ones.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    /// Positions on which we and the venue do not agree.
    pub fn disputes(&self) -> impl Iterator<Item = (InstrumentId, Dispute)> {
        self.instruments
            .ids()
            .zip(&self.disputes)
            .filter_map(|(id, d)| Some((id, (*d)?)))
    }

    /// Facts about orders that are not known here.
    pub fn orphans(&self) -> &[Fact] {
        &self.orphans
    }
}
