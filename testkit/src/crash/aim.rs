//! When to kill.

use std::time::Duration;

use super::phase::{Histogram, Phase};
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

/// How slow the journal's disk is, in ms, where what a write ends is over too soon to be hit.
const SLOW_DISK_MS: u64 = 3;
impl Aim {
    /// An aim at any instant of a session that lasts about `usual`.
    pub fn at_random(random: &mut SplitMix64, usual: Duration) -> Self {
        Self::At(usual.mul_f64(random.unit() * 1.5))
    }

    fn at_phase(phase: Phase, random: &mut SplitMix64, within: Duration, usual: Duration) -> Self {
        let n = 1 + random.below(4);
        let soon = within.mul_f64(random.unit());
        match phase {
            Phase::BeforePersist => Self::Said("close", n, soon),
            Phase::Persisted => Self::Write(n, soon),
            Phase::Sent => Self::Said("order", n, soon),
            Phase::AckedUnsaved => Self::Said("answered", n, soon),
            Phase::FilledUnsaved => Self::Said("facts", n, soon),
            // The first quarter of a session is its recovery.
            Phase::InRecovery | Phase::Between => Self::At(usual.mul_f64(random.unit() * 0.25)),
        }
    }
}

/// How slow the journal's disk has to be for `phase` to last, in milliseconds. A release build on an
/// idle disk is through with the phases that a write ends before the killer has heard that they began.
pub const fn journal_delay_ms(phase: Phase) -> u64 {
    match phase {
        Phase::BeforePersist | Phase::AckedUnsaved | Phase::FilledUnsaved => SLOW_DISK_MS,
        Phase::Persisted | Phase::Sent | Phase::InRecovery | Phase::Between => 0,
    }
}

/// How long after its sign each phase is still aimed at: learned, for a machine, a build and a load
/// are through with a phase in their own time.
#[derive(Clone, Debug)]
pub struct Reach([Duration; Phase::ALL.len()]);

impl Default for Reach {
    fn default() -> Self {
        Self([Duration::from_micros(400); Phase::ALL.len()])
    }
}

impl Reach {
    const LEAST: Duration = Duration::from_micros(4);
    const MOST: Duration = Duration::from_millis(8);

    /// The wanted phase that was hit least, and an aim at a random instant of it.
    pub fn aim(
        &self,
        histogram: &Histogram,
        random: &mut SplitMix64,
        usual: Duration,
    ) -> (Phase, Aim) {
        let phase = histogram.rarest();
        let within = self.0[phase as usize];
        (phase, Aim::at_phase(phase, random, within, usual))
    }

    /// Learns from an aim: nearer after a miss, farther after a hit.
    pub fn learn(&mut self, aimed: Phase, hit: Phase) {
        let within = &mut self.0[aimed as usize];
        let factor = if aimed == hit { 1.25 } else { 0.8 };
        *within = within.mul_f64(factor).clamp(Self::LEAST, Self::MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A phase that is over soon is hit more often than not once it was missed for a while; one that
    /// lasts is hit in all of it.
    #[test]
    fn the_reach_of_a_phase_is_learned() {
        let mut random = SplitMix64::new(1);
        for lasts in [30, 3_000].map(Duration::from_micros) {
            let (mut reach, mut hits, mut latest) = (Reach::default(), 0, Duration::ZERO);
            for cycle in 0..200 {
                let (phase, aim) = reach.aim(&Histogram::default(), &mut random, Duration::ZERO);
                let Aim::Said(_, _, soon) = aim else {
                    panic!("{aim:?}")
                };
                let hit = soon < lasts;
                reach.learn(phase, if hit { phase } else { Phase::Between });
                if cycle >= 50 && hit {
                    hits += 1;
                    latest = latest.max(soon);
                }
            }
            assert!(hits > 60, "{lasts:?}: {hits} of 150");
            assert!(latest > lasts.mul_f64(0.8), "{lasts:?}: {latest:?}");
        }
    }
}
