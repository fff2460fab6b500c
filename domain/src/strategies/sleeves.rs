//! Several strategies in one account, each with its share of it.

use std::num::NonZeroUsize;

use super::identity::Identity;
use crate::error::{Error, Result};
use crate::indicators::state::StateReader;
use crate::indicators::{CacheUse, IndicatorCache};
use crate::instrument::Instruments;
use crate::market::Fields;
use crate::strategy::{
    Decision, Reason, Requirements, SleeveAction, SleeveDecision, SleeveId, Slot, State, Strategy,
    View,
};

/// Longest name of a sleeve, in characters: it heads a column and starts a line.
const LONGEST_NAME: usize = 32;
/// What decimal allocations such as 0.6 + 0.3 + 0.1 may be above their sum.
const TOLERANCE: f64 = 1e-9;
/// Values kept of what parts share: all of a bar for 1,000 names and four windows, half a megabyte.
const SHARED_VALUES: NonZeroUsize = NonZeroUsize::new(4_096).expect("4096 is not zero");

/// One part of the account: a strategy, what it is called and how much it runs.
pub struct Sleeve {
    /// Letters, digits, `-` and `_`, at most 32, and different from the other sleeves' names.
    pub name: String,
    /// Share of the account's equity, zero or more; the strategy's weights are shares of this.
    pub allocation: f64,
    /// What decides.
    pub strategy: Box<dyn Strategy>,
}

/// Several strategies side by side: the account's target is Σ allocation × weight, and what one
/// buys while another sells meets before any order exists.
///
/// Each part sees the same slices, with the history and the warm-up it asked for itself, and the
/// positions of the whole account. A part that holds keeps its last targets; before its first ones
/// it wants nothing. When every part holds, so does the whole.
///
/// Only weights can be shared: a part that gives units or values needs an allocation of 1 and
/// instruments no other part trades. A part that answers with sleeves of its own is held.
pub struct SleeveStrategy {
    identity: Identity,
    parts: Vec<Part>,
    /// What the parts ask for at one bar. Part of no state: it is only ever recomputed.
    shared: IndicatorCache,
}

struct Part {
    name: String,
    allocation: f64,
    strategy: Box<dyn Strategy>,
    requirements: Requirements,
}

impl std::fmt::Debug for SleeveStrategy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = self.parts.iter().map(|p| (&p.name, p.allocation));
        f.debug_map().entries(parts).finish()
    }
}

impl SleeveStrategy {
    /// Its name in records and reports.
    pub const NAME: &'static str = "sleeves";

    /// The parts over all of `instruments`. `max_allocation` bounds the sum of the allocations; 1
    /// is an account whose parts can all be fully invested at once.
    ///
    /// # Errors
    /// `Signal` without a part or an instrument, for a name or an allocation that cannot be used,
    /// for a name taken twice, for a sum above `max_allocation`, and for a part that has sleeves
    /// itself.
    pub fn new(
        sleeves: Vec<Sleeve>,
        max_allocation: f64,
        instruments: &Instruments,
    ) -> Result<Self> {
        if sleeves.is_empty() {
            return Err(Error::signal("there is no sleeve")
                .hint("name at least one part, with its strategy and its allocation"));
        }
        if !(max_allocation.is_finite() && max_allocation > 0.0) {
            return Err(
                Error::signal("the largest sum of allocations must be above zero")
                    .context("max_allocation", max_allocation)
                    .hint("1 is the whole account"),
            );
        }
        let mut parameters = Vec::new();
        for (i, sleeve) in sleeves.iter().enumerate() {
            usable(sleeve)?;
            if sleeves[..i].iter().any(|s| s.name == sleeve.name) {
                return Err(Error::signal("two sleeves have the same name")
                    .context("sleeve", &sleeve.name)
                    .hint("give each its own name"));
            }
            parameters.push(("sleeve", sleeve.name.clone()));
            parameters.push(("allocation", sleeve.allocation.to_string()));
        }
        let sum: f64 = sleeves.iter().map(|s| s.allocation).sum();
        if sum > max_allocation + TOLERANCE {
            return Err(
                Error::signal("the allocations are more than there is to share")
                    .context("sum", sum)
                    .context("max_allocation", max_allocation)
                    .hint("lower an allocation, or raise max_allocation if the sleeves may borrow"),
            );
        }
        let parts = sleeves.into_iter().map(|s| Part {
            requirements: s.strategy.requirements(),
            name: s.name,
            allocation: s.allocation,
            strategy: s.strategy,
        });
        Ok(Self {
            identity: Identity::new(Self::NAME, 1, parameters, instruments)?,
            parts: parts.collect(),
            shared: IndicatorCache::new(SHARED_VALUES),
        })
    }
}

fn usable(sleeve: &Sleeve) -> Result<()> {
    let name = &sleeve.name;
    let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(fits) {
        return Err(
            Error::signal(format!("'{name}' is not the name of a sleeve")).hint(format!(
                "use letters, digits, '-' and '_', at most {LONGEST_NAME}"
            )),
        );
    }
    if !(sleeve.allocation.is_finite() && sleeve.allocation >= 0.0) {
        return Err(
            Error::signal("a sleeve's allocation must be a number of zero or more")
                .context("sleeve", name)
                .context("allocation", sleeve.allocation)
                .hint("0.5 is half of the account"),
        );
    }
    if sleeve.strategy.sleeves().is_empty() {
        Ok(())
    } else {
        Err(Error::signal("a sleeve cannot have sleeves of its own")
            .context("sleeve", name)
            .hint("list its parts beside the others, each with its own allocation"))
    }
}

impl Strategy for SleeveStrategy {
    fn name(&self) -> &str {
        self.identity.name()
    }

    fn requirements(&self) -> Requirements {
        let none = Requirements {
            fields: Fields::of(&[]),
            lookback: 1,
            warm_up: 0,
            level_dependent: false,
        };
        self.parts.iter().fold(none, |all, part| Requirements {
            fields: all.fields.union(part.requirements.fields),
            lookback: all.lookback.max(part.requirements.lookback),
            warm_up: all.warm_up.max(part.requirements.warm_up),
            level_dependent: all.level_dependent || part.requirements.level_dependent,
        })
    }

    fn sleeves(&self) -> Vec<&str> {
        self.parts.iter().map(|p| p.name.as_str()).collect()
    }

    fn on_slice(&mut self, view: &View<'_>) {
        for part in &mut self.parts {
            part.strategy.on_slice(&view.narrowed(&part.requirements));
        }
    }

    fn decide(&mut self, slot: Slot, view: &View<'_>) -> Decision {
        let ids = (0..u16::MAX).map(SleeveId);
        let sleeves: Vec<_> = ids
            .zip(&mut self.parts)
            .map(|(sleeve, part)| part.decide(sleeve, slot, view, &mut self.shared))
            .collect();
        let held = |s: &SleeveDecision| matches!(s.action, SleeveAction::Hold(_));
        if !sleeves.iter().all(held) {
            return Decision::Sleeves(sleeves);
        }
        let reasons = sleeves.iter().zip(&self.parts).map(|(s, part)| {
            let (SleeveAction::Hold(reason) | SleeveAction::Targets(_, reason)) = &s.action;
            format!("{}: {reason}", part.name)
        });
        Decision::Hold(reasons.collect::<Vec<_>>().join("; ").into())
    }

    fn cache_use(&self) -> CacheUse {
        self.shared.counts()
    }

    fn save(&self) -> State {
        let mut writer = self.identity.write();
        for part in &self.parts {
            writer.text(part.strategy.name());
            writer.words(&part.strategy.save().words);
        }
        State {
            words: writer.finish(),
        }
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new(&state.words);
        self.identity.check(&mut reader)?;
        let mut states = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let (found, expected) = (reader.text()?, part.strategy.name());
            if found != expected {
                return Err(Error::signal(format!(
                    "saved state was made with strategy {found}, this one has {expected}"
                ))
                .context("sleeve", &part.name)
                .hint("restore with the parts it was saved with, or warm up again"));
            }
            let words = reader.words()?.to_vec();
            states.push(State { words });
        }
        reader.finish()?;
        let before: Vec<State> = self.parts.iter().map(|p| p.strategy.save()).collect();
        for (i, state) in states.iter().enumerate() {
            if let Err(error) = self.parts[i].strategy.restore(state) {
                // Parts before this one have moved on already: back, so that nothing changed.
                for (part, state) in self.parts[..=i].iter_mut().zip(&before) {
                    // One that refuses its own state as well is the one that is named.
                    let back = part.strategy.restore(state);
                    back.map_err(|error| error.context("sleeve", &part.name))?;
                }
                return Err(error.context("sleeve", &self.parts[i].name));
            }
        }
        self.shared.clear();
        Ok(())
    }
}

impl Part {
    fn decide(
        &mut self,
        sleeve: SleeveId,
        slot: Slot,
        view: &View<'_>,
        shared: &mut IndicatorCache,
    ) -> SleeveDecision {
        let view = view.narrowed(&self.requirements);
        let action = match self.strategy.decide_beside(slot, &view, shared) {
            Decision::Hold(reason) => SleeveAction::Hold(reason),
            Decision::Targets(targets, reason) => SleeveAction::Targets(targets, reason),
            Decision::Sleeves(_) => {
                SleeveAction::Hold(Reason::Borrowed("a sleeve cannot have sleeves of its own"))
            }
        };
        SleeveDecision {
            sleeve,
            allocation: self.allocation,
            action,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, brief, flat, shares};
    use super::super::{EqualWeightHold, EqualWeightParameters};
    use super::*;
    use crate::strategy::{Target, Targets};

    /// Wants everything in lane 0 once the view says it is warm; remembers how often it was asked.
    struct Probe {
        requirements: Requirements,
        nested: bool,
        asked: u64,
        refuses: bool,
    }

    impl Probe {
        fn new(warm_up: usize, lookback: usize) -> Box<Self> {
            let requirements = Requirements {
                fields: Fields::CLOSE,
                lookback,
                warm_up,
                level_dependent: false,
            };
            Box::new(Self {
                requirements,
                nested: false,
                asked: 0,
                refuses: false,
            })
        }
    }

    impl Strategy for Probe {
        fn name(&self) -> &str {
            "probe"
        }

        fn requirements(&self) -> Requirements {
            self.requirements.clone()
        }

        fn sleeves(&self) -> Vec<&str> {
            if self.nested { vec!["x"] } else { Vec::new() }
        }

        fn on_slice(&mut self, _: &View<'_>) {}

        fn decide(&mut self, _: Slot, view: &View<'_>) -> Decision {
            self.asked += 1;
            let reach = (0..9).take_while(|back| view.earlier(*back).is_some());
            let reach = reach.count();
            let id = crate::instrument::InstrumentId(0);
            if self.asked < self.requirements.warm_up as u64 {
                return Decision::Hold(format!("sees {reach}").into());
            }
            let targets = Targets::new().with(id, Target::Weight(1.0));
            Decision::Targets(targets, format!("sees {reach}").into())
        }

        fn save(&self) -> State {
            State {
                words: vec![self.asked],
            }
        }

        fn restore(&mut self, state: &State) -> Result<()> {
            if self.refuses {
                return Err(Error::signal("not mine"));
            }
            self.asked = state.words[0];
            Ok(())
        }
    }

    fn sleeve(name: &str, allocation: f64, strategy: Box<dyn Strategy>) -> Sleeve {
        Sleeve {
            name: name.to_owned(),
            allocation,
            strategy,
        }
    }

    fn days(n: usize) -> Trial {
        (0..n).fold(Trial::default(), |trial, _| trial.row(&[flat(1.0)]))
    }

    #[test]
    fn each_part_has_its_own_history_and_speaks_when_it_can() {
        let of = shares(&["A"]);
        let parts = vec![
            sleeve("a", 0.25, Probe::new(2, 1)),
            sleeve("b", 0.75, Probe::new(3, 3)),
        ];
        let mut both = SleeveStrategy::new(parts, 1.0, &of).unwrap();
        let needs = both.requirements();
        assert_eq!((needs.lookback, needs.warm_up), (3, 3));
        assert_eq!(both.sleeves(), ["a", "b"]);
        let decisions = days(4).run(&mut both, &of);
        assert_eq!(brief(&decisions[0]), "hold: a: sees 1; b: sees 1");
        let said = |decision: &Decision| -> Vec<String> {
            let Decision::Sleeves(sleeves) = decision else {
                panic!("{decision:?}");
            };
            let text = |s: &SleeveDecision| match &s.action {
                SleeveAction::Hold(r) => format!("{} {} hold {r}", s.sleeve.0, s.allocation),
                SleeveAction::Targets(t, r) => {
                    format!("{} {} {} {r}", s.sleeve.0, s.allocation, t.entries().len())
                }
            };
            sleeves.iter().map(text).collect()
        };
        assert_eq!(
            said(&decisions[1]),
            ["0 0.25 1 sees 1", "1 0.75 hold sees 2"]
        );
        assert_eq!(said(&decisions[3]), ["0 0.25 1 sees 1", "1 0.75 1 sees 3"]);
    }

    #[test]
    fn a_restore_that_one_part_refuses_changes_no_part() {
        let of = shares(&["A"]);
        let make = |refuses: bool| {
            let second = Probe {
                refuses,
                ..*Probe::new(1, 1)
            };
            let parts = vec![
                sleeve("a", 0.5, Probe::new(1, 1)),
                sleeve("b", 0.5, Box::new(second)),
            ];
            SleeveStrategy::new(parts, 1.0, &of).unwrap()
        };
        let mut used = make(false);
        days(3).run(&mut used, &of);
        let mut fresh = make(false);
        fresh.restore(&used.save()).unwrap();
        assert_eq!(fresh.save(), used.save());
        let mut stubborn = make(true);
        let before = stubborn.save();
        let error = stubborn.restore(&used.save()).unwrap_err().to_string();
        assert_eq!(error, "not mine (sleeve = b)");
        assert_eq!(stubborn.save(), before);
    }

    /// ERR-11: names and allocations belong to a saved state.
    #[test]
    fn err_11_a_state_of_other_sleeves_is_refused() {
        let of = shares(&["A"]);
        let make = |name: &str, allocation: f64| {
            let equal = EqualWeightHold::new(&EqualWeightParameters::default(), &of).unwrap();
            let parts = vec![sleeve(name, allocation, Box::new(equal))];
            SleeveStrategy::new(parts, 1.0, &of).unwrap()
        };
        let state = make("a", 0.5).save();
        make("a", 0.5).restore(&state).unwrap();
        for (mut other, text) in [
            (
                make("b", 0.5),
                "saved state was made with sleeve a, this one has b",
            ),
            (
                make("a", 0.4),
                "saved state was made with allocation 0.5, this one has 0.4",
            ),
        ] {
            let error = other.restore(&state).unwrap_err().to_string();
            assert!(error.starts_with(text), "{error}");
        }
        let mut probe = SleeveStrategy::new(vec![sleeve("a", 0.5, Probe::new(1, 1))], 1.0, &of);
        let error = probe.as_mut().unwrap().restore(&state).unwrap_err();
        assert_eq!(
            error.message,
            "saved state was made with strategy equal_weight, this one has probe"
        );
    }

    #[test]
    fn impossible_sleeves_teach() {
        let of = shares(&["A"]);
        let refused = |parts: Vec<Sleeve>, most: f64| {
            SleeveStrategy::new(parts, most, &of)
                .unwrap_err()
                .to_string()
        };
        let part = |name: &str, allocation| sleeve(name, allocation, Probe::new(1, 1));
        let nested = Probe {
            nested: true,
            ..*Probe::new(1, 1)
        };
        for (parts, most, text) in [
            (vec![], 1.0, "there is no sleeve"),
            (
                vec![part("a b", 1.0)],
                1.0,
                "'a b' is not the name of a sleeve",
            ),
            (vec![part("", 1.0)], 1.0, "'' is not the name of a sleeve"),
            (
                vec![part("a", 0.1), part("a", 0.1)],
                1.0,
                "two sleeves have the same name",
            ),
            (
                vec![part("a", -0.1)],
                1.0,
                "a sleeve's allocation must be a number of zero or more",
            ),
            (
                vec![part("a", f64::NAN)],
                1.0,
                "a sleeve's allocation must be a number",
            ),
            (
                vec![part("a", 0.6), part("b", 0.5)],
                1.0,
                "the allocations are more than there is",
            ),
            (
                vec![part("a", 0.5)],
                0.0,
                "the largest sum of allocations must be above zero",
            ),
            (
                vec![sleeve("a", 1.0, Box::new(nested))],
                1.0,
                "a sleeve cannot have sleeves",
            ),
        ] {
            let error = refused(parts, most);
            assert!(error.starts_with(text), "{error}");
        }
        let tenths = vec![part("a", 0.6), part("b", 0.3), part("c", 0.1)];
        SleeveStrategy::new(tenths, 1.0, &of).unwrap();
        SleeveStrategy::new(vec![part("a", 1.4)], 1.5, &of).unwrap();
    }
}
