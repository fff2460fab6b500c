//! Every change of the disk, one step at a time, so that whoever keeps files can test a stop at each.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// One change of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A folder is made.
    Folder,
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
    /// A file that nothing names any more is removed.
    Remove,
}

/// What becomes of a step. A disk that is used in earnest answers [`Fate::Go`] to every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It happens.
    Go,
    /// It happens, without waiting for the disk.
    Quick,
    /// Nothing happens any more.
    Stop,
    /// Half of the bytes arrive, then nothing happens any more.
    Tear,
}

/// The disk behind what is kept in files: each change is asked for first, then made.
pub struct Disk<'a> {
    fate: &'a mut dyn FnMut(Step) -> Fate,
}

impl std::fmt::Debug for Disk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl<'a> Disk<'a> {
    /// A disk that asks `fate` before each step.
    pub fn new(fate: &'a mut dyn FnMut(Step) -> Fate) -> Self {
        Self { fate }
    }

    fn ask(&mut self, step: Step) -> io::Result<Fate> {
        let fate = (self.fate)(step);
        if fate == Fate::Stop || fate == Fate::Tear && step != Step::Write {
            return Err(io::Error::other("stopped here"));
        }
        Ok(fate)
    }

    /// Makes a folder and its parents, durably.
    ///
    /// # Errors
    /// As the disk says; `stopped here` when its fate was a stop.
    pub fn folder(&mut self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            self.folder(parent)?;
        }
        self.ask(Step::Folder)?;
        match fs::create_dir(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        self.sync_parent(path)
    }

    /// Replaces a file in one step: temporary file, bytes, sync, rename, sync of the folder. A stop
    /// leaves the old file or the new one, and perhaps a `.tmp` file. A failed sync is never tried
    /// again: its bytes may be gone.
    ///
    /// # Errors
    /// As the disk says; the file is the old one or the new one all the same.
    pub fn put(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = temporary(path);
        self.ask(Step::Create)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        match self.ask(Step::Write)? {
            Fate::Stop | Fate::Tear => {
                file.write_all(&bytes[..bytes.len() / 2])?;
                return Err(io::Error::other("torn here"));
            }
            _ => file.write_all(bytes)?,
        }
        if self.ask(Step::SyncFile)? == Fate::Go {
            file.sync_all()?;
        }
        drop(file);
        self.ask(Step::Rename)?;
        fs::rename(&temporary, path)?;
        self.sync_parent(path)
    }

    /// Removes a file; one that is gone already is no error.
    ///
    /// # Errors
    /// As the disk says.
    pub fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.ask(Step::Remove)?;
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    fn sync_parent(&mut self, path: &Path) -> io::Result<()> {
        if self.ask(Step::SyncFolder)? != Fate::Go {
            return Ok(());
        }
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
            _ => sync_folder(Path::new(".")),
        }
    }
}

fn temporary(path: &Path) -> PathBuf {
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
