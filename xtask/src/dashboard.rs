//! `cargo xtask dashboard METRICS.json`: one static page of what a run counted and measured.
//!
//! The page needs no script and no network, reads in light, in dark and on paper, and shows no
//! figure that the file does not hold, but for rates of two of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

mod figure;
mod source_table;

use figure::{escape, label, show};

const STYLE: &str = include_str!("dashboard/dashboard.css");

/// Where the page goes when nobody says: not beside the metrics, for a run directory holds what the
/// run wrote and nothing else.
pub const PAGE: &str = "dashboard.html";

/// What each group is about, in the order of the page. A group that is not here comes last.
const GROUPS: &[(&str, &str)] = &[
    ("data", "market data"),
    ("signals", "decisions"),
    ("execution", "orders and fills"),
    ("risk", "what was risked and refused"),
    ("performance", "the program"),
    ("timing", "when and how long"),
];

/// Figures that want a look when they are not zero.
const WORRIES: &[(&str, &str)] = &[
    ("errors", "failed fetches"),
    ("staleness_warnings", "decisions on stale prices"),
    ("denied", "orders refused by risk"),
];

/// Renders the metrics file that `args` names: `METRICS.json [--out FILE]`.
///
/// # Errors
/// A sentence on the arguments, the file or its shape.
pub fn run(args: &[&str]) -> Result<String, String> {
    let (metrics, out) = match args {
        [metrics] => (*metrics, PAGE),
        [metrics, "--out", out] | ["--out", out, metrics] => (*metrics, *out),
        _ => return Err("usage: cargo xtask dashboard METRICS.json [--out FILE]".to_owned()),
    };
    let text = std::fs::read_to_string(metrics)
        .map_err(|e| format!("{metrics} cannot be read: {e}; name the metrics.json of a run"))?;
    let page = page(&text).map_err(|why| format!("{metrics}: {why}"))?;
    std::fs::write(Path::new(out), page).map_err(|e| format!("{out} cannot be written: {e}"))?;
    Ok(format!("dashboard: {out}\n"))
}

/// The page of the JSON text of a `metrics.json`.
///
/// # Errors
/// The text is no JSON, or has no groups of figures.
pub fn page(metrics: &str) -> Result<String, String> {
    let hint = "name the metrics.json of a run directory";
    let metrics: Value =
        serde_json::from_str(metrics).map_err(|e| format!("this is no JSON ({e}); {hint}"))?;
    let system = metrics["system"].as_object();
    let system = system.ok_or_else(|| format!("there are no figures under `system`; {hint}"))?;
    let run = |key: &str| metrics["run"][key].as_str().unwrap_or("unknown");
    let title = escape(run("name"));
    let started = metrics["system"]["timing"]["started"].as_str();
    let started = started
        .and_then(figure::moment)
        .unwrap_or_else(|| "an unknown time".to_owned());
    let started = escape(&started);
    let mut body = format!(
        "<header>\n<h1>{title}</h1>\n<p>run of {started}, result <code>{}</code></p>\n</header>\n",
        escape(run("result_id"))
    );
    body.push_str(&verdict(system));
    body.push_str("<div class=\"groups\">\n");
    for (name, about) in order(system) {
        let Some(figures) = system.get(name).and_then(Value::as_object) else {
            return Err(format!("group `{name}` holds no figures; {hint}"));
        };
        body.push_str(&group(name, about, figures, run("currency")));
    }
    body.push_str("</div>\n");
    let samples = metrics["samples"].as_array().map_or(&[][..], Vec::as_slice);
    body.push_str(&source_table::render(samples));
    body.push_str(&all_samples(samples));
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'; img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}: dashboard</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         {body}</main>\n</body>\n</html>\n"
    ))
}

/// The groups of the file in the order of the page.
fn order(system: &Map<String, Value>) -> Vec<(&str, &str)> {
    let known = |name: &str| GROUPS.iter().any(|(group, _)| *group == name);
    let mut all: Vec<_> = GROUPS
        .iter()
        .filter(|(name, _)| system.contains_key(*name))
        .map(|(name, about)| (*name, *about))
        .collect();
    all.extend(
        system
            .keys()
            .filter(|name| !known(name))
            .map(|name| (name.as_str(), "")),
    );
    all
}

/// One line on what wants a look, in words and not in colour alone.
fn verdict(system: &Map<String, Value>) -> String {
    let mut worries = Vec::new();
    for (_, figures) in system {
        for (key, text) in WORRIES {
            if let Some(n) = figures[*key].as_f64().filter(|n| *n > 0.0) {
                worries.push(format!("{} {text}", figure::number(n)));
            }
        }
    }
    if worries.is_empty() {
        return "<p class=\"verdict well\">Nothing wants a look.</p>\n".to_owned();
    }
    format!(
        "<p class=\"verdict look\"><strong>Worth a look:</strong> {}.</p>\n",
        escape(&worries.join(", "))
    )
}

fn group(name: &str, about: &str, figures: &Map<String, Value>, currency: &str) -> String {
    let mut text = format!(
        "<section>\n<h2>{} <small>{}</small></h2>\n<dl>\n",
        escape(&label(name)),
        escape(about)
    );
    for (key, value) in figures {
        let look = WORRIES.iter().any(|(worry, _)| worry == key)
            && value.as_f64().is_some_and(|n| n > 0.0);
        let class = if look { " class=\"look\"" } else { "" };
        _ = writeln!(
            text,
            "<div{class}><dt>{}</dt><dd>{}</dd></div>",
            escape(&label(key)),
            escape(&show(key, value, currency))
        );
    }
    text + "</dl>\n</section>\n"
}

/// Every counter and gauge as the file has it, folded away.
fn all_samples(samples: &[Value]) -> String {
    let mut text = format!(
        "<details>\n<summary>All {} counters and gauges</summary>\n<div class=\"scroll\">\n<table>\n\
         <thead><tr><th>Name</th><th>Labels</th><th>Kind</th><th class=\"n\">Value</th></tr></thead>\n\
         <tbody>\n",
        samples.len()
    );
    for sample in samples {
        let labels: BTreeMap<_, _> = sample["labels"].as_object().into_iter().flatten().collect();
        let labels: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect();
        let field = |key: &str| escape(sample[key].as_str().unwrap_or_default());
        let value = sample["value"]
            .as_f64()
            .map_or("none".to_owned(), figure::number);
        _ = writeln!(
            text,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td class=\"n\">{value}</td></tr>",
            field("name"),
            escape(&labels.join(", ")),
            field("kind"),
        );
    }
    text + "</tbody>\n</table>\n</div>\n</details>\n"
}

#[cfg(test)]
mod tests;
