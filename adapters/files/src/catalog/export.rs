//! A catalog as one file that any program reads.

use std::path::{Path, PathBuf};

use ballast_domain::indicators::TotalReturnIndex;
use ballast_domain::market::{ActionKind, Bars, Field, Fields, Series};
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde::Serialize;

use super::load::Loaded;
use super::manifest::list;
use super::{Catalog, Selection, unreadable};
use crate::columnar::write_bars;
use crate::layout::COLUMNS;
use ballast_system::{Disk, Fate};

/// Which prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// As traded.
    #[default]
    Raw,
    /// As traded, and a column `total_return`: what holding the symbol earned. Its change from bar
    /// to bar is `(close + dividend) × split / previous close`, the rule of adjusted closes, and it
    /// starts at the first close.
    TotalReturn,
}

/// What to write and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Which series.
    pub selection: Selection,
    /// Which prices.
    pub view: View,
    /// The file: `.csv` or `.parquet`.
    pub file: PathBuf,
    /// A CSV file for splits, dividends and delistings.
    pub actions: Option<PathBuf>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Symbols.
    pub symbols: Vec<String>,
    /// Bars.
    pub bars: u64,
    /// Corporate actions in their own file.
    pub actions: Option<u64>,
}

impl Catalog {
    /// Writes the selected series as one long file, in one step.
    ///
    /// # Errors
    /// As [`Catalog::series`]; `Config` when the ending is neither `.csv` nor `.parquet` or the
    /// series have different columns; `Unavailable` from the disk.
    pub fn export(&self, options: &ExportOptions) -> Result<Exported> {
        let file = &options.file;
        let ending = file.extension().map(|e| e.to_string_lossy().to_lowercase());
        let is_parquet = match ending.as_deref() {
            Some("csv") => false,
            Some("parquet") => true,
            _ => {
                return Err(Error::new(ErrorKind::Config, "export", "unknown ending")
                    .context("path", file.display())
                    .hint("end the name with .csv or .parquet"));
            }
        };
        let loaded = self.load(&options.selection)?;
        let fields = loaded.entries[0].field_set();
        if let Some(other) = loaded.entries.iter().find(|s| s.field_set() != fields) {
            let message = "series have different columns";
            return Err(Error::new(ErrorKind::Config, "export", message)
                .context("symbol", &other.symbol)
                .hint("name symbols with the same columns"));
        }
        let totals = match options.view {
            View::Raw => None,
            View::TotalReturn => {
                let all = loaded.series.values().map(total_return);
                Some(all.collect::<Result<Vec<_>>>()?)
            }
        };
        let extra = totals.as_deref().map(|values| ("total_return", values));
        let bytes = if is_parquet {
            let series: Vec<(&str, &Bars)> = (loaded.series.iter())
                .map(|(symbol, series)| (symbol.as_str(), &series.bars))
                .collect();
            write_bars(&series, loaded.bar, fields, extra)?
        } else {
            csv_of(&loaded, fields, extra)
        };
        write(file, &bytes)?;
        let actions = match &options.actions {
            Some(path) => Some(write_actions(path, &loaded)?),
            None => None,
        };
        Ok(Exported {
            symbols: loaded.series.keys().cloned().collect(),
            bars: loaded.series.values().map(|s| s.bars.len() as u64).sum(),
            actions,
        })
    }
}

/// The total-return index at each bar; actions between two bars take effect at the later one.
fn total_return(series: &Series) -> Result<Vec<f64>> {
    let mut index = TotalReturnIndex::new();
    let mut actions = series.actions.iter().peekable();
    let closes = series.bars.column(Field::Close);
    let mut values = Vec::with_capacity(closes.len());
    for (open, close) in series.bars.open_times().iter().zip(closes) {
        let (mut dividend, mut split) = (0.0, 1.0);
        while let Some(action) = actions.next_if(|action| action.at <= *open) {
            match action.kind {
                ActionKind::Split(ratio) => split *= ratio.to_f64(),
                ActionKind::Dividend(cash) => dividend += as_f64(cash),
                ActionKind::Delisting => {}
            }
        }
        let value = index.update(*close, dividend, split);
        values.push(value.map_err(|e| Error::from_domain("export", e))?);
    }
    Ok(values)
}

/// The nearest float: through text, which rounds once.
fn as_f64(value: Decimal) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

fn csv_of(loaded: &Loaded, fields: Fields, extra: Option<(&str, &[Vec<f64>])>) -> Vec<u8> {
    let kept = list(fields);
    let daily = loaded.bar.is_day();
    let mut text = csv::Writer::from_writer(Vec::new());
    let mut header = vec![if daily { "date" } else { "timestamp" }, "symbol"];
    header.extend(kept.iter().map(|field| COLUMNS[*field as usize].1));
    header.extend(extra.map(|(name, _)| name));
    // Writing to memory cannot fail.
    let _ = text.write_record(&header);
    for (number, (symbol, series)) in loaded.series.iter().enumerate() {
        let bars = &series.bars;
        for row in 0..bars.len() {
            let open = bars.open_times()[row];
            let mut cells = vec![time(open, daily), symbol.clone()];
            cells.extend(
                kept.iter()
                    .map(|field| bars.column(*field)[row].to_string()),
            );
            cells.extend(extra.map(|(_, values)| values[number][row].to_string()));
            let _ = text.write_record(&cells);
        }
    }
    text.into_inner().unwrap_or_default()
}

fn time(open: Timestamp, daily: bool) -> String {
    if daily {
        open.date().to_string()
    } else {
        open.to_string().replace(".000000000Z", "Z")
    }
}

fn write_actions(path: &Path, loaded: &Loaded) -> Result<u64> {
    let mut text = csv::Writer::from_writer(Vec::new());
    let _ = text.write_record(["date", "symbol", "kind", "value"]);
    let mut count = 0;
    for (symbol, series) in &loaded.series {
        for action in &series.actions {
            let (kind, value) = match action.kind {
                ActionKind::Split(ratio) => {
                    let exact = Decimal::from(ratio.new) / Decimal::from(ratio.old);
                    ("split", exact.normalize().to_string())
                }
                ActionKind::Dividend(cash) => ("dividend", cash.to_string()),
                ActionKind::Delisting => ("delisting", String::new()),
            };
            let date = action.at.date().to_string();
            let _ = text.write_record([date.as_str(), symbol, kind, &value]);
            count += 1;
        }
    }
    write(path, &text.into_inner().unwrap_or_default())?;
    Ok(count)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let put = Disk::new(&mut |_| Fate::Go).put(path, bytes);
    put.map_err(|e| unreadable(e, path))
}
