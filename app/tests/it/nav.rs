//! Net asset values of rebalanced portfolios, row by row against an independent reference: the
//! real binary runs a config a case, and every row of its equity.csv is compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A panel of the reference and how it was rebalanced.
struct Panel {
    name: &'static str,
    source: &'static str,
    symbols: &'static [&'static str],
    calendar: &'static str,
    start: &'static str,
    end: &'static str,
    lookback: usize,
    every: usize,
}

const COINS: &[&str] = &[
    "BTC-USD", "ETH-USD", "LTC-USD", "XRP-USD", "DOGE-USD", "ADA-USD", "BNB-USD", "LINK-USD",
    "XLM-USD", "BCH-USD",
];

const PANELS: [Panel; 4] = [
    Panel {
        name: "crypto10_full",
        source: "crypto_1d",
        symbols: COINS,
        calendar: "utc_24x7",
        start: "2018-01-01",
        end: "2022-02-13",
        lookback: 60,
        every: 7,
    },
    Panel {
        name: "crypto10_2021",
        source: "crypto_1d",
        symbols: COINS,
        calendar: "utc_24x7",
        start: "2021-01-01",
        end: "2021-12-31",
        lookback: 30,
        every: 1,
    },
    Panel {
        name: "etf12",
        source: "etf_close/etf_close.csv",
        symbols: &[],
        calendar: "us_equities",
        start: "2010-01-01",
        end: "2016-07-01",
        lookback: 63,
        every: 21,
    },
    Panel {
        name: "sp10_2008",
        source: "sp500_close/sp500_close.csv",
        symbols: &[],
        calendar: "us_equities",
        start: "2007-01-01",
        end: "2009-12-31",
        lookback: 120,
        every: 21,
    },
];

/// Capital so large, prices and lots so fine, that rounding to lots stays far below the tolerance:
/// a lot of 1e-6 of the dearest name is worth 7e-11 of the capital, and prices are exact to 1e-12
/// where the data have up to 17 digits.
const CAPITAL: f64 = 1e9;

impl Panel {
    fn config(&self, corpus: &Path, method: &str, fee_bps: u32) -> String {
        let data = corpus.join("market").join(self.source);
        format!(
            r#"
[run]
name = "{name} {method} {fee_bps}"
start = {start}
end = {end}
[data]
source = {data:?}
symbols = {symbols:?}
calendar = "{calendar}"
basis = "back_adjusted"
[account]
cash = "1000000000"
[instruments]
price_scale = 12
quantity_scale = 6
tick = "0.000000000001"
lot = "0.000001"
min_notional = "0.000001"
[strategy]
name = "periodic_weights"
parameters = {{ method = "{method}", lookback = {lookback}, every = {every} }}
[execution]
fill = "same_close"
fee_bps = {fee_bps}
slippage_bps = 0
[rebalance]
threshold = 0
net_of_costs = true
[risk]
max_order_notional = "unlimited"
max_position_notional = "unlimited"
cash_buffer = 0
[report]
benchmarks = []
robustness = false
"#,
            name = self.name,
            start = self.start,
            end = self.end,
            symbols = self.symbols,
            calendar = self.calendar,
            lookback = self.lookback,
            every = self.every,
        )
    }
}

/// The reference's value by date.
fn reference(file: &Path) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("timestamp,nav,turnover"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[0][..10].to_owned(), cells[1].parse().unwrap())
        })
        .collect()
}

/// Equity by session date: a close at midnight belongs to the day before.
fn equity(run: &Path) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(run.join("equity.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time,cash,positions_value,equity"));
    lines
        .map(|line| {
            let (time, value) = (&line[..20], line.rsplit(',').next().unwrap());
            let close: ballast_domain::time::Timestamp = time.parse().unwrap();
            let date = ballast_domain::time::Timestamp::from_nanos(close.nanos() - 1).date();
            (date.to_string(), value.parse::<f64>().unwrap() / CAPITAL)
        })
        .collect()
}

/// Sixteen portfolios (four panels, two weightings, with and without costs) have the value of
/// the reference at each of its rows, within 1e-9 of it.
#[test]
fn rebalanced_portfolios_have_the_value_of_the_reference_on_every_row() {
    let Some(corpus) = std::env::var_os("BALLAST_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: BALLAST_CORPUS is not set, 16 portfolios were not compared");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut cases, mut rows, mut worst_of_all) = (0, 0, 0.0_f64);
    for panel in &PANELS {
        for method in ["equal", "inverse_vol"] {
            for (fee_bps, cost) in [(0, "0"), (10, "0.001")] {
                let case = format!("{}_{method}_cost{cost}", panel.name);
                let config = folder.path().join(format!("{case}.toml"));
                fs::write(&config, panel.config(&corpus, method, fee_bps)).unwrap();
                let run = folder.path().join(&case);
                let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
                    .args(["backtest", "--quiet", "--out"])
                    .arg(&run)
                    .arg(&config)
                    .current_dir(folder.path())
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{case}: {said}");
                let file = corpus.join(format!("oracles/backtests/{case}.csv"));
                let (ours, theirs) = (equity(&run), reference(&file));
                let mut worst = 0.0_f64;
                for (date, nav) in &theirs {
                    let own = ours
                        .get(date)
                        .unwrap_or_else(|| panic!("{case}: no row of {date}"));
                    let off = (own / nav - 1.0).abs();
                    assert!(
                        off <= 1e-9,
                        "{case} {date}: {own} against {nav}, off by {off:e}"
                    );
                    worst = worst.max(off);
                }
                println!("{case}: {} rows, worst {worst:e}", theirs.len());
                (cases, rows) = (cases + 1, rows + theirs.len());
                worst_of_all = worst_of_all.max(worst);
            }
        }
    }
    assert_eq!(cases, 16);
    println!("{cases} portfolios, {rows} rows compared, 0 skipped, worst {worst_of_all:e}");
}
