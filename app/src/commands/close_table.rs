//! Closes of several symbols on the same bars, as every command that needs them together reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ballast_domain::calendar::Calendar;
use ballast_domain::error::{Error, Result};
use ballast_domain::market::{Field, Fields};
use ballast_domain::time::{NANOS_PER_DAY, Span, Timestamp};
use ballast_files::{ContractStage, CsvMarketData, CsvOptions, CsvSource, Strictness};
use chrono::{Datelike, NaiveDate, Weekday};

use crate::config::nearest;
use crate::drivers::RunError;
use crate::exit::Failure;

/// Which closes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseSelection {
    /// A CSV file, long or wide, or a folder with one file a symbol.
    pub input: PathBuf,
    /// The symbols, in this order; empty for all, as the files have them.
    pub symbols: Vec<String>,
    /// The first bar is not before this date or instant.
    pub start: Option<String>,
    /// The last bar is not after this date or instant; a date includes its whole day.
    pub end: Option<String>,
    /// Use this column as the close.
    pub adjust: Option<String>,
    /// Bars to keep, the newest ones; `None` keeps all.
    pub last: Option<usize>,
    /// Leave out bars that not every symbol has, instead of refusing.
    pub common_rows: bool,
}

/// Closes of several symbols on the same bars.
#[derive(Clone, Debug, PartialEq)]
pub struct CloseTable {
    /// The symbols.
    pub symbols: Vec<String>,
    /// Open time of each bar.
    pub times: Vec<Timestamp>,
    /// One column of closes for each symbol.
    pub closes: Vec<Vec<f64>>,
    /// Whether a bar is a day.
    pub daily: bool,
    /// Bars left out because some symbol had no close.
    pub left_out: usize,
}

impl CloseTable {
    /// Reads the files and selects.
    ///
    /// # Errors
    /// As [`CsvMarketData::open`]; `Configuration` for an unknown symbol or a wrong date;
    /// `DataMissing` when nothing is left, or a symbol has no close on a bar that others have.
    pub fn read(selection: &CloseSelection) -> std::result::Result<Self, Failure> {
        // Sessions play no part in a table of closes: each date is taken as it is written.
        let source = CsvSource::Path(selection.input.clone());
        let mut options = CsvOptions::new(source, Calendar::Utc24x7);
        options.required = Fields::of(&[Field::Close]);
        options.contract = Some(ContractStage {
            strictness: Strictness::Strict,
            calendar: None,
        });
        options.adjust.clone_from(&selection.adjust);
        let data = CsvMarketData::open(&options).map_err(RunError::Port)?;
        let symbols = chosen(&data, &selection.symbols)?;
        let start = bound(selection.start.as_deref(), Side::Start)?;
        let end = bound(selection.end.as_deref(), Side::End)?;
        let inside = |time: Timestamp| {
            start.is_none_or(|start| start <= time) && end.is_none_or(|end| time <= end)
        };
        let columns: Vec<BTreeMap<Timestamp, f64>> = symbols
            .iter()
            .filter_map(|symbol| data.series(symbol))
            .map(|series| {
                let closes = series.bars.column(Field::Close).iter().copied();
                let bars = series.bars.open_times().iter().copied().zip(closes);
                bars.filter(|(time, _)| inside(*time)).collect()
            })
            .collect();
        let mut table = assemble(symbols, &columns, selection)?;
        table.daily = data.inventory().bar.is_day();
        Ok(table)
    }

    /// The last bar: its date when a bar is a day, else the instant it opens.
    pub fn as_of(&self) -> String {
        let last = self.times.last();
        last.map_or_else(String::new, |time| name_of(*time, self.daily))
    }

    /// Bars in a year of daily bars: 365 with a weekend among them, else 252.
    pub fn annualisation(&self) -> Option<f64> {
        let weekend =
            |time: &Timestamp| matches!(time.date().weekday(), Weekday::Sat | Weekday::Sun);
        let days = if self.times.iter().any(weekend) {
            365.0
        } else {
            252.0
        };
        self.daily.then_some(days)
    }
}

fn name_of(time: Timestamp, daily: bool) -> String {
    if daily {
        time.date().to_string()
    } else {
        time.to_string()
    }
}

/// The symbols to use, each known.
fn chosen(data: &CsvMarketData, wanted: &[String]) -> Result<Vec<String>> {
    let known = || data.inventory().symbols.keys();
    if wanted.is_empty() {
        let order = data.inventory().in_file_order();
        return Ok(order.into_iter().map(str::to_owned).collect());
    }
    let mut seen = BTreeSet::new();
    for symbol in wanted {
        if !known().any(|k| k == symbol) {
            let error = Error::config(format!("there is no symbol '{symbol}' in the input"))
                .context(
                    "symbols",
                    known().map(String::as_str).collect::<Vec<_>>().join(", "),
                );
            return Err(match nearest(symbol, known().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean '{near}'?")),
                None => error,
            });
        }
        if !seen.insert(symbol) {
            return Err(Error::config(format!("symbol '{symbol}' is named twice"))
                .hint("name each symbol once"));
        }
    }
    Ok(wanted.to_vec())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

/// A date's first or last instant, or the instant itself.
fn bound(text: Option<&str>, side: Side) -> Result<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    let date = text
        .parse::<NaiveDate>()
        .ok()
        .and_then(Timestamp::from_date);
    let found = match (date, side) {
        (Some(start), Side::Start) => Some(start),
        (Some(start), Side::End) => Some(start + Span::from_nanos(NANOS_PER_DAY - 1)),
        (None, _) => text.parse().ok(),
    };
    found.map(Some).ok_or_else(|| {
        Error::config(format!("'{text}' is neither a date nor an instant"))
            .hint("write 2021-12-31 or 2021-12-31T16:00:00Z")
    })
}

fn assemble(
    symbols: Vec<String>,
    columns: &[BTreeMap<Timestamp, f64>],
    selection: &CloseSelection,
) -> Result<CloseTable> {
    let all: BTreeSet<Timestamp> = columns.iter().flat_map(BTreeMap::keys).copied().collect();
    let is_full = |time: &Timestamp| columns.iter().all(|column| column.contains_key(time));
    let mut times: Vec<Timestamp> = all.iter().copied().collect();
    if selection.common_rows {
        times.retain(is_full);
    }
    if let Some(last) = selection.last {
        times.drain(..times.len().saturating_sub(last));
    }
    let left_out = times
        .first()
        .map_or(0, |first| all.range(first..).count() - times.len());
    if times.is_empty() {
        return Err(Error::missing("no bar is left")
            .context("symbols", symbols.len())
            .context("bars", all.len())
            .hint("widen --start, --end or --asof, or choose symbols that share bars"));
    }
    if let Some(hole) = times.iter().find(|time| !is_full(time)) {
        let missing = symbols
            .iter()
            .zip(columns)
            .find(|(_, c)| !c.contains_key(hole));
        let symbol = missing.map_or("", |(symbol, _)| symbol);
        let holes = times.iter().filter(|time| !is_full(time)).count();
        return Err(
            Error::missing(format!("'{symbol}' has no close on a bar that others have"))
                .context("bar", hole)
                .context("bars_with_holes", holes)
                .context("bars", times.len())
                .hint(
                    "start later, leave the symbol out with --symbols, or use only the bars that \
                     all have with --common-rows",
                ),
        );
    }
    let closes = columns
        .iter()
        .map(|column| times.iter().map(|time| column[time]).collect());
    Ok(CloseTable {
        symbols,
        closes: closes.collect(),
        times,
        daily: false,
        left_out,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(last: Option<usize>, common_rows: bool) -> Result<CloseTable> {
        let time = |day| Timestamp::from_seconds(day * 86_400).unwrap();
        let column = |days: &[i64]| days.iter().map(|d| (time(*d), *d as f64)).collect();
        let columns: [BTreeMap<Timestamp, f64>; 2] = [column(&[1, 2, 3, 4]), column(&[2, 4])];
        let selection = CloseSelection {
            last,
            common_rows,
            ..CloseSelection::default()
        };
        assemble(vec!["A".to_owned(), "B".to_owned()], &columns, &selection)
    }

    #[test]
    fn a_hole_in_the_window_is_refused_or_left_out_when_asked() {
        let e = table(None, false).unwrap_err().to_string();
        assert!(
            e.starts_with("'B' has no close on a bar that others have"),
            "{e}"
        );
        assert!(e.contains("bars_with_holes = 2, bars = 4"), "{e}");
        assert_eq!(table(Some(1), false).unwrap().closes, [[4.0], [4.0]]);
        let common = table(None, true).unwrap();
        assert_eq!(common.closes, [[2.0, 4.0], [2.0, 4.0]]);
        assert_eq!(common.left_out, 1);
        assert_eq!(table(Some(1), true).unwrap().closes, [[4.0], [4.0]]);
    }

    #[test]
    fn a_date_is_its_whole_day_and_an_instant_itself() {
        let of = |text, side| bound(Some(text), side).map(Option::unwrap);
        let instant = |text: &str| text.parse::<Timestamp>().unwrap();
        let midnight = instant("2021-01-02T00:00:00Z");
        assert_eq!(of("2021-01-02", Side::Start), Ok(midnight));
        let end = of("2021-01-02", Side::End).unwrap();
        assert_eq!(instant("2021-01-03T00:00:00Z").since(end).nanos(), 1);
        let at = "2021-01-02T03:00:00Z";
        assert_eq!(of(at, Side::End), Ok(instant(at)));
        let e = of("yesterday", Side::End).unwrap_err().to_string();
        assert!(
            e.contains("neither a date nor an instant; hint: write 2021-12-31"),
            "{e}"
        );
    }
}
