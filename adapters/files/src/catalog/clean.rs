//! What a stopped or finished change left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ballast_ports::Result;

use super::manifest::{DATA, Manifest, NAME};
use super::unreadable;
use ballast_system::Disk;

/// Files that no manifest names: of a stopped change, or replaced by one before this.
pub(super) fn leftovers(root: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>> {
    let named: BTreeSet<PathBuf> = manifest.files().map(|file| root.join(&file.path)).collect();
    let mut found = Vec::new();
    let temporary = root.join(format!(".{NAME}.tmp"));
    if temporary.exists() {
        found.push(temporary);
    }
    let mut folders = vec![root.join(DATA)];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(unreadable(e, &folder)),
        };
        for entry in entries {
            let path = entry.map_err(|e| unreadable(e, &folder))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if !named.contains(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Removes them. Called before a change, not after it: a reader of the manifest before last may
/// still be at its files.
pub(super) fn clean(root: &Path, manifest: &Manifest, disk: &mut Disk<'_>) -> Result<()> {
    for path in leftovers(root, manifest)? {
        disk.remove(&path).map_err(|e| unreadable(e, &path))?;
    }
    Ok(())
}
