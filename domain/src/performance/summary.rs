//! All figures of one return series, in the order they are printed.

use serde::Serialize;

use super::defined;
use super::drawdown::{max_drawdown, ulcer_index};
use super::moments::{excess_kurtosis, skew};
use super::ratios::{
    annual_volatility, calmar, downside_deviation, hit_rate, omega, sharpe, sortino,
};
use super::returns::{cagr, check_equity, simple_returns, total_return, wealth};
use super::tail::{Ordered, var_parametric};
use crate::error::{Error, Result};

/// The figures of a return series. A figure that is not defined is `None`, `null` in JSON.
///
/// Losses are negative, the risk-free rate is zero; each definition is on the function named.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// `Π(1 + r) - 1`: [`total_return`](super::total_return).
    pub total_return: Option<f64>,
    /// Compound annual growth rate: [`cagr`](super::cagr).
    pub cagr: Option<f64>,
    /// Annualised volatility, ddof 1: [`annual_volatility`](super::annual_volatility).
    pub annual_vol: Option<f64>,
    /// Annualised Sharpe ratio: [`sharpe`](super::sharpe).
    pub sharpe: Option<f64>,
    /// Annualised downside deviation: [`downside_deviation`](super::downside_deviation).
    pub downside_deviation: Option<f64>,
    /// Annualised Sortino ratio: [`sortino`](super::sortino).
    pub sortino: Option<f64>,
    /// Depth of the deepest drawdown: [`max_drawdown`](super::max_drawdown); zero without one.
    pub max_drawdown: Option<f64>,
    /// Calmar ratio over the whole series: [`calmar`](super::calmar).
    pub calmar: Option<f64>,
    /// Index, in the return series, of the bar at the trough; `None` without a drawdown.
    pub max_drawdown_trough_index: Option<i64>,
    /// Index, in the return series, of the peak before it; -1 is the opening capital.
    pub max_drawdown_peak_index: Option<i64>,
    /// Historical value at risk, 95 %: [`var_historical`](super::var_historical).
    #[serde(rename = "var_hist_0.95")]
    pub var_hist_95: Option<f64>,
    /// Parametric value at risk, 95 %: [`var_parametric`].
    #[serde(rename = "var_param_0.95")]
    pub var_param_95: Option<f64>,
    /// Historical expected shortfall, 95 %: [`es_historical`](super::es_historical).
    #[serde(rename = "es_hist_0.95")]
    pub es_hist_95: Option<f64>,
    /// Mean of the returns not above `var_hist_95`: [`es_tail_mean`](super::es_tail_mean).
    #[serde(rename = "es_tail_mean_0.95")]
    pub es_tail_mean_95: Option<f64>,
    /// Historical value at risk, 99 %.
    #[serde(rename = "var_hist_0.99")]
    pub var_hist_99: Option<f64>,
    /// Parametric value at risk, 99 %.
    #[serde(rename = "var_param_0.99")]
    pub var_param_99: Option<f64>,
    /// Historical expected shortfall, 99 %.
    #[serde(rename = "es_hist_0.99")]
    pub es_hist_99: Option<f64>,
    /// Mean of the returns not above `var_hist_99`.
    #[serde(rename = "es_tail_mean_0.99")]
    pub es_tail_mean_99: Option<f64>,
    /// Adjusted skewness: [`skew`](super::skew).
    pub skew: Option<f64>,
    /// Bias-corrected excess kurtosis: [`excess_kurtosis`](super::excess_kurtosis).
    pub excess_kurtosis: Option<f64>,
    /// Gains over losses: [`omega`](super::omega).
    pub omega_0: Option<f64>,
    /// Size of the good tail over the bad: [`tail_ratio`](super::tail_ratio).
    pub tail_ratio: Option<f64>,
    /// Share of returns above zero: [`hit_rate`](super::hit_rate).
    pub hit_rate: Option<f64>,
    /// Largest return.
    pub best: Option<f64>,
    /// Smallest return.
    pub worst: Option<f64>,
    /// Root mean square drawdown: [`ulcer_index`](super::ulcer_index).
    pub ulcer_index: Option<f64>,
    /// Number of returns.
    pub n: usize,
}

impl Metrics {
    /// Of an equity series that starts with the opening capital. One value alone has no returns:
    /// `n` is 0 and what needs returns is `None`.
    ///
    /// # Errors
    /// As [`check_equity`]; `Configuration` when `annualisation` is not finite and positive.
    pub fn from_equity(equity: &[f64], annualisation: f64) -> Result<Self> {
        check_annualisation(annualisation)?;
        check_equity(equity)?;
        Ok(Self::compute(
            equity,
            &simple_returns(equity)?,
            annualisation,
        ))
    }

    /// Of simple returns; the opening capital of 1 counts as a peak.
    ///
    /// # Errors
    /// As [`check_returns`](super::check_returns); `Configuration` when `annualisation` is not
    /// finite and positive.
    pub fn from_returns(returns: &[f64], annualisation: f64) -> Result<Self> {
        check_annualisation(annualisation)?;
        Ok(Self::compute(&wealth(returns)?, returns, annualisation))
    }

    fn compute(equity: &[f64], returns: &[f64], annualisation: f64) -> Self {
        let a = annualisation;
        let deepest = max_drawdown(equity);
        let depth = deepest.map_or(0.0, |d| d.depth);
        let ordered = Ordered::new(returns);
        let of = |figure: &dyn Fn(&Ordered) -> Option<f64>| ordered.as_ref().and_then(figure);
        Self {
            total_return: total_return(equity),
            cagr: cagr(equity, a),
            annual_vol: annual_volatility(returns, a),
            sharpe: sharpe(returns, a),
            downside_deviation: downside_deviation(returns, a),
            sortino: sortino(returns, a),
            max_drawdown: Some(depth),
            calmar: calmar(equity, depth, a),
            max_drawdown_trough_index: deepest.map(|d| return_row(d.trough)),
            max_drawdown_peak_index: deepest.map(|d| return_row(d.peak)),
            var_hist_95: of(&|o| o.var_historical(0.95)),
            var_param_95: var_parametric(returns, 0.95),
            es_hist_95: of(&|o| o.es_historical(0.95)),
            es_tail_mean_95: of(&|o| o.es_tail_mean(0.95)),
            var_hist_99: of(&|o| o.var_historical(0.99)),
            var_param_99: var_parametric(returns, 0.99),
            es_hist_99: of(&|o| o.es_historical(0.99)),
            es_tail_mean_99: of(&|o| o.es_tail_mean(0.99)),
            skew: skew(returns),
            excess_kurtosis: excess_kurtosis(returns),
            omega_0: omega(returns),
            tail_ratio: of(&|o| defined(o.percentile(0.95)?.abs() / o.percentile(0.05)?.abs())),
            hit_rate: hit_rate(returns),
            best: of(&|o| Some(o.largest())),
            worst: of(&|o| Some(o.smallest())),
            ulcer_index: ulcer_index(equity),
            n: returns.len(),
        }
    }
}

/// The return that leads to a bar of the equity series; the opening capital is row -1.
#[allow(
    clippy::expect_used,
    reason = "internal invariant: a series is shorter than 2^63"
)]
fn return_row(equity_index: usize) -> i64 {
    i64::try_from(equity_index).expect("a series is shorter than 2^63") - 1
}

fn check_annualisation(annualisation: f64) -> Result<()> {
    if annualisation.is_finite() && annualisation > 0.0 {
        return Ok(());
    }
    Err(
        Error::config("annualisation must be a positive number of bars in a year")
            .context("annualisation", annualisation)
            .hint("365 for daily bars around the clock, 252 for daily bars of US equities"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    fn close(name: &str, got: Option<f64>, expected: f64) {
        let got = got.unwrap_or_else(|| panic!("{name} is undefined"));
        assert!(
            (got - expected).abs() < 1e-12,
            "{name}: {got} is not {expected}"
        );
    }

    /// Ten bars worked out by hand in exact fractions; equity 100 → 132 after one drawdown of a
    /// quarter.
    #[test]
    fn ten_bars_equal_a_hand_calculation() {
        // Returns: 0.1 0.2 -0.25 0 0.2 0.1 -0.1 0.1 0.05 0.1 on a starting capital of 1.
        let returns = [0.1, 0.2, -0.25, 0.0, 0.2, 0.1, -0.1, 0.1, 0.05, 0.1];
        let m = Metrics::from_returns(&returns, 250.0).unwrap();
        // Sum 0.5, mean 0.05; squares sum 0.01+0.04+0.0625+0+0.04+0.01+0.01+0.01+0.0025+0.01
        // = 0.195, less 10 · 0.05² = 0.17; variance 0.17 / 9.
        let deviation = (0.17_f64 / 9.0).sqrt();
        // 1.1, 1.32, 0.99, 0.99, 1.188, 1.3068, 1.17612, 1.293732, 1.3584186, 1.49426046.
        let last = 1.494_260_46;
        close("total_return", m.total_return, last - 1.0);
        close(
            "cagr",
            m.cagr.map(f64::ln_1p),
            25.0 * f64::ln_1p(last - 1.0),
        );
        close("annual_vol", m.annual_vol, deviation * 250.0_f64.sqrt());
        close("sharpe", m.sharpe, 0.05 / deviation * 250.0_f64.sqrt());
        // Losses squared: 0.0625 + 0.01 over ten bars.
        let downside = (0.0725_f64 / 10.0 * 250.0).sqrt();
        close("downside_deviation", m.downside_deviation, downside);
        close("sortino", m.sortino, 12.5 / downside);
        close("max_drawdown", m.max_drawdown, -0.25);
        assert_eq!(m.max_drawdown_peak_index, Some(1));
        assert_eq!(m.max_drawdown_trough_index, Some(2));
        close("calmar", m.calmar, m.cagr.unwrap() / 0.25);
        // Sorted: -0.25 -0.1 0 0.05 0.1 0.1 0.1 0.1 0.2 0.2; 5 % lies at 0.45 of the first gap.
        close("var_hist_0.95", m.var_hist_95, -0.25 + 0.45 * 0.15);
        close("es_hist_0.95", m.es_hist_95, -0.25);
        close("es_tail_mean_0.95", m.es_tail_mean_95, -0.25);
        close("tail_ratio", m.tail_ratio, 0.2 / 0.1825);
        close("omega_0", m.omega_0, 0.85 / 0.35);
        close("hit_rate", m.hit_rate, 0.7);
        close("best", m.best, 0.2);
        close("worst", m.worst, -0.25);
        // Under water: -0.25 -0.25 -0.1 -0.01 -0.109 -0.0199 0 and nothing else.
        let depths: [f64; 6] = [0.25, 0.25, 0.1, 0.01, 0.109, 0.0199];
        let squares: f64 = depths.iter().map(|d| d * d).sum();
        close("ulcer_index", m.ulcer_index, (squares / 10.0).sqrt());
        assert_eq!(m.n, 10);
    }

    #[test]
    fn a_flat_series_prints_null_and_no_nan() {
        let m = Metrics::from_equity(&[100.0; 30], 365.0).unwrap();
        let json = serde_json::to_value(&m).unwrap();
        for key in [
            "sharpe",
            "sortino",
            "calmar",
            "skew",
            "omega_0",
            "tail_ratio",
            "max_drawdown_trough_index",
        ] {
            assert!(json[key].is_null(), "{key} is {}", json[key]);
        }
        assert_eq!(json["max_drawdown"], 0.0);
        assert_eq!(json["n"], 29);
        let alone = Metrics::from_equity(&[100.0], 365.0).unwrap();
        assert_eq!((alone.n, alone.cagr, alone.best), (0, None, None));
    }

    #[test]
    fn keys_are_in_the_documented_order() {
        let m = Metrics::from_returns(&[0.1, -0.1], 252.0).unwrap();
        let text = serde_json::to_string(&m).unwrap();
        assert!(text.starts_with("{\"total_return\":"), "{text}");
        let (var, es) = (
            text.find("\"var_hist_0.95\"").unwrap(),
            text.find("\"es_hist_0.95\""),
        );
        assert!(var < es.unwrap() && text.ends_with("\"n\":2}"), "{text}");
    }

    #[test]
    fn a_year_has_a_positive_number_of_bars() {
        for bad in [0.0, -252.0, f64::NAN, f64::INFINITY] {
            let e = Metrics::from_equity(&[1.0, 2.0], bad).unwrap_err();
            assert_eq!(*e.kind, ErrorKind::Configuration, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn equity_and_returns_tell_the_same_story(
            returns in proptest::collection::vec(-0.5_f64..0.5, 1..120)
        ) {
            let a = Metrics::from_returns(&returns, 252.0).unwrap();
            let equity: Vec<f64> = wealth(&returns).unwrap().iter().map(|w| w * 1e6).collect();
            let b = Metrics::from_equity(&equity, 252.0).unwrap();
            let (a, b) = (serde_json::to_value(&a).unwrap(), serde_json::to_value(&b).unwrap());
            for (key, x) in a.as_object().unwrap() {
                let y = &b[key];
                prop_assert_eq!(x.is_null(), y.is_null(), "{}", key);
                if let (Some(x), Some(y)) = (x.as_f64(), y.as_f64()) {
                    prop_assert!((x - y).abs() <= 1e-9 * x.abs().max(1.0), "{}: {} {}", key, x, y);
                }
            }
        }
    }
}
