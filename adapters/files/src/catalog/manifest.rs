//! What a catalog holds, with the checksum of every file and of the list itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ballast_domain::calendar::Calendar;
use ballast_domain::market::{BarSize, Field, Fields};
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::{STATE, damaged, unreadable};
use crate::layout::COLUMNS;

/// Name of the file.
pub(super) const NAME: &str = "manifest";
/// Folder of the data files.
pub(super) const DATA: &str = "data";

/// Everything a catalog holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub v: u32,
    /// Counts the changes of the catalog, from 0 for an empty one.
    pub generation: u64,
    /// Every series, by symbol and bar size.
    pub series: Vec<CatalogSeries>,
}

/// One symbol in one bar size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogSeries {
    /// Symbol.
    pub symbol: String,
    /// Bar size.
    pub bar: BarSize,
    /// When it trades.
    pub calendar: Calendar,
    /// Columns.
    pub fields: Vec<Field>,
    /// Most digits after the point in any price.
    pub price_decimals: u32,
    /// Bars, one file a UTC year of open times, ascending.
    pub years: Vec<CatalogFile>,
    /// Corporate actions, if there are any.
    pub actions: Option<CatalogFile>,
}

/// A data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogFile {
    /// Where it is, with slashes, from the folder of the catalog.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
    /// BLAKE3 of what it holds, whoever encoded it, in hex.
    pub content: String,
    /// Bars or actions.
    pub rows: u64,
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
}

impl CatalogSeries {
    /// The columns as a set.
    pub fn field_set(&self) -> Fields {
        Fields::of(&self.fields)
    }

    /// Bars.
    pub fn bars(&self) -> u64 {
        self.years.iter().map(|file| file.rows).sum()
    }

    /// Size of its files in bytes.
    pub fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum()
    }

    /// Every file: bars, then actions.
    pub fn files(&self) -> impl Iterator<Item = &CatalogFile> {
        self.years.iter().chain(&self.actions)
    }
}

impl Manifest {
    /// The version this program writes.
    pub const VERSION: u32 = 1;

    pub(super) const fn empty() -> Self {
        Self {
            v: Self::VERSION,
            generation: 0,
            series: Vec::new(),
        }
    }

    /// A series.
    pub fn find(&self, symbol: &str, bar: BarSize) -> Option<&CatalogSeries> {
        let mut all = self.series.iter();
        all.find(|series| series.symbol == symbol && series.bar == bar)
    }

    /// Every file.
    pub fn files(&self) -> impl Iterator<Item = &CatalogFile> {
        self.series.iter().flat_map(CatalogSeries::files)
    }

    /// Bars of every series.
    pub fn bars(&self) -> u64 {
        self.series.iter().map(CatalogSeries::bars).sum()
    }

    /// Size of every data file in bytes.
    pub fn bytes(&self) -> u64 {
        self.series.iter().map(CatalogSeries::bytes).sum()
    }

    /// The bytes of the file: JSON, then a line with its BLAKE3.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_string_pretty(self).map_err(|e| {
            Error::new(
                ErrorKind::Unexpected,
                STATE,
                "the manifest has no JSON form",
            )
            .caused_by(e)
        })?;
        text.push('\n');
        let hash = blake3::hash(text.as_bytes()).to_hex();
        Ok(format!("{text}blake3:{hash}\n").into_bytes())
    }
}

/// The columns of a set, in the order of a row.
pub(super) fn list(fields: Fields) -> Vec<Field> {
    let all = COLUMNS.iter().map(|(field, _)| *field);
    all.filter(|field| fields.has(*field)).collect()
}

/// The manifest in `root`; `None` when there is no catalog.
pub(super) fn read(root: &Path) -> Result<Option<Manifest>> {
    let path = root.join(NAME);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !holds_data(root) => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(damaged(
                "the manifest is gone and data files are there",
                &path,
            ));
        }
        Err(e) => return Err(unreadable(e, &path)),
    };
    decode(&bytes, &path).map(Some)
}

fn decode(bytes: &[u8], path: &Path) -> Result<Manifest> {
    let broken = || damaged("the manifest is damaged: its checksum does not fit", path);
    let text = std::str::from_utf8(bytes).map_err(|_| broken())?;
    let body = text.strip_suffix('\n').ok_or_else(broken)?;
    let (body, last) = body.rsplit_once('\n').ok_or_else(broken)?;
    let body = &text[..=body.len()];
    if last != format!("blake3:{}", blake3::hash(body.as_bytes()).to_hex()) {
        return Err(broken());
    }
    let found: Manifest = serde_json::from_str(body).map_err(|e| {
        damaged("the manifest is of another version", path)
            .context("cause", e)
            .hint("use the version of the program that wrote it")
    })?;
    if found.v != Manifest::VERSION {
        return Err(
            damaged(format!("the manifest is of version {}", found.v), path)
                .hint("use the version of the program that wrote it"),
        );
    }
    Ok(found)
}

fn holds_data(root: &Path) -> bool {
    fs::read_dir(root.join(DATA)).is_ok_and(|mut entries| entries.next().is_some())
}

/// The folder of a series from the folder of the catalog. Letters, digits, `-` and `_` stay; others
/// become `%` and two hex digits a byte, so that no symbol leaves its folder.
pub(super) fn folder(symbol: &str, bar: BarSize) -> String {
    let mut name = String::new();
    for byte in symbol.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{DATA}/{name}/{bar}")
}

/// The place of a file of the catalog. A manifest is checked, yet no path of it may lead outside.
pub(super) fn place(root: &Path, file: &CatalogFile) -> Result<PathBuf> {
    let inside = file.path.starts_with("data/")
        && file
            .path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
    if inside && !file.path.contains(['\\', ':']) {
        Ok(root.join(&file.path))
    } else {
        Err(damaged(
            "the manifest names a file outside the catalog",
            Path::new(&file.path),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_stay_in_their_folder() {
        for (symbol, expected) in [
            ("AAPL", "data/AAPL/1d"),
            ("BTC/USDC:USDC", "data/BTC%2FUSDC%3AUSDC/1d"),
            ("..", "data/%2E%2E/1d"),
            ("é", "data/%C3%A9/1d"),
        ] {
            assert_eq!(folder(symbol, BarSize::DAY), expected);
        }
    }

    #[test]
    fn a_later_version_is_refused_and_not_guessed() {
        let later = Manifest {
            v: 2,
            ..Manifest::empty()
        };
        let e = decode(&later.encode().unwrap(), Path::new("manifest")).unwrap_err();
        assert!(e.chain().contains("version 2"), "{e}");
    }
}
