//! The figures of a series as a table.

use std::fmt::Write;

use ballast_domain::error::Result;
use chrono::NaiveDate;

use super::present::Answer;
use crate::commands::metrics::SeriesMetrics;
use crate::commands::metrics_detail::BenchmarkFigures;
use crate::reports::figures::{count, maybe_percent, percent, ratio};

pub(super) fn metrics(found: &SeriesMetrics) -> Result<Answer> {
    let m = &found.metrics;
    let row = |index: Option<i64>| index.map_or_else(|| "none".to_owned(), |i| i.to_string());
    let mut text = format!(
        "{}: {} returns, {} bars in a year\n\n",
        found.column,
        count(m.n as u64),
        found.annualisation
    );
    for (key, value, meaning) in [
        (
            "total_return",
            maybe_percent(m.total_return),
            "over the whole series",
        ),
        ("cagr", maybe_percent(m.cagr), "compound growth a year"),
        (
            "annual_vol",
            maybe_percent(m.annual_vol),
            "deviation a year, ddof 1",
        ),
        ("sharpe", ratio(m.sharpe), "risk-free rate 0"),
        (
            "downside_deviation",
            maybe_percent(m.downside_deviation),
            "a year, target 0",
        ),
        (
            "sortino",
            ratio(m.sortino),
            "mean a year over downside deviation",
        ),
        (
            "max_drawdown",
            maybe_percent(m.max_drawdown),
            "largest loss from a peak",
        ),
        ("calmar", ratio(m.calmar), "cagr over largest loss"),
        (
            "max_drawdown_peak_index",
            row(m.max_drawdown_peak_index),
            "return row; -1 is the start",
        ),
        (
            "max_drawdown_trough_index",
            row(m.max_drawdown_trough_index),
            "return row",
        ),
        (
            "var_hist_0.95",
            maybe_percent(m.var_hist_95),
            "5 % quantile of a bar",
        ),
        (
            "var_param_0.95",
            maybe_percent(m.var_param_95),
            "the same of a normal distribution",
        ),
        (
            "es_hist_0.95",
            maybe_percent(m.es_hist_95),
            "mean of the worst 5 %",
        ),
        (
            "es_tail_mean_0.95",
            maybe_percent(m.es_tail_mean_95),
            "mean up to var_hist_0.95",
        ),
        (
            "var_hist_0.99",
            maybe_percent(m.var_hist_99),
            "1 % quantile of a bar",
        ),
        (
            "var_param_0.99",
            maybe_percent(m.var_param_99),
            "the same of a normal distribution",
        ),
        (
            "es_hist_0.99",
            maybe_percent(m.es_hist_99),
            "mean of the worst 1 %",
        ),
        (
            "es_tail_mean_0.99",
            maybe_percent(m.es_tail_mean_99),
            "mean up to var_hist_0.99",
        ),
        ("skew", ratio(m.skew), "adjusted"),
        (
            "excess_kurtosis",
            ratio(m.excess_kurtosis),
            "bias corrected",
        ),
        ("omega_0", ratio(m.omega_0), "gains over losses"),
        (
            "tail_ratio",
            ratio(m.tail_ratio),
            "95 % quantile over 5 % quantile",
        ),
        (
            "hit_rate",
            maybe_percent(m.hit_rate),
            "share of returns above 0",
        ),
        ("best", maybe_percent(m.best), "largest return of a bar"),
        ("worst", maybe_percent(m.worst), "smallest return of a bar"),
        (
            "ulcer_index",
            maybe_percent(m.ulcer_index),
            "root mean square loss from a peak",
        ),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {key:<26} {value:>12}  {meaning}");
    }
    detail(&mut text, found);
    Answer::new(text, found)
}

/// What was asked for beyond the figures: benchmark, drawdowns, and where the moving figures stand.
fn detail(text: &mut String, found: &SeriesMetrics) {
    if let Some(BenchmarkFigures { column, figures }) = &found.benchmark {
        let _ = writeln!(
            text,
            "\nbeside {column}: {} returns\n",
            count(figures.n as u64)
        );
        for (key, value) in [
            ("alpha", maybe_percent(figures.alpha)),
            ("beta", ratio(figures.beta)),
            ("correlation", ratio(figures.correlation)),
            ("active_return", maybe_percent(figures.active_return)),
            ("tracking_error", maybe_percent(figures.tracking_error)),
            ("information_ratio", ratio(figures.information_ratio)),
        ] {
            let _ = writeln!(text, "  {key:<26} {value:>12}");
        }
    }
    if !found.drawdowns.is_empty() {
        let _ = writeln!(
            text,
            "\n  depth      peak        trough      recovery    bars"
        );
    }
    for d in &found.drawdowns {
        let day = |date: Option<NaiveDate>, none: &str| {
            date.map_or_else(|| none.to_owned(), |date| date.to_string())
        };
        let _ = writeln!(
            text,
            "  {:>9}  {:<10}  {:<10}  {:<10}  {}",
            percent(d.depth),
            day(d.peak, "the start"),
            day(d.trough, "–"),
            day(d.recovery, "not yet"),
            count(d.length_bars as u64)
        );
    }
    if let Some(last) = found.rolling.last() {
        let _ = writeln!(
            text,
            "\nmoving, at {}: volatility {}, Sharpe {}, beta {}; --json has every bar",
            last.time.date(),
            maybe_percent(last.volatility),
            ratio(last.sharpe),
            ratio(last.beta)
        );
    }
}
