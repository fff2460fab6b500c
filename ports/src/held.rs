//! Whole series in memory, answered from as the market-data port asks.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use ballast_domain::market::{BarSize, Series};

use crate::chunk::Chunk;
use crate::cut::cut;
use crate::error::{Error, ErrorKind, Result};
use crate::market_data::{HistoryRequest, ListedInstrument, MarketDataCapabilities};
use crate::stream::{self, BoxStream};

/// Bars in one chunk: 8,192 rows of seven columns are about half a megabyte.
const CHUNK_BARS: NonZeroUsize = NonZeroUsize::new(8_192).expect("8192 is not zero");

/// Series by symbol in one bar size, with the same columns and basis.
///
/// For adapter authors whose source fits in memory: it answers `history` and `instruments` as the
/// contract of [`MarketData`](crate::MarketData) wants them.
#[derive(Clone, Debug)]
pub struct HeldSeries {
    series: BTreeMap<String, Arc<Series>>,
    capabilities: MarketDataCapabilities,
    chunk_bars: NonZeroUsize,
}

impl HeldSeries {
    /// Holds these series, whose bars are `bar` long, to be delivered in chunks of 8,192 bars.
    ///
    /// # Errors
    /// `Config` when there is none, one has no bars, or their columns or bases differ.
    pub fn new(bar: BarSize, series: BTreeMap<String, Series>) -> Result<Self> {
        let refuse = |message: &str| Error::new(ErrorKind::Config, "open", message);
        let Some(first) = series.values().next() else {
            return Err(refuse("there is no series").hint("give at least one symbol"));
        };
        let (fields, basis) = (first.bars.fields(), first.basis);
        for (symbol, s) in &series {
            if s.bars.is_empty() {
                return Err(refuse("a series has no bars")
                    .context("symbol", symbol)
                    .hint("leave the symbol out"));
            }
            if s.bars.fields() != fields || s.basis != basis {
                return Err(refuse("series differ in columns or price basis")
                    .context("symbol", symbol)
                    .hint("give all symbols the same columns and basis"));
            }
        }
        Ok(Self {
            capabilities: MarketDataCapabilities {
                fields,
                bar_sizes: vec![bar],
                bases: vec![basis],
                actions: series.values().any(|s| !s.actions.is_empty()),
                subscribe: false,
                instruments: true,
                symbols_per_call: NonZeroUsize::MIN,
            },
            series: series.into_iter().map(|(k, v)| (k, Arc::new(v))).collect(),
            chunk_bars: CHUNK_BARS,
        })
    }

    /// The same in chunks of at most this many bars.
    #[must_use]
    pub fn chunk_bars(self, chunk_bars: NonZeroUsize) -> Self {
        Self { chunk_bars, ..self }
    }

    /// What these series allow: no subscription.
    pub const fn capabilities(&self) -> &MarketDataCapabilities {
        &self.capabilities
    }

    /// A series, without a copy.
    pub fn get(&self, symbol: &str) -> Option<&Arc<Series>> {
        self.series.get(symbol)
    }

    /// Every symbol with its first and last open time, sorted.
    pub fn instruments(&self) -> Vec<ListedInstrument> {
        let listed = |(symbol, series): (&String, &Arc<Series>)| ListedInstrument {
            symbol: symbol.clone(),
            first: series.bars.open_times().first().copied(),
            last: series.bars.open_times().last().copied(),
        };
        self.series.iter().map(listed).collect()
    }

    /// The answer to a request, symbol after symbol as requested.
    ///
    /// # Errors
    /// As [`MarketData::history`](crate::MarketData::history), before any chunk.
    pub fn chunks(
        &self,
        request: &HistoryRequest,
    ) -> Result<impl Iterator<Item = Chunk> + Send + use<>> {
        self.capabilities.admit(request)?;
        let find = |symbol: &String| {
            let series = self.series.get(symbol);
            let series = series.ok_or_else(|| request.unknown_symbol(symbol))?;
            let opens = series.bars.open_times();
            let next = opens.partition_point(|t| *t < request.start);
            if !opens.get(next).is_some_and(|t| request.contains(*t)) {
                let (first, last) = (opens.first().copied(), opens.last().copied());
                return Err(request.no_bars(symbol, first, last));
            }
            Ok((symbol.clone(), Arc::clone(series)))
        };
        let found: Vec<_> = request.symbols.iter().map(find).collect::<Result<_>>()?;
        let (request, chunk_bars) = (request.clone(), self.chunk_bars);
        Ok(found
            .into_iter()
            .flat_map(move |(symbol, series)| cut(&symbol, series, &request, chunk_bars)))
    }

    /// The answer to a request, as the port returns it.
    pub fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        match self.chunks(request) {
            Ok(chunks) => stream::iter(chunks.map(Ok)),
            Err(error) => stream::once(Err(error)),
        }
    }
}
