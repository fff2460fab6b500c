//! What was read: files, hashes, rows and symbols.

use std::collections::BTreeMap;

use ballast_domain::market::{BarSize, Fields, PriceBasis};
use ballast_domain::time::Timestamp;

/// A file and the hash of its bytes, as they are on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDigest {
    /// File name without its folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 in lowercase hex.
    pub blake3: String,
}

/// What is known of one symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolInventory {
    /// Usable bars.
    pub bars: usize,
    /// Corporate actions.
    pub actions: usize,
    /// Open time of the first bar.
    pub first: Timestamp,
    /// Open time of the last bar.
    pub last: Timestamp,
    /// Most digits after the point in any price of the file, trailing zeros not counted. Prices
    /// scaled by an adjusted column have more.
    pub price_decimals: u32,
    /// Orders the symbols as the files have them: see [`Inventory::in_file_order`].
    pub place: usize,
}

/// What was read, for the manifest of a run and for defining instruments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// `blake3:` and the hex hash of all input bytes: that of the file when there is one, else that
    /// of the lines `hash  name` of every file, bars in name order and then actions.
    pub data_hash: String,
    /// Every file, in the order of `data_hash`.
    pub files: Vec<FileDigest>,
    /// Rows below the headers, usable or not; those of the actions file are not counted.
    pub rows: u64,
    /// Bar size.
    pub bar: BarSize,
    /// What the prices mean.
    pub basis: PriceBasis,
    /// Columns of every symbol.
    pub fields: Fields,
    /// Columns that were there and not used, by name.
    pub extra_columns: Vec<String>,
    /// Every symbol.
    pub symbols: BTreeMap<String, SymbolInventory>,
}

impl Inventory {
    /// The symbols as the files have them: the columns of a wide table from left to right, else as
    /// they first appear, files by name.
    pub fn in_file_order(&self) -> Vec<&str> {
        let mut order: Vec<_> = self.symbols.iter().collect();
        // Stable: what shares a place stays in name order.
        order.sort_by_key(|(_, symbol)| symbol.place);
        order.into_iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// The hash over several files; see [`Inventory::data_hash`].
pub(crate) fn data_hash(files: &[FileDigest]) -> String {
    match files {
        [one] => format!("blake3:{}", one.blake3),
        many => {
            let mut hasher = blake3::Hasher::new();
            for file in many {
                hasher.update(format!("{}  {}\n", file.blake3, file.name).as_bytes());
            }
            format!("blake3:{}", hasher.finalize().to_hex())
        }
    }
}
