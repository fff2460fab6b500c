//! Memory is a market-data source like any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use ballast_domain::market::{BarSize, Fields};
use ballast_memory::MemoryMarketData;
use ballast_ports::{ErrorKind, HistoryRequest, MarketData, stream};
use ballast_testkit::builders::{SeriesBuilder, market, series_of};
use ballast_testkit::conformance::market_data::Subject;

fn subject() -> Subject {
    Subject {
        source: Arc::new(MemoryMarketData::new(BarSize::DAY, market()).unwrap()),
        request: HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

#[tokio::test]
async fn long_series_come_in_bounded_chunks() {
    let series = SeriesBuilder::new(3).bars(8_200).step(0.001).build();
    let source =
        MemoryMarketData::new(BarSize::DAY, BTreeMap::from([("A".to_owned(), series)])).unwrap();
    let mut chunks = source.history(&HistoryRequest::all(["A"], BarSize::DAY));
    let mut lengths = Vec::new();
    while let Some(chunk) = stream::next(&mut chunks).await {
        lengths.push(chunk.unwrap().series.bars.len());
    }
    assert_eq!(lengths, [8_192, 8]);
}

#[test]
fn unlike_series_are_refused_by_name() {
    let with = |symbol: &str, series| {
        let mut all = BTreeMap::from([("A".to_owned(), series_of(&[1.0]))]);
        all.insert(symbol.to_owned(), series);
        MemoryMarketData::new(BarSize::DAY, all)
    };
    let closes = SeriesBuilder::new(1).fields(Fields::CLOSE).build();
    for (series, text) in [(closes, "differ in columns"), (series_of(&[]), "no bars")] {
        let e = with("B", series).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Config);
        assert!(
            e.to_string().contains(text) && e.to_string().contains("symbol = B"),
            "{e}"
        );
    }
    assert!(MemoryMarketData::new(BarSize::DAY, BTreeMap::new()).is_err());
}
