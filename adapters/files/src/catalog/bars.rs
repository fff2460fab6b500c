//! Data files of a series: encoded, named after their content, read back and proven.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use ballast_domain::market::contract::RawBar;
use ballast_domain::market::{BarSize, Bars, CorporateAction, Field, Fields};
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind, Result};
use chrono::Datelike as _;

use super::manifest::{CatalogFile, CatalogSeries, folder, list, place};
use super::{STATE, damaged, unreadable};
use crate::columnar::{read_bars, write_bars};

/// An encoded file that is not on the disk yet.
pub(super) struct Encoded {
    pub(super) entry: CatalogFile,
    pub(super) bytes: Vec<u8>,
}

/// Positions of the bars that open in each UTC year.
pub(super) fn years(bars: &Bars) -> BTreeMap<i32, Range<usize>> {
    let mut years: BTreeMap<i32, Range<usize>> = BTreeMap::new();
    for (i, open) in bars.open_times().iter().enumerate() {
        let range = years.entry(open.date().year()).or_insert(i..i);
        range.end = i + 1;
    }
    years
}

/// The UTC year of a file of bars.
pub(super) fn year_of(file: &CatalogFile) -> i32 {
    file.first.date().year()
}

/// Bars of one year as a file. They are not empty.
pub(super) fn encode_bars(symbol: &str, bar: BarSize, bars: &Bars) -> Result<Encoded> {
    let bytes = write_bars(&[(symbol, bars)], bar, bars.fields(), None)?;
    let first = bars.open_times().first().copied().unwrap_or_default();
    let last = bars.open_times().last().copied().unwrap_or_default();
    let stem = format!("{}/{}", folder(symbol, bar), first.date().year());
    let content = content_of_bars(bars);
    let rows = bars.len() as u64;
    Ok(encoded(stem, "parquet", bytes, content, rows, first, last))
}

/// Actions as a file. They are not empty.
pub(super) fn encode_actions(
    symbol: &str,
    bar: BarSize,
    actions: &[CorporateAction],
) -> Result<Encoded> {
    let mut bytes = serde_json::to_vec_pretty(actions).map_err(|e| {
        Error::new(ErrorKind::Unexpected, STATE, "actions have no JSON form").caused_by(e)
    })?;
    bytes.push(b'\n');
    let at = |action: Option<&CorporateAction>| action.map_or(Timestamp::EPOCH, |a| a.at);
    let stem = format!("{}/actions", folder(symbol, bar));
    let content = blake3::hash(&bytes).to_hex().to_string();
    let rows = actions.len() as u64;
    let (first, last) = (at(actions.first()), at(actions.last()));
    Ok(encoded(stem, "json", bytes, content, rows, first, last))
}

fn encoded(
    stem: String,
    ending: &str,
    bytes: Vec<u8>,
    content: String,
    rows: u64,
    first: Timestamp,
    last: Timestamp,
) -> Encoded {
    let hash = blake3::hash(&bytes).to_hex().to_string();
    Encoded {
        entry: CatalogFile {
            path: format!("{stem}-{}.{ending}", &hash[..16]),
            bytes: bytes.len() as u64,
            blake3: hash,
            content,
            rows,
            first,
            last,
        },
        bytes,
    }
}

/// Hash of times and values, whatever encoder wrote them: little-endian, bar by bar.
pub(super) fn content_of_bars(bars: &Bars) -> String {
    let mut hasher = blake3::Hasher::new();
    let columns: Vec<&[f64]> = list(bars.fields())
        .into_iter()
        .map(|f| bars.column(f))
        .collect();
    for row in 0..bars.len() {
        hasher.update(&bars.open_times()[row].nanos().to_le_bytes());
        hasher.update(&bars.close_times()[row].nanos().to_le_bytes());
        for column in &columns {
            hasher.update(&column[row].to_bits().to_le_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// The bytes of a file, if they are those the manifest names.
///
/// # Errors
/// `NotFound` when the file is gone, `InvalidData` when its bytes are others.
pub(super) fn proven(root: &Path, file: &CatalogFile) -> Result<Vec<u8>> {
    let path = place(root, file)?;
    let bytes = fs::read(&path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, STATE, "a data file is gone")
            .context("path", path.display())
            .hint("see what is damaged with: ballast data verify"),
        _ => unreadable(e, &path),
    })?;
    if bytes.len() as u64 != file.bytes || blake3::hash(&bytes).to_hex().as_str() != file.blake3 {
        return Err(damaged(
            "a data file is damaged: its checksum does not fit",
            &path,
        ));
    }
    Ok(bytes)
}

/// The bars of one file, proven.
///
/// # Errors
/// As [`proven`], and `InvalidData` when it does not hold what the manifest says.
pub(super) fn bars_of(root: &Path, series: &CatalogSeries, file: &CatalogFile) -> Result<Bars> {
    let bytes = proven(root, file)?;
    let fields: Fields = series.field_set();
    let bars = read_bars(&bytes, &series.symbol, series.bar, fields)
        .map_err(|e| damaged(e.to_string(), Path::new(&file.path)))?;
    if bars.len() as u64 != file.rows || content_of_bars(&bars) != file.content {
        let message = "a data file does not hold what the manifest says";
        return Err(damaged(message, Path::new(&file.path)));
    }
    Ok(bars)
}

/// The actions of a series, proven; none when it has no file of them.
///
/// # Errors
/// As [`bars_of`].
pub(super) fn actions_of(root: &Path, series: &CatalogSeries) -> Result<Vec<CorporateAction>> {
    let Some(file) = &series.actions else {
        return Ok(Vec::new());
    };
    let bytes = proven(root, file)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        damaged("the actions cannot be understood", Path::new(&file.path)).context("cause", e)
    })
}

/// One bar of `bars`: times, then values, zero where there is no column.
pub(super) fn row(bars: &Bars, i: usize) -> (Timestamp, [f64; 5]) {
    let fields = [
        Field::Open,
        Field::High,
        Field::Low,
        Field::Close,
        Field::Volume,
    ];
    let values = fields.map(|field| bars.column(field).get(i).copied().unwrap_or(0.0));
    (bars.close_times()[i], values)
}

/// Bars as the contract takes them, numbered from 1.
pub(super) fn raw_bars(bars: &Bars) -> Vec<RawBar> {
    let raw = |i: usize| RawBar {
        row: i as u64 + 1,
        time: bars.open_times()[i],
        values: Some(row(bars, i).1),
    };
    (0..bars.len()).map(raw).collect()
}
