//! The reader's side of an open journal: a connection of its own.

use std::path::Path;

use ballast_journal::Stored;
use ballast_journal::threads::Closing;
use ballast_ports::Result;
use rusqlite::Connection;

use crate::refusal::{of_sqlite, unreadable_row};
use crate::schema;
use crate::tables::Tables;

/// A connection that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) conn: Connection,
    account: String,
}

impl Reader {
    /// Opens the journal in `folder`.
    pub(crate) fn open(folder: &Path, account: &str) -> Result<Self> {
        let conn = schema::open_reader(&folder.join("journal.db"))?;
        conn.set_prepared_statement_cache_capacity(16);
        Ok(Self {
            conn,
            account: account.to_owned(),
        })
    }

    /// What `look` finds in the tables as of one instant.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&dyn Stored) -> Result<T>) -> Result<T> {
        let read = self
            .conn
            .unchecked_transaction()
            .map_err(|e| unreadable_row("schema", e))?;
        let found = look(&Tables {
            conn: &self.conn,
            account: &self.account,
        });
        drop(read);
        found
    }
}

impl Closing for Reader {
    fn close(self) -> Result<()> {
        self.conn
            .close()
            .map_err(|(_, e)| of_sqlite(e, "the journal cannot be closed"))
    }
}
