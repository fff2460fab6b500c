//! Two runs side by side: every figure of both, and what was different when they were made.

use std::collections::BTreeMap;

use ballast_domain::error::{Error, Result};
use ballast_domain::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::file::RunFile;
use super::reader::RunDirectory;
use crate::config::{SettingDifference, setting_differences};

/// Two runs side by side. Differences are the second less the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The first run.
    pub a: ComparedRun,
    /// The second run.
    pub b: ComparedRun,
    /// The days both have; `None` when their periods do not meet.
    pub common: Option<CommonWindow>,
    /// Whether both are the same result of the same version.
    pub same_result: bool,
    /// Whether both read the same bytes, whatever the files are called.
    pub same_data: bool,
    /// Which of version, revision, settings, data, names of data files and seed differ.
    pub differing: Vec<&'static str>,
    /// Every figure of either summary: the headline first, then group by group.
    pub figures: Vec<FigureDifference>,
    /// The settings that differ.
    pub settings: Vec<SettingDifference>,
    /// The data files that differ, by their name in the settings; the values are BLAKE3 hashes.
    pub data: Vec<SettingDifference>,
}

/// What identifies one of two compared runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRun {
    /// Its folder.
    pub directory: String,
    /// The name in its settings.
    pub name: String,
    /// The strategy.
    pub strategy: String,
    /// Base currency.
    pub currency: String,
    /// The symbols.
    pub symbols: Vec<String>,
    /// Close of the first bar.
    pub first: Timestamp,
    /// Close of the last bar.
    pub last: Timestamp,
    /// Bars.
    pub bars: usize,
    /// What its result is called.
    pub result_id: String,
    /// Version of the program.
    pub program_version: String,
    /// Source revision of the program, where it is known.
    pub git_sha: Option<String>,
    /// Hash of the settings.
    pub config_hash: String,
    /// Hash over the data.
    pub data_hash: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// What its summary says to keep in mind: topic and text.
    pub caveats: Vec<(String, String)>,
}

/// The period that both runs cover.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommonWindow {
    /// Its first close.
    pub first: Timestamp,
    /// Its last close.
    pub last: Timestamp,
    /// Closes that both have.
    pub shared_closes: usize,
    /// Whether each run has all of its closes in it.
    pub whole: bool,
}

/// A figure of two summaries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureDifference {
    /// Its dotted path in `summary.json`; rows of a list by their name.
    pub key: String,
    /// In the first; `None` when it is not there or not defined.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
    /// `b - a`, when both are there.
    pub difference: Option<f64>,
    /// Whether the summary writes a whole number.
    #[serde(skip)]
    pub whole: bool,
}

/// Equity and drawdown of a run at each of its closes.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCurves {
    /// The closes, ascending.
    pub times: Vec<Timestamp>,
    /// Equity, base currency.
    pub equity: Vec<f64>,
    /// Below the last peak, zero or negative.
    pub drawdown: Vec<f64>,
}

impl Comparison {
    /// Compares `a` and `b`, and gives their curves. Every file that is read is proven against its
    /// manifest.
    ///
    /// # Errors
    /// `DataMissing` or `DataValidation` when a run is not what its manifest says, or holds no
    /// close.
    pub fn new(a: &RunDirectory, b: &RunDirectory) -> Result<(Self, [RunCurves; 2])> {
        let summaries = [summary(a)?, summary(b)?];
        let curves = [RunCurves::read(a)?, RunCurves::read(b)?];
        let [left, right] = [
            compared(a, &summaries[0], &curves[0].times)?,
            compared(b, &summaries[1], &curves[1].times)?,
        ];
        let same_data = hashes(&a.manifest().data) == hashes(&b.manifest().data);
        let differing = [
            ("version", left.program_version != right.program_version),
            ("revision", left.git_sha != right.git_sha),
            ("settings", left.config_hash != right.config_hash),
            ("data", !same_data),
            (
                "names of data files",
                same_data && left.data_hash != right.data_hash,
            ),
            ("seed", left.seed != right.seed),
        ];
        let comparison = Self {
            common: common(&curves[0].times, &curves[1].times),
            same_data,
            same_result: left.result_id == right.result_id,
            differing: differing
                .iter()
                .filter(|(_, differs)| *differs)
                .map(|(what, _)| *what)
                .collect(),
            figures: figures(&summaries),
            settings: setting_differences(&a.text(RunFile::Config)?, &b.text(RunFile::Config)?)?,
            data: data(&a.manifest().data, &b.manifest().data),
            a: left,
            b: right,
        };
        Ok((comparison, curves))
    }
}

fn summary(run: &RunDirectory) -> Result<Value> {
    serde_json::from_str(&run.text(RunFile::Summary)?).map_err(|e| {
        Error::validation(format!("summary.json is broken: {e}"))
            .context("path", run.path().display())
            .hint("read the run with the program that wrote it")
    })
}

fn compared(run: &RunDirectory, summary: &Value, times: &[Timestamp]) -> Result<ComparedRun> {
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return Err(Error::validation("the run has no close to compare")
            .context("path", run.path().display())
            .hint("compare runs with at least one bar"));
    };
    let text = |key: &str| summary[key].as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let list = |key: &str| summary[key].as_array().cloned().unwrap_or_default();
    let identity = &run.manifest().identity;
    Ok(ComparedRun {
        directory: run.path().display().to_string(),
        name: text("name"),
        strategy: text("strategy"),
        currency: text("currency"),
        symbols: list("symbols")
            .iter()
            .filter_map(|s| Some(s.as_str()?.to_owned()))
            .collect(),
        first,
        last,
        bars: times.len(),
        result_id: identity.result_id.clone(),
        program_version: identity.program_version.clone(),
        git_sha: run.manifest().revision.git_sha.clone(),
        config_hash: identity.config_hash.clone(),
        data_hash: identity.data_hash.clone(),
        seed: identity.seed,
        caveats: list("caveats")
            .iter()
            .map(|c| (texts(c, "topic"), texts(c, "text")))
            .collect(),
    })
}

fn common(a: &[Timestamp], b: &[Timestamp]) -> Option<CommonWindow> {
    let first = *a.first()?.max(b.first()?);
    let last = *a.last()?.min(b.last()?);
    let inside = |times: &[Timestamp]| times.iter().filter(|t| (first..=last).contains(t)).count();
    let shared = a.iter().filter(|t| b.binary_search(t).is_ok()).count();
    (first <= last).then(|| CommonWindow {
        first,
        last,
        shared_closes: shared,
        whole: inside(a) == a.len() && inside(b) == b.len(),
    })
}

/// Numbers of a summary that are settings of the run or of a row, and measure nothing.
const NO_FIGURES: [&str; 4] = ["seed", "analysis.window", ".costs", ".signal_lag"];

fn figures(summaries: &[Value; 2]) -> Vec<FigureDifference> {
    let mut found = [Vec::new(), Vec::new()];
    for (summary, found) in summaries.iter().zip(&mut found) {
        numbers("", summary, found);
    }
    let [a, b] = found;
    let mut keys: Vec<&String> = a.iter().map(|(key, _, _)| key).collect();
    keys.extend(b.iter().map(|(key, _, _)| key).filter(|key| {
        // What only the second has comes last, in its own order.
        !a.iter().any(|(known, _, _)| known == *key)
    }));
    keys.sort_by_key(|key| rank(key));
    let value = |of: &[Found], key: &str| of.iter().find(|(k, _, _)| k == key).map(|f| (f.1, f.2));
    keys.into_iter()
        .map(|key| {
            let (left, right) = (value(&a, key), value(&b, key));
            let number = |side: Option<(Option<f64>, bool)>| side.and_then(|s| s.0);
            let (x, y) = (number(left), number(right));
            FigureDifference {
                key: key.clone(),
                a: x,
                b: y,
                difference: x.zip(y).map(|(x, y)| y - x),
                whole: [left, right].iter().flatten().all(|s| s.1),
            }
        })
        .collect()
}

/// Where a figure stands: the headline of a summary, then its groups, then what else there is.
fn rank(key: &str) -> usize {
    const ORDER: [&str; 20] = [
        "total_return",
        "sharpe",
        "max_drawdown",
        "trades",
        "fees",
        "final_equity",
        "initial_cash",
        "income",
        "average_gross",
        "bars",
        "metrics",
        "trade_statistics",
        "turnover",
        "orders",
        "analysis.costs",
        "analysis.years",
        "benchmarks",
        "robustness",
        "analysis",
        "",
    ];
    let within = |group: &str| {
        let rest = key.strip_prefix(group);
        group.is_empty() || rest.is_some_and(|r| r.is_empty() || r.starts_with('.'))
    };
    ORDER
        .iter()
        .position(|group| within(group))
        .unwrap_or(ORDER.len())
}

fn measures_nothing(path: &str) -> bool {
    NO_FIGURES.iter().any(|key| match key.strip_prefix('.') {
        Some(_) => path.starts_with("robustness.") && path.ends_with(key),
        None => path == *key,
    })
}

/// Path, value, and whether it is written as a whole number. A figure without a value is undefined.
type Found = (String, Option<f64>, bool);

/// Every number at any depth, but for tables of a run: rows are followed only where they have a
/// name, and years of the calendar.
fn numbers(path: &str, value: &Value, found: &mut Vec<Found>) {
    let under = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                numbers(&under(key), value, found);
            }
        }
        Value::Array(rows) if path == "analysis.years" => {
            for row in rows {
                numbers(&under(&row["year"].to_string()), &row["total"], found);
            }
        }
        Value::Array(rows) => {
            for row in rows {
                if let Some(name) = row["name"].as_str() {
                    numbers(&under(name), row, found);
                }
            }
        }
        Value::Number(n) if !measures_nothing(path) => {
            found.push((path.to_owned(), n.as_f64(), !n.is_f64()));
        }
        Value::Null if path != "analysis.beta_to" => found.push((path.to_owned(), None, true)),
        _ => {}
    }
}

/// The hashes of all files, without their names.
fn hashes(data: &BTreeMap<String, String>) -> Vec<&String> {
    let mut hashes: Vec<_> = data.values().collect();
    hashes.sort();
    hashes.dedup();
    hashes
}

fn data(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<SettingDifference> {
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name))
        .map(|name| SettingDifference {
            key: name.clone(),
            a: a.get(name).cloned(),
            b: b.get(name).cloned(),
        })
        .collect()
}

impl RunCurves {
    /// Equity of `equity.csv` and drawdown of `curves.csv`.
    ///
    /// # Errors
    /// As [`RunDirectory::rows`]; `DataValidation` when a column is missing, a cell is no number or
    /// the two files have other closes.
    pub fn read(run: &RunDirectory) -> Result<Self> {
        let (times, equity) = column(run, RunFile::Equity, "equity")?;
        let (same, drawdown) = column(run, RunFile::Curves, "drawdown")?;
        if times != same {
            return Err(
                Error::validation("equity.csv and curves.csv have other closes")
                    .context("path", run.path().display())
                    .hint("read the run with the program that wrote it"),
            );
        }
        Ok(Self {
            times,
            equity,
            drawdown,
        })
    }
}

fn column(run: &RunDirectory, file: RunFile, name: &str) -> Result<(Vec<Timestamp>, Vec<f64>)> {
    let rows = run.rows(file)?;
    let refused = |what: String| {
        Error::validation(what)
            .context("path", run.path().join(file.name()).display())
            .hint("read the run with the program that wrote it")
    };
    let (header, rows) = rows
        .split_first()
        .ok_or_else(|| refused(format!("{file} is empty")))?;
    let place = |name: &str| {
        let found = header.iter().position(|h| h == name);
        found.ok_or_else(|| refused(format!("{file} has no column {name}")))
    };
    let (time, value) = (place("time")?, place(name)?);
    let mut columns = (
        Vec::with_capacity(rows.len()),
        Vec::with_capacity(rows.len()),
    );
    for (n, row) in rows.iter().enumerate() {
        let cell = |k: usize| row.get(k).map(String::as_str).unwrap_or_default();
        let bad = |k: usize| refused(format!("line {}: '{}' is no value", n + 2, cell(k)));
        columns.0.push(cell(time).parse().map_err(|_| bad(time))?);
        columns.1.push(cell(value).parse().map_err(|_| bad(value))?);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_matched_by_path_and_by_name() {
        let a = serde_json::json!({"name": "x", "sharpe": 0.5, "trades": 3, "seed": 1,
            "symbols": ["A"], "benchmarks": [{"name": "sp500", "total_return": 0.25}],
            "analysis": {"years": [{"year": 2001, "months": [0.1], "total": 0.5}],
                         "drawdowns": [{"depth": -0.1}]}});
        let b = serde_json::json!({"name": "y", "sharpe": null, "trades": 5, "seed": 2,
            "benchmarks": [{"name": "cash", "total_return": 0.0}],
            "analysis": {"years": [{"year": 2001, "months": [], "total": 0.25}]}});
        let found = figures(&[a, b]);
        let found: Vec<_> = found
            .iter()
            .map(|f| (&*f.key, f.a, f.b, f.difference, f.whole))
            .collect();
        assert_eq!(
            found,
            [
                ("sharpe", Some(0.5), None, None, false),
                ("trades", Some(3.0), Some(5.0), Some(2.0), true),
                (
                    "analysis.years.2001",
                    Some(0.5),
                    Some(0.25),
                    Some(-0.25),
                    false
                ),
                (
                    "benchmarks.sp500.total_return",
                    Some(0.25),
                    None,
                    None,
                    false
                ),
                ("benchmarks.cash.total_return", None, Some(0.0), None, false),
            ]
        );
    }

    #[test]
    fn data_are_their_bytes_and_not_their_names() {
        let data = |files: &[(&str, &str)]| -> BTreeMap<String, String> {
            let files = files
                .iter()
                .map(|(n, h)| ((*n).to_owned(), (*h).to_owned()));
            files.collect()
        };
        let (a, b) = (
            data(&[("a", "1"), ("b", "2")]),
            data(&[("c", "2"), ("d", "1")]),
        );
        assert_eq!(hashes(&a), hashes(&b));
        assert_ne!(hashes(&a), hashes(&data(&[("a", "1"), ("b", "3")])));
    }

    #[test]
    fn the_common_window_is_the_later_start_to_the_earlier_end() {
        let days = |from: i64, to: i64| -> Vec<Timestamp> {
            (from..to)
                .map(|d| Timestamp::from_seconds(d * 86_400).unwrap())
                .collect()
        };
        let window = common(&days(0, 10), &days(6, 20)).unwrap();
        assert_eq!((window.first, window.last), (days(6, 7)[0], days(9, 10)[0]));
        assert_eq!((window.shared_closes, window.whole), (4, false));
        assert!(common(&days(0, 10), &days(0, 10)).unwrap().whole);
        assert_eq!(common(&days(0, 5), &days(6, 8)), None);
    }
}
