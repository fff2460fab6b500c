//! `runs archive RUN... --out FILE`: finished runs in one gzipped tar file.

use std::path::PathBuf;

use ballast_domain::error::{Error, Result};
use ballast_system::write_atomic;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::drivers::RunError;
use crate::exit::{Exit, Failure};
use crate::run_directory::{MANIFEST, RunDirectory, locate};

/// Which runs to pack, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveRequest {
    /// The runs: folders, or beginnings of names.
    pub runs: Vec<PathBuf>,
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
    /// The archive; an older one is replaced in one step.
    pub out: PathBuf,
}

/// A written archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Archived {
    /// The file.
    pub archive: String,
    /// The folders in it, in order.
    pub runs: Vec<String>,
    /// BLAKE3 of the file, 64 hex digits.
    pub blake3: String,
}

/// Packs the runs. Owner, permissions and order are fixed and each file has the time its run was
/// finished, so that the same runs give the same bytes on every machine.
///
/// # Errors
/// `Configuration` when two runs would have one name in the archive; `StateRefused` when a run is
/// not what its manifest says, or from the disk.
pub fn runs_archive(request: &ArchiveRequest) -> std::result::Result<Archived, Failure> {
    let mut runs = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for said in &request.runs {
        let run = RunDirectory::open(&locate(&request.home, said)?)?;
        let damage = run.damage().map_err(Failure::state)?;
        if !damage.is_empty() {
            return Err(Failure {
                exit: Exit::StateRefused,
                errors: damage,
            });
        }
        let name = folder_name(&run)?;
        if names.contains(&name) {
            return Err(Error::config(format!("two runs are called '{name}'"))
                .hint("name each run once, and rename one of two folders of one name")
                .into());
        }
        names.push(name);
        runs.push(run);
    }
    let bytes = packed(&runs, &names)?;
    write_atomic(&request.out, &bytes).map_err(|e| {
        let mut failure = Failure::from(RunError::Port(e));
        failure.exit = Exit::StateRefused;
        failure
    })?;
    Ok(Archived {
        archive: request.out.display().to_string(),
        runs: names,
        blake3: blake3::hash(&bytes).to_hex().to_string(),
    })
}

fn folder_name(run: &RunDirectory) -> Result<String> {
    let path = std::path::absolute(run.path()).unwrap_or_else(|_| run.path().to_owned());
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        Error::config("the run has no name to pack it under")
            .context("path", run.path().display())
            .hint("name the folder of the run, not its place relative to here")
    })
}

fn packed(runs: &[RunDirectory], names: &[String]) -> Result<Vec<u8>> {
    let refused = |e: std::io::Error| Error::invariant(format!("a run cannot be packed: {e}"));
    // The header of gzip holds no time and no name.
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (run, name) in runs.iter().zip(names) {
        let finished = run.manifest().finished.to_datetime().timestamp();
        let mut add = |file: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(finished.unsigned_abs());
            tar.append_data(&mut header, format!("{name}/{file}"), bytes)
                .map_err(refused)
        };
        let manifest = std::fs::read(run.path().join(MANIFEST)).map_err(refused)?;
        add(MANIFEST, &manifest)?;
        let mut files: Vec<_> = run.manifest().files.iter().map(|f| f.path).collect();
        files.sort_by_key(|file| file.name());
        for file in files {
            add(file.name(), &run.read(file)?)?;
        }
    }
    tar.into_inner()
        .and_then(GzEncoder::finish)
        .map_err(refused)
}
