//! `report compare RUN RUN`: two runs over each other on one page, and every difference.

use std::fs;
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, ErrorKind};
use ballast_system::write_atomic;

use crate::drivers::RunError;
use crate::exit::Failure;
use crate::reports::comparison_page;
use crate::run_directory::{Comparison, MANIFEST, RunDirectory, locate};

/// Which runs to compare, and where to put the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareRequest {
    /// The first run: its folder, or the beginning of its name.
    pub a: PathBuf,
    /// The second run.
    pub b: PathBuf,
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
    /// The page; `<home>/reports/compare-<result>-<result>.html` when absent.
    pub out: Option<PathBuf>,
}

/// Two runs compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The page.
    pub report: PathBuf,
    /// What it says.
    pub comparison: Comparison,
}

/// Compares two runs and writes the page, in one step: an older page at the same place is
/// replaced.
///
/// # Errors
/// As [`locate`], [`RunDirectory::open`] and [`Comparison::new`]; `Configuration` when the page
/// would lie inside a run directory, which it would damage; `StateRefused` from the disk.
pub fn report_compare(request: &CompareRequest) -> Result<Compared, Failure> {
    let open = |said: &Path| RunDirectory::open(&locate(&request.home, said)?);
    let (a, b) = (open(&request.a)?, open(&request.b)?);
    let (comparison, curves) = Comparison::new(&a, &b)?;
    let report = request.out.clone().unwrap_or_else(|| {
        let (a, b) = (&comparison.a.result_id, &comparison.b.result_id);
        let name = format!("compare-{a}-{b}.html");
        request.home.join("reports").join(name)
    });
    let folder = match report.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if folder.join(MANIFEST).exists() {
        return Err(Error::config("the page would lie inside a run directory")
            .context("path", report.display())
            .hint(
                "name a file elsewhere: a run directory holds what its run wrote and nothing else",
            )
            .into());
    }
    fs::create_dir_all(folder).map_err(|e| {
        Failure::state(
            Error::new(ErrorKind::Api, format!("folder cannot be made: {e}"))
                .context("path", folder.display())
                .hint("check that it may be written and has free space"),
        )
    })?;
    let page = comparison_page::render(&comparison, &curves);
    write_atomic(&report, page.as_bytes()).map_err(|e| {
        let mut failure = Failure::from(RunError::Port(e));
        failure.exit = crate::exit::Exit::StateRefused;
        failure
    })?;
    Ok(Compared { report, comparison })
}
