//! One column of numbers from a CSV file, for figures that need no bars.

use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::{RawBar, Terms, Verdict, examine};
use ballast_domain::market::{BarSize, Fields};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Error, ErrorKind, Result};
use csv::{ReaderBuilder, StringRecord};

use crate::assemble::{bar_of, usual_distance};
use crate::defect::{Defect, DefectCode, Defects};
use crate::layout::{SYMBOL_NAMES, TIME_NAMES};
use crate::number;
use crate::options::CsvSource;
use crate::source::{self, TextFile};
use crate::stamp::{self, Stamp};

/// The numbers of one column, in file order.
#[derive(Clone, Debug, PartialEq)]
pub struct NumericColumn {
    /// Name of the column, as the header writes it.
    pub name: String,
    /// The numbers, all finite. Empty cells before the first number are left out.
    pub values: Vec<f64>,
    /// Line of each number, the header on line 1.
    pub lines: Vec<u64>,
    /// Time of each number; empty when the file has no time column, or one with slashes.
    pub times: Vec<Timestamp>,
}

/// Reads one column of a CSV file with a header, plain or gzipped.
///
/// `wanted` names it, in any case. Otherwise it is the only column besides time and symbol, or the
/// first of `usual` that is there. Times must ascend, and a file with a symbol column must hold
/// one symbol.
///
/// # Errors
/// As [`check`](crate::check) when the file cannot be read; `Config` when the column is not there
/// or cannot be told; `InvalidData` with every cell that is no number.
pub fn read_column(
    source: &CsvSource,
    wanted: Option<&str>,
    usual: &[&str],
) -> Result<NumericColumn> {
    Ok(read_named(source, wanted, usual)?.1)
}

/// [`read_column`] of prices, which are also held against the data contract, as closes of bars are:
/// a price at or below zero or one that no market makes refuses the column.
///
/// The rows stand for bars one after another; gaps between them are not looked at.
///
/// # Errors
/// As [`read_column`], and `InvalidData` with every such price.
pub fn read_prices(
    source: &CsvSource,
    wanted: Option<&str>,
    usual: &[&str],
) -> Result<NumericColumn> {
    let (file, column) = read_named(source, wanted, usual)?;
    let mut defects = Defects::default();
    let at = |code, place: usize, message: String| {
        Defect::new(code, &file, message)
            .row(column.lines[place])
            .cell(&column.name, column.values[place])
    };
    for (place, value) in column.values.iter().enumerate() {
        if *value <= 0.0 {
            let bad = at(
                DefectCode::NonPositivePrice,
                place,
                "a price must be above zero".into(),
            );
            defects.push(bad.hint("correct the value or remove the row"));
        }
    }
    defects.refuse()?;
    let bar = usual_distance(column.times.windows(2).map(|w| w[1].since(w[0]).nanos()))
        .and_then(bar_of)
        .unwrap_or(BarSize::DAY);
    let terms = Terms {
        bar,
        calendar: Calendar::Utc24x7,
        now: None,
        fields: Fields::CLOSE,
    };
    let length = bar.intraday().unwrap_or(Span::from_days(1));
    let mut time = Timestamp::EPOCH;
    let mut rows = Vec::with_capacity(column.values.len());
    for (place, value) in (0_u64..).zip(&column.values) {
        rows.push(RawBar {
            row: place,
            time,
            values: Some([0.0, 0.0, 0.0, *value, 0.0]),
        });
        time = time + length;
    }
    let found = examine(&rows, &terms).map_err(|e| Error::from_domain("open", e))?;
    for finding in found.findings {
        let place = finding.row.and_then(|row| usize::try_from(row).ok());
        if let (true, Some(place)) = (finding.verdict > Verdict::Warn, place) {
            defects.push(at(finding.code, place, finding.message).hint(finding.hint));
        }
    }
    defects.refuse()?;
    Ok(column)
}

/// The column and what its file is called.
fn read_named(
    source: &CsvSource,
    wanted: Option<&str>,
    usual: &[&str],
) -> Result<(String, NumericColumn)> {
    let (files, _) = source::read(source, None)?;
    let [file] = files.as_slice() else {
        return Err(
            Error::new(ErrorKind::Config, "open", "a folder is not one column")
                .context("files", files.len())
                .hint("name one file"),
        );
    };
    let mut defects = Defects::default();
    let column = match &file.text {
        Ok(text) => column(file, text, wanted, usual, &mut defects)?,
        Err(defect) => {
            defects.push((**defect).clone());
            None
        }
    };
    let is_there = column.as_ref().is_some_and(|c| !c.values.is_empty());
    defects.conclude(&file.name, is_there);
    defects.refuse()?;
    // Without a defect there is a column: `conclude` makes one of its absence.
    let column =
        column.ok_or_else(|| Error::new(ErrorKind::InvalidData, "open", "there is no column"))?;
    Ok((file.name.clone(), column))
}

fn column(
    file: &TextFile,
    text: &str,
    wanted: Option<&str>,
    usual: &[&str],
    defects: &mut Defects,
) -> Result<Option<NumericColumn>> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    if !matches!(reader.read_record(&mut record), Ok(true)) {
        return Ok(None);
    }
    let header: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    let named = |names: &[&str]| {
        let mut positions =
            (0..header.len()).filter(|i| names.iter().any(|n| header[*i].eq_ignore_ascii_case(n)));
        positions.next()
    };
    let (time, symbol) = (named(&TIME_NAMES), named(&SYMBOL_NAMES));
    let position = choose(&header, wanted, usual, &[time, symbol])?;
    let mut found = NumericColumn {
        name: header[position].clone(),
        values: Vec::new(),
        lines: Vec::new(),
        times: Vec::new(),
    };
    let mut only_symbol: Option<String> = None;
    let mut slashes = Vec::new();
    while let Ok(true) = reader.read_record(&mut record) {
        let line = record.position().map_or(0, csv::Position::line);
        let defect =
            |code, message: &str| Defect::new(code, &file.name, message.to_owned()).row(line);
        if record.len() != header.len() {
            let bad = defect(DefectCode::BadRow, "the row and the header differ in cells");
            defects.push(bad.hint("repair or remove the row"));
            continue;
        }
        if let Some(symbol) = symbol.map(|i| record[i].trim()) {
            let first = only_symbol.get_or_insert_with(|| symbol.to_owned());
            if first != symbol {
                let bad = defect(DefectCode::SymbolMismatch, "a second symbol in the file");
                defects.push(bad.symbol(symbol).hint("give a file of one symbol"));
                continue;
            }
        }
        let cell = record[position].trim();
        if found.values.is_empty() && number::is_absent(cell) {
            continue;
        }
        match number::parse(cell) {
            Ok(value) => {
                found.values.push(value);
                found.lines.push(line);
            }
            Err(code) => {
                let bad = defect(code, "not a finite number").cell(&found.name, cell);
                defects.push(bad.hint("correct the value or remove the row"));
            }
        }
        let Some(time) = time else { continue };
        let stamp = stamp::parse(record[time].trim());
        if let Some(Stamp::Slash {
            first,
            second,
            year,
        }) = stamp
        {
            slashes.push((first, second, year));
            continue;
        }
        match stamp.and_then(Stamp::instant) {
            Some(at) => {
                if found.times.last().is_some_and(|last| *last >= at) {
                    let bad = defect(
                        DefectCode::NotSorted,
                        "the time is not after that of the row above",
                    );
                    defects.push(bad.at(at).hint("sort the rows and keep one for each time"));
                }
                found.times.push(at);
            }
            None => {
                let bad = defect(DefectCode::BadTimestamp, "not a time");
                defects.push(
                    bad.cell(&header[time], &record[time])
                        .hint("write 2024-01-31 or 2024-01-31T16:00:00Z"),
                );
            }
        }
    }
    if !slashes.is_empty() {
        found.times = slash_times(&slashes).unwrap_or_default();
    }
    Ok(Some(found))
}

/// The midnights of dates with slashes; `None` when they can be read in two ways or in none, or do
/// not ascend. They matter only for what follows from their distances.
fn slash_times(dates: &[(u32, u32, i32)]) -> Option<Vec<Timestamp>> {
    let format = stamp::slash_format(dates.iter().map(|(a, b, _)| (*a, *b))).ok()?;
    let times: Vec<_> = dates
        .iter()
        .map(|(a, b, year)| Timestamp::from_date(stamp::slash_date(format, *a, *b, *year)?))
        .collect::<Option<_>>()?;
    times.is_sorted_by(|a, b| a < b).then_some(times)
}

fn choose(
    header: &[String],
    wanted: Option<&str>,
    usual: &[&str],
    except: &[Option<usize>],
) -> Result<usize> {
    let others: Vec<usize> = (0..header.len())
        .filter(|i| !except.contains(&Some(*i)))
        .collect();
    let list = || {
        let names: Vec<&str> = others.iter().map(|i| header[*i].as_str()).collect();
        names.join(", ")
    };
    let position = |name: &str| {
        let exact = others.iter().find(|i| header[**i] == name);
        exact.or_else(|| {
            others
                .iter()
                .find(|i| header[**i].eq_ignore_ascii_case(name))
        })
    };
    if let Some(name) = wanted {
        return position(name).copied().ok_or_else(|| {
            let message = format!("there is no column '{name}'");
            Error::new(ErrorKind::Config, "open", message)
                .hint(format!("the file has these: {}", list()))
        });
    }
    if let [only] = others.as_slice() {
        return Ok(*only);
    }
    let found = usual.iter().find_map(|name| position(name)).copied();
    found.ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            "open",
            "which column is meant cannot be told",
        )
        .hint(format!("choose one with --column: {}", list()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str, wanted: Option<&str>) -> Result<NumericColumn> {
        let source = CsvSource::Bytes {
            name: "x.csv".to_owned(),
            data: text.as_bytes().into(),
        };
        read_column(&source, wanted, &["close"])
    }

    #[test]
    fn the_column_is_the_named_the_only_or_the_usual_one() {
        for (text, wanted, name) in [
            ("date,x\n2020-01-01,1\n2020-01-02,2\n", None, "x"),
            ("date,x,Y\n2020-01-01,9,1\n2020-01-02,9,2\n", Some("y"), "Y"),
            (
                "date,x,Close\n2020-01-01,9,1\n2020-01-02,9,2\n",
                None,
                "Close",
            ),
            ("x\n1\n2\n", None, "x"),
            (
                "date,x\n2020-01-01,\n2020-01-02,1\n2020-01-03,2\n",
                None,
                "x",
            ),
        ] {
            let found = read(text, wanted).unwrap();
            assert_eq!((found.name.as_str(), found.values), (name, vec![1.0, 2.0]));
        }
    }

    /// VAL-19: the closes of a column are held against the contract that bars are held against.
    #[test]
    fn val_19_prices_no_market_makes_are_refused_with_their_place() {
        let close = |day: u32| match day {
            40 => 1_000.0,
            _ => 100.0 + f64::from(day % 7),
        };
        let of = |close: &dyn Fn(u32) -> f64| {
            let mut text = "date,close\n".to_owned();
            for day in 0..56 {
                text += &format!(
                    "2024-{:02}-{:02},{}\n",
                    1 + day / 28,
                    1 + day % 28,
                    close(day)
                );
            }
            CsvSource::Bytes {
                name: "x.csv".to_owned(),
                data: text.into_bytes().into(),
            }
        };
        let calm = of(&|day| 100.0 + f64::from(day % 7));
        assert_eq!(
            read_prices(&calm, None, &["close"]).unwrap().values.len(),
            56
        );
        for (poisoned, place) in [
            (of(&close), "line 42"),
            (of(&|day| if day == 3 { 0.0 } else { 100.0 }), "line 5"),
        ] {
            let e = read_prices(&poisoned, None, &["close"]).unwrap_err();
            assert!(e.chain().contains(place), "{}", e.chain());
            assert!(read_column(&poisoned, None, &["close"]).is_ok());
        }
    }

    #[test]
    fn what_is_not_one_series_is_refused_with_its_place() {
        for (text, wanted, expected) in [
            ("date,x,y\n2020-01-01,1,2\n", None, "cannot be told"),
            ("date,x\n2020-01-01,1\n", Some("z"), "no column 'z'"),
            ("date,x\n2020-01-01,1\n2020-01-02,\n", None, "line 3"),
            ("date,x\n2020-01-01,1\n2020-01-02,1,5\n", None, "line 3"),
            ("date,x\n2020-01-02,1\n2020-01-01,2\n", None, "not after"),
            (
                "date,symbol,x\n2020-01-01,A,1\n2020-01-02,B,2\n",
                None,
                "second symbol",
            ),
            ("date,x\n", None, "no bar"),
            ("", None, "no bar"),
        ] {
            let e = read(text, wanted).unwrap_err();
            let cause = std::error::Error::source(&e).map(ToString::to_string);
            let shown = format!("{e} {}", cause.unwrap_or_default());
            assert!(shown.contains(expected), "{text:?}: {shown}");
        }
    }
}
