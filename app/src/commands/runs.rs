//! `runs`: what has been run so far.

use std::fs;
use std::path::Path;

use ballast_domain::error::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::Value;

use crate::run_directory::{RunDirectory, RunFile, text};

/// One line of the list. A folder that is no run, or was changed since, has a `problem` and no
/// figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunLine {
    /// The run directory.
    pub directory: String,
    /// When it started.
    pub started: Option<String>,
    /// The name in its config.
    pub name: Option<String>,
    /// What its result is called.
    pub result_id: Option<String>,
    /// Final equity over capital, less one.
    pub total_return: Option<f64>,
    /// Annualised Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// The runs under `home`, oldest first; none when nothing was run yet.
///
/// # Errors
/// `Api` when the folder is there and cannot be listed.
pub fn runs(home: &Path) -> Result<Vec<RunLine>> {
    let folder = home.join("runs");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let refused = |e: std::io::Error| {
        Error::new(ErrorKind::Api, format!("runs cannot be listed: {e}"))
            .context("path", folder.display())
            .hint("check that the folder may be read")
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        if path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths.iter().map(|path| line(path)).collect())
}

const UNFINISHED: &str =
    "unfinished: a run is writing it, or was killed; without such a run it may be deleted";

fn line(path: &Path) -> RunLine {
    let directory = path.display().to_string();
    let name = path.file_name().map(|name| name.to_string_lossy());
    if name.is_some_and(|name| name.starts_with('.')) {
        return RunLine {
            directory,
            problem: Some(UNFINISHED.to_owned()),
            ..RunLine::default()
        };
    }
    match read(path) {
        Ok(line) => RunLine { directory, ..line },
        Err(error) => RunLine {
            directory,
            problem: Some(error.message.clone()),
            ..RunLine::default()
        },
    }
}

fn read(path: &Path) -> Result<RunLine> {
    let run = RunDirectory::open(path)?;
    let summary: Value = serde_json::from_str(&run.text(RunFile::Summary)?)
        .map_err(|e| Error::validation(format!("summary.json is broken: {e}")))?;
    Ok(RunLine {
        started: Some(text::time(run.manifest().started)),
        name: summary["name"].as_str().map(str::to_owned),
        result_id: Some(run.manifest().identity.result_id.clone()),
        total_return: summary["total_return"].as_f64(),
        sharpe: summary["sharpe"].as_f64(),
        ..RunLine::default()
    })
}
