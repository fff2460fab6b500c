//! Gross mode: how much of a sleeve's capital its long and its short side get.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::weighting::{TargetWeights, combine};

/// The convention by which a sleeve's two sides share its capital.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrossMode {
    /// All of it for each side: gross up to 200 %.
    FullPerSide,
    /// Half of it for each side: gross up to 100 %.
    SplitHalf,
    /// A fraction for each side, as the regime asks.
    Regime {
        /// The long side's fraction of the capital, zero or more.
        long: f64,
        /// The short side's fraction of the capital, zero or more.
        short: f64,
    },
}

impl GrossMode {
    /// The fractions of the capital of the long and the short side.
    pub const fn sides(self) -> (f64, f64) {
        match self {
            Self::FullPerSide => (1.0, 1.0),
            Self::SplitHalf => (0.5, 0.5),
            Self::Regime { long, short } => (long, short),
        }
    }

    /// Signed weights from the weights of each side, both zero or more and usually summing to 1.
    ///
    /// A side without instruments leaves its capital in cash. An instrument on both sides nets.
    ///
    /// # Errors
    /// When a weight is negative, or a regime's fraction is negative or not finite.
    pub fn join(self, long: &TargetWeights, short: &TargetWeights) -> Result<TargetWeights> {
        let (long_side, short_side) = self.sides();
        for (side, fraction) in [("long", long_side), ("short", short_side)] {
            if !(fraction >= 0.0 && fraction.is_finite()) {
                return Err(Error::signal(format!(
                    "the {side} side's fraction must be zero or more"
                ))
                .context("fraction", fraction)
                .hint("it is a fraction of the sleeve's capital; 0 leaves the side out"));
            }
        }
        long.require_one_sided("the long side")?;
        short.require_one_sided("the short side")?;
        combine(&[(long_side, long), (short_side, &short.map(|w| -w)?)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(entries: &[(usize, f64)]) -> TargetWeights {
        TargetWeights::new(entries.to_vec()).unwrap()
    }

    #[test]
    fn each_mode_shares_the_capital_its_way() {
        let long = weights(&[(0, 0.75), (1, 0.25)]);
        let short = weights(&[(2, 1.0)]);
        for (mode, expected) in [
            (GrossMode::FullPerSide, [0.75, 0.25, -1.0]),
            (GrossMode::SplitHalf, [0.375, 0.125, -0.5]),
            (
                GrossMode::Regime {
                    long: 0.0,
                    short: 0.5,
                },
                [0.0, 0.0, -0.5],
            ),
        ] {
            let joined = mode.join(&long, &short).unwrap();
            let got: Vec<f64> = joined.entries().iter().map(|(_, w)| *w).collect();
            assert_eq!(got, expected, "{mode:?}");
        }
        let alone = GrossMode::SplitHalf
            .join(&long, &TargetWeights::default())
            .unwrap();
        assert_eq!(alone.entries(), [(0, 0.375), (1, 0.125)]);
        let both = GrossMode::FullPerSide
            .join(&long, &weights(&[(1, 0.5)]))
            .unwrap();
        assert_eq!(both.entries(), [(0, 0.75), (1, -0.25)]);
    }

    /// ERR-11: an impossible side says which and what the figure means.
    #[test]
    fn err_11_impossible_sides_teach() {
        let none = TargetWeights::default();
        let mode = GrossMode::Regime {
            long: 1.0,
            short: -0.5,
        };
        assert_eq!(
            mode.join(&none, &none).unwrap_err().to_string(),
            "the short side's fraction must be zero or more (fraction = -0.5); \
             hint: it is a fraction of the sleeve's capital; 0 leaves the side out"
        );
        let e = GrossMode::SplitHalf
            .join(&none, &weights(&[(4, -0.1)]))
            .unwrap_err();
        assert_eq!(
            e.to_string(),
            "the short side takes the weights of one side, zero or more \
             (instrument = 4, weight = -0.1); \
             hint: apply it to long and short side before they are joined"
        );
    }
}
