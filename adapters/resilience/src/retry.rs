//! Asks again after an error that may pass, until attempts, time or budget are used up.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Chunk, HistoryRequest, ListedInstrument,
    LiveBar, MarketData, MarketDataCapabilities, OrderReport, Result, Secret, SecretName, Secrets,
    SubmitOutcome, SubscribeRequest, stream,
};
use tokio::time::timeout_at;

use crate::backoff::{Backoff, RetryPolicy};
use crate::deferred::Deferred;
use crate::machine_time::{self, TimedOut, sleep_until};
use crate::metrics_registry::Counter;
use crate::notice::{Notice, Reporter};

/// A port whose reads are asked again after an error that may pass.
///
/// Reads and cancels only: both are the same once and twice. `submit` is passed through once,
/// whatever it answers, and so are subscriptions: whoever lost one closes its gap and subscribes
/// again. A history is read whole before any of it is delivered, so no bar of a failed attempt ever
/// is. The last error is returned as it came, and at once: nothing waits after the last attempt.
///
/// A wait that would end at or after [`RetryPolicy::deadline`] is not begun, and an attempt that is
/// under way then is dropped. A neighbour that asks for a longer wait gets it, within the deadline.
///
/// Counted with the label `name`: `retry_attempts_total` (attempts after the first) and
/// `retry_given_up_total` (calls that failed although they were tried again or could have been).
#[derive(Debug)]
pub struct Retry<P: ?Sized> {
    core: Arc<Core>,
    inner: Arc<P>,
}

#[derive(Debug)]
struct Core {
    name: String,
    policy: RetryPolicy,
    backoff: Backoff,
    reporter: Reporter,
    attempts: Counter,
    given_up: Counter,
}

impl<P: ?Sized> Retry<P> {
    /// Retries calls of `inner`, which is called `name` in counters and notices.
    ///
    /// # Errors
    /// `Config` as [`RetryPolicy::check`].
    pub fn new(
        inner: Arc<P>,
        name: &str,
        policy: RetryPolicy,
        reporter: &Reporter,
    ) -> Result<Self> {
        policy.check()?;
        let labels = [("name", name)];
        let core = Core {
            name: name.to_owned(),
            backoff: Backoff::new(&policy),
            policy,
            reporter: reporter.clone(),
            attempts: reporter.metrics.counter("retry_attempts_total", &labels),
            given_up: reporter.metrics.counter("retry_given_up_total", &labels),
        };
        Ok(Self {
            core: Arc::new(core),
            inner,
        })
    }
}

impl Core {
    async fn run<T, F>(
        &self,
        operation: &'static str,
        mut attempt: impl FnMut() -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let policy = &self.policy;
        let deadline = machine_time::now() + policy.deadline;
        self.backoff.earn(policy);
        let call = self.reporter.next_call();
        let mut attempts = 1;
        loop {
            let answer = timeout_at(deadline, attempt()).await;
            let error = match answer {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => {
                    let what = "no answer within the total deadline of the call";
                    let error = TimedOut::error(operation, policy.deadline, what);
                    self.give_up(call, attempts, "deadline", &error);
                    return Err(error);
                }
            };
            if !policy.retries(&error) {
                return Err(error);
            }
            if attempts >= policy.max_attempts {
                self.give_up(call, attempts, "attempts", &error);
                return Err(error);
            }
            let asked = error.asked_to_wait().unwrap_or_default();
            let delay = self.backoff.delay(policy, attempts).max(asked);
            let wake = machine_time::now() + delay;
            if wake >= deadline {
                self.give_up(call, attempts, "deadline", &error);
                return Err(error);
            }
            if !self.backoff.spend(policy) {
                self.give_up(call, attempts, "budget", &error);
                return Err(error);
            }
            self.reporter.tell(&Notice::Retrying {
                name: self.name.clone(),
                call,
                attempt: attempts,
                delay,
                error,
            });
            sleep_until(wake).await;
            self.attempts.add(1);
            attempts += 1;
        }
    }

    fn give_up(
        &self,
        call: u64,
        attempts: u32,
        because: &'static str,
        error: &ballast_ports::Error,
    ) {
        self.given_up.add(1);
        self.reporter.tell(&Notice::GivenUp {
            name: self.name.clone(),
            call,
            attempts,
            because,
            error: error.clone(),
        });
    }
}

async fn whole<M: MarketData + ?Sized>(inner: &M, request: &HistoryRequest) -> Result<Vec<Chunk>> {
    let mut answer = inner.history(request);
    let mut chunks = Vec::new();
    while let Some(chunk) = stream::next(&mut answer).await {
        chunks.push(chunk?);
    }
    Ok(chunks)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: MarketData + ?Sized> MarketData for Retry<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let attempt = || self.inner.instruments();
        self.core.run("instruments", attempt).await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let (core, inner) = (Arc::clone(&self.core), Arc::clone(&self.inner));
        let request = request.clone();
        Box::pin(Deferred::new(async move {
            core.run("history", || whole(&*inner, &request)).await
        }))
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.inner.subscribe(request)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Secrets + ?Sized> Secrets for Retry<S> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn secret(&self, name: &SecretName) -> Result<Secret> {
        self.core.run("secret", || self.inner.secret(name)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Broker + ?Sized> Broker for Retry<B> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    /// Once, whatever comes of it.
    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        self.inner.submit(permit).await
    }

    async fn cancel(&self, instrument: InstrumentId, client_id: ClientOrderId) -> Result<()> {
        let attempt = || self.inner.cancel(instrument, client_id);
        self.core.run("cancel", attempt).await
    }

    async fn order(
        &self,
        instrument: InstrumentId,
        client_id: ClientOrderId,
    ) -> Result<OrderReport> {
        let attempt = || self.inner.order(instrument, client_id);
        self.core.run("order", attempt).await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        let attempt = || self.inner.open_orders();
        self.core.run("open_orders", attempt).await
    }

    async fn account(&self) -> Result<AccountReport> {
        let attempt = || self.inner.account();
        self.core.run("account", attempt).await
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}
