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

/// Fetches what a plan needs: each history once, so many at a time.
///
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
        let mut waiting = requests.into_iter();
        let mut tasks = JoinSet::new();
        let mut by_task = BTreeMap::new();
        let mut batch = Batch::new();
        loop {
            while tasks.len() < self.concurrency.get() {
                let Some((key, request)) = waiting.next() else {
                    break;
                };
                let source = Arc::clone(&self.source);
                let task = tasks.spawn(async move { one(&*source, &request).await });
                by_task.insert(task.id(), key);
            }
            let Some(ended) = tasks.join_next_with_id().await else {
                return batch;
            };
            let (id, fetched) = match ended {
                Ok((id, fetched)) => (id, fetched),
                Err(panic) => (
                    panic.id(),
                    Err(
                        Error::new(ErrorKind::Unexpected, "history", "a fetch ended early")
                            .caused_by(panic),
                    ),
                ),
            };
            if let Some(key) = by_task.remove(&id) {
                batch.insert(key, fetched);
            }
        }
    }
}

/// The history of one symbol in one piece.
async fn one<S: Traced + ?Sized>(source: &S, request: &HistoryRequest) -> Result<Fetched> {
    let answer = source.fetch(request).await?;
    let mut series = Series {
        basis: request.basis,
        bars: Bars::default(),
        actions: Vec::new(),
    };
    for chunk in answer.chunks {
        series
            .bars
            .append(&chunk.series.bars)
            .map_err(|e| Error::from_domain("history", e).context("symbol", &chunk.symbol))?;
        series.actions.extend(chunk.series.actions);
    }
    Ok(Fetched {
        series,
        provenance: Some(answer.provenance),
    })
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
