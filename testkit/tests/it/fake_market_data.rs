//! The fake passes the suite it is tested with, and misbehaves only when told to.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ballast_domain::market::{Bar, BarSize};
use ballast_ports::{
    Error, ErrorKind, HistoryRequest, LiveBar, MarketData, MarketDataExt, SubscribeRequest, stream,
};
use ballast_testkit::builders::{day, market};
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{FakeMarketData, Fault};

fn subject(fake: FakeMarketData) -> Subject {
    Subject {
        source: Arc::new(fake),
        request: HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY),
        truth: Some(market()),
    }
}

mod plain {
    use super::*;
    ballast_testkit::market_data_conformance!(subject(FakeMarketData::new(market())));
}

mod dribbling {
    use super::*;
    ballast_testkit::market_data_conformance!(subject(
        FakeMarketData::new(market())
            .chunk_bars(NonZeroUsize::MIN)
            .delay(Duration::from_micros(1))
    ));
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "history", "the source is down")
}

#[tokio::test]
async fn faults_come_once_each_in_their_order() {
    let fake = FakeMarketData::new(market()).script([
        Fault::Fail(down()),
        Fault::None,
        Fault::FailAfter(2, down()),
    ]);
    let request = HistoryRequest::all(["ALFA"], BarSize::DAY);
    assert_eq!(
        fake.load(&request).await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
    fake.load(&request).await.unwrap();
    let mut answer = fake.history(&request);
    let mut items = Vec::new();
    while let Some(item) = stream::next(&mut answer).await {
        items.push(item.is_ok());
    }
    assert_eq!(items, [true, true, false]);
    fake.load(&request).await.unwrap();
    assert_eq!(fake.calls(), vec![request; 4]);
}

#[tokio::test]
async fn a_hanging_source_says_nothing() {
    let fake = FakeMarketData::new(market()).script([Fault::Hang(1)]);
    let mut answer = fake.history(&HistoryRequest::all(["ALFA"], BarSize::DAY));
    assert!(stream::next(&mut answer).await.is_some());
    let second = tokio::time::timeout(Duration::from_millis(5), stream::next(&mut answer)).await;
    assert!(second.is_err());
}

#[tokio::test]
async fn live_bars_come_in_order_and_then_silence() {
    let live: Vec<_> = (0..2)
        .map(|n| LiveBar {
            symbol: "ALFA".into(),
            bar: Bar {
                open_time: day(n),
                close_time: day(n + 1),
                open: 1.0,
                high: 1.0,
                low: 1.0,
                close: 1.0,
                volume: 0.0,
            },
        })
        .collect();
    let fake = FakeMarketData::new(market()).live(live.clone());
    let mut bars = fake.subscribe(&SubscribeRequest {
        symbols: vec!["ALFA".into()],
        bar: BarSize::DAY,
    });
    for expected in live {
        assert_eq!(stream::next(&mut bars).await.unwrap().unwrap(), expected);
    }
    let third = tokio::time::timeout(Duration::from_millis(5), stream::next(&mut bars)).await;
    assert!(third.is_err());
}
