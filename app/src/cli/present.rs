//! Results as people and programs read them. Words only: every figure is computed elsewhere.

pub(super) mod indicators;

use std::fmt::Write;

use ballast_domain::error::{Error, Result};
use serde::Serialize;

use super::paper::Paper;
use crate::commands::backtest::Finished;
use crate::commands::explain::Explanation;
use crate::commands::init::Initialised;
use crate::commands::report_mail::Letter;
use crate::commands::runs::RunLine;
use crate::commands::runs_archive::Archived;
use crate::drivers::backtest::Summary;
use crate::reports::figures::{amount, count, maybe_percent, megabytes, percent, ratio, seconds};
use crate::run_directory::{Difference, LegLine, OrderLine, Revision, RunFile, RunId, Verdict};

/// An answer in both forms; each ends with a line end. Text for programs is never broken into
/// lines of a terminal.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) json: String,
    pub(super) verbatim: bool,
}

impl Answer {
    pub(super) fn new<T: Serialize>(text: String, value: &T) -> Result<Self> {
        let json = serde_json::to_string(value)
            .map_err(|e| Error::invariant(format!("the answer has no JSON form: {e}")))?;
        Ok(Self {
            text,
            json: json + "\n",
            verbatim: false,
        })
    }

    /// Text that a program reads, such as a script.
    pub(super) fn verbatim(self) -> Self {
        Self {
            verbatim: true,
            ..self
        }
    }
}

/// What `backtest --json` prints: the summary and what only this execution knows.
#[derive(Serialize)]
struct FinishedJson<'a> {
    directory: String,
    run_id: &'a RunId,
    #[serde(flatten)]
    revision: &'a Revision,
    host: &'a str,
    wall_seconds: f64,
    peak_memory_bytes: Option<u64>,
    #[serde(flatten)]
    summary: &'a Summary,
}

pub(super) fn finished(run: &Finished, paper: Paper) -> Result<Answer> {
    let (summary, manifest) = (&run.summary, run.directory.manifest());
    let mut text = format!(
        "{}: {} on {}\n{} to {}, {} bars\n\n",
        summary.name,
        summary.strategy,
        summary.symbols.join(", "),
        summary.start,
        summary.end,
        count(summary.bars as u64)
    );
    let money = |value| format!("{} {}", amount(value), summary.currency);
    for (label, value) in [
        ("total return", percent(summary.total_return)),
        ("Sharpe ratio", ratio(summary.sharpe)),
        ("largest loss", maybe_percent(summary.max_drawdown)),
        ("closed trades", count(summary.trades as u64)),
        ("fees", money(summary.fees)),
        ("final equity", money(summary.final_equity)),
    ] {
        line(&mut text, label, &value);
    }
    let rows = summary.benchmarks.iter();
    variants(
        &mut text,
        paper,
        "compared with",
        rows.map(|r| (&*r.name, r.total_return, r.sharpe, r.max_drawdown)),
    );
    let rows = summary.analysis.sleeves.iter().map(|row| {
        vec![
            row.sleeve.clone(),
            percent(row.allocation),
            amount(row.net_pnl),
            percent(row.net_return),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        text.push('\n');
        let head = ["earned by sleeve", "allocation", "net", "of capital"];
        paper.table(&mut text, &[24], &head, &rows);
    }
    let rows = summary.robustness.iter();
    variants(
        &mut text,
        paper,
        "the same run with",
        rows.map(|r| (&*r.name, r.total_return, r.sharpe, r.max_drawdown)),
    );
    text.push('\n');
    for caveat in &summary.caveats {
        line(&mut text, &caveat.topic, &caveat.text);
    }
    text.push('\n');
    let peak = manifest
        .peak_memory_bytes
        .map_or_else(|| "unknown".to_owned(), megabytes);
    let directory = run.directory.path().display().to_string();
    for (label, value) in [
        ("result", manifest.identity.result_id.clone()),
        (
            "time, peak memory",
            format!("{}, {peak}", seconds(manifest.wall_seconds)),
        ),
        ("run directory", directory.clone()),
        (
            "report",
            run.directory
                .path()
                .join(RunFile::Report.name())
                .display()
                .to_string(),
        ),
    ] {
        line(&mut text, label, &value);
    }
    let value = FinishedJson {
        directory,
        run_id: &manifest.run_id,
        revision: &manifest.revision,
        host: &manifest.host,
        wall_seconds: manifest.wall_seconds,
        peak_memory_bytes: manifest.peak_memory_bytes,
        summary,
    };
    Answer::new(text, &value)
}

pub(super) fn line(text: &mut String, label: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {label:<24} {value}");
}

/// Name, return, Sharpe ratio and largest loss of a run.
type Row<'a> = (&'a str, f64, Option<f64>, Option<f64>);

fn variants<'a>(text: &mut String, paper: Paper, title: &str, rows: impl Iterator<Item = Row<'a>>) {
    let rows: Vec<Vec<String>> = rows
        .map(|(name, total_return, sharpe, loss)| {
            vec![
                name.to_owned(),
                percent(total_return),
                ratio(sharpe),
                maybe_percent(loss),
            ]
        })
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        paper.table(
            text,
            &[24],
            &[title, "return", "Sharpe", "largest loss"],
            &rows,
        );
    }
}

pub(super) fn verdict(verdict: &Verdict) -> Result<Answer> {
    let text = match verdict {
        Verdict::Identical => "identical\n".to_owned(),
        Verdict::IdenticalResultsOtherBuild => "identical results from another build\n".to_owned(),
        Verdict::Different(difference) => different(difference),
    };
    Answer::new(text, verdict)
}

fn different(difference: &Difference) -> String {
    let builds = if difference.same_build {
        "the same build wrote both"
    } else {
        "another build wrote the first"
    };
    format!("different: {difference}\n  {builds}\n")
}

pub(super) fn initialised(made: &Initialised) -> Result<Answer> {
    #[derive(Serialize)]
    struct Made {
        folder: String,
        files: Vec<String>,
    }
    let value = Made {
        folder: made.folder.display().to_string(),
        files: made.files.iter().map(|f| f.display().to_string()).collect(),
    };
    let mut text = String::new();
    for file in &value.files {
        text += &format!("wrote {file}\n");
    }
    let next = if made.is_crate {
        let folder = made.folder.display();
        format!("cd {folder}, then cargo run --release -- backtest config.toml")
    } else {
        let config = made.folder.join("breakout.toml");
        format!("ballast backtest {}", config.display())
    };
    text += &format!("\nnext: {next}\n");
    Answer::new(text, &value)
}

fn signal(signal: &str, score: Option<f64>) -> String {
    let score = score.map_or_else(String::new, |score| format!(", score {score:.4}"));
    format!("{signal}{score}")
}

/// A target with its weight as people read it.
fn target(text: Option<&str>) -> Option<String> {
    let text = text?;
    let weight = text.strip_suffix(" of equity");
    let weight: Option<f64> = weight.and_then(|w| w.parse().ok());
    Some(weight.map_or_else(
        || text.to_owned(),
        |weight| format!("{} of equity", percent(weight)),
    ))
}

fn explain_leg(leg: &LegLine, say: &mut impl FnMut(&str, &str)) {
    if leg.sleeves.is_empty() {
        say("signal", &signal(&leg.signal, leg.score));
        say("volatility", &maybe_percent(leg.volatility));
        say("weight before cap", &maybe_percent(leg.uncapped));
    }
    for sleeve in &leg.sleeves {
        let wanted = target(sleeve.target.as_deref()).unwrap_or_else(|| "no target".to_owned());
        say(
            &format!("sleeve {}", sleeve.sleeve),
            &format!(
                "{}; {wanted}; {} held, {} wanted",
                signal(&sleeve.signal, sleeve.score),
                sleeve.current,
                sleeve.wanted
            ),
        );
    }
    let wanted = target(leg.target.as_deref());
    say("target", wanted.as_deref().unwrap_or("none: close"));
    say(
        "units",
        &format!(
            "{} held, {} wanted, at {}",
            leg.current, leg.wanted, leg.price
        ),
    );
    say(
        "value",
        &format!("{} held, {} wanted", leg.current_value, leg.target_value),
    );
    say(
        "drift",
        &format!("{}, trades above {}", leg.drift, leg.threshold),
    );
    say("outcome", &leg.disposition);
}

/// How an order was priced, where that was not simply the market.
fn terms(order: &OrderLine) -> String {
    match (order.limit, order.last_resort) {
        (Some(limit), _) => format!(" at {limit} or better"),
        (None, true) => " at the market, as a last resort".to_owned(),
        (None, false) => String::new(),
    }
}

pub(super) fn explanation(found: &Explanation) -> Result<Answer> {
    let mut text = format!(
        "{}: decision {} at {}\n",
        found.symbol, found.decision, found.slot
    );
    let mut say = |label: &str, value: &str| line(&mut text, label, value);
    say("decided", &found.reason);
    if found.time != found.slot {
        say("in effect", &found.time);
    }
    if let Some(source) = &found.source {
        let age = match found.age_seconds {
            Some(age) if age > 0.0 => format!("{age:.0} s old at the slot"),
            _ => "of the slot".to_owned(),
        };
        say("price", &format!("{source}, {age}"));
    }
    if let Some(reason) = &found.excluded {
        say("no target", reason);
    }
    if let Some(leg) = &found.leg {
        explain_leg(leg, &mut say);
    }
    if let Some(reason) = &found.not_planned {
        say("no plan", reason);
    }
    for order in found.leg.iter().flat_map(|leg| &leg.orders) {
        let cut = if order.quantity == order.wanted {
            String::new()
        } else {
            let to = found
                .leg
                .as_ref()
                .and_then(|leg| leg.cut.as_deref())
                .unwrap_or("budget");
            format!(
                " of {} wanted, cut to the {} left",
                order.wanted,
                to.replace('_', " ")
            )
        };
        say(
            &format!("order {}", order.order_id),
            &format!(
                "{} {}{}{cut}; {}",
                order.side,
                order.quantity,
                terms(order),
                order.verdict
            ),
        );
    }
    for fill in &found.fills {
        say(
            &format!("fill {}", fill.order_id),
            &format!(
                "{} {} at {}, fee {}, {}",
                fill.side, fill.quantity, fill.price, fill.fee, fill.time
            ),
        );
    }
    if let Some(residual) = found.leg.as_ref().and_then(|leg| leg.residual) {
        let why = match found.leg.as_ref().and_then(|leg| leg.cut.as_deref()) {
            Some(cut) => format!(": cut to the {} left", cut.replace('_', " ")),
            None => String::new(),
        };
        say(
            "not reached",
            &format!("{residual} units are missing to the target{why}"),
        );
    }
    Answer::new(text, found)
}

pub(super) fn archived(made: &Archived) -> Result<Answer> {
    let mut text = String::new();
    for run in &made.runs {
        text += &format!("packed {run}\n");
    }
    text += &format!("wrote {}\n", made.archive);
    Answer::new(text, made)
}

/// The message itself, for a pipe; its words for programs.
pub(super) fn letter(letter: &Letter) -> Result<Answer> {
    #[derive(Serialize)]
    struct Json<'a> {
        subject: &'a str,
        text: &'a str,
        html: &'a str,
        message: &'a str,
    }
    let value = Json {
        subject: &letter.mail.subject,
        text: &letter.mail.text,
        html: &letter.mail.html,
        message: &letter.message,
    };
    Ok(Answer::new(letter.message.clone(), &value)?.verbatim())
}

pub(super) fn runs(lines: &[RunLine]) -> Result<Answer> {
    #[derive(Serialize)]
    struct Runs<'a> {
        runs: &'a [RunLine],
    }
    let mut text = String::new();
    for run in lines {
        _ = writeln!(text, "{}", run.directory);
        let said = match &run.problem {
            Some(problem) => problem.clone(),
            None => format!(
                "{}, return {}, Sharpe {}, result {}",
                run.name.as_deref().unwrap_or("–"),
                maybe_percent(run.total_return),
                ratio(run.sharpe),
                run.result_id.as_deref().unwrap_or("–"),
            ),
        };
        _ = writeln!(text, "  {said}");
    }
    if lines.is_empty() {
        text.push_str("no runs yet: ballast backtest makes one\n");
    }
    Answer::new(text, &Runs { runs: lines })
}
