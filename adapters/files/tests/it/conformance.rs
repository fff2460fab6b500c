//! Files are a market-data source like any other, in every layout.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::{ActionKind, BarSize, Field, Fields, PriceBasis, Series};
use ballast_files::{CsvMarketData, CsvOptions, CsvSource};
use ballast_ports::HistoryRequest;
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;

use crate::{bytes, options};

const FIELDS: [Field; 5] = [
    Field::Open,
    Field::High,
    Field::Low,
    Field::Close,
    Field::Volume,
];

fn lines(series: &Series, prefix: &str) -> Vec<String> {
    (0..series.bars.len())
        .map(|i| {
            let mut line = format!("{prefix}{}", series.bars.open_times()[i].date());
            for field in FIELDS {
                write!(line, ",{}", series.bars.column(field)[i]).unwrap();
            }
            line
        })
        .collect()
}

fn actions() -> CsvSource {
    let mut text = "date,symbol,kind,value\n".to_owned();
    for (symbol, series) in market() {
        for action in series.actions {
            let (kind, value) = match action.kind {
                ActionKind::Split(ratio) => ("split", ratio.to_f64().to_string()),
                ActionKind::Dividend(cash) => ("dividend", cash.to_string()),
                ActionKind::Delisting => ("delisting", String::new()),
            };
            writeln!(text, "{},{symbol},{kind},{value}", action.at.date()).unwrap();
        }
    }
    bytes("actions.csv", text)
}

fn subject(options: &CsvOptions, truth: BTreeMap<String, Series>) -> Subject {
    let source = CsvMarketData::open(options).unwrap_or_else(|e| panic!("{}", e.chain()));
    Subject {
        source: Arc::new(source),
        request: HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY)
            .basis(options.delivered_basis()),
        truth: Some(truth),
    }
}

mod long_file {
    use super::*;

    fn this() -> Subject {
        let mut rows: Vec<_> = (market().iter())
            .flat_map(|(symbol, series)| lines(series, &format!("{symbol},")))
            .collect();
        // Symbols alternate, as in a file sorted by date.
        rows.sort_by_key(|row| row.split(',').nth(1).map(str::to_owned));
        let text = format!(
            "symbol,date,open,high,low,close,volume\n{}\n",
            rows.join("\n")
        );
        let options = CsvOptions {
            actions: Some(actions()),
            ..options("all.csv", text)
        };
        subject(&options, market())
    }

    ballast_testkit::market_data_conformance!(this());
}

mod folder {
    use super::*;

    fn this() -> Subject {
        let folder = tempfile::tempdir().unwrap();
        for (symbol, series) in market() {
            let text = format!(
                "Date,Open,High,Low,Close,Volume\n{}\n",
                lines(&series, "").join("\n")
            );
            std::fs::write(folder.path().join(format!("{symbol}.csv")), text).unwrap();
        }
        let actions = folder.path().join("actions.csv");
        let CsvSource::Bytes { data, .. } = super::actions() else {
            unreachable!("the actions are in memory");
        };
        std::fs::write(&actions, data).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "not a table").unwrap();
        let source = CsvSource::Path(folder.path().to_owned());
        let options = CsvOptions {
            actions: Some(CsvSource::Path(actions)),
            ..CsvOptions::new(source, Calendar::Utc24x7)
        };
        subject(&options, market())
    }

    ballast_testkit::market_data_conformance!(this());
}

mod wide_table {
    use super::*;

    /// The closes alone, with empty cells where a symbol has no bar, back-adjusted.
    fn this() -> Subject {
        let mut table: BTreeMap<String, [String; 2]> = BTreeMap::new();
        let mut truth = market();
        for (column, series) in truth.values_mut().enumerate() {
            let mut bars = ballast_domain::market::Bars::new(Fields::CLOSE);
            for i in 0..series.bars.len() {
                let (open_time, close_time) =
                    (series.bars.open_times()[i], series.bars.close_times()[i]);
                let close = series.bars.column(Field::Close)[i];
                table.entry(open_time.date().to_string()).or_default()[column] = close.to_string();
                bars.push(&ballast_domain::market::Bar {
                    open_time,
                    close_time,
                    open: close,
                    high: close,
                    low: close,
                    close,
                    volume: 0.0,
                })
                .unwrap();
            }
            *series = Series {
                basis: PriceBasis::BackAdjusted,
                bars,
                actions: Vec::new(),
            };
        }
        let mut text = "date,ALFA,BETA\n".to_owned();
        for (date, [alfa, beta]) in table {
            writeln!(text, "{date},{alfa},{beta}").unwrap();
        }
        let options = CsvOptions {
            basis: PriceBasis::BackAdjusted,
            ..options("closes.csv", text)
        };
        subject(&options, truth)
    }

    ballast_testkit::market_data_conformance!(this());
}
