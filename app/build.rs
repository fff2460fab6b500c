//! Tells the program its target and, when git is there, the revision it is built from.

use std::path::Path;
use std::process::Command;

fn main() {
    let target = std::env::var("TARGET").expect("cargo sets TARGET for build scripts");
    println!("cargo::rustc-env=BALLAST_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
    let here = Path::new(".");
    if let Some(sha) = git(here, &["rev-parse", "HEAD"]) {
        let dirty = git(here, &["status", "--porcelain", "--untracked-files=no"])
            .is_some_and(|changes| !changes.is_empty());
        println!("cargo::rustc-env=BALLAST_GIT_SHA={sha}");
        println!("cargo::rustc-env=BALLAST_GIT_DIRTY={dirty}");
        // A commit moves the log of HEAD; an edit moves a source file.
        for name in ["logs/HEAD", "HEAD", "index"] {
            if let Some(path) = git(here, &["rev-parse", "--git-path", name])
                && Path::new(&path).exists()
            {
                println!("cargo::rerun-if-changed={path}");
            }
        }
        for folder in ["src", "../domain/src", "../ports/src", "../adapters"] {
            println!("cargo::rerun-if-changed={folder}");
        }
    }
}

/// What git answers in `folder`; `None` when it is missing or the folder is in no repository.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    // Without the lock `status` would refresh the index, which is watched above: the next build
    // would compile everything again.
    let output = Command::new("git")
        .arg("--no-optional-locks")
        .current_dir(folder)
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
