//! The catalog as tables a person reads.

use std::fmt::Write;

use ballast_domain::error::Result;
use ballast_files::catalog::{CatalogSeries, Damage, Exported, RepairReport, VerifyReport};
use serde::Serialize;

use super::present::Answer;
use crate::commands::catalog::{ExportRequest, Imported, Listing, Shown, described};
use crate::commands::init::Initialised;
use crate::reports::figures::{count, megabytes};

// Writing to a string cannot fail, here and below.

pub(super) fn imported(done: &Imported) -> Result<Answer> {
    let mut text = format!(
        "{}: {} of {} rows used\n",
        done.verdict.name(),
        count(done.rows_usable),
        count(done.rows)
    );
    for one in &done.added.series {
        let _ = writeln!(
            text,
            "  {:<12} {:>4}  {:>9} bars new, {:>9} known, {:>4} actions new",
            one.symbol,
            one.bar,
            count(one.bars_added),
            count(one.bars_known),
            count(one.actions_added)
        );
    }
    let _ = writeln!(
        text,
        "{} files written to {}, generation {}",
        done.added.files, done.catalog, done.added.generation
    );
    if !done.defects.is_empty() {
        let _ = writeln!(
            text,
            "{} defects in the data; --json lists them",
            done.defects.len()
        );
    }
    Answer::new(text, done)
}

pub(super) fn listing(found: &Listing) -> Result<Answer> {
    let manifest = &found.manifest;
    let mut text = format!(
        "{:<14} {:>4}  {:<12} {:<10}  {:<10} {:>10} {:>8} {:>6} {:>10}\n",
        "symbol", "bar", "calendar", "first", "last", "bars", "actions", "files", "size"
    );
    for series in &manifest.series {
        let _ = writeln!(text, "{}", line(series));
    }
    let _ = writeln!(
        text,
        "\n{} series, {} bars, {} in {}, generation {}",
        manifest.series.len(),
        count(manifest.bars()),
        megabytes(manifest.bytes()),
        found.catalog,
        manifest.generation
    );
    Answer::new(text, found)
}

fn line(series: &CatalogSeries) -> String {
    let date = |file: Option<String>| file.unwrap_or_default();
    format!(
        "{:<14} {:>4}  {:<12} {:<10}  {:<10} {:>10} {:>8} {:>6} {:>10}",
        series.symbol,
        series.bar.to_string(),
        series.calendar.to_string(),
        date(series.years.first().map(|f| f.first.date().to_string())),
        date(series.years.last().map(|f| f.last.date().to_string())),
        count(series.bars()),
        series.actions.as_ref().map_or(0, |file| file.rows),
        series.files().count(),
        megabytes(series.bytes())
    )
}

pub(super) fn shown(all: &[Shown]) -> Result<Answer> {
    #[derive(Serialize)]
    struct Series<'a> {
        series: &'a [Shown],
    }
    let mut text = String::new();
    for one in all {
        let series = &one.series;
        let _ = writeln!(
            text,
            "{} {}: {} bars on {}, prices with {} decimals, every byte proven",
            series.symbol,
            series.bar,
            count(series.bars()),
            series.calendar,
            series.price_decimals
        );
        for file in &series.years {
            let (first, last) = (file.first.date(), file.last.date());
            let bars = count(file.rows);
            let _ = writeln!(text, "  {first} to {last}  {bars:>8} bars  {}", file.path);
        }
        for action in &one.corporate_actions {
            let _ = writeln!(text, "  {}  {}", action.at.date(), described(action));
        }
    }
    Answer::new(text, &Series { series: all })
}

fn damages(text: &mut String, word: &str, damaged: &[Damage]) {
    for one in damaged {
        let _ = writeln!(text, "  {word:<10} {:<12} {}", one.symbol, one.path);
        let _ = writeln!(text, "  {:<10} {}", "", one.problem);
    }
}

pub(super) fn verified(report: &VerifyReport) -> Result<Answer> {
    let mut text = if report.damaged.is_empty() {
        format!(
            "every byte proven: {} files, {} bars, {}, generation {}\n",
            count(report.files),
            count(report.bars),
            megabytes(report.bytes),
            report.generation
        )
    } else {
        format!(
            "{} of {} files are damaged\n",
            report.damaged.len(),
            report.files
        )
    };
    damages(&mut text, "damaged", &report.damaged);
    if !report.damaged.is_empty() {
        text += "next: ballast data repair --from FILE_OR_CATALOG\n";
    }
    if report.leftovers > 0 {
        let left = report.leftovers;
        let _ = writeln!(
            text,
            "{left} files of earlier states; the next import removes them"
        );
    }
    Answer::new(text, report)
}

pub(super) fn repaired(report: &RepairReport) -> Result<Answer> {
    let mut text = String::new();
    if report.manifest_restored {
        text += "the manifest was taken from the second catalog\n";
    }
    damages(&mut text, "repaired", &report.repaired);
    damages(&mut text, "damaged", &report.unrepaired);
    let (good, bad) = (report.repaired.len(), report.unrepaired.len());
    let _ = writeln!(
        text,
        "{good} files repaired, {bad} left damaged, nothing else touched"
    );
    Answer::new(text, report)
}

pub(super) fn exported(request: &ExportRequest, done: &Exported) -> Result<Answer> {
    let (symbols, bars) = (done.symbols.len(), count(done.bars));
    let mut text = format!(
        "wrote {}: {symbols} symbols, {bars} bars\n",
        request.file.display()
    );
    if let (Some(path), Some(actions)) = (&request.actions, done.actions) {
        let _ = writeln!(
            text,
            "wrote {}: {actions} corporate actions",
            path.display()
        );
    }
    Answer::new(text, done)
}

pub(super) fn samples(made: &Initialised) -> Result<Answer> {
    #[derive(Serialize)]
    struct Made {
        files: Vec<String>,
    }
    let files: Vec<String> = made.files.iter().map(|f| f.display().to_string()).collect();
    let mut text: String = files.iter().map(|file| format!("wrote {file}\n")).collect();
    let folder = made.folder.display();
    let _ = writeln!(
        text,
        "\nnext: ballast data import {folder}/us-stocks.csv.gz --actions {folder}/us-stocks-actions.csv"
    );
    Answer::new(text, &Made { files })
}
