//! A journal that lives as long as its process.

use std::fmt;
use std::sync::Mutex;

use async_trait::async_trait;
use ballast_ports::{
    BoxStream, Committed, Error, ErrorKind, Journal, JournalBatch, JournalRecord, Result, Snapshot,
    stream,
};

use crate::lock;

/// Batches in memory: durable for the process, gone with it. For backtests and tests.
#[derive(Default)]
pub struct MemoryJournal {
    store: Mutex<Store>,
}

#[derive(Default)]
struct Store {
    records: Vec<JournalRecord>,
    head: Option<Committed>,
    /// How many records were there before the head batch.
    before_head: usize,
    snapshot: Option<Snapshot>,
}

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = lock(&self.store);
        f.debug_struct("MemoryJournal")
            .field("records", &store.records.len())
            .field("head", &store.head)
            .finish()
    }
}

impl Store {
    fn append(&mut self, batch: &JournalBatch) -> Result<Committed> {
        if batch.records.is_empty() {
            return Err(refuse(ErrorKind::Rejected, "the batch has no records")
                .context("batch", batch.seq)
                .hint("persist nothing instead of an empty batch"));
        }
        let committed = Committed {
            seq: batch.seq,
            digest: batch.digest,
        };
        let head = self.head.map_or(0, |h| h.seq);
        if head > 0 && batch.seq == head {
            if self.head == Some(committed) && self.records[self.before_head..] == batch.records {
                return Ok(committed);
            }
            return Err(refuse(
                ErrorKind::InvalidData,
                "another batch with this number is there",
            )
            .context("batch", batch.seq)
            .hint("two writers share this journal, or it was rolled back: stop and reconcile"));
        }
        if batch.seq != head + 1 {
            return Err(gap("batch", head + 1, batch.seq));
        }
        let next = self.records.last().map_or(1, |r| r.seq + 1);
        for (expected, record) in (next..).zip(&batch.records) {
            if record.seq != expected {
                return Err(gap("record", expected, record.seq));
            }
        }
        self.before_head = self.records.len();
        self.records.extend_from_slice(&batch.records);
        self.head = Some(committed);
        Ok(committed)
    }

    fn keep(&mut self, snapshot: &Snapshot) -> Result<()> {
        let refuse = |what: &str| {
            Error::new(ErrorKind::Rejected, "keep_snapshot", what)
                .context("batch", snapshot.batch)
                .hint("a snapshot is of the state after a durable batch, and newer than the last")
        };
        if snapshot.batch == 0 || self.head.is_none_or(|h| h.seq < snapshot.batch) {
            return Err(refuse("the snapshot is of a batch that is not durable"));
        }
        match &self.snapshot {
            Some(kept) if kept == snapshot => {}
            Some(kept) if kept.batch >= snapshot.batch => {
                return Err(refuse("a snapshot of this batch or a later one is there"));
            }
            _ => self.snapshot = Some(snapshot.clone()),
        }
        Ok(())
    }
}

fn refuse(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, "append", message)
}

fn gap(what: &str, expected: u64, found: u64) -> Error {
    refuse(
        ErrorKind::InvalidData,
        &format!("{what} number {found} does not continue the journal"),
    )
    .context("expected", expected)
    .hint("a journal has one writer, which numbers from 1 without gaps")
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, batch: &JournalBatch) -> Result<Committed> {
        lock(&self.store).append(batch)
    }

    fn read_from(&self, seq: u64) -> BoxStream<Result<JournalRecord>> {
        let store = lock(&self.store);
        let first = store.records.partition_point(|r| r.seq < seq);
        let records = store.records[first..].to_vec();
        stream::iter(records.into_iter().map(Ok))
    }

    async fn head(&self) -> Result<Option<Committed>> {
        Ok(lock(&self.store).head)
    }

    async fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<()> {
        lock(&self.store).keep(snapshot)
    }

    async fn snapshot(&self) -> Result<Option<Snapshot>> {
        Ok(lock(&self.store).snapshot.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(seq: u64, records: std::ops::Range<u64>) -> JournalBatch {
        JournalBatch {
            seq,
            digest: seq * 1_000,
            records: records
                .map(|seq| JournalRecord {
                    seq,
                    kind: "test".to_owned(),
                    body: seq.to_be_bytes().to_vec(),
                })
                .collect(),
        }
    }

    async fn read(journal: &MemoryJournal, seq: u64) -> Vec<u64> {
        let mut records = journal.read_from(seq);
        let mut seqs = Vec::new();
        while let Some(record) = stream::next(&mut records).await {
            seqs.push(record.unwrap().seq);
        }
        seqs
    }

    #[tokio::test]
    async fn batches_are_echoed_and_read_back_from_any_record() {
        let journal = MemoryJournal::new();
        assert_eq!(journal.head().await.unwrap(), None);
        let first = journal.append(&batch(1, 1..4)).await.unwrap();
        assert_eq!((first.seq, first.digest), (1, 1_000));
        let second = journal.append(&batch(2, 4..5)).await.unwrap();
        assert_eq!(journal.head().await.unwrap(), Some(second));
        assert_eq!(read(&journal, 0).await, [1, 2, 3, 4]);
        assert_eq!(read(&journal, 3).await, [3, 4]);
        assert!(read(&journal, 5).await.is_empty());
    }

    #[tokio::test]
    async fn the_head_batch_again_is_echoed_and_stored_once() {
        let journal = MemoryJournal::new();
        let first = journal.append(&batch(1, 1..3)).await.unwrap();
        assert_eq!(journal.append(&batch(1, 1..3)).await.unwrap(), first);
        assert_eq!(read(&journal, 1).await, [1, 2]);
    }

    #[tokio::test]
    async fn anything_else_is_refused_and_stores_nothing() {
        let journal = MemoryJournal::new();
        journal.append(&batch(1, 1..3)).await.unwrap();
        journal.append(&batch(2, 3..4)).await.unwrap();
        let other_digest = JournalBatch {
            digest: 7,
            ..batch(2, 3..4)
        };
        let mut other_body = batch(2, 3..4);
        other_body.records[0].body.push(0);
        for (wrong, kind, text) in [
            (batch(3, 4..4), ErrorKind::Rejected, "no records"),
            (other_digest, ErrorKind::InvalidData, "another batch"),
            (other_body, ErrorKind::InvalidData, "another batch"),
            (batch(1, 1..3), ErrorKind::InvalidData, "expected = 3"),
            (batch(4, 4..5), ErrorKind::InvalidData, "expected = 3"),
            (batch(0, 4..5), ErrorKind::InvalidData, "expected = 3"),
            (batch(3, 5..6), ErrorKind::InvalidData, "expected = 4"),
            (batch(3, 3..5), ErrorKind::InvalidData, "expected = 4"),
        ] {
            let e = journal.append(&wrong).await.unwrap_err();
            assert_eq!(e.kind, kind, "{e}");
            assert!(e.to_string().contains(text), "{e}");
            assert_eq!(read(&journal, 1).await, [1, 2, 3]);
            assert_eq!(journal.head().await.unwrap().unwrap().seq, 2);
        }
    }
}
