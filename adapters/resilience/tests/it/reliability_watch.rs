//! Who gave the answers, in percent, and the alarm.

use std::num::NonZeroUsize;
use std::sync::Arc;

use ballast_domain::time::Span;
use ballast_ports::{ErrorKind, MarketDataExt};
use ballast_resilience::{
    Cached, FallbackAlarm, MetricsRegistry, Notice, ReliabilityReport, ReliabilityWatch,
    StalenessPolicy, Traced,
};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{FakeCache, Fault};

use crate::named::{Named, cascade, clock, fail, request};
use crate::notices::Notices;

fn watch(
    a: impl IntoIterator<Item = Fault>,
    b: impl IntoIterator<Item = Fault>,
    notices: &Notices,
) -> ReliabilityWatch<dyn Traced> {
    let (a, b) = (Named::new("a", a), Named::new("b", b));
    let inner: Arc<dyn Traced> =
        Arc::new(cascade(&[&a, &b], 1, &MetricsRegistry::default()).unwrap());
    ReliabilityWatch::new(inner, FallbackAlarm::default(), &notices.reporter()).unwrap()
}

fn subject() -> Subject {
    Subject {
        source: Arc::new(watch([], [], &Notices::default())),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject());

/// CAC-19: 7 of the primary, 2 of a fallback and 1 nobody answered are 70, 20 and 10 percent; nothing
/// is zeros, and so is everything after a reset.
#[tokio::test]
async fn cac_19_shares_in_percent() {
    let good = || vec![Fault::None; 7];
    // The primary fails three times in a row; the second source fails once of those.
    let a = [good(), vec![fail(), fail(), fail()]].concat();
    let watch = watch(a, [Fault::None, Fault::None, fail()], &Notices::default());
    assert_eq!(watch.report(), ReliabilityReport::default());
    for _ in 0..10 {
        let _ = watch.fetch(&request()).await;
    }
    let report = watch.report();
    let shares = (report.primary, report.fallback, report.error);
    assert_eq!(shares, (70.0, 20.0, 10.0));
    assert_eq!((report.success, report.uptime), (90.0, 90.0));
    watch.reset();
    assert_eq!(watch.report(), ReliabilityReport::default());
}

/// CAC-20: success is anyone's answer; uptime leaves out what was old, and counts fresh entries of
/// the cache, which can be had when the sources are down.
#[tokio::test]
async fn cac_20_uptime_counts_fresh_entries_and_no_stale_ones() {
    let notices = Notices::default();
    let reporter = notices.reporter();
    let script = [Fault::None, fail(), fail(), fail()];
    let (a, b) = (Named::new("a", script), Named::new("b", vec![fail(); 3]));
    let clock = clock();
    let policy = StalenessPolicy {
        serve_for: None,
        ..StalenessPolicy::default()
    };
    let inner = Arc::new(cascade(&[&a, &b], 1, &notices.metrics).unwrap());
    let cache = Arc::new(FakeCache::new(8));
    let cached = Cached::new(inner, "x", cache, policy, clock.clone(), &reporter).unwrap();
    let watch =
        ReliabilityWatch::new(Arc::new(cached), FallbackAlarm::default(), &reporter).unwrap();
    for days in [0, 1, 4, 30] {
        clock.advance(Span::from_days(days));
        let _ = watch.load(&request()).await;
    }
    let seen = watch.report();
    let shares = (seen.primary, seen.cache_fresh, seen.cache_stale, seen.error);
    assert_eq!(shares, (25.0, 25.0, 25.0, 25.0));
    assert_eq!((seen.success, seen.uptime), (75.0, 50.0));
    assert_eq!(notices.total("market_data_fetched_total"), 4.0);
}

/// CAC-25: 11 of a hundred from a fallback are an alarm, once; 10 are none.
#[tokio::test]
async fn cac_25_too_many_fallbacks_are_an_alarm() {
    for (failures, alarms) in [(10, 0), (11, 1)] {
        let notices = Notices::default();
        // One answer brings the primary back: each failure is one answer of the fallback.
        let pattern = (0..100).map(|n| {
            if n % 9 == 0 && n / 9 < failures {
                fail()
            } else {
                Fault::None
            }
        });
        let watch = watch(pattern, [], &notices);
        for n in 0..100 {
            assert_eq!(notices.all().len(), 0, "after {n}");
            watch.fetch(&request()).await.unwrap();
        }
        let report = watch.report();
        assert_eq!(report.fallback, f64::from(failures));
        for _ in 0..5 {
            watch.fetch(&request()).await.unwrap();
        }
        let told = notices.all();
        let alarm = |n: &&Notice| matches!(n, Notice::FallbackShare { limit: 0.1, .. });
        assert_eq!(told.iter().filter(alarm).count(), alarms, "{failures}");
    }
}

/// The window is as long as it is said to be, and a share is a share.
#[tokio::test]
async fn an_alarm_needs_a_full_window_and_a_share() {
    let notices = Notices::default();
    let (a, b) = (Named::new("a", vec![fail(); 9]), Named::new("b", []));
    let inner = Arc::new(cascade(&[&a, &b], 1, &MetricsRegistry::default()).unwrap());
    let alarm = |share| FallbackAlarm {
        share,
        window: NonZeroUsize::new(3).unwrap(),
    };
    for share in [-0.1, 1.1, f64::NAN] {
        let refused = ReliabilityWatch::new(inner.clone(), alarm(share), &notices.reporter());
        assert_eq!(refused.unwrap_err().kind, ErrorKind::Config);
    }
    let watch = ReliabilityWatch::new(inner, alarm(0.5), &notices.reporter()).unwrap();
    for told in [0, 0, 1, 1] {
        watch.fetch(&request()).await.unwrap();
        assert_eq!(notices.all().len(), told);
    }
}
