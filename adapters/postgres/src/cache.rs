//! A cache that several programs share, in one table of a server.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ballast_ports::{Cache, Entry, Error, ErrorKind, Lifetime, Result};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::cached_row::{CachedRow, name};
use crate::database::Database;
use crate::refusal::{caused, without};

/// Who has a value to fetch does not wait longer for one that was kept.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// The table, made by whoever comes first; the lock keeps two from making it at once. Nothing here is
/// worth a wait for the disk: what a server that stops forgets is fetched again.
const MANNERS: &str = "SET synchronous_commit = off; SET lock_timeout = '2s'; \
    SET statement_timeout = '4s'; SET client_min_messages = error; \
    BEGIN; SELECT pg_advisory_xact_lock(hashtext('ballast cache')); \
    CREATE SCHEMA IF NOT EXISTS ballastcache; \
    CREATE SEQUENCE IF NOT EXISTS ballastcache.uses_1; \
    CREATE TABLE IF NOT EXISTS ballastcache.entries_1 (name bytea PRIMARY KEY, key bytea NOT NULL, \
      stored_at int8 NOT NULL, expires_at int8 NOT NULL, value bytea NOT NULL, \
      checksum bytea NOT NULL, digest bytea NOT NULL, used int8 NOT NULL); \
    CREATE INDEX IF NOT EXISTS used_1 ON ballastcache.entries_1 (used); COMMIT";

const GET: &str = "UPDATE ballastcache.entries_1 SET used = nextval('ballastcache.uses_1') \
    WHERE name = $1 RETURNING key, stored_at, expires_at, value, checksum, digest";

const PUT: &str = "INSERT INTO ballastcache.entries_1 \
    VALUES ($1, $2, $3, $4, $5, $6, $7, nextval('ballastcache.uses_1')) \
    ON CONFLICT (name) DO UPDATE SET key = excluded.key, stored_at = excluded.stored_at, \
    expires_at = excluded.expires_at, value = excluded.value, checksum = excluded.checksum, \
    digest = excluded.digest, used = excluded.used";

/// One at a time removes what is too much: two that remove the same rows in different orders would
/// wait for each other.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(hashtext('ballast cache bound'))";

const BOUND: &str = "DELETE FROM ballastcache.entries_1 WHERE name IN \
    (SELECT name FROM ballastcache.entries_1 ORDER BY used DESC OFFSET $1)";

const REMOVE: &str = "DELETE FROM ballastcache.entries_1 WHERE name = $1";

/// How much a shared cache keeps, and how far it trusts its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedCacheBounds {
    /// One entry more removes the least recently used, whoever used it. Programs that share a cache
    /// should agree: each holds the table to its own number.
    pub max_entries: NonZeroUsize,
    /// A larger value is refused.
    pub max_value_bytes: usize,
    /// Whether each read takes the checksums of its row.
    pub verify: bool,
}

impl SharedCacheBounds {
    /// `max_entries` of up to 64 MiB, every read verified.
    pub const fn new(max_entries: NonZeroUsize) -> Self {
        Self {
            max_entries,
            max_value_bytes: 64 << 20,
            verify: true,
        }
    }
}

/// Entries in the table `ballastcache.entries_1` of a database, shared by all programs that name it.
///
/// One statement replaces an entry; each read proves its row, unless [`SharedCacheBounds::verify`] is
/// off, and what does not fit is `InvalidData` and never a value. Expiry removes nothing. Nothing is
/// connected before the first call; a connection that fails is `Unavailable` to its call, and the next
/// one connects anew. A dropped call is finished all the same.
#[derive(Clone, Debug)]
pub struct PostgresCache {
    database: Database,
    bounds: SharedCacheBounds,
    connection: Arc<Mutex<Option<Client>>>,
}

/// A call, as it is sent.
enum Question {
    Get(Vec<u8>),
    Put(Vec<u8>, CachedRow, i64),
    Remove(Vec<u8>),
}

/// What came back: a row of `Get`, how many rows of the others.
enum Reply {
    Row(Option<CachedRow>),
    Rows(u64),
}

impl Question {
    const fn operation(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Put(..) => "put",
            Self::Remove(_) => "remove",
        }
    }

    async fn ask(&self, client: &mut Client) -> std::result::Result<Reply, Trouble> {
        match self {
            Self::Get(name) => {
                let row = client.query_opt(GET, &[name]).await?;
                let row = row.as_ref().map(CachedRow::of).transpose();
                row.map(Reply::Row).map_err(Trouble::Refused)
            }
            Self::Put(name, row, max_entries) => {
                let changes = client.transaction().await?;
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
                    name,
                    &row.key,
                    &row.stored_at,
                    &row.expires_at,
                    &row.value,
                    &row.checksum,
                    &row.digest,
                ];
                changes.execute(PUT, &values).await?;
                changes.commit().await?;
                let changes = client.transaction().await?;
                changes.batch_execute(ONE_AT_A_TIME).await?;
                let gone = changes.execute(BOUND, &[max_entries]).await?;
                changes.commit().await?;
                Ok(Reply::Rows(gone))
            }
            Self::Remove(name) => Ok(Reply::Rows(client.execute(REMOVE, &[name]).await?)),
        }
    }
}

/// Why there is no reply.
enum Trouble {
    Failed(tokio_postgres::Error),
    Silent,
    Refused(Error),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(error)
    }
}

impl PostgresCache {
    /// The cache in `database`. Nothing is asked of it yet.
    pub fn new(database: Database, bounds: SharedCacheBounds) -> Self {
        Self {
            database,
            bounds,
            connection: Arc::default(),
        }
    }

    /// Asks in a task of its own, which is finished also when nobody waits for it any more: a
    /// connection is never left in the middle of an answer.
    async fn ask(&self, question: Question) -> Result<Reply> {
        let cache = self.clone();
        let operation = question.operation();
        let asked = tokio::spawn(async move {
            let mut connection = cache.connection.lock().await;
            let answer = timeout(ANSWER_WITHIN, cache.reply(&mut connection, &question)).await;
            let answer = answer.unwrap_or(Err(Trouble::Silent));
            if !matches!(answer, Ok(_) | Err(Trouble::Refused(_))) {
                // Whatever state it is in: the next call makes a new one.
                *connection = None;
            }
            answer.map_err(|trouble| cache.told(operation, trouble))
        });
        asked.await.unwrap_or_else(|e| {
            Err(Error::new(ErrorKind::Unexpected, operation, "a call ended early").caused_by(e))
        })
    }

    async fn reply(
        &self,
        connection: &mut Option<Client>,
        question: &Question,
    ) -> std::result::Result<Reply, Trouble> {
        let open = connection.take().filter(|client| !client.is_closed());
        let client = match open {
            Some(client) => client,
            None => self.connect().await?,
        };
        question.ask(connection.insert(client)).await
    }

    async fn connect(&self) -> std::result::Result<Client, tokio_postgres::Error> {
        let mut config = self.database.config("ballast cache");
        config.connect_timeout(CONNECT_WITHIN);
        let (client, driver) = config.connect(NoTls).await?;
        // It ends with the client, or with an error that the next answer says.
        tokio::spawn(driver);
        client.batch_execute(MANNERS).await?;
        Ok(client)
    }

    fn told(&self, operation: &'static str, trouble: Trouble) -> Error {
        let error = match trouble {
            Trouble::Refused(error) => return error,
            Trouble::Silent => None,
            Trouble::Failed(error) => Some(error),
        };
        let (kind, hint) = advice(error.as_ref().and_then(|e| e.code()));
        let told = Error::new(kind, operation, "the cache's server cannot be used")
            .context("database", self.database.text())
            .hint(hint);
        let hidden = self.database.secret();
        let Some(error) = error else {
            return told.context("server", "no answer in time");
        };
        let told = match error.as_db_error() {
            Some(said) => told.context("server", without(said.message(), hidden)),
            None => told,
        };
        caused(told, error, hidden)
    }
}

fn advice(code: Option<&SqlState>) -> (ErrorKind, &'static str) {
    match code.map(SqlState::code) {
        Some(code) if code.starts_with("28") => (
            ErrorKind::Unauthenticated,
            "check the user in cache.database, the secret postgres_password, and pg_hba.conf; calls go \
             on without the cache",
        ),
        Some("42501") => (
            ErrorKind::Unauthenticated,
            "let the user create a schema in the database; calls go on without the cache",
        ),
        Some("3D000") => (
            ErrorKind::NotFound,
            "make the database first: createdb --owner=USER NAME; calls go on without the cache",
        ),
        _ => (
            ErrorKind::Unavailable,
            "look at the server and its log; calls go on without the cache",
        ),
    }
}

#[async_trait]
impl Cache for PostgresCache {
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let Reply::Row(Some(row)) = self.ask(Question::Get(name(key))).await? else {
            return Ok(None);
        };
        row.into_entry(key, self.bounds.verify).map(Some)
    }

    async fn put(&self, key: &str, value: Vec<u8>, lifetime: Lifetime) -> Result<()> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(ErrorKind::Rejected, "put", message).hint(hint))
        };
        if key.is_empty() {
            return refuse(
                "the key is empty",
                "build the key from the call and all its arguments",
            );
        }
        if value.len() > self.bounds.max_value_bytes {
            return refuse(
                "the value is larger than the cache takes",
                "raise the limit of the cache, or ask for less at once",
            );
        }
        let max_entries = i64::try_from(self.bounds.max_entries.get()).unwrap_or(i64::MAX);
        let row = CachedRow::new(key, value, lifetime);
        self.ask(Question::Put(name(key), row, max_entries)).await?;
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<bool> {
        let reply = self.ask(Question::Remove(name(key))).await?;
        Ok(matches!(reply, Reply::Rows(1..)))
    }
}
