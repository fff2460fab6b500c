//! Trading modes: automatic logic tightens them, only a person with a reason releases them.

use serde::{Deserialize, Serialize};

use crate::instrument::InstrumentId;

/// What may be sent. Ordered from most to least permissive: the larger one wins.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything risk lets through.
    #[default]
    Active,
    /// Only orders that reduce exposure, and cancels.
    ReduceOnly,
    /// Only cancels.
    CancelOnly,
    /// Nothing.
    Halted,
}

impl Mode {
    /// Whether a new order may be sent; `reduces` says whether it reduces exposure.
    pub const fn allows(self, reduces: bool) -> bool {
        match self {
            Self::Active => true,
            Self::ReduceOnly => reduces,
            Self::CancelOnly | Self::Halted => false,
        }
    }

    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ReduceOnly => "reduce_only",
            Self::CancelOnly => "cancel_only",
            Self::Halted => "halted",
        }
    }
}

/// What a mode applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeScope {
    /// Every account of the process.
    Global,
    /// This account.
    Account,
    /// The account's strategy.
    Strategy,
    /// One instrument.
    Instrument(InstrumentId),
}

/// The modes of every scope; the effective one is the strictest that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modes {
    shared: [Mode; 3],
    instruments: Vec<Mode>,
}

impl Modes {
    /// Active in every scope.
    pub fn new(instruments: usize) -> Self {
        Self {
            shared: [Mode::Active; 3],
            instruments: vec![Mode::Active; instruments],
        }
    }

    fn slot(&mut self, scope: ModeScope) -> Option<&mut Mode> {
        match scope {
            ModeScope::Global => Some(&mut self.shared[0]),
            ModeScope::Account => Some(&mut self.shared[1]),
            ModeScope::Strategy => Some(&mut self.shared[2]),
            ModeScope::Instrument(id) => self.instruments.get_mut(id.index()),
        }
    }

    /// Makes a scope at least as strict as `mode`. Returns whether that changed it.
    pub(crate) fn tighten(&mut self, scope: ModeScope, mode: Mode) -> bool {
        self.slot(scope).is_some_and(|current| {
            let changed = mode > *current;
            *current = mode.max(*current);
            changed
        })
    }

    /// Sets a scope to any mode: for a person's command with a reason, never for automatic logic.
    pub(crate) fn release(&mut self, scope: ModeScope, mode: Mode) -> bool {
        self.slot(scope).is_some_and(|current| {
            let changed = mode != *current;
            *current = mode;
            changed
        })
    }

    /// The mode that holds for an instrument.
    #[inline]
    pub fn effective(&self, id: InstrumentId) -> Mode {
        self.account().max(self.of(ModeScope::Instrument(id)))
    }

    /// The mode that holds for an instrument whatever the strategy's own mode is.
    pub fn beyond_strategy(&self, id: InstrumentId) -> Mode {
        let own = self.of(ModeScope::Instrument(id));
        self.shared[0].max(self.shared[1]).max(own)
    }

    /// The mode of one scope alone; halted for an instrument that does not exist.
    pub fn of(&self, scope: ModeScope) -> Mode {
        match scope {
            ModeScope::Global => self.shared[0],
            ModeScope::Account => self.shared[1],
            ModeScope::Strategy => self.shared[2],
            ModeScope::Instrument(id) => self
                .instruments
                .get(id.index())
                .copied()
                .unwrap_or(Mode::Halted),
        }
    }

    /// The mode that holds for the account as a whole.
    #[inline]
    pub fn account(&self) -> Mode {
        self.shared[0].max(self.shared[1]).max(self.shared[2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: InstrumentId = InstrumentId(0);
    const B: InstrumentId = InstrumentId(1);

    #[test]
    fn the_strictest_scope_wins_and_tightening_never_loosens() {
        let mut m = Modes::new(2);
        assert!(m.tighten(ModeScope::Instrument(B), Mode::CancelOnly));
        assert!(m.tighten(ModeScope::Account, Mode::ReduceOnly));
        assert!(!m.tighten(ModeScope::Account, Mode::Active));
        assert_eq!(
            (m.effective(A), m.effective(B)),
            (Mode::ReduceOnly, Mode::CancelOnly)
        );
        assert!(m.release(ModeScope::Account, Mode::Active));
        assert_eq!(
            (m.effective(A), m.effective(B)),
            (Mode::Active, Mode::CancelOnly)
        );
        assert_eq!(m.effective(InstrumentId(9)), Mode::Halted);
    }

    #[test]
    fn each_mode_lets_through_what_it_says() {
        for (mode, adds, reduces) in [
            (Mode::Active, true, true),
            (Mode::ReduceOnly, false, true),
            (Mode::CancelOnly, false, false),
            (Mode::Halted, false, false),
        ] {
            assert_eq!(
                (mode.allows(false), mode.allows(true)),
                (adds, reduces),
                "{mode:?}"
            );
        }
    }
}
