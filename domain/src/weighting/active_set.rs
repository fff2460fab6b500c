//! Quadratic programs with bounds on each variable and one sum, solved exactly by active sets.

use crate::error::{Error, Result};
use crate::weighting::SymmetricMatrix;
use crate::weighting::matrix::dot;

/// The largest KKT residual a solution may have, with the matrix scaled to a mean diagonal of 1.
pub const MAX_KKT_RESIDUAL: f64 = 1e-10;

/// A bound is left only for a gain above this: rounding of a gradient is smaller.
const MIN_GAIN: f64 = 1e-13;

/// Minimise `½ x' M x` with `lower ≤ x ≤ upper` and `Σ x = sum`.
#[derive(Clone, Copy, Debug)]
pub struct BoxSumProgram<'a> {
    /// `M`, positive definite on every set of variables that ends up between its bounds.
    pub matrix: &'a SymmetricMatrix,
    /// The least value of each variable, finite.
    pub lower: &'a [f64],
    /// The largest value of each variable, finite and at least the least.
    pub upper: &'a [f64],
    /// What the variables add up to.
    pub sum: f64,
}

/// A minimum, proven by its KKT conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The variables.
    pub x: Vec<f64>,
    /// How far the KKT conditions are missed, at most [`MAX_KKT_RESIDUAL`]: the largest of the
    /// error of the sum and, with the matrix scaled to a mean diagonal of 1, of a gradient between
    /// the bounds that is not the multiplier of the sum, or one at a bound that points inwards.
    pub kkt_residual: f64,
    /// Linear systems solved.
    pub steps: usize,
}

/// Where a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Lower,
    Free,
    Upper,
}

impl BoxSumProgram<'_> {
    /// The minimum.
    ///
    /// A primal active-set method (Nocedal and Wright, "Numerical Optimization", 16.5) that starts
    /// with at most one variable between its bounds and frees one at a time, the one with the most
    /// to gain, the first of equals. So only the matrix of the variables that end up between their
    /// bounds need be positive definite.
    ///
    /// # Errors
    /// When sizes differ, bounds are not finite or in order, or cannot hold the sum; when the
    /// matrix is singular where it matters, or the KKT conditions cannot be met to
    /// [`MAX_KKT_RESIDUAL`].
    pub fn minimise(&self) -> Result<Minimum> {
        let n = self.matrix.size();
        self.check()?;
        if n == 0 {
            return Ok(Minimum {
                x: Vec::new(),
                kkt_residual: 0.0,
                steps: 0,
            });
        }
        // Tolerances mean the same for returns per minute and per year.
        let mean = self.matrix.diagonal().iter().sum::<f64>() / n as f64;
        if mean.is_nan() || mean <= 0.0 {
            return Err(Error::signal_calculation(
                "a price that never moves has no variance to minimise",
            )
            .hint("leave the instruments out, or use a longer window"));
        }
        let scaled = self.matrix.scaled(1.0 / mean);
        let mut search = Search::start(self, &scaled);
        // Each step fixes or frees one variable; real problems take some two for each.
        for step in 1..=100 + 50 * n {
            if search.advance()? {
                let kkt_residual = search.residual();
                if kkt_residual > MAX_KKT_RESIDUAL {
                    return Err(not_solved("kkt_residual", kkt_residual));
                }
                return Ok(Minimum {
                    x: search.x,
                    kkt_residual,
                    steps: step,
                });
            }
        }
        Err(not_solved("steps", 100 + 50 * n))
    }

    fn check(&self) -> Result<()> {
        let n = self.matrix.size();
        if self.lower.len() != n || self.upper.len() != n {
            return Err(Error::signal_calculation("each variable needs its bounds")
                .context("variables", n)
                .context("lower", self.lower.len())
                .context("upper", self.upper.len()));
        }
        for (i, (&lower, &upper)) in self.lower.iter().zip(self.upper).enumerate() {
            if !(lower.is_finite() && upper.is_finite() && lower <= upper) {
                return Err(
                    Error::signal_calculation("bounds must be finite and in order")
                        .context("position", i)
                        .context("lower", lower)
                        .context("upper", upper)
                        .hint("0 and 1 hold a long-only weight"),
                );
            }
        }
        let (least, most) = (
            self.lower.iter().sum::<f64>(),
            self.upper.iter().sum::<f64>(),
        );
        // Ten caps of 0.1 add up to 1 only up to rounding.
        let slack = 1e-12 * self.sum.abs().max(1.0);
        let holds = self.sum >= least - slack && self.sum <= most + slack;
        if n > 0 && !holds {
            return Err(Error::signal_calculation("the bounds cannot hold the sum")
                .context("sum", self.sum)
                .context("least", least)
                .context("most", most)
                .hint("raise the cap to at least 1 divided by the number of instruments"));
        }
        Ok(())
    }
}

fn not_solved(what: &str, value: impl ToString) -> Error {
    Error::signal_calculation("the quadratic program could not be solved to its tolerance")
        .context(what, value)
        .context("tolerance", MAX_KKT_RESIDUAL)
        .hint("the covariance is nearly singular: shrink it (Ledoit-Wolf) or use more rows")
}

struct Search<'a> {
    program: &'a BoxSumProgram<'a>,
    matrix: &'a SymmetricMatrix,
    x: Vec<f64>,
    place: Vec<Place>,
    multiplier: f64,
}

impl<'a> Search<'a> {
    /// The variables of least variance take as much as they may, so few are freed later.
    fn start(program: &'a BoxSumProgram<'a>, matrix: &'a SymmetricMatrix) -> Self {
        let variances = matrix.diagonal();
        let mut order: Vec<usize> = (0..variances.len()).collect();
        order.sort_by(|&i, &j| variances[i].total_cmp(&variances[j]).then(i.cmp(&j)));
        let mut x = program.lower.to_vec();
        let mut place = vec![Place::Lower; x.len()];
        let mut rest = program.sum - x.iter().sum::<f64>();
        for i in order {
            let room = program.upper[i] - program.lower[i];
            if rest <= 0.0 {
                break;
            }
            if room > 0.0 && rest < room {
                x[i] += rest;
                place[i] = Place::Free;
            } else {
                x[i] = program.upper[i];
                place[i] = Place::Upper;
            }
            rest -= room;
        }
        Self {
            program,
            matrix,
            x,
            place,
            multiplier: 0.0,
        }
    }

    fn free(&self) -> Vec<usize> {
        let all = 0..self.x.len();
        all.filter(|&i| self.place[i] == Place::Free).collect()
    }

    /// One linear system: towards the minimum of the free variables until a bound, or, when there,
    /// one more variable is freed. True when none has anything to gain.
    fn advance(&mut self) -> Result<bool> {
        let free = self.free();
        if !free.is_empty() {
            let wanted = self.equality_minimum(&free)?;
            if self.move_towards(&free, &wanted) {
                return Ok(false);
            }
        }
        Ok(self.release(&free))
    }

    /// The minimum over the free variables alone; also sets the multiplier of the sum.
    fn equality_minimum(&mut self, free: &[usize]) -> Result<Vec<f64>> {
        let mut fixed = self.x.clone();
        for &i in free {
            fixed[i] = 0.0;
        }
        let pull = self.matrix.times(&fixed);
        let pull: Vec<f64> = free.iter().map(|&i| pull[i]).collect();
        let rest = self.program.sum - fixed.iter().sum::<f64>();
        let factor = self.matrix.sub_matrix(free).cholesky()?;
        let ones = factor.solve(&vec![1.0; free.len()]);
        let pulled = factor.solve(&pull);
        self.multiplier = (rest + pulled.iter().sum::<f64>()) / ones.iter().sum::<f64>();
        let entries = ones.iter().zip(&pulled);
        Ok(entries.map(|(a, b)| self.multiplier * a - b).collect())
    }

    /// True when a bound was met on the way; that variable is then fixed there.
    fn move_towards(&mut self, free: &[usize], wanted: &[f64]) -> bool {
        let (mut share, mut blocked) = (1.0, None);
        for (&i, &want) in free.iter().zip(wanted) {
            let (bound, place) = if want < self.program.lower[i] {
                (self.program.lower[i], Place::Lower)
            } else if want > self.program.upper[i] {
                (self.program.upper[i], Place::Upper)
            } else {
                continue;
            };
            let until = (bound - self.x[i]) / (want - self.x[i]);
            if until < share {
                (share, blocked) = (until, Some((i, bound, place)));
            }
        }
        for (&i, &want) in free.iter().zip(wanted) {
            self.x[i] = if blocked.is_some() {
                let next = self.x[i] + share * (want - self.x[i]);
                next.clamp(self.program.lower[i], self.program.upper[i])
            } else {
                want.clamp(self.program.lower[i], self.program.upper[i])
            };
        }
        let Some((i, bound, place)) = blocked else {
            return false;
        };
        (self.x[i], self.place[i]) = (bound, place);
        true
    }

    /// Frees what has most to gain; true when nothing has.
    fn release(&mut self, free: &[usize]) -> bool {
        let gradient = self.matrix.times(&self.x);
        let movable = |i: &usize| self.program.lower[*i] < self.program.upper[*i];
        let extreme = |place: Place, sign: f64| {
            let mut best: Option<(usize, f64)> = None;
            for i in (0..self.x.len()).filter(movable) {
                let value = sign * gradient[i];
                if self.place[i] == place && best.is_none_or(|(_, known)| value < known) {
                    best = Some((i, value));
                }
            }
            best
        };
        let (rising, falling) = (extreme(Place::Lower, 1.0), extreme(Place::Upper, -1.0));
        if free.is_empty() {
            // Without a free variable one must rise as another falls. Where only one kind is left,
            // nothing can move and any multiplier on the right side proves it.
            match (rising, falling) {
                (Some((i, up)), Some((j, down))) => {
                    if up + down < -MIN_GAIN {
                        (self.place[i], self.place[j]) = (Place::Free, Place::Free);
                        return false;
                    }
                    self.multiplier = 0.5 * (up - down);
                }
                (Some((_, up)), None) => self.multiplier = up,
                (None, Some((_, down))) => self.multiplier = -down,
                (None, None) => {}
            }
            return true;
        }
        let up = rising.map_or(0.0, |(_, g)| self.multiplier - g);
        let down = falling.map_or(0.0, |(_, g)| -g - self.multiplier);
        let chosen = if up >= down { rising } else { falling };
        match chosen {
            Some((i, _)) if up.max(down) > MIN_GAIN => {
                self.place[i] = Place::Free;
                false
            }
            _ => true,
        }
    }

    fn residual(&self) -> f64 {
        let gradient = self.matrix.times(&self.x);
        let ones = vec![1.0; self.x.len()];
        let mut worst = (dot(&self.x, &ones) - self.program.sum).abs();
        for (i, g) in gradient.iter().enumerate() {
            let miss = match self.place[i] {
                _ if self.program.lower[i] >= self.program.upper[i] => 0.0,
                Place::Free => (g - self.multiplier).abs(),
                Place::Lower => self.multiplier - g,
                Place::Upper => g - self.multiplier,
            };
            // NaN must not pass for a small residual.
            worst = if miss.is_nan() {
                f64::INFINITY
            } else {
                worst.max(miss)
            };
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn diagonal(variances: &[f64]) -> SymmetricMatrix {
        SymmetricMatrix::from_fn(
            variances.len(),
            |i, j| if i == j { variances[i] } else { 0.0 },
        )
    }

    fn check(variances: &[f64], lower: &[f64], upper: &[f64], expected: &[f64]) {
        let program = BoxSumProgram {
            matrix: &diagonal(variances),
            lower,
            upper,
            sum: 1.0,
        };
        let found = program.minimise().unwrap();
        for (got, want) in found.x.iter().zip(expected) {
            assert!((got - want).abs() < 1e-15, "{found:?}, not {expected:?}");
        }
    }

    #[test]
    fn worked_examples_between_and_at_bounds() {
        check(&[1.0, 1.0], &[0.0; 2], &[1.0; 2], &[0.5, 0.5]);
        check(&[1.0, 3.0], &[0.0; 2], &[1.0; 2], &[0.75, 0.25]);
        check(&[1.0, 3.0], &[0.0; 2], &[0.6, 1.0], &[0.6, 0.4]);
        check(&[1.0, 3.0], &[0.0, 0.5], &[1.0; 2], &[0.5, 0.5]);
        // Bounds leave nothing free.
        check(&[1.0, 3.0], &[0.0; 2], &[0.5; 2], &[0.5, 0.5]);
        check(&[1.0], &[0.0], &[1.0], &[1.0]);
        // A fixed short position.
        check(
            &[1.0, 1.0, 1.0],
            &[-0.2, 0.0, 0.0],
            &[-0.2, 1.0, 1.0],
            &[-0.2, 0.6, 0.6],
        );
    }

    /// ERR-11: a program without an answer says why.
    #[test]
    fn err_11_programs_without_an_answer_teach() {
        let error = |variances: &[f64], lower: &[f64], upper: &[f64]| {
            let program = BoxSumProgram {
                matrix: &diagonal(variances),
                lower,
                upper,
                sum: 1.0,
            };
            program.minimise().unwrap_err().to_string()
        };
        for (message, text) in [
            (
                error(&[1.0; 2], &[0.0; 2], &[0.4; 2]),
                "the bounds cannot hold the sum (sum = 1, least = 0, most = 0.8); \
                 hint: raise the cap to at least 1 divided by the number of instruments",
            ),
            (
                error(&[1.0], &[0.5], &[0.4]),
                "finite and in order (position = 0",
            ),
            (error(&[1.0], &[0.5], &[]), "each variable needs its bounds"),
            (error(&[0.0], &[0.0], &[1.0]), "no variance to minimise"),
        ] {
            assert!(message.contains(text), "{message}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// No feasible exchange between two variables lowers the objective, and the bounds hold.
        #[test]
        fn no_exchange_between_two_variables_helps(
            n in 2_usize..9,
            factors in prop::collection::vec(-1.0_f64..1.0, 64),
            cap in 0.13_f64..1.2,
        ) {
            let row = |i: usize| &factors[i * 8..i * 8 + 8];
            let matrix = SymmetricMatrix::from_fn(n, |i, j| {
                dot(row(i), row(j)) + if i == j { 0.01 } else { 0.0 }
            });
            let cap = cap.max(1.0 / n as f64);
            let program = BoxSumProgram {
                matrix: &matrix,
                lower: &vec![0.0; n],
                upper: &vec![cap; n],
                sum: 1.0,
            };
            let found = program.minimise().unwrap();
            prop_assert!(found.kkt_residual <= MAX_KKT_RESIDUAL);
            prop_assert!((found.x.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(found.x.iter().all(|x| (0.0..=cap).contains(x)));
            let best = matrix.quadratic_form(&found.x);
            for from in 0..n {
                for to in (0..n).filter(|to| *to != from) {
                    for size in [1e-3, 1e-1] {
                        let size = found.x[from].min(cap - found.x[to]).min(size);
                        let mut other = found.x.clone();
                        other[from] -= size;
                        other[to] += size;
                        prop_assert!(matrix.quadratic_form(&other) >= best * (1.0 - 1e-12));
                    }
                }
            }
        }
    }
}
