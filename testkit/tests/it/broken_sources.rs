//! The market-data suite finds planted defects: each broken source fails the behaviour it breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use ballast_domain::market::{BarSize, Bars, Fields};
use ballast_domain::time::Span;
use ballast_ports::{
    BoxStream, Chunk, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest, stream,
};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::{BEHAVIOURS, Subject, run};
use ballast_testkit::fakes::FakeMarketData;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    ChunksNewestFirst,
    RepeatedChunk,
    EndIncluded,
    UnknownSymbolIsEmpty,
    EmptyRangeIsEmpty,
    GoesOnAfterAnError,
    EmptyChunk,
    DropsColumns,
    PretendsToSubscribe,
    TakesEmptyRanges,
    ListsNothing,
    MixesSymbols,
    LosesStateOnDrop,
    ChangesItsMind,
    LosesActions,
    ActionsAllAtOnce,
    ShiftedPrices,
}

#[derive(Debug)]
struct Broken {
    good: FakeMarketData,
    defect: Defect,
    calls: AtomicU64,
}

impl Broken {
    /// Every item of the good source, read on another thread: this one is inside a runtime.
    fn items(&self, request: &HistoryRequest) -> Vec<Result<Chunk>> {
        let mut answer = self.good.history(request);
        let mut items = Vec::new();
        let reader = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    block_on(async {
                        while let Some(item) = stream::next(&mut answer).await {
                            items.push(item);
                        }
                    });
                })
                .join()
        });
        reader.unwrap();
        items
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

#[async_trait]
impl MarketData for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.good.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        if self.defect == Defect::ListsNothing {
            return Ok(Vec::new());
        }
        self.good.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut request = request.clone();
        if self.defect == Defect::EndIncluded {
            request.end = request.end + Span::from_nanos(1);
        }
        if self.defect == Defect::MixesSymbols && call % 2 == 1 {
            request.symbols = vec!["ALFA".to_owned()];
        }
        let mut items = self.items(&request);
        let not_found = |item: &Result<Chunk>, text: &str| matches!(item, Err(e) if e.kind == ErrorKind::NotFound && e.to_string().contains(text));
        match self.defect {
            Defect::ChunksNewestFirst => items.reverse(),
            Defect::RepeatedChunk => {
                let first = items[0].clone();
                items.insert(1, first);
            }
            Defect::UnknownSymbolIsEmpty => items.retain(|i| !not_found(i, "not known")),
            Defect::EmptyRangeIsEmpty => items.retain(|i| !not_found(i, "no bar")),
            Defect::GoesOnAfterAnError => items.extend(items.clone()),
            Defect::EmptyChunk => {
                if let Ok(chunk) = &items[0] {
                    let mut empty = chunk.clone();
                    empty.series.bars = Bars::new(Fields::ALL);
                    empty.series.actions.clear();
                    items.insert(0, Ok(empty));
                }
            }
            Defect::DropsColumns => {
                for chunk in items.iter_mut().flatten() {
                    chunk.series.bars = close_only(&chunk.series.bars, 0.0);
                }
            }
            Defect::TakesEmptyRanges => {
                if items
                    .iter()
                    .any(|i| matches!(i, Err(e) if e.kind == ErrorKind::Rejected))
                {
                    items.clear();
                }
            }
            Defect::LosesStateOnDrop => {
                if call > 1 {
                    items.truncate(1);
                }
            }
            Defect::ChangesItsMind => {
                if call % 2 == 1 && items.len() > 2 {
                    items.pop();
                }
            }
            Defect::LosesActions => {
                for chunk in items.iter_mut().flatten().skip(1) {
                    chunk.series.actions.clear();
                }
            }
            Defect::ActionsAllAtOnce => {
                let mut all = Vec::new();
                for chunk in items.iter_mut().flatten() {
                    if chunk.symbol == "ALFA" {
                        all.append(&mut chunk.series.actions);
                    }
                }
                if let Some(Ok(first)) = items.first_mut() {
                    first.series.actions.splice(0..0, all);
                }
            }
            Defect::ShiftedPrices => {
                for chunk in items.iter_mut().flatten() {
                    chunk.series.bars = close_only(&chunk.series.bars, 0.01);
                }
            }
            Defect::EndIncluded
            | Defect::PretendsToSubscribe
            | Defect::ListsNothing
            | Defect::MixesSymbols => {}
        }
        stream::iter(items)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        if self.defect == Defect::PretendsToSubscribe {
            return stream::iter(Vec::new());
        }
        self.good.subscribe(request)
    }
}

/// The same bars with the close alone, moved by `shift`.
fn close_only(bars: &Bars, shift: f64) -> Bars {
    use ballast_domain::market::{Bar, Field};
    let mut out = Bars::new(Fields::CLOSE);
    let times = bars.open_times().iter().zip(bars.close_times());
    for ((open_time, close_time), close) in times.zip(bars.column(Field::Close)) {
        let close = close + shift;
        out.push(&Bar {
            open_time: *open_time,
            close_time: *close_time,
            open: close,
            high: close,
            low: close,
            close,
            volume: 0.0,
        })
        .unwrap();
    }
    out
}

/// The behaviours that this source fails.
fn failed(source: impl Fn() -> Arc<dyn MarketData>) -> Vec<&'static str> {
    let fails = |behaviour: &&&str| {
        let subject = Subject {
            source: source(),
            request: HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY),
            truth: Some(market()),
        };
        catch_unwind(AssertUnwindSafe(|| block_on(run(behaviour, &subject)))).is_err()
    };
    BEHAVIOURS.iter().filter(fails).copied().collect()
}

#[test]
fn every_planted_defect_fails_the_behaviour_it_breaks() {
    for (defect, behaviour) in [
        (
            Defect::ChunksNewestFirst,
            "bars_are_in_time_order_and_unique",
        ),
        (Defect::RepeatedChunk, "chunks_of_a_symbol_append"),
        (Defect::EndIncluded, "the_range_is_half_open"),
        (
            Defect::UnknownSymbolIsEmpty,
            "an_unknown_symbol_is_not_found_by_name",
        ),
        (
            Defect::EmptyRangeIsEmpty,
            "a_range_without_bars_is_not_found",
        ),
        (Defect::GoesOnAfterAnError, "an_error_ends_the_stream"),
        (Defect::EmptyChunk, "chunks_of_a_symbol_append"),
        (
            Defect::DropsColumns,
            "deliveries_match_the_declared_capabilities",
        ),
        (
            Defect::PretendsToSubscribe,
            "undeclared_calls_are_unsupported",
        ),
        (Defect::TakesEmptyRanges, "impossible_requests_are_rejected"),
        (Defect::ListsNothing, "instruments_agree_with_history"),
        (Defect::MixesSymbols, "concurrent_histories_do_not_mix"),
        (
            Defect::LosesStateOnDrop,
            "dropping_a_stream_midway_is_harmless",
        ),
        (
            Defect::ChangesItsMind,
            "the_same_request_twice_is_identical",
        ),
        (Defect::LosesActions, "actions_arrive_with_their_bars"),
        (Defect::ActionsAllAtOnce, "actions_arrive_with_their_bars"),
        (Defect::ShiftedPrices, "the_bars_are_the_true_ones"),
    ] {
        let failures = failed(|| {
            Arc::new(Broken {
                good: FakeMarketData::new(market()),
                defect,
                calls: AtomicU64::new(0),
            })
        });
        assert!(
            failures.contains(&behaviour),
            "{defect:?} failed {failures:?}"
        );
    }
}

#[test]
fn the_good_source_fails_nothing() {
    let failures = failed(|| Arc::new(FakeMarketData::new(market())));
    assert!(failures.is_empty(), "{failures:?}");
}
