//! The journal port over one PostgreSQL server.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use ballast_domain::kernel::Overview;
use ballast_journal::stored::{head, newest_snapshot};
use ballast_journal::threads::{Closing as _, Desk, Records, start_reader, start_writer};
use ballast_journal::{Acceptance, Audit, page};
use ballast_ports::{BoxStream, Committed, Journal, JournalBatch, JournalRecord, Result, Snapshot};

use crate::audit::audit;
use crate::database::{Database, Password};
use crate::folder;
use crate::reader::Reader;
use crate::store::Store;

/// Which journal, and who writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where the records are.
    pub(crate) database: Database,
    /// The account's folder, for the anchor; made when it is missing.
    pub(crate) folder: PathBuf,
    /// The account's name; the journal of another one is refused.
    pub(crate) account: String,
    /// The program and its version: recorded with each opening.
    pub(crate) program: String,
    /// A person's reason to take the records as they are although the anchor does not agree.
    pub(crate) accept: Option<String>,
}

impl Options {
    /// The journal of `account` in `database`, anchored in `folder`, written by `program`.
    pub fn new(
        database: Database,
        folder: impl Into<PathBuf>,
        account: impl Into<String>,
        program: impl Into<String>,
    ) -> Self {
        Self {
            database,
            folder: folder.into(),
            account: account.into(),
            program: program.into(),
            accept: None,
        }
    }
}

/// Takes the records of `account` as they are although the anchor in its folder is lost, damaged or of
/// another time, and anchors them anew. `reason` is recorded for ever. Nobody may be writing.
///
/// # Errors
/// As [`PostgresJournal::open`], but for the anchor: everything inside the database must still hold.
pub fn accept(
    folder: &Path,
    account: &str,
    password: Password,
    program: &str,
    reason: &str,
) -> Result<Audit> {
    let database = folder::database(folder, password.clone())?;
    let mut options = Options::new(database, folder, account, program);
    options.accept = Some(reason.to_owned());
    std::thread::scope(|scope| {
        let store = scope.spawn(|| Store::open(&options)?.close()).join();
        store.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    audit(folder, account, password)
}

/// A journal open for writing.
///
/// Two threads of its own do the work, each with a connection; they end with
/// [`PostgresJournal::close`], or after the journal was dropped. Batches that come while one is being
/// written share the next commit. A connection that fails is not made again: as after a failed disk,
/// nothing is written any more, and the next start reads what is there.
#[derive(Debug)]
pub struct PostgresJournal {
    folder: PathBuf,
    pub(crate) writer: Desk<Store>,
    reader: Desk<Reader>,
    epoch: u64,
    opened_at: Option<Committed>,
    acceptances: Vec<Acceptance>,
}

impl PostgresJournal {
    /// Opens the journal for writing, or makes it: takes the locks, proves every record, compares
    /// with the anchor, and begins a new epoch of writing.
    ///
    /// # Errors
    /// With the operation [`STATE`](crate::STATE): `Rejected` when another process has it or it is
    /// another account's; `InvalidData` when it is damaged, cut, or older than its anchor;
    /// `Unsupported` when another program's schema or records are in it; `Config` for a server that
    /// promises too little; `Unauthenticated` when it does not let this user in; `Unavailable` when
    /// it does not answer. Nothing that was acknowledged is changed by a refusal.
    pub async fn open(options: Options) -> Result<Self> {
        let (database, account) = (options.database.clone(), options.account.clone());
        let folder = options.folder.clone();
        let (writer, opened) = start_writer(move || Store::open(&options)).await?;
        let reader = match start_reader(move || Reader::open(&database, &account)).await {
            Ok(reader) => reader,
            Err(e) => {
                // The locks are free when the refusal is heard.
                let _ = writer.close().await;
                return Err(e);
            }
        };
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

    /// Where the account stands after all records so far.
    ///
    /// # Errors
    /// `Unavailable` when the journal is closed.
    pub async fn overview(&self) -> Result<Overview> {
        self.writer.overview().await
    }

    /// Ends both threads after what was asked before, and lets go of the locks. Later calls fail.
    ///
    /// # Errors
    /// `Unavailable` when it was closed before.
    pub async fn close(&self) -> Result<()> {
        self.reader.close().await?;
        self.writer.close().await
    }
}

#[async_trait]
impl Journal for PostgresJournal {
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
