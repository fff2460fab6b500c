//! The records as JSON lines, as they were written.

use std::io::{self, Write};
use std::path::Path;

use ballast_ports::{Error, ErrorKind, Result};

use crate::audit::{self, Audit};
use crate::chain::hex;
use crate::refusal::unreadable_row;
use crate::schema;
use crate::walk::{Head, Seen, walk};

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
    let mut failed = None;
    walk(&conn, Head::root(&account), &mut |seen| {
        match seen {
            Seen::Record(record) if record.seq <= audit.records => {
                let mut line = || -> io::Result<()> {
                    write!(
                        to,
                        "{{\"seq\":{},\"batch\":{},\"kind\":\"{}\",\"body\":",
                        record.seq, record.batch, record.kind
                    )?;
                    to.write_all(record.body)?;
                    to.write_all(b"}\n")
                };
                if failed.is_none() {
                    failed = line().err();
                }
            }
            Seen::Record(_) => {}
            Seen::Link { head, .. } => {
                return Ok(failed.is_none() && hex(&head.mark.hash) != audit.head_hash);
            }
        }
        Ok(true)
    })?;
    drop(read);
    if let Some(e) = failed {
        return Err(
            Error::new(ErrorKind::Config, "export", "the records cannot be written")
                .hint("check the file's disk and permissions")
                .caused_by(e),
        );
    }
    Ok(audit)
}
