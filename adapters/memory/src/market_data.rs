//! Market data from series that are already there.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ballast_domain::market::{BarSize, Series};
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HeldSeries, HistoryRequest, ListedInstrument, LiveBar,
    MarketData, MarketDataCapabilities, Result, SubscribeRequest, stream,
};

/// Series by symbol, all in one bar size, with the same columns and basis.
#[derive(Clone, Debug)]
pub struct MemoryMarketData {
    held: HeldSeries,
}

impl MemoryMarketData {
    /// A source of these series, whose bars are `bar` long.
    ///
    /// # Errors
    /// `Config` when there is none, one has no bars, or their columns or bases differ.
    pub fn new(bar: BarSize, series: BTreeMap<String, Series>) -> Result<Self> {
        let held = HeldSeries::new(bar, series)?;
        Ok(Self { held })
    }
}

#[async_trait]
impl MarketData for MemoryMarketData {
    fn name(&self) -> &str {
        "memory"
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.held.capabilities().clone()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        Ok(self.held.instruments())
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.held.history(request)
    }

    fn subscribe(&self, _: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        stream::once(Err(Error::new(
            ErrorKind::Unsupported,
            "subscribe",
            "bars in memory are all in the past",
        )
        .hint("use a live source, or replay these bars")))
    }
}
