//! report.html of a backtest: the figures of summary.json and the tables, drawn and laid out.

mod book;
mod conditions;
mod data;
mod performance;
mod trading;

use super::figures::{amount, count, maybe_percent, percent, ratio};
use super::html::ReportPage;
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
        .section(performance::equity(run))
        .section(performance::drawdowns(run))
        .section(performance::calendar(s))
        .section(performance::rolling(run))
        .section(performance::distribution(s))
        .section(book::exposure(run))
        .section(book::contributions(s));
    if !s.analysis.sleeves.is_empty() {
        page = page.section(book::sleeves(run));
    }
    if !s.benchmarks.is_empty() {
        page = page.section(conditions::benchmarks(s));
    }
    page = page
        .section(conditions::costs(s))
        .section(trading::orders(s))
        .section(trading::trades(run))
        .section(data::quality(s));
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
