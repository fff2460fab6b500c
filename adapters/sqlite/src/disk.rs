//! Every change the journal makes to the disk, one step at a time, so that a test can fail each.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ballast_journal::files::Files;

/// One change of the disk, or one call of SQLite that leads to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// A folder is made.
    Folder,
    /// The lock file is opened.
    Lock,
    /// The database is opened.
    Open,
    /// The schema is written.
    Schema,
    /// A transaction begins.
    Begin,
    /// A row is written.
    Row,
    /// The transaction is committed.
    Commit,
    /// It is committed, and nobody knows yet.
    Committed,
    /// A slot of the anchor is written.
    Anchor,
    /// It reaches the disk.
    SyncAnchor,
    /// It has reached the disk, and nobody knows yet.
    Anchored,
    /// A temporary file is made beside its place.
    Create,
    /// It gets its bytes.
    Write,
    /// They reach the disk before the name does.
    SyncFile,
    /// The name moves to the new file.
    Rename,
    /// The name reaches the disk.
    SyncFolder,
    /// A file is removed.
    Remove,
}

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It happens.
    Go,
    /// It fails.
    #[cfg(test)]
    Fail,
    /// It fails half way, where it can; else it fails.
    #[cfg(test)]
    Tear,
    /// The process ends before it.
    #[cfg(test)]
    Die,
}

/// The disk behind a journal.
pub(crate) struct Disk {
    fate: Box<dyn FnMut(Step) -> Fate + Send>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl Disk {
    /// The disk as it is.
    pub(crate) fn real() -> Self {
        Self {
            fate: Box::new(|_| Fate::Go),
        }
    }

    /// A disk that asks `fate` before each step.
    #[cfg(test)]
    pub(crate) fn with(fate: impl FnMut(Step) -> Fate + Send + 'static) -> Self {
        Self {
            fate: Box::new(fate),
        }
    }

    /// Asks what becomes of `step`.
    pub(crate) fn ask(&mut self, step: Step) -> io::Result<()> {
        match self.fate(step) {
            Fate::Go => Ok(()),
            #[cfg(test)]
            _ => Err(io::Error::other(format!("failed here: {step:?}"))),
        }
    }

    fn fate(&mut self, step: Step) -> Fate {
        let fate = (self.fate)(step);
        #[cfg(test)]
        if fate == Fate::Die {
            std::process::abort();
        }
        fate
    }

    /// Asks before a call of SQLite.
    pub(crate) fn ask_sqlite(&mut self, step: Step) -> rusqlite::Result<()> {
        self.ask(step)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    }

    /// Makes a folder and its parents, durably.
    pub(crate) fn folder(&mut self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            self.folder(parent)?;
        }
        self.ask(Step::Folder)?;
        match fs::create_dir(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        self.sync_parent(path)
    }

    /// Replaces a file in one step: temporary file, bytes, sync, rename, sync of the folder.
    fn put(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = temporary(path);
        self.ask(Step::Create)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        match self.fate(Step::Write) {
            Fate::Go => file.write_all(bytes)?,
            #[cfg(test)]
            fate => {
                if fate == Fate::Tear {
                    file.write_all(&bytes[..bytes.len() / 2])?;
                }
                return Err(io::Error::other("failed here: Write"));
            }
        }
        self.ask(Step::SyncFile)?;
        file.sync_all()?;
        drop(file);
        self.ask(Step::Rename)?;
        fs::rename(&temporary, path)?;
        self.sync_parent(path)
    }

    /// Overwrites `bytes` at `offset` of an open file, durably. A failed sync is never tried again:
    /// its bytes may be gone.
    fn overwrite(&mut self, file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self.fate(Step::Anchor) {
            Fate::Go => {
                file.seek(SeekFrom::Start(offset))?;
                file.write_all(bytes)?;
            }
            #[cfg(test)]
            fate => {
                if fate == Fate::Tear {
                    file.seek(SeekFrom::Start(offset))?;
                    file.write_all(&bytes[..bytes.len() / 3])?;
                }
                return Err(io::Error::other("failed here: Anchor"));
            }
        }
        self.ask(Step::SyncAnchor)?;
        file.sync_data()?;
        self.ask(Step::Anchored)
    }

    /// Removes a file; one that is gone already is no error.
    pub(crate) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.ask(Step::Remove)?;
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// Moves a file that is durable to its name.
    pub(crate) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.ask(Step::Rename)?;
        fs::rename(from, to)?;
        self.sync_parent(to)
    }

    /// The name of `path` reaches the disk.
    pub(crate) fn sync_parent(&mut self, path: &Path) -> io::Result<()> {
        self.ask(Step::SyncFolder)?;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
            _ => sync_folder(Path::new(".")),
        }
    }
}

impl Files for Disk {
    fn open_lock(&mut self, path: &Path) -> io::Result<File> {
        self.ask(Step::Lock)?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    }

    fn put(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        Self::put(self, path, bytes)
    }

    fn overwrite(&mut self, file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        Self::overwrite(self, file, offset, bytes)
    }
}

/// Where a file is written before it has its name.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems cannot open a folder; their rename is as durable as they make it.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
