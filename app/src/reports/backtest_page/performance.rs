//! When the run earned and when it hurt.

use ballast_domain::time::Timestamp;

use crate::drivers::backtest::{Finished, Summary};
use crate::reports::axis::{Scale, ValueFormat};
use crate::reports::calendar_table::CalendarTable;
use crate::reports::distribution_chart::DistributionChart;
use crate::reports::figures::{count, maybe_percent, percent, ratio};
use crate::reports::html::{Column, Section, Table};
use crate::reports::svg::LineChart;

/// A value for each close of the run, beside its time.
pub(super) fn over_time(
    run: &Finished,
    values: impl IntoIterator<Item = f64>,
) -> impl Iterator<Item = (Timestamp, f64)> {
    run.artefacts.times.iter().copied().zip(values)
}

/// As [`over_time`]; what is not defined is a gap.
pub(super) fn defined_over_time(
    run: &Finished,
    values: &[Option<f64>],
) -> impl Iterator<Item = (Timestamp, f64)> {
    over_time(run, values.iter().map(|v| v.unwrap_or(f64::NAN)))
}

pub(super) fn equity(run: &Finished) -> Section {
    Section::new("Equity").drawing(&equity_chart(run))
}

fn equity_chart(run: &Finished) -> LineChart {
    let times = &run.artefacts.times;
    let curve = |values: &[f64]| -> Vec<_> {
        times
            .iter()
            .copied()
            .zip(values.iter().skip(1).copied())
            .collect()
    };
    let mut chart = LineChart::new("Capital over time", format!("in {}", run.summary.currency))
        .scale(Scale::Log)
        .series(run.summary.strategy.clone(), curve(&run.artefacts.equity));
    for benchmark in &run.benchmarks {
        chart = chart.series(benchmark.name.clone(), curve(&benchmark.values));
    }
    chart
}

pub(super) fn drawdowns(run: &Finished) -> Section {
    let mut table = Table::new(
        "The ten deepest drawdowns",
        [
            ("peak", Column::Text),
            ("trough", Column::Text),
            ("recovered", Column::Text),
            ("depth", Column::Number),
            ("bars down", Column::Number),
            ("bars up", Column::Number),
            ("length", Column::Number),
        ],
    );
    for d in &run.summary.analysis.drawdowns {
        let up = d
            .recovery_bars
            .map_or_else(|| "–".to_owned(), |n| count(n as u64));
        table = table.row([
            d.start.clone(),
            d.trough.clone(),
            d.recovery.clone().unwrap_or_else(|| "not yet".to_owned()),
            percent(d.depth),
            count(d.decline_bars as u64),
            up,
            count(d.length_bars as u64),
        ]);
    }
    Section::new("Drawdowns")
        .drawing(&drawdown_chart(run))
        .table(table)
}

fn drawdown_chart(run: &Finished) -> LineChart {
    LineChart::new("Under water", "below the last peak")
        .format(ValueFormat::Percent)
        .height(200.0)
        .filled_to_zero()
        .series(
            run.summary.strategy.clone(),
            over_time(run, run.curves.drawdown.iter().copied()),
        )
}

pub(super) fn calendar(s: &Summary) -> Section {
    Section::new("Months").drawing(&CalendarTable::new(
        "Returns by month and year, percent; the first and the last may be partial",
        &s.analysis.years,
    ))
}

pub(super) fn rolling(run: &Finished) -> Section {
    let (analysis, curves) = (&run.summary.analysis, &run.curves);
    let section = Section::new("Rolling year");
    let bars = count(analysis.window as u64);
    if curves.returns.len() < analysis.window {
        return section.paragraph(format!(
            "A moving year needs {bars} bars; the run has fewer."
        ));
    }
    let name = run.summary.strategy.clone();
    let chart = |title: &str, unit: &str, values: &[Option<f64>]| {
        LineChart::new(title, unit)
            .height(190.0)
            .series(name.clone(), defined_over_time(run, values))
    };
    let mut section = section
        .paragraph(format!("Each value is of the {bars} bars that end there."))
        .drawing(
            &chart("Volatility", "annualised", &curves.volatility).format(ValueFormat::Percent),
        )
        .drawing(&chart(
            "Sharpe ratio",
            "annualised, risk-free rate 0",
            &curves.sharpe,
        ));
    if let Some(index) = &analysis.beta_to {
        let unit = format!("slope of bar returns on those of {index}");
        section = section.drawing(&chart("Beta", &unit, &curves.beta));
    }
    section
}

pub(super) fn distribution(s: &Summary) -> Section {
    let m = &s.metrics;
    let chart = DistributionChart::new(
        "Bar returns",
        "how many of which size",
        &s.analysis.distribution,
    )
    .mark(
        format!("VaR 95 %: {}", maybe_percent(m.var_hist_95)),
        m.var_hist_95,
    )
    .mark(
        format!("ES 95 %: {}", maybe_percent(m.es_hist_95)),
        m.es_hist_95,
    );
    Section::new("Distribution")
        .drawing(&chart)
        .table(figures(s))
}

fn figures(s: &Summary) -> Table {
    let m = &s.metrics;
    let rows = [
        ("Sortino ratio", ratio(m.sortino)),
        ("Calmar ratio", ratio(m.calmar)),
        ("VaR 95 %, historical, a bar", maybe_percent(m.var_hist_95)),
        (
            "expected shortfall 95 %, a bar",
            maybe_percent(m.es_hist_95),
        ),
        ("skew", ratio(m.skew)),
        ("excess kurtosis", ratio(m.excess_kurtosis)),
        ("bars with a gain", maybe_percent(m.hit_rate)),
        ("ulcer index", maybe_percent(m.ulcer_index)),
    ];
    rows.into_iter().fold(
        Table::new(
            "Risk and return; summary.json has all of them at full precision",
            [("figure", Column::Text), ("value", Column::Number)],
        ),
        |table, (what, n)| table.row([what.to_owned(), n]),
    )
}
