//! Refuses an order early when the account was killed.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendGate, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Clock, Error, ErrorKind, OrderReport,
    Result, SubmitOutcome,
};

/// A broker whose submits are refused while the gate is shut for their permit.
///
/// Inside of every wait, so that an order that queued while the account was killed stays. This is
/// an early refusal: redeeming the permit at the first byte is the law. Cancels and reads pass.
#[derive(Debug)]
pub struct KillGate<B: ?Sized> {
    gate: Arc<SendGate>,
    clock: Arc<dyn Clock>,
    inner: Arc<B>,
}

impl<B: Broker + ?Sized> KillGate<B> {
    /// Holds submits of `inner` against `gate` at the trading time of `clock`.
    pub fn new(inner: Arc<B>, gate: Arc<SendGate>, clock: Arc<dyn Clock>) -> Self {
        Self { gate, clock, inner }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Broker + ?Sized> Broker for KillGate<B> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        if permit.is_redeemable(&self.gate, self.clock.now()) {
            return self.inner.submit(permit).await;
        }
        let cause = Error::new(ErrorKind::Halted, "submit", "the send gate is closed")
            .hint("the permit expired, the account was killed, or another writer owns it");
        SubmitOutcome::NotSent { permit, cause }
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        self.inner.cancel(instrument, client_id).await
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        self.inner.order(instrument, client_id).await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        self.inner.open_orders().await
    }

    async fn account(&self) -> Result<AccountReport> {
        self.inner.account().await
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}
