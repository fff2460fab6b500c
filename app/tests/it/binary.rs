//! The real binary: exit codes and streams as a shell sees them.

use std::process::{Command, Output};

fn ballast(arguments: &[&str], folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

#[test]
fn a_shell_sees_codes_and_streams() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (vec!["--version"], 0),
        (vec!["--help"], 0),
        (vec!["nonsense"], 2),
        (vec!["config", "check", "missing.toml"], 2),
        (vec!["verify", "."], 6),
        (vec!["explain", ".", "AAPL"], 3),
    ] {
        let output = ballast(&arguments, folder.path());
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
        assert_eq!(output.stdout.is_empty(), code != 0);
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains('\u{1b}'), "{err}");
        assert_eq!(err.starts_with("error["), code != 0, "{err}");
    }
    // Nothing was written by refusals.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(feature = "sample-data")]
#[test]
fn init_writes_a_folder_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = ballast(&["init", "demo"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(folder.path().join("demo/data/us-stocks.csv.gz").is_file());
    let again = ballast(&["init", "demo"], folder.path());
    assert_eq!(again.status.code(), Some(2));
    let err = String::from_utf8(again.stderr).unwrap();
    assert!(err.contains("hint: name a folder that is empty"), "{err}");
}
