//! What a session says while it trades: an event for each signal, order and risk check, and how long its
//! executions took.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ballast_domain::kernel::Record;
use serde_json::Value;

use crate::paper_parity::journaled;

/// EXE-21: each signal, each order and each risk check is one structured event, as many as the journal
/// has. EXE-13: the buckets of the time from submission to fill are cumulative, and the last one has every
/// fill.
#[test]
fn exe_21_each_signal_order_and_risk_check_is_one_event_and_exe_13_each_fill_is_in_a_bucket() {
    let home = tempfile::tempdir().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml");
    let done = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .arg("--home")
        .arg(home.path())
        .args(["-v", "--json", "trade"])
        .arg(config)
        .args(["--set", "run.end=2012-06-30"])
        .output()
        .unwrap();
    let text = String::from_utf8(done.stderr).unwrap();
    let events = |name: &str| {
        let said = format!("ballast::drivers::live::events: {name} ");
        text.lines().filter(|line| line.contains(&said)).count()
    };
    let records = journaled(home.path());
    let count = |is: fn(&Record) -> bool| records.iter().filter(|r| is(r)).count();
    let signals = count(|r| matches!(r, Record::Decision(_) | Record::Hold(_)));
    let orders = count(|r| matches!(r, Record::Intent(_)));
    assert!(signals > 100 && orders > 5, "{signals} {orders}: {text}");
    let said = (events("signal"), events("order"), events("risk check"));
    assert_eq!(said, (signals, orders, orders));

    // A permit leaves at the instant of its intent here: the journal takes no trading time.
    let mut wanted = BTreeMap::new();
    let mut took = Vec::new();
    for record in &records {
        match record {
            Record::Intent(r) => drop(wanted.insert(r.intent.client_id, r.time)),
            Record::Fill(r) => took.push(r.fill.time.since(wanted[&r.fill.client_id])),
            _ => {}
        }
    }
    let ended: Value = serde_json::from_slice(&done.stdout).unwrap();
    let buckets = ended["fill_latency"].as_array().unwrap();
    let mut kinds = 0;
    for bucket in buckets {
        let bound = bucket["at_most_seconds"].as_f64().unwrap_or(f64::INFINITY);
        let within = took
            .iter()
            .filter(|span| span.nanos() as f64 / 1e9 <= bound);
        let within = within.count() as u64;
        assert_eq!(bucket["fills"].as_u64(), Some(within), "{bound}");
        kinds += usize::from(within > 0 && within < took.len() as u64);
    }
    assert_eq!(buckets.last().unwrap()["at_most_seconds"], Value::Null);
    // Buys that wait for the cash of sales fill at the same open; the rest the next morning or later.
    assert!(took.len() > 5 && kinds > 1, "{took:?}");
}
