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
    /// journal or a batch with this number and other content is there; `Unavailable` when the disk
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
}
