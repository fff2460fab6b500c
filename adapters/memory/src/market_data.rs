//! Market data from series that are already there.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::market::{BarSize, Fields, PriceBasis, Series};
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest, cut, stream,
};

/// Bars in one chunk: 8,192 rows of seven columns are about half a megabyte.
const CHUNK_BARS: NonZeroUsize = NonZeroUsize::new(8_192).expect("8192 is not zero");

/// Series by symbol, all in one bar size, with the same columns and basis.
#[derive(Clone, Debug)]
pub struct MemoryMarketData {
    series: BTreeMap<String, Arc<Series>>,
    capabilities: MarketDataCapabilities,
}

impl MemoryMarketData {
    /// A source of these series, whose bars are `bar` long.
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
            },
            series: series.into_iter().map(|(k, v)| (k, Arc::new(v))).collect(),
        })
    }

    /// The columns of every series.
    pub const fn fields(&self) -> Fields {
        self.capabilities.fields
    }

    /// What the prices of every series mean.
    pub fn basis(&self) -> PriceBasis {
        self.capabilities.bases[0]
    }

    fn answer(&self, request: &HistoryRequest) -> Result<Vec<(String, Arc<Series>)>> {
        self.capabilities.admit(request)?;
        let find = |symbol: &String| {
            let series = self.series.get(symbol);
            let series = series.ok_or_else(|| request.unknown_symbol(symbol))?;
            let opens = series.bars.open_times();
            let first_in_range = opens.partition_point(|t| *t < request.start);
            if !opens
                .get(first_in_range)
                .is_some_and(|t| request.contains(*t))
            {
                return Err(request.no_bars(symbol, opens.first().copied(), opens.last().copied()));
            }
            Ok((symbol.clone(), Arc::clone(series)))
        };
        request.symbols.iter().map(find).collect()
    }
}

#[async_trait]
impl MarketData for MemoryMarketData {
    fn name(&self) -> &str {
        "memory"
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
        match self.answer(request) {
            Err(error) => stream::once(Err(error)),
            Ok(found) => {
                let request = request.clone();
                stream::iter(found.into_iter().flat_map(move |(symbol, series)| {
                    cut(&symbol, series, &request, CHUNK_BARS).map(Ok)
                }))
            }
        }
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
