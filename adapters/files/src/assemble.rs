//! From rows to series: times, order and the last check.

use std::collections::BTreeMap;

use ballast_domain::market::{Bar, BarSize, Bars, Fields, PriceBasis, Series};
use ballast_domain::time::{NANOS_PER_SECOND, Timestamp};
use ballast_ports::{Error, Result};

use crate::contract_stage::hold;
use crate::defect::{Defect, DefectCode, Defects};
use crate::options::{CsvOptions, DateFormat};
use crate::rows::{Row, Rows, SymbolRows};
use crate::session::Sessions;
use crate::source::TextFile;
use crate::stamp::{SlashProblem, Stamp, slash_date, slash_format};

/// Series by symbol and what their times turned out to be.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) series: BTreeMap<String, Series>,
    pub(crate) bar: BarSize,
    pub(crate) date_format: Option<DateFormat>,
}

/// Makes series of all rows. `None` when their times cannot be understood at all; the reason is
/// then among the defects.
///
/// # Errors
/// When the calendar cannot answer for a date.
pub(crate) fn assemble(
    files: &[TextFile],
    rows: &mut Rows,
    options: &CsvOptions,
    defects: &mut Defects,
) -> Result<Option<Assembled>> {
    let Some(date_format) = date_format(files, rows, options, defects) else {
        return Ok(None);
    };
    for symbol_rows in rows.symbols.values_mut() {
        resolve_slashes(files, symbol_rows, date_format, defects);
    }
    same_but_for_case(files, rows, defects);
    let Some(bar) = bar_size(files, rows, options, defects) else {
        return Ok(None);
    };
    if let Some(stage) = options.contract {
        hold(files, rows, bar, stage, defects)?;
    }
    let fields = rows.fields.unwrap_or(Fields::CLOSE);
    let mut assembly = Assembly {
        files,
        bar,
        fields,
        basis: options.delivered_basis(),
        sessions: Sessions::new(options.calendar),
        defects,
    };
    let mut series = BTreeMap::new();
    for (symbol, symbol_rows) in &rows.symbols {
        let one = assembly.series(symbol, &symbol_rows.rows)?;
        if !one.bars.is_empty() {
            series.insert(symbol.clone(), one);
        }
    }
    Ok(Some(Assembled {
        series,
        bar,
        date_format,
    }))
}

fn all(rows: &Rows) -> impl Iterator<Item = &Row> {
    rows.symbols.values().flat_map(|s| &s.rows)
}

/// The order of slash dates: outer `None` when it cannot be told, inner when there is none.
pub(crate) fn date_format(
    files: &[TextFile],
    rows: &Rows,
    options: &CsvOptions,
    defects: &mut Defects,
) -> Option<Option<DateFormat>> {
    if options.date_format.is_some() {
        return Some(options.date_format);
    }
    let slashes = || {
        all(rows).filter_map(|row| match row.stamp {
            Stamp::Slash { first, second, .. } => Some((row, (first, second))),
            _ => None,
        })
    };
    let Some((row, _)) = slashes().next() else {
        return Some(None);
    };
    let problem = match slash_format(slashes().map(|(_, date)| date)) {
        Ok(format) => return Some(Some(format)),
        Err(problem) => problem,
    };
    let (code, message) = match problem {
        SlashProblem::Ambiguous => (
            DefectCode::AmbiguousDate,
            "no date shows whether the month or the day comes first",
        ),
        SlashProblem::Mixed => (
            DefectCode::BadTimestamp,
            "some dates have the month first and some the day",
        ),
    };
    defects.push(
        Defect::new(code, &files[row.file].name, message)
            .row(row.line)
            .hint("set date_format to M/D/YYYY or D/M/YYYY"),
    );
    None
}

pub(crate) fn resolve_slashes(
    files: &[TextFile],
    symbol_rows: &mut SymbolRows,
    format: Option<DateFormat>,
    defects: &mut Defects,
) {
    let Some(format) = format else { return };
    let mut resolve = |row: &mut Row| {
        let Stamp::Slash {
            first,
            second,
            year,
        } = row.stamp
        else {
            return true;
        };
        match slash_date(format, first, second, year) {
            Some(date) => row.stamp = Stamp::Date(date),
            None => defects.push(
                Defect::new(
                    DefectCode::BadTimestamp,
                    &files[row.file].name,
                    format!("there is no such day in {format}"),
                )
                .row(row.line)
                .cell("date", format!("{first}/{second}/{year}"))
                .hint("correct the date, or set the other date_format"),
            ),
        }
        matches!(row.stamp, Stamp::Date(_))
    };
    symbol_rows.rows.retain_mut(&mut resolve);
    symbol_rows.refused.retain_mut(resolve);
}

fn same_but_for_case(files: &[TextFile], rows: &Rows, defects: &mut Defects) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (symbol, symbol_rows) in &rows.symbols {
        let Some(row) = symbol_rows.rows.first() else {
            continue;
        };
        if let Some(other) = seen.insert(symbol.to_lowercase(), symbol) {
            defects.push(
                Defect::new(
                    DefectCode::SymbolCase,
                    &files[row.file].name,
                    format!("symbols '{other}' and '{symbol}' differ only in case"),
                )
                .row(row.line)
                .symbol(symbol)
                .hint("write each symbol in one way"),
            );
        }
    }
}

/// The most frequent distance between neighbouring times of a symbol; dates are days.
pub(crate) fn bar_size(
    files: &[TextFile],
    rows: &Rows,
    options: &CsvOptions,
    defects: &mut Defects,
) -> Option<BarSize> {
    if options.bar.is_some() {
        return options.bar;
    }
    let first = all(rows).next()?;
    if all(rows).all(|row| matches!(row.stamp, Stamp::Date(_))) {
        return Some(BarSize::DAY);
    }
    let mut gaps = Vec::new();
    for symbol_rows in rows.symbols.values() {
        let mut times: Vec<_> = symbol_rows
            .rows
            .iter()
            .filter_map(|r| r.stamp.instant())
            .collect();
        times.sort_unstable();
        for pair in times.windows(2) {
            gaps.push(pair[1].since(pair[0]).nanos());
        }
    }
    let usual = usual_distance(gaps.into_iter());
    let size = usual.and_then(bar_of);
    if size.is_none() {
        let message = match usual {
            Some(gap) => format!(
                "rows are mostly {} s apart, which is no bar size",
                gap as f64 / 1e9
            ),
            None => "the bar size cannot be told from one row".to_owned(),
        };
        defects.push(
            Defect::new(DefectCode::OffGrid, &files[first.file].name, message)
                .row(first.line)
                .hint("set the bar size: 1d, 4h, 1h, 15m, 1m"),
        );
    }
    size
}

/// The most frequent distance above zero, in nanoseconds. Of equally frequent ones the shorter: bars
/// cannot overlap.
pub(crate) fn usual_distance(distances: impl Iterator<Item = i64>) -> Option<i64> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for distance in distances.filter(|d| *d > 0) {
        *counts.entry(distance).or_default() += 1;
    }
    counts
        .iter()
        .max_by_key(|(distance, count)| (**count, std::cmp::Reverse(**distance)))
        .map(|(distance, _)| *distance)
}

/// The bar that is `nanos` long.
pub(crate) fn bar_of(nanos: i64) -> Option<BarSize> {
    let minute = 60 * NANOS_PER_SECOND;
    let minutes = u16::try_from(nanos / minute)
        .ok()
        .filter(|_| nanos % minute == 0)?;
    if minutes == 1_440 {
        return Some(BarSize::DAY);
    }
    BarSize::minutes(minutes).ok()
}

struct Assembly<'a> {
    files: &'a [TextFile],
    bar: BarSize,
    fields: Fields,
    basis: PriceBasis,
    sessions: Sessions,
    defects: &'a mut Defects,
}

impl Assembly<'_> {
    fn series(&mut self, symbol: &str, rows: &[Row]) -> Result<Series> {
        let mut timed: Vec<(Timestamp, Timestamp, &Row)> = Vec::with_capacity(rows.len());
        let mut latest = Timestamp::MIN;
        for row in rows {
            let Some((open, close)) = self.times(symbol, row)? else {
                continue;
            };
            if open < latest {
                let defect = self.defect(symbol, row, DefectCode::NotSorted);
                self.defects.push(
                    defect("the row is earlier than one above it")
                        .at(open)
                        .hint("sort the rows by time"),
                );
            }
            latest = latest.max(open);
            timed.push((open, close, row));
        }
        timed.sort_by_key(|(open, _, _)| *open);
        let mut bars = Bars::new(self.fields);
        let mut previous: Option<(Timestamp, &Row)> = None;
        for (open_time, close_time, row) in timed {
            if let Some((_, first)) = previous.filter(|(time, _)| *time == open_time) {
                let (code, message) = if first.values == row.values {
                    (DefectCode::DuplicateTimestamp, "repeats the bar of line")
                } else {
                    (DefectCode::DuplicateConflict, "contradicts the bar of line")
                };
                let defect = self.defect(symbol, row, code);
                let found = defect(&format!("{message} {}", first.line));
                self.defects
                    .push(found.at(open_time).hint("keep one row for each time"));
                continue;
            }
            previous = Some((open_time, row));
            let [open, high, low, close, volume] = row.values;
            let bar = Bar {
                open_time,
                close_time,
                open,
                high,
                low,
                close,
                volume,
            };
            // The last gate: whatever passed the checks above must also satisfy the domain.
            if let Err(e) = bars.push(&bar) {
                let defect = self.defect(symbol, row, DefectCode::BadRow);
                let hint = e.hint.clone().unwrap_or_default();
                self.defects
                    .push(defect(&e.message).at(open_time).hint(hint));
            }
        }
        Ok(Series {
            basis: self.basis,
            bars,
            actions: Vec::new(),
        })
    }

    fn defect(
        &self,
        symbol: &str,
        row: &Row,
        code: DefectCode,
    ) -> impl FnOnce(&str) -> Defect + use<> {
        let (file, line) = (self.files[row.file].name.clone(), row.line);
        let symbol = symbol.to_owned();
        move |message| Defect::new(code, &file, message).row(line).symbol(&symbol)
    }

    /// Open and close of a row's bar; `None` when it has none, which is then a defect.
    fn times(&mut self, symbol: &str, row: &Row) -> Result<Option<(Timestamp, Timestamp)>> {
        let Some(time) = row.stamp.instant() else {
            return Ok(None);
        };
        let session = self.sessions.of(time.date()).map_err(|e| {
            Error::from_domain("open", e)
                .context("file", &self.files[row.file].name)
                .context("line", row.line)
        })?;
        let is_date = matches!(row.stamp, Stamp::Date(_));
        let (code, message, hint) = match (session, self.bar.intraday()) {
            (None, _) => (
                DefectCode::NonSessionDay,
                "the market is closed that day",
                "remove the row, or use the calendar of its market",
            ),
            // A day is named by its date, its midnight in UTC or its session open.
            (Some((open, close)), None) => {
                if is_date || time == open || Timestamp::from_date(time.date()) == Some(time) {
                    return Ok(Some((open, close)));
                }
                (
                    DefectCode::OffGrid,
                    "the time is neither midnight nor the session open",
                    "write daily bars with plain dates, or set the bar size",
                )
            }
            (Some(_), Some(_)) if is_date => (
                DefectCode::BadTimestamp,
                "a date without a time among bars within the day",
                "write the open time of the bar",
            ),
            (Some((open, close)), Some(_)) if time < open || close <= time => (
                DefectCode::NonSessionDay,
                "the bar opens outside the session",
                "remove the row, or use the calendar of its market",
            ),
            (Some((open, close)), Some(length)) => {
                if time.since(open).nanos() % length.nanos() == 0 {
                    return Ok(Some((time, close.min(time + length))));
                }
                (
                    DefectCode::OffGrid,
                    "the time is not a whole number of bars after the session open",
                    "correct the time, or set the bar size",
                )
            }
        };
        let defect = self.defect(symbol, row, code);
        self.defects.push(defect(message).at(time).hint(hint));
        Ok(None)
    }
}
