//! From chosen names to bounded weights: caps, gross mode and gross limit in one place.

use crate::error::Result;
use crate::indicators::{IndicatorCache, IndicatorKey, Volatility, annualised};
use crate::instrument::InstrumentId;
use crate::signals::{Sides, SignalValidator};
use crate::time::Timestamp;
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

    /// Joins both sides, each summing to 1 or empty, and bounds what comes out. Sides that
    /// contradict each other or are no full allocation end here, before any weight of theirs is
    /// used.
    ///
    /// The cap holds for the joined weights: a side that gets half of the capital is capped at
    /// twice the cap before it is halved. Excess goes to the other names of its side pro rata; what
    /// no name can take stays in cash.
    pub(super) fn apply(&self, long: &TargetWeights, short: &TargetWeights) -> Result<Bounded> {
        validate(long, short)?;
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

/// Each lane once and on one side only; each side everything or nothing.
fn validate(long: &TargetWeights, short: &TargetWeights) -> Result<()> {
    let lanes = |side: &TargetWeights| -> Vec<usize> {
        side.entries().iter().map(|(lane, _)| *lane).collect()
    };
    SignalValidator.validate(Sides {
        longs: Some(&lanes(long)),
        shorts: Some(&lanes(short)),
    })?;
    for side in [long, short] {
        if !side.is_empty() {
            side.require_full_allocation()?;
        }
    }
    Ok(())
}

/// Where strategies ask for a lane's volatility: computed for whoever stands alone, shared by the
/// parts of a larger strategy.
pub(super) struct Risks<'a> {
    shared: Option<(&'a mut IndicatorCache, Timestamp)>,
}

impl<'a> Risks<'a> {
    /// Of a strategy that runs the whole account.
    pub(super) const fn alone() -> Self {
        Self { shared: None }
    }

    /// Of a part, at the close it decides on.
    pub(super) const fn beside(shared: &'a mut IndicatorCache, time: Timestamp) -> Self {
        Self {
            shared: Some((shared, time)),
        }
    }

    /// The annualised volatility of a lane whose calendar has `annualisation` bars a year; `None`
    /// before a full window, and for a price that stands still.
    pub(super) fn annualised(
        &mut self,
        lane: usize,
        volatility: &Volatility,
        annualisation: f64,
    ) -> Option<f64> {
        let compute = || {
            volatility
                .value()
                .map(|std| annualised(std, annualisation))
                .filter(|volatility| volatility.is_finite() && *volatility > 0.0)
        };
        let Some((shared, time)) = &mut self.shared else {
            return compute();
        };
        let key = IndicatorKey {
            time: *time,
            instrument: InstrumentId::from_index(lane),
            indicator: volatility.family(),
            window: volatility.period(),
        };
        shared.value(key, compute)
    }
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

    /// VAL-19: the sides of every built-in strategy are validated before their weights are used.
    #[test]
    fn val_19_sides_that_contradict_end_before_their_weights() {
        let bounds = Bounds::checked(1.0, 2.0, GrossMode::SplitHalf).unwrap();
        let (one, both) = (weights(&[(1, 1.0)]), weights(&[(0, 0.5), (1, 0.5)]));
        assert!(bounds.apply(&both, &weights(&[(2, 1.0)])).is_ok());
        for (long, short, text) in [
            (&both, &one, "both sides (symbols = 1)"),
            (
                &weights(&[(0, 0.5), (2, 0.4)]),
                &one,
                "the weights sum to 0.9",
            ),
            (&one, &weights(&[(0, 1.5), (2, -0.5)]), "is negative"),
        ] {
            let error = bounds.apply(long, short).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!(error.kind.name(), "signal_validation");
        }
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
