//! A folder with one file a secret, which only its owner can read.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind, Result, Secret, SecretName, Secrets};
use zeroize::Zeroizing;

/// Longest file that is read: keys are short, certificates a few kilobytes.
const MAX_BYTES: u64 = 16 << 10;

/// Secrets in files: the file `NAME` in the folder holds the secret NAME and nothing else.
///
/// A secret is refused when anybody but its owner can read the file or write in the folder, or when
/// the owner is not who runs the program. It counts as issued when its file was last written.
#[derive(Clone, Debug)]
pub struct FolderSecrets {
    folder: PathBuf,
}

/// A secret that lies in a folder, without its value.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    /// Its name; the name of the file where that is none.
    pub name: String,
    /// When its file was last written, or why it cannot be used.
    pub state: Result<Timestamp>,
}

impl FolderSecrets {
    /// The secrets in `folder`. Nothing is read yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What lies in the folder, by name, each with when it was written or why it cannot be used. No
    /// secret is read.
    ///
    /// # Errors
    /// As [`Secrets::secret`] for the folder itself.
    pub fn stored(&self) -> Result<Vec<StoredSecret>> {
        self.admit_folder()?;
        let unreadable = |e: std::io::Error| failed("folder of secrets cannot be read", &e);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)
            .map_err(|e| unreadable(e).context("path", self.folder.display()))?
        {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let state = SecretName::new(&name).and_then(|_| {
                let path = entry.path();
                let metadata = fs::symlink_metadata(&path)
                    .map_err(|e| failed("secret cannot be looked at", &e))?;
                admit_file(&metadata, &path)?;
                written_at(&metadata)
            });
            found.push(StoredSecret { name, state });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn admit_folder(&self) -> Result<()> {
        let metadata = fs::symlink_metadata(&self.folder).map_err(|e| {
            let error = if e.kind() == std::io::ErrorKind::NotFound {
                Error::new(
                    ErrorKind::NotFound,
                    "secret",
                    "there is no folder of secrets",
                )
            } else {
                failed("folder of secrets cannot be looked at", &e)
            };
            let path = self.folder.display();
            error
                .context("path", &path)
                .hint(format!("make it: mkdir -m 700 {path}"))
        })?;
        if !metadata.is_dir() {
            return Err(refused("the folder of secrets is no folder", &self.folder)
                .hint("name a folder that holds one file a secret; a link is not followed"));
        }
        admit_owner(&metadata, &self.folder)?;
        let foreign = mode(&metadata) & 0o077;
        if foreign != 0 {
            let message = "others can look into the folder of secrets";
            return Err(refused(message, &self.folder)
                .context("mode", format!("{:04o}", mode(&metadata)))
                .hint(format!("chmod 700 {}", self.folder.display())));
        }
        Ok(())
    }

    fn read(&self, name: &SecretName) -> Result<Secret> {
        self.admit_folder()?;
        let path = self.folder.join(name.as_str());
        let missing = |e: std::io::Error| {
            let error = if e.kind() == std::io::ErrorKind::NotFound {
                Error::new(
                    ErrorKind::NotFound,
                    "secret",
                    format!("there is no secret {name}"),
                )
            } else {
                failed("secret cannot be read", &e)
            };
            let path = path.display();
            error.context("path", &path).hint(format!(
                "write it alone into that file, then chmod 600 {path}"
            ))
        };
        let link = fs::symlink_metadata(&path).map_err(missing)?;
        admit_file(&link, &path)?;
        let mut file = File::open(&path).map_err(missing)?;
        // What was opened is judged, not what lies there now.
        let metadata = file.metadata().map_err(missing)?;
        admit_file(&metadata, &path)?;
        let length = usize::try_from(metadata.len()).unwrap_or(0);
        // Room for everything at once: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        let mut limited = (&mut file).take(MAX_BYTES);
        limited.read_to_end(&mut bytes).map_err(missing)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Error::new(ErrorKind::InvalidData, "secret", "a secret is no text")
                .context("path", path.display())
                .hint("store it as text, such as base64")
        })?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Secret::new(text.to_owned(), Some(written_at(&metadata)?))
            .map_err(|e| e.context("secret", name))
    }
}

#[async_trait]
impl Secrets for FolderSecrets {
    fn name(&self) -> &str {
        "secrets folder"
    }

    async fn secret(&self, name: &SecretName) -> Result<Secret> {
        self.read(name)
    }
}

fn admit_file(metadata: &Metadata, path: &Path) -> Result<()> {
    if !metadata.is_file() {
        return Err(refused("a secret is no plain file", path)
            .hint("store the secret itself: links are not followed"));
    }
    admit_owner(metadata, path)?;
    if mode(metadata) & 0o177 != 0 {
        return Err(refused("others can read a secret", path)
            .context("mode", format!("{:04o}", mode(metadata)))
            .hint(format!("chmod 600 {}", path.display())));
    }
    if metadata.len() > MAX_BYTES {
        let message = "a file of secrets is longer than 16 KiB";
        return Err(refused(message, path).hint("store one secret a file"));
    }
    Ok(())
}

#[cfg(unix)]
fn admit_owner(metadata: &Metadata, path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() == us {
        return Ok(());
    }
    Err(refused("a secret belongs to somebody else", path)
        .context("owner", metadata.uid())
        .context("program runs as", us)
        .hint(format!("chown {us} {}", path.display())))
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o7777
}

/// Who may read a file cannot be told here, and what cannot be told is not trusted.
#[cfg(not(unix))]
fn admit_owner(_: &Metadata, path: &Path) -> Result<()> {
    Err(
        refused("who can read a file cannot be told on this system", path)
            .hint("use the environment at a desk, and production on Linux"),
    )
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0o777
}

fn written_at(metadata: &Metadata) -> Result<Timestamp> {
    let unknown = || {
        Error::new(
            ErrorKind::Unavailable,
            "secret",
            "the time of a secret's file is not known",
        )
        .hint("write the file anew")
    };
    let at = metadata.modified().map_err(|_| unknown())?;
    let since = at.duration_since(UNIX_EPOCH).map_err(|_| unknown())?;
    let nanos = i64::try_from(since.as_nanos()).map_err(|_| unknown())?;
    Ok(Timestamp::from_nanos(nanos))
}

fn refused(message: &str, path: &Path) -> Error {
    Error::new(ErrorKind::Unauthenticated, "secret", message).context("path", path.display())
}

/// A failure of the disk, in its own words; they name no content.
fn failed(message: &str, e: &std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "secret", format!("{message}: {e}"))
        .hint("check the folder and who may read it")
}
