//! What `ballast status` shows after each way a trader can stop, and that what it tells to type next is
//! what gets the account on. The runbook of docs/operations.md has a page for each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// An account that buys one instrument at its first bar and holds it; `volume` units trade a day.
struct Account {
    home: tempfile::TempDir,
    config: PathBuf,
}

impl Account {
    fn new(volume: u32, more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut text = "date,symbol,open,high,low,close,volume\n".to_owned();
        for day in 1..=28 {
            text += &format!("2020-02-{day:02},ACME,50.0,51.0,49.0,50.0,{volume}\n");
        }
        fs::write(home.path().join("market.csv"), text).unwrap();
        let config = home.path().join("one.toml");
        let text = format!(
            r#"
[run]
name = "one"
[data]
source = "market.csv"
calendar = "utc_24x7"
[strategy]
name = "equal_weight"
[strategy.parameters]
gross = 0.5
[risk]
max_order_notional = "unlimited"
max_position_notional = "unlimited"
{more}"#
        );
        fs::write(&config, text).unwrap();
        Self { home, config }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        command.arg("--home").arg(self.home.path()).args(arguments);
        command
    }

    fn ballast(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn trade(&self, arguments: &[&str]) -> Output {
        let config = self.config.to_str().unwrap();
        self.ballast(&[&["trade", config, "--quiet", "--json"], arguments].concat())
    }

    /// A trader in the background.
    fn start(&self, arguments: &[&str]) -> Trader {
        let config = self.config.to_str().unwrap();
        let mut command = self.command(&[&["trade", config, "--quiet"], arguments].concat());
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        Trader(silent.spawn().unwrap())
    }

    /// A trader that has reconciled, and stands in front of a bar for a quarter of an hour.
    fn waiting(&self) -> Trader {
        let before = self.status().unwrap()["records"].as_u64();
        let trader = self.start(&["--speed", "100"]);
        self.until(|a| {
            let is_ready = |s: &Value| s["session"] == "ready" && s["records"].as_u64() > before;
            a.status().is_some_and(|s| is_ready(&s))
        });
        trader
    }

    fn status(&self) -> Option<Value> {
        serde_json::from_slice(&self.ballast(&["status", "--json"]).stdout).ok()
    }

    fn file(&self, name: &str) -> String {
        let path = self.home.path().join("accounts/one").join(name);
        fs::read_to_string(path).unwrap_or_default()
    }

    fn until(&self, reached: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !reached(self) {
            assert!(began.elapsed() < Duration::from_secs(60), "never reached");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What `status` prints, without the place of this test's files.
    fn picture(&self) -> String {
        let output = self.ballast(&["status"]);
        assert!(output.status.success(), "{output:?}");
        let home = self.home.path().display().to_string();
        String::from_utf8(output.stdout)
            .unwrap()
            .replace(&home, "HOME")
    }

    /// Types what `status` says is next.
    fn type_next(&self) -> Output {
        let status = self.status().unwrap();
        let typed = status["next_command"]
            .as_str()
            .unwrap()
            .replace("WHY", "looked-at-it");
        let words: Vec<&str> = typed.split(' ').skip(1).collect();
        self.ballast(&words)
    }
}

/// A trader in a process of its own; it does not outlive its test.
struct Trader(Child);

impl Drop for Trader {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// The headline of a picture is a page of the runbook.
fn is_in_the_runbook(words: &str) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let manual = fs::read_to_string(docs.join("operations.md")).unwrap();
    let (_, runbook) = manual.split_once("\n## Runbook\n").unwrap();
    let pages = fs::read_dir(docs.join("runbook")).unwrap();
    let mut texts = pages.map(|page| fs::read_to_string(page.unwrap().path()).unwrap());
    assert!(
        runbook.contains(words) || texts.any(|text| text.contains(words)),
        "no page of the runbook says '{words}'"
    );
}

/// After a normal stop.
#[test]
fn after_a_normal_stop() {
    let account = Account::new(1_000_000, "");
    assert_eq!(account.trade(&[]).status.code(), Some(0));
    insta::assert_snapshot!("stopped", account.picture());
    is_in_the_runbook("the data end here");
    // No newer bar: typed again it ends at once and nothing changes.
    let before = account.status().unwrap()["positions"].clone();
    assert_eq!(account.type_next().status.code(), Some(0));
    assert_eq!(account.status().unwrap()["positions"], before);
}

/// After a kill; the command it tells releases the account.
#[test]
fn after_a_kill() {
    let account = Account::new(1_000_000, "");
    account.trade(&["--once"]);
    let mut trader = account.waiting();
    let killed = account.ballast(&["kill", "one", "--reason", "fat finger"]);
    assert!(killed.status.success(), "{killed:?}");
    let began = Instant::now();
    assert_eq!(trader.0.wait().unwrap().code(), Some(4));
    // It does not wait for the bar it stood in front of.
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    insta::assert_snapshot!("killed", account.picture());
    is_in_the_runbook("the kill switch is thrown");
    let released = account.type_next();
    assert!(released.status.success(), "{released:?}");
    assert_eq!(account.status().unwrap()["mode"], "active");
}

/// After a crash; the command it tells trades on.
#[cfg(unix)]
#[test]
fn after_a_crash() {
    let account = Account::new(1_000_000, "");
    account.trade(&["--once"]);
    let mut trader = account.waiting();
    trader.0.kill().unwrap();
    trader.0.wait().unwrap();
    insta::assert_snapshot!("crashed", account.picture());
    is_in_the_runbook("`crashed` in the first line");
    assert_eq!(account.type_next().status.code(), Some(0));
    assert_eq!(account.status().unwrap()["activity"], "stopped");
}

/// An order that the venue has and whose answer was not durable when the program died. The command
/// that is told asks the venue; the order is not sent again.
#[cfg(unix)]
#[test]
fn an_order_of_unknown_outcome() {
    let account = Account::new(1_000_000, "");
    // The answer is on its way to the journal for a second.
    let mut trader = account.start(&["--journal-delay-ms", "1000"]);
    account.until(|a| a.file("venue.log").contains("\"order\""));
    trader.0.kill().unwrap();
    trader.0.wait().unwrap();
    let picture = account.picture();
    insta::assert_snapshot!("unknown", picture);
    is_in_the_runbook("An order of unknown outcome");
    assert_eq!(account.type_next().status.code(), Some(0));
    let after = account.status().unwrap();
    assert_eq!(after["unknown_orders"], Value::Array(Vec::new()));
    let sent = account.file("venue.log").matches("{\"order\"").count();
    let intents = account.home.path().join("records.jsonl");
    account.ballast(&[
        "journal",
        "export",
        "one",
        "--out",
        intents.to_str().unwrap(),
    ]);
    let recorded = fs::read_to_string(intents).unwrap();
    let recorded = recorded.matches("\"kind\":\"intent\"").count();
    assert!(sent <= recorded, "{sent} of {recorded}");
}

/// `--once` stays until its slot's rebalance is through, and says with its code what is left: the whole
/// target is code 0; a market that trades too little is code 7.
#[test]
fn once_goes_through_a_rebalance_and_says_what_is_left() {
    let liquid = Account::new(1_000_000, "");
    let output = liquid.trade(&["--once"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = json(&output);
    assert_eq!(
        (&said["stop"], &said["decisions"]),
        (&Value::from("once"), &Value::from(1))
    );
    assert_eq!(
        said["positions"],
        serde_json::json!([["ACME", "10000"]]),
        "{said}"
    );

    let thin = Account::new(1_000, "[execution]\nparticipation = 0.1\n");
    let output = thin.trade(&["--once"]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let said = json(&output);
    assert_eq!(
        said["positions"],
        serde_json::json!([["ACME", "100"]]),
        "{said}"
    );
    let left = said["residuals"].as_u64().unwrap() + said["working"].as_u64().unwrap();
    assert!(left > 0, "{said}");
}

/// `catch_up = "latest"`: missed slots pass; one decision is made, at the newest bar.
#[test]
fn latest_decides_on_the_newest_bar_only() {
    let each = Account::new(1_000_000, "[trade]\ncatch_up = \"each\"\n");
    let latest = Account::new(1_000_000, "[trade]\ncatch_up = \"latest\"\n");
    let slots = |account: &Account| {
        account.trade(&[]);
        let out = account.home.path().join("records.jsonl");
        account.ballast(&["journal", "export", "one", "--out", out.to_str().unwrap()]);
        let text = fs::read_to_string(out).unwrap();
        let records = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        records
            .filter(|r| r["kind"] == "decision" || r["kind"] == "hold")
            .map(|r| {
                let at = if r["kind"] == "hold" {
                    &r["body"]["slot"]
                } else {
                    &r["body"]["cause"]
                };
                at.to_string()
            })
            .collect::<Vec<_>>()
    };
    assert!(slots(&each).len() > 1);
    let found = slots(&latest);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("2020-02-29"), "{found:?}");
}
