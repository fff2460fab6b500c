//! `journal verify|export|backup|restore|accept`: the record of an account, proven.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, Result};
use ballast_domain::kernel::{LastDecision, Line, OpenOrder, Session};
use ballast_domain::orders::ClientOrderId;
use ballast_domain::time::Timestamp;
use ballast_journal::Audit;
use serde::Serialize;

use crate::audit_log::{self, AuditProof};
use crate::drivers::RunError;
use crate::exit::Failure;
use crate::wiring::journal;

/// What a journal holds, all of it proven.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verified {
    /// The account's folder.
    pub folder: String,
    /// Whose journal it is.
    pub account: String,
    /// Commits, each a link of the hash chain.
    pub commits: u64,
    /// Batches.
    pub batches: u64,
    /// Records.
    pub records: u64,
    /// How often it was opened for writing.
    pub epoch: u64,
    /// BLAKE3 of the newest link: covers every byte of every record.
    pub head_hash: String,
    /// BLAKE3 of the state that a full replay of the records gives.
    pub state_hash: String,
    /// The batch of the newest snapshot.
    pub snapshot: Option<u64>,
    /// The last decision.
    pub last_decision: Option<LastDecision>,
    /// The session with the venue, by its last record.
    pub session: Option<Session>,
    /// Modes that were set.
    pub modes: Vec<ModeSet>,
    /// What is held, in units on each instrument's scale.
    pub positions: Vec<Held>,
    /// Instruments whose position is disputed.
    pub disputes: Vec<Disputed>,
    /// Orders that may still change a position.
    pub open_orders: Vec<Open>,
    /// The audit log, every line of it compared with the records; none beside a copy of a journal.
    pub audit_log: Option<AuditProof>,
}

/// A mode that was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModeSet {
    /// Where: global, account, strategy, or an instrument's number.
    pub scope: String,
    /// Which.
    pub mode: &'static str,
    /// Since when.
    pub time: Timestamp,
    /// Why.
    pub reason: String,
}

/// A position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The instrument's number in the account.
    pub instrument: u32,
    /// Units on its scale, signed.
    pub quantity: i64,
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disputed {
    /// The instrument's number in the account.
    pub instrument: u32,
    /// What our records say.
    pub ours: i64,
    /// What the venue says.
    pub theirs: i64,
}

/// An open order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open {
    /// The id the venue sees.
    pub client_id: ClientOrderId,
    /// What is known of it.
    #[serde(flatten)]
    pub order: OpenOrder,
}

impl Verified {
    fn new(folder: &Path, audit: Audit, audit_log: Option<AuditProof>) -> Self {
        let overview = &audit.overview;
        Self {
            audit_log,
            folder: folder.display().to_string(),
            commits: audit.commits,
            batches: audit.batches,
            records: audit.records,
            epoch: audit.epoch,
            head_hash: audit.head_hash,
            state_hash: audit.state_hash,
            snapshot: audit.snapshot,
            last_decision: overview.decision(),
            session: overview.session(),
            modes: overview
                .modes()
                .map(|line| ModeSet {
                    scope: Line::Mode(line.scope).name().1,
                    mode: line.mode.name(),
                    time: line.time,
                    reason: line.reason.clone(),
                })
                .collect(),
            positions: overview
                .positions()
                .map(|(id, quantity)| Held {
                    instrument: id.0,
                    quantity: quantity.units(),
                })
                .collect(),
            disputes: overview
                .disputes()
                .map(|(id, ours, theirs)| Disputed {
                    instrument: id.0,
                    ours: ours.units(),
                    theirs: theirs.units(),
                })
                .collect(),
            open_orders: overview
                .orders()
                .map(|(client_id, order)| Open {
                    client_id,
                    order: *order,
                })
                .collect(),
            account: audit.account,
        }
    }
}

/// What was written, and from what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The file or folder.
    pub to: String,
    /// Whose journal it is.
    pub account: String,
    /// Records in it.
    pub records: u64,
    /// BLAKE3 of the newest link.
    pub head_hash: String,
    /// BLAKE3 of the state.
    pub state_hash: String,
}

impl Written {
    fn new(to: &Path, audit: Audit) -> Self {
        Self {
            to: to.display().to_string(),
            account: audit.account,
            records: audit.records,
            head_hash: audit.head_hash,
            state_hash: audit.state_hash,
        }
    }
}

/// The folder of an account: a path to one, a name below `HOME/accounts`, or the only one there is.
///
/// # Errors
/// `Configuration` when nothing was named and there is not exactly one.
pub fn folder_of(home: &Path, account: Option<&Path>) -> Result<PathBuf> {
    let accounts = home.join("accounts");
    if let Some(account) = account {
        let below = accounts.join(account);
        let is_path = journal::has_journal(account) || !below.exists();
        return Ok(if is_path { account.to_owned() } else { below });
    }
    let mut names: Vec<PathBuf> = fs::read_dir(&accounts)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    names.retain(|path| path.is_dir());
    names.sort();
    if names.len() == 1 {
        return Ok(names.remove(0));
    }
    let names: Vec<_> = names
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    let hint = if names.is_empty() {
        "name a folder with a journal.db in it".to_owned()
    } else {
        format!("name one of: {}", names.join(", "))
    };
    Err(
        Error::config(format!("which account? there are {} here", names.len()))
            .context("path", accounts.display())
            .hint(hint),
    )
}

fn refused(error: ballast_ports::Error) -> Failure {
    RunError::Port(error).into()
}

/// Proves every byte of a journal and of the audit log beside it, and changes none.
///
/// # Errors
/// `StateRefused` at the first thing that is not as it was written.
pub fn verify(folder: &Path) -> std::result::Result<Verified, Failure> {
    let (audit, audit_log) = audit_log::prove(folder).map_err(refused)?;
    Ok(Verified::new(folder, audit, audit_log))
}

/// Writes the records as JSON lines to `file`, which appears when all of them are in it.
///
/// # Errors
/// As [`verify`]; `Usage` when the file cannot be written.
pub fn export(folder: &Path, file: &Path) -> std::result::Result<Written, Failure> {
    let unwritable = |e: std::io::Error| {
        Error::config("the file cannot be written")
            .context("path", file.display())
            .context("cause", e)
            .hint("name a file in a folder that exists and may be written")
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let partial = file.with_file_name(format!(".{name}.tmp"));
    let mut out = BufWriter::new(File::create(&partial).map_err(unwritable)?);
    let written = journal::export(folder, &mut out);
    let done = written.map_err(refused).and_then(|audit| {
        out.flush()
            .and_then(|()| out.get_ref().sync_all())
            .and_then(|()| fs::rename(&partial, file))
            .map_err(unwritable)?;
        Ok(audit)
    });
    if done.is_err() {
        // What is in it is not the journal.
        let _ = fs::remove_file(&partial);
    }
    Ok(Written::new(file, done?))
}

/// Copies a journal, also one that is being written, into a new folder and proves the copy.
///
/// # Errors
/// As [`verify`]; `StateRefused` when a journal is there already.
pub fn backup(folder: &Path, to: &Path) -> std::result::Result<Written, Failure> {
    journal::check_copied_here(folder).map_err(refused)?;
    let made = ballast_sqlite::backup(folder, to).map_err(refused)?;
    Ok(Written::new(to, made.audit))
}

/// Makes an account's journal from a backup and proves both.
///
/// # Errors
/// As [`backup`].
pub fn restore(backup: &Path, folder: &Path) -> std::result::Result<Written, Failure> {
    let audit = ballast_sqlite::restore(backup, folder).map_err(refused)?;
    Ok(Written::new(folder, audit))
}

/// Takes the records as they are although the anchor does not agree; the reason is recorded.
///
/// # Errors
/// As [`verify`], but for the anchor; `Usage` without a reason.
pub fn accept(folder: &Path, reason: &str) -> std::result::Result<Verified, Failure> {
    if reason.trim().is_empty() {
        return Err(Error::config("an acceptance needs a reason")
            .hint("say what was compared with what; it is recorded for ever")
            .into());
    }
    let program = concat!("ballast ", env!("CARGO_PKG_VERSION"));
    let audit = journal::accept(folder, program, reason).map_err(refused)?;
    Ok(Verified::new(folder, audit, None))
}
