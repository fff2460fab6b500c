//! The last target of each sleeve, and the account's target as their sum.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::instrument::InstrumentId;
use crate::strategy::{Decision, SleeveAction, SleeveId, Target, Targets};

/// The last targets of every sleeve. A sleeve that holds keeps its last target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sleeves {
    sleeves: Vec<Sleeve>,
}

/// What a sleeve wants, without the notes that explain it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sleeve {
    id: SleeveId,
    allocation: f64,
    targets: Vec<(InstrumentId, Target)>,
}

impl Sleeves {
    /// Takes over what a decision wants and says whether the account's target is a new one.
    ///
    /// # Errors
    /// `SignalValidation` when an allocation is not a number of zero or more, or an instrument has two
    /// targets in one sleeve.
    pub fn take(&mut self, decision: &Decision) -> Result<bool> {
        match decision {
            Decision::Hold(_) => Ok(false),
            Decision::Targets(targets, _) => {
                self.sleeves.retain(|s| s.id == SleeveId::default());
                self.set(SleeveId::default(), 1.0, Some(targets))?;
                Ok(true)
            }
            Decision::Sleeves(sleeves) => {
                let mut changed = false;
                for s in sleeves {
                    let targets = match &s.action {
                        SleeveAction::Hold(_) => None,
                        SleeveAction::Targets(targets, _) => Some(targets),
                    };
                    changed |= self.set(s.sleeve, s.allocation, targets)?;
                }
                Ok(changed)
            }
        }
    }

    fn set(&mut self, id: SleeveId, allocation: f64, targets: Option<&Targets>) -> Result<bool> {
        if !(allocation.is_finite() && allocation >= 0.0) {
            return Err(
                Error::signal_validation(format!("allocation {allocation} is not usable"))
                    .context("sleeve", id.0)
                    .hint("allocations are numbers of zero or more"),
            );
        }
        if let Some(twice) = targets.and_then(named_twice) {
            return Err(
                Error::signal_validation("an instrument has two targets in one decision")
                    .context("sleeve", id.0)
                    .context("instrument", twice.0)
                    .hint("give each instrument one target; different ideas are different sleeves"),
            );
        }
        let known = self.sleeves.iter().position(|s| s.id == id);
        let index = known.unwrap_or_else(|| {
            self.sleeves.push(Sleeve {
                id,
                allocation,
                targets: Vec::new(),
            });
            self.sleeves.len() - 1
        });
        let sleeve = &mut self.sleeves[index];
        let mut changed = (sleeve.allocation - allocation).abs() > 0.0;
        sleeve.allocation = allocation;
        if let Some(targets) = targets {
            // Into the room of the targets before.
            sleeve.targets.clear();
            let entries = targets.entries().iter();
            sleeve
                .targets
                .extend(entries.map(|e| (e.instrument, e.target)));
            changed = true;
        }
        Ok(changed)
    }

    /// The account's target a lane: the sum over sleeves of allocation × target. Opposite targets
    /// net here, before any order exists.
    ///
    /// # Errors
    /// `SignalValidation` when a target names an unknown instrument, is not finite, or when several sleeves
    /// target one instrument in other units than weights.
    pub fn account_targets(&self, lanes: usize, into: &mut Vec<Option<Target>>) -> Result<()> {
        into.clear();
        into.resize(lanes, None);
        for sleeve in &self.sleeves {
            for &(instrument, target) in &sleeve.targets {
                let slot = into.get_mut(instrument.index()).ok_or_else(|| {
                    Error::signal_validation("target for an unknown instrument")
                        .context("instrument", instrument.0)
                        .hint("use the ids of the view's instruments")
                })?;
                *slot = Some(add(*slot, sleeve.allocation, target, instrument)?);
            }
        }
        Ok(())
    }
}

/// An instrument with more than one target. Strategies push in lane order, which needs no sorting.
fn named_twice(targets: &Targets) -> Option<InstrumentId> {
    let entries = targets.entries();
    if entries.is_sorted_by(|a, b| a.instrument < b.instrument) {
        return None;
    }
    let mut ids: Vec<_> = entries.iter().map(|e| e.instrument).collect();
    ids.sort_unstable();
    ids.windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
}

fn add(
    before: Option<Target>,
    allocation: f64,
    target: Target,
    instrument: InstrumentId,
) -> Result<Target> {
    match (before, target) {
        (_, Target::Weight(w)) if !w.is_finite() => Err(Error::signal_validation(format!(
            "weight {w} is not a usable number"
        ))
        .context("instrument", instrument.0)
        .hint("leave an instrument out instead of giving it no number")),
        (None, Target::Weight(w)) => Ok(Target::Weight(allocation * w)),
        (Some(Target::Weight(sum)), Target::Weight(w)) => Ok(Target::Weight(sum + allocation * w)),
        // Units and notional are amounts of money: they are not scaled by a float.
        (None, amount) if (allocation - 1.0).abs() <= 0.0 => Ok(amount),
        _ => Err(Error::signal_validation(
            "units and notional targets cannot be shared or scaled by sleeves",
        )
        .context("instrument", instrument.0)
        .hint("give weights when several sleeves trade one account")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::SleeveDecision;

    const A: InstrumentId = InstrumentId(0);

    fn sleeve(id: u16, allocation: f64, weight: Option<f64>) -> SleeveDecision {
        let action = match weight {
            Some(w) => SleeveAction::Targets(Targets::new().with(A, Target::Weight(w)), "t".into()),
            None => SleeveAction::Hold("h".into()),
        };
        SleeveDecision {
            sleeve: SleeveId(id),
            allocation,
            action,
        }
    }

    fn target(sleeves: &Sleeves) -> Option<Target> {
        let mut into = Vec::new();
        sleeves.account_targets(1, &mut into).unwrap();
        into[0]
    }

    #[test]
    fn targets_for_the_whole_account_end_every_other_sleeve() {
        let mut s = Sleeves::default();
        let both = vec![sleeve(0, 0.5, Some(0.8)), sleeve(1, 0.5, Some(0.4))];
        s.take(&Decision::Sleeves(both)).unwrap();
        let whole = Targets::new().with(A, Target::Weight(0.3));
        assert!(s.take(&Decision::Targets(whole, "t".into())).unwrap());
        assert_eq!(target(&s), Some(Target::Weight(0.3)));
    }

    /// Amounts of money are not scaled by a float, and another allocation is another target.
    #[test]
    fn amounts_are_for_whole_accounts_and_allocations_count() {
        let units = |allocation| {
            let targets = Targets::new().with(A, Target::Units(5.into()));
            let mut s = Sleeves::default();
            s.take(&Decision::Sleeves(vec![SleeveDecision {
                sleeve: SleeveId(0),
                allocation,
                action: SleeveAction::Targets(targets, "t".into()),
            }]))
            .unwrap();
            s.account_targets(1, &mut Vec::new()).is_ok()
        };
        assert_eq!([0.5, 1.0, 1.5].map(units), [false, true, false]);
        let mut s = Sleeves::default();
        let take = |s: &mut Sleeves, d| s.take(&Decision::Sleeves(vec![d])).unwrap();
        assert!(take(&mut s, sleeve(0, 0.5, Some(0.8))));
        assert!(!take(&mut s, sleeve(0, 0.5, None)));
        assert!(take(&mut s, sleeve(0, 0.25, None)), "half of it");
        assert_eq!(target(&s), Some(Target::Weight(0.2)));
        assert!(take(&mut s, sleeve(0, 0.75, None)));
    }

    #[test]
    fn weights_that_are_no_numbers_are_refused() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut s = Sleeves::default();
            s.take(&Decision::Sleeves(vec![sleeve(0, 1.0, Some(bad))]))
                .unwrap();
            let e = s.account_targets(1, &mut Vec::new()).unwrap_err();
            assert!(e.to_string().contains("not a usable number"), "{e}");
        }
    }

    /// SIG-20: a sleeve that holds keeps its last target.
    #[test]
    fn sig_20_a_sleeve_that_holds_keeps_its_last_target_and_opposites_net() {
        let mut s = Sleeves::default();
        let both = vec![sleeve(0, 0.5, Some(0.8)), sleeve(1, 0.5, Some(-0.2))];
        assert!(s.take(&Decision::Sleeves(both)).unwrap());
        assert_eq!(target(&s), Some(Target::Weight(0.5 * 0.8 + 0.5 * -0.2)));
        let hold = vec![sleeve(0, 0.5, None), sleeve(1, 0.5, Some(0.2))];
        assert!(s.take(&Decision::Sleeves(hold)).unwrap());
        assert_eq!(target(&s), Some(Target::Weight(0.5 * 0.8 + 0.5 * 0.2)));
        let quiet = vec![sleeve(0, 0.5, None), sleeve(1, 0.5, None)];
        assert!(!s.take(&Decision::Sleeves(quiet)).unwrap());
        assert!(
            s.take(&Decision::Sleeves(vec![sleeve(0, f64::NAN, None)]))
                .is_err()
        );
    }

    #[test]
    fn two_targets_for_one_instrument_are_refused_in_any_order() {
        let b = InstrumentId(1);
        let w = Target::Weight(0.1);
        for (targets, refused) in [
            (Targets::new().with(A, w).with(b, w), false),
            (Targets::new().with(b, w).with(A, w), false),
            (Targets::new().with(A, w).with(A, w), true),
            (Targets::new().with(b, w).with(A, w).with(b, w), true),
        ] {
            let taken = Sleeves::default().take(&Decision::Targets(targets, "t".into()));
            assert_eq!(taken.is_err(), refused, "{taken:?}");
        }
    }
}
