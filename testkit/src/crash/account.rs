//! An account that is traded by a program which is killed: its folder, its sessions, its end.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::aim::Aim;
use super::evidence::Evidence;
use super::processes::VenueProcess;
use crate::builders::SplitMix64;

/// The longest a session may take until its aim is reached.
const PATIENCE: Duration = Duration::from_secs(20);
/// Instruments that are traded.
const SYMBOLS: [&str; 4] = ["A", "B", "C", "D"];
/// Days of their history: more than any account lives.
const DAYS: i64 = 1_500;
/// How long the venue takes over an answer: what a kill between the two can hit.
const ANSWER_MS: u64 = 3;

/// Sleeps shorter than this end too late: the system wakes a sleeper when it likes.
const TOO_SHORT_TO_SLEEP: Duration = Duration::from_millis(2);

/// The two programs.
#[derive(Clone, Debug)]
pub struct Places {
    /// `ballast`, built with the feature `sandbox`.
    pub program: PathBuf,
    /// `sandbox-venue`.
    pub venue: PathBuf,
}

/// An account and its venue.
#[derive(Debug)]
pub struct Account {
    places: Places,
    folder: PathBuf,
    venue: VenueProcess,
    /// Orders whose answer has left the venue.
    answered: BTreeSet<String>,
    /// The newest export.
    exported: Vec<String>,
    told: usize,
}

/// A session that is over.
#[derive(Debug)]
pub struct Session {
    /// How the program ended, when it was not killed.
    pub ended: Option<ExitStatus>,
    /// From its start until its market went on, if it did.
    pub recovery: Option<Duration>,
}

impl Account {
    /// A new account in `folder`, with a market from `seed`.
    ///
    /// # Errors
    /// The folder cannot be written or the venue does not start.
    pub fn new(places: &Places, folder: &Path, seed: u64) -> Result<Self, String> {
        let words = |e: std::io::Error| format!("{}: {e}", folder.display());
        fs::create_dir_all(folder).map_err(words)?;
        let ledger = folder.join("ledger.jsonl");
        let venue = VenueProcess::start(&places.venue, &ledger, None, ANSWER_MS)?;
        fs::write(folder.join("market.csv"), market(seed)).map_err(words)?;
        fs::write(folder.join("trade.toml"), config(venue.address())).map_err(words)?;
        Ok(Self {
            places: places.clone(),
            folder: folder.to_owned(),
            venue,
            answered: BTreeSet::new(),
            exported: Vec::new(),
            told: 0,
        })
    }

    fn journal(&self) -> PathBuf {
        self.folder.join("home/accounts/crash")
    }

    fn start(&self, arguments: &[&str], stdout: Stdio) -> Result<Child, String> {
        let complaints = fs::File::create(self.folder.join("stderr.txt"));
        let complaints = complaints.map_err(|e| format!("stderr.txt: {e}"))?;
        Command::new(&self.places.program)
            .arg("trade")
            .arg(self.folder.join("trade.toml"))
            .arg("--home")
            .arg(self.folder.join("home"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(complaints)
            .spawn()
            .map_err(|e| format!("{}: {e}", self.places.program.display()))
    }

    /// What the program said last.
    pub fn complaints(&self) -> String {
        fs::read_to_string(self.folder.join("stderr.txt")).unwrap_or_default()
    }

    /// Trades until `aim` and kills the program there; its journal's disk is so much slower.
    ///
    /// # Errors
    /// The program cannot be started, or reaches neither its aim nor its end.
    pub fn trade_and_kill(&mut self, aim: Aim, journal_delay_ms: u64) -> Result<Session, String> {
        while self.heard().is_some() {}
        let delay = journal_delay_ms.to_string();
        let arguments = ["--quiet", "--journal-delay-ms", &delay];
        let mut program = self.start(&arguments, Stdio::null())?;
        let session = self.wait_for(aim, &mut program);
        // An instant too late is as good as any: it may have ended.
        let _ = program.kill();
        let status = program.wait().map_err(|e| format!("the program: {e}"))?;
        let mut session = session?;
        if status.code().is_some() {
            session.ended = Some(status);
        }
        // What was in the wires reaches the venue.
        std::thread::sleep(Duration::from_millis(4 + ANSWER_MS));
        while self.heard().is_some() {}
        Ok(session)
    }

    /// The next line of the venue, if there is one.
    fn heard(&mut self) -> Option<String> {
        match self.venue.lines().try_recv() {
            Ok(line) => Some(self.note(line)),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    fn note(&mut self, line: String) -> String {
        if let Some(id) = line.strip_prefix("answered ") {
            self.answered.insert(id.to_owned());
        }
        line
    }

    fn wait_for(&mut self, aim: Aim, program: &mut Child) -> Result<Session, String> {
        let begun = Instant::now();
        let wal = self.journal().join("journal.db-wal");
        // After a checkpoint the file is written from its beginning again: its size stays.
        let written = || fs::metadata(&wal).and_then(|m| m.modified()).ok();
        let mut session = Session {
            ended: None,
            recovery: None,
        };
        let (mut said, mut writes, mut known) = (0, 0, None);
        while begun.elapsed() < PATIENCE {
            if let Aim::At(after) = aim
                && begun.elapsed() >= after
            {
                return Ok(session);
            }
            let wait = match aim {
                Aim::At(after) => after.saturating_sub(begun.elapsed()),
                Aim::Write(..) => Duration::from_micros(50),
                Aim::Said(..) => Duration::from_millis(20),
            };
            match self.venue.lines().recv_timeout(wait) {
                Ok(line) => {
                    let line = self.note(line);
                    if session.recovery.is_none() && is_stage(&line) {
                        session.recovery = Some(begun.elapsed());
                        known = written();
                    }
                    if let Aim::Said(word, n, soon) = aim
                        && line.starts_with(word)
                    {
                        said += 1;
                        if said == n {
                            linger(soon);
                            return Ok(session);
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err("the venue died".to_owned()),
            }
            if let Aim::Write(n, soon) = aim
                && session.recovery.is_some()
                && written() != known
            {
                known = written();
                writes += 1;
                if writes == n {
                    linger(soon);
                    return Ok(session);
                }
            }
            if program.try_wait().is_ok_and(|status| status.is_some()) {
                return Ok(session);
            }
        }
        Err(format!("{aim:?} was not reached in {PATIENCE:?}"))
    }

    /// Kills the venue and starts it again on its ledger, where it was.
    ///
    /// # Errors
    /// It does not come back.
    pub fn restart_venue(&mut self) -> Result<(), String> {
        let address = self.venue.address().to_owned();
        let ledger = self.folder.join("ledger.jsonl");
        // The old one goes before the new one can have its address.
        let nowhere = self.folder.join("nowhere.jsonl");
        self.venue = VenueProcess::start(&self.places.venue, &nowhere, None, 0)?;
        self.venue = VenueProcess::start(&self.places.venue, &ledger, Some(&address), ANSWER_MS)?;
        Ok(())
    }

    /// Exports the journal with the program's own command and reads the ledger.
    ///
    /// # Errors
    /// A journal that had records cannot be exported.
    pub fn evidence(&mut self) -> Result<(Evidence, Vec<String>), String> {
        let out = self.folder.join("export.jsonl");
        let _ = fs::remove_file(&out);
        let exported = Command::new(&self.places.program)
            .args(["journal", "export"])
            .arg(self.journal())
            .arg("--out")
            .arg(&out)
            .arg("--home")
            .arg(self.folder.join("home"))
            .output()
            .map_err(|e| format!("{}: {e}", self.places.program.display()))?;
        if !exported.status.success() && !self.exported.is_empty() {
            let words = String::from_utf8_lossy(&exported.stderr).into_owned();
            return Err(format!(
                "a journal with records cannot be exported: {words}"
            ));
        }
        let export = fs::read_to_string(&out).unwrap_or_default();
        let ledger = fs::read_to_string(self.folder.join("ledger.jsonl"));
        let ledger = ledger.map_err(|e| format!("the ledger: {e}"))?;
        let evidence = Evidence::read(&export, &ledger, self.answered.clone())?;
        let violations = evidence.violations(&self.exported);
        self.exported.clone_from(&evidence.lines);
        Ok((evidence, violations))
    }

    /// How many lines the ledger had when the last session began.
    pub const fn told(&self) -> usize {
        self.told
    }

    /// The next session begins after this.
    pub const fn begin_after(&mut self, evidence: &Evidence) {
        self.told = evidence.told();
    }

    /// Trades one slot without a kill, and compares all books: each line is a violation.
    ///
    /// # Errors
    /// The program or the venue cannot be asked.
    pub fn settle(&mut self) -> Result<Vec<String>, String> {
        let program = self.start(&["--once", "--json"], Stdio::piped())?;
        let output = program.wait_with_output().map_err(|e| e.to_string())?;
        let mut found = Vec::new();
        if !matches!(output.status.code(), Some(0 | 7)) {
            let (status, words) = (output.status, self.complaints());
            found.push(format!("the last session ended with {status}: {words}"));
        }
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        for (what, is) in [
            ("unknown", &said["unknown"]),
            ("disputes", &said["disputes"]),
        ] {
            if *is != 0 {
                found.push(format!("{what} at the end: {is}"));
            }
        }
        let (evidence, violations) = self.evidence()?;
        found.extend(violations);
        found.extend(evidence.unsettled());
        let account = ask(
            self.venue.address(),
            "/account?since=1970-01-01T00:00:00Z&now=1970-01-01T00:00:00Z",
        )?;
        found.extend(compare(&evidence, &account, &said));
        Ok(found)
    }
}

/// Waits `soon`, and not much longer, however little that is.
fn linger(soon: Duration) {
    let begun = Instant::now();
    if let Some(long) = soon.checked_sub(TOO_SHORT_TO_SLEEP) {
        std::thread::sleep(long);
    }
    while begun.elapsed() < soon {
        std::hint::spin_loop();
    }
}

/// Whether the venue says that its market went on.
fn is_stage(line: &str) -> bool {
    let word = line.split(' ').next().unwrap_or_default();
    !matches!(word, "order" | "answered" | "facts")
}

/// Journal, venue and the program's own last word.
fn compare(evidence: &Evidence, account: &Value, said: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let theirs: Vec<&Value> = account["fills"].as_array().into_iter().flatten().collect();
    let mut ours = evidence.booked();
    for fill in &theirs {
        match ours.iter().position(|booked| booked == *fill) {
            Some(at) => {
                ours.swap_remove(at);
            }
            None => found.push(format!("an execution is not booked as it happened: {fill}")),
        }
    }
    found.extend(
        ours.iter()
            .map(|fill| format!("booked and never executed: {fill}")),
    );
    let held: Vec<(u64, i64)> = evidence.positions().into_iter().collect();
    let shown: Vec<(u64, i64)> =
        serde_json::from_value(account["positions"].clone()).unwrap_or_default();
    if held != shown {
        found.push(format!(
            "positions: {held:?} by the journal, {shown:?} at the venue"
        ));
    }
    let scale = 10_f64.powi(evidence.cash_scale().into());
    let theirs = account["cash"][0][1].as_f64().unwrap_or(f64::NAN) / scale;
    let ours = said["cash"].as_f64().unwrap_or(f64::NAN);
    // Not a number is a difference.
    let close = (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0);
    if !close {
        found.push(format!(
            "cash: {ours} by the program, {theirs} at the venue"
        ));
    }
    found
}

/// Asks the venue.
fn ask(address: &str, path: &str) -> Result<Value, String> {
    let words = |e: std::io::Error| format!("{address}: {e}");
    let mut stream = TcpStream::connect(address).map_err(words)?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(words)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(words)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).map_err(|e| format!("{path}: {e} in {answer}"))
}

/// Days of prices that move enough to trade at every one of them.
fn market(seed: u64) -> String {
    let mut random = SplitMix64::new(seed);
    let mut prices = [100.0_f64; SYMBOLS.len()];
    let mut text = "date,symbol,open,high,low,close,volume\n".to_owned();
    let first = chrono_day(0);
    debug_assert_eq!(first, "2020-01-01");
    for day in 0..DAYS {
        let date = chrono_day(day);
        for (symbol, price) in SYMBOLS.iter().zip(&mut prices) {
            let open = *price * (1.0 + 0.01 * random.symmetric());
            let close = (open * (1.0 + 0.03 * random.symmetric())).clamp(20.0, 500.0);
            let (high, low) = (open.max(close) * 1.01, open.min(close) * 0.99);
            text += &format!("{date},{symbol},{open:.2},{high:.2},{low:.2},{close:.2},1000000\n");
            *price = close;
        }
    }
    text
}

/// The date so many days after the first of 2020.
fn chrono_day(days: i64) -> String {
    let first = ballast_domain::time::Timestamp::EPOCH
        + ballast_domain::time::Span::from_days(18_262 + days);
    first.date().to_string()
}

fn config(address: &str) -> String {
    format!(
        r#"[run]
name = "crash"

[data]
source = "market.csv"
calendar = "utc_24x7"

[strategy]
name = "periodic_weights"
schedule = "every_bar"

[strategy.parameters]
method = "inverse_vol"
lookback = 3
every = 1

[rebalance]
threshold = 0.001

[risk]
max_order_notional = "unlimited"
max_position_notional = "unlimited"

[trade]
account = "crash"
venue = "sandbox"
address = "http://{address}"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_wait_is_no_sleep() {
        let begun = Instant::now();
        linger(Duration::from_micros(50));
        assert!(begun.elapsed() >= Duration::from_micros(50));
    }
}
