//! The last target of each sleeve, and the account's target as their sum.

use crate::error::{Error, Result};
use crate::instrument::InstrumentId;
use crate::strategy::{Decision, SleeveAction, SleeveId, Target, Targets};

/// The last targets of every sleeve. A sleeve that holds keeps its last target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sleeves {
    sleeves: Vec<Sleeve>,
}

#[derive(Clone, Debug, PartialEq)]
struct Sleeve {
    id: SleeveId,
    allocation: f64,
    targets: Targets,
}

impl Sleeves {
    /// Takes a decision over and says whether the account's target is a new one.
    ///
    /// # Errors
    /// `SignalValidation` when an allocation is not a number of zero or more, or an instrument has two
    /// targets in one sleeve.
    pub fn take(&mut self, decision: Decision) -> Result<bool> {
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
                    let targets = match s.action {
                        SleeveAction::Hold(_) => None,
                        SleeveAction::Targets(targets, _) => Some(targets),
                    };
                    changed |= self.set(s.sleeve, s.allocation, targets)?;
                }
                Ok(changed)
            }
        }
    }

    fn set(&mut self, id: SleeveId, allocation: f64, targets: Option<Targets>) -> Result<bool> {
        if !(allocation.is_finite() && allocation >= 0.0) {
            return Err(
                Error::signal_validation(format!("allocation {allocation} is not usable"))
                    .context("sleeve", id.0)
                    .hint("allocations are numbers of zero or more"),
            );
        }
        if let Some(twice) = targets.as_ref().and_then(named_twice) {
            return Err(
                Error::signal_validation("an instrument has two targets in one decision")
                    .context("sleeve", id.0)
                    .context("instrument", twice.0)
                    .hint("give each instrument one target; different ideas are different sleeves"),
            );
        }
        let Some(sleeve) = self.sleeves.iter_mut().find(|s| s.id == id) else {
            let changed = targets.is_some();
            let targets = targets.unwrap_or_default();
            self.sleeves.push(Sleeve {
                id,
                allocation,
                targets,
            });
            return Ok(changed);
        };
        let mut changed = (sleeve.allocation - allocation).abs() > 0.0;
        sleeve.allocation = allocation;
        if let Some(targets) = targets {
            sleeve.targets = targets;
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
            for entry in sleeve.targets.entries() {
                let slot = into.get_mut(entry.instrument.index()).ok_or_else(|| {
                    Error::signal_validation("target for an unknown instrument")
                        .context("instrument", entry.instrument.0)
                        .hint("use the ids of the view's instruments")
                })?;
                *slot = Some(add(
                    *slot,
                    sleeve.allocation,
                    entry.target,
                    entry.instrument,
                )?);
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
        s.take(Decision::Sleeves(both)).unwrap();
        let whole = Targets::new().with(A, Target::Weight(0.3));
        assert!(s.take(Decision::Targets(whole, "t".into())).unwrap());
        assert_eq!(target(&s), Some(Target::Weight(0.3)));
    }

    #[test]
    fn weights_that_are_no_numbers_are_refused() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut s = Sleeves::default();
            s.take(Decision::Sleeves(vec![sleeve(0, 1.0, Some(bad))]))
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
        assert!(s.take(Decision::Sleeves(both)).unwrap());
        assert_eq!(target(&s), Some(Target::Weight(0.5 * 0.8 + 0.5 * -0.2)));
        let hold = vec![sleeve(0, 0.5, None), sleeve(1, 0.5, Some(0.2))];
        assert!(s.take(Decision::Sleeves(hold)).unwrap());
        assert_eq!(target(&s), Some(Target::Weight(0.5 * 0.8 + 0.5 * 0.2)));
        let quiet = vec![sleeve(0, 0.5, None), sleeve(1, 0.5, None)];
        assert!(!s.take(Decision::Sleeves(quiet)).unwrap());
        assert!(
            s.take(Decision::Sleeves(vec![sleeve(0, f64::NAN, None)]))
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
            let taken = Sleeves::default().take(Decision::Targets(targets, "t".into()));
            assert_eq!(taken.is_err(), refused, "{taken:?}");
        }
    }
}
