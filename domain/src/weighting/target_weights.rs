//! Target weights: what a strategy wants to hold, as fractions of equity.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How far from 1 a full allocation may sum: 1e-6.
pub const SUM_TOLERANCE: f64 = 1e-6;

/// A signed weight for each of some instruments, finite, each instrument once, in index order.
///
/// 0.25 is a quarter of the sleeve's equity held long, −0.25 held short. An instrument that is not
/// listed has no target; one listed with 0 is wanted flat. What the weights leave is cash.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(usize, f64)>", into = "Vec<(usize, f64)>")]
pub struct TargetWeights {
    entries: Vec<(usize, f64)>,
}

impl TargetWeights {
    /// From `(instrument, weight)` pairs in any order.
    ///
    /// # Errors
    /// When a weight is not finite or an instrument occurs twice.
    pub fn new(mut entries: Vec<(usize, f64)>) -> Result<Self> {
        entries.sort_by_key(|&(instrument, _)| instrument);
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(
                Error::signal_validation("an instrument has two target weights")
                    .context("instrument", pair[0].0)
                    .context("weights", format!("{} and {}", pair[0].1, pair[1].1))
                    .hint("give each instrument one weight; combine sleeves to add them up"),
            );
        }
        if let Some(&(instrument, weight)) = entries.iter().find(|(_, w)| !w.is_finite()) {
            return Err(
                Error::signal_validation("a target weight must be a finite number")
                    .context("instrument", instrument)
                    .context("weight", weight)
                    .hint("leave instruments that cannot be weighted out"),
            );
        }
        Ok(Self { entries })
    }

    /// Checks a full long-only allocation: at least one weight, none negative, summing to 1 within
    /// [`SUM_TOLERANCE`]. Signs are looked at before the sum.
    ///
    /// # Errors
    /// `SignalValidation` naming the instrument below zero, or the sum.
    pub fn require_full_allocation(&self) -> Result<()> {
        if self.entries.is_empty() {
            return Err(
                Error::signal_validation("there is no weight to allocate by")
                    .hint("hold instead, or give at least one instrument a weight"),
            );
        }
        if let Some(&(instrument, weight)) = self.entries.iter().find(|(_, w)| *w < 0.0) {
            return Err(
                Error::signal_validation("a weight of a long-only allocation is negative")
                    .context("instrument", instrument)
                    .context("weight", weight)
                    .hint(
                        "leave the instrument out, or allocate to both sides on a margin account",
                    ),
            );
        }
        let sum: f64 = self.entries.iter().map(|(_, weight)| weight).sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(
                Error::signal_validation(format!("the weights sum to {sum}, not to 1"))
                    .context("tolerance", SUM_TOLERANCE)
                    .hint("divide each by the sum, or say what stays in cash"),
            );
        }
        Ok(())
    }

    /// The `(instrument, weight)` pairs in index order.
    pub fn entries(&self) -> &[(usize, f64)] {
        &self.entries
    }

    /// The weight of `instrument`; `None` when it has no target.
    pub fn get(&self, instrument: usize) -> Option<f64> {
        self.entries
            .binary_search_by_key(&instrument, |&(i, _)| i)
            .ok()
            .map(|at| self.entries[at].1)
    }

    /// The number of instruments with a target.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no instrument has a target.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sum of the weights: long minus short.
    pub fn net(&self) -> f64 {
        self.entries.iter().map(|(_, w)| w).sum()
    }

    /// Sum of the weights without their signs.
    pub fn gross(&self) -> f64 {
        self.entries.iter().map(|(_, w)| w.abs()).sum()
    }

    /// The same instruments with `change` applied to each weight, which must stay finite.
    pub(crate) fn map(&self, change: impl Fn(f64) -> f64) -> Result<Self> {
        Self::new(self.entries.iter().map(|&(i, w)| (i, change(w))).collect())
    }

    /// Refuses a short weight, for rules that are about one side.
    pub(crate) fn require_one_sided(&self, rule: &str) -> Result<()> {
        let Some(&(instrument, weight)) = self.entries.iter().find(|(_, w)| *w < 0.0) else {
            return Ok(());
        };
        Err(Error::signal_validation(format!(
            "{rule} takes the weights of one side, zero or more"
        ))
        .context("instrument", instrument)
        .context("weight", weight)
        .hint("apply it to long and short side before they are joined"))
    }
}

impl TryFrom<Vec<(usize, f64)>> for TargetWeights {
    type Error = Error;

    fn try_from(entries: Vec<(usize, f64)>) -> Result<Self> {
        Self::new(entries)
    }
}

impl From<TargetWeights> for Vec<(usize, f64)> {
    fn from(weights: TargetWeights) -> Self {
        weights.entries
    }
}

/// The weights of `instruments`, in the same order.
pub(crate) fn paired(instruments: &[usize], weights: Vec<f64>) -> Result<TargetWeights> {
    if instruments.len() != weights.len() {
        return Err(Error::signal_validation("each instrument needs one weight")
            .context("instruments", instruments.len())
            .context("weights", weights.len())
            .hint("give the covariance a row for each instrument, in the same order"));
    }
    TargetWeights::new(instruments.iter().copied().zip(weights).collect())
}

/// The account's weights from sleeves: Σ allocation × weight for each instrument.
///
/// An allocation is the fraction of equity a sleeve runs. Longs and shorts of different sleeves net;
/// each instrument's sum is taken in the order of the sleeves.
///
/// # Errors
/// When an allocation is negative or not finite.
pub fn combine(sleeves: &[(f64, &TargetWeights)]) -> Result<TargetWeights> {
    let mut parts = Vec::new();
    for (sleeve, &(allocation, weights)) in sleeves.iter().enumerate() {
        if !(allocation >= 0.0 && allocation.is_finite()) {
            return Err(
                Error::signal_validation("a sleeve's allocation must be zero or more")
                    .context("sleeve", sleeve)
                    .context("allocation", allocation)
                    .hint("an allocation is a fraction of equity; shorts belong in the weights"),
            );
        }
        parts.extend(weights.entries.iter().map(|&(i, w)| (i, allocation * w)));
    }
    // Stable: the parts of one instrument stay in the order of the sleeves.
    parts.sort_by_key(|&(instrument, _)| instrument);
    let mut entries: Vec<(usize, f64)> = Vec::with_capacity(parts.len());
    for (instrument, part) in parts {
        match entries.last_mut() {
            Some((last, sum)) if *last == instrument => *sum += part,
            _ => entries.push((instrument, part)),
        }
    }
    TargetWeights::new(entries)
}

/// How far each instrument is from its target: target − current, in index order.
///
/// Only instruments that are off target are listed; one without a target is wanted at zero.
/// Nothing is listed when the account is at its target.
pub fn drift(current: &TargetWeights, target: &TargetWeights) -> Vec<(usize, f64)> {
    let mut held = current.entries.iter().peekable();
    let mut wanted = target.entries.iter().peekable();
    let mut off = Vec::new();
    while let Some(&&(instrument, _)) = held
        .peek()
        .into_iter()
        .chain(wanted.peek())
        .min_by_key(|e| e.0)
    {
        let weight = |entry: Option<&(usize, f64)>| entry.map_or(0.0, |&(_, w)| w);
        let target = weight(wanted.next_if(|e| e.0 == instrument));
        let difference = target - weight(held.next_if(|e| e.0 == instrument));
        if difference != 0.0 {
            off.push((instrument, difference));
        }
    }
    off
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weights(entries: &[(usize, f64)]) -> TargetWeights {
        TargetWeights::new(entries.to_vec()).unwrap()
    }

    #[test]
    fn weights_are_kept_in_index_order() {
        let w = weights(&[(4, -0.25), (1, 0.5)]);
        assert_eq!(w.entries(), [(1, 0.5), (4, -0.25)]);
        assert_eq!((w.get(4), w.get(2), w.len()), (Some(-0.25), None, 2));
        assert_eq!((w.net(), w.gross(), w.is_empty()), (0.25, 0.75, false));
        let json = serde_json::to_string(&w).unwrap();
        assert_eq!(json, "[[1,0.5],[4,-0.25]]");
        assert_eq!(serde_json::from_str::<TargetWeights>(&json).unwrap(), w);
        assert!(serde_json::from_str::<TargetWeights>("[[1,0.5],[1,0.5]]").is_err());
    }

    /// ERR-11: weights and allocations that make no sense say which and what to do.
    #[test]
    fn err_11_bad_weights_and_allocations_teach() {
        let one = weights(&[(0, 1.0)]);
        for (error, text) in [
            (
                TargetWeights::new(vec![(3, 0.5), (1, 0.1), (3, 0.25)]).unwrap_err(),
                "an instrument has two target weights (instrument = 3, weights = 0.5 and 0.25); \
                 hint: give each instrument one weight; combine sleeves to add them up",
            ),
            (
                TargetWeights::new(vec![(3, f64::NAN)]).unwrap_err(),
                "a target weight must be a finite number (instrument = 3, weight = NaN); \
                 hint: leave instruments that cannot be weighted out",
            ),
            (
                combine(&[(1.0, &one), (-0.5, &one)]).unwrap_err(),
                "a sleeve's allocation must be zero or more (sleeve = 1, allocation = -0.5); \
                 hint: an allocation is a fraction of equity; shorts belong in the weights",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    /// WGT-05: sleeves net by instrument, and the drift lists what is off target only.
    #[test]
    fn wgt_05_sleeves_net_and_drift_lists_what_is_off() {
        let (a, b) = (
            weights(&[(0, 1.0), (1, -0.5)]),
            weights(&[(1, 1.0), (2, 1.0)]),
        );
        let account = combine(&[(0.5, &a), (0.25, &b)]).unwrap();
        assert_eq!(account.entries(), [(0, 0.5), (1, 0.0), (2, 0.25)]);
        let current = weights(&[(0, 0.5), (2, 0.5), (7, -0.125)]);
        assert_eq!(drift(&current, &account), [(2, -0.25), (7, 0.125)]);
        assert_eq!(drift(&TargetWeights::default(), &a), [(0, 1.0), (1, -0.5)]);
        assert_eq!(drift(&a, &TargetWeights::default()), [(0, -1.0), (1, 0.5)]);
    }

    fn any_weights() -> impl Strategy<Value = TargetWeights> {
        prop::collection::btree_map(0_usize..12, -1.0_f64..1.0, 0..10)
            .prop_map(|map| weights(&map.into_iter().collect::<Vec<_>>()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// WGT-05: at target nothing drifts, and trading the drift leads to the target.
        #[test]
        fn wgt_05_no_drift_at_target(current in any_weights(), target in any_weights()) {
            prop_assert!(drift(&target, &target).is_empty());
            let off = drift(&current, &target);
            for i in 0..12 {
                let (have, want) = (current.get(i).unwrap_or(0.0), target.get(i).unwrap_or(0.0));
                let moved = off.iter().find(|(j, _)| *j == i).map_or(0.0, |(_, d)| *d);
                prop_assert!((have + moved - want).abs() < 1e-15);
            }
            prop_assert!(off.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }

        /// WGT-05: with allocations that sum to 1 a full set of sleeves stays fully allocated.
        #[test]
        fn wgt_05_combined_sleeves_keep_the_sum(
            parts in prop::collection::vec((0.01_f64..1.0, 1_usize..6), 1..6),
        ) {
            let total: f64 = parts.iter().map(|(a, _)| a).sum();
            let sleeves: Vec<_> = parts
                .iter()
                .map(|&(a, n)| (a / total, weights(&(0..n).map(|i| (i, 1.0 / n as f64)).collect::<Vec<_>>())))
                .collect();
            let borrowed: Vec<_> = sleeves.iter().map(|(a, w)| (*a, w)).collect();
            let account = combine(&borrowed).unwrap();
            prop_assert!((account.net() - 1.0).abs() < 1e-12);
        }
    }

    /// VAL-13: a full allocation sums to 1 within 1e-6, or the sum is said. VAL-14: a weight below
    /// zero is refused for its sign even when the sum is right, and NaN and infinity never get here.
    #[test]
    fn val_13_val_14_full_allocations() {
        let check = |list: &[f64]| {
            let entries = list.iter().copied().enumerate().collect();
            let weights = TargetWeights::new(entries).map_err(|e| e.to_string())?;
            weights.require_full_allocation().map_err(|e| e.to_string())
        };
        assert_eq!(check(&[0.6, 0.4 + 1e-7]), Ok(()));
        assert_eq!(check(&[1.0]), Ok(()));
        for (list, text) in [
            (
                &[0.6, 0.3][..],
                "the weights sum to 0.8999999999999999, not to 1",
            ),
            (&[0.6, 0.4 + 2e-6], "the weights sum to 1.000002"),
            (&[], "there is no weight"),
            (
                &[0.7, 0.5, -0.2],
                "negative (instrument = 2, weight = -0.2)",
            ),
            (&[0.5, f64::NAN], "must be a finite number"),
            (&[0.5, f64::INFINITY], "must be a finite number"),
        ] {
            let error = check(list).unwrap_err();
            assert!(error.contains(text), "{list:?}: {error}");
        }
    }
}
