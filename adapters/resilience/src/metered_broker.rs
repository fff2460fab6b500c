//! Counts what a broker is asked and how it answers.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, ErrorKind, OrderReport, Result,
    SubmitOutcome,
};

use crate::machine_time::{self, Instant};
use crate::metrics_registry::{Counter, Gauge, MetricsRegistry};

/// A broker that is counted; every answer is the inner broker's own.
///
/// Each value has the labels `broker` (the inner name) and `operation`:
///
/// | name | is |
/// |---|---|
/// | `broker_calls_total` | calls |
/// | `broker_errors_total` | calls that ended with an error, with the label `kind` |
/// | `broker_call_nanos_total` | machine time of calls that ended, nanoseconds |
/// | `broker_call_seconds_max` | the longest of them, seconds |
/// | `broker_orders_total` | orders by `outcome`: accepted, rejected, not_sent, unknown |
#[derive(Debug)]
pub struct MeteredBroker<B: ?Sized> {
    metrics: MetricsRegistry,
    name: String,
    submit: Meter,
    cancel: Meter,
    order: Meter,
    open_orders: Meter,
    account: Meter,
    accepted: Counter,
    inner: Arc<B>,
}

#[derive(Debug)]
struct Meter {
    operation: &'static str,
    calls: Counter,
    nanos: Counter,
    longest: Gauge,
}

impl Meter {
    fn new(metrics: &MetricsRegistry, broker: &str, operation: &'static str) -> Self {
        let labels = [("broker", broker), ("operation", operation)];
        Self {
            operation,
            calls: metrics.counter("broker_calls_total", &labels),
            nanos: metrics.counter("broker_call_nanos_total", &labels),
            longest: metrics.gauge("broker_call_seconds_max", &labels),
        }
    }

    fn begin(&self) -> Instant {
        self.calls.add(1);
        machine_time::now()
    }

    fn end(&self, begun: Instant) {
        let took = machine_time::now() - begun;
        self.nanos
            .add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.longest.raise(took.as_secs_f64());
    }
}

impl<B: Broker + ?Sized> MeteredBroker<B> {
    /// Counts calls of `inner` into `metrics`.
    pub fn new(inner: Arc<B>, metrics: &MetricsRegistry) -> Self {
        let name = inner.name().to_owned();
        let meter = |operation| Meter::new(metrics, &name, operation);
        let accepted = [("broker", name.as_str()), ("outcome", "accepted")];
        Self {
            submit: meter("submit"),
            cancel: meter("cancel"),
            order: meter("order"),
            open_orders: meter("open_orders"),
            account: meter("account"),
            accepted: metrics.counter("broker_orders_total", &accepted),
            metrics: metrics.clone(),
            name,
            inner,
        }
    }

    fn failed(&self, meter: &Meter, kind: ErrorKind) {
        let labels = [
            ("broker", self.name.as_str()),
            ("operation", meter.operation),
            ("kind", kind.name()),
        ];
        self.metrics.counter("broker_errors_total", &labels).add(1);
    }

    fn end<T>(&self, meter: &Meter, begun: Instant, answer: &Result<T>) {
        meter.end(begun);
        if let Err(error) = answer {
            self.failed(meter, error.kind);
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Broker + ?Sized> Broker for MeteredBroker<B> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        let begun = self.submit.begin();
        let outcome = self.inner.submit(permit).await;
        self.submit.end(begun);
        let (name, kind) = match &outcome {
            SubmitOutcome::Accepted => {
                self.accepted.add(1);
                return outcome;
            }
            SubmitOutcome::Rejected { .. } => ("rejected", None),
            SubmitOutcome::NotSent { cause, .. } => ("not_sent", Some(cause.kind)),
            SubmitOutcome::Unknown { cause } => ("unknown", Some(cause.kind)),
        };
        let labels = [("broker", self.name.as_str()), ("outcome", name)];
        self.metrics.counter("broker_orders_total", &labels).add(1);
        if let Some(kind) = kind {
            self.failed(&self.submit, kind);
        }
        outcome
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        let begun = self.cancel.begin();
        let answer = self.inner.cancel(instrument, client_id).await;
        self.end(&self.cancel, begun, &answer);
        answer
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        let begun = self.order.begin();
        let answer = self.inner.order(instrument, client_id).await;
        self.end(&self.order, begun, &answer);
        answer
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        let begun = self.open_orders.begin();
        let answer = self.inner.open_orders().await;
        self.end(&self.open_orders, begun, &answer);
        answer
    }

    async fn account(&self) -> Result<AccountReport> {
        let begun = self.account.begin();
        let answer = self.inner.account().await;
        self.end(&self.account, begun, &answer);
        answer
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}
