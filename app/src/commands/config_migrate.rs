//! `config migrate FILE`: an old config in today's words, with the old one kept beside it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ballast_domain::error::Error;
use ballast_system::write_atomic;
use serde::Serialize;

use crate::config::{self, Moved};
use crate::exit::Failure;

/// What `migrate` did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migrated {
    /// What has another place now, in the order of the old file.
    pub moved: Vec<Moved>,
    /// Where the old file is kept, once the new one is written.
    pub backup: Option<PathBuf>,
}

/// Writes a file in one step.
type Write<'a> = &'a mut dyn FnMut(&Path, &[u8]) -> ballast_ports::Result<()>;

/// Says what of `file` has another place now; with `write` it is moved there, after the old file was kept
/// as `FILE.backup`. A file that is up to date is left alone.
///
/// # Errors
/// As [`config::migrated`]; `Configuration` when a backup is there already; errors of the disk. The file
/// is then as it was.
pub fn migrate(file: &Path, write: bool) -> Result<Migrated, Failure> {
    migrate_with(file, write, &mut write_atomic)
}

fn migrate_with(file: &Path, write: bool, put: Write<'_>) -> Result<Migrated, Failure> {
    let unreadable = |e: std::io::Error| {
        let message = format!("config file cannot be read: {e}");
        match e.kind() {
            std::io::ErrorKind::NotFound => Error::config_missing(message),
            _ => Error::config(message),
        }
        .context("path", file.display())
        .hint("check the path")
    };
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let base = file.parent().unwrap_or(Path::new(""));
    let migration = config::migrated(&file.display().to_string(), &text, base)?;
    if !write || migration.moved.is_empty() {
        return Ok(Migrated {
            moved: migration.moved,
            backup: None,
        });
    }
    // What a link points to is replaced, not the link.
    let place = fs::canonicalize(file).map_err(unreadable)?;
    let mut backup = OsString::from(&place);
    backup.push(".backup");
    let backup = PathBuf::from(backup);
    let kept = fs::read_to_string(&backup).ok();
    if backup.exists() && kept.as_ref() != Some(&text) {
        return Err(Error::config("there is a backup of an earlier migration")
            .context("path", backup.display())
            .hint("move it away: it is not replaced")
            .into());
    }
    let state = |e: ballast_ports::Error| Failure::state(e.to_domain());
    if kept.is_none() {
        put(&backup, text.as_bytes()).map_err(state)?;
    }
    put(&place, migration.text.as_bytes()).map_err(state)?;
    Ok(Migrated {
        moved: migration.moved,
        backup: Some(backup),
    })
}

#[cfg(test)]
mod tests {
    use ballast_ports::ErrorKind;

    use super::*;

    const OLD: &str = "max_gross = 1\n[data]\nsource = \"a.csv\"\n[strategy]\nname = \"momentum\"\n\
                       [risk]\nmax_order_notional = 1\nmax_position_notional = 1\n";

    /// CFG-13: whichever of the two writes fails, or both were made, the file is the old one or the new
    /// one, whole; and the old one is never lost.
    #[test]
    fn cfg_13_a_write_that_fails_leaves_the_file_as_it_was() {
        for failing in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("my.toml");
            fs::write(&file, OLD).unwrap();
            let mut writes = 0;
            let mut put = |path: &Path, bytes: &[u8]| {
                writes += 1;
                if writes == failing + 1 {
                    let full = "no space left";
                    return Err(ballast_ports::Error::new(
                        ErrorKind::Unavailable,
                        "put",
                        full,
                    ));
                }
                write_atomic(path, bytes)
            };
            let done = migrate_with(&file, true, &mut put);
            assert_eq!(done.is_ok(), failing == 2, "{done:?}");
            let left = fs::read_to_string(&file).unwrap();
            assert_eq!(left == OLD, failing < 2, "write {failing}: {left}");
            let backup = fs::read_to_string(folder.path().join("my.toml.backup"));
            assert_eq!(backup.ok().as_deref(), (failing > 0).then_some(OLD));
            // Tried again, it goes on with the backup there is.
            let again = migrate(&file, true).unwrap();
            assert_eq!(again.backup.is_some(), failing < 2);
            assert!(
                fs::read_to_string(&file)
                    .unwrap()
                    .contains("[risk]\nmax_gross = 1\n")
            );
        }
    }
}
