//! The contract of [`BreakerStore`], as behaviours seen by two instances.

use std::sync::Arc;
use std::time::Duration;

use ballast_ports::{BreakerStore, SharedBreakerState, SharedPhase};

/// A store under test, empty, as two instances reach it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What one instance uses.
    pub one: Arc<dyn BreakerStore>,
    /// What the other one uses.
    pub other: Arc<dyn BreakerStore>,
}

macro_rules! suite {
    ($d:tt $($behaviour:ident)+) => {
        /// The name of every behaviour.
        pub const BEHAVIOURS: &[&str] = &[$(stringify!($behaviour)),+];

        /// Runs one behaviour by name. Panics on a violation and on an unknown name.
        pub async fn run(behaviour: &str, subject: &Subject) {
            match behaviour {
                $(stringify!($behaviour) => $behaviour(subject).await,)+
                _ => panic!("there is no behaviour '{behaviour}'"),
            }
        }

        /// Makes one `#[tokio::test]` of each behaviour of the contract. The argument is an expression
        /// that gives a fresh [`Subject`]($crate::conformance::breaker_store::Subject).
        #[macro_export]
        macro_rules! breaker_store_conformance {
            ($d subject:expr) => {
                $(
                    #[tokio::test]
                    async fn $behaviour() {
                        $crate::conformance::breaker_store::$behaviour(&$d subject).await;
                    }
                )+
            };
        }
    };
}

suite! { $
    nothing_kept_is_a_closed_breaker
    what_one_keeps_the_other_reads
    a_revision_is_replaced_once
    breakers_of_other_names_are_apart
    of_many_at_once_one_succeeds
    its_time_never_runs_back
}

fn states() -> [SharedBreakerState; 3] {
    let second = Duration::from_secs;
    let state = |era, phase| SharedBreakerState { era, phase };
    let failures = vec![second(1), second(2)];
    let probes = vec![second(9)];
    [
        state(0, SharedPhase::Closed { failures }),
        state(1, SharedPhase::Open { until: second(77) }),
        state(
            u64::from(u32::MAX),
            SharedPhase::HalfOpen {
                probes,
                succeeded: 3,
            },
        ),
    ]
}

async fn replace(store: &Arc<dyn BreakerStore>, revision: u64, state: &SharedBreakerState) -> bool {
    let replaced = store.replace("venue", revision, state).await;
    replaced.unwrap_or_else(|e| panic!("{}", e.chain()))
}

async fn read(store: &Arc<dyn BreakerStore>) -> (u64, SharedBreakerState) {
    let kept = store.read("venue").await;
    let kept = kept.unwrap_or_else(|e| panic!("{}", e.chain()));
    (kept.revision, kept.state)
}

/// Revision 0, closed, without a failure.
pub async fn nothing_kept_is_a_closed_breaker(subject: &Subject) {
    let nothing = (0, SharedBreakerState::default());
    assert_eq!(read(&subject.one).await, nothing);
    assert_eq!(read(&subject.other).await, nothing);
}

/// Every phase comes back as it was kept, under the next revision.
pub async fn what_one_keeps_the_other_reads(subject: &Subject) {
    for (n, state) in (0..).zip(states()) {
        assert!(replace(&subject.one, n, &state).await);
        assert_eq!(read(&subject.other).await, (n + 1, state.clone()));
        assert_eq!(read(&subject.one).await, (n + 1, state));
    }
}

/// An instance that read before another one wrote writes nothing.
pub async fn a_revision_is_replaced_once(subject: &Subject) {
    let [first, second, _] = states();
    assert!(replace(&subject.one, 0, &first).await);
    assert!(!replace(&subject.other, 0, &second).await);
    assert!(!replace(&subject.one, 0, &second).await);
    assert!(!replace(&subject.one, 2, &second).await, "not there yet");
    assert_eq!(read(&subject.one).await, (1, first));
    assert!(replace(&subject.other, 1, &second).await);
    assert_eq!(read(&subject.one).await, (2, second));
}

/// One state a name.
pub async fn breakers_of_other_names_are_apart(subject: &Subject) {
    let [state, ..] = states();
    assert!(replace(&subject.one, 0, &state).await);
    for name in ["Venue", "venue ", "", "venue/eu"] {
        let kept = subject.other.read(name).await.expect("readable");
        assert_eq!((kept.revision, kept.state), Default::default(), "{name:?}");
    }
}

/// Twenty calls of two instances for one revision: one of them replaces it.
pub async fn of_many_at_once_one_succeeds(subject: &Subject) {
    let [_, state, _] = states();
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let store = if n % 2 == 0 {
            &subject.one
        } else {
            &subject.other
        };
        let (store, state) = (Arc::clone(store), state.clone());
        calls.spawn(async move { replace(&store, 0, &state).await });
    }
    let replaced = calls.join_all().await;
    assert_eq!(replaced.iter().filter(|done| **done).count(), 1);
    assert_eq!(read(&subject.one).await, (1, state));
}

/// Whoever asks.
pub async fn its_time_never_runs_back(subject: &Subject) {
    let mut last = Duration::ZERO;
    for n in 0..10 {
        let store = if n % 2 == 0 {
            &subject.one
        } else {
            &subject.other
        };
        let now = store.read("venue").await.expect("readable").now;
        assert!(now >= last, "{now:?} after {last:?}");
        last = now;
    }
}
