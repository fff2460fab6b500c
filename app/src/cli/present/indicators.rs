//! `indicator` as people and programs read it.

use std::fmt::Write;

use ballast_domain::error::Result;
use ballast_domain::indicators::{CATALOGUE, Definition};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Answer, Paper};
use crate::commands::indicator::{Indicators, Values};
use crate::run_directory::text::time;

/// Rows a person is shown; programs read all of them as JSON.
const LAST_ROWS: usize = 10;

/// Values by spec, in the order of the question; undefined ones are null.
struct BySpec<'a>(&'a [Values]);

impl Serialize for BySpec<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for Values { spec, values } in self.0 {
            let defined = |x: &f64| x.is_finite().then_some(*x);
            let values: Vec<Option<f64>> = values.iter().map(defined).collect();
            map.serialize_entry(spec, &values)?;
        }
        map.end()
    }
}

pub(in crate::cli) fn table(found: &Indicators, paper: Paper) -> Result<Answer> {
    #[derive(serde::Serialize)]
    struct Json<'a> {
        symbol: &'a str,
        timestamp: Vec<String>,
        values: BySpec<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        annualisation: Option<f64>,
    }
    let value = Json {
        symbol: &found.symbol,
        timestamp: found.times.iter().map(|t| time(*t)).collect(),
        values: BySpec(&found.columns),
        annualisation: found.annualisation,
    };
    let rows = value.timestamp.len();
    let shown = rows.min(LAST_ROWS);
    let mut text = format!("{}: last {shown} of {rows} bars\n\n", found.symbol);
    let mut rest = &found.columns[..];
    while !rest.is_empty() {
        let (now, later) = rest.split_at(fitting(rest, paper.columns()));
        let head: Vec<&str> = std::iter::once("time")
            .chain(now.iter().map(|column| column.spec.as_str()))
            .collect();
        let row = |row: usize| {
            let cells = now.iter().map(|column| cell(column.values[row]));
            std::iter::once(value.timestamp[row].clone())
                .chain(cells)
                .collect()
        };
        let lines: Vec<Vec<String>> = (rows - shown..rows).map(row).collect();
        paper.table(&mut text, &[TIME], &head, &lines);
        rest = later;
        if !rest.is_empty() {
            text.push('\n');
        }
    }
    if let Some(bars) = found.annualisation {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  annualised with {bars} bars a year\n");
    }
    Answer::new(text, &value)
}

/// Columns of a time to the second.
const TIME: usize = 20;

/// How many columns of values fit beside the time; at least one.
fn fitting(columns: &[Values], room: usize) -> usize {
    let mut width = 2 + TIME;
    let fits = columns.iter().take_while(|column| {
        width += column.spec.len().max(14) + 2;
        width <= room
    });
    fits.count().max(1)
}

/// Eight significant digits; full precision is in the JSON.
fn cell(x: f64) -> String {
    if !x.is_finite() {
        return "-".to_owned();
    }
    let size = x.abs();
    if size != 0.0 && !(1e-4..1e9).contains(&size) {
        return format!("{x:.7e}");
    }
    let whole = format!("{size:.0}").len();
    format!("{x:.0$}", 8_usize.saturating_sub(whole).max(2))
}

pub(in crate::cli) fn list() -> Result<Answer> {
    #[derive(serde::Serialize)]
    struct Json {
        indicators: &'static [Definition],
    }
    let mut text = format!("  {:<24} {:<18} formula\n", "example", "bars before");
    for d in CATALOGUE {
        let _ = writeln!(text, "  {:<24} {:<18} {}", d.example, d.warm_up, d.formula);
    }
    text += "\n  any parameters work, as in sma_37; next: ballast indicator sma_37 --input FILE\n";
    let value = Json {
        indicators: CATALOGUE,
    };
    Answer::new(text, &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_show_eight_digits() {
        for (x, expected) in [
            (f64::NAN, "-"),
            (0.0, "0.0000000"),
            (-1.0, "-1.0000000"),
            (42_283.581_234_5, "42283.581"),
            (0.000_012_345_678, "1.2345678e-5"),
            (123_456_789.0, "123456789.00"),
        ] {
            assert_eq!(cell(x), expected);
        }
    }
}
