//! The manifest: what a run was, and the hash of every file it wrote.

use std::collections::BTreeMap;

use ballast_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::file::RunFile;
use super::identity::{Identity, RunId};
use super::revision::Revision;

/// The manifest's file name.
pub const MANIFEST: &str = "manifest.json";

/// `manifest.json`: with `metrics.json` the only file of a run directory that differs between equal
/// runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this shape.
    pub v: u32,
    /// Name of this execution.
    pub run_id: RunId,
    /// What the result follows from.
    pub identity: Identity,
    /// The source revision of the program.
    pub revision: Revision,
    /// The target the program was built for.
    pub host: String,
    /// When the run started.
    pub started: Timestamp,
    /// When its last file was written.
    pub finished: Timestamp,
    /// How long it took, in seconds of machine time.
    pub wall_seconds: f64,
    /// The largest resident memory of the process, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// The folder that relative paths in the config start from.
    pub base: String,
    /// The hash of each data file, by its name in the config.
    pub data: BTreeMap<String, String>,
    /// Every other file of the directory.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// The version of the shape that this program writes.
    pub const VERSION: u32 = 1;

    /// The entry of `file`.
    pub fn entry(&self, file: RunFile) -> Option<&FileEntry> {
        self.files.iter().find(|entry| entry.path == file)
    }
}

/// One file of a run directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name.
    pub path: RunFile,
    /// BLAKE3 of its bytes, 64 hex digits.
    pub blake3: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What only the program around a run knows about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// Name of this execution.
    pub run_id: RunId,
    /// When the run started.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// How long it took, in seconds of machine time.
    pub wall_seconds: f64,
    /// The largest resident memory of the process, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// The folder that relative paths in the config start from.
    pub base: String,
}

/// The target triple of this build.
pub const HOST: &str = env!("BALLAST_TARGET");
