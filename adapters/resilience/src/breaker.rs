//! A circuit breaker as a state machine: who may call, and what an outcome changes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballast_ports::{Error, ErrorKind, Result};

use crate::machine_time::{self, Instant};
use crate::metrics_registry::{Counter, Gauge};
use crate::notice::{Notice, Reporter};

/// Transitions that are kept for whoever asks what happened.
const MAX_TRANSITIONS: usize = 64;

/// When a breaker opens, and how it closes again. Times are machine time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// So many failures without a success between them open it; at least 1.
    pub failures: u32,
    /// Only failures this recent count.
    pub window: Duration,
    /// How long it refuses every call.
    pub open_for: Duration,
    /// Calls that half-open lets through until it has decided; at least `successes`.
    pub half_open_calls: u32,
    /// Of them, so many have to succeed; at least 1.
    pub successes: u32,
    /// Errors that are failures. Others say nothing about the neighbour's health and change nothing.
    pub counted: Vec<ErrorKind>,
}

impl Default for BreakerPolicy {
    /// Five failures in a minute, open for a minute, one probe that has to succeed.
    fn default() -> Self {
        Self {
            failures: 5,
            window: Duration::from_secs(60),
            open_for: Duration::from_secs(60),
            half_open_calls: 1,
            successes: 1,
            counted: vec![ErrorKind::Unavailable],
        }
    }
}

impl BreakerPolicy {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// `Config` for a number or a time of nothing, and for fewer probes than have to succeed.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(ErrorKind::Config, "open", message).hint(hint))
        };
        if self.failures == 0 || self.successes == 0 {
            return refuse(
                "a breaker that needs no failure or no success does not break",
                "set failures and successes to 1 or more",
            );
        }
        if self.window.is_zero() || self.open_for.is_zero() {
            return refuse(
                "a breaker without time does not break",
                "set window and open_for to more than nothing",
            );
        }
        if self.half_open_calls < self.successes {
            return refuse(
                "half-open lets fewer calls through than have to succeed: it would never close",
                "set half_open_calls to successes or more",
            );
        }
        Ok(())
    }
}

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Lets calls through.
    Closed,
    /// Lets a few through to see whether the neighbour is back.
    HalfOpen,
    /// Refuses calls.
    Open,
}

impl BreakerState {
    /// Stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// The cause of a `CircuitOpen` error: see [`Error::cause`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitOpen {
    /// Whose breaker.
    pub name: String,
    /// When calls may pass again, from now; nothing while probes are under way.
    pub retry_in: Duration,
}

impl fmt::Display for CircuitOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "breaker of {} is open", self.name)
    }
}

impl std::error::Error for CircuitOpen {}

/// A call that a breaker did not let through.
pub(crate) fn refusal(operation: &'static str, open: CircuitOpen) -> Error {
    Error::new(
        ErrorKind::CircuitOpen,
        operation,
        "the neighbour failed too often and is left alone for a while",
    )
    .context("name", &open.name)
    .context("retry_in", format!("{:?}", open.retry_in))
    .hint("use another source, wait, or reset the breaker when the neighbour is back")
    .caused_by(open)
}

/// One change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Machine time since the breaker was made.
    pub at: Duration,
    /// Before.
    pub from: BreakerState,
    /// After.
    pub to: BreakerState,
}

/// What a breaker has seen so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerStatistics {
    /// Now.
    pub state: BreakerState,
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed with a counted error.
    pub failures: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Machine time since the last success.
    pub last_success: Option<Duration>,
    /// Machine time since the last failure.
    pub last_failure: Option<Duration>,
    /// The last 64 changes of state, oldest first.
    pub transitions: Vec<Transition>,
}

/// The breaker of one dependency. Clones share it, so several decorators can stand behind one.
#[derive(Clone, Debug)]
pub struct Breaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    policy: BreakerPolicy,
    reporter: Reporter,
    state: Mutex<State>,
    opened: Counter,
    refused: Counter,
    gauge: Gauge,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Counts changes of phase: an outcome of a call that began in an earlier one moves nothing.
    era: u64,
    made: Instant,
    successes: u64,
    failures: u64,
    refused: u64,
    last_success: Option<Instant>,
    last_failure: Option<Instant>,
    transitions: VecDeque<Transition>,
}

#[derive(Debug)]
enum Phase {
    /// Failures since the last success, at most as many as open it.
    Closed(VecDeque<Instant>),
    Open {
        until: Instant,
    },
    /// Calls let through that are under way or have succeeded, and those that have.
    HalfOpen {
        admitted: u32,
        succeeded: u32,
    },
}

impl Phase {
    const fn state(&self) -> BreakerState {
        match self {
            Self::Closed(_) => BreakerState::Closed,
            Self::Open { .. } => BreakerState::Open,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}

/// The right to make one call. Tell it the outcome; dropped without one, it gives its place back.
#[derive(Debug)]
#[must_use = "a pass that is dropped has told the breaker nothing"]
pub struct Pass {
    shared: Arc<Shared>,
    era: u64,
    told: bool,
}

impl Breaker {
    /// A closed breaker of the dependency `name`.
    ///
    /// # Errors
    /// `Config` as [`BreakerPolicy::check`].
    pub fn new(name: &str, policy: BreakerPolicy, reporter: &Reporter) -> Result<Self> {
        policy.check()?;
        let labels = [("name", name)];
        let metrics = &reporter.metrics;
        let state = State {
            phase: Phase::Closed(VecDeque::new()),
            era: 0,
            made: machine_time::now(),
            successes: 0,
            failures: 0,
            refused: 0,
            last_success: None,
            last_failure: None,
            transitions: VecDeque::new(),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                name: name.to_owned(),
                policy,
                opened: metrics.counter("breaker_opened_total", &labels),
                refused: metrics.counter("breaker_refused_total", &labels),
                gauge: metrics.gauge("breaker_state", &labels),
                reporter: reporter.clone(),
                state: Mutex::new(state),
            }),
        })
    }

    /// Asks to make a call.
    ///
    /// # Errors
    /// `CircuitOpen` with the cause [`CircuitOpen`] while the breaker is open, or half-open with its
    /// quota under way.
    pub fn admit(&self, operation: &'static str) -> Result<Pass> {
        let shared = &self.shared;
        let mut state = shared.state();
        let now = machine_time::now();
        if let Phase::Open { until } = state.phase
            && now >= until
        {
            shared.turn(
                &mut state,
                Phase::HalfOpen {
                    admitted: 0,
                    succeeded: 0,
                },
            );
        }
        let retry_in = match &mut state.phase {
            Phase::Closed(_) => None,
            Phase::Open { until } => Some(*until - now),
            Phase::HalfOpen { admitted, .. } if *admitted < shared.policy.half_open_calls => {
                *admitted += 1;
                None
            }
            Phase::HalfOpen { .. } => Some(Duration::ZERO),
        };
        let Some(retry_in) = retry_in else {
            return Ok(shared.pass(&state));
        };
        state.refused += 1;
        shared.refused.add(1);
        let name = shared.name.clone();
        Err(refusal(operation, CircuitOpen { name, retry_in }))
    }

    /// A pass for a call that is made whatever the breaker says, such as a cancel. Its outcome moves
    /// a closed breaker only: it is no probe.
    pub fn always(&self) -> Pass {
        let state = self.shared.state();
        let mut pass = self.shared.pass(&state);
        if !matches!(state.phase, Phase::Closed(_)) {
            pass.era = u64::MAX;
        }
        pass
    }

    /// Whether an error of this kind is a failure.
    pub fn counts(&self, kind: ErrorKind) -> bool {
        self.shared.policy.counted.contains(&kind)
    }

    /// What it has seen so far.
    pub fn statistics(&self) -> BreakerStatistics {
        let state = self.shared.state();
        let now = machine_time::now();
        BreakerStatistics {
            state: state.phase.state(),
            successes: state.successes,
            failures: state.failures,
            refused: state.refused,
            last_success: state.last_success.map(|at| now - at),
            last_failure: state.last_failure.map(|at| now - at),
            transitions: state.transitions.iter().copied().collect(),
        }
    }

    /// Closes it by hand. Calls that are under way no longer count. The hook is told who and why.
    ///
    /// # Errors
    /// `Rejected` without a person or a reason.
    pub fn reset(&self, by: &str, reason: &str) -> Result<()> {
        if by.trim().is_empty() || reason.trim().is_empty() {
            return Err(Error::new(
                ErrorKind::Rejected,
                "reset",
                "a breaker is reset by a person for a reason",
            )
            .context("name", &self.shared.name)
            .hint("say who resets it and why: both are kept"));
        }
        {
            let mut state = self.shared.state();
            self.shared.turn(&mut state, Phase::Closed(VecDeque::new()));
        }
        self.shared.reporter.tell(&Notice::BreakerReset {
            name: self.shared.name.clone(),
            by: by.to_owned(),
            reason: reason.to_owned(),
        });
        Ok(())
    }
}

impl Shared {
    /// No method of the state can panic half-way, so a poisoned lock holds good data.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(self: &Arc<Self>, state: &State) -> Pass {
        Pass {
            shared: Arc::clone(self),
            era: state.era,
            told: false,
        }
    }

    fn turn(&self, state: &mut State, to: Phase) {
        if state.transitions.len() == MAX_TRANSITIONS {
            state.transitions.pop_front();
        }
        state.transitions.push_back(Transition {
            at: machine_time::now() - state.made,
            from: state.phase.state(),
            to: to.state(),
        });
        state.phase = to;
        state.era += 1;
        self.gauge.set(match state.phase.state() {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        });
    }

    fn open(&self, state: &mut State, now: Instant) -> Notice {
        let until = now + self.policy.open_for;
        self.turn(state, Phase::Open { until });
        self.opened.add(1);
        Notice::BreakerOpened {
            name: self.name.clone(),
            retry_in: self.policy.open_for,
        }
    }

    fn succeeded(&self, era: u64) {
        let mut state = self.state();
        state.successes += 1;
        state.last_success = Some(machine_time::now());
        if state.era != era {
            return;
        }
        let closes = match &mut state.phase {
            Phase::Closed(failures) => {
                failures.clear();
                false
            }
            Phase::HalfOpen { succeeded, .. } => {
                *succeeded += 1;
                *succeeded >= self.policy.successes
            }
            Phase::Open { .. } => false,
        };
        if closes {
            self.turn(&mut state, Phase::Closed(VecDeque::new()));
            drop(state);
            self.reporter.tell(&Notice::BreakerClosed {
                name: self.name.clone(),
            });
        }
    }

    fn failed(&self, era: u64) {
        let mut state = self.state();
        let now = machine_time::now();
        state.failures += 1;
        state.last_failure = Some(now);
        if state.era != era {
            return;
        }
        let opens = match &mut state.phase {
            Phase::Closed(failures) => {
                let window = self.policy.window;
                failures.retain(|at| now - *at < window);
                failures.push_back(now);
                failures.len() >= self.policy.failures as usize
            }
            Phase::HalfOpen { .. } => true,
            Phase::Open { .. } => false,
        };
        if opens {
            let notice = self.open(&mut state, now);
            drop(state);
            self.reporter.tell(&notice);
        }
    }

    /// The call said nothing about the neighbour: its place in half-open is free again.
    fn released(&self, era: u64) {
        let mut state = self.state();
        if state.era == era
            && let Phase::HalfOpen { admitted, .. } = &mut state.phase
        {
            *admitted -= 1;
        }
    }
}

impl Pass {
    /// The call succeeded.
    pub fn succeeded(mut self) {
        self.told = true;
        self.shared.succeeded(self.era);
    }

    /// The call failed, and the neighbour is to blame.
    pub fn failed(mut self) {
        self.told = true;
        self.shared.failed(self.era);
    }

    /// The outcome of a call, judged by its kind.
    pub fn judged<T>(self, outcome: &Result<T>) {
        match outcome {
            Ok(_) => self.succeeded(),
            Err(error) => self.judged_error(error),
        }
    }

    /// An error, judged by its kind: one that is not counted changes nothing.
    pub fn judged_error(self, error: &Error) {
        if self.shared.policy.counted.contains(&error.kind) {
            self.failed();
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.told {
            self.shared.released(self.era);
        }
    }
}
