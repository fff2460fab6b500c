//! One source as a cascade of one: every answer is the primary's.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::time::Span;
use ballast_ports::{
    BoxStream, Chunk, Clock, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest, stream,
};

use crate::provenance::{Answer, Provenance, Role, Traced};

/// A source whose histories say that they are its own. For a stack without a fallback.
#[derive(Debug)]
pub struct SingleSource<M: ?Sized> {
    clock: Arc<dyn Clock>,
    inner: Arc<M>,
}

impl<M: MarketData + ?Sized> SingleSource<M> {
    /// Traces `inner` by the trading time of `clock`.
    pub fn new(inner: Arc<M>, clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner }
    }
}

#[async_trait]
impl<M: MarketData + ?Sized> Traced for SingleSource<M> {
    async fn fetch(&self, request: &HistoryRequest) -> Result<Answer> {
        let begun = self.clock.now();
        let mut answer = self.inner.history(request);
        let mut chunks = Vec::new();
        while let Some(chunk) = stream::next(&mut answer).await {
            chunks.push(chunk?);
        }
        let fetched_at = self.clock.now();
        let provenance = Provenance {
            source: self.inner.name().to_owned(),
            role: Role::Primary,
            origin: Role::Primary,
            fetched_at,
            age: Span::ZERO,
            disagreement: None,
            latency: fetched_at.since(begun),
            failures: Vec::new(),
        };
        Ok(Answer { provenance, chunks })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: MarketData + ?Sized> MarketData for SingleSource<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.inner.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.inner.history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.inner.subscribe(request)
    }
}
