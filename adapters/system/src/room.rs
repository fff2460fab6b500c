//! How much disk and memory there is left.

use std::path::Path;

use ballast_ports::{Error, ErrorKind, Result};

/// Bytes this user may still write on the disk of `folder`; `None` where the system does not tell.
///
/// # Errors
/// `Unavailable` when the folder cannot be looked at.
#[cfg(unix)]
pub fn free_disk_bytes(folder: &Path) -> Result<Option<u64>> {
    let figures = rustix::fs::statvfs(folder).map_err(|e| {
        let message = format!("free space cannot be told: {e}");
        Error::new(ErrorKind::Unavailable, "free_disk_bytes", message)
            .context("path", folder.display())
            .hint("check that the folder is there and may be read")
    })?;
    Ok(Some(figures.f_bavail.saturating_mul(figures.f_frsize)))
}

/// Bytes this user may still write on the disk of `folder`; `None` where the system does not tell.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub fn free_disk_bytes(_: &Path) -> Result<Option<u64>> {
    Ok(None)
}

/// Memory that can be had without pushing out anything else, in bytes; `None` where the system does
/// not tell (anything but Linux).
pub fn available_memory_bytes() -> Option<u64> {
    parse_available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// Reads the line `MemAvailable:   1234 kB`.
fn parse_available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_available_memory_is_read_exactly() {
        for (text, expected) in [
            ("MemTotal: 9 kB\nMemAvailable:   2048 kB\n", Some(2_097_152)),
            ("MemAvailable:\t2048\n", None),
            ("MemFree: 1 kB\n", None),
        ] {
            assert_eq!(parse_available(text), expected, "{text:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_room() {
        let disk = free_disk_bytes(Path::new("/")).unwrap().unwrap();
        assert!(disk > 0 && available_memory_bytes().unwrap() > 0);
        assert!(free_disk_bytes(Path::new("/nowhere/at/all")).is_err());
    }
}
