//! Parquet files of other writers: every type a bar can come in, and every type it cannot.

use std::borrow::Cow;
use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::Field;
use ballast_domain::market::contract::{DefectCode, Verdict};
use ballast_files::{
    ContractOptions, CsvMarketData, CsvOptions, CsvSource, check_contract, read_column,
};
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A column of a file to write.
enum Values {
    Long(Vec<i64>),
    Int(Vec<i32>),
    Double(Vec<Option<f64>>),
    Float(Vec<f32>),
    Text(Vec<&'static str>),
}

fn prices(values: [f64; 3]) -> Values {
    Values::Double(values.map(Some).to_vec())
}

/// Parquet with these columns, each as the schema writes it.
fn file(columns: Vec<(&str, Values)>, codec: Compression) -> Vec<u8> {
    let schema: Vec<&str> = columns.iter().map(|(schema, _)| *schema).collect();
    let schema = parse_message_type(&format!("message m {{ {}; }}", schema.join("; "))).unwrap();
    let properties = WriterProperties::builder().set_compression(codec).build();
    let mut file =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = file.next_row_group().unwrap();
    for (_, values) in columns {
        let mut column = group.next_column().unwrap().unwrap();
        match (column.untyped(), values) {
            (ColumnWriter::Int64ColumnWriter(to), Values::Long(values)) => {
                to.write_batch(&values, None, None).unwrap();
            }
            (ColumnWriter::Int32ColumnWriter(to), Values::Int(values)) => {
                to.write_batch(&values, None, None).unwrap();
            }
            (ColumnWriter::DoubleColumnWriter(to), Values::Double(values)) => {
                let levels: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
                let there: Vec<f64> = values.into_iter().flatten().collect();
                to.write_batch(&there, Some(&levels), None).unwrap();
            }
            (ColumnWriter::FloatColumnWriter(to), Values::Float(values)) => {
                to.write_batch(&values, None, None).unwrap();
            }
            (ColumnWriter::ByteArrayColumnWriter(to), Values::Text(values)) => {
                let values: Vec<ByteArray> = values.into_iter().map(ByteArray::from).collect();
                to.write_batch(&values, None, None).unwrap();
            }
            _ => panic!("the schema and the values differ"),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    file.into_inner().unwrap()
}

/// Three daily bars with this time and this close column.
fn bars(time: (&'static str, Values), close: (&'static str, Values)) -> Vec<u8> {
    let columns = vec![
        time,
        ("OPTIONAL DOUBLE open", prices([1.0, 1.1, 1.2])),
        ("OPTIONAL DOUBLE high", prices([2.0, 2.0, 2.0])),
        ("OPTIONAL DOUBLE low", prices([0.5, 0.5, 0.5])),
        close,
        ("REQUIRED INT64 volume", Values::Long(vec![1, 2, 3])),
    ];
    file(columns, Compression::SNAPPY)
}

const DAYS: [i64; 3] = [18_262, 18_263, 18_264];

fn times(unit: i64) -> Values {
    Values::Long(DAYS.map(|day| day * 86_400 * unit).to_vec())
}

fn source(bytes: Vec<u8>) -> CsvSource {
    CsvSource::Bytes {
        name: "BTC.parquet".to_owned(),
        data: Cow::Owned(bytes),
    }
}

fn options(bytes: Vec<u8>) -> CsvOptions {
    CsvOptions::new(source(bytes), Calendar::Utc24x7)
}

const CLOSE: &str = "OPTIONAL DOUBLE close";

#[test]
fn times_and_prices_of_every_usable_type_give_the_same_bars() {
    let close = || (CLOSE, prices([1.5, 1.25, 0.75]));
    let micros = || {
        (
            "REQUIRED INT64 timestamp (TIMESTAMP(MICROS,true))",
            times(1_000_000),
        )
    };
    let truth = CsvMarketData::open(&options(bars(micros(), close()))).unwrap();
    let truth = truth.series("BTC").unwrap();
    assert_eq!(truth.bars.column(Field::Close), [1.5, 1.25, 0.75]);
    assert_eq!(truth.bars.open_times()[0].date().to_string(), "2020-01-01");
    let date: Vec<i32> = DAYS
        .iter()
        .map(|day| i32::try_from(*day).unwrap())
        .collect();
    let text = Values::Text(vec!["2020-01-01", "2020-01-02", "2020-01-03"]);
    let cents = || Values::Int(vec![150, 125, 75]);
    for (what, bytes) in [
        (
            "milliseconds",
            bars(
                ("REQUIRED INT64 time (TIMESTAMP(MILLIS,true))", times(1_000)),
                close(),
            ),
        ),
        (
            "nanoseconds",
            bars(
                (
                    "REQUIRED INT64 timestamp (TIMESTAMP(NANOS,true))",
                    times(1_000_000_000),
                ),
                close(),
            ),
        ),
        (
            "no zone",
            bars(
                (
                    "REQUIRED INT64 timestamp (TIMESTAMP(MICROS,false))",
                    times(1_000_000),
                ),
                close(),
            ),
        ),
        (
            "the older name of a type",
            bars(
                (
                    "REQUIRED INT64 timestamp (TIMESTAMP_MICROS)",
                    times(1_000_000),
                ),
                close(),
            ),
        ),
        (
            "dates",
            bars(("REQUIRED INT32 date (DATE)", Values::Int(date)), close()),
        ),
        (
            "text",
            bars(("REQUIRED BYTE_ARRAY date (STRING)", text), close()),
        ),
        (
            "32-bit floats",
            bars(
                micros(),
                ("REQUIRED FLOAT Close", Values::Float(vec![1.5, 1.25, 0.75])),
            ),
        ),
        (
            "decimals",
            bars(micros(), ("REQUIRED INT32 close (DECIMAL(9,2))", cents())),
        ),
    ] {
        let data = CsvMarketData::open(&options(bytes))
            .unwrap_or_else(|e| panic!("{what}: {}", e.chain()));
        assert_eq!(data.series("BTC").unwrap().bars, truth.bars, "{what}");
    }
}

/// A 32-bit 0.1 is the decimal it was written as, not its nearest 64-bit neighbour.
#[test]
fn a_float_of_32_bits_keeps_the_decimal_it_was_written_as() {
    let time = (
        "REQUIRED INT64 timestamp (TIMESTAMP(MILLIS,true))",
        times(1_000),
    );
    let close = Values::Float(vec![1.1, 0.7, 123.456]);
    let columns = vec![time, ("REQUIRED FLOAT close", close)];
    let bytes = file(columns, Compression::GZIP(Default::default()));
    let column = read_column(&source(bytes), None, &["close"]).unwrap();
    assert_eq!(column.values, [1.1, 0.7, 123.456]);
    assert_eq!(column.times.len(), 3);
}

#[test]
fn types_that_do_not_fit_are_named_and_nulls_drop_their_row() {
    let micros = || {
        (
            "REQUIRED INT64 timestamp (TIMESTAMP(MICROS,true))",
            times(1_000_000),
        )
    };
    let close = || (CLOSE, prices([1.5, 1.25, 0.75]));
    let word = || Values::Text(vec!["1.5", "1.25", "0.75"]);
    let hole = || Values::Double(vec![Some(1.5), None, Some(0.75)]);
    use DefectCode::{BadEncoding, MissingColumn, MissingValue, NaiveTimestamp, WrongType};
    for (what, bytes, verdict, code) in [
        (
            "a count without a unit",
            bars(("REQUIRED INT64 timestamp", times(1_000_000)), close()),
            Verdict::Reject,
            WrongType,
        ),
        (
            "text for a price",
            bars(micros(), ("REQUIRED BYTE_ARRAY close (STRING)", word())),
            Verdict::Reject,
            WrongType,
        ),
        (
            "a time for a price",
            bars(
                micros(),
                ("REQUIRED INT64 close (TIMESTAMP(MICROS,true))", times(1)),
            ),
            Verdict::Reject,
            WrongType,
        ),
        (
            "no zone",
            bars(
                (
                    "REQUIRED INT64 timestamp (TIMESTAMP(MICROS,false))",
                    times(1_000_000),
                ),
                close(),
            ),
            Verdict::Reject,
            NaiveTimestamp,
        ),
        (
            "no close",
            bars(micros(), ("OPTIONAL DOUBLE last", prices([1.0; 3]))),
            Verdict::Reject,
            MissingColumn,
        ),
        (
            "a null",
            bars(micros(), (CLOSE, hole())),
            Verdict::DropRows,
            MissingValue,
        ),
        (
            "text",
            b"date,close\n".to_vec(),
            Verdict::Reject,
            BadEncoding,
        ),
    ] {
        let options = ContractOptions {
            calendar: Some(Calendar::Utc24x7),
            bar: Some("1d".parse().unwrap()),
            ..ContractOptions::new(source(bytes))
        };
        let report = check_contract(&options).unwrap();
        assert_eq!(report.verdict, verdict, "{what}: {report:?}");
        assert!(
            report.defects.iter().any(|d| d.code == code),
            "{what}: {report:?}"
        );
    }
}

/// Every bit of a small file flipped, and the file cut at every byte: an answer each time, never
/// the end of the program. Without a checksum a flipped value can be plausible; that is counted.
#[test]
fn damaged_files_get_an_answer() {
    let time = (
        "REQUIRED INT64 timestamp (TIMESTAMP(MICROS,true))",
        times(1_000_000),
    );
    let good = bars(time, (CLOSE, prices([1.5, 1.25, 0.75])));
    let truth = CsvMarketData::open(&options(good.clone())).unwrap();
    let truth = &truth.series("BTC").unwrap().bars;
    let (mut refused, mut equal, mut silent) = (0, 0, 0);
    for byte in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[byte] ^= 1 << bit;
            match CsvMarketData::open(&options(bytes)) {
                Err(_) => refused += 1,
                Ok(data) if data.series("BTC").is_some_and(|s| s.bars == *truth) => equal += 1,
                Ok(_) => silent += 1,
            }
        }
    }
    println!("flipped bits: {refused} refused, {equal} equal, {silent} plausible");
    assert!(refused > 0 && refused + equal + silent == good.len() * 8);
    for end in 0..good.len() {
        assert!(CsvMarketData::open(&options(good[..end].to_vec())).is_err());
    }
}
