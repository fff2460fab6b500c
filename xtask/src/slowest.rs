//! `cargo xtask slowest LOG`: which tests take the longest, from what the harness said of each.

use std::fmt::Write as _;
use std::fs;

/// How many are named.
const NAMED: usize = 10;

/// The slowest tests of the log in the file at `path`, slowest first.
///
/// # Errors
/// The file cannot be read, or no test in it says its time.
pub fn report(path: &str) -> Result<String, String> {
    let log = fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    slowest(&log).ok_or_else(|| {
        format!("{path} has no times: run the tests with .ci/timed as the runner, as .ci/run does")
    })
}

fn slowest(log: &str) -> Option<String> {
    let mut tests: Vec<(f64, &str)> = log.lines().filter_map(timed).collect();
    if tests.is_empty() {
        return None;
    }
    tests.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total: f64 = tests.iter().map(|(seconds, _)| seconds).sum();
    let mut out = format!(
        "the slowest of {} tests, {total:.0} s in all:\n",
        tests.len()
    );
    for (seconds, name) in tests.iter().take(NAMED) {
        let _ = writeln!(out, "{seconds:>8.2} s  {name}");
    }
    Some(out)
}

/// Seconds and name from `test NAME ... ok <1.234s>`.
fn timed(line: &str) -> Option<(f64, &str)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let seconds = rest.strip_suffix("s>")?.rsplit_once('<')?.1;
    Some((seconds.parse().ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TST-13: ten are named, the slowest first, and lines that are no tests are not counted.
    #[test]
    fn tst_13_the_ten_slowest_are_named() {
        let mut log = String::from("running 12 tests\ntest result: ok. 12 passed\ntest a ... ok\n");
        for i in 0..12 {
            writeln!(log, "test it::t{i} ... ok <0.{i:03}s>").unwrap();
        }
        log.push_str("test it::broken ... FAILED <2.500s>\n");
        let text = slowest(&log).unwrap();
        assert_eq!(text.lines().count(), 1 + NAMED, "{text}");
        assert!(
            text.starts_with("the slowest of 13 tests, 3 s in all"),
            "{text}"
        );
        assert_eq!(text.lines().nth(1), Some("    2.50 s  it::broken"));
        assert_eq!(text.lines().nth(2), Some("    0.01 s  it::t11"));

        assert_eq!(slowest("test a ... ok\n"), None);
    }
}
