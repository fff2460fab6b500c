//! Bars and corporate actions, past and live.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::market::{Bar, BarSize, Fields, PriceBasis, Series};
use ballast_domain::time::Timestamp;

use crate::chunk::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::stream::{self, BoxStream};

/// What a source can deliver. A call outside it answers `Unsupported`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketDataCapabilities {
    /// Columns that every bar of [`MarketData::history`] has.
    pub fields: Fields,
    /// Bar sizes that can be asked for, ascending.
    pub bar_sizes: Vec<BarSize>,
    /// Price bases that can be asked for.
    pub bases: Vec<PriceBasis>,
    /// Whether corporate actions come with raw bars. Without them a raw price falls at a split.
    pub actions: bool,
    /// Whether [`MarketData::subscribe`] works.
    pub subscribe: bool,
    /// Whether [`MarketData::instruments`] works.
    pub instruments: bool,
    /// Symbols that one call of the neighbour answers; 1 without a batch endpoint. A request of more is
    /// answered all the same, at the price of several calls.
    pub symbols_per_call: NonZeroUsize,
}

impl MarketDataCapabilities {
    /// Checks a request before any work: an adapter calls it first in [`MarketData::history`].
    ///
    /// # Errors
    /// `Rejected` for no symbols, a symbol named twice or a range that is not positive;
    /// `Unsupported` for a bar size or price basis that is not declared.
    pub fn admit(&self, request: &HistoryRequest) -> Result<()> {
        const OPERATION: &str = "history";
        let mut symbols: Vec<_> = request.symbols.iter().collect();
        symbols.sort_unstable();
        if let Some(pair) = symbols.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(
                Error::new(ErrorKind::Rejected, OPERATION, "a symbol is named twice")
                    .context("symbol", pair[0])
                    .hint("name each symbol once"),
            );
        }
        if symbols.is_empty() {
            return Err(
                Error::new(ErrorKind::Rejected, OPERATION, "no symbol is named")
                    .hint("name at least one; instruments() lists what there is"),
            );
        }
        if request.start >= request.end {
            return Err(
                Error::new(ErrorKind::Rejected, OPERATION, "the range is empty")
                    .context("start", request.start)
                    .context("end", request.end)
                    .hint("the range holds bars that open at or after start and before end"),
            );
        }
        if !self.bar_sizes.contains(&request.bar) {
            let known: Vec<_> = self.bar_sizes.iter().map(ToString::to_string).collect();
            return Err(Error::new(
                ErrorKind::Unsupported,
                OPERATION,
                format!("there are no bars of {}", request.bar),
            )
            .context("available", known.join(", "))
            .hint("ask for an available bar size"));
        }
        if !self.bases.contains(&request.basis) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                OPERATION,
                format!("there are no {:?} prices", request.basis),
            )
            .context("available", format!("{:?}", self.bases))
            .hint("ask for an available price basis"));
        }
        Ok(())
    }
}

/// An instrument a source knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedInstrument {
    /// Symbol, as requests name it.
    pub symbol: String,
    /// Open time of its first bar, if the source knows.
    pub first: Option<Timestamp>,
    /// Open time of its last bar, if the source knows.
    pub last: Option<Timestamp>,
}

/// Which bars to deliver: those that open in `[start, end)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRequest {
    /// Symbols, each once.
    pub symbols: Vec<String>,
    /// Earliest open time.
    pub start: Timestamp,
    /// Open times are before this.
    pub end: Timestamp,
    /// Bar size.
    pub bar: BarSize,
    /// Whether prices are as traded or rewritten.
    pub basis: PriceBasis,
}

impl HistoryRequest {
    /// Everything a source has of `symbols`, raw, in bars of `bar`.
    pub fn all<S: Into<String>>(symbols: impl IntoIterator<Item = S>, bar: BarSize) -> Self {
        Self {
            symbols: symbols.into_iter().map(Into::into).collect(),
            start: Timestamp::MIN,
            end: Timestamp::MAX,
            bar,
            basis: PriceBasis::Raw,
        }
    }

    /// The same for bars that open in `[start, end)`.
    #[must_use]
    pub fn between(self, start: Timestamp, end: Timestamp) -> Self {
        Self { start, end, ..self }
    }

    /// The same with prices of `basis`.
    #[must_use]
    pub fn basis(self, basis: PriceBasis) -> Self {
        Self { basis, ..self }
    }

    /// Whether a bar that opens at `time` belongs to the answer.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// The error for a symbol the source has never heard of.
    pub fn unknown_symbol(&self, symbol: &str) -> Error {
        Error::new(
            ErrorKind::NotFound,
            "history",
            format!("symbol '{symbol}' is not known"),
        )
        .context("symbol", symbol)
        .hint("instruments() lists what there is; symbols are case-sensitive")
    }

    /// The error for a known symbol without a bar in the range. `first` and `last` are the open
    /// times of what there is.
    pub fn no_bars(
        &self,
        symbol: &str,
        first: Option<Timestamp>,
        last: Option<Timestamp>,
    ) -> Error {
        let mut error = Error::new(
            ErrorKind::NotFound,
            "history",
            format!("symbol '{symbol}' has no bar in the range"),
        )
        .context("symbol", symbol)
        .context("start", self.start)
        .context("end", self.end);
        if let (Some(first), Some(last)) = (first, last) {
            error = error.context("first_bar", first).context("last_bar", last);
        }
        error.hint("widen the range or leave the symbol out")
    }
}

/// Which bars to follow from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeRequest {
    /// Symbols, each once.
    pub symbols: Vec<String>,
    /// Bar size.
    pub bar: BarSize,
}

/// A bar that has just closed.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveBar {
    /// Its symbol.
    pub symbol: String,
    /// The complete bar; a bar still forming is never delivered.
    pub bar: Bar,
}

/// A source of bars and corporate actions.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait MarketData: fmt::Debug + Send + Sync + 'static {
    /// Short lowercase name of the source, such as `files`, for provenance.
    fn name(&self) -> &str;

    /// What this source can deliver. Constant over its life.
    fn capabilities(&self) -> MarketDataCapabilities;

    /// Every instrument the source knows, sorted by symbol.
    ///
    /// # Errors
    /// `Unsupported` when not declared; otherwise as [`MarketData::history`].
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Safe at any point.
    async fn instruments(&self) -> Result<Vec<ListedInstrument>>;

    /// The bars that open in `[start, end)`, with the corporate actions of that range, in chunks.
    ///
    /// # Behaviour
    /// Chunks of one symbol come in time order, append without overlap and have the declared
    /// columns and the requested basis; chunks of different symbols may alternate. Open times of a
    /// symbol are strictly increasing. A bar still forming is not delivered. An action comes with
    /// the first bar that opens at or after it, one after the last bar with the last chunk. No
    /// chunk is empty. Two requests, also at once, do not influence each other.
    ///
    /// # Errors
    /// An error is the last item of the stream; what came before it is good. `NotFound` names a
    /// symbol that is unknown, or one without any bar in the range: an answer is never silently
    /// empty. `Rejected` and `Unsupported` as [`MarketDataCapabilities::admit`]. `InvalidData` when
    /// the source breaks its contract, naming the row. `Unavailable`, `RateLimited` and
    /// `Unauthenticated` as the source answers.
    ///
    /// # Idempotency
    /// The same request about the past gives identical bars.
    ///
    /// # Cancellation
    /// Nothing happens before the first poll. Dropping the stream stops the work and leaves
    /// nothing behind.
    ///
    /// # For adapter authors
    /// Call [`MarketDataCapabilities::admit`] first. Bound the chunk, and name the bound.
    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>>;

    /// Bars as they close, from the first poll on.
    ///
    /// # Behaviour
    /// Per symbol in time order, each bar once. The stream does not end by itself.
    ///
    /// # Errors
    /// An error is the last item of the stream. `Unsupported` when not declared; otherwise as
    /// [`MarketData::history`]. After an error the caller subscribes again and closes the gap with
    /// `history`.
    ///
    /// # Idempotency
    /// Each subscription is its own.
    ///
    /// # Cancellation
    /// Dropping the stream ends the subscription.
    ///
    /// # For adapter authors
    /// Bound the queue behind the stream; when it is full, end with `Unavailable` rather than drop
    /// a bar.
    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>>;
}

#[async_trait]
impl<T: MarketData + ?Sized> MarketData for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        (**self).capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        (**self).instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        (**self).history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        (**self).subscribe(request)
    }
}

/// Conveniences over any [`MarketData`]; nobody implements this.
#[async_trait]
pub trait MarketDataExt: MarketData {
    /// Reads a whole history into one series a symbol.
    ///
    /// # Errors
    /// The first error of the stream; `InvalidData` when chunks do not append; `NotFound` when a
    /// requested symbol is missing from the answer.
    async fn load(&self, request: &HistoryRequest) -> Result<BTreeMap<String, Series>> {
        let mut answer: BTreeMap<String, Series> = BTreeMap::new();
        let mut chunks = self.history(request);
        while let Some(chunk) = stream::next(&mut chunks).await {
            let Chunk { symbol, series } = chunk?;
            let Some(whole) = answer.get_mut(&symbol) else {
                answer.insert(symbol, series);
                continue;
            };
            whole
                .bars
                .append(&series.bars)
                .map_err(|e| Error::from_domain("history", e).context("symbol", &symbol))?;
            whole.actions.extend(series.actions);
        }
        match request.symbols.iter().find(|s| !answer.contains_key(*s)) {
            Some(symbol) => Err(request.no_bars(symbol, None, None)),
            None => Ok(answer),
        }
    }
}

impl<T: MarketData + ?Sized> MarketDataExt for T {}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities() -> MarketDataCapabilities {
        MarketDataCapabilities {
            fields: Fields::ALL,
            bar_sizes: vec![BarSize::DAY],
            bases: vec![PriceBasis::Raw],
            actions: true,
            subscribe: false,
            instruments: true,
            symbols_per_call: NonZeroUsize::MIN,
        }
    }

    #[test]
    fn impossible_requests_are_refused_before_any_work() {
        let good = HistoryRequest::all(["A"], BarSize::DAY);
        capabilities().admit(&good).unwrap();
        let day = Timestamp::from_seconds(86_400).unwrap();
        for (request, kind, text) in [
            (
                HistoryRequest::all(Vec::<String>::new(), BarSize::DAY),
                ErrorKind::Rejected,
                "no symbol",
            ),
            (
                HistoryRequest::all(["A", "B", "A"], BarSize::DAY),
                ErrorKind::Rejected,
                "named twice (symbol = A)",
            ),
            (
                good.clone().between(day, day),
                ErrorKind::Rejected,
                "range is empty",
            ),
            (
                HistoryRequest::all(["A"], BarSize::HOUR),
                ErrorKind::Unsupported,
                "no bars of 1h (available = 1d)",
            ),
            (
                good.basis(PriceBasis::BackAdjusted),
                ErrorKind::Unsupported,
                "BackAdjusted",
            ),
        ] {
            let e = capabilities().admit(&request).unwrap_err();
            assert_eq!(e.kind, kind);
            assert!(e.to_string().contains(text), "{e}");
            assert!(e.advice().is_some());
        }
    }

    /// A mock can stand behind the port as a trait object, also inside an `Arc`.
    #[tokio::test]
    async fn the_port_is_object_safe_and_a_missing_symbol_is_no_silence() {
        let mut mock = MockMarketData::new();
        mock.expect_history()
            .times(1)
            .returning(|_| stream::iter(Vec::new()));
        let source: Arc<dyn MarketData> = Arc::new(mock);
        let request = HistoryRequest::all(["A"], BarSize::DAY);
        let e = Arc::new(source).load(&request).await.unwrap_err();
        assert_eq!(e.kind, ErrorKind::NotFound);
        assert!(e.to_string().contains("'A'"), "{e}");
    }
}
