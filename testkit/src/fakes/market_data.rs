//! A source of bars that fails, waits and dribbles as a test says.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use ballast_domain::market::{BarSize, Fields, PriceBasis, Series};
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest, cut, stream,
};
use futures_core::Stream;
use tokio::time::Sleep;

/// What goes wrong in one call of `history`.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing: the call answers well.
    None,
    /// The first item is this error.
    Fail(Error),
    /// This many chunks come, then this error.
    FailAfter(usize, Error),
    /// This many chunks come, then nothing, for ever.
    Hang(usize),
}

/// Market data from given series, with a script of faults: one a call, then none.
#[derive(Debug)]
pub struct FakeMarketData {
    series: BTreeMap<String, Arc<Series>>,
    capabilities: MarketDataCapabilities,
    chunk_bars: NonZeroUsize,
    delay: Duration,
    live: Option<Vec<LiveBar>>,
    script: Mutex<VecDeque<Fault>>,
    calls: Mutex<Vec<HistoryRequest>>,
}

impl FakeMarketData {
    /// A source of these daily series, in chunks of at most 7 bars. The columns and the basis are
    /// those of the first series; all others must have the same.
    pub fn new(series: BTreeMap<String, Series>) -> Self {
        let first = series.values().next();
        let capabilities = MarketDataCapabilities {
            fields: first.map_or(Fields::ALL, |s| s.bars.fields()),
            bar_sizes: vec![BarSize::DAY],
            bases: vec![first.map_or(PriceBasis::Raw, |s| s.basis)],
            actions: true,
            subscribe: false,
            instruments: true,
        };
        for (symbol, s) in &series {
            assert!(
                s.bars.fields() == capabilities.fields && capabilities.bases == [s.basis],
                "{symbol} has other columns or another basis than the first series"
            );
        }
        Self {
            series: series.into_iter().map(|(k, v)| (k, Arc::new(v))).collect(),
            capabilities,
            chunk_bars: NonZeroUsize::new(7).expect("seven is not zero"),
            delay: Duration::ZERO,
            live: None,
            script: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// Declares this bar size in place of a day.
    #[must_use]
    pub fn bar(mut self, bar: BarSize) -> Self {
        self.capabilities.bar_sizes = vec![bar];
        self
    }

    /// At most this many bars a chunk.
    #[must_use]
    pub const fn chunk_bars(mut self, bars: NonZeroUsize) -> Self {
        self.chunk_bars = bars;
        self
    }

    /// Waits this long before each item, in tokio's time.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Answers each subscription with these bars and then silence.
    #[must_use]
    pub fn live(mut self, bars: Vec<LiveBar>) -> Self {
        self.capabilities.subscribe = true;
        self.live = Some(bars);
        self
    }

    /// Faults of the next calls of `history`, one a call in this order.
    #[must_use]
    pub fn script(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        lock(&self.script).extend(faults);
        self
    }

    /// Every history request so far.
    pub fn calls(&self) -> Vec<HistoryRequest> {
        lock(&self.calls).clone()
    }

    fn answer(&self, request: &HistoryRequest) -> Result<Vec<Result<Chunk>>> {
        self.capabilities.admit(request)?;
        let mut items = Vec::new();
        for symbol in &request.symbols {
            let Some(series) = self.series.get(symbol) else {
                return Err(request.unknown_symbol(symbol));
            };
            let before = items.len();
            items.extend(cut(symbol, Arc::clone(series), request, self.chunk_bars).map(Ok));
            if items.len() == before {
                let opens = series.bars.open_times();
                items.push(Err(request.no_bars(
                    symbol,
                    opens.first().copied(),
                    opens.last().copied(),
                )));
                break;
            }
        }
        Ok(items)
    }
}

#[async_trait]
impl MarketData for FakeMarketData {
    fn name(&self) -> &str {
        "fake"
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.capabilities.clone()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let listed = |(symbol, series): (&String, &Arc<Series>)| ListedInstrument {
            symbol: symbol.clone(),
            first: series.bars.open_times().first().copied(),
            last: series.bars.open_times().last().copied(),
        };
        Ok(self.series.iter().map(listed).collect())
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        lock(&self.calls).push(request.clone());
        let fault = lock(&self.script).pop_front().unwrap_or(Fault::None);
        let mut items = self.answer(request).unwrap_or_else(|e| vec![Err(e)]);
        let mut hangs = false;
        match fault {
            Fault::None => {}
            Fault::Fail(error) => items = vec![Err(error)],
            Fault::FailAfter(chunks, error) => {
                items.truncate(chunks);
                items.push(Err(error));
            }
            Fault::Hang(chunks) => {
                items.truncate(chunks);
                hangs = true;
            }
        }
        Box::pin(Dribble::new(items, self.delay, hangs))
    }

    fn subscribe(&self, _: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        match &self.live {
            None => stream::once(Err(Error::new(
                ErrorKind::Unsupported,
                "subscribe",
                "this fake has no live bars",
            )
            .hint("give it some with live()"))),
            Some(bars) => {
                let items = bars.iter().cloned().map(Ok).collect();
                Box::pin(Dribble::new(items, self.delay, true))
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Items with a pause before each, and then the end or silence.
struct Dribble<T> {
    items: VecDeque<T>,
    delay: Duration,
    hangs: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<T> Dribble<T> {
    fn new(items: Vec<T>, delay: Duration, hangs: bool) -> Self {
        Self {
            items: items.into(),
            delay,
            hangs,
            sleep: None,
        }
    }
}

// Items are moved out whole and the sleep is boxed: nothing here is pinned in place.
impl<T> Unpin for Dribble<T> {}

impl<T> Stream for Dribble<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.items.is_empty() {
            return if self.hangs {
                Poll::Pending
            } else {
                Poll::Ready(None)
            };
        }
        if !self.delay.is_zero() {
            let delay = self.delay;
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(delay)));
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        Poll::Ready(self.items.pop_front())
    }
}
