//! What a journal changes beside its database: the lock and the anchor.

use std::fs::File;
use std::io;
use std::path::Path;

/// The disk beside a journal. An adapter brings its own, so that its tests can fail each step.
pub trait Files {
    /// Opens the lock file, making it where it is missing.
    ///
    /// # Errors
    /// As the file system says.
    fn open_lock(&mut self, path: &Path) -> io::Result<File>;

    /// Replaces a file in one step, durably.
    ///
    /// # Errors
    /// As the file system says; the file is the old one or the new one all the same.
    fn put(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Overwrites `bytes` at `offset` of an open file, durably. A failed sync is never tried again.
    ///
    /// # Errors
    /// As the file system says.
    fn overwrite(&mut self, file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()>;
}
