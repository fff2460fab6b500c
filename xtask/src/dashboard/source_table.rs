//! Where data came from: a row for each source and operation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::figure::{escape, number, seconds};

/// What was counted of one source and operation, by the name of the figure.
type Row = BTreeMap<String, f64>;

/// The table, or nothing when no source was asked.
pub(super) fn render(samples: &[Value]) -> String {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for sample in samples {
        let label = |key: &str| sample["labels"][key].as_str().map(str::to_owned);
        let (Some(source), Some(operation)) = (label("source"), label("operation")) else {
            continue;
        };
        let (Some(name), Some(value)) = (sample["name"].as_str(), sample["value"].as_f64()) else {
            continue;
        };
        // Errors come by kind and are added up.
        *rows
            .entry((source, operation))
            .or_default()
            .entry(name.to_owned())
            .or_default() += value;
    }
    let get = |row: &Row, name: &str| row.get(name).copied().unwrap_or(0.0);
    rows.retain(|_, row| get(row, "market_data_fetches_total") > 0.0);
    if rows.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "<section class=\"sources\">\n<h2>Sources <small>who was asked, and how they answered\
         </small></h2>\n<div class=\"scroll\">\n<table>\n<thead><tr><th>Source</th>\
         <th>Operation</th><th class=\"n\">Calls</th><th class=\"n\">Failed</th>\
         <th>Answered</th><th class=\"n\">Bars</th><th class=\"n\">Mean time</th>\
         <th class=\"n\">Longest</th></tr></thead>\n<tbody>\n",
    );
    for ((source, operation), row) in &rows {
        let calls = get(row, "market_data_fetches_total");
        let failed = get(row, "market_data_errors_total");
        let answered = 100.0 * (1.0 - failed / calls).max(0.0);
        let mean = get(row, "market_data_fetch_nanos_total") / 1e9 / calls;
        let look = if failed > 0.0 { " look" } else { "" };
        _ = writeln!(
            text,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n{look}\">{}</td>\
             <td class=\"share\"><span class=\"meter\"><span style=\"width:{answered:.1}%\"></span>\
             </span> {answered:.1} %</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            escape(source),
            escape(operation),
            number(calls),
            number(failed),
            number(get(row, "market_data_bars_total")),
            seconds(mean),
            seconds(get(row, "market_data_fetch_seconds_max")),
        );
    }
    text + "</tbody>\n</table>\n</div>\n</section>\n"
}
