//! `cargo xtask fuzz`: hostile bytes for each reader, with what the search may cost.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::tools;

/// The crate of the targets, from the root.
const FOLDER: &str = "testkit/fuzz";
/// How long a target runs when nobody says, in seconds.
const SECONDS: u32 = 60;

/// What every reader is held to, in libFuzzer's words: an input of 1 MiB at most is answered
/// within 10 s, and the process stays below 1 GiB.
const LIMITS: [&str; 4] = [
    "-max_len=1048576",
    "-timeout=10",
    "-rss_limit_mb=1024",
    "-print_final_stats=1",
];

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    /// One target; all when absent.
    target: Option<String>,
    /// Time for each target.
    seconds: u32,
}

impl Request {
    /// Reads `[TARGET] [--seconds N]`.
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut request = Self {
            target: None,
            seconds: SECONDS,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--seconds" => {
                    request.seconds = (args.next().and_then(|n| n.parse().ok()))
                        .filter(|n| *n > 0)
                        .ok_or("--seconds takes a whole number from 1")?;
                }
                flag if flag.starts_with('-') => return Err(format!("no such option: {flag}")),
                target if request.target.is_none() => request.target = Some(target.to_owned()),
                other => {
                    return Err(format!(
                        "one target at a time, or all: '{other}' is one more"
                    ));
                }
            }
        }
        Ok(request)
    }
}

/// The targets at `root`, by name.
///
/// # Errors
/// The folder of targets cannot be listed.
pub fn targets(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join(FOLDER).join("fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".rs").map(str::to_owned)
        })
        .collect();
    names.sort();
    Ok(names)
}

/// Runs one target or all of them, one after the other, on the pinned stable toolchain: coverage
/// counters without a sanitizer, since the workspace forbids unsafe code. New inputs are kept under
/// `target/fuzz/inputs`, findings under `target/fuzz/findings`.
///
/// # Errors
/// The arguments are wrong, `cargo-fuzz` is missing, or a target broke its promise; the message
/// names the finding's place.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let request = Request::parse(args)?;
    let known = targets(root)?;
    let chosen = match &request.target {
        None => known,
        Some(one) if known.contains(one) => vec![one.clone()],
        Some(other) => {
            return Err(format!(
                "no target '{other}'; there are: {}",
                known.join(", ")
            ));
        }
    };
    if !tools::is_here("cargo-fuzz") {
        return Err("cargo-fuzz is not installed: cargo install --locked cargo-fuzz".to_owned());
    }
    for target in chosen {
        println!("fuzz       {target} for {} s", request.seconds);
        let status = command(root, &target, request.seconds)?
            .status()
            .map_err(|e| format!("cargo cannot be started: {e}"))?;
        if !status.success() {
            return Err(format!(
                "{target} broke its promise: see target/fuzz/findings/{target}. Repair the reader \
                 and keep the input in {FOLDER}/corpus/{target}"
            ));
        }
    }
    Ok(())
}

/// The command that runs `target`, with its folders made.
fn command(root: &Path, target: &str, seconds: u32) -> Result<Command, String> {
    let folder = |name: &str| {
        let path = root.join("target/fuzz").join(name).join(target);
        fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok::<_, String>(path)
    };
    let (inputs, findings) = (folder("inputs")?, folder("findings")?);
    let mut command = Command::new(tools::cargo());
    command
        .args(["fuzz", "run", "--fuzz-dir", FOLDER, "--sanitizer", "none"])
        .args(["--target-dir", "target/fuzz/build", target])
        .args([inputs, root.join(FOLDER).join("corpus").join(target)])
        .arg("--")
        .args(LIMITS)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .current_dir(root);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository;

    #[test]
    fn arguments_are_a_target_and_a_time() {
        let all = Request::parse(&[]).unwrap();
        assert_eq!((all.target, all.seconds), (None, SECONDS));
        let one = Request::parse(&["csv_bars", "--seconds", "180"]).unwrap();
        assert_eq!(
            (one.target.as_deref(), one.seconds),
            (Some("csv_bars"), 180)
        );
        for wrong in [
            &["--seconds"][..],
            &["--seconds", "0"],
            &["--seconds", "soon"],
            &["--fast"],
            &["config", "record"],
        ] {
            assert!(Request::parse(wrong).is_err(), "{wrong:?}");
        }
        let error = run(&repository::root(), &["no_such_reader"]).unwrap_err();
        assert!(error.contains("csv_bars"), "{error}");
    }

    #[test]
    fn each_target_has_a_corpus_of_its_own_and_none_is_left_over() {
        let root = repository::root();
        let mut corpora: Vec<String> = fs::read_dir(root.join(FOLDER).join("corpus"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        corpora.sort();
        assert_eq!(targets(&root).unwrap(), corpora);
    }
}
