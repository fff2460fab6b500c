//! The reader's side of an open journal: a connection of its own, to the same server.

use ballast_journal::Stored;
use ballast_journal::threads::Closing;
use ballast_ports::Result;

use crate::database::Database;
use crate::session::Session;

/// A connection that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    session: Session,
}

impl Reader {
    /// Connects.
    pub(crate) fn open(database: &Database, account: &str) -> Result<Self> {
        let session = Session::connect(database, account)?;
        session.run("SET default_transaction_read_only = on")?;
        Ok(Self { session })
    }

    /// What `look` finds in the tables as of one instant.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&dyn Stored) -> Result<T>) -> Result<T> {
        self.session.at_one_instant(|| look(&self.session))
    }
}

impl Closing for Reader {
    fn close(self) -> Result<()> {
        self.session.close();
        Ok(())
    }
}
