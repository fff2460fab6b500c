//! Lets go of a source, once and for all callers.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use ballast_ports::stream;
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest,
};

/// A source that can be closed by whoever holds this, however many decorators are around it.
///
/// Closing is dropping: an adapter gives its connections back when its last holder lets go of it, so
/// there is nothing that an adapter could forget to implement. Calls and streams that are under way end
/// by themselves or with their caller. Afterwards every call is `Rejected`.
#[derive(Debug)]
pub struct Closable {
    name: String,
    capabilities: MarketDataCapabilities,
    inner: RwLock<Option<Arc<dyn MarketData>>>,
}

impl Closable {
    /// Passes everything to `inner` until it is closed.
    pub fn new(inner: Arc<dyn MarketData>) -> Self {
        Self {
            name: inner.name().to_owned(),
            capabilities: inner.capabilities(),
            inner: RwLock::new(Some(inner)),
        }
    }

    /// Lets go of the source. Once is enough, and more does nothing.
    pub fn close(&self) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        drop(inner.take());
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.is_none()
    }

    fn open(&self, operation: &'static str) -> Result<Arc<dyn MarketData>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.clone().ok_or_else(|| {
            Error::new(ErrorKind::Rejected, operation, "the source was closed")
                .context("source", &self.name)
                .hint("open it again; a closed one asks nobody")
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MarketData for Closable {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.capabilities.clone()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.open("instruments")?.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        match self.open("history") {
            Ok(inner) => inner.history(request),
            Err(error) => stream::once(Err(error)),
        }
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        match self.open("subscribe") {
            Ok(inner) => inner.subscribe(request),
            Err(error) => stream::once(Err(error)),
        }
    }
}
