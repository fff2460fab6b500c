//! What a job is: cases that are measured side by side with the same work by others.

use std::path::PathBuf;

use crate::measure::{Sample, median, peak_mib, timed};
use crate::peers::Peers;
use crate::report::{Part, Row};

/// What runs the same work by other libraries.
#[derive(Clone, Debug)]
pub(crate) struct PeerPrograms {
    /// The interpreter with their packages.
    pub(crate) python: PathBuf,
    /// The folder of the scripts for it.
    pub(crate) scripts: PathBuf,
    /// The program that other Rust crates are linked into.
    pub(crate) crates: PathBuf,
}

/// How thorough a run is, and against whom.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Small data and one round: does it run and agree?
    pub(crate) quick: bool,
    pub(crate) peers: Option<PeerPrograms>,
    /// Where generated data is written for the peers.
    pub(crate) data: PathBuf,
    /// The program itself, for the cold start.
    pub(crate) program: Option<PathBuf>,
}

impl Plan {
    /// `full`, or `quick` of a quick run.
    pub(crate) fn size(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// Beside peers fewer: some of them take minutes.
    pub(crate) fn rounds(&self) -> usize {
        self.size(if self.peers.is_some() { 3 } else { 7 }, 1)
    }
}

/// Every job of the set, with what it measures.
pub(crate) const JOBS: [(&str, &str); 8] = [
    ("J1", "indicators over one series, an output array each"),
    (
        "J2",
        "SMA cross 10/50 through the kernel, every order on the full path",
    ),
    (
        "J3",
        "breakout and inverse volatility over 500 symbols, rebalanced daily",
    ),
    ("J4", "a sweep of SMA pairs through the kernel"),
    ("J5", "six risk figures of many return series"),
    (
        "J6",
        "one market order, from decision to fill, as orders grow in number",
    ),
    ("J7", "process start to a finished backtest of 1,000 bars"),
    (
        "J8",
        "live path on loopback: event decoded to bytes on the wire",
    ),
];

/// One thing to measure: how often a sample repeats it, and what it did.
pub(crate) struct Case<'a> {
    pub(crate) name: &'static str,
    /// What `n` counts.
    pub(crate) unit: &'static str,
    /// Units of work in one call of `work`.
    pub(crate) n: f64,
    /// Calls in one sample, so that a sample is long enough for the clock.
    pub(crate) repeats: usize,
    /// At most this many nanoseconds a unit on the machine the goal was set on.
    pub(crate) goal: Option<f64>,
    pub(crate) work: Box<dyn FnMut() + 'a>,
}

/// Measures `cases` in turn with the peers of `job`: in each round ours first, then each of theirs.
pub(crate) fn measure(job: &'static str, plan: &Plan, cases: Vec<Case<'_>>) -> Part {
    let mut part = Part::new(job);
    let mut peers = Peers::start(job, plan, &mut part.notes);
    for mut case in cases {
        let mut ours = Vec::new();
        let rounds = plan.rounds();
        let repeats = if plan.quick { 1 } else { case.repeats };
        // Not counted, as with the peers: memory that is touched for the first time.
        (case.work)();
        for _ in 0..rounds {
            let ((), sample) = timed(|| (0..repeats).for_each(|_| (case.work)()));
            ours.push(sample.per(case.n * repeats as f64));
            peers.round(case.name);
        }
        part.rows.push(Row {
            case: case.name.to_owned(),
            unit: case.unit.to_owned(),
            rounds,
            ours: median(&ours),
            goal: case.goal,
            peers: peers.take(case.name, &mut part.notes),
        });
    }
    part.peak_mib = peak_mib();
    part
}

/// One sample of one call.
pub(crate) fn once(n: f64, work: impl FnOnce()) -> Sample {
    timed(work).1.per(n)
}
