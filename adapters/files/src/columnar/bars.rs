//! Bars of one symbol in the one Parquet shape this crate writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ballast_domain::market::{Bar, BarSize, Bars, Field, Fields};
use ballast_domain::time::{NANOS_PER_DAY, Timestamp};
use ballast_ports::{Error, ErrorKind, Result};
use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::layout::COLUMNS;

/// Rows of a row group: a reader holds one at a time.
const GROUP_ROWS: usize = 65_536;

/// The most bars of one file, which holds a year at most: every minute of a leap year. A few bytes
/// may claim any number of equal rows.
const ROWS_MAX: usize = 366 * 1_440;

/// One long file: open and close time in UTC, symbol, of daily bars the session date, the columns the
/// bars have, then `extra`: a name and the values of each series. zstd, no time of writing: equal bars
/// give equal bytes from one version of the writer.
///
/// # Errors
/// `Unexpected` when the encoder fails.
pub(crate) fn write_bars(
    series: &[(&str, &Bars)],
    bar: BarSize,
    fields: Fields,
    extra: Option<(&str, &[Vec<f64>])>,
) -> Result<Vec<u8>> {
    encode(series, bar, fields, extra).map_err(|e| {
        Error::new(ErrorKind::Unexpected, "write", "bars cannot be encoded")
            .hint("report this with the data")
            .caused_by(e)
    })
}

fn encode(
    series: &[(&str, &Bars)],
    bar: BarSize,
    fields: Fields,
    extra: Option<(&str, &[Vec<f64>])>,
) -> std::result::Result<Vec<u8>, ParquetError> {
    // A reader takes the day from the date, whatever it knows of sessions, and otherwise the open.
    let (open, date) = if bar.is_day() {
        ("open_time", "REQUIRED INT32 date (DATE); ")
    } else {
        ("timestamp", "")
    };
    let mut message = format!(
        "message bars {{ REQUIRED INT64 {open} (TIMESTAMP(NANOS,true)); \
         REQUIRED INT64 close_time (TIMESTAMP(NANOS,true)); \
         REQUIRED BYTE_ARRAY symbol (STRING); {date}"
    );
    let kept: Vec<(Field, &str)> = COLUMNS
        .into_iter()
        .filter(|(f, _)| fields.has(*f))
        .collect();
    for name in kept
        .iter()
        .map(|(_, name)| *name)
        .chain(extra.map(|(name, _)| name))
    {
        message.push_str(&format!("REQUIRED DOUBLE {name}; "));
    }
    message.push('}');
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let schema = Arc::new(parse_message_type(&message)?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for (number, (symbol, bars)) in series.iter().enumerate() {
        let name = ByteArray::from(*symbol);
        for start in (0..bars.len()).step_by(GROUP_ROWS) {
            let range = start..(start + GROUP_ROWS).min(bars.len());
            let nanos = |times: &[Timestamp]| -> Vec<i64> {
                times[range.clone()].iter().map(|t| t.nanos()).collect()
            };
            let mut group = file.next_row_group()?;
            let mut position = 0;
            while let Some(mut column) = group.next_column()? {
                match column.untyped() {
                    ColumnWriter::Int64ColumnWriter(to) => {
                        let times = match position {
                            0 => bars.open_times(),
                            _ => bars.close_times(),
                        };
                        to.write_batch(&nanos(times), None, None)?;
                    }
                    ColumnWriter::Int32ColumnWriter(to) => {
                        let opens = &bars.open_times()[range.clone()];
                        let days: Vec<i32> = opens.iter().map(|open| day(*open)).collect();
                        to.write_batch(&days, None, None)?;
                    }
                    ColumnWriter::ByteArrayColumnWriter(to) => {
                        to.write_batch(&vec![name.clone(); range.len()], None, None)?;
                    }
                    ColumnWriter::DoubleColumnWriter(to) => {
                        let values = match (kept.get(position - leading(bar)), extra) {
                            (Some((field, _)), _) => bars.column(*field),
                            (None, Some((_, values))) => &values[number],
                            (None, None) => &[],
                        };
                        to.write_batch(&values[range.clone()], None, None)?;
                    }
                    _ => return Err(ParquetError::General("a column of another type".to_owned())),
                }
                column.close()?;
                position += 1;
            }
            group.close()?;
        }
    }
    file.into_inner()
}

/// Columns before the prices.
fn leading(bar: BarSize) -> usize {
    3 + usize::from(bar.is_day())
}

/// Days from 1970 to the UTC date, which of a session open is the date of the session.
#[allow(
    clippy::expect_used,
    reason = "internal invariant: an i64 of nanoseconds is less than an i32 of days"
)]
fn day(open: Timestamp) -> i32 {
    let days = open.nanos().div_euclid(NANOS_PER_DAY);
    i32::try_from(days).expect("an i64 of nanoseconds is less than an i32 of days")
}

/// The bars of a file that [`write_bars`] wrote for one symbol.
///
/// # Errors
/// `InvalidData` when the bytes are not such a file.
pub(crate) fn read_bars(bytes: &[u8], symbol: &str, bar: BarSize, fields: Fields) -> Result<Bars> {
    // The decoder promises errors for damaged input; a panic in it must not end the program either.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(bytes, symbol, bar, fields)));
    let decoded = decoded.unwrap_or_else(|_| Err("the file cannot be decoded".into()));
    decoded.map_err(|e| {
        Error::new(
            ErrorKind::InvalidData,
            "read",
            "the file holds no such bars",
        )
        .context("symbol", symbol)
        .context("cause", e)
        .hint("repair it from a second source")
    })
}

type Boxed = Box<dyn std::error::Error + Send + Sync>;

fn decode(
    bytes: &[u8],
    symbol: &str,
    bar: BarSize,
    fields: Fields,
) -> std::result::Result<Bars, Boxed> {
    let leading = leading(bar);
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
    let kept: Vec<Field> = (COLUMNS.into_iter())
        .map(|(field, _)| field)
        .filter(|field| fields.has(*field))
        .collect();
    let mut bars = Bars::new(fields);
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index)?;
        if group.num_columns() != kept.len() + leading {
            return Err("the file has other columns".into());
        }
        let rows = usize::try_from(group.metadata().num_rows())?;
        if rows > ROWS_MAX - bars.len() {
            return Err("more bars than a year can have".into());
        }
        let opens = times(group.as_ref(), 0, rows)?;
        let closes = times(group.as_ref(), 1, rows)?;
        let ColumnReader::ByteArrayColumnReader(names) = group.get_column_reader(2)? else {
            return Err("the symbol is no text".into());
        };
        let names = values(names, rows)?;
        if names.iter().any(|name| name.data() != symbol.as_bytes()) {
            return Err("a row of another symbol".into());
        }
        let mut columns: [Vec<f64>; 5] = Default::default();
        for (position, field) in kept.iter().enumerate() {
            let ColumnReader::DoubleColumnReader(column) =
                group.get_column_reader(position + leading)?
            else {
                return Err("a price is no 64-bit float".into());
            };
            columns[*field as usize] = values(column, rows)?;
        }
        let lengths = [opens.len(), closes.len(), names.len()];
        let of_columns = kept.iter().map(|field| columns[*field as usize].len());
        if lengths.into_iter().chain(of_columns).any(|len| len != rows) {
            return Err("columns differ in length".into());
        }
        let value =
            |field: Field, row: usize| columns[field as usize].get(row).copied().unwrap_or(0.0);
        for row in 0..rows {
            bars.push(&Bar {
                open_time: Timestamp::from_nanos(opens[row]),
                close_time: Timestamp::from_nanos(closes[row]),
                open: value(Field::Open, row),
                high: value(Field::High, row),
                low: value(Field::Low, row),
                close: value(Field::Close, row),
                volume: value(Field::Volume, row),
            })?;
        }
    }
    Ok(bars)
}

fn times(
    group: &dyn RowGroupReader,
    index: usize,
    rows: usize,
) -> std::result::Result<Vec<i64>, Boxed> {
    let ColumnReader::Int64ColumnReader(column) = group.get_column_reader(index)? else {
        return Err("a time is no 64-bit count".into());
    };
    Ok(values(column, rows)?)
}

fn values<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    rows: usize,
) -> std::result::Result<Vec<T::T>, ParquetError> {
    let mut all = Vec::new();
    // One more than there should be shows that there are too many.
    while all.len() <= rows {
        let batch = GROUP_ROWS.min(rows + 1 - all.len());
        if column.read_records(batch, None, None, &mut all)?.0 == 0 {
            break;
        }
    }
    Ok(all)
}
