//! `cargo xtask coverage`: the share of lines that tests run, and a floor that only rises.
//!
//! Counted are the lines that ship: unit tests at the end of a file run themselves and would flatter
//! it. Tests that need reference data which is not there count as not run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::repository::{self, SourceFile};
use crate::{postgres, rust_source, tools};

/// The floors, from the root.
const FLOORS: &str = "xtask/src/coverage.txt";
/// Rooms with a floor: a name, and the beginning of its paths.
const ROOMS: [(&str, &str); 2] = [("domain", "domain/src/"), ("workspace", "")];
/// What only runs beside a PostgreSQL server.
const NEEDS_A_SERVER: [&str; 2] = ["adapters/postgres/", "testkit/src/postgres.rs"];
/// How much a measurement may lie below its floor, in percent: threads and clocks decide a few
/// lines.
const SLACK: f64 = 0.1;

/// Shares of lines run, in percent, by room.
type Shares = BTreeMap<&'static str, f64>;

/// Lines run and lines there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lines {
    run: u32,
    all: u32,
}

impl Lines {
    /// Percent, rounded down to a tenth, so that a floor never lies above its measurement.
    fn share(self) -> f64 {
        if self.all == 0 {
            return 0.0;
        }
        (f64::from(self.run) * 1000.0 / f64::from(self.all)).floor() / 10.0
    }
}

/// Runs all tests with counters and holds the shares against the floors.
///
/// # Errors
/// A tool is missing, a test fails, a share is below its floor, or a floor was lowered since it was
/// first committed.
pub fn check(root: &Path) -> Result<String, String> {
    let floors = floors(&read(root)?)?;
    not_lowered(&floors, &past(root))?;
    let (shares, text) = measure(root)?;
    above(&shares, &floors)?;
    Ok(text)
}

/// Runs all tests with counters and raises each floor that the measurement passes.
///
/// # Errors
/// As [`check`]; the file cannot be written.
pub fn raise(root: &Path) -> Result<String, String> {
    let old = read(root)?;
    let floors = floors(&old)?;
    not_lowered(&floors, &past(root))?;
    let (shares, text) = measure(root)?;
    above(&shares, &floors)?;
    let comments = old.lines().filter(|line| line.starts_with('#'));
    let mut new: String = comments.map(|line| format!("{line}\n")).collect();
    for (room, _) in ROOMS {
        let share = shares[room].max(floors[room]);
        writeln!(new, "{room} {share:.1}").expect("a string takes all");
    }
    fs::write(root.join(FLOORS), new).map_err(|e| format!("{FLOORS}: {e}"))?;
    Ok(text)
}

fn read(root: &Path) -> Result<String, String> {
    fs::read_to_string(root.join(FLOORS)).map_err(|e| format!("{FLOORS}: {e}"))
}

/// The floors in `text`: every room once, from 0 to 100.
fn floors(text: &str) -> Result<Shares, String> {
    let mut floors = Shares::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, floor) = line.split_once(' ').unwrap_or((line, ""));
        let room = ROOMS.iter().find(|(room, _)| *room == name);
        let floor: Option<f64> = floor.parse().ok();
        match (room, floor.filter(|x| (0.0..=100.0).contains(x))) {
            (Some((room, _)), Some(floor)) if !floors.contains_key(room) => {
                floors.insert(room, floor);
            }
            _ => {
                return Err(format!(
                    "{FLOORS}: '{line}' is no floor; write `domain 90.0`"
                ));
            }
        }
    }
    match ROOMS.iter().find(|(room, _)| !floors.contains_key(room)) {
        Some((room, _)) => Err(format!("{FLOORS}: {room} has no floor")),
        None => Ok(floors),
    }
}

/// The committed versions of the floors; none outside a repository.
fn past(root: &Path) -> Vec<Shares> {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(root).output();
        let output = output.ok().filter(|output| output.status.success());
        String::from_utf8(output.map(|o| o.stdout).unwrap_or_default()).unwrap_or_default()
    };
    git(&["log", "--format=%H", "--", FLOORS])
        .lines()
        .filter_map(|revision| floors(&git(&["show", &format!("{revision}:{FLOORS}")])).ok())
        .collect()
}

/// No floor is below one that was committed before.
fn not_lowered(floors: &Shares, past: &[Shares]) -> Result<(), String> {
    for (room, floor) in floors {
        let highest = past.iter().map(|old| old[room]).fold(0.0, f64::max);
        if *floor < highest {
            return Err(format!(
                "{FLOORS}: the floor of {room} was {highest:.1} % and is now {floor:.1} %: write the \
                 missing tests instead"
            ));
        }
    }
    Ok(())
}

/// Every share reaches its floor.
fn above(shares: &Shares, floors: &Shares) -> Result<(), String> {
    for (room, floor) in floors {
        let share = shares[room];
        if share + SLACK < *floor {
            return Err(format!(
                "coverage of {room} fell from {floor:.1} % to {share:.1} %: write the missing tests"
            ));
        }
    }
    Ok(())
}

/// Runs the tests under `cargo llvm-cov` and counts.
fn measure(root: &Path) -> Result<(Shares, String), String> {
    if !tools::is_here("cargo-llvm-cov") {
        return Err(
            "cargo-llvm-cov is not installed: cargo install --locked cargo-llvm-cov".to_owned(),
        );
    }
    let trace = root.join("target/coverage.lcov");
    fs::create_dir_all(root.join("target")).map_err(|e| format!("target: {e}"))?;
    llvm_cov(root, &["clean", "--profraw-only"])?;
    llvm_cov(root, &["--no-report", "--workspace", "--locked"])?;
    let mut files = repository::tracked(root)?;
    if postgres::programs().is_some() {
        let mut served = vec!["--no-report", "--locked", "--package=ballast-postgres"];
        served.extend(["--lib", "--test=it", "--", "--ignored"]);
        served.extend(postgres::BRIEF);
        llvm_cov(root, &served)?;
    } else {
        println!(
            "**** NO POSTGRESQL SERVER: the lines of its journal are NOT counted; apt-get install \
             postgresql ****"
        );
        files.retain(|file| {
            !NEEDS_A_SERVER
                .iter()
                .any(|room| file.path.starts_with(room))
        });
    }
    // Counters of processes that tests kill are cut short; the others count.
    let output = trace.to_string_lossy();
    llvm_cov(
        root,
        &[
            "report",
            "--failure-mode",
            "all",
            "--lcov",
            "--output-path",
            &output,
        ],
    )?;
    let text = fs::read_to_string(&trace).map_err(|e| format!("{}: {e}", trace.display()))?;
    Ok(shares(&count(&text, root, &files)))
}

/// One call of `cargo llvm-cov`.
fn llvm_cov(root: &Path, args: &[&str]) -> Result<(), String> {
    let status = Command::new(tools::cargo())
        .arg("llvm-cov")
        .args(args)
        .current_dir(root)
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err(
        "the tests did not pass under cargo llvm-cov, or LLVM's tools are missing: \
         rustup component add llvm-tools, or name a version that fits the compiler's LLVM in \
         LLVM_COV and LLVM_PROFDATA"
            .to_owned(),
    )
}

/// Lines of each tracked file that ships, by path.
fn count(trace: &str, root: &Path, files: &[SourceFile]) -> BTreeMap<String, Lines> {
    let mut counted: BTreeMap<String, Lines> = BTreeMap::new();
    let mut current: Option<(String, usize)> = None;
    for line in trace.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let path = Path::new(path);
            let path = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
            current = files
                .iter()
                .find(|file| file.path == *path && file.is_production())
                .map(|file| {
                    (
                        file.path.clone(),
                        rust_source::production_lines(&file.code()),
                    )
                });
        }
        let (Some((path, last)), Some(data)) = (&current, line.strip_prefix("DA:")) else {
            continue;
        };
        let mut numbers = data.split(',').map(|n| n.parse::<u64>().unwrap_or(0));
        let (number, times) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if number <= *last as u64 {
            let lines = counted.entry(path.clone()).or_default();
            lines.all += 1;
            lines.run += u32::from(times > 0);
        }
    }
    counted
}

/// The share of each room, and a text with the files that lack most.
fn shares(counted: &BTreeMap<String, Lines>) -> (Shares, String) {
    let mut shares = Shares::new();
    let mut text = String::new();
    for (room, start) in ROOMS {
        let mut total = Lines::default();
        for (_, lines) in counted.iter().filter(|(path, _)| path.starts_with(start)) {
            total.run += lines.run;
            total.all += lines.all;
        }
        shares.insert(room, total.share());
        writeln!(
            text,
            "{room:<10} {:5.1} %  {} of {} lines",
            total.share(),
            total.run,
            total.all
        )
        .expect("a string takes all");
    }
    let mut files: Vec<_> = counted.iter().collect();
    files.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.all - lines.run));
    for (path, lines) in files.iter().take(20) {
        writeln!(text, "  {:5} not run  {path}", lines.all - lines.run)
            .expect("a string takes all");
    }
    (shares, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(domain: f64, workspace: f64) -> Shares {
        Shares::from([("domain", domain), ("workspace", workspace)])
    }

    /// TST-01: a share below its floor fails, and so does a floor below its past.
    #[test]
    fn tst_01_neither_the_share_nor_its_floor_may_fall() {
        let floors = floors("# words\ndomain 90.5\nworkspace 80.0\n").unwrap();
        assert_eq!(floors, both(90.5, 80.0));
        above(&both(90.4, 80.0), &floors).unwrap();
        let error = above(&both(90.3, 99.0), &floors).unwrap_err();
        assert!(
            error.contains("domain fell from 90.5 % to 90.3 %"),
            "{error}"
        );
        not_lowered(&floors, &[]).unwrap();
        not_lowered(&floors, &[both(90.5, 79.0), both(10.0, 80.0)]).unwrap();
        let error = not_lowered(&floors, &[both(1.0, 1.0), both(90.5, 80.1)]).unwrap_err();
        assert!(
            error.contains("workspace was 80.1 % and is now 80.0 %"),
            "{error}"
        );
    }

    /// TST-01, SLO-01: the committed floors are readable, were never lowered, and ask for 80 % at least.
    #[test]
    fn tst_01_the_floors_of_this_tree_hold() {
        let root = repository::root();
        let now = floors(&read(&root).unwrap()).unwrap();
        not_lowered(&now, &past(&root)).unwrap();
        assert!(now["workspace"] >= 80.0 && now["domain"] >= 90.0, "{now:?}");
    }

    #[test]
    fn floors_that_are_none_are_refused() {
        for wrong in [
            "",
            "domain 90.0",
            "domain 90.0\nworkspace",
            "domain 90.0\nworkspace 101",
            "domain 90.0\nworkspace NaN",
            "domain 90.0\ndomain 91.0\nworkspace 80.0",
            "domain 90.0\nworkspace 80.0\nattic 3.0",
        ] {
            assert!(floors(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_lines_that_ship_are_counted() {
        let source =
            "pub fn a() {}\npub fn b() {}\n\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n";
        let files = [
            SourceFile::new("domain/src/a.rs", source),
            SourceFile::new("domain/tests/it/a.rs", source),
        ];
        let trace = "SF:/here/domain/src/a.rs\nDA:1,5\nDA:2,0\nDA:6,9\nend_of_record\n\
                     SF:/here/domain/tests/it/a.rs\nDA:1,1\nend_of_record\n\
                     SF:/elsewhere/a.rs\nDA:1,1\nend_of_record\n";
        let counted = count(trace, Path::new("/here"), &files);
        let lines = Lines { run: 1, all: 2 };
        assert_eq!(
            counted,
            BTreeMap::from([("domain/src/a.rs".to_owned(), lines)])
        );
        assert_eq!(shares(&counted).0, both(50.0, 50.0));
        assert_eq!(Lines { run: 2, all: 3 }.share(), 66.6);
        assert_eq!(Lines::default().share(), 0.0);
    }
}
