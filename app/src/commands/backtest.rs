//! `backtest`: one run, one run directory.

use std::path::{Path, PathBuf};

use ballast_domain::error::Error;

use serde::Serialize;

use super::run_metrics::RunMetrics;
use super::settings::{self, SettingsRequest};
use crate::config::Resolved;
use crate::drivers::Progress;
use crate::drivers::backtest::Summary;
use crate::engine::Program;
use crate::exit::Failure;
use crate::run_directory::{
    Execution, RunDirectory, RunFile, RunId, RunWriter, free_name, require_free,
};

/// What to run and where to put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BacktestRequest {
    /// The settings.
    pub settings: SettingsRequest,
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
    /// The run directory; `<home>/runs/<time>-<result_id>` when absent.
    pub out: Option<PathBuf>,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The settings it ran with.
    pub settings: Resolved,
    /// Its totals.
    pub summary: Summary,
    /// Its directory.
    pub directory: RunDirectory,
}

/// Runs a backtest and writes its directory.
///
/// # Errors
/// As [`settings::resolve`] and the engine; nothing is left on disk then.
pub fn backtest(
    program: &Program<'_>,
    request: &BacktestRequest,
    progress: &mut dyn Progress,
) -> Result<Finished, Failure> {
    let settings = settings::resolve(&request.settings, program.engine)?;
    let runs = request.home.join("runs");
    if let Some(out) = &request.out {
        require_free(out)?;
    }
    let parent = match &request.out {
        Some(out) => out.parent().unwrap_or(Path::new("")).to_owned(),
        None => runs.clone(),
    };
    let place = |started, result_id: &str| match &request.out {
        Some(out) => out.clone(),
        None => free_name(&runs, started, result_id),
    };
    run(program, settings, &parent, place, progress)
}

/// Runs `settings` into a folder in `parent`, moved to where `place` says.
pub(super) fn run(
    program: &Program<'_>,
    settings: Resolved,
    parent: &Path,
    place: impl Fn(ballast_domain::time::Timestamp, &str) -> PathBuf,
    progress: &mut dyn Progress,
) -> Result<Finished, Failure> {
    let (started, clock) = (program.machine.now(), program.machine.seconds());
    let run_id = RunId::draw()?;
    tracing::info!(%run_id, name = settings.config.run.name, "backtest starts");
    // `""` is the working directory, which cannot be made.
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let mut writer =
        RunWriter::create(parent, run_id.as_str(), &settings.config).map_err(Failure::state)?;
    let summary = program.engine.backtest(&settings, &mut writer, progress)?;
    if progress.is_interrupted() {
        return Err(Failure::interrupted());
    }
    if writer.identity() != Some(&summary.identity) {
        return Err(Error::invariant("the summary and the run have two identities").into());
    }
    let text = json(&summary, "summary")?;
    writer
        .put(RunFile::Summary, text.as_bytes())
        .map_err(Failure::state)?;
    let execution = Execution {
        run_id,
        started,
        finished: program.machine.now(),
        wall_seconds: program.machine.seconds() - clock,
        peak_memory_bytes: program.machine.peak_memory_bytes(),
        base: absolute(&settings.base),
    };
    let metrics = RunMetrics::new(&summary, &execution, writer.metrics().snapshot());
    let text = json(&metrics, "metrics")?;
    writer
        .put(RunFile::Metrics, text.as_bytes())
        .map_err(Failure::state)?;
    writer.require_complete()?;
    let destination = place(started, &summary.identity.result_id);
    let directory = writer
        .finish(execution, &destination)
        .map_err(Failure::state)?;
    tracing::info!(path = %destination.display(), "backtest is written");
    Ok(Finished {
        settings,
        summary,
        directory,
    })
}

fn json(value: &impl Serialize, what: &str) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::invariant(format!("{what} has no JSON form: {e}")))?;
    Ok(text + "\n")
}

/// The folder as any later program finds it again.
fn absolute(base: &Path) -> String {
    let base = if base.as_os_str().is_empty() {
        Path::new(".")
    } else {
        base
    };
    std::path::absolute(base)
        .unwrap_or_else(|_| base.to_owned())
        .display()
        .to_string()
}
