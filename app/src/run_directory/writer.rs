//! Writing a run directory: beside its destination, then renamed as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, Result};
use ballast_domain::time::Timestamp;
use ballast_resilience::MetricsRegistry;

use super::file::RunFile;
use super::identity::Identity;
use super::manifest::{Execution, FileEntry, HOST, MANIFEST, Manifest};
use super::revision::Revision;
use super::{RunDirectory, disk};
use crate::config::Config;

/// A run directory being written. Dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub struct RunWriter {
    folder: PathBuf,
    config: Config,
    identity: Option<(Identity, BTreeMap<String, String>)>,
    open: BTreeSet<RunFile>,
    files: BTreeMap<RunFile, FileEntry>,
    metrics: MetricsRegistry,
    finished: bool,
}

impl RunWriter {
    /// Starts a run of `config` in a hidden folder in `parent`, which is made when it is missing.
    /// `token` keeps two writers apart: a [`RunId`](super::RunId).
    ///
    /// # Errors
    /// `Api` when the folder cannot be made.
    pub fn create(parent: &Path, token: &str, config: &Config) -> Result<Self> {
        let folder = parent.join(format!(".{token}.partial"));
        fs::create_dir_all(parent).map_err(|e| disk("folder cannot be made", parent, &e))?;
        fs::create_dir(&folder).map_err(|e| disk("folder cannot be made", &folder, &e))?;
        let mut writer = Self {
            folder,
            config: config.clone(),
            identity: None,
            open: BTreeSet::new(),
            files: BTreeMap::new(),
            metrics: MetricsRegistry::default(),
            finished: false,
        };
        let mut text = writer.open(RunFile::Config)?;
        text.write_all(config.to_toml().as_bytes())
            .map_err(|e| writer.refused(RunFile::Config, &e))?;
        writer.close(text)?;
        Ok(writer)
    }

    /// Says which data the run used (the BLAKE3 of each file by its name in the config) and gets
    /// the identity that summary and report show. Called once, before those are written.
    ///
    /// # Errors
    /// `Invariant` when it is called again with other data.
    pub fn identify(&mut self, data: &BTreeMap<String, String>) -> Result<Identity> {
        if let Some((identity, known)) = &self.identity {
            if known != data {
                return Err(Error::invariant("a run has two sets of data"));
            }
            return Ok(identity.clone());
        }
        let identity = Identity::new(&self.config, data)?;
        self.identity = Some((identity.clone(), data.clone()));
        Ok(identity)
    }

    /// What [`RunWriter::identify`] said.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref().map(|(identity, _)| identity)
    }

    /// What the run counts on its way. The caller writes it as `metrics.json`; nothing of it may
    /// reach another file.
    pub const fn metrics(&self) -> &MetricsRegistry {
        &self.metrics
    }

    /// Opens `file`. Several may be open at once; each is given back to [`RunWriter::close`].
    ///
    /// # Errors
    /// `Invariant` when it is open or written already, `Api` from the disk.
    pub fn open(&mut self, file: RunFile) -> Result<Output> {
        if self.files.contains_key(&file) || !self.open.insert(file) {
            return Err(Error::invariant(format!("{file} is written twice")));
        }
        let path = self.folder.join(file.name());
        let to = File::create_new(&path).map_err(|e| disk("file cannot be made", &path, &e))?;
        Ok(Output {
            file,
            to: BufWriter::new(to),
            hash: blake3::Hasher::new(),
            size: 0,
        })
    }

    /// Takes a file that is complete: its bytes reach the disk and its hash the manifest.
    ///
    /// # Errors
    /// `Api` from the disk.
    pub fn close(&mut self, output: Output) -> Result<()> {
        let file = output.file;
        let entry = FileEntry {
            path: file,
            blake3: output.hash.finalize().to_hex().to_string(),
            size: output.size,
        };
        output
            .to
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|to| to.sync_all())
            .map_err(|e| self.refused(file, &e))?;
        self.open.remove(&file);
        self.files.insert(file, entry);
        Ok(())
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// As [`RunWriter::open`] and [`RunWriter::close`].
    pub fn put(&mut self, file: RunFile, bytes: &[u8]) -> Result<()> {
        let mut output = self.open(file)?;
        output
            .write_all(bytes)
            .map_err(|e| self.refused(file, &e))?;
        self.close(output)
    }

    /// Refuses a run that lacks a file.
    ///
    /// # Errors
    /// `Invariant` naming the first file that was not written.
    pub fn require_complete(&self) -> Result<()> {
        match RunFile::ALL
            .iter()
            .find(|file| !self.files.contains_key(*file))
        {
            Some(file) => Err(Error::invariant(format!("the run wrote no {file}"))),
            None => Ok(()),
        }
    }

    /// The error of writing `file`.
    pub fn refused(&self, file: RunFile, e: &io::Error) -> Error {
        disk("file cannot be written", &self.folder.join(file.name()), e)
    }

    /// Writes the manifest and moves the folder to `destination`, which may be an empty folder.
    ///
    /// # Errors
    /// `Invariant` when the run has no identity or a file is still open, `Configuration` when the
    /// destination holds something, `Api` from the disk.
    pub fn finish(mut self, execution: Execution, destination: &Path) -> Result<RunDirectory> {
        let (identity, data) = self
            .identity
            .take()
            .ok_or_else(|| Error::invariant("a run ends without having named its data"))?;
        if let Some(file) = self.open.first() {
            return Err(Error::invariant(format!("{file} is still open")));
        }
        let manifest = Manifest {
            v: Manifest::VERSION,
            run_id: execution.run_id,
            identity,
            revision: Revision::of_build(),
            host: HOST.to_owned(),
            started: execution.started,
            finished: execution.finished,
            wall_seconds: execution.wall_seconds,
            peak_memory_bytes: execution.peak_memory_bytes,
            base: execution.base,
            data,
            files: self.files.values().cloned().collect(),
        };
        self.write_manifest(&manifest)?;
        require_free(destination)?;
        // An empty folder is in the way of a rename on some systems.
        if destination.is_dir() {
            fs::remove_dir(destination)
                .map_err(|e| disk("empty folder cannot be replaced", destination, &e))?;
        }
        fs::rename(&self.folder, destination)
            .map_err(|e| disk("run cannot be moved to its place", destination, &e))?;
        self.finished = true;
        sync_folder(destination.parent().unwrap_or(Path::new(".")))
            .map_err(|e| disk("folder cannot be made durable", destination, &e))?;
        Ok(RunDirectory::new(destination, manifest))
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        let path = self.folder.join(MANIFEST);
        let text = serde_json::to_string_pretty(manifest)
            .map_err(|e| Error::invariant(format!("manifest has no JSON form: {e}")))?;
        File::create_new(&path)
            .and_then(|mut to| {
                to.write_all(text.as_bytes())?;
                to.write_all(b"\n")?;
                to.sync_all()
            })
            .and_then(|()| sync_folder(&self.folder))
            .map_err(|e| disk("manifest cannot be written", &path, &e))
    }
}

impl Drop for RunWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody is left to tell when this fails; the hidden folder is harmless.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A file being written: hashed and counted on its way.
#[derive(Debug)]
pub struct Output {
    file: RunFile,
    to: BufWriter<File>,
    hash: blake3::Hasher,
    size: u64,
}

impl Output {
    /// Which file.
    pub const fn file(&self) -> RunFile {
        self.file
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Refuses a destination that holds something.
///
/// # Errors
/// `Configuration` with what to do instead.
pub(crate) fn require_free(folder: &Path) -> Result<()> {
    let taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(e) => e.kind() != io::ErrorKind::NotFound,
    };
    if taken {
        return Err(Error::config("destination is not an empty folder")
            .context("path", folder.display())
            .hint("name a folder that is empty or does not exist yet"));
    }
    Ok(())
}

/// `<time>-<result_id>` in `runs`, with `-2`, `-3` … when that is taken.
pub fn free_name(runs: &Path, started: Timestamp, result_id: &str) -> PathBuf {
    let time = started.to_datetime().format("%Y%m%dT%H%M%SZ");
    let first = runs.join(format!("{time}-{result_id}"));
    if !first.exists() {
        return first;
    }
    // A second run within the same second is rare, a thousandth impossible.
    (2..)
        .map(|n| runs.join(format!("{time}-{result_id}-{n}")))
        .find(|path| !path.exists())
        .unwrap_or(first)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

/// Other systems cannot open a folder; their rename is as durable as they make it.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
