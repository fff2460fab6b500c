//! What the book was made of, and what each part earned.

use super::performance::{defined_over_time, over_time};
use crate::drivers::backtest::{Finished, Summary};
use crate::reports::axis::ValueFormat;
use crate::reports::figures::{amount, count, percent};
use crate::reports::html::{Column, Section, Table};
use crate::reports::stacked_area::{COLOURS, REST, StackedArea};
use crate::reports::svg::LineChart;

pub(super) fn exposure(run: &Finished) -> Section {
    let name = run.summary.strategy.clone();
    let gross = run.artefacts.gross.iter().copied();
    Section::new("Exposure")
        .drawing(&weights(run))
        .drawing(
            &LineChart::new("Invested", "share of equity, both sides counted")
                .format(ValueFormat::Percent)
                .height(190.0)
                .filled_to_zero()
                .series(name.clone(), over_time(run, gross)),
        )
        .drawing(
            &LineChart::new(
                "Turnover",
                "one way, in the year that ends there; 1 replaces the whole book once",
            )
            .height(190.0)
            .series(name, defined_over_time(run, &run.curves.turnover)),
        )
}

/// Each symbol a layer, the smallest together where there are more than colours, and cash.
fn weights(run: &Finished) -> StackedArea {
    let (artefacts, lanes) = (&run.artefacts, run.instruments.len());
    let column = |k: usize| -> Vec<f64> {
        let rows = artefacts.weights.chunks_exact(lanes + 1);
        rows.map(|row| row[k]).collect()
    };
    let columns: Vec<Vec<f64>> = (1..=lanes).map(column).collect();
    let sizes: Vec<f64> = columns
        .iter()
        .map(|column| column.iter().map(|w| w.abs()).sum())
        .collect();
    let mut order: Vec<usize> = (0..lanes).collect();
    order.sort_by(|a, b| sizes[*b].total_cmp(&sizes[*a]).then(a.cmp(b)));
    let shown = if lanes > COLOURS { COLOURS - 1 } else { lanes };
    let mut chart = StackedArea::new("Weights", "shares of equity", &artefacts.times);
    let (own, others) = order.split_at(shown);
    for (fill, &k) in own.iter().enumerate() {
        let symbol = run.instruments.all()[k].symbol.clone();
        chart = chart.layer(symbol, fill, &columns[k]);
    }
    if !others.is_empty() {
        let mut sum = vec![0.0; artefacts.times.len()];
        for &k in others {
            for (sum, weight) in sum.iter_mut().zip(&columns[k]) {
                *sum += weight;
            }
        }
        chart = chart.layer(format!("{} others", others.len()), COLOURS - 1, &sum);
    }
    chart.layer("cash", REST, &column(0))
}

/// What each sleeve earned, over time and in the end.
pub(super) fn sleeves(run: &Finished) -> Section {
    let s = &run.summary;
    let mut chart = LineChart::new(
        "Earned by each sleeve",
        "of the opening capital, after fees",
    )
    .format(ValueFormat::Percent);
    for (row, returns) in s.analysis.sleeves.iter().zip(&run.artefacts.sleeve_returns) {
        let line = over_time(run, returns.iter().copied());
        chart = chart.series(row.sleeve.clone(), line);
    }
    let mut table = Table::new(
        format!(
            "What each sleeve earned, {}; together the account",
            s.currency
        ),
        [
            ("sleeve", Column::Text),
            ("of capital", Column::Number),
            ("net", Column::Number),
            ("price gains", Column::Number),
            ("fees", Column::Number),
            ("dividends", Column::Number),
            ("allocation", Column::Number),
            ("traded", Column::Number),
            ("crossed", Column::Number),
        ],
    );
    for row in &s.analysis.sleeves {
        table = table.row([
            row.sleeve.clone(),
            percent(row.net_return),
            amount(row.net_pnl),
            amount(row.gross_pnl),
            amount(row.fees),
            amount(row.income),
            percent(row.allocation),
            amount(row.traded),
            amount(row.crossed),
        ]);
    }
    Section::new("Sleeves")
        .paragraph(
            "Fills and fees are shared by what each sleeve wanted. What one bought while another \
             sold crossed inside the account, at the price of the decision and without a fee.",
        )
        .drawing(&chart)
        .table(table)
}

pub(super) fn contributions(s: &Summary) -> Section {
    let mut rows: Vec<_> = s.analysis.contributions.iter().collect();
    rows.sort_by(|a, b| b.net_pnl.total_cmp(&a.net_pnl));
    let mut table = Table::new(
        format!("What each symbol earned, {}", s.currency),
        [
            ("symbol", Column::Text),
            ("round trips", Column::Number),
            ("open", Column::Number),
            ("price gains", Column::Number),
            ("fees", Column::Number),
            ("dividends", Column::Number),
            ("net", Column::Number),
            ("of capital", Column::Number),
        ],
    );
    for c in rows {
        table = table.row([
            c.symbol.clone(),
            count(c.trades as u64),
            count(c.open as u64),
            amount(c.gross_pnl),
            amount(c.fees),
            amount(c.income),
            amount(c.net_pnl),
            percent(c.net_return),
        ]);
    }
    Section::new("Contribution").table(table)
}
