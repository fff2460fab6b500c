//! Files that claim one thing and hold another, written byte by byte.

use std::sync::Arc;

use ballast_domain::market::{Bar, BarSize, Bars, Fields};
use ballast_domain::time::Timestamp;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{
    ParquetMetaDataBuilder, ParquetMetaDataReader, ParquetMetaDataWriter,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::{read_bars, to_text, write_bars};
use crate::defect::DefectCode;

/// One column of bytes, as one decimal a row.
fn decimals(precision: u32, scale: u32, values: &[&[u8]]) -> Vec<u8> {
    let message =
        format!("message t {{ REQUIRED BYTE_ARRAY close (DECIMAL({precision},{scale})); }}");
    let schema = Arc::new(parse_message_type(&message).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let ColumnWriter::ByteArrayColumnWriter(to) = column.untyped() else {
        panic!("a decimal of bytes");
    };
    let values: Vec<ByteArray> = values.iter().map(|v| ByteArray::from(v.to_vec())).collect();
    to.write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.into_inner().unwrap()
}

/// The same file with another count of rows in its footer; the pages stay as they are.
fn claiming(file: &[u8], rows: i64) -> Vec<u8> {
    let bytes = bytes::Bytes::copy_from_slice(file);
    let meta = ParquetMetaDataReader::new()
        .parse_and_finish(&bytes)
        .unwrap();
    let groups = meta.row_groups().iter().map(|group| {
        let group = group.clone().into_builder().set_num_rows(rows);
        group.build().unwrap()
    });
    let groups = groups.collect();
    let meta = ParquetMetaDataBuilder::new_from_metadata(meta)
        .set_row_groups(groups)
        .build();
    let footer = u32::from_le_bytes(file[file.len() - 8..][..4].try_into().unwrap()) as usize;
    let mut out = file[..file.len() - 8 - footer].to_vec();
    ParquetMetaDataWriter::new(&mut out, &meta)
        .finish()
        .unwrap();
    out
}

/// So many minutes of one price.
fn minutes(count: i64) -> Bars {
    let mut bars = Bars::new(Fields::ALL);
    for i in 0..count {
        let at = |minute: i64| Timestamp::from_nanos(minute * 60_000_000_000);
        let bar = Bar {
            open_time: at(i),
            close_time: at(i + 1),
            open: 10.0,
            high: 12.0,
            low: 9.0,
            close: 11.0,
            volume: 100.0,
        };
        bars.push(&bar).unwrap();
    }
    bars
}

/// A few bytes of run-length code may hold any number of equal rows: no more than one above what
/// the file claims are ever decoded.
#[test]
fn a_column_longer_than_its_file_claims_is_cut_short_and_refused() {
    let file = decimals(5, 2, &[&[1, 44][..]; 5_000]);
    assert!(
        file.len() < 1_000,
        "equal rows take no room: {}",
        file.len()
    );
    assert_eq!(to_text("a.parquet", &file).unwrap().lines().count(), 5_001);
    let defect = to_text("a.parquet", &claiming(&file, 4)).unwrap_err();
    assert_eq!(defect.code, DefectCode::Corrupt);
    assert_eq!(
        defect.message,
        "column 'close' has 5 rows where the file claims 4"
    );
    let defect = to_text("a.parquet", &claiming(&file, 6_000)).unwrap_err();
    assert_eq!(defect.code, DefectCode::Corrupt, "{}", defect.message);
}

/// A decimal of a thousand digits would be a thousand characters of text for one byte.
#[test]
fn a_decimal_of_more_digits_than_can_be_is_of_the_wrong_type() {
    let text = to_text("a.parquet", &decimals(38, 38, &[&[7]])).unwrap();
    assert_eq!(text, "close\n0.00000000000000000000000000000000000007\n");
    let defect = to_text("a.parquet", &decimals(1_000, 999, &[&[7]])).unwrap_err();
    assert_eq!(defect.code, DefectCode::WrongType, "{}", defect.message);
}

/// No change of one byte of a data file ends the program: the bars are refused or the same, or
/// other bars that the checksum of the manifest refuses.
#[test]
fn no_changed_byte_of_a_data_file_ends_the_program() {
    let file = write_bars(&[("A", &minutes(3))], BarSize::MINUTE, Fields::ALL, None).unwrap();
    let mut refused = 0;
    for at in 0..file.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[at] ^= change;
            let read = read_bars(&changed, "A", BarSize::MINUTE, Fields::ALL);
            refused += usize::from(read.is_err());
        }
    }
    assert!(
        refused > file.len(),
        "{refused} of {} changes",
        3 * file.len()
    );
}

/// What no year can hold is refused before it is decoded.
#[test]
fn more_bars_than_a_year_has_are_refused() {
    let file = write_bars(&[("A", &minutes(3))], BarSize::MINUTE, Fields::ALL, None).unwrap();
    let read = |rows| read_bars(&claiming(&file, rows), "A", BarSize::MINUTE, Fields::ALL);
    assert_eq!(read(3).unwrap().len(), 3);
    for (rows, cause) in [
        (2, "differ in length"),
        (4, "differ in length"),
        (366 * 1_440 + 1, "a year"),
    ] {
        let e = read(rows).unwrap_err().to_string();
        assert!(e.contains(cause), "{rows}: {e}");
    }
}
