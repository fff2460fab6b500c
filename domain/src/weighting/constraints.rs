//! Constraints: a cap for each name, and a bound on gross exposure.

use crate::error::{Error, Result};
use crate::weighting::TargetWeights;

/// One side's weights with none above `cap`; the excess goes to the others pro rata.
///
/// Repeated until nothing is above the cap: capped names hold exactly `cap`, the others keep their
/// proportions. When the names above zero cannot hold the whole sum (`n × cap` below it), each gets
/// `cap` and the rest stays in cash, so the sum is min(sum before, n × cap). A weight of zero stays
/// zero.
///
/// # Errors
/// When `cap` is not positive and finite, or a weight is negative.
pub fn cap_weights(weights: &TargetWeights, cap: f64) -> Result<TargetWeights> {
    if !(cap > 0.0 && cap.is_finite()) {
        return Err(Error::signal("a weight cap must be above zero")
            .context("cap", cap)
            .hint("a cap is a fraction of equity, such as 0.4; 1 does not limit a single name"));
    }
    weights.require_one_sided("a weight cap")?;
    let total = weights.net();
    let mut capped = vec![false; weights.len()];
    let mut scale = 1.0;
    // Each round caps at least one more name, so there are at most as many rounds as names.
    loop {
        let mut changed = false;
        for (done, &(_, w)) in capped.iter_mut().zip(weights.entries()) {
            if !*done && w * scale > cap {
                *done = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
        let (mut count, mut free) = (0.0, 0.0);
        for (done, &(_, w)) in capped.iter().zip(weights.entries()) {
            if *done {
                count += 1.0;
            } else {
                free += w;
            }
        }
        if free <= 0.0 {
            break;
        }
        // It only grows; the maximum keeps rounding from turning a tiny rest negative.
        scale = scale.max((total - count * cap) / free);
    }
    let entries = capped.iter().zip(weights.entries());
    TargetWeights::new(
        entries
            .map(|(done, &(i, w))| (i, if *done { cap } else { w * scale }))
            .collect(),
    )
}

/// Weights in the same proportions whose gross is `gross`; weights that are all zero stay so.
///
/// # Errors
/// When `gross` is negative or not finite.
pub fn scale_to_gross(weights: &TargetWeights, gross: f64) -> Result<TargetWeights> {
    require_gross(gross)?;
    let now = weights.gross();
    if now == 0.0 {
        return Ok(weights.clone());
    }
    weights.map(|w| w * (gross / now))
}

/// Weights as they are while their gross is at most `max_gross`, scaled down to it otherwise.
///
/// # Errors
/// When `max_gross` is negative or not finite.
pub fn limit_gross(weights: &TargetWeights, max_gross: f64) -> Result<TargetWeights> {
    require_gross(max_gross)?;
    if weights.gross() <= max_gross {
        return Ok(weights.clone());
    }
    scale_to_gross(weights, max_gross)
}

fn require_gross(gross: f64) -> Result<()> {
    if gross >= 0.0 && gross.is_finite() {
        return Ok(());
    }
    Err(Error::signal("gross exposure must be zero or more")
        .context("gross", gross)
        .hint("gross is a multiple of equity: 1 for unlevered, 0 for nothing held"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weights(list: &[f64]) -> TargetWeights {
        TargetWeights::new(list.iter().copied().enumerate().collect()).unwrap()
    }

    fn check(before: &[f64], cap: f64, expected: &[f64]) {
        let after = cap_weights(&weights(before), cap).unwrap();
        for (&(i, got), want) in after.entries().iter().zip(expected) {
            assert!((got - want).abs() < 1e-15, "{i}: {got}, not {want}");
        }
        assert_eq!(after.len(), expected.len());
    }

    #[test]
    fn a_rest_below_rounding_never_turns_negative() {
        // Thirteen names a hair above the cap: their sum rounds to less than thirteen caps.
        let weight: f64 = 1.0 / 13.0;
        let mut list = vec![weight; 13];
        list.push(1e-18);
        let after = cap_weights(&weights(&list), weight.next_down()).unwrap();
        assert!(after.entries().iter().all(|(_, w)| *w > 0.0), "{after:?}");
    }

    #[test]
    fn the_excess_goes_to_the_others_pro_rata() {
        check(&[0.5, 0.3, 0.2], 0.6, &[0.5, 0.3, 0.2]);
        check(&[0.6, 0.3, 0.1], 0.5, &[0.5, 0.375, 0.125]);
        // The first round lifts the second name over the cap too.
        check(&[0.6, 0.3, 0.1], 0.4, &[0.4, 0.4, 0.2]);
        // Three names of 0.3 hold 0.9; the rest is cash.
        check(&[0.6, 0.3, 0.1], 0.3, &[0.3, 0.3, 0.3]);
        check(&[1.0], 0.4, &[0.4]);
        check(&[0.9, 0.0], 0.4, &[0.4, 0.0]);
        check(&[], 0.4, &[]);
    }

    #[test]
    fn gross_is_scaled_or_limited() {
        let w = weights(&[0.5, -0.25]);
        assert_eq!(scale_to_gross(&w, 1.5).unwrap(), weights(&[1.0, -0.5]));
        assert_eq!(limit_gross(&w, 0.75).unwrap(), w);
        assert_eq!(limit_gross(&w, 0.375).unwrap(), weights(&[0.25, -0.125]));
        assert_eq!(
            scale_to_gross(&weights(&[0.0]), 1.0).unwrap(),
            weights(&[0.0])
        );
    }

    /// ERR-11: bounds that make no sense say what they are measured in.
    #[test]
    fn err_11_bad_bounds_teach() {
        let w = weights(&[0.5, -0.25]);
        for (error, text) in [
            (
                cap_weights(&w, 0.0).unwrap_err(),
                "a weight cap must be above zero (cap = 0); hint: a cap is a fraction of equity, \
                 such as 0.4; 1 does not limit a single name",
            ),
            (
                cap_weights(&w, 0.4).unwrap_err(),
                "a weight cap takes the weights of one side, zero or more \
                 (instrument = 1, weight = -0.25); \
                 hint: apply it to long and short side before they are joined",
            ),
            (
                limit_gross(&w, -1.0).unwrap_err(),
                "gross exposure must be zero or more (gross = -1); \
                 hint: gross is a multiple of equity: 1 for unlevered, 0 for nothing held",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
        assert!(scale_to_gross(&w, f64::NAN).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// WGT-05: capped allocations sum to min(1, n × cap), stay within the cap, keep the order,
        /// and capping again changes nothing.
        #[test]
        fn wgt_05_capped_allocations_stay_whole(
            raw in prop::collection::vec(0.001_f64..1.0, 1..=20),
            cap in 0.01_f64..1.2,
        ) {
            let before = scale_to_gross(&weights(&raw), 1.0).unwrap();
            let after = cap_weights(&before, cap).unwrap();
            let expected = (raw.len() as f64 * cap).min(1.0);
            prop_assert!((after.net() - expected).abs() < 1e-12, "{} {}", after.net(), expected);
            for (&(i, a), &(_, b)) in after.entries().iter().zip(before.entries()) {
                prop_assert!(a > 0.0 && a <= cap);
                // Only names at the cap lose; the others keep their proportions.
                prop_assert!(a >= b * (1.0 - 1e-12) || a.to_bits() == cap.to_bits(), "{}", i);
                for (&(_, c), &(_, d)) in after.entries().iter().zip(before.entries()) {
                    if a < cap && c < cap {
                        prop_assert!((a * d - b * c).abs() < 1e-12);
                    }
                }
            }
            let again = cap_weights(&after, cap).unwrap();
            for (&(_, a), &(_, b)) in after.entries().iter().zip(again.entries()) {
                prop_assert!((a - b).abs() < 1e-12);
            }
        }
    }
}
