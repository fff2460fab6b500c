//! The records as JSON lines, as they were written.

use std::io::Write;
use std::path::Path;

use ballast_journal::Audit;
use ballast_journal::stored::export_lines;
use ballast_ports::Result;

use crate::audit;
use crate::refusal::unreadable_row;
use crate::schema;
use crate::tables::Tables;

/// Writes every record of the journal in `folder` to `to`, one JSON object a line with `seq`,
/// `batch`, `kind` and the body byte for byte; the journal is proven first and again while it is
/// read. Answers what was exported: records that were added meanwhile are not.
///
/// # Errors
/// As [`audit()`](crate::audit()); `Config` when `to` cannot be written, and then the cause is the I/O error.
pub fn export(folder: &Path, to: &mut dyn Write) -> Result<Audit> {
    let audit = audit::audit(folder)?;
    let (_, conn) = audit::open(folder)?;
    let read = conn
        .unchecked_transaction()
        .map_err(|e| unreadable_row("schema", e))?;
    let account = schema::account(&conn)?;
    let tables = Tables {
        conn: &conn,
        account: &account,
    };
    export_lines(&tables, &audit, to)?;
    drop(read);
    Ok(audit)
}
