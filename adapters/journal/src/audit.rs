//! The whole journal, proven: checksums, chain, meaning, overview, snapshots, anchor.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::kernel::{Line, Overview};
use ballast_ports::{Committed, Result, Snapshot};
use serde::{Deserialize, Serialize};

use crate::anchor::{self, Found};
use crate::chain::{self, Hash, hex};
use crate::overview_rows::{self, state_hash};
use crate::record::{UPCASTERS, decoded};
use crate::refusal::damaged;
use crate::stored::{Stored, StoredSnapshot};
use crate::walk::{Head, Seen};

/// What a journal was found to be. All of it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Whose journal it is.
    pub account: String,
    /// Commits, each with a link of the chain.
    pub commits: u64,
    /// Batches.
    pub batches: u64,
    /// Records.
    pub records: u64,
    /// How often it was opened for writing.
    pub epoch: u64,
    /// The last batch.
    pub head: Option<Committed>,
    /// The newest link of the chain, hexadecimal: covers every record, and every commit before it.
    pub head_hash: String,
    /// The hash of the overview, hexadecimal: the same for every replay of the same records.
    pub state_hash: String,
    /// Where the account stands.
    pub overview: Overview,
    /// The batch of the newest snapshot.
    pub snapshot: Option<u64>,
    /// How often a person took the records as they are, oldest first.
    pub acceptances: Vec<Acceptance>,
}

/// A person took the records as they are although the anchor did not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The commit that says so.
    pub commit: u64,
    /// The last record before it; 0 before the first.
    pub record: u64,
    /// Why.
    pub reason: String,
}

/// A commit that is no batch of records says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// A program opened the journal for writing.
    Writer {
        /// Which.
        program: String,
    },
    /// The state of a kernel was kept.
    Snapshot {
        /// After which batch.
        batch: u64,
        /// BLAKE3 of its bytes, hexadecimal.
        blake3: String,
    },
    /// A person took the records as they are.
    Accepted {
        /// Why.
        reason: String,
    },
}

impl Note {
    /// The note of the commit that keeps `snapshot`.
    pub fn snapshot(snapshot: &Snapshot) -> Self {
        Self::Snapshot {
            batch: snapshot.batch,
            blake3: blake3::hash(&snapshot.state).to_hex().to_string(),
        }
    }

    /// The note of the first commit of an opening: why a person accepted, or which program writes.
    pub fn of_opening(program: &str, accept: Option<&str>) -> Self {
        match accept {
            Some(reason) => Self::Accepted {
                reason: reason.to_owned(),
            },
            None => Self::Writer {
                program: program.to_owned(),
            },
        }
    }

    /// As it is stored.
    pub fn text(&self) -> String {
        // Plain data with text keys: it always has a text.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What the rows of a journal say.
#[derive(Debug)]
pub struct Examined {
    /// The newest commit.
    pub head: Head,
    /// Where the account stands.
    pub overview: Overview,
    /// The hash of the overview.
    pub state_hash: Hash,
    /// How often a person took the records as they are, oldest first.
    pub acceptances: Vec<Acceptance>,
    snapshot: Option<u64>,
}

/// Proves everything inside the database.
///
/// # Errors
/// `InvalidData` at the first thing that is not as it was written, naming it; `Unsupported` for
/// records of a newer program.
pub fn examine(stored: &dyn Stored) -> Result<Examined> {
    let mut overview = Overview::new();
    let mut changed: BTreeSet<Line> = BTreeSet::new();
    let mut snapshots: BTreeMap<u64, (u64, String)> = BTreeMap::new();
    let mut acceptances = Vec::new();

    let head = stored.walk(Head::root(stored.account()), &mut |seen| {
        match seen {
            Seen::Record(stored) => {
                let record = decoded(stored.kind, stored.body, UPCASTERS)
                    .map_err(|e| e.context("record", stored.seq))?;
                let once = record.once().map(|once| once.to_string());
                if once.as_deref() != stored.once {
                    return Err(damaged("what may be recorded once is noted wrongly")
                        .context("record", stored.seq));
                }
                overview.take(&record, &mut changed);
                changed.clear();
            }
            Seen::Link { note: "", .. } => {}
            Seen::Link { head, note } => {
                let note = serde_json::from_str(note).map_err(|e| {
                    damaged("a commit has a note that cannot be read")
                        .context("commit", head.mark.number)
                        .caused_by(e)
                })?;
                match note {
                    Note::Snapshot { batch, blake3 } => {
                        snapshots.insert(batch, (head.mark.number, blake3));
                    }
                    Note::Accepted { reason } => acceptances.push(Acceptance {
                        commit: head.mark.number,
                        record: head.record,
                        reason,
                    }),
                    Note::Writer { .. } => {}
                }
            }
        }
        Ok(true)
    })?;
    let rows = overview_rows::expected(&overview);
    if stored.overview()? != rows {
        return Err(damaged(
            "the overview is not what a replay of the records gives",
        ));
    }
    Ok(Examined {
        head,
        state_hash: state_hash(&rows),
        overview,
        acceptances,
        snapshot: proven_snapshots(&stored.snapshots()?, &snapshots)?,
    })
}

/// Every snapshot is the one its commit names; answers the newest.
fn proven_snapshots(
    kept: &[StoredSnapshot],
    noted: &BTreeMap<u64, (u64, String)>,
) -> Result<Option<u64>> {
    let mut newest = None;
    for StoredSnapshot { link, snapshot } in kept {
        let batch = snapshot.batch;
        let hash = blake3::hash(&snapshot.state).to_hex().to_string();
        if noted.get(&batch) != Some(&(*link, hash)) {
            return Err(damaged("a snapshot is not the one that was kept").context("batch", batch));
        }
        newest = Some(batch);
    }
    if newest != noted.keys().next_back().copied() {
        return Err(damaged("the newest snapshot is missing"));
    }
    Ok(newest)
}

impl Examined {
    /// Compares the head with the anchor.
    ///
    /// # Errors
    /// As [`anchor::compare`]; `InvalidData` when the anchor is gone.
    pub fn compare(
        &self,
        stored: &dyn Stored,
        before: Option<Found>,
        after: Option<Found>,
    ) -> Result<()> {
        let (Some(before), Some(after)) = (before, after) else {
            // A journal that was being made when its program ended has no anchor yet.
            return if self.is_new() {
                Ok(())
            } else {
                Err(damaged("the anchor of the journal is gone").hint(
                    "put its journal.anchor back; or, if the records and the venue's account \
                     agree, take the records as they are with `ballast journal accept FOLDER \
                     --reason WHY`",
                ))
            };
        };
        anchor::compare(before, after, self.head.mark, &mut |number| {
            Ok(stored.head_at(number)?.map(|head| head.mark.hash))
        })
    }

    /// Whether nothing but its making was ever committed.
    pub const fn is_new(&self) -> bool {
        self.head.mark.number <= 1 && self.head.batch == 0
    }

    /// What was found, for people.
    pub fn into_audit(self, account: String) -> Audit {
        Audit {
            account,
            commits: self.head.mark.number,
            batches: self.head.batch,
            records: self.head.record,
            epoch: self.head.epoch,
            head: self.head.committed(),
            head_hash: hex(&self.head.mark.hash),
            state_hash: chain::hex(&self.state_hash),
            overview: self.overview,
            snapshot: self.snapshot,
            acceptances: self.acceptances,
        }
    }
}
