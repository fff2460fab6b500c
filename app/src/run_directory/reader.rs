//! Opening a run directory and proving that nobody touched it.

use std::fs;
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, Result};

use super::decision_line::DecisionLine;
use super::file::RunFile;
use super::manifest::{MANIFEST, Manifest};
use super::{disk, table};

/// A finished run on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct RunDirectory {
    path: PathBuf,
    manifest: Manifest,
}

impl RunDirectory {
    pub(super) fn new(path: &Path, manifest: Manifest) -> Self {
        Self {
            path: path.to_owned(),
            manifest,
        }
    }

    /// Opens the run in `path` by its manifest.
    ///
    /// # Errors
    /// `DataMissing` when there is no manifest, `DataValidation` when it cannot be read or was
    /// written by a newer program.
    pub fn open(path: &Path) -> Result<Self> {
        let file = path.join(MANIFEST);
        let text = fs::read_to_string(&file).map_err(|e| {
            Error::missing(format!("no run here: {MANIFEST} cannot be read: {e}"))
                .context("path", path.display())
                .hint("name the folder that `ballast backtest` printed, or the beginning of a name that `ballast runs` lists")
        })?;
        let refused = |what: String| {
            Error::validation(what)
                .context("path", file.display())
                .hint("the file was changed after the run, or by another program: run it again")
        };
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| refused(format!("manifest is broken: {e}")))?;
        let version = value.get("v").and_then(serde_json::Value::as_u64);
        if version.is_some_and(|v| v > u64::from(Manifest::VERSION)) {
            return Err(refused(format!(
                "manifest has version {}, this program reads up to {}",
                version.unwrap_or_default(),
                Manifest::VERSION
            ))
            .hint("use the program that wrote it, or a newer one"));
        }
        let manifest = serde_json::from_value(value)
            .map_err(|e| refused(format!("manifest is broken: {e}")))?;
        Ok(Self::new(path, manifest))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says about itself.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of `file`, which are those the run wrote.
    ///
    /// # Errors
    /// `DataMissing` when the run wrote no such file or it is gone, `DataValidation` when its
    /// bytes are not those of the manifest.
    pub fn read(&self, file: RunFile) -> Result<Vec<u8>> {
        let entry = self.manifest.entry(file).ok_or_else(|| {
            Error::missing(format!("the run wrote no {file}")).context("path", self.path.display())
        })?;
        let path = self.path.join(file.name());
        let bytes = fs::read(&path).map_err(|e| {
            Error::missing(format!("{file} cannot be read: {e}"))
                .context("path", path.display())
                .hint("the file was removed after the run: run it again")
        })?;
        let found = blake3::hash(&bytes).to_hex().to_string();
        if found != entry.blake3 {
            return Err(
                Error::validation(format!("{file} is not what the run wrote"))
                    .context("path", path.display())
                    .context("blake3 in the manifest", &entry.blake3)
                    .context("blake3 found", found)
                    .context("bytes in the manifest", entry.size)
                    .context("bytes found", bytes.len())
                    .hint("the file was changed after the run: run it again, trust neither"),
            );
        }
        Ok(bytes)
    }

    /// The text of `file`.
    ///
    /// # Errors
    /// As [`RunDirectory::read`], and `DataValidation` when it is not UTF-8.
    pub fn text(&self, file: RunFile) -> Result<String> {
        String::from_utf8(self.read(file)?)
            .map_err(|e| Error::validation(format!("{file} is not UTF-8: {e}")))
    }

    /// The rows of a CSV file, header first.
    ///
    /// # Errors
    /// As [`RunDirectory::text`].
    pub fn rows(&self, file: RunFile) -> Result<Vec<Vec<String>>> {
        Ok(table::rows(&self.text(file)?))
    }

    /// The decisions, in order.
    ///
    /// # Errors
    /// As [`RunDirectory::text`], and `DataValidation` with the line that is not a decision.
    pub fn decisions(&self) -> Result<Vec<DecisionLine>> {
        let text = self.text(RunFile::Decisions)?;
        let line = |(n, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|e| {
                Error::validation(format!("line {} is not a decision: {e}", n + 1))
                    .context("path", self.path.join(RunFile::Decisions.name()).display())
                    .hint("read the run with the program that wrote it")
            })
        };
        text.lines().enumerate().map(line).collect()
    }

    /// Everything in the directory that is not as the run left it: files that changed, are gone,
    /// or were added.
    ///
    /// # Errors
    /// `Api` when the folder cannot be listed.
    pub fn damage(&self) -> Result<Vec<Error>> {
        let mut found = Vec::new();
        for entry in &self.manifest.files {
            found.extend(self.read(entry.path).err());
        }
        let list = fs::read_dir(&self.path).map_err(|e| disk("no folder", &self.path, &e))?;
        let mut names: Vec<String> = list
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .collect();
        names.sort();
        for name in names {
            let known = self.manifest.files.iter().any(|e| e.path.name() == name);
            if !known && name != MANIFEST {
                found.push(
                    Error::validation(format!("{name} is not part of the run"))
                        .context("path", self.path.join(&name).display())
                        .hint("move it out of the run directory"),
                );
            }
        }
        Ok(found)
    }
}
