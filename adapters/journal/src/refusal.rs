//! Why a journal is not used, in words that say what to do.

use std::io;
use std::path::Path;

use ballast_ports::{Error, ErrorKind};

/// The operation of every refusal to use what is stored.
pub const STATE: &str = "journal";

/// What to do about a journal that is not what was written.
pub const RESTORE: &str = "keep what is there as evidence, restore the newest backup, and compare \
                           with the venue before trading";

/// What to do about a full disk.
pub const ROOM: &str = "free space on its disk, where journal.reserve may go first, then start again: \
                        nothing acknowledged is lost";

/// What is stored is not what was written.
pub fn damaged(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, STATE, what).hint(RESTORE)
}

/// The file system could not do `what` with `path`.
pub fn of_io(error: io::Error, what: &str, path: &Path) -> Error {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            ErrorKind::NotFound,
            "check the path of the account's folder",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::Unauthenticated,
            "allow this user to read and write the account's folder and the files in it",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            (ErrorKind::Unavailable, ROOM)
        }
        _ => (
            ErrorKind::Unavailable,
            "check free space and the disk, then start again",
        ),
    };
    Error::new(kind, STATE, what)
        .context("path", path.display())
        .hint(hint)
        .caused_by(error)
}

/// Whoever wrote since has taken over: an older writer records nothing.
pub fn taken_over() -> Error {
    Error::new(
        ErrorKind::Rejected,
        STATE,
        "another writer took over the journal",
    )
    .hint("this program must stop: the other one trades the account")
}

/// After a failed write nothing is written any more.
pub fn fail_stop(place: &str, cause: &Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        STATE,
        "the journal failed and takes no more records",
    )
    .context("path", place)
    .caused_by(cause.clone())
    .hint("stop trading and start again: the start finds out what is there")
}

/// The journal of another account is refused.
///
/// # Errors
/// `Rejected` when `found` is not `wanted`.
pub fn check_account(found: &str, wanted: &str) -> ballast_ports::Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Rejected,
        STATE,
        "this is another account's journal",
    )
    .context("account", found)
    .context("wanted", wanted)
    .hint("name the folder of this account"))
}
