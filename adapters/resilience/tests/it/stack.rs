//! The decorators on each other, in their order.

use std::sync::Arc;

use ballast_ports::{MarketData, MarketDataExt};
use ballast_resilience::{Fallback, FallbackSettings, Metered, MetricsRegistry};
use ballast_testkit::builders::market;
use ballast_testkit::conformance::market_data::{BEHAVIOURS, Subject, run};
use ballast_testkit::fakes::Fault;

use crate::named::{Named, clock, fail, request};

fn subject(faults: impl IntoIterator<Item = Fault>) -> Subject {
    let metrics = MetricsRegistry::default();
    let metered = |source: Named| -> Arc<dyn MarketData> {
        Arc::new(Metered::new(source, clock(), &metrics))
    };
    let sources = vec![
        metered(Named::new("a", faults)),
        metered(Named::new("b", [])),
    ];
    let cascade = Fallback::new(sources, FallbackSettings::default(), clock(), &metrics).unwrap();
    Subject {
        source: Arc::new(Metered::new(cascade, clock(), &metrics)),
        request: request(),
        truth: Some(market()),
    }
}

ballast_testkit::market_data_conformance!(subject([]));

/// The same suite after the primary has failed: the fallback answers all of it.
#[tokio::test]
async fn the_stack_conforms_on_its_fallback() {
    for behaviour in BEHAVIOURS {
        let subject = subject([fail()]);
        subject.source.load(&request()).await.unwrap();
        run(behaviour, &subject).await;
    }
}
