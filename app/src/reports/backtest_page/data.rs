//! What the data hold, and what they lack.

use crate::drivers::backtest::Summary;
use crate::reports::figures::count;
use crate::reports::html::{Column, Section, Table};

pub(super) fn quality(s: &Summary) -> Section {
    let mut table = Table::new(
        format!("Of {} bars", count(s.bars as u64)),
        [
            ("symbol", Column::Text),
            ("first bar", Column::Text),
            ("last bar", Column::Text),
            ("bars", Column::Number),
            ("holes", Column::Number),
            ("not listed yet", Column::Number),
            ("closed", Column::Number),
            ("delisted", Column::Number),
            ("splits", Column::Number),
            ("dividends", Column::Number),
        ],
    );
    let date = |d: &Option<String>| d.clone().unwrap_or_else(|| "–".to_owned());
    for d in &s.analysis.data {
        table = table.row([
            d.symbol.clone(),
            date(&d.first),
            date(&d.last),
            count(d.bars as u64),
            count(d.holes as u64),
            count(d.not_listed as u64),
            count(d.closed as u64),
            count(d.delisted as u64),
            count(d.splits as u64),
            count(d.dividends as u64),
        ]);
    }
    let section = Section::new("Data").table(table);
    if s.data_findings.is_empty() {
        return section;
    }
    let mut findings = Table::new(
        "Held against the data contract",
        [
            ("kind", Column::Text),
            ("symbol", Column::Text),
            ("consequence", Column::Text),
            ("how many", Column::Number),
            ("first", Column::Text),
            ("what", Column::Text),
        ],
    );
    for f in &s.data_findings {
        findings = findings.row([
            f.code.clone(),
            f.symbol.clone().unwrap_or_else(|| "–".to_owned()),
            f.consequence.clone(),
            count(f.count),
            f.first.clone(),
            f.message.clone(),
        ]);
    }
    section.table(findings)
}
