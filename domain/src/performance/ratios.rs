//! Reward over risk, from a series of simple returns.

use super::moments::{mean, standard_deviation, sum, usable_deviation};
use super::tail::percentile;
use super::{defined, returns};

/// Standard deviation (ddof 1) times `sqrt(annualisation)`; `None` below two returns.
pub fn annual_volatility(returns: &[f64], annualisation: f64) -> Option<f64> {
    defined(standard_deviation(returns)? * annualisation.sqrt())
}

/// `mean / standard deviation (ddof 1) · sqrt(annualisation)`, risk-free rate zero.
///
/// `None` below two returns or when they differ by rounding only.
pub fn sharpe(returns: &[f64], annualisation: f64) -> Option<f64> {
    defined(mean(returns)? / usable_deviation(returns)? * annualisation.sqrt())
}

/// `sqrt(mean(min(r, 0)²)) · sqrt(annualisation)`: target zero, the mean runs over all returns.
/// `None` without returns.
pub fn downside_deviation(returns: &[f64], annualisation: f64) -> Option<f64> {
    if returns.is_empty() {
        return None;
    }
    let squares = sum(returns.iter().map(|r| r.min(0.0) * r.min(0.0)));
    defined((squares / returns.len() as f64).sqrt() * annualisation.sqrt())
}

/// `mean · annualisation / downside deviation`; `None` when no return is negative.
pub fn sortino(returns: &[f64], annualisation: f64) -> Option<f64> {
    let downside = downside_deviation(returns, annualisation)?;
    if downside <= 0.0 {
        return None;
    }
    defined(mean(returns)? * annualisation / downside)
}

/// [`cagr`](returns::cagr) over the magnitude of `max_drawdown` (a negative number); `None`
/// without a drawdown.
pub fn calmar(equity: &[f64], max_drawdown: f64, annualisation: f64) -> Option<f64> {
    if max_drawdown >= 0.0 {
        return None;
    }
    defined(returns::cagr(equity, annualisation)? / max_drawdown.abs())
}

/// Sum of gains over sum of losses, threshold zero; `None` when nothing was lost.
pub fn omega(returns: &[f64]) -> Option<f64> {
    let gains = sum(returns.iter().copied().filter(|r| *r > 0.0));
    let losses = -sum(returns.iter().copied().filter(|r| *r < 0.0));
    if losses <= 0.0 {
        return None;
    }
    defined(gains / losses)
}

/// Magnitude of the 95th over that of the 5th percentile of returns; `None` when the latter is
/// zero.
pub fn tail_ratio(returns: &[f64]) -> Option<f64> {
    let (upper, lower) = (percentile(returns, 0.95)?, percentile(returns, 0.05)?);
    defined(upper.abs() / lower.abs())
}

/// Share of returns above zero, from 0 to 1; `None` without returns.
pub fn hit_rate(returns: &[f64]) -> Option<f64> {
    if returns.is_empty() {
        return None;
    }
    let hits = returns.iter().filter(|r| **r > 0.0).count();
    defined(hits as f64 / returns.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETURNS: [f64; 4] = [0.5, -0.25, 0.25, -0.5];

    fn close(got: Option<f64>, expected: f64) {
        let got = got.unwrap();
        assert!((got - expected).abs() < 1e-14, "{got} is not {expected}");
    }

    #[test]
    fn ratios_equal_hand_calculations() {
        // Mean 0; squares 0.25 + 0.0625 + 0.0625 + 0.25 = 0.625.
        close(
            annual_volatility(&RETURNS, 4.0),
            (0.625_f64 / 3.0).sqrt() * 2.0,
        );
        close(sharpe(&RETURNS, 4.0), 0.0);
        close(
            downside_deviation(&RETURNS, 4.0),
            (0.3125_f64 / 4.0).sqrt() * 2.0,
        );
        close(omega(&RETURNS), 1.0);
        close(hit_rate(&RETURNS), 0.5);
        close(sortino(&[0.3, -0.1], 1.0), 0.1 / 0.005_f64.sqrt());
        close(sharpe(&[0.3, -0.1], 1.0), 0.1 / 0.08_f64.sqrt());
        close(calmar(&[1.0, 0.5, 1.5], -0.5, 2.0), 1.0);
    }

    #[test]
    fn without_risk_a_ratio_is_undefined_and_not_infinite() {
        let flat = [0.0; 5];
        let steady: Vec<f64> = {
            // The same growth each bar; the returns differ in their last bits only.
            let equity: Vec<f64> = (0..50).map(|i| libm::pow(1.01, f64::from(i))).collect();
            returns::simple_returns(&equity).unwrap()
        };
        for series in [&flat[..], &steady] {
            assert_eq!(sharpe(series, 252.0), None);
            assert_eq!(sortino(series, 252.0), None);
            assert_eq!(omega(series), None);
        }
        assert_eq!(tail_ratio(&flat), None);
        assert_eq!(calmar(&[1.0, 1.0], 0.0, 252.0), None);
        assert_eq!(hit_rate(&[]), None);
    }
}
