//! A venue that takes orders, and fails before or after it has them as a test says.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{Fact, SendGate, SendPermit};
use ballast_domain::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::orders::{ClientOrderId, TimeInForce};
use ballast_domain::simulation::{
    Exchange, ExchangeSettings, FeeModel, FillPoint, SlippageModel, VenueOrder, VenueRules,
};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Clock, Error, ErrorKind, Idempotency,
    OrderReport, Result, SubmitOutcome, stream::Stream,
};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::FakeClock;
use crate::builders::equities;
use crate::conformance::broker::{Market, Subject};

/// What goes wrong in one call of a [`FakeBroker`].
#[derive(Clone, Debug)]
pub enum BrokerFault {
    /// Nothing: the call answers well.
    None,
    /// This error, before anything reached the venue: an order comes back with its permit.
    BeforeWrite(Error),
    /// The venue has the request, and this error comes instead of its answer.
    AfterWrite(Error),
    /// The venue has the request, and no answer ever comes.
    Hang,
}

/// A venue of two shares, `A` and `B`, an account with 1,000,000 and a script of faults: one a call
/// of any kind, then none. Its time stands still.
#[derive(Debug)]
pub struct FakeBroker {
    exchange: Mutex<Exchange>,
    instruments: Instruments,
    gate: Arc<SendGate>,
    clock: Arc<FakeClock>,
    next_bar: Mutex<Timestamp>,
    script: Mutex<VecDeque<BrokerFault>>,
    calls: Mutex<Vec<&'static str>>,
    listeners: Mutex<Vec<UnboundedSender<Fact>>>,
}

impl Default for FakeBroker {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeBroker {
    /// A fresh account. Panics never: its settings are fixed.
    pub fn new() -> Self {
        let instruments = equities(&["A", "B"]);
        // Eleven in the morning in New York: the offers of a test stay within the session.
        let now = Timestamp::EPOCH + Span::from_seconds(20_000 * 86_400 + 15 * 3_600);
        let settings = ExchangeSettings {
            fill_point: FillPoint::NextOpen,
            fees: FeeModel::Proportional(Rate::from_bps(5)),
            slippage: SlippageModel::Proportional(Rate::from_bps(5)),
            opening_cash: Cash::from_decimal(Decimal::from(1_000_000), 12)
                .expect("a million fits 12 digits"),
            delisting_haircut: Rate::ZERO,
        };
        let rules = VenueRules {
            participation: Some(Rate::ONE),
            ..VenueRules::default()
        };
        let mut exchange = Exchange::with_rules(instruments.clone(), settings, rules);
        while exchange.next_fact().is_some() {}
        Self {
            exchange: Mutex::new(exchange),
            instruments,
            gate: Arc::new(SendGate::new(1)),
            clock: Arc::new(FakeClock::new(now)),
            next_bar: Mutex::new(now),
            script: Mutex::default(),
            calls: Mutex::default(),
            listeners: Mutex::default(),
        }
    }

    /// Faults of the next calls, one a call in this order.
    #[must_use]
    pub fn script(self, faults: impl IntoIterator<Item = BrokerFault>) -> Self {
        lock(&self.script).extend(faults);
        self
    }

    /// The name of every call that came here.
    pub fn calls(&self) -> Vec<&'static str> {
        lock(&self.calls).clone()
    }

    /// The gate its permits are redeemed against.
    pub fn gate(&self) -> Arc<SendGate> {
        Arc::clone(&self.gate)
    }

    /// Its time.
    pub fn clock(&self) -> Arc<FakeClock> {
        Arc::clone(&self.clock)
    }

    /// What it lists.
    pub const fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// A subject of the broker suite: `broker` is this one, or a decorator around it.
    pub fn subject(self: &Arc<Self>, broker: Arc<dyn Broker>) -> Subject {
        Subject {
            broker,
            instruments: self.instruments.clone(),
            instrument: InstrumentId(1),
            gate: self.gate(),
            now: self.clock.now(),
            market: Arc::clone(self) as _,
        }
    }

    fn publish(&self, exchange: &mut Exchange) {
        let mut listeners = lock(&self.listeners);
        while let Some(fact) = exchange.next_fact() {
            listeners.retain(|listener| listener.send(fact.clone()).is_ok());
        }
    }

    fn next_fault(&self, operation: &'static str) -> BrokerFault {
        lock(&self.calls).push(operation);
        lock(&self.script).pop_front().unwrap_or(BrokerFault::None)
    }

    /// A read or a cancel with the fault that is due.
    async fn answer<T>(
        &self,
        operation: &'static str,
        call: impl FnOnce(&mut Exchange) -> Result<T> + Send,
    ) -> Result<T> {
        let fault = self.next_fault(operation);
        if let BrokerFault::BeforeWrite(error) = fault {
            return Err(error);
        }
        let answer = {
            let mut exchange = lock(&self.exchange);
            let answer = call(&mut exchange);
            self.publish(&mut exchange);
            answer
        };
        match fault {
            BrokerFault::AfterWrite(error) => Err(error),
            BrokerFault::Hang => pending().await,
            BrokerFault::None | BrokerFault::BeforeWrite(_) => answer,
        }
    }
}

#[async_trait]
impl Market for FakeBroker {
    async fn offer(&self, units: Decimal) {
        let (open, close) = {
            let mut next = lock(&self.next_bar);
            let open = *next;
            *next = open + Span::from_seconds(1);
            (open, *next)
        };
        let volume = units.to_f64().expect("an offer is a number");
        let row = LaneRow {
            state: LaneState::Present,
            values: [100.0, 100.0, 100.0, 100.0, volume],
        };
        let mut panel = Panel::new(2, Fields::ALL, PriceBasis::Raw);
        panel
            .push_row(open, close, &[row, row], &[])
            .expect("bars of a second in order");
        let slice = panel.slice(0).expect("one row");
        let mut exchange = lock(&self.exchange);
        exchange.begin_bar(&slice);
        while exchange.execute(&slice, open) > 0 {}
        exchange.expire(&slice);
        exchange.note_closes(&slice);
        exchange.end_bar(&slice);
        self.publish(&mut exchange);
    }
}

#[async_trait]
impl Broker for FakeBroker {
    fn name(&self) -> &str {
        "fake"
    }

    fn capabilities(&self) -> BrokerCapabilities {
        BrokerCapabilities {
            market_orders: true,
            limit_orders: true,
            times_in_force: vec![TimeInForce::Day, TimeInForce::Ioc, TimeInForce::Gtc],
            post_only: false,
            reduce_only: true,
            idempotency: Idempotency::OpenOnly,
            expiry_fence: Some(Span::ZERO),
        }
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        let fault = self.next_fault("submit");
        if let BrokerFault::BeforeWrite(cause) = fault {
            return SubmitOutcome::NotSent { permit, cause };
        }
        let now = self.clock.now();
        let redeemed = match permit.redeem(&self.gate, now) {
            Ok(redeemed) => redeemed,
            Err(permit) => {
                let cause = Error::new(ErrorKind::Halted, "submit", "the send gate is closed")
                    .hint("the permit expired, the account was killed, or another writer owns it");
                return SubmitOutcome::NotSent { permit, cause };
            }
        };
        let answer = {
            let mut exchange = lock(&self.exchange);
            exchange.submit_at(redeemed, now);
            let answer = exchange.next_fact();
            self.publish(&mut exchange);
            answer
        };
        match fault {
            BrokerFault::AfterWrite(cause) => return SubmitOutcome::Unknown { cause },
            BrokerFault::Hang => pending().await,
            BrokerFault::None | BrokerFault::BeforeWrite(_) => {}
        }
        match answer {
            Some(Fact::Accepted { .. }) => SubmitOutcome::Accepted,
            Some(Fact::Rejected { reason, .. }) => SubmitOutcome::Rejected {
                reason: reason.into_owned(),
            },
            other => panic!("an exchange answers each submit: {other:?}"),
        }
    }

    async fn cancel(&self, _: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        self.answer("cancel", |exchange| {
            let works = |o: &VenueOrder| o.intent.client_id == client_id;
            if !exchange.working().iter().any(works) {
                return Err(not_found("cancel", client_id));
            }
            exchange.cancel(client_id);
            Ok(())
        })
        .await
    }

    async fn order(&self, _: InstrumentId, client_id: ClientOrderId) -> Result<OrderReport> {
        self.answer("order", |exchange| {
            exchange
                .order_report(client_id)
                .ok_or_else(|| not_found("order", client_id))
        })
        .await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        self.answer("open_orders", |exchange| {
            Ok(exchange.working().iter().map(VenueOrder::report).collect())
        })
        .await
    }

    async fn account(&self) -> Result<AccountReport> {
        let now = self.clock.now();
        self.answer("account", |exchange| {
            let report = exchange.report(now, now);
            Ok(AccountReport {
                cash: report.cash,
                positions: report.positions,
            })
        })
        .await
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        let (sender, receiver) = unbounded_channel();
        lock(&self.listeners).push(sender);
        Box::pin(Facts(receiver))
    }
}

/// What one listener hears.
struct Facts(UnboundedReceiver<Fact>);

impl Stream for Facts {
    type Item = Result<Fact>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|fact| fact.map(Ok))
    }
}

fn not_found(operation: &'static str, client_id: ClientOrderId) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such order")
        .context("client_id", client_id)
        .hint("it never came, or it ended too long ago to be remembered; look at the facts")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
