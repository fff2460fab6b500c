//! The catalog: bars and corporate actions of many symbols in one folder, proven by checksums.
//!
//! ```text
//! manifest                                  what there is, with its own checksum as the last line
//! lock                                      held by the one writer
//! data/SYMBOL/BAR/YEAR-HASH.parquet         bars that open in a UTC year, zstd
//! data/SYMBOL/BAR/actions-HASH.json         splits, dividends and the end of the symbol
//! ```
//!
//! A file is named after its content and never changed, and the manifest is replaced in one step as
//! the last act of a change. So a reader, or a restart after a stop anywhere, finds the old catalog or
//! the new one. Prices are raw, as traded; a total-return view is computed from the stored actions.

mod add;
mod bars;
mod clean;
#[cfg(test)]
mod crash;
mod export;
mod held;
mod load;
mod lock;
mod manifest;
mod market_data;
mod repair;
mod update;
mod verify;

use std::path::{Path, PathBuf};

use ballast_domain::calendar::Calendar;
use ballast_domain::market::{BarSize, Fields, Series};
use ballast_ports::{Error, ErrorKind, Result};

pub use add::{Added, AddedSeries};
pub use export::{ExportOptions, Exported, View};
pub use load::Selection;
pub use manifest::{CatalogFile, CatalogSeries, Manifest};
pub use market_data::CatalogMarketData;
pub use repair::{RepairReport, SecondSource};
pub use verify::{Damage, VerifyReport};

/// The operation of every error about the state of a catalog, apart from errors about data.
pub const STATE: &str = "catalog";

/// A folder of market data.
#[derive(Clone, Debug)]
pub struct Catalog {
    root: PathBuf,
}

/// A series on its way into a catalog: raw, and checked by whoever made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming<'a> {
    /// Its symbol.
    pub symbol: &'a str,
    /// Bar size.
    pub bar: BarSize,
    /// When it trades.
    pub calendar: Calendar,
    /// Columns.
    pub fields: Fields,
    /// Most digits after the point in any price.
    pub price_decimals: u32,
    /// Bars and corporate actions.
    pub series: &'a Series,
}

impl Catalog {
    /// The catalog in `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What there is.
    ///
    /// # Errors
    /// `NotFound` when there is no catalog. With operation [`STATE`]: `InvalidData` when the manifest
    /// is damaged, is gone while data is there, or is of another version; `Unavailable` from the
    /// disk.
    pub fn manifest(&self) -> Result<Manifest> {
        manifest::read(&self.root)?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "open", "there is no catalog")
                .context("folder", self.root.display())
                .hint("make one with: ballast data import FILE")
        })
    }
}

/// An error about the state on disk.
fn damaged(message: impl Into<String>, path: &Path) -> Error {
    Error::from_domain(STATE, ballast_domain::Error::cache_corruption(message))
        .context("path", path.display())
        .hint("see what is damaged with: ballast data verify")
}

fn unreadable(e: std::io::Error, path: &Path) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        STATE,
        "file cannot be read or written",
    )
    .context("path", path.display())
    .hint("check permissions, free space and the disk")
    .caused_by(e)
}
