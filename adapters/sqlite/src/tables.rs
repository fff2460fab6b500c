//! The tables of a journal in SQLite, read as a proof wants them.

use ballast_journal::anchor::Mark;
use ballast_journal::chain::Hash;
use ballast_journal::overview_rows::OverviewRows;
use ballast_journal::refusal::damaged;
use ballast_journal::stored::StoredSnapshot;
use ballast_journal::walk::{self, BatchRow, LinkRow, Rows as JournalRows, See, StoredRecord};
use ballast_journal::{Head, Stored};
use ballast_ports::{JournalRecord, Result, Snapshot};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, Rows};

use crate::refusal::unreadable_row;

/// The tables of `account`, through a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tables<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) account: &'a str,
}

impl Tables<'_> {
    /// The digest of a batch as it is stored.
    pub(crate) fn digest(&self, batch: u64) -> Result<Option<u64>> {
        let found: Option<i64> = self
            .conn
            .prepare_cached("SELECT digest FROM batches WHERE seq = ?1")
            .and_then(|mut query| {
                query
                    .query_row([batch.cast_signed()], |row| row.get(0))
                    .optional()
            })
            .map_err(|e| unreadable_row("batches", e))?;
        Ok(found.map(i64::cast_unsigned))
    }
}

impl Stored for Tables<'_> {
    fn account(&self) -> &str {
        self.account
    }

    fn walk(&self, from: Head, see: See<'_>) -> Result<Head> {
        let prepare = |sql| {
            self.conn
                .prepare_cached(sql)
                .map_err(|e| unreadable_row("schema", e))
        };
        let mut links = prepare(
            "SELECT number, epoch, note, last_batch, last_record, hash FROM links \
             WHERE number > ?1 ORDER BY number",
        )?;
        let mut batches = prepare(
            "SELECT seq, link, digest, last_record FROM batches WHERE seq > ?1 ORDER BY seq",
        )?;
        let mut records = prepare(
            "SELECT seq, batch, kind, body, checksum, once FROM records WHERE seq > ?1 \
             ORDER BY seq",
        )?;
        let start = |value: u64| i64::try_from(value).map_err(|_| damaged("a number is too large"));
        let mut cursors = Cursors {
            links: links
                .query([start(from.mark.number)?])
                .map_err(|e| unreadable_row("links", e))?,
            batches: batches
                .query([start(from.batch)?])
                .map_err(|e| unreadable_row("batches", e))?,
            records: records
                .query([start(from.record)?])
                .map_err(|e| unreadable_row("records", e))?,
        };
        walk::walk(&mut cursors, from, see)
    }

    fn head_at(&self, number: u64) -> Result<Option<Head>> {
        if number == 0 {
            return Ok(Some(Head::root(self.account)));
        }
        let failed = |e| unreadable_row("links", e);
        let mut query = self
            .conn
            .prepare_cached(
                "SELECT number, epoch, last_batch, last_record, hash, \
                 coalesce((SELECT digest FROM batches WHERE seq = last_batch), 0) \
                 FROM links WHERE number = ?1",
            )
            .map_err(failed)?;
        let number = i64::try_from(number).map_err(|_| damaged("a number is too large"))?;
        let mut rows = query.query([number]).map_err(failed)?;
        let Some(row) = next(&mut rows, "links")? else {
            return Ok(None);
        };
        Ok(Some(Head {
            mark: Mark {
                number: count(row, 0, "links")?,
                hash: hash(row, 4)?,
            },
            epoch: count(row, 1, "links")?,
            batch: count(row, 2, "links")?,
            digest: integer(row, 5, "links")?.cast_unsigned(),
            record: count(row, 3, "links")?,
        }))
    }

    fn newest(&self) -> Result<u64> {
        self.conn
            .prepare_cached("SELECT coalesce(max(number), 0) FROM links")
            .and_then(|mut query| query.query_row([], |row| row.get::<_, i64>(0)))
            .map_err(|e| unreadable_row("links", e))
            .and_then(|n| u64::try_from(n).map_err(|_| damaged("a commit has a negative number")))
    }

    fn note(&self, link: u64) -> Result<Option<String>> {
        self.conn
            .query_row(
                "SELECT note FROM links WHERE number = ?1",
                [link.cast_signed()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| unreadable_row("links", e))
    }

    fn overview(&self) -> Result<OverviewRows> {
        let failed = |e| unreadable_row("overview", e);
        let mut query = self
            .conn
            .prepare("SELECT topic, key, value FROM overview ORDER BY topic, key")
            .map_err(failed)?;
        let mut rows = query.query([]).map_err(failed)?;
        let mut found = OverviewRows::new();
        while let Some(row) = next(&mut rows, "overview")? {
            let column = |i| text(row, i, "overview").map(str::to_owned);
            found.insert((column(0)?, column(1)?), column(2)?);
        }
        Ok(found)
    }

    fn snapshots(&self) -> Result<Vec<StoredSnapshot>> {
        let failed = |e| unreadable_row("snapshots", e);
        let mut query = self
            .conn
            .prepare("SELECT batch, link, state FROM snapshots ORDER BY batch")
            .map_err(failed)?;
        let mut rows = query.query([]).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = next(&mut rows, "snapshots")? {
            found.push(StoredSnapshot {
                link: integer(row, 1, "snapshots")?.cast_unsigned(),
                snapshot: Snapshot {
                    batch: integer(row, 0, "snapshots")?.cast_unsigned(),
                    state: row.get(2).map_err(failed)?,
                },
            });
        }
        Ok(found)
    }

    fn link_of(&self, record: u64) -> Result<Option<u64>> {
        let record = i64::try_from(record).unwrap_or(i64::MAX);
        let link: Option<i64> = self
            .conn
            .prepare_cached(
                "SELECT link FROM batches WHERE seq = (SELECT batch FROM records WHERE seq = ?1)",
            )
            .and_then(|mut query| query.query_row([record], |row| row.get(0)).optional())
            .map_err(|e| unreadable_row("batches", e))?;
        Ok(link.map(i64::cast_unsigned))
    }

    fn is_recorded(&self, once: &str) -> Result<bool> {
        self.conn
            .prepare_cached("SELECT 1 FROM records WHERE once = ?1")
            .and_then(|mut query| query.exists([once]))
            .map_err(|e| unreadable_row("records", e))
    }

    fn records_of(&self, batch: u64) -> Result<Vec<JournalRecord>> {
        let read = || {
            let mut query = self.conn.prepare_cached(
                "SELECT seq, kind, body FROM records WHERE batch = ?1 ORDER BY seq",
            )?;
            let rows = query.query_map([batch.cast_signed()], |row| {
                Ok(JournalRecord {
                    seq: row.get::<_, i64>(0)?.cast_unsigned(),
                    kind: row.get(1)?,
                    body: row.get(2)?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|e| unreadable_row("records", e))
    }
}

struct Cursors<'a> {
    links: Rows<'a>,
    batches: Rows<'a>,
    records: Rows<'a>,
}

impl JournalRows for Cursors<'_> {
    fn link(&mut self) -> Result<Option<LinkRow>> {
        let Some(row) = next(&mut self.links, "links")? else {
            return Ok(None);
        };
        Ok(Some(LinkRow {
            number: count(row, 0, "links")?,
            epoch: count(row, 1, "links")?,
            note: text(row, 2, "links")?.to_owned(),
            last_batch: count(row, 3, "links")?,
            last_record: count(row, 4, "links")?,
            hash: hash(row, 5)?,
        }))
    }

    fn batch(&mut self) -> Result<Option<BatchRow>> {
        let Some(row) = next(&mut self.batches, "batches")? else {
            return Ok(None);
        };
        Ok(Some(BatchRow {
            seq: count(row, 0, "batches")?,
            link: count(row, 1, "batches")?,
            digest: integer(row, 2, "batches")?.cast_unsigned(),
            last_record: count(row, 3, "batches")?,
        }))
    }

    fn record(&mut self) -> Result<Option<StoredRecord<'_>>> {
        let table = "records";
        let Some(row) = next(&mut self.records, table)? else {
            return Ok(None);
        };
        let once = match row.get_ref(5).map_err(|e| unreadable_row(table, e))? {
            ValueRef::Null => None,
            _ => Some(text(row, 5, table)?),
        };
        Ok(Some(StoredRecord {
            seq: count(row, 0, table)?,
            batch: count(row, 1, table)?,
            kind: text(row, 2, table)?,
            body: blob(row, 3, table)?,
            checksum: blob(row, 4, table)?,
            once,
        }))
    }
}

fn next<'r>(rows: &'r mut Rows<'_>, table: &'static str) -> Result<Option<&'r Row<'r>>> {
    rows.next().map_err(|e| unreadable_row(table, e))
}

fn integer(row: &Row<'_>, column: usize, table: &'static str) -> Result<i64> {
    row.get(column).map_err(|e| unreadable_row(table, e))
}

fn count(row: &Row<'_>, column: usize, table: &'static str) -> Result<u64> {
    u64::try_from(integer(row, column, table)?)
        .map_err(|_| damaged("a stored number is negative").context("table", table))
}

fn hash(row: &Row<'_>, column: usize) -> Result<Hash> {
    blob(row, column, "links")?
        .try_into()
        .map_err(|_| damaged("a stored hash has the wrong length"))
}

fn text<'r>(row: &'r Row<'_>, column: usize, table: &'static str) -> Result<&'r str> {
    row.get_ref(column)
        .map_err(|e| unreadable_row(table, e))?
        .as_str()
        .map_err(|e| {
            damaged("a stored text is not one")
                .context("table", table)
                .caused_by(e)
        })
}

fn blob<'r>(row: &'r Row<'_>, column: usize, table: &'static str) -> Result<&'r [u8]> {
    row.get_ref(column)
        .map_err(|e| unreadable_row(table, e))?
        .as_blob()
        .map_err(|e| {
            damaged("stored bytes are none")
                .context("table", table)
                .caused_by(e)
        })
}
