//! The answer of `weights`: one row a symbol, one column a method.

use std::fmt::Write;

use ballast_domain::error::Result;

use super::paper::Paper;
use super::present::Answer;
use crate::commands::weights::{MethodWeights, Weights};
use crate::reports::figures::{count, percent};

/// Columns of text a table may take; more methods go into a table below.
const WIDTH: usize = 100;

pub(super) fn weights(found: &Weights, paper: Paper) -> Result<Answer> {
    let mut text = format!(
        "as of {}: {} symbols, {} returns each\n",
        found.asof,
        count(found.symbols.len() as u64),
        count(found.returns as u64)
    );
    if found.left_out > 0 {
        let rows = count(found.left_out as u64);
        let _ = writeln!(
            text,
            "{rows} bars left out: not every symbol has a close there"
        );
    }
    if !found.unused.is_empty() {
        let options = found.unused.join(", ");
        let _ = writeln!(text, "not used by these methods: {options}");
    }
    let label = found
        .symbols
        .iter()
        .map(|symbol| symbol.chars().count())
        .max();
    let label = label.unwrap_or_default().max("total".len());
    let mut rest = &found.weights[..];
    while !rest.is_empty() {
        let (now, later) = rest.split_at(fitting(rest, label, paper.columns().min(WIDTH)));
        table(&mut text, now, label);
        rest = later;
    }
    Answer::new(text, found)
}

/// How many methods fit side by side; at least one.
fn fitting(methods: &[MethodWeights], label: usize, columns: usize) -> usize {
    let mut width = label + 2;
    let fits = methods.iter().take_while(|method| {
        width += method.method.name().len().max(9) + 2;
        width <= columns
    });
    fits.count().max(1)
}

fn table(text: &mut String, methods: &[MethodWeights], label: usize) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\n  {:<label$}", "");
    for method in methods {
        let _ = write!(text, "  {:>9}", method.method.name());
    }
    text.push('\n');
    let rows = methods.first().map_or(0, |method| method.entries.len());
    let cell = |text: &mut String, method: &MethodWeights, value: &str| {
        let width = method.method.name().len().max(9);
        let _ = write!(text, "  {value:>width$}");
    };
    for row in 0..rows {
        let symbol = &methods[0].entries[row].0;
        let _ = write!(text, "  {symbol:<label$}");
        for method in methods {
            cell(text, method, &percent(method.entries[row].1));
        }
        text.push('\n');
    }
    let _ = write!(text, "  {:<label$}", "total");
    for method in methods {
        cell(text, method, &percent(method.net));
    }
    text.push('\n');
}
