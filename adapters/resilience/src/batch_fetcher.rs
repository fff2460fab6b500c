//! Many histories at once, each on its own.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use ballast_domain::market::{Bars, PriceBasis, Series};
use ballast_domain::time::Span;
use ballast_ports::{Error, ErrorKind, HistoryRequest, Result};
use tokio::task::JoinSet;

use crate::fetch_plan::{FetchPlan, PlanKey};
use crate::provenance::{Provenance, Traced};

/// One symbol's history with where it came from.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Bars and actions.
    pub series: Series,
    /// Who answered; `None` when nothing was new and nobody had to.
    pub provenance: Option<Provenance>,
}

/// What a batch gave, history by history, sorted: the failure of one is nothing to the others.
pub type Batch = BTreeMap<PlanKey, Result<Fetched>>;

/// Fetches what a plan needs: each history once, so many calls at a time, and as many histories a call as
/// the source declares ([`MarketDataCapabilities::symbols_per_call`]).
///
/// A call of several that fails for good is made again for each of them alone, so that the failure of one
/// stays its own; one that may pass is everybody's.
///
/// [`MarketDataCapabilities::symbols_per_call`]: ballast_ports::MarketDataCapabilities::symbols_per_call
/// Put it around a stack with a cache: what is warm costs no call. Dropping a batch stops what is under
/// way.
#[derive(Debug)]
pub struct BatchFetcher<S: ?Sized> {
    concurrency: NonZeroUsize,
    source: Arc<S>,
}

impl<S: Traced + ?Sized> BatchFetcher<S> {
    /// Fetches from `source`, at most `concurrency` histories at a time.
    pub const fn new(source: Arc<S>, concurrency: NonZeroUsize) -> Self {
        Self {
            concurrency,
            source,
        }
    }

    /// Every history of the plan.
    pub async fn fetch(&self, plan: &FetchPlan) -> Batch {
        let requests = plan.histories().into_iter();
        let requests = requests.map(|(key, (start, end))| (key.request(start, end), key));
        self.all(requests.map(|(request, key)| (key, request)).collect())
            .await
    }

    /// Fetches every history of the plan for the cache's sake; what failed, by history. Does nothing
    /// unless `enabled`.
    pub async fn warm(&self, plan: &FetchPlan, enabled: bool) -> BTreeMap<PlanKey, Error> {
        if !enabled {
            return BTreeMap::new();
        }
        let batch = self.fetch(plan).await.into_iter();
        let failed = batch.filter_map(|(key, fetched)| Some((key, fetched.err()?)));
        failed.collect()
    }

    /// Every history of the plan, where `held` is there already: only bars that open after its last one
    /// are asked for and appended.
    ///
    /// Back-adjusted series are fetched whole, for a new bar may have rewritten the old ones. `held`
    /// bars are trusted: a source that corrects its past is not noticed here.
    pub async fn update(&self, plan: &FetchPlan, held: &BTreeMap<PlanKey, Series>) -> Batch {
        let known = |key: &PlanKey| {
            let series = held.get(key).filter(|_| key.basis == PriceBasis::Raw)?;
            let last = *series.bars.open_times().last()?;
            Some((series, last + Span::from_nanos(1)))
        };
        let mut done = Batch::new();
        let mut asked = Vec::new();
        for (key, (start, end)) in plan.histories() {
            match known(&key) {
                Some((series, after)) if after >= end => {
                    let series = series.clone();
                    let provenance = None;
                    done.insert(key, Ok(Fetched { series, provenance }));
                }
                Some((_, after)) => asked.push((key.clone(), key.request(after, end))),
                None => asked.push((key.clone(), key.request(start, end))),
            }
        }
        for (key, fetched) in self.all(asked).await {
            let joined = match (known(&key), fetched) {
                (Some((series, _)), Err(error)) if error.kind == ErrorKind::NotFound => {
                    Ok(Fetched {
                        series: series.clone(),
                        provenance: None,
                    })
                }
                (Some((series, _)), Ok(new)) => join(series, new, &key),
                (_, fetched) => fetched,
            };
            done.insert(key, joined);
        }
        done
    }

    async fn all(&self, requests: Vec<(PlanKey, HistoryRequest)>) -> Batch {
        let most = self.source.capabilities().symbols_per_call;
        let mut waiting = calls(requests, most).into_iter();
        let mut tasks = JoinSet::new();
        let mut by_task = BTreeMap::new();
        let mut batch = Batch::new();
        loop {
            while tasks.len() < self.concurrency.get() {
                let Some((keys, request)) = waiting.next() else {
                    break;
                };
                let source = Arc::clone(&self.source);
                let task = tasks.spawn(async move { several(&*source, &request).await });
                by_task.insert(task.id(), keys);
            }
            let Some(ended) = tasks.join_next_with_id().await else {
                return batch;
            };
            let (id, mut fetched, panic) = match ended {
                Ok((id, fetched)) => (id, fetched, None),
                Err(panic) => (panic.id(), BTreeMap::new(), Some(Arc::new(panic))),
            };
            for key in by_task.remove(&id).into_iter().flatten() {
                let of_key = fetched.remove(&key.symbol).unwrap_or_else(|| {
                    let early = "a fetch ended early";
                    let error = Error::new(ErrorKind::Unexpected, "history", early);
                    Err(match &panic {
                        Some(panic) => error.context("panic", panic),
                        None => error,
                    })
                });
                batch.insert(key, of_key);
            }
        }
    }
}

/// The calls for these histories: those of one range, bar size and basis share calls of at most `most`.
fn calls(
    requests: Vec<(PlanKey, HistoryRequest)>,
    most: NonZeroUsize,
) -> Vec<(Vec<PlanKey>, HistoryRequest)> {
    let mut calls: Vec<(Vec<PlanKey>, HistoryRequest)> = Vec::new();
    for (key, request) in requests {
        let joins = |call: &(Vec<PlanKey>, HistoryRequest)| {
            let (keys, other) = call;
            let same = (other.start, other.end, other.bar, other.basis)
                == (request.start, request.end, request.bar, request.basis);
            same && keys.len() < most.get()
        };
        match calls.iter_mut().find(|call| joins(call)) {
            Some((keys, joined)) => {
                keys.push(key);
                joined.symbols.extend(request.symbols);
            }
            None => calls.push((vec![key], request)),
        }
    }
    calls
}

/// The history of each symbol of a request, of one call where all goes well.
async fn several<S: Traced + ?Sized>(
    source: &S,
    request: &HistoryRequest,
) -> BTreeMap<String, Result<Fetched>> {
    let mut all = BTreeMap::new();
    match once(source, request).await {
        Ok(fetched) => {
            all.extend(fetched.into_iter().map(|(symbol, one)| (symbol, Ok(one))));
        }
        Err(error) if request.symbols.len() > 1 && !error.is_transient() => {
            for symbol in &request.symbols {
                let alone = HistoryRequest {
                    symbols: vec![symbol.clone()],
                    ..request.clone()
                };
                let fetched = once(source, &alone).await;
                let own = fetched.map(|mut fetched| fetched.remove(symbol));
                let own =
                    own.and_then(|one| one.ok_or_else(|| request.no_bars(symbol, None, None)));
                all.insert(symbol.clone(), own);
            }
        }
        Err(error) => {
            let failed = request.symbols.iter();
            all.extend(failed.map(|symbol| (symbol.clone(), Err(error.clone()))));
        }
    }
    for symbol in &request.symbols {
        let absent = || Err(request.no_bars(symbol, None, None));
        all.entry(symbol.clone()).or_insert_with(absent);
    }
    all
}

/// One call: the history of each of its symbols in one piece.
async fn once<S: Traced + ?Sized>(
    source: &S,
    request: &HistoryRequest,
) -> Result<BTreeMap<String, Fetched>> {
    let answer = source.fetch(request).await?;
    let mut all: BTreeMap<String, Fetched> = BTreeMap::new();
    for chunk in answer.chunks {
        let one = all.entry(chunk.symbol.clone()).or_insert_with(|| Fetched {
            series: Series {
                basis: request.basis,
                bars: Bars::default(),
                actions: Vec::new(),
            },
            provenance: Some(answer.provenance.clone()),
        });
        one.series
            .bars
            .append(&chunk.series.bars)
            .map_err(|e| Error::from_domain("history", e).context("symbol", &chunk.symbol))?;
        one.series.actions.extend(chunk.series.actions);
    }
    Ok(all)
}

fn join(held: &Series, new: Fetched, key: &PlanKey) -> Result<Fetched> {
    let mut series = held.clone();
    series
        .bars
        .append(&new.series.bars)
        .map_err(|e| Error::from_domain("history", e).context("symbol", &key.symbol))?;
    // An action after the last bar that is held came with it: the source gives it again with the
    // next bar.
    let known = |action| held.actions.contains(action);
    let fresh = new.series.actions.iter().filter(|action| !known(action));
    series.actions.extend(fresh.copied());
    Ok(Fetched {
        series,
        provenance: new.provenance,
    })
}
