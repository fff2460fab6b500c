//! The whole journal, proven: schema, checksums, chain, meaning, overview, snapshots, fence, anchor.

use std::io::Write;
use std::path::Path;
use std::thread;

use ballast_journal::refusal::{check_account, damaged};
use ballast_journal::stored::export_lines;
use ballast_journal::{Audit, STATE, anchor};
use ballast_ports::{Error, ErrorKind, Result};

use crate::database::Password;
use crate::folder;
use crate::schema::{self, Content};
use crate::session::Session;

/// Proves the journal of `account`, whose folder this is, and changes nothing; somebody may be
/// writing it meanwhile.
///
/// # Errors
/// `NotFound` when there is none; `InvalidData` at the first thing that is not as it was written,
/// naming it; `Unsupported` when another program's journal cannot be read by this one; `Config` for a
/// server that promises too little; `Unavailable` when it does not answer.
pub fn audit(folder: &Path, account: &str, password: Password) -> Result<Audit> {
    apart(|| {
        let session = connect(folder, account, password)?;
        let audit = prove(&session, folder);
        session.close();
        audit
    })
}

/// Writes every record of the journal to `to`, one JSON object a line with `seq`, `batch`, `kind` and
/// the body byte for byte; the journal is proven first and again while it is read. Answers what was
/// exported: records that were added meanwhile are not.
///
/// # Errors
/// As [`audit()`]; `Config` when `to` cannot be written, and then the cause is the I/O error.
pub fn export(
    folder: &Path,
    account: &str,
    password: Password,
    to: &mut (dyn Write + Send),
) -> Result<Audit> {
    apart(|| {
        let session = connect(folder, account, password)?;
        let audit = prove(&session, folder)?;
        session.at_one_instant(|| export_lines(&session, &audit, to))?;
        session.close();
        Ok(audit)
    })
}

fn connect(folder: &Path, account: &str, password: Password) -> Result<Session> {
    let database = folder::database(folder, password)?;
    let session = Session::connect(&database, account)?;
    session.run("SET default_transaction_read_only = on")?;
    Ok(session)
}

fn prove(session: &Session, folder: &Path) -> Result<Audit> {
    let before = anchor::read(folder)?;
    if schema::judge(session)? == Content::Empty {
        return Err(damaged("the database holds no journal of the account")
            .context("database", &session.place));
    }
    let account = schema::account(session)?;
    check_account(&account, &session.account)?;
    session.at_one_instant(|| {
        let examined = session.examine()?;
        let after = anchor::read(folder)?;
        examined.compare(session, before, after)?;
        Ok(examined.into_audit(account))
    })
}

/// In a thread of its own, which may wait: whoever calls may be inside a runtime.
fn apart<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|_| {
        Err(
            Error::new(ErrorKind::Unexpected, STATE, "the journal's reader ended")
                .hint("this is a bug; its message is above"),
        )
    })
}
