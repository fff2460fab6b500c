//! report.html of a backtest: the figures of summary.json, the equity curve, the caveats.

use ballast_domain::performance::underwater;

use super::axis::{Scale, ValueFormat};
use super::figures::{amount, count, maybe_percent, percent, ratio};
use super::html::{Column, ReportPage, Section, Table};
use super::svg::LineChart;
use crate::drivers::backtest::{Finished, Summary};

/// The page of a finished run.
pub fn render(run: &Finished) -> String {
    let s = &run.summary;
    let mut page = ReportPage::new(format!("{} backtest", s.name)).subtitle(format!(
        "{} on {}, {} to {}, {} bars",
        s.strategy,
        s.symbols.join(", "),
        date(&s.start),
        date(&s.end),
        count(s.bars as u64),
    ));
    page = headline(page, s)
        .chart(equity_chart(run))
        .chart(drawdown_chart(run));
    if !s.benchmarks.is_empty() {
        page = page.section(benchmarks(s));
    }
    if !s.robustness.is_empty() {
        page = page.section(robustness(s));
    }
    page = page.section(trading(s)).section(metrics(s));
    for caveat in &s.caveats {
        page = page.note(format!("{}: {}.", caveat.topic, caveat.text));
    }
    page.reproducibility("result", s.identity.result_id.clone())
        .reproducibility("program", s.identity.program_version.clone())
        .reproducibility("config", s.identity.config_hash.clone())
        .reproducibility("data", s.identity.data_hash.clone())
        .reproducibility("seed", s.identity.seed.to_string())
        .render()
}

fn date(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

fn headline(page: ReportPage, s: &Summary) -> ReportPage {
    let money = |v| format!("{} {}", amount(v), s.currency);
    page.summary(
        "total return",
        percent(s.total_return),
        format!("from {}", money(s.initial_cash)),
    )
    .summary(
        "final equity",
        money(s.final_equity),
        "cash and positions at the last close",
    )
    .summary("CAGR", maybe_percent(s.metrics.cagr), "a year")
    .summary(
        "Sharpe ratio",
        ratio(s.sharpe),
        "annualised, risk-free rate 0",
    )
    .summary(
        "maximum drawdown",
        maybe_percent(s.max_drawdown),
        "from a peak in closes",
    )
    .summary(
        "annual volatility",
        maybe_percent(s.metrics.annual_vol),
        "of bar returns",
    )
    .summary(
        "round trips",
        count(s.trades as u64),
        format!("{} fills", count(s.orders.fills)),
    )
    .summary("fees", money(s.fees), "slippage is in the fill prices")
    .summary(
        "dividends",
        money(s.income),
        "and cash in lieu, booked on the ex date",
    )
    .summary(
        "average exposure",
        percent(s.average_gross),
        "share of equity invested",
    )
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
    let mut chart = LineChart::new("Equity", format!("equity, {}", run.summary.currency))
        .scale(Scale::Log)
        .series(run.summary.strategy.clone(), curve(&run.artefacts.equity));
    for benchmark in &run.benchmarks {
        chart = chart.series(benchmark.name.clone(), curve(&benchmark.values));
    }
    chart
}

fn drawdown_chart(run: &Finished) -> LineChart {
    let below = underwater(&run.artefacts.equity);
    let points = run
        .artefacts
        .times
        .iter()
        .copied()
        .zip(below.into_iter().skip(1));
    LineChart::new("Drawdown", "below the last peak")
        .format(ValueFormat::Percent)
        .height(200.0)
        .filled_to_zero()
        .series(run.summary.strategy.clone(), points)
}

fn benchmarks(s: &Summary) -> Section {
    let mut table = Table::new(
        "The run against what needed no strategy",
        [
            ("name", Column::Text),
            ("total return", Column::Number),
            ("Sharpe", Column::Number),
            ("max drawdown", Column::Number),
            ("beta", Column::Number),
            ("correlation", Column::Number),
            ("what it is", Column::Prose),
        ],
    )
    .row([
        s.strategy.clone(),
        percent(s.total_return),
        ratio(s.sharpe),
        maybe_percent(s.max_drawdown),
        String::new(),
        String::new(),
        "this run".to_owned(),
    ]);
    for b in &s.benchmarks {
        table = table.row([
            b.name.clone(),
            percent(b.total_return),
            ratio(b.sharpe),
            maybe_percent(b.max_drawdown),
            ratio(b.comparison.beta),
            ratio(b.comparison.correlation),
            b.description.clone(),
        ]);
    }
    Section::new("Benchmarks").table(table)
}

fn robustness(s: &Summary) -> Section {
    let mut table = Table::new(
        "The same run under other conditions",
        [
            ("variant", Column::Text),
            ("total return", Column::Number),
            ("Sharpe", Column::Number),
            ("max drawdown", Column::Number),
            ("final equity", Column::Number),
        ],
    );
    for r in &s.robustness {
        table = table.row([
            r.name.clone(),
            percent(r.total_return),
            ratio(r.sharpe),
            maybe_percent(r.max_drawdown),
            amount(r.final_equity),
        ]);
    }
    Section::new("Robustness")
        .paragraph("A result that lives only at its own costs or on its own bar is not one.")
        .table(table)
}

fn trading(s: &Summary) -> Section {
    let o = &s.orders;
    let t = &s.trade_statistics;
    let rows: [(&str, String); 11] = [
        ("decisions", count(o.decisions)),
        ("orders wanted", count(o.intents)),
        ("denied by risk", count(o.denied)),
        ("sent", count(o.sent)),
        ("executions", count(o.fills)),
        ("targets not reached", count(o.residuals)),
        ("still waiting at the end", count(o.open_at_end as u64)),
        ("winning round trips", maybe_percent(t.win_rate)),
        ("profit factor", ratio(t.profit_factor)),
        ("bars held on average", ratio(t.average_bars_held)),
        ("turnover a year, one way", ratio(s.turnover.one_way)),
    ];
    let table = Table::new(
        "Orders and trades",
        [("what", Column::Text), ("number", Column::Number)],
    );
    let table = rows
        .into_iter()
        .fold(table, |table, (what, n)| table.row([what.to_owned(), n]));
    Section::new("Trading").table(table)
}

fn metrics(s: &Summary) -> Section {
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
    let table = Table::new(
        "Risk and return",
        [("figure", Column::Text), ("value", Column::Number)],
    );
    let table = rows
        .into_iter()
        .fold(table, |table, (what, n)| table.row([what.to_owned(), n]));
    Section::new("Figures")
        .paragraph("summary.json has all of them at full precision.")
        .table(table)
}
