//! Results: a table for the terminal and JSON for whoever compares runs.

use serde_json::{Value, json};

use crate::measure::{Sample, has_cpu_clock};

/// One case, ours and theirs.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) unit: String,
    pub(crate) rounds: usize,
    /// Medians, nanoseconds a unit.
    pub(crate) ours: Sample,
    pub(crate) goal: Option<f64>,
    pub(crate) peers: Vec<PeerRow>,
}

/// What a peer needed for the same case, in the same rounds.
#[derive(Clone, Debug)]
pub(crate) struct PeerRow {
    pub(crate) name: String,
    /// Median, nanoseconds a unit.
    pub(crate) theirs: Sample,
    pub(crate) rounds: usize,
    /// How its work differs, if it does.
    pub(crate) note: String,
}

/// One job.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) job: &'static str,
    pub(crate) rows: Vec<Row>,
    /// What was found to agree before anything was timed.
    pub(crate) checks: String,
    pub(crate) notes: Vec<String>,
    pub(crate) peak_mib: Option<f64>,
}

impl Part {
    pub(crate) fn new(job: &'static str) -> Self {
        Self {
            job,
            rows: Vec::new(),
            checks: String::new(),
            notes: Vec::new(),
            peak_mib: None,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::to_json).collect();
        json!({
            "job": self.job,
            "rows": rows,
            "checks": self.checks,
            "notes": self.notes,
            "peak_mib": self.peak_mib,
            "cpu_clock": has_cpu_clock(),
        })
    }

    pub(crate) fn print(&self, title: &str) {
        println!("\n{}  {title}", self.job);
        for row in &self.rows {
            row.print();
        }
        if !self.checks.is_empty() {
            println!("    agrees: {}", self.checks);
        }
        if let Some(peak) = self.peak_mib {
            println!("    peak memory {peak:.0} MiB");
        }
        for note in &self.notes {
            println!("    note: {note}");
        }
    }
}

impl Row {
    fn to_json(&self) -> Value {
        let peers: Vec<Value> = self
            .peers
            .iter()
            .map(|peer| {
                json!({
                    "peer": peer.name,
                    "cpu_ns": peer.theirs.cpu,
                    "wall_ns": peer.theirs.wall,
                    "rounds": peer.rounds,
                    "ratio": self.ours.cpu / peer.theirs.cpu,
                    "note": peer.note,
                })
            })
            .collect();
        json!({
            "case": self.case,
            "unit": self.unit,
            "rounds": self.rounds,
            "cpu_ns": self.ours.cpu,
            "wall_ns": self.ours.wall,
            "goal_ns": self.goal,
            "peers": peers,
        })
    }

    fn print(&self) {
        let goal = self.goal.map_or(String::new(), |goal| {
            let word = if self.ours.cpu <= goal {
                "met"
            } else {
                "missed"
            };
            format!("goal {} {word}", time(goal))
        });
        println!(
            "  {:<26} {:>9}/{:<10} wall {:>9}   {goal}",
            self.case,
            time(self.ours.cpu),
            self.unit,
            time(self.ours.wall),
        );
        for peer in &self.peers {
            let note = match peer.note.as_str() {
                "" => String::new(),
                note => format!("   ({note})"),
            };
            println!(
                "    {:<24} {:>9}            wall {:>9}   ours/theirs {}{note}",
                peer.name,
                time(peer.theirs.cpu),
                time(peer.theirs.wall),
                number(self.ours.cpu / peer.theirs.cpu),
            );
        }
    }
}

/// Nanoseconds, or milliseconds of what takes that long.
fn time(nanoseconds: f64) -> String {
    if nanoseconds < 1e6 {
        format!("{} ns", number(nanoseconds))
    } else {
        format!("{} ms", number(nanoseconds / 1e6))
    }
}

/// Three digits that matter.
fn number(x: f64) -> String {
    let digits = match x.abs() {
        x if x >= 100.0 => 0,
        x if x >= 10.0 => 1,
        x if x >= 0.1 => 2,
        _ => 4,
    };
    format!("{x:.digits$}")
}
