//! A cascade answers while any of its sources does, and never hides who did.

use std::collections::BTreeMap;
use std::sync::Arc;

use ballast_domain::market::{BarSize, Fields};
use ballast_domain::time::Span;
use ballast_ports::{Error, ErrorKind, HistoryRequest, MarketData, MarketDataExt, stream};
use ballast_resilience::{Fallback, FallbackSettings, MetricsRegistry, Role, Traced, passes_on};
use ballast_testkit::builders::{SeriesBuilder, market, series_of};
use ballast_testkit::conformance::market_data::{BEHAVIOURS, Subject, run};
use ballast_testkit::fakes::Fault;

use crate::named::{Named, cascade, clock, down, fail, request};

fn subject() -> Subject {
    let (a, b) = (Named::new("a", []), Named::new("b", []));
    Subject {
        source: Arc::new(cascade(&[&a, &b], 2, &MetricsRegistry::default()).unwrap()),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

/// The same suite while the primary fails every call, at once or in the middle of its answer. Only
/// where the contract wants `NotFound` the answer is another: the sick primary may know the symbol.
#[tokio::test]
async fn the_suite_passes_around_a_dead_primary_and_its_silence_is_no_absence() {
    let mut unknown = 0;
    for behaviour in BEHAVIOURS {
        let faults = (0..200).map(|n| match n % 2 {
            0 => fail(),
            _ => Fault::FailAfter(1, down("reset")),
        });
        let (a, b) = (Named::new("a", faults), Named::new("b", []));
        let source = cascade(&[&a, &b], 2, &MetricsRegistry::default()).unwrap();
        if behaviour.ends_with("is_not_found_by_name") || behaviour.ends_with("is_not_found") {
            let request = HistoryRequest::all(["NO-SUCH-SYMBOL"], BarSize::DAY);
            let error = source.load(&request).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unavailable);
            assert!(error.to_string().contains("'NO-SUCH-SYMBOL'"), "{error}");
            unknown += 1;
            continue;
        }
        let subject = Subject {
            source: Arc::new(source),
            request: request(),
            truth: Some(market()),
        };
        run(behaviour, &subject).await;
    }
    assert_eq!(unknown, 2);
}

/// DAT-06: a history that no source has is an error that names every cause, and each failure has
/// moved the fallback counter; so is a history in which a requested symbol is silently missing.
#[tokio::test]
async fn dat_06_a_failed_history_is_an_error_and_is_counted() {
    let metrics = MetricsRegistry::default();
    let (a, b) = (
        Named::new("a", [fail()]),
        Named::new("b", [Fault::Fail(down("503 from the gateway"))]),
    );
    let both = cascade(&[&a, &b], 2, &metrics).unwrap();
    let error = both.load(&request()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let text = error.to_string();
    assert!(
        text.contains("a = unavailable at history: connection refused")
            && text.contains("b = unavailable at history: 503 from the gateway"),
        "{text}"
    );
    let fallbacks = |source| {
        metrics
            .snapshot()
            .total("market_data_fallbacks_total", &[("source", source)])
    };
    assert_eq!((fallbacks("a"), fallbacks("b")), (1.0, 1.0));

    // Each source silently ends before one symbol: a success that is none.
    let metrics = MetricsRegistry::default();
    let (a, b) = (Silent, Named::new("b", []));
    let settings = FallbackSettings::default();
    let sources: Vec<Arc<dyn MarketData>> = vec![Arc::new(Silent), Arc::new(b)];
    let helped = Fallback::new(sources, settings, clock(), &metrics).unwrap();
    let answer = helped.fetch(&request()).await.unwrap();
    assert_eq!(answer.provenance.source, "b");
    let empty = [("source", "silent"), ("kind", "not_found")];
    assert_eq!(
        metrics
            .snapshot()
            .total("market_data_fallbacks_total", &empty),
        1.0
    );
    let other = Named::with(
        "c",
        BTreeMap::from([("BETA".to_owned(), market()["BETA"].clone())]),
        [],
    );
    let sources: Vec<Arc<dyn MarketData>> = vec![Arc::new(a), Arc::new(other)];
    let lost = Fallback::new(sources, settings, clock(), &metrics);
    let error = match lost {
        Ok(lost) => lost.load(&request()).await.unwrap_err(),
        Err(error) => panic!("{}", error.chain()),
    };
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.to_string().contains("'ALFA'"), "{error}");
}

/// A source that answers every history with nothing, and calls that an answer.
#[derive(Debug)]
struct Silent;

#[async_trait::async_trait]
impl MarketData for Silent {
    fn name(&self) -> &str {
        "silent"
    }

    fn capabilities(&self) -> ballast_ports::MarketDataCapabilities {
        Named::new("x", []).capabilities()
    }

    async fn instruments(&self) -> ballast_ports::Result<Vec<ballast_ports::ListedInstrument>> {
        Ok(Vec::new())
    }

    fn history(
        &self,
        _: &HistoryRequest,
    ) -> ballast_ports::BoxStream<ballast_ports::Result<ballast_ports::Chunk>> {
        stream::iter(Vec::new())
    }

    fn subscribe(
        &self,
        request: &ballast_ports::SubscribeRequest,
    ) -> ballast_ports::BoxStream<ballast_ports::Result<ballast_ports::LiveBar>> {
        Named::new("x", []).subscribe(request)
    }
}

/// The answer says who gave it and who failed before, and is of one source only.
#[tokio::test]
async fn an_answer_carries_its_provenance_and_no_bar_of_the_failed_source() {
    let metrics = MetricsRegistry::default();
    // Other prices under the same names tell the sources apart.
    let other = |seed| {
        ["ALFA", "BETA"]
            .map(|symbol| (symbol.to_owned(), SeriesBuilder::new(seed).bars(20).build()))
            .into()
    };
    let a = Named::with(
        "a",
        other(1),
        [Fault::None, Fault::FailAfter(2, down("reset"))],
    );
    let b = Named::with("b", other(2), []);
    let both = cascade(&[&a, &b], 2, &metrics).unwrap();
    let first = both.fetch(&request()).await.unwrap();
    assert_eq!(
        (first.provenance.source.as_str(), first.provenance.role),
        ("a", Role::Primary)
    );
    assert!(!first.provenance.is_degraded() && first.provenance.failures.is_empty());
    let second = both.fetch(&request()).await.unwrap();
    assert_eq!(
        (second.provenance.source.as_str(), second.provenance.role),
        ("b", Role::Fallback)
    );
    assert!(second.provenance.is_degraded());
    assert_eq!(second.provenance.failures.len(), 1);
    assert_eq!(second.provenance.failures[0].source, "a");
    let truth = b.load(&request()).await.unwrap();
    for chunk in &second.chunks {
        let of_b = &truth[&chunk.symbol].bars;
        let from = of_b
            .open_times()
            .partition_point(|t| *t < chunk.series.bars.open_times()[0]);
        assert_eq!(
            of_b.range(from..from + chunk.series.bars.len()),
            chunk.series.bars
        );
    }
}

/// The fallback stays until the primary has answered often enough in a row; a failure in between
/// starts the count anew.
#[tokio::test]
async fn the_primary_comes_back_only_after_answers_in_a_row() {
    let metrics = MetricsRegistry::default();
    let script = [
        fail(),
        Fault::None,
        Fault::None,
        fail(),
        Fault::None,
        Fault::None,
        Fault::None,
    ];
    let (a, b) = (Named::new("a", script), Named::new("b", []));
    let both = cascade(&[&a, &b], 3, &metrics).unwrap();
    let mut who = Vec::new();
    for _ in 0..8 {
        who.push(both.fetch(&request()).await.unwrap().provenance.source);
    }
    assert_eq!(who, ["b", "b", "b", "b", "b", "b", "a", "a"]);
    assert_eq!(both.preferred(), "a");
    assert_eq!(
        metrics.snapshot().total("market_data_fallback_active", &[]),
        0.0
    );
    assert_eq!(
        metrics
            .snapshot()
            .total("market_data_answers_total", &[("role", "fallback")]),
        6.0
    );
}

/// Between two probes the primary is left alone.
#[tokio::test]
async fn the_primary_is_probed_no_more_often_than_said() {
    let (a, b) = (Named::new("a", [fail()]), Named::new("b", []));
    let clock = clock();
    let settings = FallbackSettings::default();
    let sources: Vec<Arc<dyn MarketData>> = vec![Arc::new(a.clone()), Arc::new(b)];
    let both = Fallback::new(
        sources,
        settings,
        clock.clone(),
        &MetricsRegistry::default(),
    )
    .unwrap();
    for _ in 0..10 {
        both.load(&request()).await.unwrap();
    }
    assert_eq!(a.calls(), 1);
    for probes in 1..=3 {
        clock.advance(settings.probe_every);
        both.load(&request()).await.unwrap();
        both.load(&request()).await.unwrap();
        // The third answer brings the primary back, and the next call is its own.
        assert_eq!(a.calls(), if probes < 3 { 1 + probes } else { 5 });
    }
    assert_eq!(both.preferred(), "a");
}

/// A probe that was answered is used when nobody else answers.
#[tokio::test]
async fn a_good_answer_at_hand_is_never_thrown_away() {
    let (a, b) = (
        Named::new("a", [fail()]),
        Named::new("b", [Fault::None, fail()]),
    );
    let both = cascade(&[&a, &b], 3, &MetricsRegistry::default()).unwrap();
    assert_eq!(both.fetch(&request()).await.unwrap().provenance.source, "b");
    assert_eq!(both.fetch(&request()).await.unwrap().provenance.source, "a");
    assert_eq!(both.preferred(), "b");
}

/// While the primary is probed there are two answers: closes that differ by more than 1 % are told
/// with the bar, and counted; exactly 1 % is none.
#[tokio::test]
async fn sources_that_tell_other_prices_are_found_out() {
    for (primary, differs) in [(100.0, false), (101.0, false), (101.01, true)] {
        let metrics = MetricsRegistry::default();
        let closes = |last: f64| BTreeMap::from([("A".to_owned(), series_of(&[50.0, 80.0, last]))]);
        let a = Named::with("a", closes(primary), [fail()]);
        let b = Named::with("b", closes(100.0), []);
        let both = cascade(&[&a, &b], 3, &metrics).unwrap();
        let request = HistoryRequest::all(["A"], BarSize::DAY);
        let alone = both.fetch(&request).await.unwrap();
        assert_eq!(
            alone.provenance.disagreement, None,
            "nothing to compare with"
        );
        let probed = both.fetch(&request).await.unwrap().provenance;
        assert_eq!(probed.source, "b");
        let counted = metrics
            .snapshot()
            .total("market_data_disagreements_total", &[]);
        assert_eq!(
            (probed.disagreement.is_some(), counted > 0.0),
            (differs, differs)
        );
        if let Some(found) = probed.disagreement {
            assert_eq!((found.symbol.as_str(), found.other), ("A", primary));
            assert!((found.share - 0.0101).abs() < 1e-9, "{}", found.share);
        }
    }
}

/// What is wrong with the request, or is a person's business, is not asked elsewhere.
#[tokio::test]
async fn only_what_another_source_may_mend_passes_on() {
    for kind in ErrorKind::ALL {
        let a = Named::new(
            "a",
            [Fault::Fail(Error::new(kind, "history", "as planted"))],
        );
        let b = Named::new("b", []);
        let both = cascade(&[&a, &b], 1, &MetricsRegistry::default()).unwrap();
        let answer = both.fetch(&request()).await;
        if passes_on(kind) {
            assert_eq!(answer.unwrap().provenance.source, "b", "{kind:?}");
            // A missing symbol tells nothing about the health of a source.
            let preferred = if kind == ErrorKind::NotFound {
                "a"
            } else {
                "b"
            };
            assert_eq!(both.preferred(), preferred, "{kind:?}");
        } else {
            let error = answer.unwrap_err();
            assert_eq!(error.kind, kind);
            assert!(error.to_string().contains("source = a"), "{error}");
            assert_eq!(b.calls(), 0, "{kind:?}");
        }
    }
    let stays: Vec<_> = ErrorKind::ALL
        .into_iter()
        .filter(|k| !passes_on(*k))
        .collect();
    assert_eq!(
        stays,
        [
            ErrorKind::Rejected,
            ErrorKind::Halted,
            ErrorKind::Unsupported,
            ErrorKind::Config,
            ErrorKind::Unexpected
        ]
    );
}

/// Sources whose answers would not mean the same are refused when the cascade is built.
#[test]
fn unlike_sources_are_no_cascade() {
    let closes = SeriesBuilder::new(1).fields(Fields::CLOSE).build();
    let closes = Named::with("closes", BTreeMap::from([("A".to_owned(), closes)]), []);
    let a = Named::new("a", []);
    for (sources, text) in [
        (vec![], "no source"),
        (vec![&a], "nothing to fall back on"),
        (vec![&a, &a], "one name"),
        (vec![&a, &closes], "differ in columns"),
    ] {
        let error = cascade(&sources, 1, &MetricsRegistry::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.advice().is_some());
    }
    let hourly = ballast_testkit::fakes::FakeMarketData::with_bar(BarSize::HOUR, market());
    let hourly = Named("hourly", Arc::new(hourly));
    let error = cascade(&[&a, &hourly], 1, &MetricsRegistry::default()).unwrap_err();
    assert!(error.to_string().contains("no common bar size"), "{error}");
    assert!(FallbackSettings::default().probe_every > Span::from_nanos(0));
}

/// CAC-17: an answer that is an error in itself, which a client reports as bad data, is a failure of the
/// primary: it is not asked again, and the fallback answers.
#[tokio::test]
async fn cac_17_an_error_for_an_answer_is_a_failure_of_its_source() {
    let said = "the answer is an error with the status of a success";
    let refused = Fault::Fail(Error::new(ErrorKind::InvalidData, "history", said));
    let (a, b) = (Named::new("a", [refused]), Named::new("b", []));
    let cascade = cascade(&[&a, &b], 1, &MetricsRegistry::default()).unwrap();
    let answer = cascade.fetch(&request()).await.unwrap();
    assert_eq!(answer.provenance.role, Role::Fallback);
    assert_eq!((a.calls(), b.calls()), (1, 1));
    assert_eq!(answer.provenance.failures.len(), 1);
}
