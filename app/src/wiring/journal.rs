//! The journal of an account, in a file of its folder or in a PostgreSQL server.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ballast_domain::kernel::Overview;
use ballast_journal::{Acceptance, Audit};
use ballast_ports::{Error, ErrorKind, Journal, JournalRecord, Result};
use ballast_sqlite::SqliteJournal;
use serde::Deserialize;

use crate::account_folder::AccountFolder;
use crate::config::{Resolved, TradeJournal};

/// The file of a folder whose journal is in PostgreSQL: it says where.
const IN_POSTGRES: &str = "journal.postgres";

/// A journal open for writing.
#[derive(Clone, Debug)]
pub enum AccountJournal {
    /// In a file.
    Sqlite(Arc<SqliteJournal>),
    /// In a server.
    #[cfg(feature = "postgres")]
    Postgres(Arc<ballast_postgres::PostgresJournal>),
}

impl AccountJournal {
    /// Opens the journal that `trade.journal` names, or makes it. `reserve` is what a journal in a file
    /// keeps back for the day the disk is full, in bytes; its own measure when `None`.
    ///
    /// # Errors
    /// As the adapter's `open`; `Config` for a server in a program without PostgreSQL.
    pub async fn open(
        settings: &Resolved,
        folder: &AccountFolder,
        program: &str,
        reserve: Option<u64>,
    ) -> Result<Self> {
        match settings.config.trade.journal.unwrap_or_default() {
            TradeJournal::Sqlite if is_in_postgres(folder.path()) => Err(Error::new(
                ErrorKind::Rejected,
                ballast_journal::STATE,
                "the journal of this account is in PostgreSQL",
            )
            .context("path", folder.path().join(IN_POSTGRES).display())
            .hint("set trade.journal = \"postgres\" and trade.database, or trade another account")),
            TradeJournal::Sqlite => {
                let mut options =
                    ballast_sqlite::Options::new(folder.path(), folder.name(), program);
                if let Some(bytes) = reserve {
                    options = options.with_reserve(bytes);
                }
                Ok(Self::Sqlite(Arc::new(SqliteJournal::open(options).await?)))
            }
            #[cfg(feature = "postgres")]
            TradeJournal::Postgres => server::open(settings, folder, program).await,
            #[cfg(not(feature = "postgres"))]
            TradeJournal::Postgres => Err(built_without()),
        }
    }

    /// The journal, for whoever reads and appends.
    pub fn port(&self) -> Arc<dyn Journal> {
        match self {
            Self::Sqlite(journal) => Arc::clone(journal) as _,
            #[cfg(feature = "postgres")]
            Self::Postgres(journal) => Arc::clone(journal) as _,
        }
    }

    /// How often it was opened for writing, this time included: the writer's epoch.
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Sqlite(journal) => journal.epoch(),
            #[cfg(feature = "postgres")]
            Self::Postgres(journal) => journal.epoch(),
        }
    }

    /// How often a person took the records as they are, oldest first.
    pub fn acceptances(&self) -> &[Acceptance] {
        match self {
            Self::Sqlite(journal) => journal.acceptances(),
            #[cfg(feature = "postgres")]
            Self::Postgres(journal) => journal.acceptances(),
        }
    }

    /// Where the account stands after all records so far.
    ///
    /// # Errors
    /// `Unavailable` when the journal is closed.
    pub async fn overview(&self) -> Result<Overview> {
        match self {
            Self::Sqlite(journal) => journal.overview().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(journal) => journal.overview().await,
        }
    }

    /// Lets go of it. What was acknowledged is durable all the same.
    ///
    /// # Errors
    /// `Unavailable` when it was closed before, or cannot be.
    pub async fn close(&self) -> Result<()> {
        match self {
            Self::Sqlite(journal) => journal.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(journal) => journal.close().await,
        }
    }
}

/// Whether a folder is that of an account with a journal, wherever that is.
pub fn has_journal(folder: &Path) -> bool {
    folder.join("journal.db").exists() || is_in_postgres(folder)
}

fn is_in_postgres(folder: &Path) -> bool {
    folder.join(IN_POSTGRES).is_file()
}

/// Proves the journal of the account in `folder` and changes nothing.
///
/// # Errors
/// As the adapter's `audit`; `Config` for a server in a program without PostgreSQL.
pub fn audit(folder: &Path) -> Result<Audit> {
    if !is_in_postgres(folder) {
        return ballast_sqlite::audit(folder);
    }
    #[cfg(feature = "postgres")]
    return server::audit(folder);
    #[cfg(not(feature = "postgres"))]
    Err(built_without())
}

/// Writes every record as a line of JSON to `to`.
///
/// # Errors
/// As [`audit`]; `Config` when `to` cannot be written.
pub fn export(folder: &Path, to: &mut (dyn Write + Send)) -> Result<Audit> {
    if !is_in_postgres(folder) {
        return ballast_sqlite::export(folder, to);
    }
    #[cfg(feature = "postgres")]
    return server::export(folder, to);
    #[cfg(not(feature = "postgres"))]
    Err(built_without())
}

/// A line of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The record, byte for byte.
    pub record: JournalRecord,
    /// The number of its batch.
    pub batch: u64,
}

impl Exported {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// `Unexpected` for a line that no export writes.
    pub fn read(line: &[u8]) -> Result<Self> {
        /// A line without its body.
        #[derive(Deserialize)]
        struct Head {
            seq: u64,
            batch: u64,
            kind: String,
        }
        const BODY: &[u8] = b",\"body\":";
        let read = || {
            let at = line.windows(BODY.len()).position(|part| part == BODY)?;
            let mut head = line[..at].to_vec();
            head.push(b'}');
            let Head { seq, batch, kind } = serde_json::from_slice(&head).ok()?;
            let body = line.get(at + BODY.len()..line.len() - 1)?.to_vec();
            let record = JournalRecord { seq, kind, body };
            Some(Self { record, batch })
        };
        read()
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, "export", "an exported line is none"))
    }
}

/// Every record, byte for byte, proven on the way.
///
/// # Errors
/// As [`audit`].
pub fn records(folder: &Path) -> Result<Vec<JournalRecord>> {
    let mut text = Vec::new();
    export(folder, &mut text)?;
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(|line| Ok(Exported::read(line)?.record)).collect()
}

/// Takes the records as they are although the anchor does not agree.
///
/// # Errors
/// As [`audit`], but for the anchor.
pub fn accept(folder: &Path, program: &str, reason: &str) -> Result<Audit> {
    if !is_in_postgres(folder) {
        return ballast_sqlite::accept(folder, program, reason);
    }
    #[cfg(feature = "postgres")]
    return server::accept(folder, program, reason);
    #[cfg(not(feature = "postgres"))]
    Err(built_without())
}

/// Only a journal in a file is copied by this program: a server has its own way.
///
/// # Errors
/// `Unsupported` for a journal in PostgreSQL.
pub fn check_copied_here(folder: &Path) -> Result<()> {
    if !is_in_postgres(folder) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "backup",
        "a journal in PostgreSQL is copied by the server's own programs",
    )
    .context("path", folder.display())
    .hint(
        "copy journal.anchor first, then: pg_dump --schema='\"ballast_ACCOUNT\"' DATABASE; \
         docs/operations.md has both ways",
    ))
}

#[cfg(not(feature = "postgres"))]
fn built_without() -> Error {
    Error::new(
        ErrorKind::Config,
        "connect",
        "this program was built without PostgreSQL",
    )
    .context("key", "trade.journal")
    .hint("build it with the cargo feature postgres, or use trade.journal = \"sqlite\"")
}

#[cfg(feature = "postgres")]
mod server {
    use ballast_postgres::{Database, Options, Password, PostgresJournal};
    use ballast_secrets::FolderSecrets;

    use super::*;
    use crate::config::{self, Layer};
    use crate::wiring::secrets::{database_password, database_password_in};

    pub(super) async fn open(
        settings: &Resolved,
        folder: &AccountFolder,
        program: &str,
    ) -> Result<AccountJournal> {
        let address = settings
            .config
            .trade
            .database
            .as_deref()
            .unwrap_or_default();
        let password = database_password(settings, folder.home()).await?;
        let database = Database::new(address, password)?;
        let options = Options::new(database, folder.path(), folder.name(), program);
        let journal = PostgresJournal::open(options).await?;
        Ok(AccountJournal::Postgres(Arc::new(journal)))
    }

    pub(super) fn audit(folder: &Path) -> Result<Audit> {
        let (account, password) = known(folder)?;
        ballast_postgres::audit(folder, account.name(), password)
    }

    pub(super) fn export(folder: &Path, to: &mut (dyn Write + Send)) -> Result<Audit> {
        let (account, password) = known(folder)?;
        ballast_postgres::export(folder, account.name(), password, to)
    }

    pub(super) fn accept(folder: &Path, program: &str, reason: &str) -> Result<Audit> {
        let (account, password) = known(folder)?;
        ballast_postgres::accept(folder, account.name(), password, program, reason)
    }

    /// The account of a folder, and the password by the settings it was last traded with.
    fn known(folder: &Path) -> Result<(AccountFolder, Password)> {
        let account = AccountFolder::at(folder.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::new(ErrorKind::Unexpected, "secret", "no runtime").caused_by(e))?;
        let password = match config::read(&account.config(), Layer::empty()) {
            Ok(settings) => runtime.block_on(database_password(&settings, account.home())),
            // It was never traded, or by another program: the folder of the home is the usual one.
            Err(_) => {
                let usual = FolderSecrets::new(account.home().join("secrets"));
                runtime.block_on(database_password_in(Arc::new(usual)))
            }
        }?;
        Ok((account, password))
    }
}
