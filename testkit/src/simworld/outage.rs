//! Spells in which the account does not trade as it should, and how long each took to repair.

use ballast_domain::kernel::Session;
use ballast_domain::risk::Mode;
use ballast_domain::time::Timestamp;

use super::market::MILLI;
use super::world::World;

/// Lengths that outages are counted under, in milliseconds.
const WITHIN: [u64; 5] = [1_000, 10_000, 60_000, 300_000, 600_000];

/// Outages of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outages {
    /// How many there were.
    pub count: u64,
    /// Milliseconds from the first effect to the account trading again, all together.
    pub millis: u64,
    /// The longest, in milliseconds.
    pub longest: u64,
    within: [u64; WITHIN.len()],
}

impl Outages {
    const fn note(&mut self, millis: u64) {
        self.add(&Self {
            count: 1,
            millis,
            longest: millis,
            within: [
                (millis <= WITHIN[0]) as u64,
                (millis <= WITHIN[1]) as u64,
                (millis <= WITHIN[2]) as u64,
                (millis <= WITHIN[3]) as u64,
                (millis <= WITHIN[4]) as u64,
            ],
        });
    }

    /// Adds other outages.
    pub const fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.millis += other.millis;
        if other.longest > self.longest {
            self.longest = other.longest;
        }
        let mut place = 0;
        while place < WITHIN.len() {
            self.within[place] += other.within[place];
            place += 1;
        }
    }

    /// The mean time to repair, in seconds of the world; 0 without outages.
    pub fn mean_seconds(&self) -> f64 {
        self.millis as f64 / 1_000.0 / self.count.max(1) as f64
    }

    /// The shares that were over within 1 s, 10 s, 1 min, 5 min and 10 min.
    pub fn shares(&self) -> [f64; WITHIN.len()] {
        self.within.map(|n| n as f64 / self.count.max(1) as f64)
    }
}

/// An outage that lasts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    since: Timestamp,
    /// Whether the operator did something about it.
    helped: bool,
    /// Whether a person wanted it: a kill.
    wanted: bool,
}

impl World<'_> {
    /// Whether the account may trade all it wants: somebody runs, knows its positions, writes its
    /// records and is not restricted.
    fn trades(&self) -> bool {
        self.killed_at.is_none()
            && self.writer().is_some_and(|process| {
                !process.journal_failed
                    && process.paused_until <= self.now
                    && process.books.session == Session::Ready
                    && process.books.account_mode() == Mode::Active
            })
    }

    /// Looks whether an outage began or ended. The start of the day is none.
    pub(super) fn note_outage(&mut self) {
        if self.trades() {
            self.traded = true;
            if let Some(outage) = self.outage.take() {
                let millis = self.now.since(outage.since).nanos() / MILLI;
                let millis = u64::try_from(millis).unwrap_or(0);
                if outage.wanted {
                    self.counts.wanted_outages += 1;
                } else if outage.helped {
                    self.counts.helped.note(millis);
                } else {
                    self.counts.repaired.note(millis);
                }
            }
        } else if self.traded {
            let wanted = self.killed_at.is_some();
            let outage = self.outage.get_or_insert(Outage {
                since: self.now,
                helped: false,
                wanted,
            });
            outage.wanted |= wanted;
        }
    }

    /// The operator does something about the outage there is.
    pub(super) const fn help(&mut self) {
        if let Some(outage) = &mut self.outage {
            outage.helped = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simworld::{Plan, run};

    #[test]
    fn lengths_are_counted_under_what_they_are_within() {
        let mut all = Outages::default();
        for millis in [900, 1_000, 1_001, 400_000] {
            all.note(millis);
        }
        assert_eq!((all.count, all.longest), (4, 400_000));
        assert!(
            (all.mean_seconds() - 100.725_25).abs() < 1e-9,
            "{}",
            all.mean_seconds()
        );
        assert_eq!(all.shares(), [0.5, 0.75, 0.75, 0.75, 1.0]);
    }

    /// SLO-03: over days full of faults, what repairs itself does so within five minutes of the
    /// world's time on average, and all outages that nobody wanted within ten.
    #[test]
    fn slo_03_mean_time_to_repair() {
        let (mut repaired, mut helped) = (Outages::default(), Outages::default());
        for seed in 0..12 {
            let counts = run(&Plan::from_seed(seed)).counts;
            repaired.add(&counts.repaired);
            helped.add(&counts.helped);
        }
        assert!(
            repaired.count > 20 && helped.count > 5,
            "{repaired:?} {helped:?}"
        );
        assert!(repaired.mean_seconds() < 300.0, "{repaired:?}");
        let mut all = repaired;
        all.add(&helped);
        assert!(all.mean_seconds() < 600.0, "{all:?}");
    }
}
