//! Figures over a window that moves with the bars: volatility, Sharpe ratio, beta, turnover.
//!
//! Each function gives one value a bar, aligned with its input: the figure of the `window` bars
//! that end there, `None` for the first `window - 1` and where it is not defined. The windows are
//! joined from prefixes and suffixes of fixed blocks, so the work does not grow with `window` and
//! nothing is ever subtracted: a window equals its figure computed alone up to rounding, and a
//! window that does not move has a variance of exactly zero.

use super::defined;

/// `standard deviation (ddof 1) · sqrt(annualisation)` of the last `window` returns.
pub fn rolling_volatility(returns: &[f64], window: usize, annualisation: f64) -> Vec<Option<f64>> {
    over(returns, returns, window, |m| {
        defined(m.deviation()? * annualisation.sqrt())
    })
}

/// `mean / standard deviation (ddof 1) · sqrt(annualisation)` of the last `window` returns,
/// risk-free rate zero.
pub fn rolling_sharpe(returns: &[f64], window: usize, annualisation: f64) -> Vec<Option<f64>> {
    over(returns, returns, window, |m| {
        let deviation = m.deviation().filter(|d| *d > m.rounding())?;
        defined(m.mean_a / deviation * annualisation.sqrt())
    })
}

/// Covariance with `benchmark` over its variance, in the last `window` returns. Values beyond the
/// shorter series are left out.
pub fn rolling_beta(returns: &[f64], benchmark: &[f64], window: usize) -> Vec<Option<f64>> {
    over(benchmark, returns, window, |m| {
        m.deviation().filter(|d| *d > m.rounding())?;
        defined(m.products / m.squares)
    })
}

/// One-way turnover a year in the last `window` bars: half of the notional traded per bar
/// (magnitudes), over the mean equity, times `annualisation`. `traded` and `equity` have one value
/// a bar. Replacing the whole book once a year is 1.
pub fn rolling_turnover(
    traded: &[f64],
    equity: &[f64],
    window: usize,
    annualisation: f64,
) -> Vec<Option<f64>> {
    over(traded, equity, window, |m| {
        defined(m.mean_a / m.mean_b * annualisation / 2.0)
    })
}

/// Moments of pairs, by B. Welford (Technometrics 4, 1962); joined by T. Chan, G. Golub and
/// R. LeVeque (Stanford STAN-CS-79-773, 1979).
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    n: f64,
    mean_a: f64,
    mean_b: f64,
    /// Σ (a - mean a)².
    squares: f64,
    /// Σ (a - mean a)(b - mean b).
    products: f64,
    largest: f64,
}

impl Moments {
    fn with(self, a: f64, b: f64) -> Self {
        self.joined(&Self {
            n: 1.0,
            mean_a: a,
            mean_b: b,
            largest: a.abs(),
            ..Self::default()
        })
    }

    fn joined(self, other: &Self) -> Self {
        if self.n == 0.0 {
            return *other;
        }
        let n = self.n + other.n;
        let (step_a, step_b) = (other.mean_a - self.mean_a, other.mean_b - self.mean_b);
        let share = other.n / n;
        let between = self.n * share;
        Self {
            n,
            mean_a: self.mean_a + step_a * share,
            mean_b: self.mean_b + step_b * share,
            squares: self.squares + other.squares + step_a * step_a * between,
            products: self.products + other.products + step_a * step_b * between,
            largest: self.largest.max(other.largest),
        }
    }

    /// Sample standard deviation of `a`, ddof 1; `None` below two values.
    fn deviation(&self) -> Option<f64> {
        (self.n >= 2.0).then(|| (self.squares / (self.n - 1.0)).sqrt())
    }

    /// What a deviation must exceed to be divided by, as for the whole series.
    fn rounding(&self) -> f64 {
        8.0 * f64::EPSILON * (1.0 + self.largest)
    }
}

/// `figure` of each full window of pairs.
fn over(
    a: &[f64],
    b: &[f64],
    window: usize,
    figure: impl Fn(&Moments) -> Option<f64>,
) -> Vec<Option<f64>> {
    let n = a.len().min(b.len());
    let mut figures = vec![None; n];
    if window == 0 || window > n {
        return figures;
    }
    let mut suffixes = vec![Moments::default(); window];
    for block in (0..n).step_by(window) {
        let end = (block + window).min(n);
        let mut prefix = Moments::default();
        for i in block..end {
            prefix = prefix.with(a[i], b[i]);
            let within = i - block + 1;
            if within == window {
                figures[i] = figure(&prefix);
            } else if block > 0 {
                figures[i] = figure(&suffixes[within].joined(&prefix));
            }
        }
        if end - block == window {
            let mut suffix = Moments::default();
            for i in (block..end).rev() {
                suffix = suffix.with(a[i], b[i]);
                suffixes[i - block] = suffix;
            }
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::performance::{annual_volatility, compare_to_benchmark, sharpe};

    #[test]
    fn the_first_full_window_is_the_first_value() {
        let returns = [0.01, 0.03, -0.01, 0.03];
        let vol = rolling_volatility(&returns, 2, 1.0);
        // Two values d apart deviate by d / sqrt 2.
        let expected =
            [None, Some(0.02), Some(0.04), Some(0.04)].map(|v| v.map(|d| d / 2_f64.sqrt()));
        for (got, expected) in vol.iter().zip(expected) {
            assert_eq!(got.is_some(), expected.is_some());
            if let (Some(got), Some(expected)) = (got, expected) {
                assert!((got - expected).abs() < 1e-15, "{got} is not {expected}");
            }
        }
        assert_eq!(rolling_sharpe(&returns, 5, 1.0), [None; 4]);
        assert_eq!(rolling_volatility(&returns, 0, 1.0), [None; 4]);
        assert_eq!(rolling_volatility(&returns, 1, 1.0), [None; 4]);
        assert!(rolling_beta(&[], &[], 3).is_empty());
    }

    #[test]
    fn a_window_at_rest_after_a_storm_has_no_ratio() {
        let mut returns = vec![0.3, -0.2, 0.5];
        returns.extend([0.0; 9]);
        let (vol, ratio) = (
            rolling_volatility(&returns, 4, 252.0),
            rolling_sharpe(&returns, 4, 252.0),
        );
        assert_eq!(vol[6..], [Some(0.0); 6]);
        assert_eq!(ratio[6..], [None; 6]);
        assert_eq!(rolling_beta(&[0.1; 12], &returns, 4)[6..], [None; 6]);
    }

    #[test]
    fn half_the_book_sold_and_bought_again_in_a_year_is_a_turnover_of_one_half() {
        let turned = rolling_turnover(&[0.0, 60.0, 40.0, 0.0], &[100.0; 4], 4, 4.0);
        assert_eq!(turned, [None, None, None, Some(0.5)]);
    }

    proptest! {
        #[test]
        fn every_window_equals_its_figure_computed_alone(
            pairs in proptest::collection::vec((-0.2_f64..0.2, -0.2_f64..0.2), 1..90),
            window in 2_usize..40,
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let all = [
                rolling_volatility(&a, window, 252.0),
                rolling_sharpe(&a, window, 252.0),
                rolling_beta(&a, &b, window),
            ];
            for end in 0..a.len() {
                let alone = (end + 1 >= window).then(|| {
                    let (a, b) = (&a[end + 1 - window..=end], &b[end + 1 - window..=end]);
                    [
                        annual_volatility(a, 252.0),
                        sharpe(a, 252.0),
                        compare_to_benchmark(a, b, 252.0).unwrap().beta,
                    ]
                });
                for (k, figures) in all.iter().enumerate() {
                    let alone = alone.and_then(|f| f[k]);
                    prop_assert_eq!(figures[end].is_some(), alone.is_some());
                    if let (Some(x), Some(y)) = (figures[end], alone) {
                        prop_assert!((x - y).abs() <= 1e-9 * y.abs().max(1.0), "{} {}", x, y);
                    }
                }
            }
        }
    }
}
