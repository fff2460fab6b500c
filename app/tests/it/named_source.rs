//! A fake source under a name of its own, whose every method can fail.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ballast_ports::{
    BoxStream, Chunk, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest,
};
use ballast_testkit::builders::market;
use ballast_testkit::fakes::{FakeMarketData, Fault};

/// Histories fail by the script of the fake, the list of instruments by one of its own.
#[derive(Clone, Debug)]
pub(crate) struct NamedSource {
    name: &'static str,
    fake: Arc<FakeMarketData>,
    listing: Arc<Mutex<VecDeque<Fault>>>,
}

impl NamedSource {
    pub(crate) fn new(name: &'static str, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            name,
            fake: Arc::new(FakeMarketData::new(market()).script(faults)),
            listing: Arc::default(),
        }
    }

    /// Faults of the next lists of instruments.
    pub(crate) fn listing(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.listing.lock().unwrap().extend(faults);
        self
    }

    /// How many histories it was asked for.
    pub(crate) fn calls(&self) -> usize {
        self.fake.calls().len()
    }

    /// How many faults of lists are left.
    pub(crate) fn listing_left(&self) -> usize {
        self.listing.lock().unwrap().len()
    }
}

#[async_trait]
impl MarketData for NamedSource {
    fn name(&self) -> &str {
        self.name
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.fake.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let fault = self.listing.lock().unwrap().pop_front();
        match fault {
            Some(Fault::Fail(error) | Fault::FailAfter(_, error)) => Err(error),
            Some(Fault::Hang(_)) => pending().await,
            Some(Fault::None) | None => self.fake.instruments().await,
        }
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.fake.history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.fake.subscribe(request)
    }
}
