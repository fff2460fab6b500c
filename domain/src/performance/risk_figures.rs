//! Six figures of a return series in two passes, for ranking many series.

use super::defined;
use super::moments::{Compensated, sum};
use super::returns::check_returns;
use crate::error::{Error, Result};

/// The figures one ranks by, with the bits of the functions named; `None` where a figure is not
/// defined.
///
/// [`Metrics`](super::Metrics) has more of them and sorts the whole series; this reads it twice and
/// sorts only its tail, which matters when there are thousands of series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiskFigures {
    /// Annualised: [`sharpe`](super::sharpe).
    pub sharpe: Option<f64>,
    /// Annualised: [`sortino`](super::sortino).
    pub sortino: Option<f64>,
    /// Depth of the [`max_drawdown`](super::max_drawdown) of a capital of 1, negative; zero
    /// without one.
    pub max_drawdown: Option<f64>,
    /// The loss not exceeded with the level asked for: [`var_historical`](super::var_historical).
    pub value_at_risk: Option<f64>,
    /// The mean of what is not above it: [`es_tail_mean`](super::es_tail_mean).
    pub expected_shortfall: Option<f64>,
    /// Compound annual growth rate: [`cagr`](super::cagr).
    pub cagr: Option<f64>,
}

impl RiskFigures {
    /// Of simple returns; `annualisation` bars make a year, `level` (0 to 1) is that of the value
    /// at risk, usually 0.95.
    ///
    /// # Errors
    /// As [`check_returns`]; `Invariant` also when the capital leaves the range of f64;
    /// `Configuration` when `annualisation` is not finite and positive or `level` is outside 0 to 1.
    pub fn of(returns: &[f64], annualisation: f64, level: f64) -> Result<Self> {
        if !(annualisation.is_finite() && annualisation > 0.0) {
            return Err(
                Error::config("annualisation must be a positive number of bars in a year")
                    .context("annualisation", annualisation)
                    .hint("365 for daily bars around the clock, 252 for daily bars of US equities"),
            );
        }
        if !(0.0..=1.0).contains(&level) {
            return Err(Error::config("the level of a value at risk is from 0 to 1")
                .context("level", level)
                .hint("0.95 asks for the loss exceeded on one bar in twenty"));
        }
        check_returns(returns)?;
        let path = Path::of(returns)?;
        let n = returns.len() as f64;
        let mean = path.sum.total() / n;
        let deviation = deviation(returns, mean, path.largest);
        let downside = defined((path.losses_squared.total() / n).sqrt() * annualisation.sqrt());
        let tail = Tail::of(returns, mean - deviation.unwrap_or(0.0), level);
        Ok(Self {
            sharpe: deviation.and_then(|d| defined(mean / d * annualisation.sqrt())),
            sortino: downside
                .filter(|d| *d > 0.0)
                .and_then(|d| defined(mean * annualisation / d)),
            max_drawdown: Some(path.depth),
            value_at_risk: tail.value_at_risk(),
            expected_shortfall: tail.expected_shortfall(),
            cagr: defined(libm::pow(path.value, annualisation / n) - 1.0),
        })
    }
}

/// What one pass in the order of the bars gives.
struct Path {
    sum: Compensated,
    losses_squared: Compensated,
    /// The largest magnitude of a return.
    largest: f64,
    /// The capital at the end of the series, 1 at its beginning.
    value: f64,
    /// The deepest drawdown.
    depth: f64,
}

impl Path {
    fn of(returns: &[f64]) -> Result<Self> {
        let mut path = Self {
            sum: Compensated::default(),
            losses_squared: Compensated::default(),
            largest: 0.0,
            value: 1.0,
            depth: 0.0,
        };
        let mut peak = 1.0_f64;
        // What is above this is no new depth; the margin is wider than any rounding here.
        let mut harmless = 1.0_f64;
        for r in returns {
            path.sum.add(*r);
            let loss = r.min(0.0);
            path.losses_squared.add(loss * loss);
            path.largest = path.largest.max(r.abs());
            path.value *= 1.0 + r;
            if path.value > peak {
                peak = path.value;
                harmless = peak * (1.0 + path.depth) * (1.0 + 8.0 * f64::EPSILON);
            } else if path.value <= harmless {
                path.depth = path.depth.min(path.value / peak - 1.0);
                harmless = peak * (1.0 + path.depth) * (1.0 + 8.0 * f64::EPSILON);
            }
        }
        if path.value.is_finite() && path.value > 0.0 && peak.is_finite() {
            return Ok(path);
        }
        Err(
            Error::invariant("the capital of these returns leaves the range of a number")
                .context("value", path.value)
                .context("returns", returns.len())
                .hint("returns are simple and fractional: 0.01 is one percent"),
        )
    }
}

/// Sample deviation, ddof 1; `None` below two returns or when they differ by rounding only.
fn deviation(returns: &[f64], mean: f64, largest: f64) -> Option<f64> {
    if returns.len() < 2 || !mean.is_finite() {
        return None;
    }
    let squares = sum(returns.iter().map(|r| (r - mean) * (r - mean)));
    defined((squares / (returns.len() - 1) as f64).sqrt())
        .filter(|d| *d > 8.0 * f64::EPSILON * (1.0 + largest))
}

/// The lowest returns up to the place of the quantile, in ascending order, and what comes next.
struct Tail {
    lowest: Vec<f64>,
    /// The lowest return above them; the last of them when there is none.
    next: f64,
    /// How many returns above them are equal to `next`.
    ties: usize,
    /// Distance of the quantile from the last of `lowest` to `next`, below 1.
    part: f64,
}

impl Tail {
    /// `likely` is a level below which the tail probably lies; a wrong one costs time only.
    fn of(returns: &[f64], likely: f64, level: f64) -> Self {
        let at = (1.0 - level) * (returns.len() - 1) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to n - 1"
        )]
        let below = at.floor() as usize;
        let mut keys = keys_below(returns, likely);
        if keys.len() < below + 2 {
            keys = keys_below(returns, f64::INFINITY);
        }
        let next = (below + 1).min(keys.len() - 1);
        let (_, next_key, _) = keys.select_nth_unstable(next);
        let next = value(*next_key);
        keys.truncate(below + 1);
        keys.sort_unstable();
        let lowest: Vec<f64> = keys.into_iter().map(value).collect();
        let equal = |list: &[f64]| list.iter().filter(|r| **r == next).count();
        Self {
            ties: if lowest.last() == Some(&next) || at.fract() > 0.5 {
                equal(returns) - equal(&lowest)
            } else {
                0
            },
            lowest,
            next,
            part: at - at.floor(),
        }
    }

    fn value_at_risk(&self) -> Option<f64> {
        let (low, high) = (*self.lowest.last()?, self.next);
        // From the nearer end, so that the result never passes it.
        defined(if self.part < 0.5 {
            low + (high - low) * self.part
        } else {
            high - (high - low) * (1.0 - self.part)
        })
    }

    fn expected_shortfall(&self) -> Option<f64> {
        let limit = self.value_at_risk()?;
        let ties = if self.next <= limit { self.ties } else { 0 };
        let all = self
            .lowest
            .iter()
            .copied()
            .chain(std::iter::repeat_n(self.next, ties));
        defined(sum(all) / (self.lowest.len() + ties) as f64)
    }
}

/// The keys of all returns below `limit`, in the order of the bars.
fn keys_below(returns: &[f64], limit: f64) -> Vec<i64> {
    let mut keys = vec![0; returns.len()];
    let mut kept = 0;
    for r in returns {
        keys[kept] = key(*r);
        kept += usize::from(*r < limit);
    }
    keys.truncate(kept);
    keys
}

/// An integer in the order of [`f64::total_cmp`].
#[inline]
const fn key(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The value of a [`key`].
#[inline]
const fn value(key: i64) -> f64 {
    let bits = key ^ ((key >> 63).cast_unsigned() >> 1).cast_signed();
    f64::from_bits(bits.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{cagr, es_tail_mean, max_drawdown, sharpe, sortino, var_historical, wealth};
    use super::*;

    fn one_by_one(returns: &[f64], year: f64, level: f64) -> [Option<f64>; 6] {
        let equity = wealth(returns).unwrap();
        [
            sharpe(returns, year),
            sortino(returns, year),
            Some(max_drawdown(&equity).map_or(0.0, |d| d.depth)),
            var_historical(returns, level),
            es_tail_mean(returns, level),
            cagr(&equity, year),
        ]
    }

    #[track_caller]
    fn check(returns: &[f64], year: f64, level: f64) {
        let RiskFigures {
            sharpe,
            sortino,
            max_drawdown,
            value_at_risk,
            expected_shortfall,
            cagr,
        } = RiskFigures::of(returns, year, level).unwrap();
        let got = [
            sharpe,
            sortino,
            max_drawdown,
            value_at_risk,
            expected_shortfall,
            cagr,
        ];
        let bits = |all: [Option<f64>; 6]| all.map(|x| x.map(f64::to_bits));
        let expected = one_by_one(returns, year, level);
        assert_eq!(bits(got), bits(expected), "{got:?} {expected:?}");
    }

    proptest! {
        /// The same bits as the figures one by one, also with ties and at every level.
        #[test]
        fn the_bits_of_the_figures_one_by_one(
            returns in prop::collection::vec(-0.2_f64..0.2, 1..300),
            coarse in any::<bool>(),
            level in prop::sample::select(vec![0.0, 0.05, 0.5, 0.9, 0.95, 0.99, 1.0]),
        ) {
            let returns: Vec<f64> = if coarse {
                returns.iter().map(|r| (r * 20.0).round() / 20.0).collect()
            } else {
                returns
            };
            check(&returns, 252.0, level);
        }
    }

    #[test]
    fn series_without_risk_or_with_one_return() {
        check(&[0.0; 9], 252.0, 0.95);
        check(&[0.01; 40], 252.0, 0.95);
        check(&[-0.3], 365.0, 0.95);
        check(&[-0.0, 0.0, -0.0, 0.0], 365.0, 0.5);
        check(&[-0.5, 1.0, -0.5, 1.0, -0.5, -0.5], 4.0, 0.75);
    }

    #[test]
    fn what_cannot_be_meant_teaches() {
        for (error, text) in [
            (RiskFigures::of(&[0.1], 0.0, 0.95), "annualisation must be"),
            (
                RiskFigures::of(&[0.1], 252.0, 95.0),
                "from 0 to 1 (level = 95)",
            ),
            (RiskFigures::of(&[0.1, f64::NAN], 252.0, 0.95), "index = 1"),
            (RiskFigures::of(&[], 252.0, 0.95), "is empty"),
            (
                RiskFigures::of(&[1e200, 1e200], 252.0, 0.95),
                "leaves the range",
            ),
        ] {
            let text_of = error.unwrap_err().to_string();
            assert!(text_of.contains(text), "{text_of}");
        }
    }
}
