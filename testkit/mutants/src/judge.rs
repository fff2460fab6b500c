//! Which tests reach a change, and whether one of them fails with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::build::Binary;

/// One test and what it reaches.
#[derive(Debug)]
pub struct Test {
    binary: Binary,
    name: String,
    /// Time without a change.
    took: Duration,
    /// Numbers of the changes it reaches.
    reaches: BTreeSet<u32>,
}

/// What the tests say of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A test failed.
    Caught,
    /// A test did not end.
    Timeout,
    /// No test failed.
    Missed,
    /// No test comes by.
    Unreached,
}

/// A change makes a test slower by this factor at most, and five seconds.
const PATIENCE: u32 = 15;
/// The same for many quick tests at once: most of the time they took alone was the start of a program.
const PATIENCE_TOGETHER: u32 = 5;
/// Tests below this run together, many in one program: starting it would take longer than they do.
const QUICK: Duration = Duration::from_millis(250);

impl Binary {
    /// Runs the tests of these names, one after the other.
    fn command<'a>(&self, names: impl Iterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(["--exact", "--test-threads=1"])
            .args(names)
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("INSTA_UPDATE", "no")
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env_remove("BALLAST_CORPUS")
            .env_remove("BALLAST_BENCH_DATA")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Whether the tests of these names pass; `None` when they do not end in `limit` and five seconds.
    fn pass_with<'a>(
        &self,
        number: u32,
        names: impl Iterator<Item = &'a str>,
        limit: Duration,
    ) -> Result<Option<bool>, String> {
        let begun = Instant::now();
        let limit = limit + Duration::from_secs(5);
        let mut child = (self
            .command(names)
            .env("MUTANT", number.to_string())
            .spawn())
        .map_err(|e| format!("{}: {e}", self.path.display()))?;
        loop {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                return Ok(Some(status.success()));
            }
            if begun.elapsed() > limit {
                // It may have ended by itself meanwhile: then there is nothing to end.
                let _ = child.kill();
                child.wait().map_err(|e| e.to_string())?;
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Runs each test of `binaries` once, alone, without a change.
///
/// # Errors
/// A test fails, or a program cannot be run.
pub fn trace(binaries: &[Binary], folder: &Path, jobs: usize) -> Result<Vec<Test>, String> {
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut tests = Vec::new();
    for binary in binaries {
        let out = (Command::new(&binary.path).args(["--list", "--format", "terse"]))
            .current_dir(&binary.folder)
            .output()
            .map_err(|e| format!("{}: {e}", binary.path.display()))?;
        for line in String::from_utf8_lossy(&out.stdout).lines() {
            if let Some(name) = line.strip_suffix(": test") {
                let (binary, name) = (binary.clone(), name.to_owned());
                let (took, reaches) = (Duration::ZERO, BTreeSet::new());
                tests.push(Test {
                    binary,
                    name,
                    took,
                    reaches,
                });
            }
        }
    }
    let mut tests = in_parallel("tests", jobs, tests.len(), |index| {
        let test = &tests[index];
        let path = folder.join(format!("{index}.txt"));
        // Of an earlier run, where there was one.
        let _ = fs::remove_file(&path);
        let begun = Instant::now();
        let status = (test.binary)
            .command(std::iter::once(&*test.name))
            .env("MUTANT", "0")
            .env("MUTANT_TRACE", &path)
            .status();
        if !status.is_ok_and(|s| s.success()) {
            return Err(format!("{} fails without a change", test.name));
        }
        let reaches = fs::read_to_string(&path).unwrap_or_default();
        let reaches = reaches.lines().filter_map(|l| l.parse().ok()).collect();
        let (binary, name) = (test.binary.clone(), test.name.clone());
        Ok(Test {
            binary,
            name,
            took: begun.elapsed(),
            reaches,
        })
    })?;
    // The cheapest first: most changes fall to one of them.
    tests.sort_by_key(|t| t.took);
    Ok(tests)
}

/// The verdict on each of `numbers`, in their order, with the test that failed, or one of the quick
/// ones it is among. Where only the quick ones judge, fewer are caught.
///
/// # Errors
/// A program cannot be run.
pub fn judge(
    tests: &[Test],
    numbers: &[u32],
    jobs: usize,
    only_quick: bool,
) -> Result<Vec<(Verdict, Option<String>)>, String> {
    in_parallel("changes", jobs, numbers.len(), |index| {
        let number = numbers[index];
        let reached = || tests.iter().filter(|t| t.reaches.contains(&number));
        let mut groups: BTreeMap<&Path, Vec<&Test>> = BTreeMap::new();
        for test in reached().filter(|t| t.took <= QUICK) {
            groups.entry(&test.binary.path).or_default().push(test);
        }
        let mut groups: Vec<(Vec<&Test>, u32)> = groups
            .into_values()
            .map(|group| (group, PATIENCE_TOGETHER))
            .collect();
        // Of the rules themselves first: the simulated world looks for seeds and takes its time.
        groups.sort_by_key(|(group, _)| std::cmp::Reverse(group.len()));
        if !only_quick {
            let slow = reached().filter(|t| t.took > QUICK);
            groups.extend(slow.map(|test| (vec![test], PATIENCE)));
        }
        let mut verdict = (Verdict::Unreached, None);
        for (group, patience) in groups {
            let binary = &group[0].binary;
            let took: Duration = group.iter().map(|t| t.took).sum();
            let names = group.iter().map(|t| t.name.as_str());
            let by = || Some(format!("{} of {}", group[0].name, group.len()));
            match binary.pass_with(number, names, took * patience)? {
                Some(false) => return Ok((Verdict::Caught, by())),
                // Slow is not wrong: it counts only where nothing else fails.
                None => verdict = (Verdict::Timeout, by()),
                Some(true) if verdict.0 == Verdict::Unreached => verdict.0 = Verdict::Missed,
                Some(true) => {}
            }
        }
        Ok(verdict)
    })
}

/// `work` for each index below `count`, on `jobs` threads; the first error ends it.
fn in_parallel<T: Send>(
    what: &str,
    jobs: usize,
    count: usize,
    work: impl Fn(usize) -> Result<T, String> + Sync,
) -> Result<Vec<T>, String> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let result = work(index);
                    if result.is_err() {
                        next.store(count, Ordering::Relaxed);
                    }
                    done.lock()
                        .expect("no thread panics with it")
                        .push((index, result));
                    if index % 100 == 99 {
                        eprintln!("{what}: {} of {count}", index + 1);
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics with it");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
