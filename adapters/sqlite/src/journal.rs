//! The journal port over one SQLite file.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use ballast_domain::kernel::Overview;
use ballast_journal::stored::{head, newest_snapshot};
use ballast_journal::threads::{Closing as _, Desk, Records, start_reader, start_writer};
use ballast_journal::{Acceptance, Audit, page};
use ballast_ports::{BoxStream, Committed, Journal, JournalBatch, JournalRecord, Result, Snapshot};

use crate::audit::audit;
use crate::backup::{BackedUp, copy};
use crate::disk::Disk;
use crate::file_system::{Space, Thresholds};
use crate::reader::Reader;
use crate::store::Store;

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
    writer: Desk<Store>,
    reader: Desk<Reader>,
    epoch: u64,
    opened_at: Option<Committed>,
    acceptances: Vec<Acceptance>,
}

impl SqliteJournal {
    /// Opens the journal for writing, or makes it: takes the lock, proves every record, compares
    /// with the anchor, and begins a new epoch of writing.
    ///
    /// # Errors
    /// With the operation [`STATE`](crate::STATE): `Rejected` when another process has it or it is another
    /// account's; `InvalidData` when it is damaged, cut, or older than its anchor; `Unsupported`
    /// when another program's schema or records are in it; `Unauthenticated` when the folder may
    /// not be written; `Config` on a network file system; `Unavailable` when the disk fails or is
    /// full. Nothing that was acknowledged is changed by a refusal.
    pub async fn open(options: Options) -> Result<Self> {
        Self::open_on(options, Disk::real()).await
    }

    pub(crate) async fn open_on(options: Options, disk: Disk) -> Result<Self> {
        let (folder, account) = (options.folder.clone(), options.account.clone());
        let (writer, opened) = start_writer(move || Store::open(options, disk)).await?;
        let place = folder.clone();
        let reader = start_reader(move || Reader::open(&place, &account)).await?;
        Ok(Self {
            folder,
            writer,
            reader,
            epoch: opened.epoch,
            opened_at: opened.head,
            acceptances: opened.acceptances,
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

    /// How often a person took the records as they are, oldest first.
    pub fn acceptances(&self) -> &[Acceptance] {
        &self.acceptances
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
        self.writer.ask(|store| Ok(store.space())).await
    }

    /// Where the account stands after all records so far.
    ///
    /// # Errors
    /// `Unavailable` when the journal is closed.
    pub async fn overview(&self) -> Result<Overview> {
        self.writer.overview().await
    }

    /// Copies the journal as of now into the folder `to`, which is made, and proves the copy.
    /// Writing goes on meanwhile.
    ///
    /// # Errors
    /// `Rejected` when a journal is there; `InvalidData` when the copy does not verify;
    /// `Unavailable` when it cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<BackedUp> {
        let to = to.to_owned();
        self.reader
            .ask(move |reader| copy(&reader.conn, &to, &mut Disk::real()))
            .await
    }

    /// Ends both threads after what was asked before, and lets go of the lock. Later calls fail.
    ///
    /// # Errors
    /// `Unavailable` when it was closed before, or the database cannot be: what was acknowledged
    /// is durable all the same.
    pub async fn close(&self) -> Result<()> {
        // The last connection to close folds the write-ahead log into the file: the writer's.
        self.reader.close().await?;
        self.writer.close().await
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(&self, batch: &JournalBatch) -> Result<Committed> {
        self.writer.append(batch).await
    }

    fn read_from(&self, seq: u64) -> BoxStream<Result<JournalRecord>> {
        let reader = self.reader.clone();
        Box::pin(Records::new(reader, seq, |reader, from| {
            reader.read(|stored| page(stored, from))
        }))
    }

    async fn head(&self) -> Result<Option<Committed>> {
        self.reader.ask(|reader| reader.read(head)).await
    }

    async fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<()> {
        self.writer.keep(snapshot).await
    }

    async fn snapshot(&self) -> Result<Option<Snapshot>> {
        self.reader.ask(|reader| reader.read(newest_snapshot)).await
    }
}
