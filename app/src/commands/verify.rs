//! `verify RUN`: proves a finished run against its manifest, repeats it and compares the bytes.

use std::path::{Path, PathBuf};

use crate::config::{self, Layer};
use crate::drivers::Progress;
use crate::engine::Program;
use crate::exit::{Exit, Failure};
use crate::run_directory::{RunDirectory, RunFile, RunId, Verdict, compare};

/// Which run to repeat, and where to put the repetition while it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyRequest {
    /// The run directory.
    pub run: PathBuf,
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
}

/// The exit code of a verdict: a difference means that state on disk cannot be repeated, and
/// within one build that is a bug.
pub const fn exit_of(verdict: &Verdict) -> Exit {
    match verdict {
        Verdict::Identical | Verdict::IdenticalResultsOtherBuild => Exit::Ok,
        Verdict::Different(difference) if difference.same_build => Exit::Bug,
        Verdict::Different(_) => Exit::StateRefused,
    }
}

/// Repeats the run and compares every file but the manifest.
///
/// # Errors
/// `StateRefused` when the run is not what its manifest says, before anything is repeated;
/// `DataRefused` when the data has changed since; whatever the repetition fails with.
pub fn verify(
    program: &Program<'_>,
    request: &VerifyRequest,
    progress: &mut dyn Progress,
) -> Result<Verdict, Failure> {
    let original = RunDirectory::open(&request.run).map_err(Failure::state)?;
    let damage = original.damage().map_err(Failure::state)?;
    if !damage.is_empty() {
        return Err(Failure {
            exit: Exit::StateRefused,
            errors: damage,
        });
    }
    let text = original.text(RunFile::Config).map_err(Failure::state)?;
    let base = Path::new(&original.manifest().base);
    let name = request.run.join(RunFile::Config.name());
    let settings = config::from_text(&name.display().to_string(), &text, Layer::empty(), base)?;
    program.engine.check_strategy(&settings.config.strategy)?;
    let folder = request.home.join("runs");
    let place = folder.join(format!(".{}.verify", RunId::draw()?));
    let repeated = super::backtest::run(program, settings, &folder, |_, _| place.clone(), progress);
    let verdict = repeated.and_then(|repeated| {
        same_data(&original, &repeated.directory)?;
        compare(&original, &repeated.directory).map_err(Failure::state)
    });
    // The repetition has done its work; a rest of it is hidden and harmless.
    let _ = std::fs::remove_dir_all(&place);
    verdict
}

/// Other data cannot repeat a run, and that is not the program's fault.
fn same_data(original: &RunDirectory, repeated: &RunDirectory) -> Result<(), Failure> {
    let (then, now) = (&original.manifest().data, &repeated.manifest().data);
    let changed = then
        .iter()
        .find(|(name, hash)| now.get(*name) != Some(hash))
        .map(|(name, hash)| (name, hash, now.get(name)));
    let Some((name, hash, found)) = changed else {
        return Ok(());
    };
    Err(
        ballast_domain::Error::validation(format!("the data of the run has changed: {name}"))
            .context("blake3 in the manifest", hash)
            .context("blake3 found", found.map_or("nothing", String::as_str))
            .hint("put the file of that run back, or run anew on the new data")
            .into(),
    )
}
