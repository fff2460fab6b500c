//! The whole journal, proven: pages, schema, checksums, chain, meaning, overview, snapshots, anchor.

use std::path::{Path, PathBuf};

use ballast_journal::refusal::damaged;
use ballast_journal::{Audit, STATE, anchor, examine};
use ballast_ports::{Error, ErrorKind, Result};
use rusqlite::Connection;

use crate::refusal::unreadable_row;
use crate::schema::{self, Content};
use crate::tables::Tables;

/// Proves the journal in `folder` and changes nothing; somebody may be writing it meanwhile.
///
/// # Errors
/// `NotFound` when there is none; `InvalidData` at the first thing that is not as it was written,
/// naming it; `Unsupported` when another program's journal cannot be read by this one.
pub fn audit(folder: &Path) -> Result<Audit> {
    let (path, conn) = open(folder)?;
    let before = anchor::read(folder)?;
    let read = conn
        .unchecked_transaction()
        .map_err(|e| unreadable_row("schema", e))?;
    if schema::judge(&conn)? == Content::Empty {
        return Err(damaged("the journal holds nothing").context("path", path.display()));
    }
    schema::check_pages(&conn)?;
    let account = schema::account(&conn)?;
    let tables = Tables {
        conn: &conn,
        account: &account,
    };
    let examined = examine(&tables)?;
    let after = anchor::read(folder)?;
    examined.compare(&tables, before, after)?;
    drop(read);
    Ok(examined.into_audit(account))
}

/// A connection that reads the journal in `folder`.
pub(crate) fn open(folder: &Path) -> Result<(PathBuf, Connection)> {
    let path = folder.join("journal.db");
    if !path.is_file() {
        let missing = Error::new(ErrorKind::NotFound, STATE, "there is no journal here")
            .context("path", path.display());
        return Err(if anchor::path(folder).exists() {
            missing.hint("its anchor is there, so it was lost: restore the newest backup")
        } else {
            missing.hint("name an account's folder, such as ballast-data/accounts/NAME")
        });
    }
    let conn = schema::open_reader(&path)?;
    Ok((path, conn))
}
