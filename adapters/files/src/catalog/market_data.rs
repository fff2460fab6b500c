//! A catalog behind the market-data port.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::market::{PriceBasis, Series};
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HeldSeries, HistoryRequest, ListedInstrument, LiveBar,
    MarketData, MarketDataCapabilities, Result, SubscribeRequest, stream,
};

use super::held::hold;
use super::manifest::CatalogSeries;
use super::{Catalog, Selection};
use crate::contract_stage::Strictness;
use crate::defect::Defect;
use crate::inventory::{FileDigest, Inventory, SymbolInventory, data_hash};

/// Series of a catalog, proven and held in memory: one state of it, whatever is written meanwhile.
#[derive(Clone, Debug)]
pub struct CatalogMarketData {
    held: HeldSeries,
    inventory: Inventory,
    warnings: Vec<Defect>,
}

impl CatalogMarketData {
    /// Reads and proves the selected series, and with `contract` holds each as a whole against the
    /// data contract. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Catalog::series`]; `Config` when their columns differ; `InvalidData` with every defect that
    /// `contract` does not let pass.
    pub fn open(
        catalog: &Catalog,
        selection: &Selection,
        contract: Option<Strictness>,
    ) -> Result<Self> {
        let mut loaded = catalog.load(selection)?;
        let warnings = match contract {
            Some(strictness) => hold(&mut loaded, strictness)?,
            None => Vec::new(),
        };
        let files: Vec<FileDigest> = (loaded.entries.iter())
            .flat_map(CatalogSeries::files)
            .map(|file| FileDigest {
                name: file.path.clone(),
                bytes: file.bytes,
                blake3: file.blake3.clone(),
            })
            .collect();
        let symbols: BTreeMap<String, SymbolInventory> = (loaded.entries.iter().enumerate())
            .map(|(place, entry)| {
                let series = &loaded.series[&entry.symbol];
                let opens = series.bars.open_times();
                let one = SymbolInventory {
                    bars: opens.len(),
                    actions: series.actions.len(),
                    first: opens.first().copied().unwrap_or_default(),
                    last: opens.last().copied().unwrap_or_default(),
                    price_decimals: entry.price_decimals,
                    place,
                };
                (entry.symbol.clone(), one)
            })
            .collect();
        let held = HeldSeries::new(loaded.bar, loaded.series)?;
        Ok(Self {
            inventory: Inventory {
                data_hash: data_hash(&files),
                files,
                rows: loaded.entries.iter().map(CatalogSeries::bars).sum(),
                bar: loaded.bar,
                basis: PriceBasis::Raw,
                fields: held.capabilities().fields,
                extra_columns: Vec::new(),
                symbols,
            },
            held,
            warnings,
        })
    }

    /// What was read.
    pub const fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What is worth knowing though it refuses nothing; nothing without a contract.
    pub fn warnings(&self) -> &[Defect] {
        &self.warnings
    }

    /// The series of a symbol, without a copy.
    pub fn series(&self, symbol: &str) -> Option<&Arc<Series>> {
        self.held.get(symbol)
    }
}

#[async_trait]
impl MarketData for CatalogMarketData {
    fn name(&self) -> &str {
        "catalog"
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
            "a catalog holds only past bars",
        )
        .hint("use a live source, or replay the catalog")))
    }
}
