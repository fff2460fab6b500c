//! A broker over the exchange core of the domain: paper trading and tests.
//!
//! The venue is [`ballast_domain::simulation::Exchange`]; this crate puts it behind the
//! [`Broker`] port. Whoever owns the market data tells it when prices were made
//! ([`SimulatedBroker::execute`], [`SimulatedBroker::corporate_action`]), or what is quoted and
//! traded ([`SimulatedBroker::quote`], [`SimulatedBroker::trade`]); orders execute then.
//!
//! [`SimulatedBroker::replay`] is the venue of paper trading: it walks the stages of a replayed
//! market ([`SimulatedBroker::carry_out`]) on a [`ReplayClock`], and remembers in a file of its own
//! what it was told, so that the account outlives the program like a real one.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod clock;
mod facts;
mod replay;
mod venue_log;

pub use clock::ReplayClock;
pub use replay::{ReplayTerms, Staged};
pub use venue_log::VENUE_STATE;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{Fact, SendGate, SendPermit, VenueReport};
use ballast_domain::market::{CorporateAction, Slice};
use ballast_domain::money::{Price, Quantity};
use ballast_domain::orders::{ClientOrderId, TimeInForce};
use ballast_domain::simulation::{
    Exchange, ExchangeSettings, LimitFills, Quote, VenueInput, VenueOrder, VenueRules,
};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Clock, Error, ErrorKind, Idempotency,
    OrderReport, Result, SubmitOutcome, VenueReports,
};
use replay::{Durable, Replay};
use tokio::sync::broadcast;

/// Facts a subscriber may fall behind before its stream ends: a day of fills of a large account.
const MAX_FACTS_BEHIND: usize = 16_384;

/// The venue's side of the wire.
#[derive(Debug)]
struct Venue {
    exchange: Exchange,
    /// What it remembers over the end of the process, and the market it walks.
    replay: Option<Replay>,
    /// Facts told so far.
    told: u64,
}

/// A simulated venue with one account.
#[derive(Debug)]
pub struct SimulatedBroker {
    venue: Mutex<Venue>,
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
        let mut exchange = Exchange::with_rules(instruments, settings, rules);
        // The opening balance is part of `account()`; a fact nobody can hear yet is none.
        while exchange.next_fact().is_some() {}
        Self::over(exchange, None, gate, clock)
    }

    fn over(
        exchange: Exchange,
        replay: Option<Replay>,
        gate: Arc<SendGate>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let post_only = exchange.rules().limit_fills == LimitFills::ThroughBar;
        let (facts, _) = broadcast::channel(MAX_FACTS_BEHIND);
        Self {
            venue: Mutex::new(Venue {
                exchange,
                replay,
                told: 0,
            }),
            post_only,
            gate,
            clock,
            facts,
        }
    }

    /// Begins the bar of a slice: funding due by its open is paid, day orders of an earlier session
    /// end. Only venues with rules of their own need it.
    pub fn begin_bar(&self, slice: &Slice<'_>) {
        let mut venue = self.venue();
        venue.exchange.settle_funding(slice.open_time());
        venue.exchange.begin_bar(slice);
        self.publish(&mut venue);
    }

    /// Ends the bar of a slice: funding due by its close, limits it traded through, day orders whose
    /// session is over, margin at its close. Only venues with rules of their own need it.
    pub fn end_bar(&self, slice: &Slice<'_>) {
        let mut venue = self.venue();
        venue.exchange.settle_funding(slice.time());
        while venue.exchange.execute_through_bar(slice, slice.time()) > 0 {}
        venue.exchange.note_closes(slice);
        venue.exchange.end_bar(slice);
        venue.exchange.maintain(slice.time());
        self.publish(&mut venue);
    }

    /// The top of an instrument's book changed; its orders meet quotes from now on.
    ///
    /// # Errors
    /// `InvalidData` for a quote that cannot be one; nothing changes then.
    pub fn quote(&self, id: InstrumentId, quote: Quote) -> Result<()> {
        let mut venue = self.venue();
        let taken = venue.exchange.on_quote(id, quote, self.clock.now());
        self.publish(&mut venue);
        taken.map_err(|e| {
            Error::new(ErrorKind::InvalidData, "quote", e.to_string())
                .hint("a quote has a positive bid below its ask and sizes of 0 or more")
        })
    }

    /// Somebody traded; resting orders move up or execute.
    pub fn trade(&self, id: InstrumentId, price: Price, size: Quantity) {
        let mut venue = self.venue();
        venue.exchange.on_trade(id, price, size, self.clock.now());
        self.publish(&mut venue);
    }

    /// Time passed: orders whose latency is over meet the standing quotes.
    pub fn advance(&self) {
        let mut venue = self.venue();
        venue.exchange.advance(self.clock.now());
        self.publish(&mut venue);
    }

    /// Executes working orders at the fill point of a slice and returns how many moved.
    ///
    /// Orders sent in answer execute at the same instant: call it until it returns 0, then
    /// [`SimulatedBroker::end_fill_point`].
    pub fn execute(&self, slice: &Slice<'_>, now: Timestamp) -> usize {
        let mut venue = self.venue();
        let done = venue.exchange.execute(slice, now);
        self.publish(&mut venue);
        done
    }

    /// Ends the fill point of a slice: what is over by time expires.
    pub fn end_fill_point(&self, slice: &Slice<'_>) {
        let mut venue = self.venue();
        venue.exchange.expire(slice);
        venue.exchange.note_closes(slice);
        self.publish(&mut venue);
    }

    /// A corporate action takes effect before the first price of `slice`.
    pub fn corporate_action(&self, id: InstrumentId, action: &CorporateAction, slice: &Slice<'_>) {
        let mut venue = self.venue();
        venue.exchange.apply(id, action, slice);
        self.publish(&mut venue);
    }

    /// A panic while the lock was held cannot leave the exchange half-changed in a way that its
    /// own books do not show, so the next caller goes on with it.
    fn venue(&self) -> MutexGuard<'_, Venue> {
        self.venue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, venue: &mut Venue) {
        while let Some(fact) = venue.exchange.next_fact() {
            venue.told += 1;
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
        let mut venue = self.venue();
        let told = VenueInput::of_order(&redeemed, now);
        venue.exchange.submit_at(redeemed, now);
        if let Err(cause) = venue.remember(told, Durable::Now) {
            return SubmitOutcome::Unknown { cause };
        }
        // The exchange answers each submit with one fact: this call's outcome.
        let answer = venue.exchange.next_fact();
        self.publish(&mut venue);
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
        let mut venue = self.venue();
        let works = |o: &VenueOrder| o.intent.client_id == client_id;
        if !venue.exchange.working().iter().any(works) {
            return Err(not_found("cancel", client_id));
        }
        venue.exchange.cancel(client_id);
        venue.remember(VenueInput::Cancel(client_id), Durable::Now)?;
        self.publish(&mut venue);
        Ok(())
    }

    async fn order(&self, _: InstrumentId, client_id: ClientOrderId) -> Result<OrderReport> {
        self.venue()
            .exchange
            .order_report(client_id)
            .ok_or_else(|| not_found("order", client_id))
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        let venue = self.venue();
        Ok(venue
            .exchange
            .working()
            .iter()
            .map(VenueOrder::report)
            .collect())
    }

    async fn account(&self) -> Result<AccountReport> {
        let now = self.clock.now();
        let VenueReport {
            cash, positions, ..
        } = self.venue().exchange.report(now, now);
        Ok(AccountReport { cash, positions })
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        facts::subscribe(self.facts.subscribe())
    }
}

#[async_trait]
impl VenueReports for SimulatedBroker {
    async fn report(&self, since: Timestamp) -> Result<VenueReport> {
        Ok(self.venue().exchange.report(since, self.clock.now()))
    }
}

fn not_found(operation: &'static str, client_id: ClientOrderId) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such order")
        .context("client_id", client_id)
        .hint("it never came, or it ended too long ago to be remembered; look at the facts")
}
