//! Space kept back for the day the disk is full, so that the last records still find room.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ballast_journal::refusal::of_io;
use ballast_ports::Result;

use crate::disk::{Disk, Step};

/// A file of this many bytes, written and not only promised.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    pub(crate) fn new(folder: &Path, bytes: u64) -> Self {
        Self {
            path: folder.join("journal.reserve"),
            bytes,
        }
    }

    /// Whether it is there in full.
    pub(crate) fn is_held(&self) -> bool {
        self.bytes > 0 && fs::metadata(&self.path).is_ok_and(|m| m.len() >= self.bytes)
    }

    /// Takes the space where `free` leaves twice as much, or is not known; a disk with less keeps
    /// what there is for the journal itself.
    ///
    /// # Errors
    /// As the file system says; what was written is removed again.
    pub(crate) fn take(&self, free: Option<u64>, disk: &mut Disk) -> Result<()> {
        if self.bytes == 0 || self.is_held() {
            return Ok(());
        }
        if free.is_some_and(|free| free / 2 < self.bytes) {
            return Ok(());
        }
        self.fill(disk).map_err(|e| {
            // Without the whole of it the part is only in the way.
            let _ = fs::remove_file(&self.path);
            of_io(
                e,
                "the reserve of the journal cannot be written",
                &self.path,
            )
        })
    }

    fn fill(&self, disk: &mut Disk) -> io::Result<()> {
        disk.ask(Step::Create)?;
        let mut file = fs::File::create(&self.path)?;
        disk.ask(Step::Write)?;
        // Not zeros: some file systems keep those for nothing.
        let block: Vec<u8> = (0..1 << 16)
            .map(|i: u32| i.wrapping_mul(2_654_435_761).to_le_bytes()[3])
            .collect();
        let mut left = self.bytes;
        while left > 0 {
            let part = usize::try_from(left)
                .unwrap_or(block.len())
                .min(block.len());
            file.write_all(&block[..part])?;
            left -= part as u64;
        }
        disk.ask(Step::SyncFile)?;
        file.sync_all()
    }

    /// Gives the space back.
    pub(crate) fn release(&self, disk: &mut Disk) -> io::Result<()> {
        disk.remove(&self.path)
    }
}
