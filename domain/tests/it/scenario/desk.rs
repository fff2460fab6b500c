//! A kernel stepped by hand, and what a venue says to it.

use ballast_domain::error::Error;
use ballast_domain::instrument::AssetId;
use ballast_domain::kernel::{
    Action, BatchId, Effects, Fact, Input, Kernel, Query, Redeemed, SendGate, SendPermit, Session,
    TimerId, VenueReport, Watch,
};
use ballast_domain::market::Panel;
use ballast_domain::money::Quantity;
use ballast_domain::orders::{ClientOrderId, Fill, Intent, TradeId};
use ballast_domain::time::{Span, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;

use super::{Log, Scripted, Tape, World, close_of, dollars, open_of, price, units};

/// A kernel stepped by hand: nothing is answered unless the test answers it.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) kernel: Kernel<Scripted>,
    pub(crate) gate: Arc<SendGate>,
    pub(crate) panel: Panel,
    pub(crate) now: Timestamp,
    pub(crate) log: Log,
    /// Batches that wait for their answer.
    pub(crate) batches: VecDeque<BatchId>,
    pub(crate) permits: Vec<SendPermit>,
    pub(crate) cancels: Vec<ClientOrderId>,
    pub(crate) queries: Vec<Query>,
    pub(crate) timers: Vec<(TimerId, Timestamp)>,
    pub(crate) alerts: Vec<Error>,
    effects: Effects,
}

impl Desk {
    /// A desk with 10,000 dollars whose opening is durable.
    pub(crate) fn new(world: &World, script: Scripted, tape: &Tape) -> Self {
        let gate = Arc::new(SendGate::new(1));
        let kernel = Kernel::new(
            world.instruments.clone(),
            world.settings.clone(),
            script,
            gate.clone(),
        )
        .unwrap();
        let mut desk = Self {
            kernel,
            gate,
            panel: tape.panel(),
            now: Timestamp::EPOCH,
            log: Log::default(),
            batches: VecDeque::new(),
            permits: Vec::new(),
            cancels: Vec::new(),
            queries: Vec::new(),
            timers: Vec::new(),
            alerts: Vec::new(),
            effects: Effects::new(),
        };
        desk.fact(&Fact::Opening {
            asset: AssetId::BASE,
            amount: world.exchange.opening_cash,
        });
        desk.persist();
        desk
    }

    pub(crate) fn step(&mut self, input: Input<'_>) {
        self.kernel.step(self.now, input, &mut self.effects);
        while let Some(action) = self.effects.actions.pop_front() {
            match action {
                Action::Persist(id, range) => {
                    self.log
                        .records
                        .extend_from_slice(&self.effects.records[range]);
                    self.batches.push_back(id);
                }
                Action::Send(permit) => self.permits.push(permit),
                Action::Cancel(_, id) => self.cancels.push(id),
                Action::Alert(_, error) => self.alerts.push(error),
                Action::Query(query) => self.queries.push(query),
                Action::Arm(timer, at) => self.timers.push((timer, at)),
            }
        }
        self.effects.records.clear();
    }

    /// A desk whose kernel watches its venue, after its session began and was reconciled.
    pub(crate) fn watched(world: &World, script: Scripted, tape: &Tape) -> Self {
        Self::watched_by(Watch::new(), world, script, tape)
    }

    pub(crate) fn watched_by(watch: Watch, world: &World, script: Scripted, tape: &Tape) -> Self {
        let mut world = world.clone();
        world.settings.watch = Some(watch);
        world.settings.permit_lifetime = Span::from_seconds(5);
        world.settings.record_holds = true;
        let mut desk = Self::new(&world, script, tape);
        desk.now = open_of(0);
        desk.step(Input::Start);
        desk.agree();
        desk.persist();
        assert_eq!(desk.kernel.session(), Session::Ready);
        desk
    }

    /// The venue shows exactly what our books say, now.
    pub(crate) fn report(&self) -> VenueReport {
        let account = self.kernel.account();
        let held = |id| (id, account.position(id).quantity);
        VenueReport {
            as_of: self.now,
            cash: vec![(AssetId::BASE, account.cash())],
            positions: self.kernel.instruments().ids().map(held).collect(),
            ..VenueReport::default()
        }
    }

    pub(crate) fn agree(&mut self) {
        let report = self.report();
        self.step(Input::Report(&report));
    }

    /// Lets time pass, and fires every timer that comes due on the way.
    pub(crate) fn pass(&mut self, span: Span) {
        let end = self.now + span;
        while let Some(next) = self
            .timers
            .iter()
            .map(|t| t.1)
            .filter(|at| *at <= end)
            .min()
        {
            let due = self.timers.iter().position(|t| t.1 == next).unwrap();
            let (timer, at) = self.timers.remove(due);
            self.now = self.now.max(at);
            self.step(Input::Timer(timer));
        }
        self.now = end;
    }

    pub(crate) fn seconds(&mut self, seconds: i64) {
        self.pass(Span::from_seconds(seconds));
    }

    /// The questions asked about single orders since the last look.
    pub(crate) fn asked(&mut self) -> Vec<ClientOrderId> {
        let queries = std::mem::take(&mut self.queries).into_iter();
        queries
            .filter_map(|q| match q {
                Query::Order(_, id) => Some(id),
                Query::Account { .. } => None,
            })
            .collect()
    }

    /// The kernel a restart makes of the records so far, at the same instant.
    pub(crate) fn restarted(&self, world: &World, script: Scripted) -> Self {
        let gate = Arc::new(SendGate::new(2));
        let settings = self.kernel.settings().clone();
        let mut kernel =
            Kernel::new(world.instruments.clone(), settings, script, gate.clone()).unwrap();
        let mut restore = kernel.restore().unwrap();
        for record in &self.log.records {
            restore.record(record).unwrap();
        }
        restore.finish().unwrap();
        let mut desk = Self {
            kernel,
            gate,
            panel: self.panel.clone(),
            now: self.now,
            log: self.log.clone(),
            batches: VecDeque::new(),
            permits: Vec::new(),
            cancels: Vec::new(),
            queries: Vec::new(),
            timers: Vec::new(),
            alerts: Vec::new(),
            effects: Effects::new(),
        };
        for row in 0..self.panel.len() {
            let slice = desk.panel.slice(row).unwrap();
            if slice.time() <= self.now {
                desk.kernel.warm(&slice);
            }
        }
        desk
    }

    /// Delivers the slice of a row at its close.
    pub(crate) fn slice(&mut self, row: usize) {
        self.now = close_of(row);
        let panel = self.panel.clone();
        self.step(Input::Slice(&panel.slice(row).unwrap()));
    }

    pub(crate) fn fact(&mut self, fact: &Fact) {
        self.step(Input::Fact(fact));
    }

    /// Answers every batch.
    pub(crate) fn persist(&mut self) {
        while let Some(id) = self.batches.pop_front() {
            self.step(Input::Persisted(id));
        }
    }

    /// Delivers a row's slice, answers every batch, and redeems the permits.
    pub(crate) fn trade(&mut self, row: usize) -> Vec<Intent> {
        self.slice(row);
        self.persist();
        self.sent()
    }

    /// The orders whose permits came, in order.
    pub(crate) fn sent(&mut self) -> Vec<Intent> {
        let redeemed = self.redeemed().into_iter();
        redeemed.map(Redeemed::into_intent).collect()
    }

    /// The same, as an exchange takes them.
    pub(crate) fn redeemed(&mut self) -> Vec<Redeemed> {
        let (gate, now) = (self.gate.clone(), self.now);
        let permits = std::mem::take(&mut self.permits).into_iter();
        permits.map(|p| p.redeem(&gate, now).unwrap()).collect()
    }

    pub(crate) fn alert_text(&self) -> String {
        let texts: Vec<_> = self.alerts.iter().map(|e| e.message.clone()).collect();
        texts.join("; ")
    }
}

pub(crate) fn rejected(intent: &Intent, reason: &'static str) -> Fact {
    Fact::Rejected {
        client_id: intent.client_id,
        reason: reason.into(),
    }
}

/// An execution of part of an order.
pub(crate) fn execution(intent: &Intent, trade: u128, quantity: i64, at: &str) -> Fact {
    Fact::Filled(Fill {
        time: Timestamp::EPOCH,
        client_id: intent.client_id,
        trade_id: TradeId(trade),
        instrument: intent.instrument,
        side: intent.side,
        quantity: units(quantity),
        price: price(at),
        fee: dollars("0.25"),
        fee_asset: AssetId::BASE,
    })
}

pub(crate) fn accepted(intent: &Intent) -> Fact {
    Fact::Accepted {
        client_id: intent.client_id,
    }
}

pub(crate) fn canceled(intent: &Intent) -> Fact {
    Fact::Canceled {
        client_id: intent.client_id,
        filled: Quantity::ZERO,
        reason: "test".into(),
    }
}

pub(crate) fn unknown(intent: &Intent) -> Fact {
    Fact::OutcomeUnknown {
        client_id: intent.client_id,
        reason: "test".into(),
    }
}
