//! Weights and covariances against pandas, numpy, skfolio, PyPortfolioOpt and scikit-learn.

use std::collections::BTreeMap;
use std::path::Path;

use ballast_domain::weighting::{
    BoxSumProgram, CovarianceEstimator, MAX_KKT_RESIDUAL, ReturnWindow, SymmetricMatrix,
    VolatilityTarget, WeightingInputs, WeightingMethod, diversification_ratio, inverse_volatility,
    ledoit_wolf, risk_contributions, sample_covariance,
};
use serde_json::Value;

use crate::corpus::{Csv, corpus, json};

const PANELS: [&str; 4] = ["crypto10_2021", "crypto10_full", "etf12", "sp10_2008"];

/// A panel of the corpus: its reference, its dates and its closes by symbol.
struct Panel {
    id: &'static str,
    reference: Value,
    dates: Vec<String>,
    closes: Vec<Vec<f64>>,
}

impl Panel {
    fn read(root: &Path, id: &'static str) -> Self {
        let reference = json(&root.join(format!("oracles/weights/{id}.json")));
        let panel = &reference["panel"];
        let text = |name: &str| panel[name].as_str().unwrap();
        let (mut dates, mut closes) = (Vec::new(), Vec::new());
        for symbol in strings(&reference["columns"]) {
            let file = root.join("market").join(text("file").replace('*', &symbol));
            let csv = Csv::read(&file).between(text("start"), text("end"));
            let own: Vec<String> = csv.rows.iter().map(|row| row[0][..10].to_owned()).collect();
            assert!(
                dates.is_empty() || dates == own,
                "{id} {symbol}: other dates"
            );
            dates = own;
            let is_table = text("kind") == "close";
            closes.push(csv.numbers(if is_table { &symbol } else { "close" }));
        }
        assert_eq!(dates.len() as u64, reference["rows"].as_u64().unwrap());
        Self {
            id,
            reference,
            dates,
            closes,
        }
    }

    fn returns(&self) -> ReturnWindow {
        ReturnWindow::from_closes(&self.closes).unwrap()
    }

    fn number(&self, name: &str) -> f64 {
        self.reference["panel"][name].as_f64().unwrap()
    }

    fn inputs(&self) -> WeightingInputs {
        let covariance = CovarianceEstimator::Sample.estimate(&self.returns());
        WeightingInputs {
            cap: Some(self.number("cap")),
            volatility_target: Some(VolatilityTarget {
                annual: self.number("target_vol"),
                max_leverage: self.number("max_leverage"),
                annualisation: self.number("annualisation"),
            }),
            ..WeightingInputs::new((0..self.closes.len()).collect(), covariance)
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().unwrap().iter();
    list.map(|s| s.as_str().unwrap().to_owned()).collect()
}

fn assert_matrix(what: &str, got: &SymmetricMatrix, reference: &Value) -> f64 {
    let mut worst: f64 = 0.0;
    for (i, row) in reference.as_array().unwrap().iter().enumerate() {
        for (j, want) in row.as_array().unwrap().iter().enumerate() {
            let scale = (got.get(i, i) * got.get(j, j)).sqrt();
            worst = worst.max((got.get(i, j) - want.as_f64().unwrap()).abs() / scale);
        }
    }
    assert!(worst < 1e-12, "{what}: {worst:e}");
    worst
}

/// WGT-04: each method gives the weights of the reference library, to the tolerance stated there.
#[test]
fn wgt_04_weights_equal_the_reference_libraries() {
    let Some(root) = corpus() else { return };
    let mut worst: BTreeMap<WeightingMethod, (usize, f64, f64)> = BTreeMap::new();
    let mut compared = 0;
    for id in PANELS {
        let panel = Panel::read(&root, id);
        let inputs = panel.inputs();
        let symbols = strings(&panel.reference["columns"]);
        for (name, entry) in panel.reference["methods"].as_object().unwrap() {
            let method: WeightingMethod = name.parse().unwrap();
            let weights = method.weigh(&inputs).unwrap();
            let tolerance = entry["tolerance"].as_f64().unwrap();
            for (i, symbol) in symbols.iter().enumerate() {
                let want = entry["weights"][symbol].as_f64().unwrap();
                let error = (weights.get(i).unwrap() - want).abs();
                assert!(
                    error <= tolerance,
                    "{id} {name} {symbol}: {error:e} > {tolerance:e}"
                );
                let seen = worst.entry(method).or_insert((0, 0.0, tolerance));
                (seen.0, seen.1) = (seen.0 + 1, seen.1.max(error));
                compared += 1;
            }
        }
    }
    for (method, (count, error, tolerance)) in &worst {
        println!("{method:<30} {count:>3} weights, max error {error:.1e} of {tolerance:e} allowed");
    }
    println!("{compared} weights of {} methods agree", worst.len());
    assert_eq!((worst.len(), compared), (10, 420));
}

/// Where the reference is a numerical solver with a wide tolerance, ours must be at least as good
/// by the method's own measure.
#[test]
fn solutions_are_at_least_as_good_as_the_references() {
    let Some(root) = corpus() else { return };
    for id in PANELS {
        let panel = Panel::read(&root, id);
        let covariance = sample_covariance(&panel.returns());
        let symbols = strings(&panel.reference["columns"]);
        let reference = |name: &str| -> Vec<f64> {
            let weights = &panel.reference["methods"][name]["weights"];
            symbols
                .iter()
                .map(|s| weights[s].as_f64().unwrap())
                .collect()
        };
        let ours = |method: WeightingMethod| -> Vec<f64> {
            let weights = method.weigh(&panel.inputs()).unwrap();
            weights.entries().iter().map(|(_, w)| *w).collect()
        };
        let name = WeightingMethod::MaxDiversificationLongOnly;
        let got = diversification_ratio(&ours(name), &covariance);
        let want = diversification_ratio(&reference(name.name()), &covariance);
        assert!(got >= want * (1.0 - 1e-14), "{id}: {got} {want}");
        let name = WeightingMethod::MinVarianceLongOnly;
        let got = covariance.quadratic_form(&ours(name));
        let want = covariance.quadratic_form(&reference(name.name()));
        assert!(got <= want * (1.0 + 1e-14), "{id}: {got} {want}");
        let size = symbols.len();
        let program = BoxSumProgram {
            matrix: &covariance,
            lower: &vec![0.0; size],
            upper: &vec![1.0; size],
            sum: 1.0,
        };
        let minimum = program.minimise().unwrap();
        assert!(minimum.kkt_residual <= MAX_KKT_RESIDUAL);
        let shares = risk_contributions(&ours(WeightingMethod::RiskParityErc), &covariance);
        let uneven = shares.iter().map(|s| (s - 1.0 / size as f64).abs());
        let uneven = uneven.fold(0.0, f64::max);
        assert!(uneven < 1e-14, "{id}: {uneven:e}");
        println!(
            "{id}: KKT residual {:.1e} after {} steps, risk contributions even to {uneven:.1e}",
            minimum.kkt_residual, minimum.steps
        );
    }
}

#[test]
fn covariances_equal_the_reference_libraries() {
    let Some(root) = corpus() else { return };
    for id in PANELS {
        let panel = Panel::read(&root, id);
        let returns = panel.returns();
        let sample = sample_covariance(&returns);
        let reference = &panel.reference;
        let a = assert_matrix(id, &sample, &reference["covariance_ddof1"]);
        let (correlation, deviations) = sample.to_correlation().unwrap();
        let b = assert_matrix(id, &correlation, &reference["correlation"]);
        for (got, want) in deviations
            .iter()
            .zip(reference["std_ddof1"].as_array().unwrap())
        {
            assert!((got / want.as_f64().unwrap() - 1.0).abs() < 1e-12, "{id}");
        }
        let shrunk = ledoit_wolf(&returns);
        let c = assert_matrix(
            id,
            &shrunk.covariance,
            &reference["ledoit_wolf"]["covariance"],
        );
        let want = reference["ledoit_wolf"]["shrinkage"].as_f64().unwrap();
        let d = (shrunk.shrinkage / want - 1.0).abs();
        assert!(d < 1e-10, "{id}: shrinkage {} {want}", shrunk.shrinkage);
        println!(
            "{id}: sample {a:.1e}, correlation {b:.1e}, Ledoit-Wolf {c:.1e}, shrinkage {d:.1e}"
        );
    }
}

#[test]
fn rolling_inverse_volatility_equals_the_reference() {
    let Some(root) = corpus() else { return };
    let (mut rebalances, mut worst) = (0, 0.0_f64);
    for id in PANELS {
        let panel = Panel::read(&root, id);
        let file = root.join(format!("oracles/weights/{id}_rolling_inverse_vol.csv"));
        let expected = Csv::read(&file);
        let lookback = panel.reference["panel"]["rolling_lookback"]
            .as_u64()
            .unwrap();
        let lookback = usize::try_from(lookback).unwrap();
        let columns: Vec<Vec<f64>> = strings(&panel.reference["columns"])
            .iter()
            .map(|s| expected.numbers(s))
            .collect();
        for (n, row) in expected.rows.iter().enumerate() {
            let at = panel.dates.iter().position(|date| *date == row[0][..10]);
            let at = at.unwrap_or_else(|| panic!("{} {}: no such date", panel.id, row[0]));
            let window = panel.closes.iter().map(|c| &c[at - lookback..=at]);
            let returns = ReturnWindow::from_closes(&window.collect::<Vec<_>>()).unwrap();
            let variances = sample_covariance(&returns).diagonal();
            let vols = variances.iter().map(|v| Some(v.sqrt())).enumerate();
            let weights = inverse_volatility(&vols.collect::<Vec<_>>(), f64::MIN_POSITIVE).unwrap();
            for (i, column) in columns.iter().enumerate() {
                worst = worst.max((weights.get(i).unwrap() - column[n]).abs());
            }
            rebalances += 1;
        }
    }
    println!("{rebalances} rebalances agree, max error {worst:.1e}");
    assert!(rebalances > 500 && worst < 1e-12, "{rebalances} {worst:e}");
}
