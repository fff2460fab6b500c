//! The journal port over one SQLite file.

use std::collections::VecDeque;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use ballast_domain::kernel::Overview;
use ballast_ports::stream::Stream;
use ballast_ports::{
    BoxStream, Committed, Error, ErrorKind, Journal, JournalBatch, JournalRecord, Result, Snapshot,
};
use tokio::sync::mpsc;

use crate::audit::{Audit, audit};
use crate::backup::BackedUp;
use crate::disk::Disk;
use crate::file_system::{Space, Thresholds};
use crate::refusal::STATE;
use crate::store::Store;
use crate::worker::{Page, Read, Write, ask, start_reader, start_writer};

/// Which journal, and how it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The account's folder; made when it is missing.
    pub(crate) folder: PathBuf,
    /// The account's name; the journal of another one is refused.
    pub(crate) account: String,
    /// The program and its version: recorded with each opening.
    pub(crate) program: String,
    /// Bytes kept back for the day the disk is full: 64 MiB unless set, 0 for none.
    pub(crate) reserve_bytes: u64,
    /// When room counts as low.
    pub(crate) thresholds: Thresholds,
    /// A person's reason to take the records as they are although the anchor does not agree.
    pub(crate) accept: Option<String>,
    /// Bytes of a page of a new database, a power of two from 512 to 65536; 4096 unless set.
    pub(crate) page_size: Option<u32>,
}

impl Options {
    /// The journal of `account` in `folder`, written by `program`.
    pub fn new(
        folder: impl Into<PathBuf>,
        account: impl Into<String>,
        program: impl Into<String>,
    ) -> Self {
        Self {
            folder: folder.into(),
            account: account.into(),
            program: program.into(),
            reserve_bytes: 64 << 20,
            thresholds: Thresholds::default(),
            accept: None,
            page_size: None,
        }
    }

    /// With another reserve for the day the disk is full; 0 for none.
    #[must_use]
    pub const fn with_reserve(mut self, bytes: u64) -> Self {
        self.reserve_bytes = bytes;
        self
    }

    /// With other sizes at which room counts as low.
    #[must_use]
    pub const fn with_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// With pages of so many bytes in a new database, a power of two from 512 to 65536; 4096 unless
    /// set.
    #[must_use]
    pub const fn with_page_size(mut self, bytes: u32) -> Self {
        self.page_size = Some(bytes);
        self
    }
}

/// Takes the records of the journal in `folder` as they are although its anchor is lost, damaged or
/// of another time, and anchors them anew. `reason` is recorded for ever. Nobody may be writing.
///
/// # Errors
/// As [`SqliteJournal::open`], but for the anchor: everything inside the database must still hold.
pub fn accept(folder: &Path, program: &str, reason: &str) -> Result<Audit> {
    let (_, conn) = crate::audit::open(folder)?;
    crate::schema::judge(&conn)?;
    let account = crate::schema::account(&conn)?;
    drop(conn);
    let mut options = Options::new(folder, account, program).with_reserve(0);
    options.accept = Some(reason.to_owned());
    Store::open(options, Disk::real())?.close()?;
    audit(folder)
}

/// A journal open for writing.
///
/// Two threads of its own do the work, one that writes and one that reads; they end with
/// [`SqliteJournal::close`], or after the journal was dropped. Batches that come while one is being
/// written share the next commit.
#[derive(Debug)]
pub struct SqliteJournal {
    folder: PathBuf,
    writer: mpsc::Sender<Write>,
    reader: mpsc::Sender<Read>,
    epoch: u64,
    opened_at: Option<Committed>,
}

impl SqliteJournal {
    /// Opens the journal for writing, or makes it: takes the lock, proves every record, compares
    /// with the anchor, and begins a new epoch of writing.
    ///
    /// # Errors
    /// With the operation [`STATE`]: `Rejected` when another process has it or it is another
    /// account's; `InvalidData` when it is damaged, cut, or older than its anchor; `Unsupported`
    /// when another program's schema or records are in it; `Unauthenticated` when the folder may
    /// not be written; `Config` on a network file system; `Unavailable` when the disk fails or is
    /// full. Nothing that was acknowledged is changed by a refusal.
    pub async fn open(options: Options) -> Result<Self> {
        Self::open_on(options, Disk::real()).await
    }

    pub(crate) async fn open_on(options: Options, disk: Disk) -> Result<Self> {
        let (folder, account) = (options.folder.clone(), options.account.clone());
        let (writer, opening) = start_writer(options, disk)?;
        let opened = opening.await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Unexpected,
                STATE,
                "the journal's writer ended before it began",
            )
            .hint("this is a bug; its message is above"))
        })?;
        let reader = start_reader(&folder, &account)?;
        Ok(Self {
            folder,
            writer,
            reader,
            epoch: opened.epoch,
            opened_at: opened.head,
        })
    }

    /// The account's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How often the journal was opened for writing, this time included: the writer's epoch.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The last batch when it was opened.
    pub const fn opened_at(&self) -> Option<Committed> {
        self.opened_at
    }

    /// The room on its disk, and what it means.
    ///
    /// # Errors
    /// `Unavailable` when the journal is closed.
    pub async fn space(&self) -> Result<Space> {
        ask(&self.writer, Write::Space).await
    }

    /// Where the account stands after all records so far.
    ///
    /// # Errors
    /// `Unavailable` when the journal is closed.
    pub async fn overview(&self) -> Result<Overview> {
        ask(&self.writer, Write::Overview).await
    }

    /// Copies the journal as of now into the folder `to`, which is made, and proves the copy.
    /// Writing goes on meanwhile.
    ///
    /// # Errors
    /// `Rejected` when a journal is there; `InvalidData` when the copy does not verify;
    /// `Unavailable` when it cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<BackedUp> {
        let to = to.to_owned();
        ask(&self.reader, |answer| Read::Backup(to, answer)).await
    }

    /// Ends both threads after what was asked before, and lets go of the lock. Later calls fail.
    ///
    /// # Errors
    /// `Unavailable` when it was closed before, or the database cannot be: what was acknowledged
    /// is durable all the same.
    pub async fn close(&self) -> Result<()> {
        // The last connection to close folds the write-ahead log into the file: the writer's.
        ask(&self.reader, Read::Close).await?;
        ask(&self.writer, Write::Close).await
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(&self, batch: &JournalBatch) -> Result<Committed> {
        let batch = batch.clone();
        ask(&self.writer, |answer| Write::Append(batch, answer)).await
    }

    fn read_from(&self, seq: u64) -> BoxStream<Result<JournalRecord>> {
        Box::pin(Records {
            reader: self.reader.clone(),
            next: seq,
            page: VecDeque::new(),
            asked: None,
            ended: false,
        })
    }

    async fn head(&self) -> Result<Option<Committed>> {
        ask(&self.reader, Read::Head).await
    }

    async fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<()> {
        let snapshot = snapshot.clone();
        ask(&self.writer, |answer| Write::Keep(snapshot, answer)).await
    }

    async fn snapshot(&self) -> Result<Option<Snapshot>> {
        ask(&self.reader, Read::Snapshot).await
    }
}

/// A page on its way.
type Asked = Pin<Box<dyn Future<Output = Result<Page>> + Send>>;

/// Records, a page at a time: a slow reader holds one page and no lock.
struct Records {
    reader: mpsc::Sender<Read>,
    next: u64,
    page: VecDeque<JournalRecord>,
    asked: Option<Asked>,
    ended: bool,
}

impl Stream for Records {
    type Item = Result<JournalRecord>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(record) = this.page.pop_front() {
                this.next = record.seq + 1;
                return Poll::Ready(Some(Ok(record)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            let (reader, from) = (&this.reader, this.next);
            let asked = this.asked.get_or_insert_with(|| {
                let reader = reader.clone();
                Box::pin(async move { ask(&reader, |answer| Read::Page(from, answer)).await })
            });
            let page = match asked.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(page) => page,
            };
            this.asked = None;
            match page {
                Ok(page) => {
                    this.ended = page.is_last;
                    this.page = page.records;
                }
                Err(e) => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(e)));
                }
            }
        }
    }
}
