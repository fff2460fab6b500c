//! Puts every failed call and refused order where somebody can learn from it.

use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Chunk, Clock, Error, ErrorKind, Failure,
    FailureOutcome, FailureStore, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, OrderReport, Result, SubmitOutcome, SubscribeRequest,
};

use crate::metrics_registry::Counter;
use crate::notice::{Notice, Reporter};
use crate::observed::{Observed, Observer};

/// A port whose failures are recorded; every answer is the inner one's own.
///
/// A store that fails is told to the hook and counted (`failures_lost_total`); the call goes on.
/// Counted with the label `name`: `failures_recorded_total`; of orders also `orders_failed_total`
/// with the label `outcome`. Together with [`record_retries`] every failed attempt is one record.
#[derive(Debug)]
pub struct RecordFailures<P: ?Sized> {
    recorder: Arc<Recorder>,
    inner: Arc<P>,
}

/// Writes failures of one dependency.
#[derive(Debug)]
struct Recorder {
    name: String,
    store: Arc<dyn FailureStore>,
    clock: Arc<dyn Clock>,
    reporter: Reporter,
    recorded: Counter,
    lost: Counter,
}

impl<P: ?Sized> RecordFailures<P> {
    /// Records failures of `inner`, called `name`, into `store` at the trading time of `clock`.
    pub fn new(
        inner: Arc<P>,
        name: &str,
        store: Arc<dyn FailureStore>,
        clock: Arc<dyn Clock>,
        reporter: &Reporter,
    ) -> Self {
        let labels = [("name", name)];
        let metrics = &reporter.metrics;
        let recorder = Recorder {
            name: name.to_owned(),
            store,
            clock,
            recorded: metrics.counter("failures_recorded_total", &labels),
            lost: metrics.counter("failures_lost_total", &labels),
            reporter: reporter.clone(),
        };
        Self {
            recorder: Arc::new(recorder),
            inner,
        }
    }
}

/// A hook that records each attempt that is tried again: its error never reaches a caller.
pub fn record_retries(
    store: Arc<dyn FailureStore>,
    clock: Arc<dyn Clock>,
) -> impl Fn(&Notice) + Send + Sync + 'static {
    move |notice| {
        if let Notice::Retrying { name, error, .. } = notice {
            let outcome = FailureOutcome::Retried;
            let failure = Failure::of(clock.now(), name, error.operation, outcome, error);
            // A hook has nobody to tell; the recorder of the same store says when it is down.
            let _ = store.record(&failure);
        }
    }
}

impl Recorder {
    fn record(&self, failure: &Failure) {
        match self.store.record(failure) {
            Ok(()) => self.recorded.add(1),
            Err(error) => {
                self.lost.add(1);
                let call = self.reporter.next_call();
                self.reporter.tell(&Notice::FailureLost { call, error });
            }
        }
    }

    fn returned(&self, operation: &'static str, error: &Error) {
        let (now, outcome) = (self.clock.now(), FailureOutcome::Returned);
        self.record(&Failure::of(now, &self.name, operation, outcome, error));
    }

    fn heed<T>(&self, operation: &'static str, answer: &Result<T>) {
        if let Err(error) = answer {
            self.returned(operation, error);
        }
    }

    fn heed_order<T>(
        &self,
        operation: &'static str,
        order: (InstrumentId, ClientOrderId),
        answer: &Result<T>,
    ) {
        if let Err(error) = answer {
            let (now, outcome) = (self.clock.now(), FailureOutcome::Returned);
            let mut failure = Failure::of(now, &self.name, operation, outcome, error);
            failure.order = Some(order);
            self.record(&failure);
        }
    }

    fn heed_submit(&self, order: (InstrumentId, ClientOrderId), outcome: &SubmitOutcome) {
        let (outcome, kind, message) = match outcome {
            SubmitOutcome::Accepted => return,
            SubmitOutcome::Rejected { reason } => (
                FailureOutcome::Rejected,
                ErrorKind::Rejected,
                reason.clone(),
            ),
            SubmitOutcome::NotSent { cause, .. } => {
                (FailureOutcome::NotSent, cause.kind, cause.chain())
            }
            SubmitOutcome::Unknown { cause } => {
                (FailureOutcome::Unknown, cause.kind, cause.chain())
            }
        };
        let labels = [("name", self.name.as_str()), ("outcome", outcome.name())];
        let failed = self
            .reporter
            .metrics
            .counter("orders_failed_total", &labels);
        failed.add(1);
        self.record(&Failure {
            at: self.clock.now(),
            source: self.name.clone(),
            operation: "submit".to_owned(),
            outcome,
            kind,
            message,
            order: Some(order),
        });
    }
}

/// Records how a stream fails.
struct Ends {
    recorder: Arc<Recorder>,
    operation: &'static str,
}

impl<T> Observer<T> for Ends {
    fn begun(&mut self) {}

    fn item(&mut self, _: &T) {}

    fn failed(&mut self, error: &Error) {
        self.recorder.returned(self.operation, error);
    }

    fn ended(&mut self) {}
}

impl<P: ?Sized> RecordFailures<P> {
    fn observe<T: 'static>(
        &self,
        operation: &'static str,
        stream: BoxStream<Result<T>>,
    ) -> BoxStream<Result<T>> {
        let recorder = Arc::clone(&self.recorder);
        Box::pin(Observed::new(
            stream,
            Ends {
                recorder,
                operation,
            },
        ))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: MarketData + ?Sized> MarketData for RecordFailures<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let answer = self.inner.instruments().await;
        self.recorder.heed("instruments", &answer);
        answer
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.observe("history", self.inner.history(request))
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.observe("subscribe", self.inner.subscribe(request))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Broker + ?Sized> Broker for RecordFailures<B> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        let order = (permit.intent().instrument, permit.intent().client_id);
        let outcome = self.inner.submit(permit).await;
        self.recorder.heed_submit(order, &outcome);
        outcome
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        let answer = self.inner.cancel(instrument, client_id).await;
        let order = (instrument, client_id);
        self.recorder.heed_order("cancel", order, &answer);
        answer
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        let answer = self.inner.order(instrument, client_id).await;
        let order = (instrument, client_id);
        self.recorder.heed_order("order", order, &answer);
        answer
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        let answer = self.inner.open_orders().await;
        self.recorder.heed("open_orders", &answer);
        answer
    }

    async fn account(&self) -> Result<AccountReport> {
        let answer = self.inner.account().await;
        self.recorder.heed("account", &answer);
        answer
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.observe("facts", self.inner.facts())
    }
}
