//! Where an order stood when its program was killed.

use std::fmt;

/// The phases between a decision and its durable end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The market had shown a bar, and no decision about it was durable.
    BeforePersist,
    /// An order was durable, and had not come to the venue.
    Persisted,
    /// The venue had an order, and had not answered.
    Sent,
    /// The venue had answered, and the answer was not durable.
    AckedUnsaved,
    /// The venue had executed, and the execution was not durable.
    FilledUnsaved,
    /// Nothing was traded yet in this session: it was reading, proving, asking.
    InRecovery,
    /// None of these: all that was known was durable.
    Between,
}

impl Phase {
    /// All phases, in the order of an order's life.
    pub const ALL: [Self; 7] = [
        Self::BeforePersist,
        Self::Persisted,
        Self::Sent,
        Self::AckedUnsaved,
        Self::FilledUnsaved,
        Self::InRecovery,
        Self::Between,
    ];

    /// Whether a run must have hit it.
    pub const fn is_wanted(self) -> bool {
        !matches!(self, Self::Between)
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforePersist => "before persist",
            Self::Persisted => "persisted",
            Self::Sent => "sent",
            Self::AckedUnsaved => "acked unsaved",
            Self::FilledUnsaved => "filled unsaved",
            Self::InRecovery => "in recovery",
            Self::Between => "between",
        }
    }
}

/// How often each phase was hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram([u32; 7]);

impl Histogram {
    /// One more.
    pub const fn note(&mut self, phase: Phase) {
        self.0[phase as usize] += 1;
    }

    /// How often.
    pub const fn of(&self, phase: Phase) -> u32 {
        self.0[phase as usize]
    }

    /// The wanted phase that was hit least, the first of equals.
    pub fn rarest(&self) -> Phase {
        let wanted = Phase::ALL.into_iter().filter(|phase| phase.is_wanted());
        let rarest = wanted.min_by_key(|phase| self.of(*phase));
        rarest.unwrap_or(Phase::BeforePersist)
    }

    /// Wanted phases that were hit less than `least` times.
    pub fn missing(&self, least: u32) -> Vec<Phase> {
        let wanted = Phase::ALL.into_iter().filter(|phase| phase.is_wanted());
        wanted.filter(|phase| self.of(*phase) < least).collect()
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.0.iter().copied().max().unwrap_or(0).max(1);
        for phase in Phase::ALL {
            let count = self.of(phase);
            let width = usize::try_from(count * 40 / most).unwrap_or(40);
            writeln!(
                f,
                "  {:<15} {count:>5}  {}",
                phase.name(),
                "#".repeat(width)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_wanted_phase_is_aimed_at() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.rarest(), Phase::BeforePersist);
        for phase in Phase::ALL {
            if phase != Phase::Sent && phase != Phase::Between {
                histogram.note(phase);
            }
        }
        assert_eq!(histogram.rarest(), Phase::Sent);
        assert_eq!(histogram.missing(1), [Phase::Sent]);
        assert_eq!(histogram.missing(2).len(), 6);
        assert!(histogram.to_string().contains("filled unsaved      1"));
    }
}
