//! Counts what a source is asked and how it answers.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::time::Timestamp;
use ballast_ports::{
    BoxStream, Chunk, Clock, Error, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest,
};

use crate::metrics_registry::{Counter, Gauge, MetricsRegistry};
use crate::observed::{Observed, Observer};

/// Market data that is counted; every answer is the inner source's own.
///
/// Each value has the labels `source` (the inner name) and `operation` (`history`, `instruments`,
/// `subscribe`):
///
/// | name | is |
/// |---|---|
/// | `market_data_fetches_total` | calls that began: a stream that is never polled is none |
/// | `market_data_errors_total` | calls that ended with an error, with the label `kind` |
/// | `market_data_bars_total` | bars delivered |
/// | `market_data_fetch_nanos_total` | time from begin to end of calls that ended, nanoseconds |
/// | `market_data_fetch_seconds_max` | the longest of them, seconds |
/// | `market_data_last_update_seconds` | when anything of this last changed, seconds since 1970 |
///
/// A subscription has no end, so no latency.
#[derive(Debug)]
pub struct Metered<M> {
    inner: M,
    history: Arc<Meter>,
    subscribe: Arc<Meter>,
    instruments: Arc<Meter>,
}

impl<M: MarketData> Metered<M> {
    /// Counts calls of `inner` into `metrics`, by the time of `clock`.
    pub fn new(inner: M, clock: Arc<dyn Clock>, metrics: &MetricsRegistry) -> Self {
        let meter = |operation| {
            let clock = Arc::clone(&clock);
            Arc::new(Meter::new(metrics, clock, inner.name(), operation))
        };
        Self {
            history: meter("history"),
            subscribe: meter("subscribe"),
            instruments: meter("instruments"),
            inner,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: MarketData> MarketData for Metered<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let mut call = Call::new(&self.instruments, true);
        call.begin();
        let answer = self.inner.instruments().await;
        match &answer {
            Ok(_) => call.end(),
            Err(error) => call.fail(error),
        }
        answer
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let call = Call::new(&self.history, true);
        Box::pin(Observed::new(self.inner.history(request), call))
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        let call = Call::new(&self.subscribe, false);
        Box::pin(Observed::new(self.inner.subscribe(request), call))
    }
}

/// The handles of one operation of one source.
#[derive(Debug)]
struct Meter {
    metrics: MetricsRegistry,
    clock: Arc<dyn Clock>,
    source: String,
    operation: &'static str,
    fetches: Counter,
    bars: Counter,
    nanos: Counter,
    longest: Gauge,
    last_update: Gauge,
}

impl Meter {
    fn new(
        metrics: &MetricsRegistry,
        clock: Arc<dyn Clock>,
        source: &str,
        operation: &'static str,
    ) -> Self {
        let labels = [("source", source), ("operation", operation)];
        Self {
            metrics: metrics.clone(),
            clock,
            source: source.to_owned(),
            operation,
            fetches: metrics.counter("market_data_fetches_total", &labels),
            bars: metrics.counter("market_data_bars_total", &labels),
            nanos: metrics.counter("market_data_fetch_nanos_total", &labels),
            longest: metrics.gauge("market_data_fetch_seconds_max", &labels),
            last_update: metrics.gauge("market_data_last_update_seconds", &labels),
        }
    }
}

/// One call under way.
struct Call {
    meter: Arc<Meter>,
    begun: Option<Timestamp>,
    timed: bool,
}

impl Call {
    fn new(meter: &Arc<Meter>, timed: bool) -> Self {
        Self {
            meter: Arc::clone(meter),
            begun: None,
            timed,
        }
    }

    fn touch(&self) -> Timestamp {
        let now = self.meter.clock.now();
        self.meter.last_update.set(now.nanos() as f64 / 1e9);
        now
    }

    fn begin(&mut self) {
        self.meter.fetches.add(1);
        self.begun = Some(self.touch());
    }

    fn bars(&self, n: usize) {
        self.meter.bars.add(n as u64);
        self.touch();
    }

    fn end(&self) {
        let now = self.touch();
        if let (Some(begun), true) = (self.begun, self.timed) {
            let took = now.since(begun);
            self.meter
                .nanos
                .add(u64::try_from(took.nanos()).unwrap_or(0));
            self.meter.longest.raise(took.seconds());
        }
    }

    fn fail(&self, error: &Error) {
        let labels = [
            ("source", self.meter.source.as_str()),
            ("operation", self.meter.operation),
            ("kind", error.kind.name()),
        ];
        self.meter
            .metrics
            .counter("market_data_errors_total", &labels)
            .add(1);
        self.end();
    }
}

impl Observer<Chunk> for Call {
    fn begun(&mut self) {
        self.begin();
    }

    fn item(&mut self, chunk: &Chunk) {
        self.bars(chunk.series.bars.len());
    }

    fn failed(&mut self, error: &Error) {
        self.fail(error);
    }

    fn ended(&mut self) {
        self.end();
    }
}

impl Observer<LiveBar> for Call {
    fn begun(&mut self) {
        self.begin();
    }

    fn item(&mut self, _: &LiveBar) {
        self.bars(1);
    }

    fn failed(&mut self, error: &Error) {
        self.fail(error);
    }

    fn ended(&mut self) {
        self.end();
    }
}
