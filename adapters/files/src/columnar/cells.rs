//! A Parquet file as the text of a table, so that one reader and one contract judge every format.
//!
//! Times become instants with a zone, or without one when the file says so; dates stay dates.
//! Decimals keep every digit. A 64-bit float becomes the shortest text that reads back to the same
//! bits, a 32-bit float the shortest that reads back to the same 32 bits: 0.1 stays 0.1. A count
//! since 1970 without a unit, text among prices and nested columns are of the wrong type.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use parquet::basic::{Compression, ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::defect::{Defect, DefectCode};
use crate::layout::{COLUMNS, SYMBOL_NAMES, TIME_NAMES};

/// The first and last bytes of a Parquet file.
const MAGIC: &[u8] = b"PAR1";

/// The most rows of one file, so that a small file cannot claim the whole memory: 50 million.
const ROWS_MAX: i64 = 50_000_000;

/// Rows decoded at a time.
const BATCH: usize = 8_192;

/// Whether a file is Parquet by its name or by its first bytes.
pub(crate) fn is_parquet(name: &str, raw: &[u8]) -> bool {
    name.to_ascii_lowercase().ends_with(".parquet") || raw.starts_with(MAGIC)
}

/// The table as comma-separated text with a header.
///
/// # Errors
/// The defect that makes the file unreadable: not Parquet, cut short, corrupt, a wrong type.
pub(crate) fn to_text(name: &str, raw: &[u8]) -> Result<String, Box<Defect>> {
    let refuse = |code, message: &str, hint: &str| {
        Err(Box::new(Defect::new(code, name, message).hint(hint)))
    };
    if !raw.starts_with(MAGIC) {
        let message = "the file is not Parquet, as its name says";
        let hint = "write it as Parquet, or give it the ending of its format";
        return refuse(DefectCode::BadEncoding, message, hint);
    }
    if raw.len() < 12 || !raw.ends_with(MAGIC) {
        let message = "the Parquet file has no end: it is cut short";
        return refuse(DefectCode::Truncated, message, "fetch the file again");
    }
    // The decoder promises errors for damaged input; a panic in it must not end the program either.
    let bytes = Bytes::copy_from_slice(raw);
    match catch_unwind(AssertUnwindSafe(|| table(name, bytes))) {
        Ok(outcome) => outcome,
        Err(_) => refuse(
            DefectCode::Corrupt,
            "the Parquet file cannot be decoded",
            "fetch the file again",
        ),
    }
}

fn table(name: &str, raw: Bytes) -> Result<String, Box<Defect>> {
    let corrupt = |e: ParquetError| {
        let message = format!("the Parquet file is corrupt: {e}");
        Box::new(Defect::new(DefectCode::Corrupt, name, message).hint("fetch the file again"))
    };
    let length = raw.len() as u64;
    let reader = SerializedFileReader::new(raw).map_err(corrupt)?;
    let meta = reader.metadata();
    let rows = meta.file_metadata().num_rows();
    if !(0..=ROWS_MAX).contains(&rows) {
        let message = format!("the file claims {rows} rows; at most {ROWS_MAX} are read");
        let defect = Defect::new(DefectCode::BadEncoding, name, message);
        return Err(Box::new(defect.hint("split the file")));
    }
    for chunk in meta.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        if !is_inside(chunk, length) {
            let defect = Defect::new(DefectCode::Corrupt, name, "a column lies outside the file");
            return Err(Box::new(defect.hint("fetch the file again")));
        }
    }
    let columns = columns(name, &reader)?;
    let mut text = csv::Writer::from_writer(Vec::new());
    let header: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    // Writing to memory cannot fail.
    let _ = text.write_record(&header);
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(corrupt)?;
        let expected = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        let mut cells = Vec::with_capacity(columns.len());
        for column in &columns {
            let read = column.read(group.as_ref(), expected).map_err(corrupt)?;
            if read.len() != expected {
                let message = format!(
                    "column '{}' has {} rows where the file claims {expected}",
                    column.name,
                    read.len()
                );
                let defect = Defect::new(DefectCode::Corrupt, name, message);
                return Err(Box::new(defect.hint("fetch the file again")));
            }
            cells.push(read.into_iter());
        }
        for _ in 0..expected {
            let row: Vec<String> = cells
                .iter_mut()
                .map(|c| c.next().unwrap_or_default())
                .collect();
            let _ = text.write_record(&row);
        }
    }
    let bytes = text.into_inner().unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| {
        let defect = Defect::new(DefectCode::BadEncoding, name, "a text is not UTF-8");
        Box::new(defect.hint("write texts as UTF-8"))
    })
}

/// Whether the bytes a column claims are in the file: the decoder takes that for granted.
fn is_inside(chunk: &ColumnChunkMetaData, length: u64) -> bool {
    let start = chunk
        .dictionary_page_offset()
        .unwrap_or(chunk.data_page_offset());
    let claimed = [start, chunk.data_page_offset(), chunk.compressed_size()];
    let [Ok(start), Ok(data), Ok(size)] = claimed.map(u64::try_from) else {
        return false;
    };
    data <= length && start.checked_add(size).is_some_and(|end| end <= length)
}

/// How the values of a column become text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Number,
    Unsigned,
    /// Digits after the point.
    Decimal(u32),
    Text,
    Date,
    /// Nanoseconds in a unit, and whether the file says UTC.
    Time(i64, bool),
    Other,
}

struct Column {
    index: usize,
    name: String,
    kind: Kind,
}

/// The columns that can be used, or the first that is of the wrong type for its name.
fn columns(name: &str, reader: &dyn FileReader) -> Result<Vec<Column>, Box<Defect>> {
    let meta = reader.metadata();
    for group in meta.row_groups() {
        for chunk in group.columns() {
            let codec = chunk.compression();
            if !matches!(
                codec,
                Compression::UNCOMPRESSED
                    | Compression::SNAPPY
                    | Compression::GZIP(_)
                    | Compression::ZSTD(_)
            ) {
                let message = format!("the compression {codec} is not read");
                let defect = Defect::new(DefectCode::BadEncoding, name, message);
                return Err(Box::new(
                    defect.hint("write it with zstd, snappy, gzip or none"),
                ));
            }
        }
    }
    let leaves = meta.file_metadata().schema_descr().columns();
    let is = |leaf: &ColumnDescriptor, names: &[&str]| {
        let own = leaf.path().parts().first().map_or("", String::as_str);
        names.iter().any(|name| own.eq_ignore_ascii_case(name))
    };
    let has_close = leaves.iter().any(|leaf| is(leaf, &["close"]));
    let values = COLUMNS.map(|(_, name)| name);
    let mut columns = Vec::new();
    for (index, leaf) in leaves.iter().enumerate() {
        let kind = kind(leaf);
        let (wanted, fits, hint) = if is(leaf, &TIME_NAMES) {
            let fits = matches!(kind, Kind::Text | Kind::Date | Kind::Time(..));
            (true, fits, "store it as a timestamp in UTC, or as a date")
        } else if is(leaf, &SYMBOL_NAMES) {
            (true, kind == Kind::Text, "store it as text")
        } else {
            let is_number = matches!(kind, Kind::Number | Kind::Unsigned | Kind::Decimal(_));
            let wanted = is(leaf, &values) || !has_close && kind == Kind::Other;
            (wanted, is_number, "store it as a number")
        };
        let path = leaf.path().string();
        if wanted && !fits {
            let message = format!("column '{path}' holds {}", described(leaf));
            let defect = Defect::new(DefectCode::WrongType, name, message);
            return Err(Box::new(defect.hint(hint)));
        }
        if kind != Kind::Other {
            columns.push(Column {
                index,
                name: path,
                kind,
            });
        }
    }
    Ok(columns)
}

fn described(leaf: &ColumnDescriptor) -> String {
    match leaf.logical_type_ref() {
        Some(logical) => format!("{logical:?}"),
        None => format!("{} without a meaning", leaf.physical_type()),
    }
}

fn kind(leaf: &ColumnDescriptor) -> Kind {
    if leaf.path().parts().len() != 1 || leaf.max_rep_level() > 0 || leaf.max_def_level() > 1 {
        return Kind::Other;
    }
    let physical = leaf.physical_type();
    let decimal = || {
        let scale = u32::try_from(leaf.type_scale()).ok();
        // 38 digits are all a decimal can have; more would be text of any length.
        scale
            .filter(|s| *s <= 38)
            .map_or(Kind::Other, Kind::Decimal)
    };
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1_000_000,
        TimeUnit::MICROS => 1_000,
        TimeUnit::NANOS => 1,
    };
    match (leaf.logical_type_ref(), leaf.converted_type(), physical) {
        (Some(LogicalType::Timestamp(time)), _, Physical::INT64) => {
            Kind::Time(unit(&time.unit), time.is_adjusted_to_u_t_c)
        }
        (None, ConvertedType::TIMESTAMP_MILLIS, Physical::INT64) => Kind::Time(1_000_000, true),
        (None, ConvertedType::TIMESTAMP_MICROS, Physical::INT64) => Kind::Time(1_000, true),
        (Some(LogicalType::Date), _, Physical::INT32)
        | (None, ConvertedType::DATE, Physical::INT32) => Kind::Date,
        (Some(LogicalType::Decimal(_)), ..) | (None, ConvertedType::DECIMAL, _) => decimal(),
        (Some(LogicalType::String | LogicalType::Enum), _, Physical::BYTE_ARRAY)
        | (None, ConvertedType::UTF8 | ConvertedType::NONE, Physical::BYTE_ARRAY) => Kind::Text,
        (Some(LogicalType::Integer(int)), _, Physical::INT32 | Physical::INT64) => {
            if int.is_signed {
                Kind::Number
            } else {
                Kind::Unsigned
            }
        }
        (
            None,
            ConvertedType::NONE,
            Physical::INT32 | Physical::INT64 | Physical::FLOAT | Physical::DOUBLE,
        )
        | (
            None,
            ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64,
            Physical::INT32 | Physical::INT64,
        ) => Kind::Number,
        (
            None,
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64,
            Physical::INT32 | Physical::INT64,
        ) => Kind::Unsigned,
        _ => Kind::Other,
    }
}

impl Column {
    /// Every cell of a row group of `rows` rows, at most one more; null is empty.
    fn read(&self, group: &dyn RowGroupReader, rows: usize) -> Result<Vec<String>, ParquetError> {
        let kind = self.kind;
        let whole = |value: i128| match kind {
            Kind::Decimal(scale) => decimal(value, scale),
            _ => value.to_string(),
        };
        match group.get_column_reader(self.index)? {
            ColumnReader::Int32ColumnReader(column) => cells(column, rows, |v| match kind {
                Kind::Date => date(*v),
                Kind::Unsigned => v.cast_unsigned().to_string(),
                _ => whole(i128::from(*v)),
            }),
            ColumnReader::Int64ColumnReader(column) => cells(column, rows, |v| match kind {
                Kind::Time(unit, utc) => instant(*v, unit, utc),
                Kind::Unsigned => v.cast_unsigned().to_string(),
                _ => whole(i128::from(*v)),
            }),
            ColumnReader::FloatColumnReader(column) => cells(column, rows, ToString::to_string),
            ColumnReader::DoubleColumnReader(column) => cells(column, rows, ToString::to_string),
            ColumnReader::ByteArrayColumnReader(column) => cells(column, rows, |v| match kind {
                Kind::Decimal(scale) => big(v.data()).map_or_else(too_large, |v| decimal(v, scale)),
                _ => String::from_utf8_lossy(v.data()).into_owned(),
            }),
            ColumnReader::FixedLenByteArrayColumnReader(column) => {
                cells(column, rows, |v| match kind {
                    Kind::Decimal(scale) => {
                        big(v.data()).map_or_else(too_large, |v| decimal(v, scale))
                    }
                    _ => String::new(),
                })
            }
            ColumnReader::BoolColumnReader(_) | ColumnReader::Int96ColumnReader(_) => {
                Err(ParquetError::General("a type that is not read".to_owned()))
            }
        }
    }
}

fn cells<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    rows: usize,
    text: impl Fn(&T::T) -> String,
) -> Result<Vec<String>, ParquetError> {
    let mut all = Vec::new();
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    loop {
        levels.clear();
        values.clear();
        // One more than there should be shows that there are too many.
        let batch = BATCH.min(rows.saturating_add(1).saturating_sub(all.len()));
        let (records, ..) = column.read_records(batch, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Ok(all);
        }
        if levels.is_empty() {
            all.extend(values.iter().map(&text));
        } else {
            let mut next = values.iter();
            all.extend(levels.iter().map(|level| match level {
                0 => String::new(),
                _ => next.next().map(&text).unwrap_or_default(),
            }));
        }
    }
}

/// What the number reader refuses: a decimal beyond 38 digits.
fn too_large() -> String {
    "inf".to_owned()
}

/// Big-endian two's complement of at most sixteen bytes.
fn big(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let fill = if first >= 0x80 { 0xff } else { 0 };
    let mut all = [fill; 16];
    let start = 16_usize.checked_sub(bytes.len())?;
    all[start..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(all))
}

fn decimal(value: i128, scale: u32) -> String {
    let scale = scale as usize;
    if scale == 0 {
        return value.to_string();
    }
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

fn date(days: i32) -> String {
    let epoch = NaiveDate::default();
    let ahead = u64::from(days.unsigned_abs());
    let date = if days < 0 {
        epoch.checked_sub_days(Days::new(ahead))
    } else {
        epoch.checked_add_days(Days::new(ahead))
    };
    // A date outside the calendar is shown as what it is, and refused as no time.
    date.map_or_else(|| format!("day {days}"), |date| date.to_string())
}

fn instant(count: i64, unit: i64, utc: bool) -> String {
    let Some(nanos) = count.checked_mul(unit) else {
        return format!("count {count}");
    };
    let time = DateTime::from_timestamp_nanos(nanos);
    if utc {
        time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    } else {
        time.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_lose_nothing() {
        for (value, scale, expected) in [
            (12_345, 2, "123.45"),
            (-5, 3, "-0.005"),
            (7, 0, "7"),
            (i128::MAX, 38, "1.70141183460469231731687303715884105727"),
        ] {
            assert_eq!(decimal(value, scale), expected);
        }
        assert_eq!(big(&[0xff, 0x85]), Some(-123));
        assert_eq!(big(&[0; 17]), None);
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(i32::MAX), format!("day {}", i32::MAX));
        assert_eq!(instant(1_500, 1_000_000, true), "1970-01-01T00:00:01.500Z");
        assert_eq!(instant(-1, 1, false), "1969-12-31T23:59:59.999999999");
        assert_eq!(
            instant(i64::MAX, 1_000, true),
            format!("count {}", i64::MAX)
        );
    }
}
