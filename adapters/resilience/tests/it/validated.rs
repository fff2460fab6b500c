//! A bad answer is an error, whoever gave it.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::calendar::Calendar;
use ballast_domain::market::{ActionKind, Bar, BarSize, Bars, CorporateAction, Field, Series};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    BoxStream, Chunk, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, MarketDataExt, Result, SubscribeRequest, stream,
};
use ballast_resilience::{Fallback, FallbackSettings, MetricsRegistry, Traced, Validated};
use ballast_testkit::builders::{day, market};
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{FakeClock, FakeMarketData};

use crate::named::{Named, clock, request};

/// After every bar of the test market.
fn later() -> Arc<FakeClock> {
    Arc::new(FakeClock::new(day(4_000)))
}

fn validated<M: MarketData>(inner: M) -> Validated<M> {
    Validated::new(Arc::new(inner), Calendar::Utc24x7, later())
}

fn subject() -> Subject {
    Subject {
        source: Arc::new(validated(FakeMarketData::new(market()))),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

/// A source whose answer a test may change.
#[derive(Debug)]
struct Changed(FakeMarketData, fn(Vec<Chunk>) -> Vec<Chunk>);

#[async_trait]
impl MarketData for Changed {
    fn name(&self) -> &str {
        "changed"
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        MarketDataCapabilities {
            subscribe: true,
            ..self.0.capabilities()
        }
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let mut listed = self.0.instruments().await?;
        listed.reverse();
        Ok(listed)
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let mut answer = self.0.history(request);
        let mut chunks = Vec::new();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        while let std::task::Poll::Ready(Some(chunk)) = answer.as_mut().poll_next(&mut context) {
            chunks.push(chunk.unwrap());
        }
        stream::iter(self.1(chunks).into_iter().map(Ok))
    }

    fn subscribe(&self, _: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        let first = market()["ALFA"].bars.range(0..2);
        let bar = |row: usize| LiveBar {
            symbol: "ALFA".to_owned(),
            bar: bar(&first, row, |_| {}),
        };
        stream::iter([bar(0), bar(1), bar(0)].map(Ok))
    }
}

fn bar(bars: &Bars, row: usize, change: fn(&mut Bar)) -> Bar {
    let value = |field| bars.column(field)[row];
    let mut bar = Bar {
        open_time: bars.open_times()[row],
        close_time: bars.close_times()[row],
        open: value(Field::Open),
        high: value(Field::High),
        low: value(Field::Low),
        close: value(Field::Close),
        volume: value(Field::Volume),
    };
    change(&mut bar);
    bar
}

/// The first chunk with its bar in the middle changed.
fn with_bar(mut chunks: Vec<Chunk>, change: fn(&mut Bar)) -> Vec<Chunk> {
    let bars = &chunks[0].series.bars;
    let mut changed = Bars::new(bars.fields());
    for row in 0..bars.len() {
        let change = if row == 3 { change } else { |_: &mut Bar| {} };
        changed.push(&bar(bars, row, change)).unwrap();
    }
    chunks[0].series.bars = changed;
    chunks
}

/// Each way to break the contract is refused and named; the unchanged answer passes.
#[tokio::test]
async fn whatever_breaks_the_contract_is_refused_by_name() {
    type Change = fn(Vec<Chunk>) -> Vec<Chunk>;
    let changes: [(&str, Change); 10] = [
        ("not asked for", |mut c| {
            c[0].symbol = "GAMMA".to_owned();
            c
        }),
        ("has no bars", |mut c| {
            c[0].series = Series::default();
            c
        }),
        ("columns or price basis", |mut c| {
            c[0].series.basis = ballast_domain::market::PriceBasis::BackAdjusted;
            c
        }),
        ("not later", |mut c| {
            let again = c[0].clone();
            c.insert(1, again);
            c
        }),
        ("outside of the range", |mut c| {
            let at = Timestamp::MAX;
            let kind = ActionKind::Delisting;
            c[0].series.actions.push(CorporateAction { at, kind });
            c
        }),
        ("not in order", |mut c| {
            let (early, late) = (day(0), day(1));
            let kind = ActionKind::Delisting;
            c[0].series.actions = vec![
                CorporateAction { at: late, kind },
                CorporateAction { at: early, kind },
            ];
            c
        }),
        ("no bar in the range", |mut c| {
            c.retain(|chunk| chunk.symbol == "ALFA");
            c
        }),
        ("FutureTimestamp", |mut c| {
            for chunk in &mut c {
                let bars = &chunk.series.bars;
                let mut moved = Bars::new(bars.fields());
                for row in 0..bars.len() {
                    let mut bar = bar(bars, row, |_| {});
                    bar.open_time = bar.open_time + Span::from_days(5_000);
                    bar.close_time = bar.close_time + Span::from_days(5_000);
                    moved.push(&bar).unwrap();
                }
                chunk.series.bars = moved;
            }
            c
        }),
        ("PriceSpike", |c| {
            with_bar(c, |bar| {
                for value in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
                    *value *= 100.0;
                }
            })
        }),
        ("OffGrid", |c| {
            with_bar(c, |bar| {
                bar.open_time = bar.open_time + Span::from_seconds(7 * 3_600);
            })
        }),
    ];
    for (text, change) in changes {
        let source = validated(Changed(FakeMarketData::new(market()), change));
        let error = source.load(&request()).await.unwrap_err();
        assert!(error.chain().contains(text), "{text}: {}", error.chain());
        let kind = if text == "no bar in the range" {
            ErrorKind::NotFound
        } else {
            ErrorKind::InvalidData
        };
        assert_eq!(error.kind, kind, "{error}");
    }
    let source = validated(Changed(FakeMarketData::new(market()), |c| c));
    assert_eq!(source.load(&request()).await.unwrap(), market());
    assert_eq!(
        source.instruments().await.unwrap_err().kind,
        ErrorKind::InvalidData
    );
}

/// A live bar that repeats an earlier one ends the stream, and so does a foreign symbol.
#[tokio::test]
async fn live_bars_are_checked_one_by_one() {
    let source = validated(Changed(FakeMarketData::new(market()), |c| c));
    for (symbol, good) in [("ALFA", 2), ("BETA", 0)] {
        let mut live = source.subscribe(&SubscribeRequest {
            symbols: vec![symbol.to_owned()],
            bar: BarSize::DAY,
        });
        for _ in 0..good {
            stream::next(&mut live).await.unwrap().unwrap();
        }
        let error = stream::next(&mut live).await.unwrap().unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidData, "{error}");
        assert!(stream::next(&mut live).await.is_none());
    }
}

/// A bad bar of the primary makes the cascade ask the next source.
#[tokio::test]
async fn a_cascade_passes_over_a_source_that_lies() {
    let liar = validated(Changed(FakeMarketData::new(market()), |c| {
        with_bar(c, |bar| {
            bar.high *= 1_000.0;
            bar.open *= 1_000.0;
            bar.low *= 1_000.0;
            bar.close *= 1_000.0;
        })
    }));
    let good = validated(Named::new("good", []));
    let sources: Vec<Arc<dyn MarketData>> = vec![Arc::new(liar), Arc::new(good)];
    // Capabilities must be alike for a cascade; the liar's own declare a subscription.
    let settings = FallbackSettings::default();
    let cascade = Fallback::new(sources, settings, clock(), &MetricsRegistry::default()).unwrap();
    let answer = cascade.fetch(&request()).await.unwrap();
    assert_eq!(answer.provenance.source, "good");
}
