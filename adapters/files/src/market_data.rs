//! CSV files behind the market-data port.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::market::Series;
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest, cut, stream,
};

use crate::check::read;
use crate::defect::Defect;
use crate::inventory::Inventory;
use crate::options::CsvOptions;

/// Bars in one chunk: 8,192 rows of seven columns are about half a megabyte.
const CHUNK_BARS: NonZeroUsize = NonZeroUsize::new(8_192).expect("8192 is not zero");

/// Market data of files that were read and checked as a whole.
///
/// The bars are held in memory, in columns: 56 bytes a bar.
#[derive(Clone, Debug)]
pub struct CsvMarketData {
    series: BTreeMap<String, Arc<Series>>,
    inventory: Inventory,
    warnings: Vec<Defect>,
}

impl CsvMarketData {
    /// Reads and checks everything. Blocks on the disk.
    ///
    /// # Errors
    /// `InvalidData` when there is any defect; its source is a
    /// [`DefectReport`](crate::DefectReport) with the first twenty. Otherwise as
    /// [`check`](crate::check).
    pub fn open(options: &CsvOptions) -> Result<Self> {
        let read = read(options)?;
        read.defects.refuse()?;
        let Some(inventory) = read.inventory else {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "open",
                "files without a defect gave no bars",
            )
            .hint("report this with the file"));
        };
        Ok(Self {
            series: read
                .series
                .into_iter()
                .map(|(k, v)| (k, Arc::new(v)))
                .collect(),
            inventory,
            warnings: read.defects.kept,
        })
    }

    /// What was read.
    pub const fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What is worth knowing though it refuses nothing.
    pub fn warnings(&self) -> &[Defect] {
        &self.warnings
    }

    /// The series of a symbol, without a copy.
    pub fn series(&self, symbol: &str) -> Option<&Arc<Series>> {
        self.series.get(symbol)
    }

    fn answer(&self, request: &HistoryRequest) -> Result<Vec<(String, Arc<Series>)>> {
        self.capabilities().admit(request)?;
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
impl MarketData for CsvMarketData {
    fn name(&self) -> &str {
        "files"
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        MarketDataCapabilities {
            fields: self.inventory.fields,
            bar_sizes: vec![self.inventory.bar],
            bases: vec![self.inventory.basis],
            actions: self.series.values().any(|s| !s.actions.is_empty()),
            subscribe: false,
            instruments: true,
        }
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
            "files hold only past bars",
        )
        .hint("use a live source, or replay the file")))
    }
}
