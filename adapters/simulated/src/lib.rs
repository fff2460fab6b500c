//! A broker over the exchange core of the domain: paper trading and tests.
//!
//! The venue is [`ballast_domain::simulation::Exchange`]; this crate puts it behind the
//! [`Broker`] port. Whoever owns the market data tells it when prices were made
//! ([`SimulatedBroker::execute`], [`SimulatedBroker::corporate_action`]); orders execute then.

mod facts;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballast_domain::instrument::{AssetId, InstrumentId, Instruments};
use ballast_domain::kernel::{Fact, SendGate, SendPermit};
use ballast_domain::market::{CorporateAction, Slice};
use ballast_domain::money::Quantity;
use ballast_domain::orders::{ClientOrderId, Intent, OrderStatus, TimeInForce};
use ballast_domain::simulation::{Exchange, ExchangeSettings};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Clock, Error, ErrorKind, Idempotency,
    OrderReport, Result, SubmitOutcome,
};
use tokio::sync::broadcast;

/// Facts a subscriber may fall behind before its stream ends: a day of fills of a large account.
const MAX_FACTS_BEHIND: usize = 16_384;

/// A simulated venue with one cash account.
#[derive(Debug)]
pub struct SimulatedBroker {
    exchange: Mutex<Exchange>,
    instruments: Instruments,
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
        let mut exchange = Exchange::new(instruments.clone(), settings);
        // The opening balance is part of `account()`; a fact nobody can hear yet is none.
        while exchange.next_fact().is_some() {}
        let (facts, _) = broadcast::channel(MAX_FACTS_BEHIND);
        Self {
            exchange: Mutex::new(exchange),
            instruments,
            gate,
            clock,
            facts,
        }
    }

    /// Executes working orders at the fill point of a slice and returns how many are done with.
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
            post_only: false,
            reduce_only: false,
            idempotency: Idempotency::OpenOnly,
            // In one process an order that is not there after the call will never be.
            expiry_fence: Some(Span::ZERO),
        }
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        let redeemed = match permit.redeem(&self.gate, self.clock.now()) {
            Ok(redeemed) => redeemed,
            Err(permit) => {
                let cause = Error::new(ErrorKind::Halted, "submit", "the send gate is closed")
                    .hint("the permit expired, the account was killed, or another writer owns it");
                return SubmitOutcome::NotSent { permit, cause };
            }
        };
        let mut exchange = self.exchange();
        exchange.submit(redeemed);
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
        if !exchange.working().iter().any(|w| w.client_id == client_id) {
            return Err(not_found("cancel", client_id));
        }
        exchange.cancel(client_id);
        self.publish(&mut exchange);
        Ok(())
    }

    async fn order(&self, _: InstrumentId, client_id: ClientOrderId) -> Result<OrderReport> {
        let exchange = self.exchange();
        let found = exchange.working().iter().find(|w| w.client_id == client_id);
        found
            .map(report)
            .ok_or_else(|| not_found("order", client_id))
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        Ok(self.exchange().working().iter().map(report).collect())
    }

    async fn account(&self) -> Result<AccountReport> {
        let exchange = self.exchange();
        let positions = self.instruments.ids().map(|id| (id, exchange.position(id)));
        Ok(AccountReport {
            cash: vec![(AssetId::BASE, exchange.cash())],
            positions: positions.filter(|(_, q)| !q.is_zero()).collect(),
        })
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        facts::subscribe(self.facts.subscribe())
    }
}

/// The exchange core ends an order with its first execution, so a working one has nothing filled.
fn report(intent: &Intent) -> OrderReport {
    OrderReport {
        client_id: intent.client_id,
        instrument: intent.instrument,
        side: intent.side,
        status: OrderStatus::Accepted,
        filled: Quantity::ZERO,
    }
}

fn not_found(operation: &'static str, client_id: ClientOrderId) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such open order")
        .context("client_id", client_id)
        .hint("it may have executed, expired or been canceled; look at the facts")
}
