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

/// A hundred units trade each day and a tenth of them is ours: what was one purchase becomes several,
/// none above ten. Without the key nothing is limited, and a share that cannot be meant is refused.
#[test]
fn an_order_takes_no_more_of_a_bar_than_its_share_of_the_volume() {
    let folder = tempfile::tempdir().unwrap();
    let mut csv = "date,open,high,low,close,volume\n".to_owned();
    for day in 1..=28 {
        let price = 100 + day % 3;
        csv += &format!("2021-02-{day:02},{price},{price},{price},{price},100\n");
    }
    std::fs::write(folder.path().join("THIN.csv"), csv).unwrap();
    let run = |name: &str, more: &[&str]| {
        let base = [
            "backtest",
            "--data",
            "THIN.csv",
            "--strategy",
            "equal_weight",
            "--set",
            "data.calendar=utc_24x7",
            "--set",
            "account.cash=10000",
            "--out",
            name,
        ];
        let output = ballast(&[&base[..], more].concat(), folder.path());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let read = |file: &str| std::fs::read_to_string(folder.path().join(name).join(file));
        let (fills, config) = (read("fills.csv").unwrap(), read("config.toml").unwrap());
        let mut lines = fills.lines();
        let mut header = lines.next().unwrap().split(',');
        let at = header.position(|h| h == "quantity").unwrap();
        let sizes: Vec<u32> = lines
            .map(|line| line.split(',').nth(at).unwrap().parse().unwrap())
            .collect();
        (sizes, config, String::from_utf8(output.stdout).unwrap())
    };
    let (sizes, config, said) = run("free", &[]);
    let [all] = sizes[..] else {
        panic!("one purchase: {sizes:?}");
    };
    assert!(!config.contains("participation") && !said.contains("of the volume"));
    let share = ["--set", "execution.participation=0.1"];
    let (sizes, config, said) = run("thin", &share);
    let (most, bought) = (sizes.iter().max(), sizes.iter().sum::<u32>());
    assert_eq!((most, bought), (Some(&10), all), "{sizes:?}");
    assert!(config.contains("participation = 0.1\n"), "{config}");
    assert!(said.contains("at most 10% of the volume"), "{said}");
    let verified = ballast(&["verify", "thin"], folder.path());
    assert_eq!(verified.stdout, b"identical\n", "{verified:?}");

    let shown = ballast(&[&["config", "show"][..], &share].concat(), folder.path());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("participation = 0.1  # --set"), "{shown}");
    for bad in ["0", "1.5", "-0.1"] {
        let set = format!("execution.participation={bad}");
        let refused = ballast(&["config", "show", "--set", &set], folder.path());
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let err = String::from_utf8(refused.stderr).unwrap();
        assert!(
            err.contains(&format!("'execution.participation' cannot be {bad}")),
            "{err}"
        );
    }
}
