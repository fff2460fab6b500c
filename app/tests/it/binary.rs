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

/// REP-06: the default run writes the same bytes in another folder, time zone and locale.
#[cfg(feature = "sample-data")]
#[test]
fn rep_06_two_runs_write_the_same_bytes() {
    use ballast::run_directory::{RunDirectory, RunFile, Verdict, compare};
    let folder = tempfile::tempdir().unwrap();
    let mut runs = Vec::new();
    for (n, zone, locale) in [(1, "UTC", "C"), (2, "Asia/Tokyo", "de_DE.UTF-8")] {
        let here = folder.path().join(n.to_string());
        std::fs::create_dir(&here).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
            .args(["backtest", "--out", "run"])
            .current_dir(&here)
            .env("TZ", zone)
            .env("LC_ALL", locale)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        runs.push(RunDirectory::open(&here.join("run")).unwrap());
    }
    assert_eq!(compare(&runs[0], &runs[1]).unwrap(), Verdict::Identical);
    for file in RunFile::ALL {
        assert!(!runs[0].read(file).unwrap().is_empty(), "{file}");
        if file.is_measured() {
            continue;
        }
        assert_eq!(
            runs[0].read(file).unwrap(),
            runs[1].read(file).unwrap(),
            "{file}"
        );
    }
    assert_ne!(runs[0].manifest().run_id, runs[1].manifest().run_id);
    let verify = ballast(&["verify", "1/run"], folder.path());
    assert_eq!(String::from_utf8(verify.stdout).unwrap(), "identical\n");
}

/// The folder that `init` makes runs as it stands, from outside it, and its results are those of
/// the samples inside the program.
#[cfg(feature = "sample-data")]
#[test]
fn an_initialised_folder_runs_like_the_samples() {
    use ballast::run_directory::{RunDirectory, RunFile};
    let folder = tempfile::tempdir().unwrap();
    let ok = |arguments: &[&str]| {
        let output = ballast(arguments, folder.path());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        output
    };
    ok(&["init", "demo"]);
    ok(&["backtest", "demo/breakout.toml", "--out", "a"]);
    ok(&["backtest", "--out", "b"]);
    let open = |name: &str| RunDirectory::open(&folder.path().join(name)).unwrap();
    let (a, b) = (open("a"), open("b"));
    for file in [
        RunFile::Fills,
        RunFile::Equity,
        RunFile::Ledger,
        RunFile::Decisions,
    ] {
        assert_eq!(a.read(file).unwrap(), b.read(file).unwrap(), "{file}");
    }
    assert_eq!(ok(&["verify", "a"]).stdout, b"identical\n");
    let why = ok(&["explain", "b", "FB", "2012-06-30"]).stdout;
    let why = String::from_utf8(why).unwrap();
    assert!(why.contains("warming up"), "{why}");
}
