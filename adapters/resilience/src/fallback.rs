//! A cascade of sources: when one fails, the next one answers, and the answer says so.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{
    BoxStream, Chunk, Clock, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar,
    MarketData, MarketDataCapabilities, Result, SubscribeRequest, stream,
};

use crate::deferred::Deferred;
use crate::disagreement::disagreement;
use crate::hysteresis::Hysteresis;
use crate::metrics_registry::{Counter, Gauge, MetricsRegistry};
use crate::provenance::{Answer, Provenance, Role, SourceFailure, Traced};

/// Whether another source may answer what failed with `kind`.
///
/// What is wrong with the neighbour passes on: no answer, a bad one, a limit, an open breaker,
/// refused credentials, a symbol it does not have. What is wrong with the request stays wrong
/// everywhere (`Rejected`, `Unsupported`), and what a person has to know must not be papered over
/// (`Config`, `Halted`, `Unexpected`): those end the call at once.
pub const fn passes_on(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Unavailable
        | ErrorKind::RateLimited
        | ErrorKind::InvalidData
        | ErrorKind::CircuitOpen
        | ErrorKind::Unauthenticated
        | ErrorKind::NotFound => true,
        ErrorKind::Rejected
        | ErrorKind::Unsupported
        | ErrorKind::Config
        | ErrorKind::Halted
        | ErrorKind::Unexpected => false,
    }
}

/// When a cascade goes back to its primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FallbackSettings {
    /// So many answers of the primary in a row bring it back.
    pub recoveries: NonZeroU32,
    /// While a fallback is preferred, the primary is asked at most once in this time; zero asks it
    /// in every call.
    pub probe_every: Span,
    /// While the primary is probed, closes of the two answers that differ by more basis points than
    /// this are a disagreement.
    pub tolerance_bps: u32,
}

impl Default for FallbackSettings {
    /// Three answers, asked for once a minute, closes within 1 %.
    #[allow(clippy::expect_used, reason = "internal invariant: three is not zero")]
    fn default() -> Self {
        Self {
            recoveries: NonZeroU32::new(3).expect("three is not zero"),
            probe_every: Span::from_seconds(60),
            tolerance_bps: 100,
        }
    }
}

/// Market data from the first of several sources that answers.
///
/// An answer is of one source from its first bar to its last: it is read whole before any of it is
/// delivered, so memory holds one history, two while the primary is probed. After the primary has
/// failed, the source that answered stays preferred until the primary has answered
/// [`FallbackSettings::recoveries`] probes in a row. A `NotFound` moves nothing: it tells of the
/// symbol and not of the source. A source that leaves out a requested symbol has failed.
///
/// Counted, with the label `source`: `market_data_fallbacks_total` (a source failed and was passed
/// over; label `kind`), `market_data_answers_total` (label `role`), and without labels
/// `market_data_cascade_calls_total` and `market_data_cascade_errors_total` (no source answered);
/// `market_data_fallback_active` is 1 while another source than the primary is preferred;
/// `market_data_disagreements_total` counts probes whose prices differ from the answer's.
#[derive(Clone, Debug)]
pub struct Fallback {
    cascade: Arc<Cascade>,
}

#[derive(Debug)]
struct Cascade {
    sources: Vec<Arc<dyn MarketData>>,
    capabilities: MarketDataCapabilities,
    state: Mutex<Hysteresis>,
    /// As a share.
    tolerance: f64,
    clock: Arc<dyn Clock>,
    metrics: MetricsRegistry,
    calls: Counter,
    errors: Counter,
    active: Gauge,
    /// By source.
    answers: Vec<Counter>,
}

impl Fallback {
    /// A cascade of `sources`, the wanted one first.
    ///
    /// # Errors
    /// `Config` for fewer than two sources, two of one name, or sources whose answers are not
    /// alike: other columns, corporate actions from some only, no common bar size or price basis.
    pub fn new(
        sources: Vec<Arc<dyn MarketData>>,
        settings: FallbackSettings,
        clock: Arc<dyn Clock>,
        metrics: &MetricsRegistry,
    ) -> Result<Self> {
        let capabilities = common(&sources)?;
        let state = Mutex::new(Hysteresis::new(settings.recoveries, settings.probe_every));
        let answers = sources.iter().enumerate().map(|(index, source)| {
            let labels = [("source", source.name()), ("role", role(index).name())];
            metrics.counter("market_data_answers_total", &labels)
        });
        Ok(Self {
            cascade: Arc::new(Cascade {
                calls: metrics.counter("market_data_cascade_calls_total", &[]),
                errors: metrics.counter("market_data_cascade_errors_total", &[]),
                active: metrics.gauge("market_data_fallback_active", &[]),
                answers: answers.collect(),
                sources,
                capabilities,
                state,
                tolerance: f64::from(settings.tolerance_bps) / 10_000.0,
                clock,
                metrics: metrics.clone(),
            }),
        })
    }

    /// The name of the source that is asked first.
    pub fn preferred(&self) -> &str {
        self.cascade.sources[self.cascade.state().preferred()].name()
    }
}

/// When no source answered, one error carries each cause; its kind is that of the first transient
/// cause, else of the first: `NotFound` means that every source was heard and none has the symbol. An
/// error that another source cannot mend comes back as it is.
#[async_trait]
impl Traced for Fallback {
    async fn fetch(&self, request: &HistoryRequest) -> Result<Answer> {
        self.cascade.fetch(request).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MarketData for Fallback {
    fn name(&self) -> &str {
        "fallback"
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.cascade.capabilities.clone()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let cascade = &self.cascade;
        if !cascade.capabilities.instruments {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "instruments",
                "not every source of the cascade lists its instruments",
            )
            .hint("name the symbols in the request"));
        }
        let mut failures = Vec::new();
        for index in cascade.order() {
            match cascade.sources[index].instruments().await {
                Ok(listed) => return Ok(listed),
                Err(error) => cascade.pass_over(index, error, &mut failures)?,
            }
        }
        Err(all_failed("instruments", failures))
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let (cascade, request) = (Arc::clone(&self.cascade), request.clone());
        Box::pin(Deferred::new(async move {
            Ok(cascade.fetch(&request).await?.chunks)
        }))
    }

    /// The live bars of the source that is asked first now. A stream that fails does not change
    /// sources: the caller closes its gap with `history` and subscribes again.
    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        if !self.cascade.capabilities.subscribe {
            return stream::once(Err(Error::new(
                ErrorKind::Unsupported,
                "subscribe",
                "not every source of the cascade has live bars",
            )
            .hint("subscribe to one source, outside the cascade")));
        }
        let preferred = self.cascade.state().preferred();
        self.cascade.sources[preferred].subscribe(request)
    }
}

impl Cascade {
    /// No method of the state can panic half-way, so a poisoned lock holds good data.
    fn state(&self) -> MutexGuard<'_, Hysteresis> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every source: the preferred one, those after it, those before it.
    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let preferred = self.state().preferred();
        (preferred..self.sources.len()).chain(0..preferred)
    }

    async fn fetch(&self, request: &HistoryRequest) -> Result<Answer> {
        self.capabilities.admit(request)?;
        let begun = self.clock.now();
        self.calls.add(1);
        let answer = self.ask(request, begun).await;
        if answer.is_err() {
            self.errors.add(1);
        }
        let active = self.state().preferred() != 0;
        self.active.set(f64::from(u8::from(active)));
        answer
    }

    async fn ask(&self, request: &HistoryRequest, begun: Timestamp) -> Result<Answer> {
        let mut failures = Vec::new();
        let probes = self.state().claim_probe(begun);
        // What the primary answered to a probe: kept for the case that nobody else answers.
        let mut spare = None;
        if probes {
            match self.read(0, request).await {
                Ok(chunks) => {
                    if self.state().primary_answered() {
                        return Ok(self.answer(0, chunks, begun, failures));
                    }
                    spare = Some(chunks);
                }
                Err(error) => {
                    if error.kind != ErrorKind::NotFound {
                        self.state().primary_failed();
                    }
                    self.pass_over(0, error, &mut failures)?;
                }
            }
        }
        let order = self.order();
        let mut preferred_failed = false;
        // A primary that was probed has said already what it says about this request.
        let asked = order.filter(|index| !(probes && *index == 0));
        for (n, index) in asked.enumerate() {
            match self.read(index, request).await {
                Ok(chunks) => {
                    if preferred_failed {
                        self.state().move_to(index, self.clock.now());
                    }
                    let mut answer = self.answer(index, chunks, begun, failures);
                    if let Some(primary) = &spare {
                        self.compare(&mut answer, primary);
                    }
                    return Ok(answer);
                }
                Err(error) => {
                    if error.kind != ErrorKind::NotFound {
                        preferred_failed |= n == 0;
                        if index == 0 {
                            self.state().primary_failed();
                        }
                    }
                    self.pass_over(index, error, &mut failures)?;
                }
            }
        }
        match spare {
            Some(chunks) => Ok(self.answer(0, chunks, begun, failures)),
            None => Err(all_failed("history", failures)),
        }
    }

    /// The whole answer of one source, or why it is none.
    async fn read(&self, index: usize, request: &HistoryRequest) -> Result<Vec<Chunk>> {
        let mut answer = self.sources[index].history(request);
        let mut chunks = Vec::new();
        while let Some(chunk) = stream::next(&mut answer).await {
            chunks.push(chunk?);
        }
        let has = |symbol: &&String| {
            let of = |chunk: &Chunk| chunk.symbol == **symbol && !chunk.series.bars.is_empty();
            chunks.iter().any(of)
        };
        match request.symbols.iter().find(|symbol| !has(symbol)) {
            Some(symbol) => Err(request.no_bars(symbol, None, None)),
            None => Ok(chunks),
        }
    }

    fn answer(
        &self,
        index: usize,
        chunks: Vec<Chunk>,
        begun: Timestamp,
        failures: Vec<SourceFailure>,
    ) -> Answer {
        self.answers[index].add(1);
        let fetched_at = self.clock.now();
        let provenance = Provenance {
            source: self.sources[index].name().to_owned(),
            role: role(index),
            origin: role(index),
            fetched_at,
            age: Span::ZERO,
            disagreement: None,
            latency: fetched_at.since(begun),
            failures,
        };
        Answer { provenance, chunks }
    }

    /// Two answers are at hand while the primary is probed: notes whether they tell the same prices.
    /// Who is right is a person's question, so it decides nothing.
    fn compare(&self, answer: &mut Answer, primary: &[Chunk]) {
        let found = disagreement(&answer.chunks, primary, self.tolerance);
        if found.is_some() {
            let labels = [("source", answer.provenance.source.as_str())];
            self.metrics
                .counter("market_data_disagreements_total", &labels)
                .add(1);
        }
        answer.provenance.disagreement = found;
    }

    /// Notes that a source failed and that the next one is asked, or returns an error that no
    /// other source can mend.
    fn pass_over(
        &self,
        index: usize,
        error: Error,
        failures: &mut Vec<SourceFailure>,
    ) -> Result<()> {
        let source = self.sources[index].name();
        if !passes_on(error.kind) {
            return Err(error.context("source", source));
        }
        let labels = [("source", source), ("kind", error.kind.name())];
        self.metrics
            .counter("market_data_fallbacks_total", &labels)
            .add(1);
        failures.push(SourceFailure {
            source: source.to_owned(),
            error,
        });
        Ok(())
    }
}

const fn role(index: usize) -> Role {
    if index == 0 {
        Role::Primary
    } else {
        Role::Fallback
    }
}

/// One error of all causes, each under the name of its source.
fn all_failed(operation: &'static str, failures: Vec<SourceFailure>) -> Error {
    let transient = failures.iter().find(|f| f.error.is_transient());
    let telling = transient.or(failures.first());
    let kind = telling.map_or(ErrorKind::Unexpected, |f| f.error.kind);
    let advice = telling
        .and_then(|f| f.error.advice())
        .unwrap_or("each source says why; the call may be repeated when one of them is back")
        .to_owned();
    let mut error = Error::new(kind, operation, "no source of the cascade answered").hint(advice);
    for failure in &failures {
        error = error.context(failure.source.clone(), failure.error.chain());
    }
    error
}

/// What every source can deliver alike.
fn common(sources: &[Arc<dyn MarketData>]) -> Result<MarketDataCapabilities> {
    let refuse = |message: &str, hint: &str| {
        Error::new(ErrorKind::Config, "open", message.to_owned()).hint(hint)
    };
    let [primary, others @ ..] = sources else {
        return Err(refuse("the cascade has no source", "give it at least two"));
    };
    if others.is_empty() {
        return Err(refuse(
            "the cascade has one source and nothing to fall back on",
            "use the source itself, or add a second one",
        ));
    }
    let mut common = primary.capabilities();
    for (n, source) in others.iter().enumerate() {
        if sources[..=n].iter().any(|s| s.name() == source.name()) {
            return Err(refuse(
                "two sources of the cascade have one name",
                "give each its own",
            )
            .context("source", source.name()));
        }
        let theirs = source.capabilities();
        if theirs.fields != common.fields || theirs.actions != common.actions {
            return Err(refuse(
                "the sources of the cascade differ in columns or corporate actions",
                "an answer must mean the same whoever gives it: bring them to one form first",
            )
            .context("source", source.name()));
        }
        common
            .bar_sizes
            .retain(|size| theirs.bar_sizes.contains(size));
        common.bases.retain(|basis| theirs.bases.contains(basis));
        common.subscribe &= theirs.subscribe;
        common.instruments &= theirs.instruments;
        common.symbols_per_call = common.symbols_per_call.min(theirs.symbols_per_call);
    }
    if common.bar_sizes.is_empty() || common.bases.is_empty() {
        return Err(refuse(
            "the sources of the cascade have no common bar size or price basis",
            "put only sources of the same kind of bars into one cascade",
        ));
    }
    Ok(common)
}
