//! Leaves a neighbour alone that fails too often.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Chunk, Error, HistoryRequest,
    ListedInstrument, LiveBar, MarketData, MarketDataCapabilities, OrderReport, Result,
    SubmitOutcome, SubscribeRequest,
};

use crate::breaker::{Breaker, Pass};
use crate::lazily::lazily;
use crate::observed::{Observed, Observer};

/// A port behind a [`Breaker`]: while it is open, calls are refused with `CircuitOpen` and the
/// neighbour is not asked; an order comes back `NotSent` with its permit.
///
/// A cancel is never refused: a breaker that tripped over a price endpoint must not stand between a
/// person and an order that has to go. Its outcome counts while the breaker is closed and is no probe
/// otherwise. A history is one call, from its first poll to its end; one that is dropped half-way
/// tells nothing. Subscriptions and facts pass: their ends are no answers to a call.
#[derive(Debug)]
pub struct CircuitBreaker<P: ?Sized> {
    breaker: Breaker,
    inner: Arc<P>,
}

impl<P: ?Sized> CircuitBreaker<P> {
    /// Puts `inner` behind `breaker`.
    pub fn new(inner: Arc<P>, breaker: &Breaker) -> Self {
        Self {
            breaker: breaker.clone(),
            inner,
        }
    }

    /// The breaker, for statistics and for a reset.
    pub const fn breaker(&self) -> &Breaker {
        &self.breaker
    }
}

/// Tells the breaker how a history ended.
struct Verdict(Option<Pass>);

impl Observer<Chunk> for Verdict {
    fn begun(&mut self) {}

    fn item(&mut self, _: &Chunk) {}

    fn failed(&mut self, error: &Error) {
        if let Some(pass) = self.0.take() {
            pass.judged_error(error);
        }
    }

    fn ended(&mut self) {
        if let Some(pass) = self.0.take() {
            pass.succeeded();
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: MarketData + ?Sized> MarketData for CircuitBreaker<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let pass = self.breaker.admit("instruments")?;
        let answer = self.inner.instruments().await;
        pass.judged(&answer);
        answer
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let (breaker, inner) = (self.breaker.clone(), Arc::clone(&self.inner));
        let request = request.clone();
        lazily(async move {
            let verdict = Verdict(Some(breaker.admit("history")?));
            let judged = Observed::new(inner.history(&request), verdict);
            Ok(Box::pin(judged) as BoxStream<Result<Chunk>>)
        })
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.inner.subscribe(request)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Broker + ?Sized> Broker for CircuitBreaker<B> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    /// An unknown outcome is a failure whatever its cause: the neighbour owes an answer.
    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        let pass = match self.breaker.admit("submit") {
            Ok(pass) => pass,
            Err(cause) => return SubmitOutcome::NotSent { permit, cause },
        };
        let outcome = self.inner.submit(permit).await;
        match &outcome {
            SubmitOutcome::Accepted | SubmitOutcome::Rejected { .. } => pass.succeeded(),
            SubmitOutcome::NotSent { cause, .. } => pass.judged_error(cause),
            SubmitOutcome::Unknown { .. } => pass.failed(),
        }
        outcome
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        let pass = self.breaker.always();
        let answer = self.inner.cancel(instrument, client_id).await;
        pass.judged(&answer);
        answer
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        let pass = self.breaker.admit("order")?;
        let answer = self.inner.order(instrument, client_id).await;
        pass.judged(&answer);
        answer
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        let pass = self.breaker.admit("open_orders")?;
        let answer = self.inner.open_orders().await;
        pass.judged(&answer);
        answer
    }

    async fn account(&self) -> Result<AccountReport> {
        let pass = self.breaker.admit("account")?;
        let answer = self.inner.account().await;
        pass.judged(&answer);
        answer
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}
