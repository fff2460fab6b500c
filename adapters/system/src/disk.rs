//! Files that are either the old one or the new one, whatever happens in between.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use ballast_ports::{Error, ErrorKind, Result};
use tempfile::Builder;

/// What [`write_atomic`] does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A temporary file in the same folder: a rename across file systems is not atomic.
    Create,
    /// The bytes.
    Write,
    /// The bytes reach the disk before the name does.
    SyncFile,
    /// The name moves from the old file to the new one.
    Rename,
    /// The name reaches the disk.
    SyncFolder,
}

/// Replaces the file at `path` with `bytes`, durably and in one step.
///
/// A reader, or a restart after a crash at any moment, sees the whole old file or the whole new
/// one. A crash can leave a `.tmp` file beside it. An existing file keeps its permissions.
///
/// # Errors
/// `NotFound` when the folder is not there, `Unauthenticated` when it may not be written,
/// `Unavailable` for any other failure of the disk; the old file is intact unless only the final
/// sync of the folder failed, when it is either.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, bytes, &mut |_| Ok(())).map_err(|e| {
        let (kind, hint) = match e.kind() {
            io::ErrorKind::NotFound => (ErrorKind::NotFound, "create the folder first"),
            io::ErrorKind::PermissionDenied => {
                (ErrorKind::Unauthenticated, "allow this user to write there")
            }
            _ => (ErrorKind::Unavailable, "check free space and the disk"),
        };
        Error::new(kind, "write_atomic", "file cannot be written")
            .context("path", path.display())
            .hint(hint)
            .caused_by(e)
    })
}

/// `before` is asked before each step; its error stops there.
fn write_with(
    path: &Path,
    bytes: &[u8],
    before: &mut dyn FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    before(Step::Create)?;
    let mut builder = Builder::new();
    builder.prefix(".").suffix(".tmp");
    if let Some(permissions) = new_file_permissions() {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder)?;
    if let Ok(existing) = fs::metadata(path) {
        file.as_file().set_permissions(existing.permissions())?;
    }
    before(Step::Write)?;
    file.write_all(bytes)?;
    before(Step::SyncFile)?;
    file.as_file().sync_all()?;
    before(Step::Rename)?;
    file.persist(path).map_err(|e| e.error)?;
    before(Step::SyncFolder)?;
    sync_folder(folder)
}

/// What any new file gets under the user's mask; a temporary file would be private.
#[cfg(unix)]
fn new_file_permissions() -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn new_file_permissions() -> Option<fs::Permissions> {
    None
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const STEPS: [Step; 5] = [
        Step::Create,
        Step::Write,
        Step::SyncFile,
        Step::Rename,
        Step::SyncFolder,
    ];
    const OLD: &[u8] = b"old";
    const NEW: &[u8] = b"a longer new content";

    /// What must be there after a stop before `step`.
    fn expected(step: Step) -> &'static [u8] {
        if step == Step::SyncFolder { NEW } else { OLD }
    }

    /// CAC-07: old or new content after any failing step, never a part.
    #[test]
    fn cac_07_a_failing_step_leaves_the_old_or_the_new_file_and_no_litter() {
        for failing in STEPS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state.json");
            write_atomic(&path, OLD).unwrap();
            let mut seen = Vec::new();
            write_with(&path, NEW, &mut |step| {
                seen.push(step);
                if step == failing {
                    return Err(io::Error::other("disk on fire"));
                }
                Ok(())
            })
            .unwrap_err();
            assert_eq!(seen.last(), Some(&failing));
            assert_eq!(fs::read(&path).unwrap(), expected(failing), "{failing:?}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    /// Only a child process runs the body: it dies before the step its environment names.
    #[test]
    fn child_killed_between_steps() {
        let (Ok(path), Ok(step)) = (
            std::env::var("BALLAST_TEST_PATH"),
            std::env::var("BALLAST_TEST_STEP"),
        ) else {
            return;
        };
        let _ = write_with(Path::new(&path), NEW, &mut |s| {
            if format!("{s:?}") == step {
                std::process::abort();
            }
            Ok(())
        });
    }

    /// CAC-07: the child is aborted, so nothing of it is cleaned up or flushed.
    #[test]
    fn cac_07_a_kill_between_steps_leaves_the_old_or_the_new_file() {
        for step in STEPS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state.json");
            write_atomic(&path, OLD).unwrap();
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "disk::tests::child_killed_between_steps"])
                .env("BALLAST_TEST_PATH", &path)
                .env("BALLAST_TEST_STEP", format!("{step:?}"))
                .output()
                .unwrap()
                .status;
            assert!(!status.success(), "the child survived {step:?}");
            assert_eq!(fs::read(&path).unwrap(), expected(step), "{step:?}");
            // What a killed writer left behind does not disturb the next one.
            write_atomic(&path, NEW).unwrap();
            assert_eq!(fs::read(&path).unwrap(), NEW);
        }
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_kept_and_new_files_are_not_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let plain = folder.path().join("plain");
        fs::write(&plain, OLD).unwrap();
        let path = folder.path().join("new");
        write_atomic(&path, OLD).unwrap();
        assert_eq!(mode(&path), mode(&plain));
        for kept in [0o600, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            write_atomic(&path, NEW).unwrap();
            assert_eq!(mode(&path), kept);
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("file");
        let e = write_atomic(&path, NEW).unwrap_err();
        assert_eq!(e.kind, ErrorKind::NotFound);
        assert!(e.to_string().contains("missing/file"), "{e}");
        assert_eq!(e.advice(), Some("create the folder first"));
    }
}
