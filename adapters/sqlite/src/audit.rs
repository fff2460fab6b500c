//! The whole journal, proven: pages, schema, checksums, chain, meaning, overview, snapshots, anchor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ballast_domain::kernel::{Line, Overview};
use ballast_ports::{Committed, Error, ErrorKind, Result};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::anchor::{self, Found};
use crate::chain::{self, Hash, hex};
use crate::overview_rows::{self, state_hash};
use crate::record::{UPCASTERS, decoded};
use crate::refusal::{STATE, damaged, unreadable_row};
use crate::schema::{self, Content};
use crate::walk::{Head, Seen, head_at, next, walk};

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
}

/// A commit that is no batch of records says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Note {
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
    pub(crate) fn text(&self) -> String {
        // Plain data with text keys: it always has a text.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Proves the journal in `folder` and changes nothing; somebody may be writing it meanwhile.
///
/// # Errors
/// `NotFound` when there is none; `InvalidData` at the first thing that is not as it was written,
/// naming it; `Unsupported` when another program's journal cannot be read by this one.
pub fn audit(folder: &Path) -> Result<Audit> {
    let (path, conn) = open(folder)?;
    let before = anchor::read(folder)?;
    let read = conn
        .unchecked_transaction()
        .map_err(|e| unreadable_row("schema", e))?;
    if schema::judge(&conn)? == Content::Empty {
        return Err(damaged("the journal holds nothing").context("path", path.display()));
    }
    schema::check_pages(&conn)?;
    let account = schema::account(&conn)?;
    let examined = examine(&conn, &account)?;
    let after = anchor::read(folder)?;
    examined.compare(&conn, &account, before, after)?;
    drop(read);
    Ok(examined.into_audit(account))
}

/// A connection that reads the journal in `folder`.
pub(crate) fn open(folder: &Path) -> Result<(std::path::PathBuf, Connection)> {
    let path = folder.join("journal.db");
    if !path.is_file() {
        let missing = Error::new(ErrorKind::NotFound, STATE, "there is no journal here")
            .context("path", path.display());
        return Err(if anchor::path(folder).exists() {
            missing.hint("its anchor is there, so it was lost: restore the newest backup")
        } else {
            missing.hint("name an account's folder, such as ballast-data/accounts/NAME")
        });
    }
    let conn = schema::open_reader(&path)?;
    Ok((path, conn))
}

/// What the rows of a journal say.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) head: Head,
    pub(crate) overview: Overview,
    pub(crate) state_hash: Hash,
    snapshot: Option<u64>,
}

/// Proves everything inside the database.
pub(crate) fn examine(conn: &Connection, account: &str) -> Result<Examined> {
    let mut overview = Overview::new();
    let mut changed: BTreeSet<Line> = BTreeSet::new();
    let mut snapshots: BTreeMap<u64, (u64, String)> = BTreeMap::new();

    let head = walk(conn, Head::root(account), &mut |seen| {
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
                if let Note::Snapshot { batch, blake3 } = note {
                    snapshots.insert(batch, (head.mark.number, blake3));
                }
            }
        }
        Ok(true)
    })?;
    let rows = overview_rows::expected(&overview);
    if overview_rows::stored(conn)? != rows {
        return Err(damaged(
            "the overview is not what a replay of the records gives",
        ));
    }
    Ok(Examined {
        head,
        state_hash: state_hash(&rows),
        overview,
        snapshot: proven_snapshots(conn, &snapshots)?,
    })
}

/// Every snapshot is the one its commit names; answers the newest.
fn proven_snapshots(
    conn: &Connection,
    noted: &BTreeMap<u64, (u64, String)>,
) -> Result<Option<u64>> {
    let failed = |e| unreadable_row("snapshots", e);
    let mut query = conn
        .prepare("SELECT batch, link, state FROM snapshots ORDER BY batch")
        .map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut newest = None;
    while let Some(row) = next(&mut rows, "snapshots")? {
        let (batch, link): (i64, i64) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let state: Vec<u8> = row.get(2).map_err(failed)?;
        let batch = batch.cast_unsigned();
        let hash = blake3::hash(&state).to_hex();
        if noted.get(&batch) != Some(&(link.cast_unsigned(), hash.to_string())) {
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
    pub(crate) fn compare(
        &self,
        conn: &Connection,
        account: &str,
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
            Ok(head_at(conn, account, number)?.map(|head| head.mark.hash))
        })
    }

    /// Whether nothing but its making was ever committed.
    pub(crate) const fn is_new(&self) -> bool {
        self.head.mark.number <= 1 && self.head.batch == 0
    }

    /// The last batch, as the kernel numbers it.
    pub(crate) fn committed(&self) -> Option<Committed> {
        (self.head.batch > 0).then_some(Committed {
            seq: self.head.batch,
            digest: self.head.digest,
        })
    }

    fn into_audit(self, account: String) -> Audit {
        Audit {
            account,
            commits: self.head.mark.number,
            batches: self.head.batch,
            records: self.head.record,
            epoch: self.head.epoch,
            head: self.committed(),
            head_hash: hex(&self.head.mark.hash),
            state_hash: chain::hex(&self.state_hash),
            overview: self.overview,
            snapshot: self.snapshot,
        }
    }
}
