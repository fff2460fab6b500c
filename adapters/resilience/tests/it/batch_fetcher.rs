//! Each history once, so many at a time, each on its own.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ballast_domain::market::{BarSize, PriceBasis, Series};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    BoxStream, Chunk, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, Result, SubscribeRequest,
};
use ballast_resilience::{
    BatchFetcher, Cached, FetchPlan, PlanKey, SingleSource, StalenessPolicy, Traced,
};
use ballast_testkit::builders::{SeriesBuilder, day, market};
use ballast_testkit::fakes::{FakeCache, FakeMarketData, Fault};
use tokio::time::{Instant, sleep};

use crate::named::{clock, down, request};
use crate::notices::Notices;

/// A source that counts how many ask at once.
#[derive(Clone, Debug)]
struct Wire(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    inner: FakeMarketData,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Wire {
    fn new(series: BTreeMap<String, Series>) -> Self {
        Self(Arc::new(Counts {
            inner: FakeMarketData::new(series),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }))
    }

    fn calls(&self) -> Vec<HistoryRequest> {
        self.0.inner.calls()
    }

    fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl MarketData for Wire {
    fn name(&self) -> &str {
        "wire"
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.0.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.0.inner.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.0.inner.history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.0.inner.subscribe(request)
    }
}

/// The wire as a cascade would give it; one fetch needs a tenth of a second.
#[derive(Debug)]
struct Slow(Wire, Arc<dyn Traced>);

#[async_trait]
impl Traced for Slow {
    async fn fetch(&self, request: &HistoryRequest) -> Result<ballast_resilience::Answer> {
        let counts = &self.0.0;
        let now = counts.now.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most.fetch_max(now, Ordering::SeqCst);
        sleep(Duration::from_millis(100)).await;
        counts.now.fetch_sub(1, Ordering::SeqCst);
        self.1.fetch(request).await
    }
}

#[async_trait]
impl MarketData for Slow {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.0.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.0.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.0.history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.0.subscribe(request)
    }
}

fn slow(series: BTreeMap<String, Series>) -> (Wire, Arc<Slow>) {
    let wire = Wire::new(series);
    let traced = Arc::new(SingleSource::new(Arc::new(wire.clone()), clock()));
    (wire.clone(), Arc::new(Slow(wire, traced)))
}

fn symbols(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("S{n}")).collect()
}

fn twenty() -> BTreeMap<String, Series> {
    let series = |n: u64| SeriesBuilder::new(n).bars(10).build();
    let all = symbols(20).into_iter().zip(0..);
    all.map(|(symbol, n)| (symbol, series(n))).collect()
}

fn fetcher<S: Traced + ?Sized>(source: Arc<S>, concurrency: usize) -> BatchFetcher<S> {
    BatchFetcher::new(source, NonZeroUsize::new(concurrency).unwrap())
}

fn daily(symbols: &[String]) -> HistoryRequest {
    HistoryRequest::all(symbols.iter().cloned(), BarSize::DAY)
}

/// DAT-07: twenty symbols that two strategies need are twenty calls, no more at a time than allowed,
/// and the answer is in one order however fast each came.
#[tokio::test(start_paused = true)]
async fn dat_07_each_history_is_fetched_once() {
    let (wire, source) = slow(twenty());
    let all = daily(&symbols(20));
    let plan = FetchPlan::new()
        .with("trend", all.clone())
        .with("carry", all);
    let batch = fetcher(source, 6).fetch(&plan).await;
    assert_eq!(wire.calls().len(), 20);
    assert_eq!(wire.most(), 6);
    let got: Vec<_> = batch.keys().map(|key| key.symbol.clone()).collect();
    let mut wanted = symbols(20);
    wanted.sort();
    assert_eq!(got, wanted);
    let truth = twenty();
    for (key, fetched) in batch {
        assert_eq!(fetched.unwrap().series, truth[&key.symbol]);
    }
}

/// DAT-11: ten fetches of 100 ms, five at a time, take 200 ms.
#[tokio::test(start_paused = true)]
async fn dat_11_fetches_overlap() {
    let (wire, source) = slow(twenty());
    let plan = FetchPlan::new().with("x", daily(&symbols(10)));
    let begun = Instant::now();
    let batch = fetcher(source, 5).fetch(&plan).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
    assert_eq!((batch.len(), wire.most()), (10, 5));
}

/// DAT-09: only what somebody needs is fetched: without a strategy its own symbols go, shared ones
/// stay and are one fetch; two ranges of one symbol become one that covers both.
#[test]
fn dat_09_the_plan_is_the_union_of_what_is_needed() {
    let of = |symbols: &[&str], from: i64, to: i64| {
        HistoryRequest::all(symbols.iter().copied(), BarSize::DAY).between(day(from), day(to))
    };
    let plan = FetchPlan::new()
        .with("trend", of(&["A", "B"], 0, 10))
        .with("carry", of(&["B", "C"], 5, 20));
    let found = |plan: &FetchPlan| -> Vec<(String, Timestamp, Timestamp)> {
        let all = plan.histories().into_iter();
        all.map(|(key, (from, to))| (key.symbol, from, to))
            .collect()
    };
    let entry = |symbol: &str, from, to| (symbol.to_owned(), day(from), day(to));
    let whole = [entry("A", 0, 10), entry("B", 0, 20), entry("C", 5, 20)];
    assert_eq!(found(&plan), whole);
    assert_eq!(plan.users_of("B"), ["carry", "trend"]);
    let plan = plan.without("trend");
    assert_eq!(found(&plan), [entry("B", 5, 20), entry("C", 5, 20)]);
    assert!(plan.users_of("A").is_empty());
    let weekly = BarSize::HOUR;
    let both = plan.with("other", HistoryRequest::all(["C"], weekly));
    assert_eq!(
        both.histories().len(),
        3,
        "another bar size is another history"
    );
}

/// DAT-16: one symbol that fails is nothing to the others: every history has its place in the batch, nineteen
/// with bars and one with its error.
#[tokio::test(start_paused = true)]
async fn dat_16_failures_stay_with_their_symbol() {
    let mut some = twenty();
    some.remove("S7");
    let (_, source) = slow(some);
    let plan = FetchPlan::new().with("x", daily(&symbols(20)));
    let fetcher = fetcher(source, 4);
    let failed = fetcher.warm(&plan, true).await;
    assert_eq!(failed.len(), 1);
    let batch = fetcher.fetch(&plan).await;
    let good = batch.values().filter(|fetched| fetched.is_ok()).count();
    assert_eq!((batch.len(), good), (20, 19));
    for (key, fetched) in batch {
        match fetched {
            Err(error) => {
                assert_eq!(
                    (key.symbol.as_str(), error.kind),
                    ("S7", ErrorKind::NotFound)
                );
            }
            Ok(_) => assert_ne!(key.symbol, "S7"),
        }
    }
}

/// DAT-12, CAC-04: after warming, a run asks for nothing that is warm; switched off, nothing is warmed.
#[tokio::test(start_paused = true)]
async fn dat_12_a_warm_cache_costs_no_call() {
    for (enabled, later_calls) in [(true, 0), (false, 20)] {
        let (wire, source) = slow(twenty());
        let reporter = Notices::default().reporter();
        let cache = Arc::new(FakeCache::new(64));
        let policy = StalenessPolicy::default();
        let cached = Cached::new(source, "x", cache.clone(), policy, clock(), &reporter).unwrap();
        let fetcher = fetcher(Arc::new(cached), 5);
        let plan = FetchPlan::new().with("x", daily(&symbols(20)));
        assert!(fetcher.warm(&plan, enabled).await.is_empty());
        assert_eq!(cache.keys().len(), if enabled { 20 } else { 0 });
        let before = wire.calls().len();
        let batch = fetcher.fetch(&plan).await;
        assert!(batch.values().all(Result::is_ok));
        assert_eq!(wire.calls().len() - before, later_calls);
    }
}

/// An update asks for what is after the last bar and gives what a whole fetch gives, actions included;
/// what has nothing new stays, and back-adjusted series are fetched whole.
#[tokio::test(start_paused = true)]
async fn an_update_asks_only_for_what_is_new() {
    let truth = market();
    let key = |symbol: &str| PlanKey {
        symbol: symbol.to_owned(),
        bar: BarSize::DAY,
        basis: PriceBasis::Raw,
    };
    for held_bars in [1, 5, 12] {
        let (wire, source) = slow(market());
        let mut held = BTreeMap::new();
        for (symbol, series) in &truth {
            let last = series.bars.open_times()[held_bars - 1];
            let mut actions = series.actions.clone();
            actions.retain(|action| action.at <= last);
            let bars = series.bars.range(0..held_bars);
            let part = Series {
                bars,
                actions,
                ..series.clone()
            };
            held.insert(key(symbol), part);
        }
        let plan = FetchPlan::new().with("x", request());
        let batch = fetcher(source, 2).update(&plan, &held).await;
        for (key, fetched) in batch {
            let fetched = fetched.unwrap();
            assert_eq!(fetched.series, truth[&key.symbol], "{held_bars} bars held");
            assert!(fetched.provenance.is_some());
        }
        for call in wire.calls() {
            let last = held[&key(&call.symbols[0])].bars.open_times()[held_bars - 1];
            assert_eq!(call.start, last + Span::from_nanos(1));
        }
    }
    // Nothing new: what is held is the answer.
    let (wire, source) = slow(market());
    let held: BTreeMap<_, _> = truth
        .iter()
        .map(|(s, series)| (key(s), series.clone()))
        .collect();
    let plan = FetchPlan::new().with("x", request());
    for (key, fetched) in fetcher(source.clone(), 2).update(&plan, &held).await {
        let fetched = fetched.unwrap();
        assert_eq!(fetched.series, truth[&key.symbol]);
        assert!(fetched.provenance.is_none());
    }
    assert_eq!(wire.calls().len(), 2);
    let past = request().between(Timestamp::MIN, day(-10_000));
    let plan = FetchPlan::new().with("x", past);
    fetcher(source, 2).update(&plan, &held).await;
    assert_eq!(
        wire.calls().len(),
        2,
        "what is held is later than what is needed"
    );
}

/// DAT-08: where a call answers several symbols, n of them cost ⌈n / several⌉ calls and give what one by one
/// gives. One that the source does not have fails alone; what may pass is everybody's of its call.
#[tokio::test(start_paused = true)]
async fn dat_08_a_batch_endpoint_is_asked_for_several_at_once() {
    let names: Vec<String> = (0..20).map(|n| format!("S{n:02}")).collect();
    let series = |names: &[String]| -> BTreeMap<String, Series> {
        let one = market().into_values().next().unwrap();
        names
            .iter()
            .map(|name| (name.clone(), one.clone()))
            .collect()
    };
    let plan = FetchPlan::new().with("a", HistoryRequest::all(names.clone(), BarSize::DAY));
    let fetched = async |symbols: usize, held: &[String], script: Vec<Fault>| {
        let symbols = NonZeroUsize::new(symbols).unwrap();
        let fake = FakeMarketData::new(series(held)).symbols_per_call(symbols);
        let fake = Arc::new(fake.script(script));
        let source = Arc::new(SingleSource::new(fake.clone(), clock()));
        let batch = BatchFetcher::new(source, NonZeroUsize::new(3).unwrap());
        (batch.fetch(&plan).await, fake.calls())
    };
    let (alone, _) = fetched(1, &names, vec![]).await;
    for (symbols, calls) in [(1, 20), (7, 3), (8, 3), (19, 2), (20, 1), (100, 1)] {
        let (batch, made) = fetched(symbols, &names, vec![]).await;
        assert_eq!(made.len(), calls, "{symbols} a call");
        assert!(made.iter().all(|call| call.symbols.len() <= symbols));
        assert_eq!(batch.len(), 20);
        for (key, one) in &batch {
            let expected = &alone[key].as_ref().unwrap().series;
            assert_eq!(one.as_ref().unwrap().series, *expected, "{key:?}");
        }
    }
    // S19 is in the third call of eight, which is made again for each of its four.
    let (batch, made) = fetched(8, &names[..19], vec![]).await;
    let failed: Vec<_> = batch.iter().filter(|(_, one)| one.is_err()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].0.symbol, "S19");
    assert_eq!(failed[0].1.as_ref().unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(made.len(), 3 + 4);
    let (batch, made) = fetched(8, &names, vec![Fault::Fail(down("no route"))]).await;
    assert_eq!(batch.values().filter(|one| one.is_err()).count(), 8);
    assert_eq!(made.len(), 3);
}
