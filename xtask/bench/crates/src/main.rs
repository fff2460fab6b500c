//! J1 by other Rust crates, with the protocol of `peer.py`: each line CASE on stdin is answered
//! with one line of JSON on stdout.
//!
//! Each crate is used as its documentation shows: kand fills an array in one call, `ta` and `yata`
//! take one value at a time. The first run of a case is not timed, as with the other peers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use serde_json::json;

mod kand;
mod ta;
mod yata;

/// The series of the job.
pub struct Columns {
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
}

/// Where results go: made once, as ours is.
pub struct Arrays {
    out: Vec<f64>,
    /// What some functions of kand want besides.
    scratch: [Vec<f64>; 2],
}

/// A case: its name, what it computes, and what its result differs in.
type Case = (&'static str, fn(&Columns, &mut Arrays), &'static str);

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(peer), Some(data)) = (args.next(), args.next()) else {
        eprintln!("usage: ballast-bench-crates kand|ta|yata FOLDER");
        std::process::exit(2);
    };
    let (version, cases): (&str, &[Case]) = match peer.as_str() {
        "kand" => ("0.2.2", &kand::CASES),
        "ta" => ("0.5.0", &ta::CASES),
        "yata" => ("0.7.0", &yata::CASES),
        other => {
            eprintln!("no such peer: {other}");
            std::process::exit(2);
        }
    };
    let minutes = Path::new(&data).join("minutes");
    let columns = Columns {
        high: column(&minutes.join("high.f64")),
        low: column(&minutes.join("low.f64")),
        close: column(&minutes.join("close.f64")),
    };
    let names: Vec<&str> = cases.iter().map(|(name, ..)| *name).collect();
    say(&json!({ "version": version, "cases": names }));
    let cases: BTreeMap<&str, &Case> = cases.iter().map(|case| (case.0, case)).collect();
    let n = columns.close.len();
    let mut arrays = Arrays {
        out: vec![0.0; n],
        scratch: [vec![0.0; n], vec![0.0; n]],
    };
    let mut begun = BTreeSet::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("stdin is text");
        let (name, work, note) = cases[line.trim()];
        if begun.insert(name) {
            work(&columns, &mut arrays);
        }
        let (cpu, begin) = (cpu_nanoseconds(), Instant::now());
        work(&columns, std::hint::black_box(&mut arrays));
        let wall = begin.elapsed().as_nanos() as f64;
        let cpu = match (cpu, cpu_nanoseconds()) {
            (Some(before), Some(after)) => after - before,
            _ => wall,
        };
        say(&json!({ "wall_ns": wall, "cpu_ns": cpu, "n": n, "note": note }));
    }
}

fn say(value: &serde_json::Value) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{value}")
        .and_then(|()| stdout.flush())
        .expect("somebody reads");
}

/// 8-byte little-endian values.
fn column(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (values, rest) = bytes.as_chunks::<8>();
    assert!(rest.is_empty(), "{} is cut", path.display());
    values
        .iter()
        .map(|bytes| f64::from_le_bytes(*bytes))
        .collect()
}

/// The scheduler's count for the one thread, as our own jobs read it.
fn cpu_nanoseconds() -> Option<f64> {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}
