//! How often a cascade fails when its sources fail often.

use std::sync::Arc;

use ballast_domain::market::BarSize;
use ballast_ports::{HistoryRequest, MarketData, MarketDataExt};
use ballast_resilience::{Fallback, FallbackSettings, Metered, MetricsRegistry};
use ballast_testkit::builders::{SplitMix64, series_of};
use ballast_testkit::fakes::Fault;

use crate::named::{Named, clock, fail};

const FETCHES: usize = 10_000;

/// Faults drawn at this rate, the same for each seed.
fn faults(seed: u64, rate: f64) -> Vec<Fault> {
    let mut random = SplitMix64::new(seed);
    let mut draw = || {
        if random.unit() < rate {
            fail()
        } else {
            Fault::None
        }
    };
    // A probed source is asked up to twice for one fetch of the cascade.
    (0..2 * FETCHES).map(|_| draw()).collect()
}

fn injected(faults: &[Fault], calls: usize) -> f64 {
    faults[..calls]
        .iter()
        .filter(|fault| matches!(fault, Fault::Fail(_)))
        .count() as f64
}

/// SLO-12: over 10,000 fetches a primary that fails one time in five and a fallback that fails one
/// time in fifty make a cascade that fails less than one time in a hundred, for each of five seeds;
/// every injected fault is seen once, and every failed fetch is counted.
#[tokio::test]
async fn slo_12_a_cascade_fails_less_than_one_time_in_a_hundred() {
    for seed in 1..=5 {
        let planned = [faults(seed, 0.2), faults(seed + 100, 0.02)];
        let series = || [("A".to_owned(), series_of(&[1.0, 2.0]))].into();
        let primary = Named::with("primary", series(), planned[0].clone());
        let second = Named::with("second", series(), planned[1].clone());
        let metrics = MetricsRegistry::default();
        let metered = |source: &Named| -> Arc<dyn MarketData> {
            Arc::new(Metered::new(source.clone(), clock(), &metrics))
        };
        let cascade = Fallback::new(
            vec![metered(&primary), metered(&second)],
            FallbackSettings {
                probe_every: ballast_domain::time::Span::from_nanos(0),
                ..FallbackSettings::default()
            },
            clock(),
            &metrics,
        )
        .unwrap();
        let request = HistoryRequest::all(["A"], BarSize::DAY);
        let mut failed = 0;
        for _ in 0..FETCHES {
            failed += u32::from(cascade.load(&request).await.is_err());
        }
        let seen = metrics.snapshot();
        for (source, planned) in [(&primary, &planned[0]), (&second, &planned[1])] {
            let of = [("source", source.name())];
            let errors = seen.total("market_data_errors_total", &of);
            assert_eq!(
                errors,
                injected(planned, source.calls()),
                "{}",
                source.name()
            );
            assert_eq!(errors, seen.total("market_data_fallbacks_total", &of));
            let fetches = seen.total("market_data_fetches_total", &of);
            assert_eq!(fetches, source.calls() as f64);
        }
        assert_eq!(
            seen.total("market_data_cascade_errors_total", &[]),
            f64::from(failed)
        );
        assert_eq!(
            seen.total("market_data_answers_total", &[]) + f64::from(failed),
            FETCHES as f64
        );
        let alone = seen.total("market_data_errors_total", &[("source", "primary")])
            / seen.total("market_data_fetches_total", &[("source", "primary")]);
        let together = f64::from(failed) / FETCHES as f64;
        println!("seed {seed}: primary alone {alone:.4}, cascade {together:.4}");
        assert!(alone > 0.15, "the primary failed only {alone}");
        assert!(together < 0.01, "the cascade failed {together}");
        assert!(failed > 0, "nothing failed: the faults do not coincide");
    }
}
