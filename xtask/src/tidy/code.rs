//! What code may not say: unfinished work, clocks, randomness and settings outside their home.

use super::Finding;
use crate::repository::SourceFile;
use crate::rust_source;

/// A place that may do what its rule forbids elsewhere, and why.
struct Allowed {
    /// A path from the root; with a final `/` everything below it.
    path: &'static str,
    /// Why there.
    #[allow(dead_code, reason = "read by the person who edits the list")]
    why: &'static str,
}

const fn allowed(path: &'static str, why: &'static str) -> Allowed {
    Allowed { path, why }
}

/// Where the calendar clock is read.
const WALL_CLOCK: &[Allowed] = &[allowed("adapters/system/", "it is the clock adapter")];

/// Where a duration is measured; none of them reaches a decision or a result.
const STOPWATCH: &[Allowed] = &[
    allowed("adapters/system/", "it is the clock adapter"),
    allowed(
        "adapters/resilience/src/machine_time.rs",
        "machine time of timeouts, waits and windows",
    ),
    allowed(
        "app/src/health/",
        "how long a check took and how long a loop was silent, in machine time",
    ),
    allowed("app/src/cli/", "progress and elapsed time on the terminal"),
    allowed("testkit/src/bin/", "days a minute of the simulated world"),
    allowed(
        "testkit/src/journals.rs",
        "how long a journal takes to commit",
    ),
    allowed(
        "testkit/src/crash/account.rs",
        "a kill comes so long after a start, of a real process",
    ),
    allowed("testkit/mutants/", "ends a test that a change made endless"),
    allowed("xtask/", "times the steps it runs"),
];

/// Where the environment and the arguments are read.
const SETTINGS: &[Allowed] = &[
    allowed("app/src/main.rs", "arguments"),
    allowed("app/src/cli.rs", "arguments"),
    allowed("app/src/cli/", "arguments and the terminal's size"),
    allowed("app/src/config.rs", "the one access path to settings"),
    allowed("app/src/config/", "the one access path to settings"),
    allowed("testkit/", "finds optional test data; never ships"),
    allowed("xtask/", "a chore, never ships"),
];

/// Where a configuration file is parsed.
const CONFIG_FILES: &[Allowed] = &[
    allowed("app/src/config.rs", "the one access path to settings"),
    allowed("app/src/config/", "the one access path to settings"),
];

fn is_allowed(file: &SourceFile, list: &[Allowed]) -> bool {
    list.iter().any(|entry| {
        entry.path == file.path || (entry.path.ends_with('/') && file.path.starts_with(entry.path))
    })
}

/// A finding for every line of `code` that has one of `words`.
fn forbid(file: &SourceFile, code: &str, words: &[&str], message: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for word in words {
        for line in rust_source::lines_with_word(code, word) {
            let word = word.trim_end_matches('(');
            found.push(Finding::new(
                &file.path,
                line,
                format!("`{word}`: {message}"),
            ));
        }
    }
    found
}

/// Nothing is left for later: no placeholder macro, no debugging macro, no note to fix something.
pub(super) fn nothing_unfinished(files: &[SourceFile]) -> Vec<Finding> {
    const MACROS: &[&str] = &["todo!", "unimplemented!", "dbg!"];
    let note = concat!("FIX", "ME");
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let message = "finish it, or leave it out and say in the documentation what is missing";
        found.extend(forbid(file, &file.code(), MACROS, message));
        found.extend(forbid(file, file.text(), &[note], message));
    }
    found
}

/// Only the system adapter reads the calendar clock, tests included; stopwatches are listed.
pub(super) fn clock_in_one_place(files: &[SourceFile]) -> Vec<Finding> {
    const WALL: &[&str] = &[
        "SystemTime::now",
        "Utc::now",
        "Local::now",
        "OffsetDateTime::now_utc",
        "Zoned::now",
    ];
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        if !is_allowed(file, WALL_CLOCK) {
            let message = "only adapters/system reads the clock: take the time as an argument, or \
                           the Clock port";
            found.extend(forbid(file, &file.code(), WALL, message));
        }
        if !is_allowed(file, STOPWATCH) {
            let message = "measure durations in the caller; a place that only times its own work \
                           is listed with a reason in xtask/src/tidy/code.rs";
            let code = file.production_code();
            found.extend(forbid(file, &code, &["Instant::now"], message));
        }
    }
    found
}

/// Every random draw comes from a seed in the config, in tests as well.
pub(super) fn randomness_from_a_seed(files: &[SourceFile]) -> Vec<Finding> {
    const SOURCES: &[&str] = &[
        "thread_rng",
        "rand::rng",
        "rand::random",
        "from_entropy",
        "from_os_rng",
        "OsRng",
        "RandomState::new",
    ];
    let message = "a draw that no seed fixes cannot be repeated: pass a seeded generator";
    files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(|file| forbid(file, &file.code(), SOURCES, message))
        .collect()
}

/// Environment, arguments and configuration files are read in one place each.
pub(super) fn settings_in_one_place(files: &[SourceFile]) -> Vec<Finding> {
    const ENVIRONMENT: &[&str] = &[
        "std::env",
        "env::var",
        "env::var_os",
        "env::vars",
        "env::args",
        "env::args_os",
        "env::current_dir",
        "env::temp_dir",
        "env::home_dir",
    ];
    const FILES: &[&str] = &[
        "toml::from_str",
        "toml::from_slice",
        "toml::de",
        "toml::Deserializer",
        "parse::<toml",
    ];
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        if file.name() == "build.rs" {
            continue;
        }
        let code = file.production_code();
        if !is_allowed(file, SETTINGS) {
            let message = "settings arrive as values: app/src/config reads the environment, \
                           app/src/cli the arguments";
            let mut lines = forbid(file, &code, ENVIRONMENT, message);
            lines.sort_by_key(|finding| finding.line);
            lines.dedup_by_key(|finding| finding.line);
            found.extend(lines);
        }
        if !is_allowed(file, CONFIG_FILES) {
            let message = "only app/src/config parses configuration files: take the typed value";
            found.extend(forbid(file, &code, FILES, message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: super::super::Rule, path: &str, text: &str) -> Vec<usize> {
        rule(&[SourceFile::new(path, text)])
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn unfinished_work_is_refused_in_code_and_notes() {
        let rule = nothing_unfinished;
        for (text, found) in [
            (concat!("fn f() { to", "do!() }"), vec![1]),
            (concat!("fn f() {\n  unimple", "mented!(\"x\") }"), vec![2]),
            ("dbg!(x);", vec![1]),
            (concat!("// FIX", "ME later"), vec![1]),
            (
                concat!("// to", "do!() is refused\nlet s = \"to", "do!()\";"),
                vec![],
            ),
        ] {
            assert_eq!(lines(rule, "domain/src/x.rs", text), found, "{text}");
            assert_eq!(lines(rule, "domain/tests/it/x.rs", text), found, "{text}");
        }
    }

    /// REP-09: a clock read outside the system adapter is refused, a naive local one too.
    #[test]
    fn rep_09_a_clock_outside_the_system_adapter_is_refused() {
        let rule = clock_in_one_place;
        for (path, text, refused) in [
            ("domain/src/x.rs", "let now = Utc::now();", true),
            (
                "app/src/x.rs",
                "let now = std::time::SystemTime::now();",
                true,
            ),
            ("app/src/cli/x.rs", "let now = chrono::Local::now();", true),
            ("app/tests/it/x.rs", "let now = Utc::now();", true),
            (
                "adapters/system/src/clock.rs",
                "let now = Utc::now();",
                false,
            ),
            ("app/src/drivers/live.rs", "let t = Instant::now();", true),
            ("app/src/cli/progress.rs", "let t = Instant::now();", false),
            ("app/tests/it/speed.rs", "let t = Instant::now();", false),
            (
                "domain/src/x.rs",
                "/// Unlike Utc::now, pure.\nfn f() {}",
                false,
            ),
        ] {
            assert_eq!(
                !lines(rule, path, text).is_empty(),
                refused,
                "{path} {text}"
            );
        }
        let text = rule(&[SourceFile::new("domain/src/x.rs", "Utc::now()")])[0].to_string();
        assert_eq!(
            text,
            "domain/src/x.rs:1: `Utc::now`: only adapters/system reads the clock: take the time \
             as an argument, or the Clock port"
        );
    }

    #[test]
    fn a_draw_without_seed_is_refused() {
        let rule = randomness_from_a_seed;
        for (text, refused) in [
            ("let mut r = rand::rng();", true),
            ("let mut r = rand::thread_rng();", true),
            ("let x: f64 = rand::random();", true),
            ("let r = StdRng::from_os_rng();", true),
            ("let r = ChaCha8Rng::seed_from_u64(seed);", false),
        ] {
            assert_eq!(
                !lines(rule, "testkit/src/x.rs", text).is_empty(),
                refused,
                "{text}"
            );
        }
    }

    /// CFG-14: environment, arguments and configuration files have one reader.
    #[test]
    fn cfg_14_settings_read_outside_config_and_cli_are_refused() {
        let rule = settings_in_one_place;
        for (path, text, refused) in [
            ("domain/src/x.rs", "let v = std::env::var(\"A\");", true),
            ("adapters/kraken/src/x.rs", "use std::env;", true),
            (
                "adapters/kraken/src/x.rs",
                "let c: C = toml::from_str(&t)?;",
                true,
            ),
            ("app/src/wiring.rs", "for a in std::env::args() {}", true),
            ("app/src/configured.rs", "std::env::vars()", true),
            (
                "app/src/config/layers.rs",
                "std::env::vars(); toml::from_str(&t)",
                false,
            ),
            ("app/src/main.rs", "std::env::args()", false),
            ("app/src/cli/run.rs", "toml::from_str(&t)", true),
            ("app/build.rs", "std::env::var(\"OUT_DIR\")", false),
            (
                "app/tests/it/main.rs",
                "std::env::var(\"BALLAST_CORPUS\")",
                false,
            ),
            ("app/src/x.rs", "env!(\"CARGO_PKG_VERSION\")", false),
            (
                "app/src/x.rs",
                "a\n#[cfg(test)]\nmod tests {\nstd::env::var()\n}",
                false,
            ),
        ] {
            assert_eq!(
                !lines(rule, path, text).is_empty(),
                refused,
                "{path} {text}"
            );
        }
    }
}
