//! The database: its tables, its settings, and whether it is one this program may use.

use std::path::Path;
use std::time::Duration;

use ballast_ports::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};

use ballast_journal::STATE;
use ballast_journal::refusal::damaged;

use crate::refusal::of_sqlite;

/// Number of the schema below, in `user_version`.
pub(crate) const SCHEMA: i64 = 1;
/// "Blst", in `application_id`.
pub(crate) const APPLICATION: i64 = 0x426c_7374;
/// The first SQLite without a race that could lose commits of several connections.
const OLDEST_SQLITE: i32 = 3_051_003;
/// A release of SQLite that was withdrawn.
const WITHDRAWN_SQLITE: i32 = 3_052_000;

/// The tables, in the order they are made. A number above what SQLite can count ends a journal
/// after 9 × 10^18 records.
const TABLES: &[&str] = &[
    "CREATE TABLE about (id INTEGER PRIMARY KEY CHECK (id = 1), account TEXT NOT NULL) STRICT",
    "CREATE TABLE links (number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, note TEXT NOT NULL, \
     last_batch INTEGER NOT NULL, last_record INTEGER NOT NULL, \
     hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT",
    "CREATE TABLE batches (seq INTEGER PRIMARY KEY, link INTEGER NOT NULL, \
     digest INTEGER NOT NULL, last_record INTEGER NOT NULL) STRICT",
    "CREATE TABLE records (seq INTEGER PRIMARY KEY, batch INTEGER NOT NULL, kind TEXT NOT NULL, \
     body BLOB NOT NULL, checksum BLOB NOT NULL CHECK (length(checksum) = 16), once TEXT) STRICT",
    "CREATE UNIQUE INDEX recorded_once ON records (once) WHERE once IS NOT NULL",
    "CREATE TABLE overview (topic TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, \
     PRIMARY KEY (topic, key)) STRICT, WITHOUT ROWID",
    "CREATE TABLE snapshots (batch INTEGER PRIMARY KEY, link INTEGER NOT NULL, \
     state BLOB NOT NULL) STRICT",
];

/// Refuses a SQLite that can lose commits.
pub(crate) fn check_sqlite(version: i32) -> Result<()> {
    if version >= OLDEST_SQLITE && version != WITHDRAWN_SQLITE {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        STATE,
        "this SQLite can lose commits: 3.51.3 or later is needed, and not 3.52.0",
    )
    .context("version", version)
    .hint("build with the bundled SQLite"))
}

/// Opens the database to write it. Settings that were refused are errors: durability is not a wish.
pub(crate) fn open_writer(path: &Path, page_size: Option<u32>) -> Result<Connection> {
    check_sqlite(rusqlite::version_number())?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |e| of_sqlite(e, "the journal cannot be opened").context("path", path.display());
    let conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    (|| {
        conn.busy_timeout(Duration::from_millis(250))?;
        if let Some(size) = page_size {
            conn.pragma_update(None, "page_size", size)?;
        }
        conn.pragma_update(None, "trusted_schema", false)?;
        conn.pragma_update(None, "cell_size_check", true)?;
        conn.pragma_update(None, "mmap_size", 0)?;
        conn.pragma_update(None, "fullfsync", true)?;
        conn.pragma_update(None, "checkpoint_fullfsync", true)?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "temp_store", "MEMORY")
    })()
    .map_err(failed)?;
    let mode: String = conn
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(failed)?;
    let synchronous: i64 = conn
        .query_row("PRAGMA synchronous", [], |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" || synchronous != 2 {
        return Err(Error::new(
            ErrorKind::Unavailable,
            STATE,
            "the disk does not support a durable journal",
        )
        .context("journal_mode", mode)
        .context("synchronous", synchronous)
        .hint("put the account's folder on a local disk"));
    }
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

/// Opens the database to read it, also in a folder that nobody may write.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    check_sqlite(rusqlite::version_number())?;
    let failed = |e| of_sqlite(e, "the journal cannot be opened").context("path", path.display());
    let plain = uri(path);
    match connect(&plain) {
        // A closed journal in a read-only folder: nobody can be writing it, so nothing can change.
        Err(e)
            if matches!(
                e.sqlite_error_code(),
                Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly)
            ) && !has_wal(path) =>
        {
            connect(&format!("{plain}?immutable=1")).map_err(failed)
        }
        other => other.map_err(failed),
    }
}

/// Opens a database that nobody else has, without making a file beside it.
pub(crate) fn open_at_rest(path: &Path) -> Result<Connection> {
    connect(&format!("{}?immutable=1", uri(path)))
        .map_err(|e| of_sqlite(e, "the copy cannot be read").context("path", path.display()))
}

fn connect(uri: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(uri, flags)?;
    conn.busy_timeout(Duration::from_millis(250))?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(conn)
}

/// Whether there are commits beside the database.
pub(crate) fn has_wal(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(name).is_ok_and(|m| m.len() > 0)
}

/// The path as SQLite's URI; every byte that means something there is escaped.
fn uri(path: &Path) -> String {
    let mut text = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                text.push(char::from(*byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// What a database is to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing was ever written.
    Empty,
    /// A journal of this schema.
    Journal,
}

/// Whether the database is a journal this program may use: its schema to the last letter.
///
/// # Errors
/// `Unsupported` for an older or newer schema, `InvalidData` for anything else.
pub(crate) fn judge(conn: &Connection) -> Result<Content> {
    let failed = |e| of_sqlite(e, "the journal cannot be read");
    let pragma = |name: &str| {
        conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0))
            .map_err(failed)
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let mut query = conn
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
        .map_err(failed)?;
    let found: Vec<String> = query
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(failed)?;
    if found.is_empty() && application == 0 && version == 0 {
        return Ok(Content::Empty);
    }
    if application != APPLICATION {
        return Err(damaged("the file is not a journal of Ballast")
            .hint("check the path; if it is the journal, restore the newest backup"));
    }
    if version != SCHEMA {
        return Err(of_other_schema(version));
    }
    if found != TABLES {
        return Err(damaged("the tables are not those of this schema").context("schema", version));
    }
    Ok(Content::Journal)
}

fn of_other_schema(found: i64) -> Error {
    let (what, hint) = if found > SCHEMA {
        (
            "a newer program wrote this journal",
            "use the program that wrote it, or a newer one; this one must not touch it",
        )
    } else {
        (
            "the journal has an older schema than this program reads",
            "export it with the program that wrote it, and begin a new one from the venue's account",
        )
    };
    Error::new(ErrorKind::Unsupported, STATE, what)
        .context("schema", found)
        .context("this program's", SCHEMA)
        .hint(hint)
}

/// Writes the schema into an empty database, inside a transaction.
pub(crate) fn create(conn: &Connection, account: &str) -> rusqlite::Result<()> {
    for table in TABLES {
        conn.execute(table, [])?;
    }
    conn.execute("INSERT INTO about VALUES (1, ?1)", [account])?;
    conn.pragma_update(None, "application_id", APPLICATION)?;
    conn.pragma_update(None, "user_version", SCHEMA)
}

/// The account's name.
pub(crate) fn account(conn: &Connection) -> Result<String> {
    conn.query_row("SELECT account FROM about WHERE id = 1", [], |row| {
        row.get(0)
    })
    .map_err(|e| crate::refusal::unreadable_row("about", e))
}

/// SQLite's own check of its pages and indices.
pub(crate) fn check_pages(conn: &Connection) -> Result<()> {
    let answer: String = conn
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|e| of_sqlite(e, "the journal's pages cannot be checked"))?;
    if answer == "ok" {
        return Ok(());
    }
    Err(damaged("the database is damaged").context("sqlite", answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sqlite_that_keeps_commits_is_used() {
        for (version, accepted) in [
            (3_040_001, false),
            (3_051_002, false),
            (3_051_003, true),
            (3_052_000, false),
            (3_053_000, true),
        ] {
            assert_eq!(check_sqlite(version).is_ok(), accepted, "{version}");
        }
        check_sqlite(rusqlite::version_number()).unwrap();
    }
}
