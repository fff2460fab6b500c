//! The tables of a journal in PostgreSQL, read as a proof wants them.

use std::collections::VecDeque;

use ballast_journal::anchor::Mark;
use ballast_journal::chain::Hash;
use ballast_journal::overview_rows::OverviewRows;
use ballast_journal::refusal::damaged;
use ballast_journal::stored::StoredSnapshot;
use ballast_journal::walk::{self, BatchRow, LinkRow, Rows, See, StoredRecord};
use ballast_journal::{Examined, Head, Stored, examine};
use ballast_ports::{JournalRecord, Result, Snapshot};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::refusal::unreadable;
use crate::session::Session;

/// Rows of one answer while everything is read.
const ROWS: i64 = 512;

impl Session {
    /// The digest of a batch as it is stored.
    pub(crate) fn digest(&self, batch: u64) -> Result<Option<u64>> {
        let sql = "SELECT digest FROM batches WHERE seq = $1";
        match self.row(sql, &[&batch.cast_signed()])? {
            Some(row) => Ok(Some(get::<i64>(&row, 0, "batches")?.cast_unsigned())),
            None => Ok(None),
        }
    }

    /// Proves everything inside the database, and that the fence stands at its newest commit.
    pub(crate) fn examine(&self) -> Result<Examined> {
        let examined = examine(self)?;
        let rows = self.rows("SELECT epoch, number FROM writer", &[])?;
        let stands = match rows.as_slice() {
            [row] => Some((count(row, 0, "writer")?, count(row, 1, "writer")?)),
            _ => None,
        };
        let head = examined.head;
        if stands == Some((head.epoch, head.mark.number)) {
            return Ok(examined);
        }
        Err(
            damaged("the writer's fence does not stand at the newest commit")
                .context("newest commit", head.mark.number)
                .context("its writer", head.epoch),
        )
    }
}

impl Stored for Session {
    fn account(&self) -> &str {
        &self.account
    }

    fn walk(&self, from: Head, see: See<'_>) -> Result<Head> {
        let paged = |sql, after| Paged {
            session: self,
            sql,
            after,
            rows: VecDeque::new(),
            ended: false,
        };
        let mut cursors = Cursors {
            links: paged(
                "SELECT number, epoch, note, last_batch, last_record, hash FROM links \
                 WHERE number > $1 ORDER BY number LIMIT $2",
                from.mark.number.cast_signed(),
            ),
            batches: paged(
                "SELECT seq, link, digest, last_record FROM batches WHERE seq > $1 \
                 ORDER BY seq LIMIT $2",
                from.batch.cast_signed(),
            ),
            records: paged(
                "SELECT seq, batch, kind, body, checksum, once FROM records WHERE seq > $1 \
                 ORDER BY seq LIMIT $2",
                from.record.cast_signed(),
            ),
            record: None,
        };
        walk::walk(&mut cursors, from, see)
    }

    fn head_at(&self, number: u64) -> Result<Option<Head>> {
        if number == 0 {
            return Ok(Some(Head::root(&self.account)));
        }
        let row = self.row(
            "SELECT number, epoch, last_batch, last_record, hash, \
             coalesce((SELECT digest FROM batches WHERE seq = last_batch), 0) \
             FROM links WHERE number = $1",
            &[&number.cast_signed()],
        )?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Head {
            mark: Mark {
                number: count(&row, 0, "links")?,
                hash: hash(&row, 4)?,
            },
            epoch: count(&row, 1, "links")?,
            batch: count(&row, 2, "links")?,
            digest: get::<i64>(&row, 5, "links")?.cast_unsigned(),
            record: count(&row, 3, "links")?,
        }))
    }

    fn newest(&self) -> Result<u64> {
        let row = self.row("SELECT coalesce(max(number), 0) FROM links", &[])?;
        row.map_or(Ok(0), |row| count(&row, 0, "links"))
    }

    fn note(&self, link: u64) -> Result<Option<String>> {
        let sql = "SELECT note FROM links WHERE number = $1";
        let row = self.row(sql, &[&link.cast_signed()])?;
        row.map(|row| get(&row, 0, "links")).transpose()
    }

    fn overview(&self) -> Result<OverviewRows> {
        let table = "overview";
        let mut found = OverviewRows::new();
        for row in self.rows("SELECT topic, key, value FROM overview", &[])? {
            found.insert(
                (get(&row, 0, table)?, get(&row, 1, table)?),
                get(&row, 2, table)?,
            );
        }
        Ok(found)
    }

    fn snapshots(&self) -> Result<Vec<StoredSnapshot>> {
        let table = "snapshots";
        let sql = "SELECT batch, link, state FROM snapshots ORDER BY batch";
        let kept = |row: &Row| {
            Ok(StoredSnapshot {
                link: count(row, 1, table)?,
                snapshot: Snapshot {
                    batch: count(row, 0, table)?,
                    state: get(row, 2, table)?,
                },
            })
        };
        self.rows(sql, &[])?.iter().map(kept).collect()
    }

    fn link_of(&self, record: u64) -> Result<Option<u64>> {
        let record = i64::try_from(record).unwrap_or(i64::MAX);
        let row = self.row(
            "SELECT link FROM batches WHERE seq = (SELECT batch FROM records WHERE seq = $1)",
            &[&record],
        )?;
        row.map(|row| count(&row, 0, "batches")).transpose()
    }

    fn is_recorded(&self, once: &str) -> Result<bool> {
        let row = self.row("SELECT 1 FROM records WHERE once = $1", &[&once])?;
        Ok(row.is_some())
    }

    fn records_of(&self, batch: u64) -> Result<Vec<JournalRecord>> {
        let table = "records";
        let sql = "SELECT seq, kind, body FROM records WHERE batch = $1 ORDER BY seq";
        let record = |row: &Row| {
            Ok(JournalRecord {
                seq: count(row, 0, table)?,
                kind: get(row, 1, table)?,
                body: get(row, 2, table)?,
            })
        };
        let rows = self.rows(sql, &[&batch.cast_signed()])?;
        rows.iter().map(record).collect()
    }
}

/// A table read forwards, some rows at a time.
struct Paged<'a> {
    session: &'a Session,
    sql: &'static str,
    after: i64,
    rows: VecDeque<Row>,
    ended: bool,
}

impl Paged<'_> {
    fn next(&mut self) -> Result<Option<Row>> {
        if self.rows.is_empty() && !self.ended {
            self.rows = self.session.rows(self.sql, &[&self.after, &ROWS])?.into();
            self.ended = i64::try_from(self.rows.len()).unwrap_or(ROWS) < ROWS;
            if let Some(last) = self.rows.back() {
                self.after = get(last, 0, "pages")?;
            }
        }
        Ok(self.rows.pop_front())
    }
}

struct Cursors<'a> {
    links: Paged<'a>,
    batches: Paged<'a>,
    records: Paged<'a>,
    /// The record that is being looked at.
    record: Option<Row>,
}

impl Rows for Cursors<'_> {
    fn link(&mut self) -> Result<Option<LinkRow>> {
        let Some(row) = self.links.next()? else {
            return Ok(None);
        };
        Ok(Some(LinkRow {
            number: count(&row, 0, "links")?,
            epoch: count(&row, 1, "links")?,
            note: get(&row, 2, "links")?,
            last_batch: count(&row, 3, "links")?,
            last_record: count(&row, 4, "links")?,
            hash: hash(&row, 5)?,
        }))
    }

    fn batch(&mut self) -> Result<Option<BatchRow>> {
        let Some(row) = self.batches.next()? else {
            return Ok(None);
        };
        Ok(Some(BatchRow {
            seq: count(&row, 0, "batches")?,
            link: count(&row, 1, "batches")?,
            digest: get::<i64>(&row, 2, "batches")?.cast_unsigned(),
            last_record: count(&row, 3, "batches")?,
        }))
    }

    fn record(&mut self) -> Result<Option<StoredRecord<'_>>> {
        let table = "records";
        self.record = self.records.next()?;
        let Some(row) = &self.record else {
            return Ok(None);
        };
        Ok(Some(StoredRecord {
            seq: count(row, 0, table)?,
            batch: count(row, 1, table)?,
            kind: get(row, 2, table)?,
            body: get(row, 3, table)?,
            checksum: get(row, 4, table)?,
            once: get(row, 5, table)?,
        }))
    }
}

fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize, table: &'static str) -> Result<T> {
    row.try_get(column).map_err(|e| unreadable(table, e))
}

fn count(row: &Row, column: usize, table: &'static str) -> Result<u64> {
    u64::try_from(get::<i64>(row, column, table)?)
        .map_err(|_| damaged("a stored number is negative").context("table", table))
}

fn hash(row: &Row, column: usize) -> Result<Hash> {
    get::<&[u8]>(row, column, "links")?
        .try_into()
        .map_err(|_| damaged("a stored hash has the wrong length"))
}
