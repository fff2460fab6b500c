//! The disk under a journal: how much is free, and whether it is one to keep a journal on.

use std::path::Path;

use ballast_journal::STATE;
use ballast_ports::{Error, ErrorKind, Result};

/// Free space below which trading is cut back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Below this many bytes only reductions: 1 GiB unless set.
    pub low: u64,
    /// Below this many bytes nothing: 256 MiB unless set.
    pub critical: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            low: 1 << 30,
            critical: 256 << 20,
        }
    }
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpaceLevel {
    /// Enough.
    Enough,
    /// A driver tightens to reduce-only.
    Low,
    /// A driver halts.
    Critical,
}

/// The room a journal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free bytes for this user; `None` where the system does not say.
    pub free: Option<u64>,
    /// What they mean.
    pub level: SpaceLevel,
    /// Whether the reserve is still there to be given back.
    pub reserve: bool,
}

impl Thresholds {
    /// What so many free bytes mean. Unknown is enough: a full disk still refuses the write.
    pub(crate) const fn level(self, free: Option<u64>) -> SpaceLevel {
        match free {
            Some(free) if free < self.critical => SpaceLevel::Critical,
            Some(free) if free < self.low => SpaceLevel::Low,
            _ => SpaceLevel::Enough,
        }
    }
}

/// Free bytes on the disk of `folder`.
#[cfg(unix)]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Free bytes on the disk of `folder`: this system is not asked.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Refuses a folder on another machine: its locks and syncs promise nothing.
///
/// # Errors
/// `Config` on NFS, SMB, CIFS, AFS, 9P, Ceph and FUSE over a network as far as the system says so.
pub(crate) fn check_local(folder: &Path) -> Result<()> {
    match kind_of(folder) {
        Some(name) => Err(Error::new(
            ErrorKind::Config,
            STATE,
            "the account's folder is on a network file system",
        )
        .context("path", folder.display())
        .context("file system", name)
        .hint("put it on a local disk: a network's locks and syncs promise nothing")),
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn kind_of(folder: &Path) -> Option<&'static str> {
    let disk = rustix::fs::statfs(folder).ok()?;
    // The field's type differs between targets; the magic numbers have 32 bits.
    network_name(u64::try_from(disk.f_type).unwrap_or_default() & 0xffff_ffff)
}

#[cfg(not(target_os = "linux"))]
fn kind_of(_: &Path) -> Option<&'static str> {
    None
}

/// The file system behind one of Linux's magic numbers, if it is a network's.
#[cfg(any(target_os = "linux", test))]
const fn network_name(magic: u64) -> Option<&'static str> {
    match magic {
        0x6969 => Some("nfs"),
        0x517b => Some("smb"),
        0xff53_4d42 => Some("cifs"),
        0xfe53_4d42 => Some("smb2"),
        0x5346_414f => Some("afs"),
        0x0102_1997 => Some("9p"),
        0x00c3_6400 => Some("ceph"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_strict_and_ordered() {
        let t = Thresholds::default();
        for (free, level) in [
            (None, SpaceLevel::Enough),
            (Some(1 << 30), SpaceLevel::Enough),
            (Some((1 << 30) - 1), SpaceLevel::Low),
            (Some(256 << 20), SpaceLevel::Low),
            (Some((256 << 20) - 1), SpaceLevel::Critical),
            (Some(0), SpaceLevel::Critical),
        ] {
            assert_eq!(t.level(free), level, "{free:?}");
        }
    }

    #[test]
    fn this_disk_has_room_and_is_local() {
        let folder = tempfile::tempdir().unwrap();
        check_local(folder.path()).unwrap();
        if cfg!(unix) {
            assert!(free_bytes(folder.path()).is_some_and(|free| free > 0));
        }
        assert_eq!(network_name(0x6969), Some("nfs"));
        assert_eq!(network_name(0xef53), None);
    }
}
