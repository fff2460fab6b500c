//! Indicators of real series against TA-Lib, pandas and numpy, through the specs of the shell.

use std::collections::BTreeMap;
use std::path::Path;

use ballast_domain::indicators::{Columns, IndicatorSpec};
use serde_json::Value;

use crate::corpus::{Csv, corpus, json};

/// Distance relative to what is expected; equal values, zeros included, are no distance apart.
#[expect(
    clippy::float_cmp,
    reason = "an expected zero has no other neighbourhood"
)]
fn relative(got: f64, expected: f64) -> f64 {
    if got == expected {
        return 0.0;
    }
    (got - expected).abs() / expected.abs()
}

/// Highs, lows and closes of a reference series, as the corpus selects and adjusts them.
fn bars(root: &Path, series: &Value) -> [Vec<f64>; 3] {
    let text = |name: &str| series[name].as_str().unwrap();
    let file = root.join("market").join(text("input"));
    let csv = Csv::read(&file).between(&text("start")[..10], &text("end")[..10]);
    let factors = series["adjust"].as_str().map(|column| csv.numbers(column));
    ["high", "low", "close"].map(|column| {
        let mut values = csv.numbers(column);
        for (x, factor) in values.iter_mut().zip(factors.iter().flatten()) {
            *x *= factor;
        }
        values
    })
}

/// SIG-02: every column of every reference series, warm-up included.
#[test]
fn sig_02_indicators_equal_the_reference_libraries() {
    let Some(root) = corpus() else { return };
    let definitions = json(&root.join("oracles/indicators/definitions.json"));
    let names: Vec<&String> = definitions["columns"].as_object().unwrap().keys().collect();
    let (mut columns, mut cells) = (0, 0);
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    for series in definitions["series"].as_array().unwrap() {
        let id = series["id"].as_str().unwrap();
        let [high, low, close] = bars(&root, series);
        let inputs = Columns {
            high_low: Some((&high, &low)),
            close: &close,
            benchmark: None,
            annualisation: series["annualisation"].as_f64().unwrap(),
        };
        let oracle = Csv::read(&root.join(series["file"].as_str().unwrap()));
        assert_eq!(oracle.rows.len(), close.len(), "{id}");
        for name in &names {
            let spec: IndicatorSpec = name.parse().unwrap_or_else(|e| panic!("{name}: {e}"));
            let values = spec.values(&inputs).unwrap();
            let column = oracle.column_index(name);
            for (i, (got, row)) in values.iter().zip(&oracle.rows).enumerate() {
                let cell = row[column].as_str();
                let what = format!("{id} {name} row {i}: {got} instead of '{cell}'");
                if cell.is_empty() {
                    assert!(got.is_nan(), "{what}");
                    continue;
                }
                let expected: f64 = cell.parse().unwrap();
                let error = relative(*got, expected);
                assert!(error <= 1e-9, "{what}, off by {error:e}");
                let most = worst.entry(name.as_str()).or_default();
                *most = most.max(error);
                cells += 1;
            }
            columns += 1;
        }
    }
    assert!(columns > 0, "the corpus holds no indicator");
    for (name, error) in &worst {
        println!("{name:<24} {error:.1e}");
    }
    println!("{cells} values in {columns} columns agree within 1e-9, 0 skipped");
}
