//! The page of two runs side by side: their curves over each other, and what differs.

use ballast_domain::time::Timestamp;

use super::axis::{Scale, ValueFormat};
use super::figures::count;
use super::html::{Column, ReportPage, Section, Table};
use super::measure::{Measure, group, leaf};
use super::svg::LineChart;
use crate::config::SettingDifference;
use crate::run_directory::{CommonWindow, ComparedRun, Comparison, RunCurves};

/// The page of `found`, whose runs have these curves.
pub fn render(found: &Comparison, curves: &[RunCurves; 2]) -> String {
    let (a, b) = (&found.a, &found.b);
    let mut page = ReportPage::new(format!("{} against {}", label('A', a), label('B', b)))
        .subtitle(window(found.common.as_ref()))
        .section(Section::new("Runs").table(runs(found)))
        .section(Section::new("Equity").drawing(&equity(found, curves)))
        .section(Section::new("Drawdowns").drawing(&drawdowns(found, curves)));
    page = page.section(
        Section::new("Settings")
            .table(differences(
                "Settings that differ; all others are the same",
                "setting",
                &found.settings,
                str::to_owned,
            ))
            .table(differences(
                "Data files that differ in name or bytes, by their hash",
                "file",
                &found.data,
                short,
            )),
    );
    page = figures(page, found);
    for note in notes(found) {
        page = page.note(note);
    }
    for (side, run) in [("A", a), ("B", b)] {
        page = page
            .reproducibility(format!("{side}, result"), run.result_id.clone())
            .reproducibility(format!("{side}, program"), program(run))
            .reproducibility(format!("{side}, config"), run.config_hash.clone())
            .reproducibility(format!("{side}, data"), run.data_hash.clone())
            .reproducibility(format!("{side}, seed"), run.seed.to_string());
    }
    page.render()
}

/// The period both runs cover, in a sentence.
pub fn window(common: Option<&CommonWindow>) -> String {
    match common {
        None => "The runs have no period in common".to_owned(),
        Some(window) => format!(
            "{}: {} to {}, {} closes",
            if window.whole {
                "Both over the same period"
            } else {
                "Common window"
            },
            window.first.date(),
            window.last.date(),
            count(window.shared_closes as u64)
        ),
    }
}

/// What a reader has to know before believing the differences.
pub fn notes(found: &Comparison) -> Vec<String> {
    let (a, b) = (&found.a, &found.b);
    let mut notes = Vec::new();
    if found.same_result {
        notes.push("Both runs are the same result: same version, settings, data and seed.".into());
    }
    if !found.common.as_ref().is_some_and(|window| window.whole) {
        notes.push(
            "The runs cover different periods, and each figure is over the whole of its own run: \
             differences are of the periods as much as of the runs."
                .to_owned(),
        );
    }
    if a.currency != b.currency {
        notes.push(format!(
            "A counts in {}, B in {}; nothing is converted.",
            a.currency, b.currency
        ));
    }
    if !found.same_data {
        notes.push("The runs used different data.".to_owned());
    }
    for (topic, text) in &a.caveats {
        let both = b.caveats.contains(&(topic.clone(), text.clone()));
        let who = if both { "A and B" } else { "A" };
        notes.push(format!("{who}, {topic}: {text}."));
    }
    for caveat in b.caveats.iter().filter(|c| !a.caveats.contains(c)) {
        notes.push(format!("B, {}: {}.", caveat.0, caveat.1));
    }
    notes
}

fn label(side: char, run: &ComparedRun) -> String {
    format!("{side}: {}", run.name)
}

fn program(run: &ComparedRun) -> String {
    match &run.git_sha {
        Some(sha) => format!("{}, revision {sha}", run.program_version),
        None => run.program_version.clone(),
    }
}

/// The first 12 digits of a hash.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

fn runs(found: &Comparison) -> Table {
    type Cell = fn(&ComparedRun) -> String;
    let rows: [(&str, Cell); 10] = [
        ("name", |r| r.name.clone()),
        ("strategy", |r| r.strategy.clone()),
        ("symbols", |r| r.symbols.join(", ")),
        ("first close", |r| r.first.date().to_string()),
        ("last close", |r| r.last.date().to_string()),
        ("bars", |r| count(r.bars as u64)),
        ("result", |r| r.result_id.clone()),
        ("program", |r| match &r.git_sha {
            Some(sha) => format!("{}, revision {}", r.program_version, &short(sha)[..7]),
            None => r.program_version.clone(),
        }),
        ("config hash", |r| short(&r.config_hash)),
        ("data hash", |r| short(&r.data_hash)),
    ];
    let caption = if found.differing.is_empty() {
        "What the runs are; version, revision, settings, data and seed are the same".to_owned()
    } else {
        format!(
            "What the runs are; different: {}",
            found.differing.join(", ")
        )
    };
    let columns = [
        ("", Column::Text),
        ("A", Column::Prose),
        ("B", Column::Prose),
    ];
    let table = Table::new(caption, columns).even();
    let table = rows.iter().fold(table, |table, (what, cell)| {
        table.row([(*what).to_owned(), cell(&found.a), cell(&found.b)])
    });
    let seed = |run: &ComparedRun| run.seed.to_string();
    table.row(["seed".to_owned(), seed(&found.a), seed(&found.b)])
}

fn equity(found: &Comparison, curves: &[RunCurves; 2]) -> LineChart {
    let (a, b) = (&found.a.currency, &found.b.currency);
    let unit = if a == b {
        format!("in {a}")
    } else {
        format!("A in {a}, B in {b}")
    };
    let times = all_times(curves);
    LineChart::new("Capital over time", unit)
        .scale(Scale::Log)
        .series(
            label('A', &found.a),
            along(&times, &curves[0], |c| &c.equity),
        )
        .series(
            label('B', &found.b),
            along(&times, &curves[1], |c| &c.equity),
        )
}

fn drawdowns(found: &Comparison, curves: &[RunCurves; 2]) -> LineChart {
    let times = all_times(curves);
    LineChart::new("Under water", "below the last peak of each run")
        .format(ValueFormat::Percent)
        .height(240.0)
        .filled_to_zero()
        .series(
            label('A', &found.a),
            along(&times, &curves[0], |c| &c.drawdown),
        )
        .series(
            label('B', &found.b),
            along(&times, &curves[1], |c| &c.drawdown),
        )
}

/// The closes of both runs, ascending.
fn all_times(curves: &[RunCurves; 2]) -> Vec<Timestamp> {
    let mut times: Vec<_> = curves.iter().flat_map(|c| &c.times).copied().collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// A curve of a run at `times`: between its own closes its last value, outside its period nothing.
fn along(
    times: &[Timestamp],
    run: &RunCurves,
    values: impl Fn(&RunCurves) -> &Vec<f64>,
) -> Vec<(Timestamp, f64)> {
    let (values, last) = (values(run), run.times.last());
    let mut seen = 0;
    times
        .iter()
        .map(|at| {
            while run.times.get(seen).is_some_and(|close| close <= at) {
                seen += 1;
            }
            let within = seen > 0 && last.is_some_and(|last| at <= last);
            let value = if within { values[seen - 1] } else { f64::NAN };
            (*at, value)
        })
        .collect()
}

/// One section; the headline first, then a table a group.
fn figures(page: ReportPage, found: &Comparison) -> ReportPage {
    let mut section = Section::new("Figures");
    let mut rest = &found.figures[..];
    while let Some(first) = rest.first() {
        let group = group(&first.key);
        let end = rest.iter().position(|f| self::group(&f.key) != group);
        let (now, later) = rest.split_at(end.unwrap_or(rest.len()));
        let table = Table::new(
            title(group),
            [
                ("figure", Column::Text),
                ("A", Column::Number),
                ("B", Column::Number),
                ("B less A", Column::Number),
            ],
        )
        .even();
        section = section.table(now.iter().fold(table, |table, figure| {
            let measure = Measure::of(&figure.key, figure.whole);
            table.row([
                leaf(&figure.key).to_owned(),
                measure.text(figure.a),
                measure.text(figure.b),
                measure.difference(figure.difference),
            ])
        }));
        rest = later;
    }
    page.section(section)
}

/// What a group of figures is called.
pub fn title(group: &str) -> String {
    match group {
        "" => "Headline".to_owned(),
        "metrics" => "Metrics of bar returns".to_owned(),
        "trade_statistics" => "Round trips".to_owned(),
        "turnover" => "Turnover".to_owned(),
        "orders" => "The order path".to_owned(),
        "analysis.costs" => "Costs".to_owned(),
        "analysis.years" => "Years (the first and the last may be partial)".to_owned(),
        other => match other.split_once('.') {
            Some(("robustness", name)) => format!("The same run with {name}"),
            Some(("benchmarks", rest)) => match rest.strip_suffix(".comparison") {
                Some(name) => format!("Returns against those of {name}"),
                None => format!("Benchmark {rest}"),
            },
            _ => other.replace(['.', '_'], " "),
        },
    }
}

fn differences(
    caption: &str,
    what: &str,
    rows: &[SettingDifference],
    shown: fn(&str) -> String,
) -> Table {
    let columns = [
        (what, Column::Text),
        ("A", Column::Prose),
        ("B", Column::Prose),
    ];
    let cell =
        |value: &Option<String>| value.as_deref().map_or_else(|| "not set".to_owned(), shown);
    rows.iter()
        .fold(Table::new(caption, columns).even(), |table, row| {
            table.row([row.key.clone(), cell(&row.a), cell(&row.b)])
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_seconds(day * 86_400).unwrap()
    }

    /// A run keeps its last value between its closes and says nothing outside its period.
    #[test]
    fn curves_of_other_closes_share_one_axis() {
        let run = |days: &[i64]| RunCurves {
            times: days.iter().map(|d| at(*d)).collect(),
            equity: days.iter().map(|d| *d as f64).collect(),
            drawdown: vec![0.0; days.len()],
        };
        let curves = [run(&[1, 3, 5]), run(&[2, 3, 7])];
        let times = all_times(&curves);
        assert_eq!(times, [1, 2, 3, 5, 7].map(at));
        let values = |k: usize| -> Vec<Option<f64>> {
            along(&times, &curves[k], |c| &c.equity)
                .iter()
                .map(|(_, v)| v.is_finite().then_some(*v))
                .collect()
        };
        let some = |values: [f64; 5]| values.map(|v| (v > 0.0).then_some(v)).to_vec();
        assert_eq!(values(0), some([1.0, 1.0, 3.0, 5.0, 0.0]));
        assert_eq!(values(1), some([0.0, 2.0, 3.0, 3.0, 7.0]));
    }
}
