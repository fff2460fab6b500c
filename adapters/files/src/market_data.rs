//! CSV files behind the market-data port.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::market::Series;
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HeldSeries, HistoryRequest, ListedInstrument, LiveBar,
    MarketData, MarketDataCapabilities, Result, SubscribeRequest, stream,
};

use crate::check::read;
use crate::defect::Defect;
use crate::inventory::Inventory;
use crate::options::CsvOptions;

/// Market data of files that were read and checked as a whole.
///
/// The bars are held in memory, in columns: 56 bytes a bar.
#[derive(Clone, Debug)]
pub struct CsvMarketData {
    held: HeldSeries,
    inventory: Inventory,
    warnings: Vec<Defect>,
}

impl CsvMarketData {
    /// Reads and checks everything. Blocks on the disk.
    ///
    /// # Errors
    /// `InvalidData` when there is any defect; its source is a
    /// [`DefectReport`](crate::DefectReport) with the first of each kind. Otherwise as
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
            held: HeldSeries::new(inventory.bar, read.series)?,
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
        self.held.get(symbol)
    }
}

#[async_trait]
impl MarketData for CsvMarketData {
    fn name(&self) -> &str {
        "files"
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
            "files hold only past bars",
        )
        .hint("use a live source, or replay the file")))
    }
}
