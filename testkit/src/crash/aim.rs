//! When to kill.

use std::time::Duration;

use super::phase::Phase;
use crate::builders::SplitMix64;

/// When to kill a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// This long after its start.
    At(Duration),
    /// This long after the journal was written to for the n-th time since its market went on.
    Write(u64, Duration),
    /// This long after the venue has said the n-th line that begins with this word.
    Said(&'static str, u64, Duration),
}

impl Aim {
    /// An aim at any instant of a session that lasts about `usual`.
    pub fn at_random(random: &mut SplitMix64, usual: Duration) -> Self {
        Self::At(usual.mul_f64(random.unit() * 1.5))
    }

    /// An aim at `phase`; the first quarter of a session of length `usual` is its recovery.
    pub fn at_phase(phase: Phase, random: &mut SplitMix64, usual: Duration) -> Self {
        let n = 1 + random.below(4);
        let soon = Duration::from_micros(random.below(400));
        match phase {
            Phase::BeforePersist => Self::Said("close", n, soon),
            Phase::Persisted => Self::Write(n, Duration::from_micros(random.below(6_000))),
            Phase::Sent => Self::Said("order", n, soon),
            Phase::AckedUnsaved => Self::Said("answered", n, soon),
            Phase::FilledUnsaved => Self::Said("facts", n, soon),
            Phase::InRecovery | Phase::Between => Self::At(usual.mul_f64(random.unit() * 0.25)),
        }
    }
}
