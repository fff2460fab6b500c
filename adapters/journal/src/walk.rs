//! The records in the order they were written, each proven by checksum and chain.

use ballast_ports::{Committed, Result};

use crate::anchor::Mark;
use crate::chain::{self, CHECKSUM, Hash, LinkHasher};
use crate::refusal::damaged;

/// The journal up to and with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number and hash of the commit; 0 and the root before the first.
    pub mark: Mark,
    /// Who wrote it.
    pub epoch: u64,
    /// The last batch; 0 before the first.
    pub batch: u64,
    /// The digest of the last batch.
    pub digest: u64,
    /// The last record; 0 before the first.
    pub record: u64,
}

impl Head {
    /// Of an empty journal.
    pub fn root(account: &str) -> Self {
        Self {
            mark: Mark {
                number: 0,
                hash: chain::root(account),
            },
            epoch: 0,
            batch: 0,
            digest: 0,
            record: 0,
        }
    }
}

/// What a walk meets. A record is proven when the link after it has come.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// A record, its checksum holds.
    Record(StoredRecord<'a>),
    /// The end of a commit: all before it is proven.
    Link {
        /// The journal up to and with it.
        head: Head,
        /// What it says of itself; empty for one of records.
        note: &'a str,
    },
}

/// A record as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct StoredRecord<'a> {
    /// Its number.
    pub seq: u64,
    /// The number of its batch.
    pub batch: u64,
    /// The name of its shape.
    pub kind: &'a str,
    /// Its canonical bytes.
    pub body: &'a [u8],
    /// The beginning of its hash.
    pub checksum: &'a [u8],
    /// What may be recorded once, if it says such a thing.
    pub once: Option<&'a str>,
}

/// A commit as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// Its number.
    pub number: u64,
    /// Who wrote it.
    pub epoch: u64,
    /// What it says of itself; empty for one of records.
    pub note: String,
    /// The last batch in it or before it.
    pub last_batch: u64,
    /// The last record in it or before it.
    pub last_record: u64,
    /// Its hash.
    pub hash: Hash,
}

/// A batch as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// Its number.
    pub seq: u64,
    /// The number of its commit.
    pub link: u64,
    /// The kernel's digest.
    pub digest: u64,
    /// Its last record.
    pub last_record: u64,
}

/// The three tables of a journal, each read forwards and once.
pub trait Rows {
    /// The next commit.
    ///
    /// # Errors
    /// `InvalidData` when the row cannot be what was written; else as the store says.
    fn link(&mut self) -> Result<Option<LinkRow>>;

    /// The next batch.
    ///
    /// # Errors
    /// As [`Rows::link`].
    fn batch(&mut self) -> Result<Option<BatchRow>>;

    /// The next record.
    ///
    /// # Errors
    /// As [`Rows::link`].
    fn record(&mut self) -> Result<Option<StoredRecord<'_>>>;
}

/// Is told what a walk meets; answers whether it goes on after this commit.
pub type See<'a> = &'a mut dyn FnMut(Seen<'_>) -> Result<bool>;

/// Walks all commits in `rows`, which begin after `from`, until `see` has had enough at the end of
/// one (answers `false`). Answers the last head.
///
/// # Errors
/// `InvalidData` at the first row that is missing, of the wrong type, or not what the chain says.
pub fn walk(rows: &mut dyn Rows, from: Head, see: See<'_>) -> Result<Head> {
    let mut head = from;
    while let Some(link) = rows.link()? {
        let number = link.number;
        if number != head.mark.number + 1 || link.epoch < head.epoch {
            return Err(damaged("a commit is missing").context("commit", head.mark.number + 1));
        }
        let mut hasher = LinkHasher::new(&head.mark.hash, number, link.epoch, &link.note);
        while head.batch < link.last_batch {
            let Some(batch) = rows.batch()? else {
                return Err(damaged("a batch is missing").context("batch", head.batch + 1));
            };
            if batch.seq != head.batch + 1 || batch.link != number {
                return Err(damaged("a batch is missing").context("batch", head.batch + 1));
            }
            take_batch(batch, &mut head, &mut hasher, rows, see)?;
        }
        let is_whole = head.batch == link.last_batch && head.record == link.last_record;
        if !is_whole || hasher.finish() != link.hash {
            return Err(damaged("the hash chain does not hold").context("commit", number));
        }
        head.mark = Mark {
            number,
            hash: link.hash,
        };
        head.epoch = link.epoch;
        let note = &link.note;
        if !see(Seen::Link { head, note })? {
            return Ok(head);
        }
    }
    if rows.batch()?.is_some() || rows.record()?.is_some() {
        return Err(damaged("there are records that no commit vouches for"));
    }
    Ok(head)
}

fn take_batch(
    batch: BatchRow,
    head: &mut Head,
    hasher: &mut LinkHasher,
    rows: &mut dyn Rows,
    see: See<'_>,
) -> Result<()> {
    hasher.batch(batch.seq, batch.digest, batch.last_record);
    while head.record < batch.last_record {
        let expected = head.record + 1;
        let missing = || damaged("a record is missing").context("record", expected);
        let Some(record) = rows.record()? else {
            return Err(missing());
        };
        if record.seq != expected || record.batch != batch.seq {
            return Err(missing());
        }
        let hash = chain::record(expected, record.kind, record.body);
        if record.checksum != &hash[..CHECKSUM] {
            return Err(damaged("a record fails its checksum").context("record", expected));
        }
        hasher.record(&hash);
        head.record = expected;
        see(Seen::Record(record))?;
    }
    (head.batch, head.digest) = (batch.seq, batch.digest);
    Ok(())
}

impl Head {
    /// The last batch, as the kernel numbers it.
    pub fn committed(&self) -> Option<Committed> {
        (self.batch > 0).then_some(Committed {
            seq: self.batch,
            digest: self.digest,
        })
    }
}
