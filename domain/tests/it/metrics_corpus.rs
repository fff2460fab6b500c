//! Performance figures against empyrical, quantstats, scipy and backtesting.py.

use std::path::Path;

use ballast_domain::money::{Cash, Price, Quantity, Rate, pow10};
use ballast_domain::performance::{
    FillRow, Metrics, TradeEvent, TradeSide, round_trips, trade_statistics, underwater, wealth,
};
use ballast_domain::time::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::corpus::{Csv, corpus, json};

/// The equity series a reference entry is about: a backtest's NAV, or a symbol's closes as the
/// corpus' own configuration selects them.
fn equity(root: &Path, key: &str, panels: &[Value]) -> Vec<f64> {
    let (panel, symbol) = key.split_once(':').expect("keys are panel:symbol");
    if panel == "backtest" {
        return Csv::read(&root.join(format!("oracles/backtests/{symbol}.csv"))).numbers("nav");
    }
    let panel = panels
        .iter()
        .find(|p| p["id"] == panel)
        .unwrap_or_else(|| panic!("no panel {panel}"));
    let text = |name: &str| panel[name].as_str().unwrap();
    let file = root.join("market").join(text("file").replace('*', symbol));
    let column = if text("kind") == "close" {
        symbol
    } else {
        "close"
    };
    Csv::read(&file)
        .between(text("start"), text("end"))
        .numbers(column)
}

fn assert_close(what: &str, got: &Value, expected: f64, tolerance: f64) {
    let got = got
        .as_f64()
        .unwrap_or_else(|| panic!("{what}: {got} instead of {expected}"));
    assert!(
        (got - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE),
        "{what}: {got} instead of {expected}"
    );
}

/// BT-05: value at risk, expected shortfall and drawdown of real series equal the references.
#[test]
fn bt_05_metrics_equal_the_reference_libraries() {
    let Some(root) = corpus() else { return };
    let reference = json(&root.join("oracles/metrics/metrics.json"));
    let config = json(&root.join("tools/oracle_config.json"));
    let panels = config["panels"].as_array().unwrap();
    let (mut series, mut figures) = (0, 0);
    for (key, entry) in reference["series"].as_object().unwrap() {
        let equity = equity(&root, key, panels);
        let annualisation = entry["annualisation"].as_f64().unwrap();
        let by_equity = Metrics::from_equity(&equity, annualisation).unwrap();
        let returns: Vec<f64> = equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        let by_returns = Metrics::from_returns(&returns, annualisation).unwrap();
        series += 1;
        for (way, metrics) in [("equity", by_equity), ("returns", by_returns)] {
            let ours = serde_json::to_value(metrics).unwrap();
            let expected = entry["metrics"].as_object().unwrap();
            assert_eq!(
                ours.as_object().unwrap().keys().collect::<Vec<_>>(),
                expected.keys().collect::<Vec<_>>(),
                "{key}: the same keys"
            );
            for (name, figure) in expected {
                let tolerance = figure["rel_tol"].as_f64().unwrap();
                let value = figure["value"].as_f64().unwrap();
                let what = format!("{key} {name} from {way}");
                assert_close(&what, &ours[name], value, tolerance);
                figures += 1;
            }
        }
    }
    assert!(series > 0, "the corpus holds no series");
    println!("{figures} figures of {series} series agree");
}

#[test]
fn the_underwater_curve_equals_the_reference() {
    let Some(root) = corpus() else { return };
    let file = root.join("oracles/metrics/drawdown_crypto10_full_BTC-USD.csv");
    let csv = Csv::read(&file);
    let depths = underwater(&wealth(&csv.numbers("ret")).unwrap());
    let expected = csv.numbers("drawdown");
    assert_eq!(depths.len(), expected.len() + 1);
    for (i, (got, expected)) in depths[1..].iter().zip(&expected).enumerate() {
        assert!((got - expected).abs() < 1e-12, "row {i}: {got} {expected}");
    }
}

/// The reference's trades, taken apart into fills and put together again. Where one trade closes
/// and the next opens at the same time and price, a single fill goes through zero.
#[test]
fn trades_equal_the_reference_engine() {
    let Some(root) = corpus() else { return };
    let reference = json(&root.join("oracles/backtests/event_backtests.json"));
    let list = reference["event_backtests"].as_array().unwrap();
    assert!(!list.is_empty());
    for run in list {
        let id = run["id"].as_str().unwrap();
        let folder = root.join("oracles/backtests");
        let trades = Csv::read(&folder.join(format!("{id}_trades.csv")));
        let bars = Csv::read(&folder.join(format!("{id}_equity.csv")));
        let timeline: Vec<_> = bars.rows.iter().map(|row| day(&row[0])).collect();
        let commission = Rate::from_decimal(decimal(&run["commission"].to_string())).unwrap();
        let result = round_trips(&fills(&trades, commission), &[], &timeline).unwrap();
        assert_eq!(result.trades.len(), trades.rows.len(), "{id}");
        for (i, trade) in result.trades.iter().enumerate() {
            let expected = |name| trades.numbers(name)[i];
            let what = format!("{id} trade {i}");
            let close = |got: f64, name| {
                let value: f64 = expected(name);
                let scale = value.abs().max(1.0);
                assert!(
                    (got - value).abs() < 1e-9 * scale,
                    "{what} {name}: {got} {value}"
                );
            };
            close(trade.net_pnl.to_f64(CASH), "PnL");
            close(trade.net_return.unwrap(), "ReturnPct");
            close(trade.fees.to_f64(CASH), "Commission");
            close(trade.entry_price.to_f64(PRICE), "EntryPrice");
            close(trade.exit_price.to_f64(PRICE), "ExitPrice");
            let bars = expected("ExitBar") - expected("EntryBar");
            assert!(
                (trade.bars_held as f64 - bars).abs() < 0.5,
                "{what} bars held"
            );
            let side = if expected("Size") > 0.0 {
                TradeSide::Long
            } else {
                TradeSide::Short
            };
            assert_eq!(trade.side, side, "{what}");
        }
        let statistics = trade_statistics(&result.trades, &timeline, CASH);
        let cash = run["cash"].as_f64().unwrap();
        let last = run["final_equity"].as_f64().unwrap();
        assert!(
            (cash + statistics.net_pnl - last).abs() < 1e-6,
            "{id}: final equity"
        );
    }
}

/// Digits of prices in the reference (single precision floats written out) and of cash: enough
/// for price times quantity times commission.
const PRICE: u8 = 12;
const CASH: u8 = 18;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|e| panic!("'{text}': {e}"))
}

/// The first ten characters of a date or instant, as midnight UTC.
fn day(text: &str) -> Timestamp {
    format!("{}T00:00:00Z", &text[..10]).parse().unwrap()
}

/// One fill for each entry and exit, two that meet merged into one.
fn fills(trades: &Csv, commission: Rate) -> Vec<TradeEvent> {
    let column = |name| trades.column_index(name);
    let (size, entry_time, entry_price) =
        (column("Size"), column("EntryTime"), column("EntryPrice"));
    let (exit_time, exit_price) = (column("ExitTime"), column("ExitPrice"));
    let mut rows: Vec<(Timestamp, Price, i64)> = Vec::new();
    for row in &trades.rows {
        let size: i64 = row[size].parse().unwrap();
        let price = |column: usize| Price::from_decimal(decimal(&row[column]), PRICE).unwrap();
        let entry = (day(&row[entry_time]), price(entry_price), size);
        match rows.last_mut() {
            Some(last) if (last.0, last.1) == (entry.0, entry.1) => last.2 += size,
            _ => rows.push(entry),
        }
        rows.push((day(&row[exit_time]), price(exit_price), -size));
    }
    let fill = |(time, price, quantity): (Timestamp, Price, i64)| {
        let value = i128::from(price.units()) * i128::from(quantity.abs());
        let notional = Cash::from_units(value * i128::from(pow10(CASH - PRICE)));
        TradeEvent::Fill(FillRow {
            time,
            instrument: 0,
            quantity: Quantity::from_units(quantity),
            price,
            notional,
            fee: notional.fee(commission),
        })
    };
    rows.into_iter().map(fill).collect()
}
