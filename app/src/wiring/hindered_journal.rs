//! A journal in whose way something stands: a slow disk, for drills, or one that fails, for tests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ballast_ports::{BoxStream, Committed, Journal, JournalBatch, JournalRecord, Result, Snapshot};

/// What is waited for before a batch is made durable.
pub type Hindrance = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A journal that waits before every batch, and is as durable as the one behind it.
pub struct HinderedJournal {
    inner: Arc<dyn Journal>,
    before: Box<dyn Fn(&JournalBatch) -> Hindrance + Send + Sync>,
}

impl HinderedJournal {
    /// `inner`, which gets a batch once what `before` makes of it is over, unless that fails.
    pub fn new(
        inner: Arc<dyn Journal>,
        before: impl Fn(&JournalBatch) -> Hindrance + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner,
            before: Box::new(before),
        }
    }

    /// `inner`, with `delay` of machine time before each batch.
    pub fn slow(inner: Arc<dyn Journal>, delay: Duration) -> Self {
        Self::new(inner, move |_| {
            Box::pin(async move {
                tokio::time::sleep(delay).await;
                Ok(())
            })
        })
    }
}

impl fmt::Debug for HinderedJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HinderedJournal").field(&self.inner).finish()
    }
}

#[async_trait]
impl Journal for HinderedJournal {
    async fn append(&self, batch: &JournalBatch) -> Result<Committed> {
        (self.before)(batch).await?;
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
