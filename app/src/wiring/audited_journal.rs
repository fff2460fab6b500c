//! A journal of which every durable batch is in the audit log before anybody hears of it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_journal::Acceptance;
use ballast_ports::{
    BoxStream, Committed, Journal, JournalBatch, JournalRecord, Result, Snapshot, stream,
};
use tokio::sync::Mutex;

use crate::audit_log::{AuditLog, Completed};

/// A journal and the audit log beside it.
///
/// A batch is durable first, then its lines are handed to the operating system, then it is echoed: what
/// is not in the audit log is not sent. Lines that cannot be written fail the call like a journal that
/// cannot be: the batch is there, nothing leaves, and the next start writes its lines.
#[derive(Debug)]
pub struct AuditedJournal {
    inner: Arc<dyn Journal>,
    log: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    log: AuditLog,
    /// The last record whose line, if it has one, is written.
    record: u64,
}

impl AuditedJournal {
    /// `inner`, with the audit log at `path` brought up to where it stands.
    ///
    /// # Errors
    /// As [`AuditLog::open`] and `inner`.
    pub async fn open(
        inner: Arc<dyn Journal>,
        path: &Path,
        acceptances: &[Acceptance],
    ) -> Result<(Self, Completed)> {
        let (log, completed) = AuditLog::open(path, inner.as_ref(), acceptances).await?;
        let record = log.record();
        let log = Mutex::new(Written { log, record });
        Ok((Self { inner, log }, completed))
    }
}

#[async_trait]
impl Journal for AuditedJournal {
    async fn append(&self, batch: &JournalBatch) -> Result<Committed> {
        // Held all the while: lines are in the order of their records.
        let mut written = self.log.lock().await;
        let committed = self.inner.append(batch).await?;
        let first = batch.records.first().map_or(0, |record| record.seq);
        if first > written.record + 1 {
            // A call was dropped after its batch was durable.
            let mut records = self.inner.read_from(written.record + 1);
            while let Some(record) = stream::next(&mut records).await {
                let record = record?;
                if record.seq >= first {
                    break;
                }
                written.record = record.seq;
                written.log.append(&[record])?;
            }
        }
        if first > written.record {
            written.record = batch.records.last().map_or(first, |record| record.seq);
            written.log.append(&batch.records)?;
        }
        Ok(committed)
    }

    fn read_from(&self, seq: u64) -> BoxStream<Result<JournalRecord>> {
        self.inner.read_from(seq)
    }

    async fn head(&self) -> Result<Option<Committed>> {
        self.inner.head().await
    }

    async fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<()> {
        // A snapshot says that the lines before it are on the disk: what is missing then was cut.
        self.log.lock().await.log.sync()?;
        self.inner.keep_snapshot(snapshot).await
    }

    async fn snapshot(&self) -> Result<Option<Snapshot>> {
        self.inner.snapshot().await
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use ballast_domain::kernel::{ModeRecord, Record};
    use ballast_domain::risk::{Mode, ModeScope};
    use ballast_domain::time::Timestamp;
    use ballast_memory::MemoryJournal;
    use ballast_ports::ErrorKind;

    use super::*;

    fn batch(seq: u64) -> JournalBatch {
        let record = Record::Mode(ModeRecord {
            time: Timestamp::from_nanos(1_700_000_000_000_000_000),
            scope: ModeScope::Account,
            mode: Mode::ReduceOnly,
            reason: format!("number {seq}"),
        });
        JournalBatch {
            seq,
            digest: seq,
            records: vec![ballast_journal::encode(seq, &record).unwrap()],
        }
    }

    /// An audit log that cannot be written is answered like a journal that cannot be: the batch is durable,
    /// its caller must not send, and the next start writes its lines.
    #[tokio::test]
    async fn a_full_disk_under_the_audit_log_loses_nothing_and_sends_nothing() {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("audit.jsonl");
        let inner: Arc<MemoryJournal> = Arc::new(MemoryJournal::new());
        let port = || Arc::clone(&inner) as Arc<dyn Journal>;
        let (journal, _) = AuditedJournal::open(port(), &file, &[]).await.unwrap();
        journal.append(&batch(1)).await.unwrap();
        journal.log.lock().await.log.fill_its_disk();
        let refused = journal.append(&batch(2)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable, "{refused}");
        assert_eq!(inner.head().await.unwrap().unwrap().seq, 2, "it is durable");
        let refused = journal.append(&batch(3)).await.unwrap_err();
        assert!(refused.to_string().contains("no more lines"), "{refused}");
        let (_, completed) = AuditedJournal::open(port(), &file, &[]).await.unwrap();
        assert_eq!(completed.lines, 2);
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 3);
    }
}
