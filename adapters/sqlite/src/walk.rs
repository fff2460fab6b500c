//! The records in the order they were written, each proven by checksum and chain.

use ballast_ports::Result;
use rusqlite::{Connection, Row, Rows};

use crate::anchor::Mark;
use crate::chain::{self, CHECKSUM, Hash, LinkHasher};
use crate::refusal::{damaged, unreadable_row};

/// The journal up to and with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Number and hash of the commit; 0 and the root before the first.
    pub(crate) mark: Mark,
    /// Who wrote it.
    pub(crate) epoch: u64,
    /// The last batch; 0 before the first.
    pub(crate) batch: u64,
    /// The digest of the last batch.
    pub(crate) digest: u64,
    /// The last record; 0 before the first.
    pub(crate) record: u64,
}

impl Head {
    /// Of an empty journal.
    pub(crate) fn root(account: &str) -> Self {
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
pub(crate) enum Seen<'a> {
    /// A record, its checksum holds.
    Record(StoredRecord<'a>),
    /// The end of a commit: all before it is proven.
    Link { head: Head, note: &'a str },
}

/// A record as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredRecord<'a> {
    pub(crate) seq: u64,
    pub(crate) batch: u64,
    pub(crate) kind: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) once: Option<&'a str>,
}

/// Walks all commits after `from`, until `see` has had enough at the end of one (answers `false`).
/// Answers the last head.
///
/// # Errors
/// `InvalidData` at the first row that is missing, of the wrong type, or not what the chain says.
pub(crate) fn walk(
    conn: &Connection,
    from: Head,
    see: &mut dyn FnMut(Seen<'_>) -> Result<bool>,
) -> Result<Head> {
    let prepare = |sql| {
        conn.prepare_cached(sql)
            .map_err(|e| unreadable_row("schema", e))
    };
    let mut links = prepare(
        "SELECT number, epoch, note, last_batch, last_record, hash FROM links \
         WHERE number > ?1 ORDER BY number",
    )?;
    let mut batches =
        prepare("SELECT seq, link, digest, last_record FROM batches WHERE seq > ?1 ORDER BY seq")?;
    let mut records = prepare(
        "SELECT seq, batch, kind, body, checksum, once FROM records WHERE seq > ?1 ORDER BY seq",
    )?;
    let start = |value: u64| i64::try_from(value).map_err(|_| damaged("a number is too large"));
    let mut links = links
        .query([start(from.mark.number)?])
        .map_err(|e| unreadable_row("links", e))?;
    let mut batches = batches
        .query([start(from.batch)?])
        .map_err(|e| unreadable_row("batches", e))?;
    let mut records = records
        .query([start(from.record)?])
        .map_err(|e| unreadable_row("records", e))?;
    let mut head = from;
    while let Some(row) = next(&mut links, "links")? {
        let number = count(row, 0, "links")?;
        let epoch = count(row, 1, "links")?;
        let note = text(row, 2, "links")?;
        let last_batch = count(row, 3, "links")?;
        let last_record = count(row, 4, "links")?;
        let hash: Hash = blob(row, 5, "links")?
            .try_into()
            .map_err(|_| damaged("a stored hash has the wrong length").context("commit", number))?;
        if number != head.mark.number + 1 || epoch < head.epoch {
            return Err(damaged("a commit is missing").context("commit", head.mark.number + 1));
        }
        let mut hasher = LinkHasher::new(&head.mark.hash, number, epoch, note);
        while head.batch < last_batch {
            let Some(row) = next(&mut batches, "batches")? else {
                return Err(damaged("a batch is missing").context("batch", head.batch + 1));
            };
            take_batch(row, number, &mut head, &mut hasher, &mut records, see)?;
        }
        if head.batch != last_batch || head.record != last_record || hasher.finish() != hash {
            return Err(damaged("the hash chain does not hold").context("commit", number));
        }
        head.mark = Mark { number, hash };
        head.epoch = epoch;
        if !see(Seen::Link { head, note })? {
            return Ok(head);
        }
    }
    if next(&mut batches, "batches")?.is_some() || next(&mut records, "records")?.is_some() {
        return Err(damaged("there are records that no commit vouches for"));
    }
    Ok(head)
}

fn take_batch(
    row: &Row<'_>,
    link: u64,
    head: &mut Head,
    hasher: &mut LinkHasher,
    records: &mut Rows<'_>,
    see: &mut dyn FnMut(Seen<'_>) -> Result<bool>,
) -> Result<()> {
    let seq = count(row, 0, "batches")?;
    if seq != head.batch + 1 || count(row, 1, "batches")? != link {
        return Err(damaged("a batch is missing").context("batch", head.batch + 1));
    }
    let digest = integer(row, 2, "batches")?.cast_unsigned();
    let last = count(row, 3, "batches")?;
    hasher.batch(seq, digest, last);
    while head.record < last {
        let expected = head.record + 1;
        let missing = || damaged("a record is missing").context("record", expected);
        let Some(row) = next(records, "records")? else {
            return Err(missing());
        };
        if count(row, 0, "records")? != expected || count(row, 1, "records")? != seq {
            return Err(missing());
        }
        let (kind, body) = (text(row, 2, "records")?, blob(row, 3, "records")?);
        let hash = chain::record(expected, kind, body);
        if blob(row, 4, "records")? != &hash[..CHECKSUM] {
            return Err(damaged("a record fails its checksum").context("record", expected));
        }
        let once = match row.get_ref(5).map_err(|e| unreadable_row("records", e))? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(text(row, 5, "records")?),
        };
        hasher.record(&hash);
        head.record = expected;
        see(Seen::Record(StoredRecord {
            seq: expected,
            batch: seq,
            kind,
            body,
            once,
        }))?;
    }
    (head.batch, head.digest) = (seq, digest);
    Ok(())
}

/// The head as of the commit `number`, by the stored rows alone.
pub(crate) fn head_at(conn: &Connection, account: &str, number: u64) -> Result<Option<Head>> {
    if number == 0 {
        return Ok(Some(Head::root(account)));
    }
    let mut query = conn
        .prepare_cached(
            "SELECT number, epoch, last_batch, last_record, hash, \
             coalesce((SELECT digest FROM batches WHERE seq = last_batch), 0) \
             FROM links WHERE number = ?1",
        )
        .map_err(|e| unreadable_row("links", e))?;
    let number = i64::try_from(number).map_err(|_| damaged("a number is too large"))?;
    let mut rows = query
        .query([number])
        .map_err(|e| unreadable_row("links", e))?;
    let Some(row) = next(&mut rows, "links")? else {
        return Ok(None);
    };
    let hash = blob(row, 4, "links")?
        .try_into()
        .map_err(|_| damaged("a stored hash has the wrong length"))?;
    Ok(Some(Head {
        mark: Mark {
            number: count(row, 0, "links")?,
            hash,
        },
        epoch: count(row, 1, "links")?,
        batch: count(row, 2, "links")?,
        digest: integer(row, 5, "links")?.cast_unsigned(),
        record: count(row, 3, "links")?,
    }))
}

/// The number of the newest commit; 0 when there is none.
pub(crate) fn newest(conn: &Connection) -> Result<u64> {
    conn.prepare_cached("SELECT coalesce(max(number), 0) FROM links")
        .and_then(|mut query| query.query_row([], |row| row.get::<_, i64>(0)))
        .map_err(|e| unreadable_row("links", e))
        .and_then(|n| u64::try_from(n).map_err(|_| damaged("a commit has a negative number")))
}

pub(crate) fn next<'r>(rows: &'r mut Rows<'_>, table: &'static str) -> Result<Option<&'r Row<'r>>> {
    rows.next().map_err(|e| unreadable_row(table, e))
}

fn integer(row: &Row<'_>, column: usize, table: &'static str) -> Result<i64> {
    row.get(column).map_err(|e| unreadable_row(table, e))
}

fn count(row: &Row<'_>, column: usize, table: &'static str) -> Result<u64> {
    u64::try_from(integer(row, column, table)?)
        .map_err(|_| damaged("a stored number is negative").context("table", table))
}

pub(crate) fn text<'r>(row: &'r Row<'_>, column: usize, table: &'static str) -> Result<&'r str> {
    row.get_ref(column)
        .map_err(|e| unreadable_row(table, e))?
        .as_str()
        .map_err(|e| {
            damaged("a stored text is not one")
                .context("table", table)
                .caused_by(e)
        })
}

pub(crate) fn blob<'r>(row: &'r Row<'_>, column: usize, table: &'static str) -> Result<&'r [u8]> {
    row.get_ref(column)
        .map_err(|e| unreadable_row(table, e))?
        .as_blob()
        .map_err(|e| {
            damaged("stored bytes are none")
                .context("table", table)
                .caused_by(e)
        })
}
