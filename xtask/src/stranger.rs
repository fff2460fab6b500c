//! The place where someone who has just heard of Ballast works: a fresh clone, and what they make
//! beside it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with the clone `ballast` in it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// What cargo builds into.
    pub target: PathBuf,
}

impl Place {
    /// The place of the checkout at `root`; nothing is made yet.
    ///
    /// Builds go to the checkout's own target folder, so that nothing is built twice. With changes
    /// that are not committed they do not: the clone would put older programs there.
    ///
    /// # Errors
    /// Git cannot say whether the checkout is clean.
    pub fn of(root: &Path) -> Result<Self, String> {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |target| root.join(target));
        let folder = target.join("stranger");
        let changes = git(root, &["status", "--porcelain", "--untracked-files=no"])?;
        let target = if changes.is_empty() {
            target
        } else {
            println!("uncommitted changes: the clone has none of them and builds apart");
            folder.join("target")
        };
        Ok(Self { folder, target })
    }

    /// The clone.
    pub fn checkout(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Empties the place and clones `root` into it, each file as old as the checkout's, so that what
    /// was built from that is not built again.
    ///
    /// # Errors
    /// The folder cannot be made, or git cannot clone.
    pub fn clone_anew(&self, root: &Path) -> Result<(), String> {
        // What was built before may stay.
        self.empty_but(&[&self.target])?;
        std::fs::create_dir_all(&self.folder)
            .map_err(|e| format!("{} cannot be made: {e}", self.folder.display()))?;
        let (from, to) = (root.display().to_string(), self.checkout());
        git(
            root,
            &["clone", "--quiet", &from, &to.display().to_string()],
        )?;
        as_old_as(root, &to).map_err(|e| format!("{}: its times: {e}", to.display()))
    }

    /// Clones `root` unless the clone there is of the same revision and unchanged; what somebody
    /// made beside the clone goes either way.
    ///
    /// # Errors
    /// As [`Place::clone_anew`].
    pub fn clone_once(&self, root: &Path) -> Result<(), String> {
        let checkout = self.checkout();
        let head = |at: &Path| git(at, &["rev-parse", "HEAD"]);
        let same = checkout.join(".git").exists()
            && head(&checkout)? == head(root)?
            && git(&checkout, &["status", "--porcelain"])?.is_empty();
        if same {
            self.empty_but(&[&self.target, &checkout, &self.installed()])
        } else {
            self.clone_anew(root)
        }
    }

    fn installed(&self) -> PathBuf {
        self.folder.join("installed")
    }

    /// Removes all that is in the place but the paths of `kept`.
    fn empty_but(&self, kept: &[&Path]) -> Result<(), String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        for path in entries.flatten().map(|entry| entry.path()) {
            if kept.contains(&path.as_path()) {
                continue;
            }
            let gone = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            gone.map_err(|e| format!("{} cannot be removed: {e}", path.display()))?;
        }
        Ok(())
    }

    /// A command that runs here: in the clone, building into [`Place::target`], installing into a
    /// folder of its own that is first on the path.
    ///
    /// # Errors
    /// The path variable holds what no path may hold.
    pub fn command(&self, program: &str) -> Result<Command, String> {
        let installed = self.installed();
        let mut path = vec![installed.join("bin")];
        path.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let path = std::env::join_paths(path).map_err(|e| e.to_string())?;
        let mut command = Command::new(program);
        command
            .current_dir(self.checkout())
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INSTALL_ROOT", installed)
            .env("PATH", path);
        // Of the cargo that runs this program; the stranger's is found on the path.
        for name in ["CARGO", "CARGO_MANIFEST_DIR", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(name);
        }
        Ok(command)
    }
}

/// Gives what is in `clone` the times of what has the same name in `root`: cargo and the build
/// script of the program look at nothing else to tell whether a file has changed.
fn as_old_as(root: &Path, clone: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(clone)? {
        let name = entry?.file_name();
        let (old, new) = (root.join(&name), clone.join(&name));
        // Times of what git keeps for itself, objects for one, mean nothing.
        if !old.exists() || name == "objects" {
            continue;
        }
        if new.is_dir() {
            as_old_as(&old, &new)?;
        }
        File::open(&new)?.set_modified(old.metadata()?.modified()?)?;
    }
    Ok(())
}

/// What git answers at `at`.
fn git(at: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        // A refreshed index would have the clone's build script run again.
        .arg("--no-optional-locks")
        .current_dir(at)
        .args(arguments)
        .output()
        .map_err(|e| format!("git cannot be started: {e}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("git {} failed: {why}", arguments.join(" ")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_run_in_the_clone_and_find_what_was_installed() {
        let place = Place {
            folder: PathBuf::from("/a/stranger"),
            target: PathBuf::from("/a"),
        };
        let command = place.command("bash").unwrap();
        assert_eq!(
            command.get_current_dir(),
            Some(Path::new("/a/stranger/ballast"))
        );
        let path = command
            .get_envs()
            .find_map(|(name, value)| (name == "PATH").then_some(value?))
            .unwrap();
        let first = std::env::split_paths(path).next().unwrap();
        assert_eq!(first, Path::new("/a/stranger/installed/bin"));
    }

    #[test]
    fn a_clone_is_as_old_as_its_origin() {
        let folder = tempfile::tempdir().unwrap();
        let (root, clone) = (folder.path().join("root"), folder.path().join("clone"));
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        for (at, times) in [(&root, Some(long_ago)), (&clone, None)] {
            std::fs::create_dir_all(at.join("src")).unwrap();
            for name in ["src/lib.rs", "src"] {
                let path = at.join(name);
                if !path.exists() {
                    std::fs::write(&path, "").unwrap();
                }
                if let Some(time) = times {
                    File::open(&path).unwrap().set_modified(time).unwrap();
                }
            }
        }
        std::fs::write(clone.join("own.txt"), "").unwrap();
        as_old_as(&root, &clone).unwrap();
        let time = |name: &str| clone.join(name).metadata().unwrap().modified().unwrap();
        assert_eq!(time("src/lib.rs"), long_ago);
        assert_eq!(time("src"), long_ago);
        assert!(time("own.txt") > long_ago);
    }
}
