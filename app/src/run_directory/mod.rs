//! The folder of a finished run: written in one step, proven by hashes, compared bit for bit.
//!
//! [`RunWriter`] fills a folder beside the destination and renames it when everything is on disk,
//! so a run directory is complete or absent. [`RunDirectory`] opens one and finds what changed in
//! it since. [`compare`] says where two runs differ.

mod compare;
mod comparison;
mod decision_line;
mod file;
mod identity;
mod locate;
mod manifest;
mod reader;
mod revision;
pub(crate) mod table;
pub mod text;
mod writer;

pub use compare::{Difference, Verdict, compare};
pub use comparison::{CommonWindow, ComparedRun, Comparison, FigureDifference, RunCurves};
pub use decision_line::{
    DecisionLine, ExcludedLine, LegLine, OrderLine, SleeveLegLine, SleeveLine, StaleInput,
};
pub use file::RunFile;
pub use identity::{Identity, PROGRAM_VERSION, RunId};
pub use locate::locate;
pub use manifest::{Execution, FileEntry, HOST, MANIFEST, Manifest};
pub use reader::RunDirectory;
pub use revision::Revision;
pub use table::Table;
pub use text::float;
pub(crate) use writer::require_free;
pub use writer::{Output, RunWriter, free_name};

use std::io;
use std::path::Path;

use ballast_domain::error::{Error, ErrorKind};

/// An error of the disk under a run directory.
fn disk(what: &str, path: &Path, e: &io::Error) -> Error {
    Error::new(ErrorKind::Api, format!("{what}: {e}"))
        .context("path", path.display())
        .hint("check that the folder exists, may be written and has free space")
}
