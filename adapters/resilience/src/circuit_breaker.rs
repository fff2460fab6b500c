//! Leaves a neighbour alone that fails too often.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_ports::stream::Stream;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Chunk, HistoryRequest, ListedInstrument,
    LiveBar, MarketData, MarketDataCapabilities, OrderReport, Result, SubmitOutcome,
    SubscribeRequest,
};

use crate::breaker::{Breaker, Pass};
use crate::lazily::lazily;
use crate::shared_breaker::{SharedBreaker, SharedPass};

/// A port behind a [`Breaker`]: while it is open, calls are refused with `CircuitOpen` and the
/// neighbour is not asked; an order comes back `NotSent` with its permit.
///
/// A cancel is never refused: a breaker that tripped over a price endpoint must not stand between a
/// person and an order that has to go. Its outcome counts while the breaker is closed and is no probe
/// otherwise. A history is one call, from its first poll to its end; one that is dropped half-way
/// tells nothing. Subscriptions and facts pass: their ends are no answers to a call.
///
/// With [`CircuitBreaker::shared`] the breaker is one that several programs have together.
#[derive(Debug)]
pub struct CircuitBreaker<P: ?Sized> {
    guard: Guard,
    inner: Arc<P>,
}

/// Who decides.
#[derive(Clone, Debug)]
enum Guard {
    Own(Breaker),
    Shared(SharedBreaker),
}

/// The right to make one call.
#[derive(Debug)]
enum Ticket {
    Own(Pass),
    Shared(SharedPass),
}

impl Guard {
    async fn admit(&self, operation: &'static str) -> Result<Ticket> {
        match self {
            Self::Own(breaker) => breaker.admit(operation).map(Ticket::Own),
            Self::Shared(breaker) => breaker.admit(operation).await.map(Ticket::Shared),
        }
    }

    fn always(&self) -> Ticket {
        match self {
            Self::Own(breaker) => Ticket::Own(breaker.always()),
            Self::Shared(breaker) => Ticket::Shared(breaker.always()),
        }
    }
}

impl Ticket {
    async fn succeeded(self) {
        match self {
            Self::Own(pass) => pass.succeeded(),
            Self::Shared(pass) => pass.succeeded().await,
        }
    }

    async fn failed(self) {
        match self {
            Self::Own(pass) => pass.failed(),
            Self::Shared(pass) => pass.failed().await,
        }
    }

    async fn judged<T: Sync>(self, outcome: &Result<T>) {
        match self {
            Self::Own(pass) => pass.judged(outcome),
            Self::Shared(pass) => pass.judged(outcome).await,
        }
    }
}

impl<P: ?Sized> CircuitBreaker<P> {
    /// Puts `inner` behind `breaker`.
    pub fn new(inner: Arc<P>, breaker: &Breaker) -> Self {
        Self {
            guard: Guard::Own(breaker.clone()),
            inner,
        }
    }

    /// Puts `inner` behind a breaker that other programs share.
    pub fn shared(inner: Arc<P>, breaker: &SharedBreaker) -> Self {
        Self {
            guard: Guard::Shared(breaker.clone()),
            inner,
        }
    }

    /// The breaker of this program, for statistics and for a reset.
    pub const fn breaker(&self) -> &Breaker {
        match &self.guard {
            Guard::Own(breaker) => breaker,
            Guard::Shared(shared) => shared.own(),
        }
    }
}

/// A history whose end is told to the breaker before it is delivered.
struct Judged {
    inner: BoxStream<Result<Chunk>>,
    ticket: Option<Ticket>,
    /// What is being told, and what is delivered after it.
    telling: Option<Telling>,
}

type Telling = (
    Pin<Box<dyn Future<Output = ()> + Send>>,
    Option<Result<Chunk>>,
);

// The stream and the future are boxed: nothing here is pinned in place.
impl Unpin for Judged {}

impl Stream for Judged {
    type Item = Result<Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.telling.is_none() {
            let item = ready!(this.inner.as_mut().poll_next(cx));
            let outcome = match &item {
                Some(Ok(_)) => return Poll::Ready(item),
                Some(Err(error)) => Err(error.clone()),
                None => Ok(()),
            };
            let Some(ticket) = this.ticket.take() else {
                return Poll::Ready(item);
            };
            let told = Box::pin(async move { ticket.judged(&outcome).await });
            this.telling = Some((told, item));
        }
        let Some((told, _)) = &mut this.telling else {
            return Poll::Ready(None);
        };
        ready!(told.as_mut().poll(cx));
        Poll::Ready(this.telling.take().and_then(|(_, item)| item))
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
        let pass = self.guard.admit("instruments").await?;
        let answer = self.inner.instruments().await;
        pass.judged(&answer).await;
        answer
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let (guard, inner) = (self.guard.clone(), Arc::clone(&self.inner));
        let request = request.clone();
        lazily(async move {
            let ticket = guard.admit("history").await?;
            let judged = Judged {
                inner: inner.history(&request),
                ticket: Some(ticket),
                telling: None,
            };
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
        let pass = match self.guard.admit("submit").await {
            Ok(pass) => pass,
            Err(cause) => return SubmitOutcome::NotSent { permit, cause },
        };
        let outcome = self.inner.submit(permit).await;
        match &outcome {
            SubmitOutcome::Accepted | SubmitOutcome::Rejected { .. } => pass.succeeded().await,
            SubmitOutcome::NotSent { cause, .. } => pass.judged::<()>(&Err(cause.clone())).await,
            SubmitOutcome::Unknown { .. } => pass.failed().await,
        }
        outcome
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        let pass = self.guard.always();
        let answer = self.inner.cancel(instrument, client_id).await;
        pass.judged(&answer).await;
        answer
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        let pass = self.guard.admit("order").await?;
        let answer = self.inner.order(instrument, client_id).await;
        pass.judged(&answer).await;
        answer
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        let pass = self.guard.admit("open_orders").await?;
        let answer = self.inner.open_orders().await;
        pass.judged(&answer).await;
        answer
    }

    async fn account(&self) -> Result<AccountReport> {
        let pass = self.guard.admit("account").await?;
        let answer = self.inner.account().await;
        pass.judged(&answer).await;
        answer
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}
