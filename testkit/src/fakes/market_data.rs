//! A source of bars that fails, waits and dribbles as a test says.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use ballast_domain::market::{BarSize, Series};
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HeldSeries, HistoryRequest, ListedInstrument, LiveBar,
    MarketData, MarketDataCapabilities, Result, SubscribeRequest,
    stream::{self, Stream},
};
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
    held: HeldSeries,
    delay: Duration,
    live: Option<Vec<LiveBar>>,
    symbols_per_call: NonZeroUsize,
    script: Mutex<VecDeque<Fault>>,
    calls: Mutex<Vec<HistoryRequest>>,
}

impl FakeMarketData {
    /// A source of these daily series, in chunks of at most 7 bars. Panics when there is none or
    /// they differ in columns or basis.
    pub fn new(series: BTreeMap<String, Series>) -> Self {
        Self::with_bar(BarSize::DAY, series)
    }

    /// The same for series whose bars are `bar` long.
    pub fn with_bar(bar: BarSize, series: BTreeMap<String, Series>) -> Self {
        let held = HeldSeries::new(bar, series).unwrap_or_else(|e| panic!("{}", e.chain()));
        Self {
            held: held.chunk_bars(NonZeroUsize::new(7).expect("seven is not zero")),
            delay: Duration::ZERO,
            live: None,
            symbols_per_call: NonZeroUsize::MIN,
            script: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// At most this many bars a chunk.
    #[must_use]
    pub fn chunk_bars(mut self, bars: NonZeroUsize) -> Self {
        self.held = self.held.chunk_bars(bars);
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
        self.live = Some(bars);
        self
    }

    /// Faults of the next calls of `history`, one a call in this order.
    #[must_use]
    pub fn script(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        lock(&self.script).extend(faults);
        self
    }

    /// The same with a batch endpoint of so many symbols.
    #[must_use]
    pub fn symbols_per_call(self, symbols: NonZeroUsize) -> Self {
        Self {
            symbols_per_call: symbols,
            ..self
        }
    }

    /// Every history request so far.
    pub fn calls(&self) -> Vec<HistoryRequest> {
        lock(&self.calls).clone()
    }
}

#[async_trait]
impl MarketData for FakeMarketData {
    fn name(&self) -> &str {
        "fake"
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        MarketDataCapabilities {
            subscribe: self.live.is_some(),
            symbols_per_call: self.symbols_per_call,
            ..self.held.capabilities().clone()
        }
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        Ok(self.held.instruments())
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        lock(&self.calls).push(request.clone());
        let fault = lock(&self.script).pop_front().unwrap_or(Fault::None);
        let mut items: Vec<_> = match self.held.chunks(request) {
            Ok(chunks) => chunks.map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
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
