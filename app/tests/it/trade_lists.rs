//! Trade lists of an established backtesting library, reproduced by the program from a config.

use std::path::{Path, PathBuf};
use std::process::Command;

fn corpus() -> Option<PathBuf> {
    std::env::var_os("BALLAST_CORPUS").map(PathBuf::from)
}

/// The columns of a CSV file by name.
fn column(path: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().unwrap_or_default().split(',').collect();
    let at = header
        .iter()
        .position(|h| *h == name)
        .unwrap_or_else(|| panic!("no column {name}"));
    lines
        .map(|line| line.split(',').nth(at).unwrap_or_default().to_owned())
        .collect()
}

fn numbers(path: &Path, name: &str) -> Vec<f64> {
    column(path, name)
        .iter()
        .map(|cell| cell.parse().expect("a number"))
        .collect()
}

/// SMA 50/200 on SPY: 1000 units on each up-cross, next-open fills, 5 bps: every closed trade has
/// the library's dates, prices, commission and profit. The library also closes the open position
/// at the last bar; Ballast leaves it open, so it is compared by its entry alone.
#[test]
fn sma_cross_on_spy_has_the_trades_of_the_library() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: BALLAST_CORPUS is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let data = corpus.join("market/us_equity_1d/SPY.csv");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
    command
        .args(["backtest", "--quiet", "--strategy", "sma_cross", "--data"])
        .arg(data);
    for setting in [
        "run.start=2005-01-01",
        "run.end=2021-03-31",
        "strategy.parameters.fast=50",
        "strategy.parameters.slow=200",
        "strategy.parameters.sizing={ units = \"1000\" }",
        "strategy.parameters.entry=cross",
        "execution.fee_bps=5",
        "execution.slippage_bps=0",
        "rebalance.threshold=0",
        "risk.cash_buffer=0",
    ] {
        command.args(["--set", setting]);
    }
    let output = command
        .arg("--out")
        .arg(&run)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let (ours, theirs) = (
        run.join("trades.csv"),
        corpus.join("oracles/backtests/smacross_SPY_trades.csv"),
    );
    let date = |time: &String| time[..10].to_owned();
    let dates = |name: &str| column(&ours, name).iter().map(date).collect::<Vec<_>>();
    let closed = column(&ours, "open")
        .iter()
        .filter(|open| *open == "false")
        .count();
    assert_eq!(closed, 7);
    assert_eq!(dates("entry_time"), column(&theirs, "EntryTime"));
    assert_eq!(
        dates("exit_time")[..closed],
        column(&theirs, "ExitTime")[..closed]
    );
    for (our, their) in [
        ("entry_price", "EntryPrice"),
        ("exit_price", "ExitPrice"),
        ("fees", "Commission"),
        ("net_pnl", "PnL"),
    ] {
        for (a, b) in numbers(&ours, our)[..closed]
            .iter()
            .zip(numbers(&theirs, their))
        {
            assert!(
                (a - b).abs() <= 1e-9 * b.abs().max(1.0),
                "{our}: {a} against {b}"
            );
        }
    }
    println!(
        "{closed} closed trades and {} entries agree",
        column(&ours, "open").len()
    );
}
