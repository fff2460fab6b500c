//! The account at the sandbox venue behind the broker port.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{Fact, SendGate, SendPermit, VenueReport};
use ballast_domain::orders::{ClientOrderId, OrderReport, TimeInForce};
use ballast_domain::simulation::{ExchangeSettings, LimitFills, VenueRules};
use ballast_domain::time::{Span, Timestamp};
use ballast_http::{Answer, Request, Sent, Transport};
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Clock, Error, ErrorKind, Idempotency,
    Result, SubmitOutcome, VenueReports,
};

use super::facts;
use super::wire::{Accepted, Opened, Opening, Order, Outcome, Refused};

/// The one account of a sandbox venue.
#[derive(Debug)]
pub struct SandboxBroker {
    pub(super) transport: Transport,
    /// Facts that were told before this program connected.
    pub(super) told_before: u64,
    post_only: bool,
    gate: Arc<SendGate>,
    clock: Arc<dyn Clock>,
    /// The number of the newest fact that was heard.
    heard: Arc<AtomicU64>,
}

impl SandboxBroker {
    /// Connects to the venue, which opens with these instruments and terms or has them already.
    /// Permits are redeemed against `gate` at the time of `clock`.
    ///
    /// # Errors
    /// `Unavailable` without a venue; `Rejected` when it is open with other instruments or terms;
    /// `Unsupported` for rules it does not have.
    pub async fn connect(
        transport: Transport,
        instruments: &Instruments,
        (settings, rules): (&ExchangeSettings, &VenueRules),
        gate: Arc<SendGate>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let opening = Opening::new(instruments, settings, rules)?;
        let request = Request::post("/open", &opening)?;
        let answer = transport.command("connect", request).await?;
        let opened: Opened = answer.json("connect").map_err(|error| {
            if error.kind == ErrorKind::Rejected {
                return error.hint(
                    "an account keeps its instruments, opening cash, fees and fill point for life: \
                     put them back, or start the venue with another ledger",
                );
            }
            error
        })?;
        Ok(Self {
            transport,
            told_before: opened.facts,
            post_only: rules.limit_fills == LimitFills::ThroughBar,
            gate,
            clock,
            heard: Arc::new(AtomicU64::new(opened.facts)),
        })
    }

    async fn read(&self, operation: &'static str, path: String) -> Result<Answer> {
        self.transport.read(operation, Request::get(path)).await
    }
}

#[async_trait]
impl VenueReports for SandboxBroker {
    async fn report(&self, since: Timestamp) -> Result<VenueReport> {
        let path = format!("/account?since={since}&now={}", self.clock.now());
        self.read("account", path).await?.json("account")
    }
}

#[async_trait]
impl Broker for SandboxBroker {
    fn name(&self) -> &str {
        "sandbox"
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
            idempotency: Idempotency::Permanent,
            // Each order carries its last instant, and every question moves the venue's clock.
            expiry_fence: Some(Span::ZERO),
        }
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        let intent = permit.intent();
        let (order_type, time_in_force) = (intent.order_type, intent.time_in_force);
        if !self.capabilities().admits(order_type, time_in_force) {
            let cause = Error::new(ErrorKind::Unsupported, "submit", "no such order here");
            return SubmitOutcome::NotSent { permit, cause };
        }
        let order = Order {
            intent,
            expires_at: permit.expires_at(),
            at: self.clock.now(),
        };
        let request = match Request::post("/orders", &order) {
            Ok(request) => request,
            Err(cause) => return SubmitOutcome::NotSent { permit, cause },
        };
        let law = (&*self.gate, &*self.clock);
        match self.transport.submit(permit, request, law).await {
            Sent::Answered(answer) => outcome(&answer),
            Sent::NotSent { permit, cause } => SubmitOutcome::NotSent { permit, cause },
            Sent::Unknown { cause } => SubmitOutcome::Unknown { cause },
        }
    }

    async fn cancel(&self, _: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        let request = Request::post(format!("/orders/{client_id}/cancel"), &())?;
        let answer = self.transport.command("cancel", request).await?;
        if answer.is_success() {
            return Ok(());
        }
        Err(answer.error("cancel").context("client_id", client_id))
    }

    async fn order(&self, _: InstrumentId, client_id: ClientOrderId) -> Result<OrderReport> {
        let path = format!("/orders/{client_id}?now={}", self.clock.now());
        self.read("order", path).await?.json("order")
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        let answer = self.read("open_orders", "/orders".to_owned()).await?;
        answer.json("open_orders")
    }

    async fn account(&self) -> Result<AccountReport> {
        let report = self.report(self.clock.now()).await?;
        Ok(AccountReport {
            cash: report.cash,
            positions: report.positions,
        })
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        facts::subscribe(self.transport.clone(), Arc::clone(&self.heard))
    }
}

/// What a whole answer to an order proves. Only words that the venue has for it are a proof.
fn outcome(answer: &Answer) -> SubmitOutcome {
    if answer.is_success() {
        return match answer.json::<Accepted>("submit") {
            Ok(Accepted {
                outcome: Outcome::Accepted,
            }) => SubmitOutcome::Accepted,
            Err(cause) => SubmitOutcome::Unknown { cause },
        };
    }
    let cause = answer.error("submit");
    let refused = serde_json::from_slice::<Refused>(answer.body());
    match (answer.status(), refused) {
        (409 | 422, Ok(refused)) => SubmitOutcome::Rejected {
            reason: refused.refused,
        },
        _ => SubmitOutcome::Unknown { cause },
    }
}
