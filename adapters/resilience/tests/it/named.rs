//! Sources of other names than `fake`, and what tests of a cascade share.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::market::{BarSize, Series};
use ballast_domain::time::Span;
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest,
};
use ballast_resilience::{Fallback, FallbackSettings, MetricsRegistry};
use ballast_testkit::builders::{day, market};
use ballast_testkit::fakes::{FakeClock, FakeMarketData, Fault};

/// A fake under a name of its own, shared with the test.
#[derive(Clone, Debug)]
pub(crate) struct Named(pub(crate) &'static str, pub(crate) Arc<FakeMarketData>);

impl Named {
    pub(crate) fn new(name: &'static str, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::with(name, market(), faults)
    }

    pub(crate) fn with(
        name: &'static str,
        series: BTreeMap<String, Series>,
        faults: impl IntoIterator<Item = Fault>,
    ) -> Self {
        Self(name, Arc::new(FakeMarketData::new(series).script(faults)))
    }

    pub(crate) fn calls(&self) -> usize {
        self.1.calls().len()
    }
}

#[async_trait]
impl MarketData for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.1.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.1.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.1.history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.1.subscribe(request)
    }
}

pub(crate) fn down(text: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "history", text)
}

pub(crate) fn fail() -> Fault {
    Fault::Fail(down("connection refused"))
}

pub(crate) fn request() -> HistoryRequest {
    HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY)
}

pub(crate) fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::new(day(0)))
}

/// A cascade that goes back after `recoveries` answers, asked for in every call.
pub(crate) fn cascade(
    sources: &[&Named],
    recoveries: u32,
    metrics: &MetricsRegistry,
) -> Result<Fallback> {
    let sources = sources
        .iter()
        .map(|source| Arc::new((*source).clone()) as Arc<dyn MarketData>);
    let settings = FallbackSettings {
        recoveries: NonZeroU32::new(recoveries).unwrap(),
        probe_every: Span::from_nanos(0),
        ..FallbackSettings::default()
    };
    Fallback::new(sources.collect(), settings, clock(), metrics)
}
