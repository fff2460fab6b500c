//! A journal on a slow disk, for drills: each write waits before it is made.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ballast_ports::{BoxStream, Committed, Journal, JournalBatch, JournalRecord, Result, Snapshot};

/// A journal that takes its time over every batch, and is as durable as the one behind it.
#[derive(Debug)]
pub struct SlowJournal {
    inner: Arc<dyn Journal>,
    delay: Duration,
}

impl SlowJournal {
    /// `inner`, with `delay` of machine time before each batch.
    pub const fn new(inner: Arc<dyn Journal>, delay: Duration) -> Self {
        Self { inner, delay }
    }
}

#[async_trait]
impl Journal for SlowJournal {
    async fn append(&self, batch: &JournalBatch) -> Result<Committed> {
        tokio::time::sleep(self.delay).await;
        self.inner.append(batch).await
    }

    fn read_from(&self, seq: u64) -> BoxStream<Result<JournalRecord>> {
        self.inner.read_from(seq)
    }

    async fn head(&self) -> Result<Option<Committed>> {
        self.inner.head().await
    }

    async fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<()> {
        self.inner.keep_snapshot(snapshot).await
    }

    async fn snapshot(&self) -> Result<Option<Snapshot>> {
        self.inner.snapshot().await
    }
}
