//! Inverse-volatility weights: the calmer the instrument, the more of it.

use crate::error::{Error, Result};
use crate::weighting::TargetWeights;

/// The usual floor under a volatility: 1e-4, so that a frozen price does not take everything.
pub const DEFAULT_MIN_VOL: f64 = 1e-4;

/// `w_i = (1/σ_i) / Σ_j (1/σ_j)`, summing to 1, from `(instrument, volatility)` pairs.
///
/// Volatilities are all per bar or all per year; only their ratios count, apart from `min_vol`,
/// which is in the same unit ([`DEFAULT_MIN_VOL`] is the usual one). An instrument whose volatility
/// is unknown, zero or negative is dropped; one above zero but below `min_vol` counts as `min_vol`.
/// Nothing left gives no weights, one left gets exactly 1. The sum is taken in input order.
///
/// # Errors
/// When `min_vol` is not positive and finite, a volatility is NaN or infinite (unknown is `None`), or
/// an instrument occurs twice.
pub fn inverse_volatility(vols: &[(usize, Option<f64>)], min_vol: f64) -> Result<TargetWeights> {
    if !(min_vol > 0.0 && min_vol.is_finite()) {
        return Err(Error::signal("the volatility floor must be above zero")
            .context("min_vol", min_vol)
            .hint("the usual floor is 0.0001"));
    }
    let mut inverses = Vec::with_capacity(vols.len());
    for &(instrument, vol) in vols {
        let Some(vol) = vol else { continue };
        if !vol.is_finite() {
            return Err(
                Error::signal_calculation("a volatility must be a finite number")
                    .context("instrument", instrument)
                    .context("volatility", vol)
                    .hint("pass None for an instrument whose volatility is not known yet"),
            );
        }
        if vol > 0.0 {
            inverses.push((instrument, 1.0 / vol.max(min_vol)));
        }
    }
    let total: f64 = inverses.iter().map(|(_, inverse)| inverse).sum();
    for (_, inverse) in &mut inverses {
        *inverse /= total;
    }
    TargetWeights::new(inverses)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(vols: &[(usize, Option<f64>)], expected: &[(usize, f64)]) {
        let weights = inverse_volatility(vols, DEFAULT_MIN_VOL).unwrap();
        assert_eq!(weights.len(), expected.len(), "{weights:?}");
        for (&(i, got), &(j, want)) in weights.entries().iter().zip(expected) {
            assert_eq!(i, j);
            assert!(
                (got - want).abs() < 1e-10,
                "instrument {i}: {got}, not {want}"
            );
        }
    }

    /// WGT-01: the reference vector, what is dropped, and the floor.
    #[test]
    fn wgt_01_reference_vector_dropping_and_floor() {
        check(
            &[(0, Some(0.4)), (1, Some(0.8)), (2, Some(1.6))],
            &[
                (0, 0.571_428_571_4),
                (1, 0.285_714_285_7),
                (2, 0.142_857_142_9),
            ],
        );
        check(&[], &[]);
        check(&[(3, None), (4, Some(0.0)), (5, Some(-0.2))], &[]);
        check(&[(3, None), (9, Some(0.3)), (5, Some(0.0))], &[(9, 1.0)]);
        // Below the floor counts as the floor: 1e-9 and 1e-4 weigh the same, 3e-4 a third.
        check(
            &[(0, Some(1e-9)), (1, Some(1e-4)), (2, Some(3e-4))],
            &[(0, 3.0 / 7.0), (1, 3.0 / 7.0), (2, 1.0 / 7.0)],
        );
    }

    /// ERR-11: a bad floor or volatility says which and what to pass.
    #[test]
    fn err_11_bad_floors_and_volatilities_teach() {
        for (vols, min_vol, text) in [
            (
                [(0, Some(0.2))],
                0.0,
                "the volatility floor must be above zero (min_vol = 0); \
                 hint: the usual floor is 0.0001",
            ),
            (
                [(6, Some(f64::NAN))],
                1e-4,
                "a volatility must be a finite number (instrument = 6, volatility = NaN); \
                 hint: pass None for an instrument whose volatility is not known yet",
            ),
        ] {
            let e = inverse_volatility(&vols, min_vol).unwrap_err();
            assert_eq!(e.to_string(), text);
        }
        assert!(inverse_volatility(&[], f64::INFINITY).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// WGT-02: weights sum to 1, all are above zero, a single asset gets exactly 1.
        #[test]
        fn wgt_02_weights_are_a_full_allocation(
            vols in prop::collection::vec(0.01_f64..=10.0, 1..=20),
        ) {
            let input: Vec<_> = vols.iter().copied().map(Some).enumerate().collect();
            let weights = inverse_volatility(&input, DEFAULT_MIN_VOL).unwrap();
            prop_assert_eq!(weights.len(), vols.len());
            prop_assert!((weights.net() - 1.0).abs() < 1e-12);
            prop_assert!(weights.entries().iter().all(|(_, w)| *w > 0.0));
            if vols.len() == 1 {
                prop_assert_eq!(weights.entries(), &[(0, 1.0)]);
            }
            // Calmer weighs more, in the ratio of the volatilities.
            for (i, w) in weights.entries() {
                let ratio = w * vols[*i] / (weights.entries()[0].1 * vols[0]);
                prop_assert!((ratio - 1.0).abs() < 1e-12);
            }
        }
    }
}
