//! A circuit breaker that several programs have together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ballast_ports::{BreakerStore, Error, ErrorKind, Result, SharedBreakerState, SharedPhase};
use tokio::time::timeout;

use crate::breaker::{Breaker, BreakerPolicy, CircuitOpen, Pass, refusal};
use crate::machine_time::TimedOut;
use crate::notice::{Notice, Reporter};

/// A store that needs longer holds up every call: it counts as gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How often a change is tried while others are faster. More instances than that do not fail at once.
const TRIES: usize = 32;

/// The breaker of one dependency, as the programs that share a [`BreakerStore`] have it together: the
/// failures of one open it for all, and half-open lets its quota through once, not once a program.
///
/// Beside it each program keeps a [`Breaker`] of its own, which sees the outcomes of its own calls; the
/// gauge `breaker_state` is that one's.
/// While the store does not answer, that one decides, and the hook is told so when it begins. A probe
/// whose program is gone gives its place back after [`BreakerPolicy::open_for`]. Each call asks the
/// store before it and after it; the store is not asked for calls that are made anyway.
#[derive(Clone, Debug)]
pub struct SharedBreaker {
    own: Breaker,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    policy: BreakerPolicy,
    store: Arc<dyn BreakerStore>,
    reporter: Reporter,
    is_alone: Arc<AtomicBool>,
}

/// The right to make one call. Tell it the outcome; dropped without one, its place in half-open is free
/// again after a while.
#[derive(Debug)]
#[must_use = "a pass that is dropped has told the breaker nothing"]
pub struct SharedPass {
    own: Pass,
    /// The era it was admitted in; `None` when this program decided alone or nobody was asked.
    era: Option<u64>,
    breaker: SharedBreaker,
}

/// What an outcome says about the neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Succeeded,
    Failed,
    Nothing,
}

impl SharedBreaker {
    /// The breaker that is kept under `name` in `store`.
    ///
    /// # Errors
    /// `Config` as [`BreakerPolicy::check`].
    pub fn new(
        name: &str,
        policy: BreakerPolicy,
        store: Arc<dyn BreakerStore>,
        reporter: &Reporter,
    ) -> Result<Self> {
        let is_alone = Arc::new(AtomicBool::new(false));
        // What a breaker that decides nothing does is no news.
        let (deciding, all) = (Arc::clone(&is_alone), reporter.clone());
        let own = Reporter::new(&reporter.metrics, move |notice| {
            if deciding.load(Ordering::Relaxed) {
                all.tell(notice);
            }
        });
        Ok(Self {
            own: Breaker::new(name, policy.clone(), &own)?,
            shared: Arc::new(Shared {
                name: name.to_owned(),
                policy,
                store,
                reporter: reporter.clone(),
                is_alone,
            }),
        })
    }

    /// The breaker of this program, which decides while the store is gone.
    pub const fn own(&self) -> &Breaker {
        &self.own
    }

    /// Asks to make a call.
    ///
    /// # Errors
    /// `CircuitOpen` as [`Breaker::admit`], by the state that all share or, while the store is gone, by
    /// this program's own.
    pub async fn admit(&self, operation: &'static str) -> Result<SharedPass> {
        let shared = &self.shared;
        let admitted = shared
            .change(|state, now| admit(&shared.policy, state, now))
            .await;
        match admitted {
            Ok(Ok(era)) => Ok(self.pass(self.own.always(), Some(era))),
            Ok(Err(retry_in)) => Err(refusal(
                operation,
                CircuitOpen {
                    name: shared.name.clone(),
                    retry_in,
                },
            )),
            Err(error) => {
                shared.alone(&error);
                let own = self.own.admit(operation)?;
                Ok(self.pass(own, None))
            }
        }
    }

    /// A pass for a call that is made whatever the breaker says, such as a cancel. Its outcome is this
    /// program's alone: nobody is asked on the way of a cancel.
    pub fn always(&self) -> SharedPass {
        self.pass(self.own.always(), None)
    }

    fn pass(&self, own: Pass, era: Option<u64>) -> SharedPass {
        SharedPass {
            own,
            era,
            breaker: self.clone(),
        }
    }
}

impl SharedPass {
    /// The call succeeded.
    pub async fn succeeded(self) {
        self.told(Outcome::Succeeded).await;
    }

    /// The call failed, and the neighbour is to blame.
    pub async fn failed(self) {
        self.told(Outcome::Failed).await;
    }

    /// The outcome of a call, judged by its kind: an error that is not counted changes nothing.
    pub async fn judged<T: Sync>(self, outcome: &Result<T>) {
        match outcome.as_ref().err().map(|error| error.kind) {
            None => self.succeeded().await,
            Some(kind) => self.judged_kind(kind).await,
        }
    }

    /// An error, judged by its kind.
    pub async fn judged_kind(self, kind: ErrorKind) {
        let is_counted = self.breaker.own.counts(kind);
        self.told(if is_counted {
            Outcome::Failed
        } else {
            Outcome::Nothing
        })
        .await;
    }

    async fn told(self, outcome: Outcome) {
        match outcome {
            Outcome::Succeeded => self.own.succeeded(),
            Outcome::Failed => self.own.failed(),
            Outcome::Nothing => drop(self.own),
        }
        let (Some(era), shared) = (self.era, &self.breaker.shared) else {
            return;
        };
        let turned = shared
            .change(|state, now| tell(&shared.policy, state, (era, outcome), now))
            .await;
        match turned {
            Ok(Turned::Nothing) => {}
            Ok(Turned::Opened) => shared.reporter.tell(&Notice::BreakerOpened {
                name: shared.name.clone(),
                retry_in: shared.policy.open_for,
            }),
            Ok(Turned::Closed) => shared.reporter.tell(&Notice::BreakerClosed {
                name: shared.name.clone(),
            }),
            Err(error) => shared.alone(&error),
        }
    }
}

impl Shared {
    /// Applies `change` to what is kept, again when somebody else was faster. What is left as it was is
    /// not written.
    async fn change<T>(
        &self,
        mut change: impl FnMut(&mut SharedBreakerState, Duration) -> T + Send,
    ) -> Result<T> {
        for _ in 0..TRIES {
            let kept = within("read", self.store.read(&self.name)).await?;
            let mut state = kept.state.clone();
            let answer = change(&mut state, kept.now);
            let replace = self.store.replace(&self.name, kept.revision, &state);
            if state == kept.state || within("replace", replace).await? {
                self.is_alone.store(false, Ordering::Relaxed);
                return Ok(answer);
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "replace",
            "others were faster every time",
        )
        .context("tries", TRIES)
        .hint("look at the store: its answers are slow, or very many programs share it"))
    }

    /// Says aloud, once until the store answers again, that this program decides alone.
    fn alone(&self, error: &Error) {
        if !self.is_alone.swap(true, Ordering::Relaxed) {
            self.reporter.tell(&Notice::BreakerAlone {
                name: self.name.clone(),
                call: self.reporter.next_call(),
                error: error.clone(),
            });
        }
    }
}

async fn within<T>(operation: &'static str, answer: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| {
        let what = "the store of breakers does not answer";
        Err(TimedOut::error(operation, ANSWER_WITHIN, what))
    })
}

/// The era a call is admitted in, or how long calls are refused.
fn admit(
    policy: &BreakerPolicy,
    state: &mut SharedBreakerState,
    now: Duration,
) -> std::result::Result<u64, Duration> {
    if let SharedPhase::Open { until } = state.phase
        && now >= until
    {
        turn(
            state,
            SharedPhase::HalfOpen {
                probes: Vec::new(),
                succeeded: 0,
            },
        );
    }
    match &mut state.phase {
        SharedPhase::Closed { .. } => Ok(state.era),
        SharedPhase::Open { until } => Err(*until - now),
        SharedPhase::HalfOpen { probes, succeeded } => {
            probes.retain(|free| now < *free);
            let admitted = u32::try_from(probes.len()).unwrap_or(u32::MAX);
            if admitted.saturating_add(*succeeded) >= policy.half_open_calls {
                return Err(Duration::ZERO);
            }
            probes.push(now + policy.open_for);
            Ok(state.era)
        }
    }
}

/// What a call turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    Nothing,
    Opened,
    Closed,
}

/// Takes the outcome of a call that was admitted in an era.
fn tell(
    policy: &BreakerPolicy,
    state: &mut SharedBreakerState,
    (era, outcome): (u64, Outcome),
    now: Duration,
) -> Turned {
    if state.era != era {
        return Turned::Nothing;
    }
    let opens = match &mut state.phase {
        SharedPhase::Open { .. } => false,
        SharedPhase::Closed { failures } => match outcome {
            Outcome::Nothing => false,
            Outcome::Succeeded => {
                failures.clear();
                false
            }
            Outcome::Failed => {
                failures.retain(|at| now.saturating_sub(*at) < policy.window);
                failures.push(now);
                failures.len() >= policy.failures as usize
            }
        },
        SharedPhase::HalfOpen { probes, succeeded } => {
            // Places are alike: the one that would be free first is given back.
            if !probes.is_empty() {
                probes.remove(0);
            }
            if outcome == Outcome::Succeeded {
                *succeeded += 1;
                if *succeeded >= policy.successes {
                    let failures = Vec::new();
                    turn(state, SharedPhase::Closed { failures });
                    return Turned::Closed;
                }
            }
            outcome == Outcome::Failed
        }
    };
    if !opens {
        return Turned::Nothing;
    }
    let until = now + policy.open_for;
    turn(state, SharedPhase::Open { until });
    Turned::Opened
}

fn turn(state: &mut SharedBreakerState, phase: SharedPhase) {
    state.phase = phase;
    state.era += 1;
}
