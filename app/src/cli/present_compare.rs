//! The answer of `report compare`: the differences of its page, as tables.

use std::fmt::Write;

use ballast_domain::error::Result;
use serde::Serialize;

use super::paper::Paper;
use super::present::{Answer, line};
use crate::commands::report_compare::Compared;
use crate::config::SettingDifference;
use crate::reports::comparison_page::{notes, title, window};
use crate::reports::measure::{Measure, group, leaf};
use crate::run_directory::{ComparedRun, Comparison, FigureDifference};

pub(super) fn compared(found: &Compared, paper: Paper) -> Result<Answer> {
    #[derive(Serialize)]
    struct Json<'a> {
        report: String,
        #[serde(flatten)]
        comparison: &'a Comparison,
        notes: &'a [String],
    }
    let comparison = &found.comparison;
    let notes = notes(comparison);
    let mut text = String::new();
    for (side, run) in [("A", &comparison.a), ("B", &comparison.b)] {
        line(&mut text, side, &described(run));
    }
    line(&mut text, "period", &window(comparison.common.as_ref()));
    let differing = match comparison.differing.as_slice() {
        [] => "nothing".to_owned(),
        what => what.join(", "),
    };
    line(&mut text, "made with different", &differing);
    differences(&mut text, "setting", &comparison.settings, paper);
    differences(&mut text, "data file", &comparison.data, paper);
    figures(&mut text, comparison, paper);
    text.push('\n');
    for note in &notes {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {note}");
    }
    let report = found.report.display().to_string();
    text.push('\n');
    line(&mut text, "report", &report);
    let value = Json {
        report,
        comparison,
        notes: &notes,
    };
    Answer::new(text, &value)
}

fn described(run: &ComparedRun) -> String {
    format!(
        "{}, result {}, {} to {}",
        run.name,
        run.result_id,
        run.first.date(),
        run.last.date()
    )
}

fn figures(text: &mut String, found: &Comparison, paper: Paper) {
    let row = |figure: &FigureDifference| {
        let measure = Measure::of(&figure.key, figure.whole);
        vec![
            leaf(&figure.key).to_owned(),
            measure.text(figure.a),
            measure.text(figure.b),
            measure.difference(figure.difference),
        ]
    };
    // All tables share their columns, so that the eye runs down the page.
    let least = found.figures.iter().map(row).fold([0; 4], |least, row| {
        let mut cells = row.iter().map(|cell| cell.chars().count());
        least.map(|width| width.max(cells.next().unwrap_or(0)))
    });
    let mut same = Vec::new();
    let mut rest = &found.figures[..];
    while let Some(first) = rest.first() {
        let this = group(&first.key);
        let end = rest.iter().position(|f| group(&f.key) != this);
        let (now, later) = rest.split_at(end.unwrap_or(rest.len()));
        rest = later;
        if now.iter().all(|figure| figure.a == figure.b) {
            same.push(title(this));
            continue;
        }
        let rows: Vec<Vec<String>> = now.iter().map(row).collect();
        let _ = write!(text, "\n{}\n", title(this));
        paper.table(text, &least, &["", "A", "B", "B less A"], &rows);
    }
    if !same.is_empty() {
        text.push('\n');
        line(text, "the same in both", &same.join(", "));
    }
}

fn differences(text: &mut String, what: &str, found: &[SettingDifference], paper: Paper) {
    if found.is_empty() {
        return;
    }
    let cell = |value: &Option<String>| {
        let text = value.as_deref().unwrap_or("not set");
        // A hash is told from another by its beginning.
        let hash = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
        (if hash { &text[..16] } else { text }).to_owned()
    };
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|d| vec![d.key.clone(), cell(&d.a), cell(&d.b)])
        .collect();
    text.push('\n');
    paper.table(text, &[26, 12, 12], &[what, "A", "B"], &rows);
}
