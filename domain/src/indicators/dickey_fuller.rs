//! The augmented Dickey–Fuller statistic: how strongly a series returns to its trend.

/// A test of a series for a unit root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DickeyFuller {
    /// The t-statistic; more negative speaks more against a unit root.
    pub statistic: f64,
    /// The number of lagged changes that were used.
    pub lags: usize,
}

impl DickeyFuller {
    /// The statistic within `-20..=0`. A ranking needs no more: beyond -20 no series is any more
    /// stationary, and above 0 it explodes, which is as far from stationary as a random walk.
    pub fn clipped(self) -> f64 {
        self.statistic.clamp(-20.0, 0.0)
    }
}

/// The t-statistic of `γ` in `Δx_t = a + b t + γ x_{t−1} + Σ φ_i Δx_{t−i}` over `values`.
///
/// With a constant and a trend; the number of lagged
/// changes minimises Akaike's criterion among 0 to `⌈12 (n/100)^{1/4}⌉`, at most `n/2 − 3`, all
/// fitted on the bars that the longest leaves; the statistic comes from a fit on the bars that the
/// chosen one leaves (D. Dickey and W. Fuller 1979; the choices of statsmodels' `adfuller` with
/// `regression="ct"`, `autolag="AIC"`).
///
/// `None` below 8 values, or when the values are constant, on a line, or follow the lags exactly.
/// Windowed work: about `n × lags²` operations a call, so it belongs to decisions, not to bars.
pub fn dickey_fuller(values: &[f64]) -> Option<DickeyFuller> {
    let n = values.len();
    if n < 8 {
        return None;
    }
    let longest = longest_lag(n).min(n / 2 - 3);
    let changes: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
    let lags = best_lag(values, &changes, longest)?;
    // The level last, so that its share is what the others leave.
    let mut fit = Fit::new(&changes[lags..]);
    let rows = fit.rest.len();
    fit.add(vec![1.0; rows])?;
    fit.add((0..rows).map(|t| t as f64).collect())?;
    for lag in 1..=lags {
        fit.add(changes[lags - lag..changes.len() - lag].to_vec())?;
    }
    let share = fit.add(values[lags..n - 1].to_vec())?;
    let free = rows.checked_sub(lags + 3).filter(|free| *free > 0)?;
    let variance = fit.squares()? / free as f64;
    Some(DickeyFuller {
        statistic: share / variance.sqrt(),
        lags,
    })
}

/// `⌈12 (n/100)^{1/4}⌉`, the usual bound (G. W. Schwert 1989).
fn longest_lag(n: usize) -> usize {
    let bound = 12.0 * (n as f64 / 100.0).sqrt().sqrt();
    (0..).find(|lag| *lag as f64 >= bound).unwrap_or(0)
}

fn best_lag(values: &[f64], changes: &[f64], longest: usize) -> Option<usize> {
    let mut fit = Fit::new(&changes[longest..]);
    let rows = fit.rest.len();
    fit.add(vec![1.0; rows])?;
    fit.add((0..rows).map(|t| t as f64).collect())?;
    fit.add(values[longest..values.len() - 1].to_vec())?;
    let mut best: Option<(f64, usize)> = None;
    for lag in 0..=longest {
        if lag > 0 {
            fit.add(changes[longest - lag..changes.len() - lag].to_vec())?;
        }
        // Akaike's criterion without what all lags share.
        let likelihood = rows as f64 * libm::log(fit.squares()? / rows as f64);
        let criterion = likelihood + 2.0 * (lag + 3) as f64;
        if best.is_none_or(|(least, _)| criterion < least) {
            best = Some((criterion, lag));
        }
    }
    best.map(|(_, lag)| lag)
}

/// A least-squares fit that grows by one regressor at a time: Gram–Schmidt, each regressor
/// orthogonalised twice, which is as good as Householder's.
struct Fit {
    directions: Vec<Vec<f64>>,
    /// What the regressors leave of the target.
    rest: Vec<f64>,
    /// Below this a sum of squares is rounding.
    noise: f64,
}

impl Fit {
    fn new(target: &[f64]) -> Self {
        Self {
            directions: Vec::new(),
            rest: target.to_vec(),
            noise: dot(target, target) * 1e-24,
        }
    }

    /// Adds a regressor and gives its coefficient over its standard deviation's unit: the target's
    /// share along what is new in it. `None` when nothing is new.
    fn add(&mut self, mut regressor: Vec<f64>) -> Option<f64> {
        let before = dot(&regressor, &regressor);
        for _ in 0..2 {
            for direction in &self.directions {
                let share = dot(direction, &regressor);
                subtract(&mut regressor, share, direction);
            }
        }
        let squares = dot(&regressor, &regressor);
        if squares <= before * 1e-24 {
            return None;
        }
        let length = squares.sqrt();
        for x in &mut regressor {
            *x /= length;
        }
        let share = dot(&regressor, &self.rest);
        subtract(&mut self.rest, share, &regressor);
        self.directions.push(regressor);
        Some(share)
    }

    /// Sum of squares of what is left; `None` when that is rounding only.
    fn squares(&self) -> Option<f64> {
        let squares = dot(&self.rest, &self.rest);
        (squares > self.noise).then_some(squares)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn subtract(from: &mut [f64], share: f64, direction: &[f64]) {
    for (x, d) in from.iter_mut().zip(direction) {
        *x -= share * d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_bound_of_lags() {
        assert_eq!([60, 100, 101, 250, 1].map(longest_lag), [11, 12, 13, 16, 4]);
    }

    #[test]
    fn a_clipped_statistic_keeps_its_place() {
        let clip = |statistic| DickeyFuller { statistic, lags: 0 }.clipped();
        assert_eq!(
            [-31.0, -20.0, -3.5, 0.0, 1.25].map(clip),
            [-20.0, -20.0, -3.5, 0.0, 0.0]
        );
    }

    #[test]
    fn series_without_noise_have_no_statistic() {
        let line: Vec<f64> = (0..60).map(|i| 3.0 + 0.5 * f64::from(i)).collect();
        assert_eq!(dickey_fuller(&line), None);
        assert_eq!(dickey_fuller(&[7.0; 60]), None);
        assert_eq!(dickey_fuller(&[1.0, 2.0, 1.5, 1.8, 1.0, 1.1, 1.3]), None);
    }
}
