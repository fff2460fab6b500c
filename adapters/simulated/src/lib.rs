//! A broker over the exchange core of the domain: paper trading and tests.
//!
//! The venue is [`ballast_domain::simulation::Exchange`]; this crate puts it behind the
//! [`Broker`] port. Whoever owns the market data tells it when prices were made
//! ([`SimulatedBroker::execute`], [`SimulatedBroker::corporate_action`]), or what is quoted and
//! traded ([`SimulatedBroker::quote`], [`SimulatedBroker::trade`]); orders execute then.

mod facts;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{Fact, SendGate, SendPermit, VenueReport};
use ballast_domain::market::{CorporateAction, Slice};
use ballast_domain::money::{Price, Quantity};
use ballast_domain::orders::{ClientOrderId, TimeInForce};
use ballast_domain::simulation::{
    Exchange, ExchangeSettings, LimitFills, Quote, VenueOrder, VenueRules,
};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Clock, Error, ErrorKind, Idempotency,
    OrderReport, Result, SubmitOutcome,
};
use tokio::sync::broadcast;

/// Facts a subscriber may fall behind before its stream ends: a day of fills of a large account.
const MAX_FACTS_BEHIND: usize = 16_384;

/// A simulated venue with one account.
#[derive(Debug)]
pub struct SimulatedBroker {
    exchange: Mutex<Exchange>,
    post_only: bool,
    gate: Arc<SendGate>,
    clock: Arc<dyn Clock>,
    facts: broadcast::Sender<Fact>,
}

impl SimulatedBroker {
    /// A broker over a new exchange. Permits are redeemed against `gate` at the time of `clock`.
    pub fn new(
        instruments: Instruments,
        settings: ExchangeSettings,
        gate: Arc<SendGate>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::with_rules(instruments, settings, VenueRules::default(), gate, clock)
    }

    /// A broker whose exchange has rules beyond those of a cash account on bars.
    pub fn with_rules(
        instruments: Instruments,
        settings: ExchangeSettings,
        rules: VenueRules,
        gate: Arc<SendGate>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let post_only = rules.limit_fills == LimitFills::ThroughBar;
        let mut exchange = Exchange::with_rules(instruments, settings, rules);
        // The opening balance is part of `account()`; a fact nobody can hear yet is none.
        while exchange.next_fact().is_some() {}
        let (facts, _) = broadcast::channel(MAX_FACTS_BEHIND);
        Self {
            exchange: Mutex::new(exchange),
            post_only,
            gate,
            clock,
            facts,
        }
    }

    /// Begins the bar of a slice: funding due by its open is paid, day orders of an earlier session
    /// end. Only venues with rules of their own need it.
    pub fn begin_bar(&self, slice: &Slice<'_>) {
        let mut exchange = self.exchange();
        exchange.settle_funding(slice.open_time());
        exchange.begin_bar(slice);
        self.publish(&mut exchange);
    }

    /// Ends the bar of a slice: funding due by its close, limits it traded through, day orders whose
    /// session is over, margin at its close. Only venues with rules of their own need it.
    pub fn end_bar(&self, slice: &Slice<'_>) {
        let mut exchange = self.exchange();
        exchange.settle_funding(slice.time());
        while exchange.execute_through_bar(slice, slice.time()) > 0 {}
        exchange.note_closes(slice);
        exchange.end_bar(slice);
        exchange.maintain(slice.time());
        self.publish(&mut exchange);
    }

    /// The top of an instrument's book changed; its orders meet quotes from now on.
    ///
    /// # Errors
    /// `InvalidData` for a quote that cannot be one; nothing changes then.
    pub fn quote(&self, id: InstrumentId, quote: Quote) -> Result<()> {
        let mut exchange = self.exchange();
        let taken = exchange.on_quote(id, quote, self.clock.now());
        self.publish(&mut exchange);
        taken.map_err(|e| {
            Error::new(ErrorKind::InvalidData, "quote", e.to_string())
                .hint("a quote has a positive bid below its ask and sizes of 0 or more")
        })
    }

    /// Somebody traded; resting orders move up or execute.
    pub fn trade(&self, id: InstrumentId, price: Price, size: Quantity) {
        let mut exchange = self.exchange();
        exchange.on_trade(id, price, size, self.clock.now());
        self.publish(&mut exchange);
    }

    /// Time passed: orders whose latency is over meet the standing quotes.
    pub fn advance(&self) {
        let mut exchange = self.exchange();
        exchange.advance(self.clock.now());
        self.publish(&mut exchange);
    }

    /// The whole account at this instant, with executions and events from `since` on.
    pub fn report(&self, since: Timestamp) -> VenueReport {
        self.exchange().report(since, self.clock.now())
    }

    /// Executes working orders at the fill point of a slice and returns how many moved.
    ///
    /// Orders sent in answer execute at the same instant: call it until it returns 0, then
    /// [`SimulatedBroker::end_fill_point`].
    pub fn execute(&self, slice: &Slice<'_>, now: Timestamp) -> usize {
        let mut exchange = self.exchange();
        let done = exchange.execute(slice, now);
        self.publish(&mut exchange);
        done
    }

    /// Ends the fill point of a slice: what is over by time expires.
    pub fn end_fill_point(&self, slice: &Slice<'_>) {
        let mut exchange = self.exchange();
        exchange.expire(slice);
        exchange.note_closes(slice);
        self.publish(&mut exchange);
    }

    /// A corporate action takes effect before the first price of `slice`.
    pub fn corporate_action(&self, id: InstrumentId, action: &CorporateAction, slice: &Slice<'_>) {
        let mut exchange = self.exchange();
        exchange.apply(id, action, slice);
        self.publish(&mut exchange);
    }

    /// A panic while the lock was held cannot leave the exchange half-changed in a way that its
    /// own books do not show, so the next caller goes on with it.
    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, exchange: &mut Exchange) {
        while let Some(fact) = exchange.next_fact() {
            // Nobody listening is no error: the facts are in `order` and `account` as well.
            let _ = self.facts.send(fact);
        }
    }
}

#[async_trait]
impl Broker for SimulatedBroker {
    fn name(&self) -> &str {
        "simulated"
    }

    fn capabilities(&self) -> BrokerCapabilities {
        BrokerCapabilities {
            market_orders: true,
            limit_orders: true,
            times_in_force: vec![
                TimeInForce::Day,
                TimeInForce::Ioc,
                TimeInForce::Gtc,
                TimeInForce::AtOpen,
                TimeInForce::AtClose,
            ],
            post_only: self.post_only,
            reduce_only: true,
            idempotency: Idempotency::OpenOnly,
            // In one process an order that is not there after the call will never be.
            expiry_fence: Some(Span::ZERO),
        }
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        let now = self.clock.now();
        let redeemed = match permit.redeem(&self.gate, now) {
            Ok(redeemed) => redeemed,
            Err(permit) => {
                let cause = Error::new(ErrorKind::Halted, "submit", "the send gate is closed")
                    .hint("the permit expired, the account was killed, or another writer owns it");
                return SubmitOutcome::NotSent { permit, cause };
            }
        };
        let mut exchange = self.exchange();
        exchange.submit_at(redeemed, now);
        // The exchange answers each submit with one fact: this call's outcome.
        let answer = exchange.next_fact();
        self.publish(&mut exchange);
        match answer {
            Some(Fact::Accepted { .. }) => SubmitOutcome::Accepted,
            Some(Fact::Rejected { reason, .. }) => SubmitOutcome::Rejected {
                reason: reason.into_owned(),
            },
            other => SubmitOutcome::Unknown {
                cause: Error::new(ErrorKind::Unexpected, "submit", "no answer to a submit")
                    .context("fact", format!("{other:?}")),
            },
        }
    }

    async fn cancel(&self, _: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        let mut exchange = self.exchange();
        let works = |o: &VenueOrder| o.intent.client_id == client_id;
        if !exchange.working().iter().any(works) {
            return Err(not_found("cancel", client_id));
        }
        exchange.cancel(client_id);
        self.publish(&mut exchange);
        Ok(())
    }

    async fn order(&self, _: InstrumentId, client_id: ClientOrderId) -> Result<OrderReport> {
        self.exchange()
            .order_report(client_id)
            .ok_or_else(|| not_found("order", client_id))
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        let exchange = self.exchange();
        Ok(exchange.working().iter().map(VenueOrder::report).collect())
    }

    async fn account(&self) -> Result<AccountReport> {
        let now = self.clock.now();
        let VenueReport {
            cash, positions, ..
        } = self.exchange().report(now, now);
        Ok(AccountReport { cash, positions })
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        facts::subscribe(self.facts.subscribe())
    }
}

fn not_found(operation: &'static str, client_id: ClientOrderId) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such order")
        .context("client_id", client_id)
        .hint("it never came, or it ended too long ago to be remembered; look at the facts")
}
