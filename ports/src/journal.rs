//! The durable record of a kernel, written before anything is sent.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::stream::BoxStream;

/// One record in its canonical bytes.
///
/// The domain fixes the shape of a record and its canonical encoding; the adapter stores those
/// bytes, checksums and chains them, and never parses or re-serialises them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// Number of the record, from 1 without gaps.
    pub seq: u64,
    /// Name of the record's shape.
    pub kind: String,
    /// Canonical bytes.
    pub body: Vec<u8>,
}

/// Records that become durable together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalBatch {
    /// Number of the batch, from 1 without gaps; the kernel gives it.
    pub seq: u64,
    /// The kernel's 64-bit digest of the batch. The adapter stores and echoes it.
    pub digest: u64,
    /// The records, at least one.
    pub records: Vec<JournalRecord>,
}

/// Proof that a batch is durable: the kernel's own numbers, echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The batch's number.
    pub seq: u64,
    /// The batch's digest.
    pub digest: u64,
}

/// The state of a kernel after a batch, kept so that a start need not begin at the first record.
///
/// It replaces no record: a replay of the records up to its batch must give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last batch whose records are in the state.
    pub batch: u64,
    /// The state in canonical bytes. The journal stores and hashes them, and never looks inside.
    pub state: Vec<u8>,
}

/// An append-only record of one account, with one writer.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Makes `batch` durable and echoes its number and digest.
    ///
    /// # Behaviour
    /// The batch number is one above the head's, and its records continue the record numbers.
    /// When this returns, the batch survives power loss.
    ///
    /// # Errors
    /// `Rejected` when the batch is empty; `InvalidData` when its numbers do not continue the
    /// journal, a batch with this number and other content is there, or a journal that reads its
    /// records cannot read one or finds that it may be recorded once and was; `Unavailable` when the disk
    /// or database fails. After any error the caller must not send: the batch may or may not be
    /// there, and [`Journal::head`] of a reopened journal tells. Appends are never retried.
    ///
    /// # Idempotency
    /// Appending the head batch again with equal content echoes it again and stores nothing.
    ///
    /// # Cancellation
    /// A dropped call has stored the whole batch or nothing of it.
    ///
    /// # For adapter authors
    /// Echo what was stored, not what was asked: read the digest back from the stored row.
    async fn append(&self, batch: &JournalBatch) -> Result<Committed>;

    /// The records from number `seq` on, in order; empty when there is none.
    ///
    /// # Behaviour
    /// Ends at the record that was last when the stream was first polled, or later.
    ///
    /// # Errors
    /// `InvalidData` when a stored record fails its checksum or its chain, naming the record; the
    /// stream ends there. `Unavailable` when the store cannot be read.
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Dropping the stream is safe at any point.
    fn read_from(&self, seq: u64) -> BoxStream<Result<JournalRecord>>;

    /// The last durable batch; `None` for an empty journal.
    ///
    /// # Errors
    /// `InvalidData` when the head does not verify; `Unavailable` when the store cannot be read.
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Safe at any point.
    async fn head(&self) -> Result<Option<Committed>>;

    /// Keeps the state of a kernel, durably.
    ///
    /// # Errors
    /// `Rejected` when its batch is not durable, or a snapshot of this batch with other content or
    /// of a later one is there; `Unavailable` when the disk or database fails, and then the caller
    /// must not send any more.
    ///
    /// # Idempotency
    /// Keeping the newest snapshot again with equal content changes nothing.
    ///
    /// # Cancellation
    /// A dropped call has stored the whole snapshot or nothing of it.
    async fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<()>;

    /// The newest snapshot; `None` when none was kept.
    ///
    /// # Errors
    /// `InvalidData` when it does not verify; `Unavailable` when the store cannot be read.
    ///
    /// # Idempotency
    /// Reading changes nothing.
    ///
    /// # Cancellation
    /// Safe at any point.
    async fn snapshot(&self) -> Result<Option<Snapshot>>;
}

#[async_trait]
impl<T: Journal + ?Sized> Journal for Arc<T> {
    async fn append(&self, batch: &JournalBatch) -> Result<Committed> {
        (**self).append(batch).await
    }

    fn read_from(&self, seq: u64) -> BoxStream<Result<JournalRecord>> {
        (**self).read_from(seq)
    }

    async fn head(&self) -> Result<Option<Committed>> {
        (**self).head().await
    }

    async fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<()> {
        (**self).keep_snapshot(snapshot).await
    }

    async fn snapshot(&self) -> Result<Option<Snapshot>> {
        (**self).snapshot().await
    }
}

#[cfg(test)]
mod tests {
    /// The methods of a port, as its source names them.
    fn methods(source: &str, port: &str) -> Vec<String> {
        let (_, rest) = source.split_once(&format!("pub trait {port}")).unwrap();
        let (body, _) = rest.split_once("\n}\n").unwrap();
        let lines = body.lines().map(str::trim_start);
        let names = lines.filter_map(|line| {
            line.strip_prefix("async fn ")
                .or(line.strip_prefix("fn "))?
                .split('(')
                .next()
        });
        names.map(str::to_owned).collect()
    }

    /// SEC-02: a journal adds and reads. Nothing in its port changes or removes a record.
    #[test]
    fn sec_02_the_port_neither_changes_nor_removes() {
        let names = methods(include_str!("journal.rs"), "Journal");
        assert_eq!(
            names,
            ["append", "read_from", "head", "keep_snapshot", "snapshot"]
        );
    }
}
