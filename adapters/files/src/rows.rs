//! Rows of files, parsed and checked one by one.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::market::{Field, Fields};
use csv::{ReaderBuilder, StringRecord};

use crate::defect::{Defect, DefectCode, Defects};
use crate::layout::{CLOSE, COLUMNS, Layout, Long, layout};
use crate::number;
use crate::options::CsvOptions;
use crate::source::TextFile;
use crate::stamp::{self, EpochUnit, Stamp};

/// A row whose cells are usable. Values outside the file's columns are zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Index of its file.
    pub(crate) file: usize,
    /// Line in the file, from 1.
    pub(crate) line: u64,
    pub(crate) stamp: Stamp,
    /// Open, high, low, close, volume.
    pub(crate) values: [f64; 5],
}

/// The rows of one symbol, in file order.
#[derive(Debug, Default)]
pub(crate) struct SymbolRows {
    pub(crate) rows: Vec<Row>,
    /// Rows whose values cannot be used, with their times; values zero.
    pub(crate) refused: Vec<Row>,
    /// Most digits after the point in any price.
    pub(crate) decimals: u32,
    /// Where it stands among the symbols: its column in a wide table, else how many came before.
    pub(crate) place: Option<usize>,
}

/// The rows of every file.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) symbols: BTreeMap<String, SymbolRows>,
    /// Columns that every file has.
    pub(crate) fields: Option<Fields>,
    /// Columns that are not used.
    pub(crate) extra: BTreeSet<String>,
    /// Rows below the headers.
    pub(crate) count: u64,
    /// Whether the files name symbols, in a column or as columns.
    pub(crate) labelled: bool,
}

/// Where a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// By itself: any layout, any symbols.
    Alone,
    /// In a folder, where it is the only file.
    OnlyOfFolder,
    /// In a folder with others, of one symbol each.
    OneOfFolder,
}

/// Reads one file.
pub(crate) fn read_file(
    index: usize,
    file: &TextFile,
    place: Place,
    options: &CsvOptions,
    rows: &mut Rows,
    defects: &mut Defects,
) {
    let text = match &file.text {
        Ok(text) => text,
        Err(defect) => return defects.push((**defect).clone()),
    };
    if file.had_bom {
        defects.push(
            Defect::new(
                DefectCode::Bom,
                &file.name,
                "the file starts with a byte order mark",
            )
            .hint("it was ignored; save without one to be rid of this warning")
            .warning(),
        );
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let empty = |message: &str| {
        Defect::new(DefectCode::Empty, &file.name, message).hint("check how the file was written")
    };
    if !matches!(reader.read_record(&mut record), Ok(true)) {
        return defects.push(empty("the file is empty"));
    }
    let header: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    let layout = match layout(&file.name, &header, options) {
        Ok(layout) => layout,
        Err(found) => return found.into_iter().for_each(|d| defects.push(d)),
    };
    if matches!(layout, Layout::Wide { .. }) && place == Place::OneOfFolder {
        let message = format!("column 'close' is missing; found: {}", header.join(", "));
        let defect = Defect::new(DefectCode::MissingColumn, &file.name, message).row(1);
        return defects.push(defect.hint(
            "a folder holds bars of one symbol a file: name a wide table of closes by itself",
        ));
    }
    let fields = match &layout {
        Layout::Long(long) => long.fields(),
        Layout::Wide { .. } => Fields::CLOSE,
    };
    rows.fields = Some(rows.fields.map_or(fields, |all| both(all, fields)));
    rows.labelled |= match &layout {
        Layout::Long(long) => long.symbol.is_some(),
        Layout::Wide { .. } => true,
    };
    if let Layout::Long(long) = &layout {
        rows.extra.extend(long.extra.iter().cloned());
    }
    let mut context = FileContext {
        index,
        file,
        place,
        header: &header,
        unit: None,
        rows,
        defects,
        line: 1,
    };
    let ends_whole = text.ends_with('\n');
    let before = context.rows.count;
    // Text in memory cannot fail to be read, and flexible records may differ in length.
    while let Ok(true) = reader.read_record(&mut record) {
        context.line = record.position().map_or(context.line, csv::Position::line);
        context.rows.count += 1;
        let is_last = !ends_whole && reader.position().byte() == text.len() as u64;
        context.record(&record, &layout, is_last);
    }
    if context.rows.count == before {
        defects.push(empty("there is no row below the header"));
    }
}

fn both(a: Fields, b: Fields) -> Fields {
    let fields: Vec<Field> = COLUMNS
        .iter()
        .map(|(field, _)| *field)
        .filter(|field| a.has(*field) && b.has(*field))
        .collect();
    Fields::of(&fields)
}

/// Where the reader is, and where its findings go.
struct FileContext<'a> {
    index: usize,
    file: &'a TextFile,
    place: Place,
    header: &'a [String],
    unit: Option<EpochUnit>,
    rows: &'a mut Rows,
    defects: &'a mut Defects,
    line: u64,
}

impl FileContext<'_> {
    fn defect(&self, code: DefectCode, message: impl Into<String>) -> Defect {
        Defect::new(code, &self.file.name, message).row(self.line)
    }

    fn record(&mut self, record: &StringRecord, layout: &Layout, is_last: bool) {
        if record.len() != self.header.len() {
            let (found, expected) = (record.len(), self.header.len());
            let message = format!("the row has {found} cells, the header has {expected}");
            let code = if is_last && found < expected {
                DefectCode::Truncated
            } else {
                DefectCode::BadRow
            };
            let defect = self.defect(code, message);
            return self
                .defects
                .push(defect.hint("repair or remove the row, or fetch the file again"));
        }
        if is_last {
            let defect = self.defect(DefectCode::Truncated, "the file ends without a line break");
            self.defects
                .push(defect.hint("check that its last number is whole").warning());
        }
        if record.iter().map(str::trim).eq(self.header.iter()) {
            let defect = self.defect(DefectCode::BadTimestamp, "the header is repeated here");
            return self.defects.push(defect.hint("remove the line"));
        }
        let time = match layout {
            Layout::Long(long) => long.time,
            Layout::Wide { time, .. } => *time,
        };
        let Some(stamp) = self.stamp(record[time].trim(), &self.header[time]) else {
            return;
        };
        match layout {
            Layout::Long(long) => self.long(record, long, stamp),
            Layout::Wide { symbols, .. } => self.wide(record, symbols, stamp),
        }
    }

    fn stamp(&mut self, text: &str, column: &str) -> Option<Stamp> {
        let Some(stamp) = stamp::parse(text) else {
            let defect = self.defect(DefectCode::BadTimestamp, "not a time");
            self.defects.push(defect.cell(column, text).hint(
                "write 2024-01-31, 2024-01-31T16:00:00Z or a count since 1970, years 1678 to 2261",
            ));
            return None;
        };
        match stamp {
            Stamp::Epoch { unit, .. } => {
                let first = *self.unit.get_or_insert(unit);
                if first != unit {
                    let defect = self.defect(
                        DefectCode::BadTimestamp,
                        format!(
                            "a count of {} among counts of {}",
                            unit.name(),
                            first.name()
                        ),
                    );
                    self.defects.push(
                        defect
                            .cell(column, text)
                            .hint("use one unit in the whole file"),
                    );
                    return None;
                }
            }
            Stamp::Instant { time, naive: true } => {
                let defect = self.defect(DefectCode::NaiveTimestamp, "the time has no zone");
                self.defects.push(
                    defect
                        .at(time)
                        .cell(column, text)
                        .hint("it was read as UTC; write an offset, such as Z")
                        .warning(),
                );
            }
            Stamp::Date(_) | Stamp::Instant { .. } | Stamp::Slash { .. } => {}
        }
        Some(stamp)
    }

    fn long(&mut self, record: &StringRecord, long: &Long, stamp: Stamp) {
        let Some(symbol) = self.symbol(record, long) else {
            return;
        };
        let mut values = [0.0; 5];
        let mut usable = true;
        let mut decimals = 0;
        for (i, position) in long.values.iter().enumerate() {
            let Some(position) = position else { continue };
            let text = record[*position].trim();
            match self.number(&symbol, &self.header[*position], text, i == 4) {
                Some(value) => values[i] = value,
                None => usable = false,
            }
            if i < 4 {
                decimals = decimals.max(number::decimals(text));
            }
        }
        if !usable || !self.is_consistent(&symbol, long, &values) {
            return self.refuse(symbol, stamp);
        }
        if let Some(position) = long.adjust {
            let text = record[position].trim();
            let Some(close) = self.number(&symbol, &self.header[position], text, false) else {
                return self.refuse(symbol, stamp);
            };
            decimals = decimals.max(number::decimals(text));
            values = adjusted(values, close);
        }
        let place = self.rows.symbols.len();
        self.keep(symbol, place, stamp, values, decimals);
    }

    fn wide(&mut self, record: &StringRecord, symbols: &[(usize, String)], stamp: Stamp) {
        for (position, symbol) in symbols {
            let text = record[*position].trim();
            // A symbol that is not listed yet, or did not trade, has no bar here.
            if number::is_absent(text) {
                continue;
            }
            if let Some(close) = self.number(symbol, symbol, text, false) {
                let mut values = [0.0; 5];
                values[CLOSE] = close;
                let decimals = number::decimals(text);
                self.keep(symbol.clone(), *position, stamp, values, decimals);
            }
        }
    }

    fn keep(
        &mut self,
        symbol: String,
        place: usize,
        stamp: Stamp,
        values: [f64; 5],
        decimals: u32,
    ) {
        let entry = self.rows.symbols.entry(symbol).or_default();
        entry.place.get_or_insert(place);
        entry.decimals = entry.decimals.max(decimals);
        entry.rows.push(Row {
            file: self.index,
            line: self.line,
            stamp,
            values,
        });
    }

    /// The time of a row is known though its values are not.
    fn refuse(&mut self, symbol: String, stamp: Stamp) {
        let entry = self.rows.symbols.entry(symbol).or_default();
        entry.refused.push(Row {
            file: self.index,
            line: self.line,
            stamp,
            values: [0.0; 5],
        });
    }

    fn symbol(&mut self, record: &StringRecord, long: &Long) -> Option<String> {
        let stem = &self.file.stem;
        let Some(position) = long.symbol else {
            return Some(stem.clone());
        };
        let text = &record[position];
        let symbol = text.trim();
        if symbol.is_empty() {
            let defect = self.defect(DefectCode::MissingValue, "the symbol is empty");
            self.defects.push(
                defect
                    .cell(&self.header[position], text)
                    .hint("name the symbol of the row"),
            );
            return None;
        }
        if symbol.len() != text.len() {
            let defect = self.defect(DefectCode::SymbolCase, "blanks around the symbol");
            self.defects.push(
                defect
                    .symbol(symbol)
                    .cell(&self.header[position], text)
                    .hint("they were ignored; remove them")
                    .warning(),
            );
        }
        if self.place != Place::Alone && symbol != stem {
            let message = format!("a row of another symbol in the file of {stem}");
            let defect = self.defect(DefectCode::SymbolMismatch, message);
            self.defects.push(
                defect
                    .symbol(symbol)
                    .cell(&self.header[position], text)
                    .hint("a file of a folder holds the symbol it is named after"),
            );
            return None;
        }
        Some(symbol.to_owned())
    }

    /// A price above zero, or a volume of zero or more.
    fn number(&mut self, symbol: &str, column: &str, text: &str, is_volume: bool) -> Option<f64> {
        let (code, message, hint) = match number::parse(text) {
            Ok(value) if is_volume && value < 0.0 => (
                DefectCode::NegativeVolume,
                "volume is below zero",
                "correct the value or remove the row",
            ),
            Ok(value) if !is_volume && value <= 0.0 => (
                DefectCode::NonPositivePrice,
                "price is not above zero",
                "correct the value or remove the row",
            ),
            Ok(value) => return Some(value),
            Err(code @ DefectCode::MissingValue) => {
                (code, "the value is missing", "fill it in or remove the row")
            }
            Err(code @ DefectCode::NotFinite) => (
                code,
                "the value is infinite or too large",
                "correct the value or remove the row",
            ),
            Err(code) => (
                code,
                "not a plain number",
                "write it like 1234.5: a point for decimals, nothing between thousands",
            ),
        };
        let defect = self.defect(code, message);
        self.defects
            .push(defect.symbol(symbol).cell(column, text).hint(hint));
        None
    }

    /// Low is the lowest and high the highest of the prices that are there.
    fn is_consistent(&mut self, symbol: &str, long: &Long, values: &[f64; 5]) -> bool {
        let has = |i: usize| long.values[i].is_some();
        let low = if has(2) { values[2] } else { f64::MIN };
        let high = if has(1) { values[1] } else { f64::MAX };
        let mut found = Vec::new();
        if high < low {
            found.push((DefectCode::HighLtLow, 1, "high is below low"));
        } else {
            for (i, above, below) in [
                (0, DefectCode::OpenAboveHigh, DefectCode::OpenBelowLow),
                (CLOSE, DefectCode::CloseAboveHigh, DefectCode::CloseBelowLow),
            ] {
                if has(i) && values[i] > high {
                    found.push((above, i, "the price is above the high"));
                } else if has(i) && values[i] < low {
                    found.push((below, i, "the price is below the low"));
                }
            }
        }
        for (code, i, message) in &found {
            let defect = self.defect(*code, *message);
            self.defects.push(
                defect
                    .symbol(symbol)
                    .cell(COLUMNS[*i].1, values[*i])
                    .hint("correct the row or remove it"),
            );
        }
        found.is_empty()
    }
}

/// The same bar with `close` as its close and the other prices scaled alike.
///
/// The order of the prices survives rounding: scaling is monotone, a price equal to the close stays
/// equal to it, and for the next f64 above (below) the close the relative gap of at least 2⁻⁵³
/// outweighs the error of the quotient, at most 2⁻⁵³ / (1 + 2⁻⁵³).
fn adjusted(values: [f64; 5], close: f64) -> [f64; 5] {
    let raw = values[CLOSE];
    let scale = |price: f64| {
        if price == raw {
            close
        } else {
            price * (close / raw)
        }
    };
    let [open, high, low, _, volume] = values;
    [scale(open), scale(high), scale(low), close, volume]
}
