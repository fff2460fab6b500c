//! Which files a run had, with their checksums, and whether they still are what they were.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ballast_ports::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::entry_file;

/// What a manifest belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunIdentity {
    /// Id of the run.
    pub run_id: String,
    /// Commit of the program; empty when it is not known.
    pub git_sha: String,
    /// Hash of the config.
    pub config_hash: String,
}

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
    /// Version of its format.
    pub schema: u32,
}

/// Files by their path from one folder, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub v: u32,
    /// Whose files these are.
    pub run: RunIdentity,
    /// The files. Others may be beside them: they are none of this manifest's business.
    pub files: BTreeMap<String, ManifestFile>,
}

/// What became of the files of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestReport {
    /// Files that are as they were.
    pub intact: Vec<String>,
    /// Files that are gone.
    pub missing: Vec<String>,
    /// Files of another size.
    pub resized: Vec<String>,
    /// Files of the same size with other bytes.
    pub changed: Vec<String>,
}

impl ManifestReport {
    /// Whether every file is as it was.
    pub fn is_valid(&self) -> bool {
        self.missing.is_empty() && self.resized.is_empty() && self.changed.is_empty()
    }
}

impl Manifest {
    /// Its name in the folder of a cache.
    pub const NAME: &'static str = "manifest";
    /// The version this program writes.
    pub const VERSION: u32 = 1;

    /// An empty one.
    pub const fn new(run: RunIdentity) -> Self {
        Self {
            v: Self::VERSION,
            run,
            files: BTreeMap::new(),
        }
    }

    /// Adds a file of `root` as it is now; one that is listed already is replaced.
    ///
    /// # Errors
    /// `Rejected` for a path that leads outside, `NotFound` and `Unavailable` as the disk says.
    pub fn add(&mut self, root: &Path, path: &str) -> Result<()> {
        let place = inside(root, path)?;
        let bytes = fs::read(&place).map_err(|e| unreadable(&place, e))?;
        let file = ManifestFile {
            bytes: bytes.len() as u64,
            blake3: blake3::hash(&bytes).to_hex().to_string(),
            schema: entry_file::VERSION,
        };
        self.files.insert(path.to_owned(), file);
        Ok(())
    }

    /// Compares every listed file of `root` with what it was.
    ///
    /// # Errors
    /// `Rejected` for a path that leads outside, `Unavailable` when a file is there and cannot be read.
    pub fn validate(&self, root: &Path) -> Result<ManifestReport> {
        let mut report = ManifestReport::default();
        for (path, file) in &self.files {
            let place = inside(root, path)?;
            let list = match fs::read(&place) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => &mut report.missing,
                Err(e) => return Err(unreadable(&place, e)),
                Ok(bytes) if bytes.len() as u64 != file.bytes => &mut report.resized,
                Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() != file.blake3 => {
                    &mut report.changed
                }
                Ok(_) => &mut report.intact,
            };
            list.push(path.clone());
        }
        Ok(report)
    }

    /// [`Manifest::validate`], with anything but intact files as an error that names each.
    ///
    /// # Errors
    /// `InvalidData`, and as [`Manifest::validate`].
    pub fn ensure_valid(&self, root: &Path) -> Result<()> {
        let report = self.validate(root)?;
        if report.is_valid() {
            return Ok(());
        }
        let mut error = Error::new(
            ErrorKind::InvalidData,
            "manifest",
            "files are not what the manifest says",
        );
        for (what, files) in [
            ("missing", &report.missing),
            ("resized", &report.resized),
            ("changed", &report.changed),
        ] {
            if !files.is_empty() {
                error = error.context(what, files.join(" "));
            }
        }
        Err(error.hint("fetch the data again; what a run used is gone"))
    }

    /// The bytes of the file: JSON, then a line with its BLAKE3.
    ///
    /// # Errors
    /// `Unexpected` when it has no JSON form.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let text = serde_json::to_string_pretty(self).map_err(|e| {
            Error::new(
                ErrorKind::Unexpected,
                "manifest",
                "the manifest has no JSON form",
            )
            .caused_by(e)
        })?;
        let text = format!("{text}\n");
        let hash = blake3::hash(text.as_bytes()).to_hex();
        Ok(format!("{text}blake3:{hash}\n").into_bytes())
    }

    /// Reads what [`Manifest::encode`] wrote.
    ///
    /// # Errors
    /// `InvalidData` for every byte that is not as it was written, and for another version.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let broken = |why: &str| {
            Error::new(
                ErrorKind::InvalidData,
                "manifest",
                format!("the manifest is corrupt: {why}"),
            )
            .hint("write it anew; what it proved is lost")
        };
        let unfit = || broken("its checksum does not fit");
        let text = std::str::from_utf8(bytes).map_err(|_| unfit())?;
        let body = text.strip_suffix('\n').ok_or_else(unfit)?;
        let (body, last) = body.rsplit_once('\n').ok_or_else(unfit)?;
        let body = &text[..=body.len()];
        if last != format!("blake3:{}", blake3::hash(body.as_bytes()).to_hex()) {
            return Err(unfit());
        }
        let found: Self = serde_json::from_str(body)
            .map_err(|e| broken("it is of another version").context("cause", e))?;
        if found.v != Self::VERSION {
            return Err(broken(&format!("it is of version {}", found.v)));
        }
        Ok(found)
    }

    /// Reads the manifest at `path`.
    ///
    /// # Errors
    /// `NotFound` and `Unavailable` as the disk says, `InvalidData` as [`Manifest::decode`].
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|e| unreadable(path, e))?;
        Self::decode(&bytes).map_err(|e| e.context("path", path.display()))
    }
}

fn unreadable(path: &Path, e: io::Error) -> Error {
    let kind = match e.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "manifest", "a file cannot be read")
        .context("path", path.display())
        .hint("check the path and the disk")
        .caused_by(e)
}

/// A manifest is checked, yet no path of it may lead outside.
fn inside(root: &Path, path: &str) -> Result<PathBuf> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if path.split('/').all(plain) && !path.contains(['\\', ':']) {
        return Ok(root.join(path));
    }
    Err(Error::new(
        ErrorKind::Rejected,
        "manifest",
        "a path leads outside of the folder",
    )
    .context("path", path)
    .hint("name files below the folder, with slashes"))
}
