//! From a clone to a report of one's own strategy, with the time of each step.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;

use crate::stranger::Place;

/// One step: what it is called, what is typed in the clone, the run it leaves beside the clone and
/// the strategy that run must be of.
struct Step {
    title: &'static str,
    command: &'static str,
    run: &'static str,
    strategy: &'static str,
}

const STEPS: &[Step] = &[
    Step {
        title: "first report",
        command: "cargo run --release --locked -- backtest --quiet --out ../first",
        run: "first",
        strategy: "breakout",
    },
    Step {
        title: "own data",
        command: "gzip -dc app/examples/data/nasdaq.csv.gz > ../my.csv
                  cargo run --release --locked -- \
                      backtest --data ../my.csv --strategy breakout --quiet --out ../own-data",
        run: "own-data",
        strategy: "breakout",
    },
    Step {
        title: "own strategy",
        command: "cargo run --release --locked -- init ../path-strategy --source .
                  cd ../path-strategy
                  cargo run --release -- backtest config.toml --quiet --out ../own-strategy",
        run: "own-strategy",
        strategy: "above_its_past",
    },
    Step {
        title: "proven again",
        command: "cd ../path-strategy && cargo run --release -- verify ../own-strategy",
        run: "own-strategy",
        strategy: "above_its_past",
    },
];

/// Walks the whole path from the checkout at `root` and prints the time of each step.
///
/// # Errors
/// A step failed, or what it left is not what it promises.
pub fn run(root: &Path) -> Result<(), String> {
    let place = Place::of(root)?;
    let start = Instant::now();
    place.clone_anew(root)?;
    said("clone", start, "");
    for step in STEPS {
        let begun = Instant::now();
        let output = place
            .command("bash")?
            .args(["-ec", step.command])
            .stdin(Stdio::null())
            .output()
            .map_err(|e| format!("bash cannot be started: {e}"))?;
        if !output.status.success() {
            return Err(format!(
                "{}: {}\n{}{}",
                step.title,
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        let found = check(&place.folder.join(step.run), step.strategy)
            .map_err(|e| format!("{}: {e}", step.title))?;
        said(step.title, begun, &found);
    }
    said("whole path", start, "");
    Ok(())
}

fn said(title: &str, begun: Instant, found: &str) {
    let seconds = begun.elapsed().as_secs_f64();
    println!("{title:<14} {seconds:6.1} s  {found}");
}

/// What the run in `folder` is: a report to open, of `strategy`, with orders that were filled.
fn check(folder: &Path, strategy: &str) -> Result<String, String> {
    let read = |name: &str| {
        let path: PathBuf = folder.join(name);
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    let report = read("report.html")?;
    if !(report.starts_with("<!DOCTYPE html>") && report.trim_end().ends_with("</html>")) {
        return Err("report.html is no whole page".to_owned());
    }
    let summary: Value = serde_json::from_str(&read("summary.json")?)
        .map_err(|e| format!("summary.json is no JSON: {e}"))?;
    if summary["strategy"] != strategy || !report.contains(strategy) {
        return Err(format!(
            "the run is of {}, not of {strategy}",
            summary["strategy"]
        ));
    }
    let fills = summary["orders"]["fills"].as_u64().unwrap_or(0);
    let rows = read("fills.csv")?.lines().skip(1).count();
    if fills == 0 || rows == 0 {
        return Err(format!("{fills} fills in the summary, {rows} in fills.csv"));
    }
    Ok(format!(
        "{strategy}: {fills} fills, page of {} kB",
        report.len() / 1000
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each thing the path promises is missed when it is not there.
    #[test]
    fn a_run_without_report_strategy_or_fills_is_refused() {
        let folder = std::env::temp_dir().join(format!("strangers-path-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        let page = "<!DOCTYPE html><title>mine</title></html>\n";
        let summary = |name: &str, fills: u8| {
            format!("{{\"strategy\":\"{name}\",\"orders\":{{\"fills\":{fills}}}}}")
        };
        assert!(check(&folder, "mine").unwrap_err().contains("report.html"));
        for (report, summary, fills, wrong) in [
            (page, summary("mine", 1), "time\n1\n", None),
            ("", summary("mine", 1), "time\n1\n", Some("no whole page")),
            (page, summary("yours", 1), "time\n1\n", Some("not of mine")),
            (page, summary("mine", 0), "time\n1\n", Some("0 fills")),
            (page, summary("mine", 1), "time\n", Some("0 in fills.csv")),
        ] {
            put("report.html", report);
            put("summary.json", &summary);
            put("fills.csv", fills);
            match (check(&folder, "mine"), wrong) {
                (Ok(found), None) => assert_eq!(found, "mine: 1 fills, page of 0 kB"),
                (Err(e), Some(wrong)) => assert!(e.contains(wrong), "{e}"),
                (other, wrong) => panic!("{other:?} is not {wrong:?}"),
            }
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
