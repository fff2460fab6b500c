//! Where an embedder's idea lives: the [`Strategy`] trait, what it sees and what it may answer.

mod bars_seen;
mod decision;
mod schedule;
mod state;
mod view;

pub use bars_seen::BarsSeen;
pub use decision::{
    Decision, Excluded, Note, Reason, SleeveAction, SleeveDecision, SleeveId, Target, TargetEntry,
    Targets,
};
pub use schedule::{Schedule, Slot};
pub use state::State;
pub use view::View;

use crate::error::Result;
use crate::indicators::{CacheUse, IndicatorCache};
use crate::market::Fields;

/// What a strategy needs before it can decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// Columns it reads.
    pub fields: Fields,
    /// How many slices back, this one included, [`View::earlier`] must reach.
    pub lookback: usize,
    /// Bars an instrument needs before [`View::is_warm`] says yes.
    pub warm_up: usize,
    /// Whether its rules depend on absolute price levels. Such rules are refused on back-adjusted
    /// data, where every level depends on the future.
    pub level_dependent: bool,
}

/// A trading idea: looks at slices as they close, decides at slots.
///
/// Everything must follow from what was pushed: no clock, no randomness without a configured seed,
/// no state outside `self`. [`Strategy::save`] and [`Strategy::restore`] carry that state over a
/// restart, bit for bit.
pub trait Strategy {
    /// A short stable name, for records and reports.
    fn name(&self) -> &str;

    /// What it needs. Asked once, before the first slice.
    fn requirements(&self) -> Requirements;

    /// The names of its sleeves, in the order of their ids; none when it runs the whole account as
    /// one. Strategies that answer [`Decision::Sleeves`] name each of them here.
    fn sleeves(&self) -> Vec<&str> {
        Vec::new()
    }

    /// A slice closed. Keep this O(1) a lane; windowed work belongs into [`Strategy::decide`].
    fn on_slice(&mut self, view: &View<'_>);

    /// A slot of the schedule is due; `view` shows the same slice as the last `on_slice`.
    fn decide(&mut self, slot: Slot, view: &View<'_>) -> Decision;

    /// [`Strategy::decide`] for a part of a larger strategy, with the same answer: what several parts
    /// ask for at the same bar is computed once, in `shared`. A strategy with nothing to share
    /// leaves this as it is.
    fn decide_beside(
        &mut self,
        slot: Slot,
        view: &View<'_>,
        shared: &mut IndicatorCache,
    ) -> Decision {
        let _ = shared;
        self.decide(slot, view)
    }

    /// How the values its parts share were used in this run; nothing for a strategy without parts.
    fn cache_use(&self) -> CacheUse {
        CacheUse::default()
    }

    /// Everything `restore` needs to continue with the same bits.
    fn save(&self) -> State;

    /// Takes over a saved state.
    ///
    /// # Errors
    /// `Signal` when the state belongs to another strategy or other parameters; the strategy is
    /// then unusable and must be warmed up anew.
    fn restore(&mut self, state: &State) -> Result<()>;
}

impl<S: Strategy + ?Sized> Strategy for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn requirements(&self) -> Requirements {
        (**self).requirements()
    }

    fn sleeves(&self) -> Vec<&str> {
        (**self).sleeves()
    }

    fn on_slice(&mut self, view: &View<'_>) {
        (**self).on_slice(view);
    }

    fn decide(&mut self, slot: Slot, view: &View<'_>) -> Decision {
        (**self).decide(slot, view)
    }

    fn decide_beside(
        &mut self,
        slot: Slot,
        view: &View<'_>,
        shared: &mut IndicatorCache,
    ) -> Decision {
        (**self).decide_beside(slot, view, shared)
    }

    fn cache_use(&self) -> CacheUse {
        (**self).cache_use()
    }

    fn save(&self) -> State {
        (**self).save()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        (**self).restore(state)
    }
}
