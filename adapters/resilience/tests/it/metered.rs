//! What is counted is what happened.

use std::sync::Arc;

use ballast_domain::market::BarSize;
use ballast_domain::time::Span;
use ballast_ports::{HistoryRequest, MarketData, MarketDataExt, stream};
use ballast_resilience::{Metered, MetricsRegistry};
use ballast_testkit::builders::{day, market};
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{FakeClock, FakeMarketData, Fault};

use crate::named::{clock, down, fail, request};

fn subject() -> Subject {
    Subject {
        source: Arc::new(Metered::new(
            FakeMarketData::new(market()),
            clock(),
            &MetricsRegistry::default(),
        )),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

const HISTORY: [(&str, &str); 2] = [("source", "fake"), ("operation", "history")];

/// OBS-10: a failed fetch is one fetch more and one error more, and the time of the last update
/// moves; a good one after it adds no error.
#[tokio::test]
async fn obs_10_a_failed_fetch_counts_and_moves_the_last_update() {
    let (clock, metrics) = (clock(), MetricsRegistry::default());
    let source = FakeMarketData::new(market()).script([fail()]);
    let source = Metered::new(source, clock.clone(), &metrics);
    let read = |name: &str| metrics.snapshot().total(name, &HISTORY);
    let seen = || {
        [
            "market_data_fetches_total",
            "market_data_errors_total",
            "market_data_bars_total",
            "market_data_last_update_seconds",
        ]
        .map(read)
    };
    let bars: usize = market().values().map(|series| series.bars.len()).sum();
    let seconds = |days: i64| day(days).nanos() as f64 / 1e9;
    assert_eq!(seen(), [0.0, 0.0, 0.0, 0.0]);
    clock.set(day(1));
    source.load(&request()).await.unwrap_err();
    assert_eq!(seen(), [1.0, 1.0, 0.0, seconds(1)]);
    clock.set(day(2));
    source.load(&request()).await.unwrap();
    assert_eq!(seen(), [2.0, 1.0, bars as f64, seconds(2)]);
    let unavailable = [HISTORY[0], HISTORY[1], ("kind", "unavailable")];
    assert_eq!(
        metrics
            .snapshot()
            .total("market_data_errors_total", &unavailable),
        1.0
    );
}

/// An error after good chunks counts the bars before it and one error; an unpolled stream is no
/// fetch; the instruments have a line of their own.
#[tokio::test]
async fn partial_answers_and_other_operations_are_told_apart() {
    let metrics = MetricsRegistry::default();
    let source = FakeMarketData::new(market()).script([Fault::FailAfter(1, down("reset"))]);
    let source = Metered::new(source, clock(), &metrics);
    drop(source.history(&request()));
    // The fake's script counts calls, the meter polls: the next call has no fault left.
    let mut answer = source.history(&request());
    let first = stream::next(&mut answer).await.unwrap().unwrap();
    drop(answer);
    source.instruments().await.unwrap();
    let snapshot = metrics.snapshot();
    let of = |operation, name| snapshot.total(name, &[("operation", operation)]);
    assert_eq!(of("history", "market_data_fetches_total"), 1.0);
    assert_eq!(of("history", "market_data_errors_total"), 0.0);
    assert_eq!(
        of("history", "market_data_bars_total"),
        first.series.bars.len() as f64
    );
    assert_eq!(of("instruments", "market_data_fetches_total"), 1.0);
}

/// Latency is the time of the clock from the first poll to the end, failed calls included.
#[tokio::test]
async fn latency_is_measured_by_the_clock_that_was_given() {
    let (clock, metrics) = (clock(), MetricsRegistry::default());
    let source = FakeMarketData::new(market());
    let source = Metered::new(source, clock.clone(), &metrics);
    let mut answer = source.history(&HistoryRequest::all(["ALFA"], BarSize::DAY));
    stream::next(&mut answer).await.unwrap().unwrap();
    advance(&clock, 3);
    while stream::next(&mut answer).await.is_some() {}
    let read = |name| metrics.snapshot().total(name, &HISTORY);
    assert_eq!(read("market_data_fetch_nanos_total"), 3e9);
    assert_eq!(read("market_data_fetch_seconds_max"), 3.0);
}

fn advance(clock: &FakeClock, seconds: i64) {
    clock.advance(Span::from_seconds(seconds));
}

/// The snapshot is JSON and back, value for value.
#[tokio::test]
async fn a_snapshot_survives_json() {
    let metrics = MetricsRegistry::default();
    let source = Metered::new(FakeMarketData::new(market()), clock(), &metrics);
    source.load(&request()).await.unwrap();
    let snapshot = metrics.snapshot();
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(
        serde_json::from_str::<ballast_resilience::MetricsSnapshot>(&text).unwrap(),
        snapshot
    );
    assert!(text.contains(r#""kind":"counter""#), "{text}");
}
