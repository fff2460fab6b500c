//! Ends a call that takes too long, in machine time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_ports::stream::Stream;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Chunk, Error, ErrorKind, HistoryRequest,
    ListedInstrument, LiveBar, MarketData, MarketDataCapabilities, OrderReport, Result, Secret,
    SecretName, Secrets, SubmitOutcome, SubscribeRequest,
};
use tokio::time::{Sleep, timeout};

use crate::lazily::lazily;
use crate::machine_time::TimedOut;

/// A port whose calls have a limit from their first poll to their end.
///
/// What passes it ends with `Unavailable` and the cause [`TimedOut`]; a `submit` that passes it is
/// `Unknown`, because the permit is inside. A history that has its next chunk ready delivers it,
/// however slow its reader is. Subscriptions and facts have no end and so no limit: their silence is
/// the business of whoever watches how fresh they are.
#[derive(Debug)]
pub struct Timeout<P: ?Sized> {
    limit: Duration,
    inner: Arc<P>,
}

impl<P: ?Sized> Timeout<P> {
    /// What a call gets when nobody says otherwise.
    pub const DEFAULT: Duration = Duration::from_secs(30);

    /// Ends calls of `inner` after `limit`.
    ///
    /// # Errors
    /// `Config` for no time at all.
    pub fn new(inner: Arc<P>, limit: Duration) -> Result<Self> {
        if limit.is_zero() {
            return Err(Error::new(
                ErrorKind::Config,
                "open",
                "a timeout of nothing ends every call",
            )
            .hint("30 s is usual; an order may need less"));
        }
        Ok(Self { limit, inner })
    }

    async fn limited<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match timeout(self.limit, call).await {
            Ok(answer) => answer,
            Err(_) => Err(late(operation, self.limit)),
        }
    }
}

fn late(operation: &'static str, limit: Duration) -> Error {
    TimedOut::error(operation, limit, "no answer in time")
}

/// A stream that must end within a limit.
struct Limited {
    inner: BoxStream<Result<Chunk>>,
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
    late: bool,
}

// The stream and the sleep are boxed: nothing here is pinned in place.
impl Unpin for Limited {}

impl Stream for Limited {
    type Item = Result<Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.late {
            return Poll::Ready(None);
        }
        if let Poll::Ready(item) = self.inner.as_mut().poll_next(cx) {
            return Poll::Ready(item);
        }
        if self.sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.late = true;
        Poll::Ready(Some(Err(late("history", self.limit))))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: MarketData + ?Sized> MarketData for Timeout<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.limited("instruments", self.inner.instruments()).await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let (inner, limit, request) = (Arc::clone(&self.inner), self.limit, request.clone());
        // The limit begins with the first poll, as the call does.
        lazily(async move {
            let stream: BoxStream<Result<Chunk>> = Box::pin(Limited {
                inner: inner.history(&request),
                limit,
                sleep: Box::pin(tokio::time::sleep(limit)),
                late: false,
            });
            Ok(stream)
        })
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.inner.subscribe(request)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Secrets + ?Sized> Secrets for Timeout<S> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn secret(&self, name: &SecretName) -> Result<Secret> {
        self.limited("secret", self.inner.secret(name)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Broker + ?Sized> Broker for Timeout<B> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        match timeout(self.limit, self.inner.submit(permit)).await {
            Ok(outcome) => outcome,
            Err(_) => SubmitOutcome::Unknown {
                cause: late("submit", self.limit),
            },
        }
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        self.limited("cancel", self.inner.cancel(instrument, client_id))
            .await
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        self.limited("order", self.inner.order(instrument, client_id))
            .await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        self.limited("open_orders", self.inner.open_orders()).await
    }

    async fn account(&self) -> Result<AccountReport> {
        self.limited("account", self.inner.account()).await
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}
