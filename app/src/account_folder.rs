//! The folder of a traded account: what is in it, and what the trader says of itself.
//!
//! | file | whose | says |
//! |---|---|---|
//! | `journal.db`, `journal.anchor`, `journal.reserve`, `lock` | the journal's | everything that happened |
//! | `venue.log` | the paper venue's | what it was told |
//! | `audit.jsonl` | the trader's | what was signalled, wanted, refused, executed and overridden |
//! | `KILL` | anybody's | nothing may be sent |
//! | `trader.json` | the trader's | what it is doing; nobody decides by it |
//! | `starts.json` | the trader's | how often it began, and became active |
//! | `health.json` | the trader's | what the last look at its health found |
//! | `config.toml` | the trader's | the settings it was last started with |
//! | `tape/` | the trader's | everything its kernel was told, session by session |
//! | `incidents/` | the trader's | what it said when it died |

use std::fs;
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, Result};
use ballast_domain::time::Timestamp;
use ballast_system::{KillSwitch, write_atomic};
use serde::{Deserialize, Serialize};

use crate::config::TradeStage;
use crate::drivers::live::Stop;
use crate::health::HealthReport;

/// The home of a command that names none.
const DEFAULT_HOME: &str = "ballast-data";

/// The longest name of an account.
const LONGEST_NAME: usize = 64;

/// The folder of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFolder {
    name: String,
    path: PathBuf,
}

/// How often a trader began, and how often the account became active then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starts {
    /// Starts, refused ones too.
    pub begun: u64,
    /// Those after which journal and venue agreed and trading began.
    pub active: u64,
}

impl AccountFolder {
    /// The folder of the account `name` below `home`, there or not.
    ///
    /// # Errors
    /// `Configuration` for a name that is no plain folder name.
    pub fn new(home: &Path, name: &str) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !starts || name.len() > LONGEST_NAME || !name.chars().all(plain) {
            return Err(Error::config(format!("'{name}' is no name for an account"))
                .context("key", "trade.account")
                .hint("use letters, digits, '-', '_' and '.', beginning with a letter or digit"));
        }
        Ok(Self {
            name: name.to_owned(),
            path: home.join("accounts").join(name),
        })
    }

    /// A folder that was found.
    pub fn at(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self {
            name: name.into_owned(),
            path,
        }
    }

    /// The account's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account as an argument of a command typed where this program runs: its name, or its path
    /// when it is not below the default home.
    pub fn argument(&self) -> String {
        if self.home() == Path::new(DEFAULT_HOME) {
            return self.name.clone();
        }
        self.path.display().to_string()
    }

    /// The command that trades it on.
    pub fn trade_command(&self) -> String {
        let mut command = format!("ballast trade {}", self.config().display());
        if self.home() != Path::new(DEFAULT_HOME) {
            command.push_str(" --home ");
            command.push_str(&self.home().display().to_string());
        }
        command
    }

    /// The home it is below.
    pub fn home(&self) -> &Path {
        let accounts = self.path.parent().unwrap_or(Path::new("."));
        accounts.parent().unwrap_or(Path::new("."))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kill switch in it.
    pub fn kill_switch(&self) -> KillSwitch {
        KillSwitch::in_folder(&self.path)
    }

    /// The paper venue's memory.
    pub fn venue_log(&self) -> PathBuf {
        self.path.join("venue.log")
    }

    /// The tapes of its sessions.
    pub fn tapes(&self) -> PathBuf {
        self.path.join("tape")
    }

    /// The settings the account was last traded with.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// What the trader said of itself last; `None` when it never did, or it cannot be read.
    pub fn trader(&self) -> Option<TraderState> {
        let text = fs::read_to_string(self.path.join("trader.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Says what the trader is doing.
    ///
    /// # Errors
    /// As [`write_atomic`].
    pub fn put_trader(&self, state: &TraderState) -> ballast_ports::Result<()> {
        let mut text = serde_json::to_string_pretty(state).unwrap_or_default();
        text.push('\n');
        write_atomic(&self.path.join("trader.json"), text.as_bytes())
    }

    /// How often a trader began here, and became active.
    pub fn starts(&self) -> Starts {
        let text = fs::read_to_string(self.path.join("starts.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Counts a start. A count that cannot be kept stops nobody.
    pub(crate) fn count_start(&self, count: impl FnOnce(&mut Starts)) {
        let mut starts = self.starts();
        count(&mut starts);
        let text = serde_json::to_string(&starts).unwrap_or_default();
        if let Err(e) = write_atomic(&self.path.join("starts.json"), text.as_bytes()) {
            tracing::warn!(error = %e, "the start cannot be counted");
        }
    }

    /// Keeps what the last look at the trader's health found. What cannot be kept only goes unread.
    pub fn put_health(&self, report: &HealthReport) {
        let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
        text.push('\n');
        if let Err(e) = write_atomic(&self.path.join("health.json"), text.as_bytes()) {
            tracing::warn!(error = %e, "the file of the trader's health cannot be written");
        }
    }

    /// Whether a process holds the account's lock now.
    pub fn is_locked(&self) -> bool {
        // Opening makes nothing: a folder that nobody traded in stays as it is.
        let lock = fs::OpenOptions::new()
            .write(true)
            .open(self.path.join("lock"));
        let Ok(lock) = lock else { return false };
        match lock.try_lock() {
            Ok(()) => {
                let _ = lock.unlock();
                false
            }
            Err(_) => true,
        }
    }

    /// Writes down what a trader said when it died; the file, where it could be written.
    pub fn note_incident(&self, at: Timestamp, what: &str) -> Option<PathBuf> {
        let folder = self.path.join("incidents");
        fs::create_dir_all(&folder).ok()?;
        let name: String = at
            .to_string()
            .chars()
            .map(|c| if c == ':' { '-' } else { c })
            .collect();
        let file = folder.join(format!("{name}.txt"));
        write_atomic(&file, what.as_bytes()).ok()?;
        Some(file)
    }
}

/// What the trader is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraderPhase {
    /// Bringing journal and venue together.
    Starting,
    /// Trading.
    Trading,
    /// Ended.
    Stopped,
}

/// What the trader says of itself, for `status` and for people. Nobody decides by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraderState {
    /// Version of this shape.
    pub v: u32,
    /// The program and its version.
    pub program: String,
    /// Its process.
    pub pid: u32,
    /// Whether orders are real.
    pub stage: TradeStage,
    /// What it is doing.
    pub phase: TraderPhase,
    /// Why it ended.
    pub stop: Option<Stop>,
    /// In more words.
    pub why: Option<String>,
    /// How the process ended.
    pub exit_code: Option<u8>,
    /// When it was started, by the wall clock.
    pub started: Timestamp,
    /// When it wrote this, by the wall clock.
    pub updated: Timestamp,
    /// Trading time.
    pub trading_time: Timestamp,
    /// Bars shown so far, over all sessions.
    pub bars: usize,
    /// Bars there are.
    pub bars_in_all: usize,
    /// The next instant at which the strategy decides.
    pub next_slot: Option<Timestamp>,
    /// Instruments in which the last decision was not reached.
    pub residuals: usize,
    /// Equity in the base currency.
    pub equity: f64,
    /// The base currency.
    pub currency: String,
    /// Symbols in the order of their numbers, with the digits after the point of a quantity.
    pub symbols: Vec<(String, u8)>,
    /// Newest warnings and errors.
    pub alerts: Vec<String>,
}
