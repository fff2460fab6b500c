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

/// SMA 20/50 on BTC: 10 coins long on each up-cross and 10 short on each down-cross, next-open fills,
/// 10 bps, on a margin account: every closed trade has the library's dates, sides, prices,
/// commission and profit, and equity is the library's at every close. In the last bar the library
/// buys the open short back at the open; Ballast keeps it, and differs there by that trade alone.
#[test]
fn sma_cross_both_ways_on_btc_has_the_trades_and_the_equity_of_the_library() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: BALLAST_CORPUS is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let config = folder.path().join("btc.toml");
    let data = corpus.join("market/crypto_1d/BTC-USD.csv");
    let text = format!(
        r#"
[run]
start = 2018-01-01
end = 2022-02-13
[data]
source = {data:?}
calendar = "utc_24x7"
[account]
margin = "margin"
[instruments]
kind = "spot"
price_scale = 9
quantity_scale = 8
[strategy]
name = "sma_cross"
parameters = {{ fast = 20, slow = 50, sizing = {{ units = "10" }}, entry = "cross", below = "short" }}
[execution]
fee_bps = 10
slippage_bps = 0
[rebalance]
threshold = 0
[risk]
max_order_notional = "unlimited"
max_position_notional = "unlimited"
"#
    );
    std::fs::write(&config, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(["backtest", "--quiet", "--out"])
        .arg(&run)
        .arg(&config)
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
        corpus.join("oracles/backtests/smacross_BTC_trades.csv"),
    );
    let date = |time: &String| time[..10].to_owned();
    let dates = |name: &str| column(&ours, name).iter().map(date).collect::<Vec<_>>();
    let open = column(&ours, "open");
    let closed = open.iter().filter(|open| *open == "false").count();
    assert_eq!((closed, open.len()), (25, 26));
    assert_eq!(dates("entry_time"), column(&theirs, "EntryTime"));
    assert_eq!(
        dates("exit_time")[..closed],
        column(&theirs, "ExitTime")[..closed]
    );
    let sides: Vec<_> = numbers(&theirs, "Size")
        .iter()
        .map(|size| if *size > 0.0 { "long" } else { "short" })
        .collect();
    assert_eq!(column(&ours, "side"), sides);
    assert_eq!(sides.iter().filter(|side| **side == "short").count(), 13);
    for (our, their) in [
        ("entry_price", "EntryPrice"),
        ("exit_price", "ExitPrice"),
        ("fees", "Commission"),
        ("net_pnl", "PnL"),
    ] {
        let pairs = numbers(&ours, our).into_iter().zip(numbers(&theirs, their));
        for (a, b) in pairs.take(closed) {
            assert!(
                (a - b).abs() <= 1e-9 * b.abs().max(1.0),
                "{our}: {a} against {b}"
            );
        }
    }
    let equity = numbers(&run.join("equity.csv"), "equity");
    let file = corpus.join("oracles/backtests/smacross_BTC_equity.csv");
    let mut expected = numbers(&file, "Equity");
    assert_eq!(equity.len(), expected.len());
    // 10 coins bought back at the last open with commission, instead of owed at the last close.
    let bought = numbers(&theirs, "ExitPrice").pop().unwrap();
    let closes = column(&data, "timestamp")
        .into_iter()
        .zip(numbers(&data, "close"));
    let (_, close) = closes
        .into_iter()
        .find(|(time, _)| time.starts_with("2022-02-13"))
        .unwrap();
    *expected.last_mut().unwrap() += 10.0 * (bought * 1.001 - close);
    for (row, (a, b)) in equity.iter().zip(&expected).enumerate() {
        assert!((a / b - 1.0).abs() <= 1e-9, "row {row}: {a} against {b}");
    }
    println!(
        "{closed} closed trades, {} entries and {} rows of equity agree",
        open.len(),
        equity.len()
    );
}
