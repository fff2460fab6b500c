//! What the result is worth beside others, and under other conditions.

use crate::drivers::backtest::Summary;
use crate::reports::figures::{amount, maybe_percent, percent, ratio};
use crate::reports::html::{Column, Section, Table};

pub(super) fn benchmarks(s: &Summary) -> Section {
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

pub(super) fn costs(s: &Summary) -> Section {
    let c = &s.analysis.costs;
    let rows = [
        ("fees paid", format!("{} {}", amount(c.fees), s.currency)),
        (
            "traded, buys and sells",
            format!("{} {}", amount(c.traded_notional), s.currency),
        ),
        ("fees of what was traded", maybe_percent(c.fees_of_traded)),
        ("fees a year of mean equity", maybe_percent(c.fees_a_year)),
        ("turnover a year, one way", ratio(s.turnover.one_way)),
        (
            "total return without fees and slippage",
            maybe_percent(c.return_without_costs),
        ),
        ("total return less that", maybe_percent(c.cost_of_costs)),
    ];
    let table = rows.into_iter().fold(
        Table::new(
            "What trading cost",
            [("what", Column::Text), ("value", Column::Number)],
        ),
        |table, (what, value)| table.row([what.to_owned(), value]),
    );
    let section = Section::new("Costs and robustness").table(table);
    if s.robustness.is_empty() {
        return section;
    }
    section
        .paragraph("A result that lives only at its own costs or on its own bar is not one.")
        .table(robustness(s))
}

fn robustness(s: &Summary) -> Table {
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
    table
}
