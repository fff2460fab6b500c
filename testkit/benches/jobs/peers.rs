//! Other libraries at the same work: one process a peer, asked for one run at a time.
//!
//! A process loads its data once, answers each line `CASE` with one line of JSON (the time of one
//! run), and ends when its input does. What does not answer in time is ended and named.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::job::{PeerPrograms, Plan};
use crate::measure::{Sample, median};
use crate::report::PeerRow;

/// How long a peer may take to start and load its data, and for one answer; compiling counts.
const PATIENCE: Duration = Duration::from_secs(150);

/// Rust crates that know J1.
const CRATES: [&str; 3] = ["kand", "ta", "yata"];

/// Which scripts know which job.
const SCRIPTS: [(&str, &str, &[&str]); 6] = [
    (
        "J1",
        "indicators.py",
        &["talib", "kand", "numba", "bottleneck", "polars", "pandas"],
    ),
    (
        "J2",
        "sma_cross.py",
        &[
            "numba",
            "raptorbt",
            "vectorbt",
            "hftbacktest",
            "backtesting",
            "backtrader",
            "nautilus",
        ],
    ),
    (
        "J3",
        "breakout_weights.py",
        &["numba", "numpy", "vectorbt", "bt"],
    ),
    ("J4", "sweep.py", &["numba", "raptorbt", "vectorbt"]),
    (
        "J5",
        "figures.py",
        &["numba", "numpy", "empyrical", "quantstats"],
    ),
    ("J6", "orders.py", &["hftbacktest"]),
];

/// A Python script that leaves what it compiles beside the data, not beside its source.
pub(crate) fn script_command(python: &Path, script: &Path, plan: &Plan) -> Command {
    let mut command = Command::new(python);
    command.args(["-B", "-W", "ignore"]).arg(script);
    command.env("NUMBA_CACHE_DIR", plan.data.join("compiled"));
    command
}

/// The running peers of one job.
pub(crate) struct Peers {
    all: Vec<Peer>,
}

struct Peer {
    name: String,
    /// The cases it has.
    cases: Vec<String>,
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// What it says when it fails.
    errors: Receiver<String>,
    samples: BTreeMap<String, (Vec<Sample>, String)>,
    /// Why it is asked no more.
    gone: Option<String>,
}

impl Peers {
    /// Starts every peer of `job`; without peers in the plan there are none. Those that do not
    /// start are named in `notes`.
    pub(crate) fn start(job: &str, plan: &Plan, notes: &mut Vec<String>) -> Self {
        let mut all = Vec::new();
        if let Some(PeerPrograms {
            python,
            scripts,
            crates,
        }) = &plan.peers
        {
            for name in CRATES.iter().filter(|_| job == "J1") {
                let mut command = Command::new(crates);
                command.arg(name).arg(&plan.data);
                all.extend(started(&format!("{name} (crate)"), command, notes));
            }
            for (_, script, names) in SCRIPTS.iter().filter(|(of, ..)| *of == job) {
                for name in *names {
                    let mut command = script_command(python, &scripts.join(script), plan);
                    command.arg(name).arg(&plan.data);
                    all.extend(started(name, command, notes));
                }
            }
        }
        Self { all }
    }

    /// One run of `case` by each peer that has it.
    pub(crate) fn round(&mut self, case: &str) {
        for peer in &mut self.all {
            if peer.gone.is_none() && peer.cases.iter().any(|c| c == case) {
                peer.run(case);
            }
        }
    }

    /// The medians of all rounds of `case`.
    pub(crate) fn take(&mut self, case: &str, notes: &mut Vec<String>) -> Vec<PeerRow> {
        let mut rows = Vec::new();
        for peer in &mut self.all {
            if let Some((samples, note)) = peer.samples.remove(case) {
                rows.push(PeerRow {
                    name: peer.name.clone(),
                    theirs: median(&samples),
                    rounds: samples.len(),
                    note,
                });
            }
            if let Some(why) = peer.gone.take() {
                notes.push(format!("{} stopped in {case}: {why}", peer.name));
                peer.cases.clear();
            }
        }
        rows.sort_by(|a, b| a.theirs.cpu.total_cmp(&b.theirs.cpu));
        rows
    }
}

/// A peer that runs, or a note why not.
fn started(name: &str, command: Command, notes: &mut Vec<String>) -> Option<Peer> {
    Peer::start(name, command)
        .map_err(|why| notes.push(format!("{name} cannot run here: {why}")))
        .ok()
}

impl Peer {
    fn start(name: &str, mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let input = child.stdin.take().expect("piped");
        let lines = lines_of(child.stdout.take().expect("piped"));
        let errors = lines_of(child.stderr.take().expect("piped"));
        let mut peer = Self {
            name: name.to_owned(),
            cases: Vec::new(),
            child,
            input,
            lines,
            errors,
            samples: BTreeMap::new(),
            gone: None,
        };
        match peer.answer() {
            Ok(ready) => {
                let version = ready["version"].as_str().unwrap_or("?");
                peer.name = format!("{name} {version}");
                let cases = ready["cases"].as_array().cloned().unwrap_or_default();
                let text = |case: &Value| case.as_str().map(str::to_owned);
                peer.cases = cases.iter().filter_map(text).collect();
                Ok(peer)
            }
            Err(why) => Err(why),
        }
    }

    fn run(&mut self, case: &str) {
        if let Err(e) = writeln!(self.input, "{case}") {
            self.gone = Some(e.to_string());
            return;
        }
        match self.answer() {
            Ok(answer) => {
                let of = |key: &str| answer[key].as_f64().unwrap_or(f64::NAN);
                let sample = Sample {
                    wall: of("wall_ns"),
                    cpu: of("cpu_ns"),
                };
                let note = answer["note"].as_str().unwrap_or_default().to_owned();
                let (samples, said) = self.samples.entry(case.to_owned()).or_default();
                samples.push(sample.per(of("n")));
                *said = note;
            }
            Err(why) => self.gone = Some(why),
        }
    }

    /// The next line that is JSON.
    fn answer(&mut self) -> Result<Value, String> {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Ok(value @ Value::Object(_)) = serde_json::from_str(&line) {
                        return Ok(value);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    return Err(format!("no answer in {} s", PATIENCE.as_secs()));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // Its last words; all of them, now that it ended.
                    let told = self.errors.iter().filter(|line| !line.is_empty()).last();
                    return Err(told.unwrap_or("it ended".to_owned()));
                }
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, read by a thread so that waiting for one can end.
fn lines_of(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
