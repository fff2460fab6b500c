//! Why each decision was taken, kept with the run: inputs, path, weights, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Runs the real program and returns its run directory.
fn run(home: &Path, arguments: &[&str]) -> PathBuf {
    let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .current_dir(home)
        .args(["backtest", "--json", "--set", "report.robustness=false"])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {errors}"));
    home.join(
        answer["directory"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}")),
    )
}

fn decisions(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("decisions.jsonl")).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// The rows of a table by column names.
fn table(run: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(run.join(name)).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let cells = line.split(',').map(str::to_owned);
            header.iter().map(|h| (*h).to_owned()).zip(cells).collect()
        })
        .collect()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn said(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// What a decision lacks of inputs, branch path and weights.
fn gaps(decision: &Value) -> Vec<String> {
    let mut gaps = Vec::new();
    let mut need = |ok: bool, what: &str| {
        if !ok {
            gaps.push(format!("decision {}: {what}", decision["number"]));
        }
    };
    need(said(&decision["equity"]), "equity");
    need(decision["fresh_share"].is_number(), "share of fresh data");
    need(said(&decision["reason"]), "reason");
    let left_out = array(&decision["excluded"]);
    let nothing = array(&decision["legs"]).is_empty() && left_out.is_empty();
    need(!nothing, "instruments that were looked at");
    need(
        left_out.iter().all(|e| said(&e["reason"])),
        "why there is no target",
    );
    for leg in array(&decision["legs"]) {
        need(said(&leg["price"]), "price it was valued at");
        need(said(&leg["current"]) && said(&leg["wanted"]), "quantities");
        need(said(&leg["signal"]), "branch of the signal");
        need(
            said(&leg["drift"]) && said(&leg["threshold"]),
            "drift and threshold",
        );
        need(said(&leg["disposition"]), "branch of the rebalance");
        if leg["disposition"] == "trade" && decision["planned"] == true {
            // An order, or what cut it down to nothing.
            let why = !array(&leg["orders"]).is_empty() || said(&leg["cut"]);
            need(why, "order of a leg that trades");
        }
        for order in array(&leg["orders"]) {
            need(said(&order["verdict"]), "branch of risk");
        }
        let own = std::slice::from_ref(leg);
        let sleeves = array(&leg["sleeves"]);
        for part in if sleeves.is_empty() { own } else { sleeves } {
            if part["target"].is_null() {
                continue;
            }
            need(said(&part["target"]), "weight");
            need(part["uncapped"].is_number(), "weight before caps");
            let input = part["score"].is_number() || part["volatility"].is_number();
            need(input, "value of an indicator");
        }
    }
    gaps
}

/// Executions and orders that no decision explains, and orders whose executions do not add up.
fn orphans(
    decisions: &[Value],
    orders: &[BTreeMap<String, String>],
    fills: &[BTreeMap<String, String>],
) -> Vec<String> {
    let mut explained = BTreeSet::new();
    for decision in decisions {
        for leg in array(&decision["legs"]) {
            for order in array(&leg["orders"]) {
                let key = |v: &Value| v.as_str().unwrap_or_default().to_owned();
                let number = decision["number"].to_string();
                explained.insert((number, key(&leg["symbol"]), key(&order["order_id"])));
            }
        }
    }
    let mut wrong = Vec::new();
    let mut filled: BTreeMap<&str, f64> = BTreeMap::new();
    for fill in fills {
        let order = orders.iter().find(|o| o["order_id"] == fill["order_id"]);
        let fits = order.is_some_and(|o| {
            o["verdict"] == "passed" && o["symbol"] == fill["symbol"] && o["side"] == fill["side"]
        });
        if !fits {
            wrong.push(format!("fill of {}", fill["order_id"]));
        }
        *filled.entry(&fill["order_id"]).or_default() += fill["quantity"].parse::<f64>().unwrap();
    }
    for order in orders {
        let id = &order["order_id"];
        let key = (
            order["decision"].clone(),
            order["symbol"].clone(),
            id.clone(),
        );
        if !explained.contains(&key) {
            wrong.push(format!("order {id}"));
        }
        let sum = filled.get(id.as_str()).copied().unwrap_or(0.0);
        if (sum - order["filled"].parse::<f64>().unwrap()).abs() > 1e-9 {
            wrong.push(format!("quantity of {id}"));
        }
    }
    wrong
}

const LIMITS: [&str; 10] = [
    "--set",
    "strategy.schedule=week_end",
    "--set",
    "execution.style=limit",
    "--set",
    "execution.limit_offset_bps=150",
    "--set",
    "execution.limit_bars=2",
    "--set",
    "execution.participation=0.001",
];

/// SEC-13: every decision of a run says its inputs, the branches it took and its weights.
/// SEC-15: each execution leads by its order's id to an order, a leg, a signal and a decision.
#[test]
fn every_decision_is_explained_and_every_fill_leads_to_one() {
    let home = tempfile::tempdir().unwrap();
    let example = |name: &str| format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let (momentum, sleeves) = (example("momentum.toml"), example("two-sleeves.toml"));
    for arguments in [&[][..], &[momentum.as_str()], &[sleeves.as_str()], &LIMITS] {
        let run = run(home.path(), arguments);
        let (decisions, orders) = (decisions(&run), table(&run, "orders.csv"));
        let fills = table(&run, "fills.csv");
        // The data may end in the middle of the last one.
        let ended = &decisions[..decisions.len() - 1];
        let found: Vec<_> = ended.iter().flat_map(gaps).collect();
        assert_eq!(found, Vec::<String>::new(), "{arguments:?}");
        assert_eq!(orphans(&decisions, &orders, &fills), Vec::<String>::new());
        assert!(fills.len() > 20 && decisions.len() > 10, "{arguments:?}");
        // The same questions find what is planted.
        let acts = decisions.iter().find(|d| !array(&d["legs"]).is_empty());
        let mut blind = acts.expect("a decision with a leg").clone();
        blind["legs"][0]["signal"] = Value::String(String::new());
        assert_eq!(gaps(&blind).len(), 1);
        let id = &fills[3]["order_id"];
        let lost: Vec<_> = orders
            .iter()
            .filter(|o| o["order_id"] != *id)
            .cloned()
            .collect();
        assert!(orphans(&decisions, &lost, &fills).contains(&format!("fill of {id}")));
        let untold = orphans(&decisions[decisions.len() / 2..], &orders, &fills);
        assert!(untold.iter().any(|o| o.starts_with("order")), "{untold:?}");
    }
}

/// EXE-23: under `last_resort = "residual"` no order of a run is at the market; under `"market"` each
/// market order stands in its decision as the last resort of a leg whose limit ended before, once.
#[test]
fn a_last_resort_is_sent_by_policy_only_and_stands_in_its_decision() {
    let home = tempfile::tempdir().unwrap();
    for policy in ["residual", "market"] {
        let setting = format!("execution.last_resort={policy}");
        let run = run(home.path(), &[&LIMITS[..], &["--set", &setting]].concat());
        let mut orders = BTreeMap::new();
        for order in table(&run, "orders.csv") {
            orders.insert(order["order_id"].clone(), order);
        }
        let (mut last, mut limits) = (0, 0);
        for decision in decisions(&run) {
            for leg in array(&decision["legs"]) {
                let mut before: Vec<(String, bool)> = Vec::new();
                for order in array(&leg["orders"]) {
                    let id = order["order_id"].as_str().unwrap();
                    let side = order["side"].as_str().unwrap().to_owned();
                    let row = &orders[id];
                    if order["last_resort"] == true {
                        last += 1;
                        assert_eq!(row["type"], "market");
                        assert!(
                            before.contains(&(side.clone(), false)),
                            "{id} without a limit"
                        );
                        assert!(
                            !before.contains(&(side.clone(), true)),
                            "{id} is the second"
                        );
                        before.push((side, true));
                    } else {
                        limits += 1;
                        assert!(row["type"].starts_with("limit ") && order["limit"].is_string());
                        before.push((side, false));
                    }
                }
            }
        }
        assert!(limits > 20, "{limits}");
        assert_eq!(last > 3, policy == "market", "{policy}: {last}");
        let market = orders.values().filter(|o| o["type"] == "market").count();
        assert_eq!(market, last, "{policy}");
    }
}
