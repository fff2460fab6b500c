//! The contract of [`MarketData`], as behaviours.
//!
//! Where the contract had to choose: a known symbol without a bar in the range is `NotFound`, as an
//! unknown one is, because an answer that is silently empty is how a strategy comes to trade on
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use ballast_domain::market::{BarSize, PriceBasis, Series};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    Chunk, Error, ErrorKind, HistoryRequest, MarketData, MarketDataExt, SubscribeRequest, stream,
};

/// A source under test.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The source.
    pub source: Arc<dyn MarketData>,
    /// A range of past bars that the source has, for at least two symbols with five bars or more
    /// each; with at least one corporate action when the source declares actions.
    pub request: HistoryRequest,
    /// What the source must deliver for `request`, where the test knows it.
    pub truth: Option<BTreeMap<String, Series>>,
}

macro_rules! suite {
    ($d:tt $($behaviour:ident)+) => {
        /// The name of every behaviour.
        pub const BEHAVIOURS: &[&str] = &[$(stringify!($behaviour)),+];

        /// Runs one behaviour by name. Panics on a violation and on an unknown name.
        pub async fn run(behaviour: &str, subject: &Subject) {
            match behaviour {
                $(stringify!($behaviour) => $behaviour(subject).await,)+
                _ => panic!("there is no behaviour '{behaviour}'"),
            }
        }

        /// Makes one `#[tokio::test]` of each behaviour of the market-data contract. The argument
        /// is an expression that gives a fresh
        /// [`Subject`]($crate::conformance::market_data::Subject).
        #[macro_export]
        macro_rules! market_data_conformance {
            ($d subject:expr) => {
                $(
                    #[tokio::test]
                    async fn $behaviour() {
                        $crate::conformance::market_data::$behaviour(&$d subject).await;
                    }
                )+
            };
        }
    };
}

suite! { $
    bars_are_in_time_order_and_unique
    the_range_is_half_open
    an_unknown_symbol_is_not_found_by_name
    a_range_without_bars_is_not_found
    an_error_ends_the_stream
    chunks_of_a_symbol_append
    deliveries_match_the_declared_capabilities
    undeclared_calls_are_unsupported
    impossible_requests_are_rejected
    instruments_agree_with_history
    concurrent_histories_do_not_mix
    dropping_a_stream_midway_is_harmless
    the_same_request_twice_is_identical
    actions_arrive_with_their_bars
    the_bars_are_the_true_ones
}

/// Open times of a symbol rise strictly across its chunks, and no bar opens before the one before
/// it closed.
pub async fn bars_are_in_time_order_and_unique(subject: &Subject) {
    let mut last: BTreeMap<String, Timestamp> = BTreeMap::new();
    for Chunk { symbol, series } in chunks(subject, &subject.request).await {
        let times = series
            .bars
            .open_times()
            .iter()
            .zip(series.bars.close_times());
        for (open, close) in times {
            assert!(
                open < close,
                "{symbol}: the bar of {open} closes at {close}"
            );
            if let Some(last) = last.insert(symbol.clone(), *close) {
                assert!(
                    last <= *open,
                    "{symbol}: {open} comes after a close at {last}"
                );
            }
        }
    }
}

/// A bar that opens at `start` is in, one that opens at `end` is not.
pub async fn the_range_is_half_open(subject: &Subject) {
    for (symbol, series) in load(subject, &subject.request).await {
        let opens = series.bars.open_times();
        let (first, last) = (1, opens.len() - 1);
        let nanosecond = Span::from_nanos(1);
        for (start, end, expected) in [
            (opens[first], opens[last], &opens[first..last]),
            (
                opens[first] + nanosecond,
                opens[last] + nanosecond,
                &opens[first + 1..],
            ),
        ] {
            let request = only(&subject.request, &symbol).between(start, end);
            let part = &load(subject, &request).await[&symbol];
            assert_eq!(
                part.bars.open_times(),
                expected,
                "{symbol} between {start} and {end}"
            );
        }
    }
}

/// `NotFound`, with the name in the message.
pub async fn an_unknown_symbol_is_not_found_by_name(subject: &Subject) {
    let request = only(&subject.request, "NO-SUCH-SYMBOL");
    let error = failure(subject, &request).await;
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("NO-SUCH-SYMBOL"), "{error}");
    // A known symbol beside it does not hide it.
    let mut request = subject.request.clone();
    request.symbols.push("NO-SUCH-SYMBOL".to_owned());
    let error = failure(subject, &request).await;
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}

/// `NotFound`, with the name in the message: an answer is never silently empty.
pub async fn a_range_without_bars_is_not_found(subject: &Subject) {
    for (symbol, series) in load(subject, &subject.request).await {
        let opens = series.bars.open_times();
        let start = opens[1] + Span::from_nanos(1);
        let end = start + Span::from_nanos(1);
        let request = only(&subject.request, &symbol).between(start, end);
        let error = failure(subject, &request).await;
        assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(&symbol), "{error}");
    }
}

/// Nothing comes after an error.
pub async fn an_error_ends_the_stream(subject: &Subject) {
    let mut answer = subject
        .source
        .history(&only(&subject.request, "NO-SUCH-SYMBOL"));
    let first = stream::next(&mut answer).await;
    assert!(matches!(first, Some(Err(_))), "{first:?}");
    let second = stream::next(&mut answer).await;
    assert!(second.is_none(), "after the error came {second:?}");
}

/// Chunks are not empty, alike in columns and basis, and append to the whole series.
pub async fn chunks_of_a_symbol_append(subject: &Subject) {
    let mut whole: BTreeMap<String, Series> = BTreeMap::new();
    for Chunk { symbol, series } in chunks(subject, &subject.request).await {
        assert!(!series.bars.is_empty(), "{symbol}: a chunk is empty");
        match whole.get_mut(&symbol) {
            None => {
                whole.insert(symbol, series);
            }
            Some(earlier) => {
                assert_eq!(earlier.basis, series.basis, "{symbol}: the basis changes");
                if let Err(e) = earlier.bars.append(&series.bars) {
                    panic!("{symbol}: {e}");
                }
                earlier.actions.extend(series.actions);
            }
        }
    }
    let loaded = load(subject, &subject.request).await;
    assert!(whole == loaded, "the appended chunks differ from load()");
    let symbols: Vec<_> = whole.into_keys().collect();
    let mut requested = subject.request.symbols.clone();
    requested.sort();
    assert_eq!(symbols, requested, "other symbols came than were asked for");
}

/// Every chunk has exactly the declared columns, and the basis that was asked for.
pub async fn deliveries_match_the_declared_capabilities(subject: &Subject) {
    let declared = subject.source.capabilities();
    for Chunk { symbol, series } in chunks(subject, &subject.request).await {
        assert_eq!(series.bars.fields(), declared.fields, "{symbol}");
        assert_eq!(series.basis, subject.request.basis, "{symbol}");
        assert!(
            declared.actions || series.actions.is_empty(),
            "{symbol}: undeclared actions"
        );
    }
}

/// A bar size, basis or subscription that is not declared answers `Unsupported`.
pub async fn undeclared_calls_are_unsupported(subject: &Subject) {
    let declared = subject.source.capabilities();
    let sizes = ["1d", "12h", "4h", "1h", "15m", "5m", "1m"]
        .map(|text| text.parse::<BarSize>().expect("these are bar sizes"));
    let undeclared = sizes.into_iter().find(|s| !declared.bar_sizes.contains(s));
    if let Some(bar) = undeclared {
        let request = HistoryRequest {
            bar,
            ..subject.request.clone()
        };
        let error = failure(subject, &request).await;
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    }
    for basis in [PriceBasis::Raw, PriceBasis::BackAdjusted] {
        if !declared.bases.contains(&basis) {
            let error = failure(subject, &subject.request.clone().basis(basis)).await;
            assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
        }
    }
    if !declared.subscribe {
        let mut live = subject.source.subscribe(&SubscribeRequest {
            symbols: subject.request.symbols.clone(),
            bar: subject.request.bar,
        });
        match stream::next(&mut live).await {
            Some(Err(error)) => assert_eq!(error.kind, ErrorKind::Unsupported, "{error}"),
            other => panic!("an undeclared subscription answered {other:?}"),
        }
    }
}

/// No symbols, a symbol twice and an empty range are `Rejected`, with advice.
pub async fn impossible_requests_are_rejected(subject: &Subject) {
    let good = &subject.request;
    let twice = [good.symbols.clone(), good.symbols.clone()].concat();
    for request in [
        HistoryRequest {
            symbols: Vec::new(),
            ..good.clone()
        },
        HistoryRequest {
            symbols: twice,
            ..good.clone()
        },
        good.clone().between(good.end, good.end),
        good.clone().between(good.end, good.start),
    ] {
        let error = failure(subject, &request).await;
        assert_eq!(error.kind, ErrorKind::Rejected, "{error}");
        assert!(error.advice().is_some(), "{error}");
    }
}

/// The list is sorted, names every requested symbol, and its dates are those of the bars; or the
/// call is `Unsupported`, as declared.
pub async fn instruments_agree_with_history(subject: &Subject) {
    let answer = subject.source.instruments().await;
    if !subject.source.capabilities().instruments {
        let error = answer.expect_err("undeclared instruments were listed");
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
        return;
    }
    let listed = answer.unwrap_or_else(|e| panic!("{}", e.chain()));
    assert!(
        listed
            .windows(2)
            .all(|pair| pair[0].symbol < pair[1].symbol),
        "not sorted: {listed:?}"
    );
    for (symbol, series) in load(subject, &subject.request).await {
        let Some(instrument) = listed.iter().find(|i| i.symbol == symbol) else {
            panic!("{symbol} has bars and is not listed");
        };
        let opens = series.bars.open_times();
        assert!(
            instrument.first.is_none_or(|first| first <= opens[0]),
            "{symbol}: bars before {:?}",
            instrument.first
        );
        assert!(
            instrument
                .last
                .is_none_or(|last| last >= opens[opens.len() - 1]),
            "{symbol}: bars after {:?}",
            instrument.last
        );
    }
}

/// Streams that are read in turns deliver what they deliver alone.
pub async fn concurrent_histories_do_not_mix(subject: &Subject) {
    let symbols = &subject.request.symbols;
    let requests = [
        only(&subject.request, &symbols[0]),
        only(&subject.request, &symbols[1]),
    ];
    let mut streams = requests.each_ref().map(|r| subject.source.history(r));
    let mut seen: [Vec<Chunk>; 2] = Default::default();
    let mut open = [true; 2];
    while open.contains(&true) {
        for i in 0..2 {
            if open[i] {
                match stream::next(&mut streams[i]).await {
                    Some(chunk) => seen[i].push(chunk.unwrap_or_else(|e| panic!("{}", e.chain()))),
                    None => open[i] = false,
                }
            }
        }
    }
    for (request, together) in requests.iter().zip(seen) {
        assert!(
            together.iter().all(|c| request.symbols.contains(&c.symbol)),
            "{:?} got another request's symbols",
            request.symbols
        );
        assert!(
            together == chunks(subject, request).await,
            "{:?} differs when read beside another",
            request.symbols
        );
    }
}

/// A stream that is dropped before its first item or after it changes nothing for the next one.
pub async fn dropping_a_stream_midway_is_harmless(subject: &Subject) {
    let before = chunks(subject, &subject.request).await;
    drop(subject.source.history(&subject.request));
    let mut started = subject.source.history(&subject.request);
    let first = stream::next(&mut started).await;
    assert!(matches!(first, Some(Ok(_))), "{first:?}");
    drop(started);
    assert!(
        before == chunks(subject, &subject.request).await,
        "the answer changed after a dropped stream"
    );
}

/// The past does not change between two calls.
pub async fn the_same_request_twice_is_identical(subject: &Subject) {
    let first = load(subject, &subject.request).await;
    let second = load(subject, &subject.request).await;
    assert!(first == second, "two answers differ");
}

/// Actions lie in the range and in time order, each in the chunk of the first bar that opens at or
/// after it (the last chunk for those after every bar), and cutting the range loses none.
pub async fn actions_arrive_with_their_bars(subject: &Subject) {
    let whole = load(subject, &subject.request).await;
    let count: usize = whole.values().map(|s| s.actions.len()).sum();
    assert_eq!(
        count > 0,
        subject.source.capabilities().actions,
        "the subject must have actions exactly when the source declares them"
    );
    let mut seen: BTreeMap<String, Timestamp> = BTreeMap::new();
    for Chunk { symbol, series } in chunks(subject, &subject.request).await {
        let last_open = *series.bars.open_times().last().expect("chunks have bars");
        let previous = seen.insert(symbol.clone(), last_open);
        let is_last = whole[&symbol].bars.open_times().last() == Some(&last_open);
        let mut earlier = Timestamp::MIN;
        for action in &series.actions {
            assert!(subject.request.contains(action.at), "{symbol}: {action:?}");
            assert!(earlier <= action.at, "{symbol}: actions are not in order");
            earlier = action.at;
            assert!(
                previous.is_none_or(|t| t < action.at) && (is_last || action.at <= last_open),
                "{symbol}: {action:?} came with the wrong bars"
            );
        }
    }
    for (symbol, series) in &whole {
        let middle = series.bars.open_times()[series.bars.len() / 2];
        let request = only(&subject.request, symbol);
        let (start, end) = (request.start, request.end);
        let before = load(subject, &request.clone().between(start, middle)).await;
        let after = load(subject, &request.between(middle, end)).await;
        let parts = [&before[symbol].actions[..], &after[symbol].actions[..]].concat();
        assert_eq!(parts, series.actions, "{symbol} cut at {middle}");
    }
}

/// What is delivered is what the source holds, to the last bit.
pub async fn the_bars_are_the_true_ones(subject: &Subject) {
    let Some(truth) = &subject.truth else { return };
    let loaded = load(subject, &subject.request).await;
    for (symbol, series) in truth {
        let Some(delivered) = loaded.get(symbol) else {
            panic!("{symbol} is missing");
        };
        assert_eq!(delivered.bars, series.bars, "{symbol}");
        assert_eq!(delivered.actions, series.actions, "{symbol}");
        assert_eq!(delivered.basis, series.basis, "{symbol}");
    }
}

fn only(request: &HistoryRequest, symbol: &str) -> HistoryRequest {
    HistoryRequest {
        symbols: vec![symbol.to_owned()],
        ..request.clone()
    }
}

async fn chunks(subject: &Subject, request: &HistoryRequest) -> Vec<Chunk> {
    let mut answer = subject.source.history(request);
    let mut all = Vec::new();
    while let Some(chunk) = stream::next(&mut answer).await {
        all.push(chunk.unwrap_or_else(|e| panic!("{}", e.chain())));
    }
    all
}

async fn load(subject: &Subject, request: &HistoryRequest) -> BTreeMap<String, Series> {
    subject
        .source
        .load(request)
        .await
        .unwrap_or_else(|e| panic!("{}", e.chain()))
}

/// The error that ends this answer; panics when it ends well.
async fn failure(subject: &Subject, request: &HistoryRequest) -> Error {
    let mut answer = subject.source.history(request);
    let mut good = 0;
    while let Some(chunk) = stream::next(&mut answer).await {
        match chunk {
            Ok(_) => good += 1,
            Err(error) => return error,
        }
    }
    panic!("expected an error, got {good} good chunks for {request:?}");
}
