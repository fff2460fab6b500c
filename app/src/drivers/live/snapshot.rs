//! Snapshots: what the records so far left behind, kept in the journal so that a start folds only what
//! came after.
//!
//! A snapshot is made of durable records and nothing else: it is folded from the journal, as a start
//! would. It replaces none of them. What is damaged, of another program or of other settings, or not of
//! this journal is named and left aside, and all records are folded.

use std::sync::Arc;
use std::time::Duration;

use ballast_domain::error::{Error as DomainError, Result as DomainResult};
use ballast_domain::kernel::{Kernel, ModeLine, Record, RecordedState, SendGate};
use ballast_domain::market::Fields;
use ballast_domain::orders::Cause;
use ballast_domain::portfolio::EntryKind;
use ballast_domain::strategy::{Decision, Requirements, Slot, State, Strategy, View};
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind, Journal, JournalRecord, Result, Snapshot, stream};
use serde::{Deserialize, Serialize};

use super::calls::Under;
use super::recovery::Recorded;
use super::session::Session;

/// Records after which a session keeps a snapshot; a start then has about so many to fold.
const EVERY: u64 = 2_000;
/// How long a stop waits for its snapshot.
const LAST_SNAPSHOT_WITHIN: Duration = Duration::from_secs(5);

/// The shape of what is kept, and how records are folded: raise it when either changes.
const VERSION: u32 = 2;

/// What the driver itself notes of records, beside the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    /// Whether the account's opening was booked.
    pub(super) opened: bool,
    /// The last slot that was used up.
    slot: Option<Timestamp>,
    /// The slot of the last memory of the strategy, which saw its bar and decided at it.
    pub(super) remembered: Option<Timestamp>,
    /// The mode of each scope that has a record.
    pub(super) modes: Vec<ModeLine>,
}

impl Noted {
    /// Takes the next record.
    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::Decision(r) => {
                if let Cause::Slot(time) = r.cause {
                    self.slot = Some(time);
                }
            }
            Record::Hold(r) => self.slot = Some(r.slot),
            Record::State(_) => self.remembered = self.slot,
            Record::Entry(r) if r.kind == EntryKind::Opening => self.opened = true,
            Record::Mode(r) => {
                let line = ModeLine {
                    scope: r.scope,
                    mode: r.mode,
                    time: r.time,
                    reason: r.reason.clone(),
                };
                match self.modes.iter_mut().find(|m| m.scope == r.scope) {
                    Some(known) => *known = line,
                    None => self.modes.push(line),
                }
            }
            _ => {}
        }
    }
}

/// What is kept, after a first line with the BLAKE3 of all the rest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    version: u32,
    program: String,
    /// Of which instruments and settings, as [`of`].
    of: String,
    /// The last record in it.
    pub(super) record: u64,
    /// BLAKE3 of the body of that record.
    body: String,
    pub(super) noted: Noted,
    pub(super) state: RecordedState,
}

/// Instruments and settings as one word: a state folded under others is another state.
pub(super) fn of<S: Strategy>(kernel: &Kernel<S>) -> String {
    hash(format!("{:?}{:?}", kernel.instruments(), kernel.settings()).as_bytes())
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

impl Kept {
    /// The newest snapshot, when it can be believed: `Err` says why it is left aside.
    pub(super) async fn newest(
        journal: &dyn Journal,
        of: &str,
        batches: u64,
    ) -> Result<std::result::Result<Option<Self>, String>> {
        let snapshot = match journal.snapshot().await {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => return Ok(Ok(None)),
            Err(e) if e.kind == ErrorKind::InvalidData => return Ok(Err(e.to_string())),
            Err(e) => return Err(e),
        };
        if snapshot.batch > batches {
            return Ok(Err("it is of a batch that the journal lacks".to_owned()));
        }
        let kept = match Self::read(&snapshot.state, of) {
            Ok(kept) => kept,
            Err(why) => return Ok(Err(why)),
        };
        // It is of this journal when its last record is.
        let last = stream::next(&mut journal.read_from(kept.record)).await;
        let is_here = last.transpose()?.is_some_and(|last| kept.ends_with(&last));
        Ok(if is_here {
            Ok(Some(kept))
        } else {
            Err("its last record is not in this journal".to_owned())
        })
    }

    fn read(state: &[u8], of: &str) -> std::result::Result<Self, String> {
        let text = std::str::from_utf8(state).unwrap_or_default();
        let (said, rest) = text.split_once('\n').unwrap_or_default();
        if said != hash(rest.as_bytes()) {
            return Err("its hash is not that of its state".to_owned());
        }
        let kept: Self = serde_json::from_str(rest).map_err(|e| e.to_string())?;
        if (kept.version, kept.program.as_str()) != (VERSION, env!("CARGO_PKG_VERSION")) {
            return Err(format!("it was kept by version {}", kept.program));
        }
        if kept.of != of {
            return Err("it was kept under other instruments or settings".to_owned());
        }
        Ok(kept)
    }

    fn ends_with(&self, record: &JournalRecord) -> bool {
        record.seq == self.record && hash(&record.body) == self.body
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let text = serde_json::to_string(self)
            .map_err(|e| Error::new(ErrorKind::Unexpected, "snapshot", e.to_string()))?;
        Ok(format!("{}\n{text}", hash(text.as_bytes())).into_bytes())
    }
}

/// Where a journal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Upto {
    /// The last durable batch.
    pub(super) batch: u64,
    /// Its last record.
    pub(super) record: u64,
}

/// Folds what is durable up to `upto` and keeps it, unless that is kept already.
async fn keep(journal: Arc<dyn Journal>, mut kernel: Kernel<Nobody>, upto: Upto) -> Result<()> {
    let of = of(&kernel);
    let recorded = Recorded::read(journal.as_ref(), &of, upto).await?;
    let Some(body) = recorded.last_body.as_deref().map(hash) else {
        return Ok(());
    };
    let folded = recorded.fold(&mut kernel).map_err(|e| {
        Error::new(ErrorKind::InvalidData, "snapshot", e.to_string())
            .hint("`ballast journal verify` names what is wrong with the records")
    })?;
    let kept = Kept {
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        of,
        record: upto.record,
        body,
        noted: folded.0,
        state: folded.1,
    };
    let snapshot = Snapshot {
        batch: upto.batch,
        state: kept.bytes()?,
    };
    journal.keep_snapshot(&snapshot).await
}

impl Session<'_> {
    /// Begins to keep a snapshot, where enough came since the last one. In a quiet session everything
    /// up to here is durable; trading goes on meanwhile.
    pub(super) fn keep_snapshot(&mut self) -> DomainResult<()> {
        if self.keeping.is_none() && self.upto.record >= self.kept + EVERY {
            self.keeping = Some(self.snapshot()?);
        }
        Ok(())
    }

    fn snapshot(&mut self) -> DomainResult<Under<Result<()>>> {
        let kernel = folder(&self.kernel)?;
        self.kept = self.upto.record;
        let journal = Arc::clone(self.calls.journal());
        Ok(Box::pin(keep(journal, kernel, self.upto)))
    }

    /// Keeps what the session left behind, for the next start. What fails here costs that start time
    /// and nothing else.
    pub(super) async fn keep_last_snapshot(&mut self) {
        if self.journal_failed || !self.calls.is_idle() || self.upto.record == self.kept {
            return;
        }
        let kept = match self.snapshot() {
            Ok(keeping) => tokio::time::timeout(LAST_SNAPSHOT_WITHIN, keeping)
                .await
                .map_err(|_| "the journal does not answer".to_owned())
                .and_then(|kept| kept.map_err(|e| e.to_string())),
            Err(e) => Err(e.to_string()),
        };
        if let Err(why) = kept {
            tracing::warn!(why, "no snapshot");
            self.note(format!(
                "no snapshot was kept, and the next start takes longer: {why}"
            ));
        }
    }
}

/// A kernel for folding alone: nobody decides in it.
fn folder<S: Strategy>(of: &Kernel<S>) -> DomainResult<Kernel<Nobody>> {
    let gate = Arc::new(SendGate::new(0));
    let (instruments, settings) = (of.instruments().clone(), of.settings().clone());
    Kernel::new(instruments, settings, Nobody, gate)
}

/// No strategy: its kernel is shown nothing.
#[derive(Clone, Copy, Debug)]
struct Nobody;

impl Strategy for Nobody {
    fn name(&self) -> &'static str {
        "nobody"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 0,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _: &View<'_>) {}

    fn decide(&mut self, _: Slot, _: &View<'_>) -> Decision {
        Decision::Hold("nobody decides".into())
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> DomainResult<()> {
        Err(DomainError::invariant("nobody has a memory"))
    }
}

#[cfg(test)]
mod tests;
