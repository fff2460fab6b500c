//! Lets calls leave no faster than a neighbour allows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Chunk, Error, ErrorKind, HistoryRequest,
    ListedInstrument, LiveBar, MarketData, MarketDataCapabilities, OrderReport, Result,
    SubmitOutcome, SubscribeRequest,
};

use crate::lazily::lazily;
use crate::limiter::{Limiter, Urgency};
use crate::observed::{Observed, Observer};

/// What a neighbour that says "too many" without a time is left alone for.
const UNSAID: Duration = Duration::from_secs(1);

/// A port whose calls wait for room under the limits of a [`Limiter`].
///
/// An order that finds no room in time comes back `NotSent` with its permit. Cancels have their own
/// queue and the reserved share. When the neighbour answers `RateLimited`, nothing leaves for as long
/// as it asks, or for a second. One call of the port is one call here; an adapter that makes several
/// requests for it is weighted for them, or reports what it used through [`Limiter::observe`].
#[derive(Debug)]
pub struct RateLimit<P: ?Sized> {
    limiter: Limiter,
    inner: Arc<P>,
}

impl<P: ?Sized> RateLimit<P> {
    /// Puts `inner` behind `limiter`.
    pub fn new(inner: Arc<P>, limiter: &Limiter) -> Self {
        Self {
            limiter: limiter.clone(),
            inner,
        }
    }

    /// The limiter, for forecasts and feedback.
    pub const fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    async fn place(&self, operation: &'static str) -> Result<()> {
        self.limiter.acquire(operation, Urgency::Normal).await
    }

    fn heed<T>(&self, answer: &Result<T>) {
        if let Err(error) = answer {
            heed(&self.limiter, error);
        }
    }
}

/// A neighbour that says "too many" is left alone.
fn heed(limiter: &Limiter, error: &Error) {
    if error.kind == ErrorKind::RateLimited {
        limiter.ban(error.asked_to_wait().unwrap_or(UNSAID));
    }
}

/// Heeds how a history ends.
struct Heeding(Limiter);

impl Observer<Chunk> for Heeding {
    fn begun(&mut self) {}

    fn item(&mut self, _: &Chunk) {}

    fn failed(&mut self, error: &Error) {
        heed(&self.0, error);
    }

    fn ended(&mut self) {}
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: MarketData + ?Sized> MarketData for RateLimit<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.place("instruments").await?;
        let answer = self.inner.instruments().await;
        self.heed(&answer);
        answer
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let (limiter, inner) = (self.limiter.clone(), Arc::clone(&self.inner));
        let request = request.clone();
        lazily(async move {
            limiter.acquire("history", Urgency::Normal).await?;
            let heeding = Observed::new(inner.history(&request), Heeding(limiter));
            Ok(Box::pin(heeding) as BoxStream<Result<Chunk>>)
        })
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        let (limiter, inner) = (self.limiter.clone(), Arc::clone(&self.inner));
        let request = request.clone();
        lazily(async move {
            limiter.acquire("subscribe", Urgency::Normal).await?;
            Ok(inner.subscribe(&request))
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Broker + ?Sized> Broker for RateLimit<B> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        if let Err(cause) = self.place("submit").await {
            return SubmitOutcome::NotSent { permit, cause };
        }
        let outcome = self.inner.submit(permit).await;
        if let SubmitOutcome::NotSent { cause, .. } | SubmitOutcome::Unknown { cause } = &outcome {
            heed(&self.limiter, cause);
        }
        outcome
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        self.limiter.acquire("cancel", Urgency::Cancel).await?;
        let answer = self.inner.cancel(instrument, client_id).await;
        self.heed(&answer);
        answer
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        self.place("order").await?;
        let answer = self.inner.order(instrument, client_id).await;
        self.heed(&answer);
        answer
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        self.place("open_orders").await?;
        let answer = self.inner.open_orders().await;
        self.heed(&answer);
        answer
    }

    async fn account(&self) -> Result<AccountReport> {
        self.place("account").await?;
        let answer = self.inner.account().await;
        self.heed(&answer);
        answer
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}
