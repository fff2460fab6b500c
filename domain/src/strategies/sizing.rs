//! From chosen names to bounded weights: caps, gross mode and gross limit in one place.

use crate::error::Result;
use crate::indicators::{Volatility, annualised};
use crate::weighting::{GrossMode, TargetWeights, cap_weights, inverse_volatility, limit_gross};

/// What keeps weights within bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Largest weight of one name, a fraction of the strategy's capital.
    pub(super) cap: f64,
    /// Largest sum of all weights without their signs.
    pub(super) max_gross: f64,
    /// What each side gets.
    pub(super) gross_mode: GrossMode,
}

/// Signed weights of the same names before and after the bounds.
#[derive(Debug)]
pub(super) struct Bounded {
    uncapped: TargetWeights,
    weights: TargetWeights,
}

impl Bounded {
    /// `(lane, weight, weight before the bounds)` in lane order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        let before = self.uncapped.entries().iter().map(|(_, weight)| *weight);
        let after = self.weights.entries().iter();
        after
            .zip(before)
            .map(|(&(lane, weight), before)| (lane, weight, before))
    }
}

impl Bounds {
    /// Bounds that the rules themselves accept.
    ///
    /// # Errors
    /// Whatever [`cap_weights`], [`limit_gross`] or [`GrossMode::join`] refuses.
    pub(super) fn checked(cap: f64, max_gross: f64, gross_mode: GrossMode) -> Result<Self> {
        let none = TargetWeights::default();
        cap_weights(&none, cap)?;
        limit_gross(&none, max_gross)?;
        gross_mode.join(&none, &none)?;
        Ok(Self {
            cap,
            max_gross,
            gross_mode,
        })
    }

    /// Joins both sides, each summing to 1 or empty, and bounds what comes out.
    ///
    /// The cap holds for the joined weights: a side that gets half of the capital is capped at
    /// twice the cap before it is halved. Excess goes to the other names of its side pro rata; what
    /// no name can take stays in cash.
    pub(super) fn apply(&self, long: &TargetWeights, short: &TargetWeights) -> Result<Bounded> {
        let (long_side, short_side) = self.gross_mode.sides();
        let capped = |side: &TargetWeights, fraction: f64| {
            // A side without capital has nothing to cap.
            let cap = if fraction > 0.0 {
                self.cap / fraction
            } else {
                self.cap
            };
            cap_weights(side, cap)
        };
        let joined = self
            .gross_mode
            .join(&capped(long, long_side)?, &capped(short, short_side)?)?;
        Ok(Bounded {
            uncapped: self.gross_mode.join(long, short)?,
            weights: limit_gross(&joined, self.max_gross)?,
        })
    }
}

/// The annualised volatility of a lane whose calendar has `annualisation` bars a year; `None` before
/// a full window, and for a price that stands still.
pub(super) fn annualised_volatility(volatility: &Volatility, annualisation: f64) -> Option<f64> {
    volatility
        .value()
        .map(|std| annualised(std, annualisation))
        .filter(|volatility| volatility.is_finite() && *volatility > 0.0)
}

/// Inverse-volatility weights of lanes whose volatility is known.
pub(super) fn by_inverse_volatility(lanes: &[(usize, f64)], min_vol: f64) -> Result<TargetWeights> {
    let known: Vec<_> = lanes.iter().map(|&(lane, vol)| (lane, Some(vol))).collect();
    inverse_volatility(&known, min_vol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(list: &[(usize, f64)]) -> TargetWeights {
        TargetWeights::new(list.to_vec()).unwrap()
    }

    #[track_caller]
    fn check(mode: GrossMode, cap: f64, max_gross: f64, expected: &[(usize, f64, f64)]) {
        let bounds = Bounds::checked(cap, max_gross, mode).unwrap();
        let long = weights(&[(0, 0.75), (2, 0.25)]);
        let bounded = bounds.apply(&long, &weights(&[(1, 1.0)])).unwrap();
        assert_eq!(bounded.entries().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_cap_holds_for_what_is_held_in_the_end() {
        use GrossMode::{FullPerSide, Regime, SplitHalf};
        check(
            FullPerSide,
            1.0,
            2.0,
            &[(0, 0.75, 0.75), (1, -1.0, -1.0), (2, 0.25, 0.25)],
        );
        check(
            FullPerSide,
            0.5,
            2.0,
            &[(0, 0.5, 0.75), (1, -0.5, -1.0), (2, 0.5, 0.25)],
        );
        check(
            FullPerSide,
            1.0,
            1.0,
            &[(0, 0.375, 0.75), (1, -0.5, -1.0), (2, 0.125, 0.25)],
        );
        check(
            SplitHalf,
            0.25,
            1.0,
            &[(0, 0.25, 0.375), (1, -0.25, -0.5), (2, 0.25, 0.125)],
        );
        let bear = Regime {
            long: 0.0,
            short: 0.5,
        };
        check(
            bear,
            0.25,
            1.0,
            &[(0, 0.0, 0.0), (1, -0.25, -0.5), (2, 0.0, 0.0)],
        );
    }
}
