//! Whether a server keeps what it acknowledged.

use ballast_journal::STATE;
use ballast_ports::{Error, ErrorKind, Result};

use crate::session::Session;

/// The oldest release that notices a writer which is gone while it works for it
/// (`client_connection_check_interval`).
const OLDEST: i32 = 140_000;

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    version: i32,
    is_replica: bool,
    synchronous_commit: String,
    fsync: String,
    full_page_writes: String,
    encoding: String,
    read_only: String,
}

/// Refuses a server that is too old, a replica, or set to lose what it acknowledged.
///
/// # Errors
/// `Config`, naming the setting and how to change it.
pub(crate) fn check(session: &Session) -> Result<()> {
    let row = session.row(
        "SELECT current_setting('server_version_num')::int4, pg_is_in_recovery(), \
         current_setting('synchronous_commit'), current_setting('fsync'), \
         current_setting('full_page_writes'), current_setting('server_encoding'), \
         current_setting('default_transaction_read_only')",
        &[],
    )?;
    let unreadable = |e| {
        Error::new(
            ErrorKind::Config,
            STATE,
            "the server does not say what it is",
        )
        .caused_by(e)
        .hint("name a PostgreSQL server of release 14 or later")
    };
    let Some(row) = row else {
        return Err(refuse(
            "the server does not say what it is",
            "",
            "name a PostgreSQL server",
        ));
    };
    Server {
        version: row.try_get(0).map_err(unreadable)?,
        is_replica: row.try_get(1).map_err(unreadable)?,
        synchronous_commit: row.try_get(2).map_err(unreadable)?,
        fsync: row.try_get(3).map_err(unreadable)?,
        full_page_writes: row.try_get(4).map_err(unreadable)?,
        encoding: row.try_get(5).map_err(unreadable)?,
        read_only: row.try_get(6).map_err(unreadable)?,
    }
    .judge()
}

/// Refuses a server that has been set, while it runs, to lose what it acknowledges.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_durable(fsync: &str, full_page_writes: &str) -> Result<()> {
    for (name, value) in [("fsync", fsync), ("full_page_writes", full_page_writes)] {
        if value != "on" {
            return Err(refuse(
                "the server loses acknowledged commits when its machine stops",
                &format!("{name} = {value}"),
                "set it on in postgresql.conf and reload the server: ALTER SYSTEM RESET does it for \
                 one that was set by command",
            ));
        }
    }
    Ok(())
}

impl Server {
    fn judge(&self) -> Result<()> {
        if self.version < OLDEST {
            return Err(refuse(
                "the server is too old: release 14 or later is needed",
                &format!("server_version_num = {}", self.version),
                "upgrade the server",
            ));
        }
        if self.is_replica || self.read_only == "on" {
            return Err(refuse(
                "the server is a replica or takes no changes: what it shows may be the past",
                &format!(
                    "pg_is_in_recovery() = {}, default_transaction_read_only = {}",
                    self.is_replica, self.read_only
                ),
                "name the primary server; nothing is ever decided from a replica",
            ));
        }
        if self.synchronous_commit == "off" {
            return Err(refuse(
                "the server acknowledges commits before they are durable",
                "synchronous_commit = off",
                "set synchronous_commit = on for the server, the database or the user",
            ));
        }
        check_durable(&self.fsync, &self.full_page_writes)?;
        if self.encoding != "UTF8" {
            return Err(refuse(
                "the database does not keep every character",
                &format!("server_encoding = {}", self.encoding),
                "make one with createdb --encoding=UTF8 --template=template0",
            ));
        }
        Ok(())
    }
}

fn refuse(what: &str, setting: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Config, STATE, what)
        .context("setting", setting)
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every setting that would lose a commit is refused alone, and named.
    #[test]
    fn a_server_that_promises_too_little_is_refused() {
        let good = Server {
            version: 150_018,
            is_replica: false,
            synchronous_commit: "on".into(),
            fsync: "on".into(),
            full_page_writes: "on".into(),
            encoding: "UTF8".into(),
            read_only: "off".into(),
        };
        good.judge().unwrap();
        let with = |change: fn(&mut Server)| {
            let mut server = good.clone();
            change(&mut server);
            server
        };
        for kept in ["local", "remote_write", "remote_apply"] {
            let mut server = good.clone();
            server.synchronous_commit = kept.into();
            server.judge().unwrap();
        }
        for (server, names) in [
            (with(|s| s.version = 130_022), "130022"),
            (with(|s| s.is_replica = true), "pg_is_in_recovery() = true"),
            (with(|s| s.read_only = "on".into()), "read_only = on"),
            (
                with(|s| s.synchronous_commit = "off".into()),
                "synchronous_commit",
            ),
            (with(|s| s.fsync = "off".into()), "fsync"),
            (
                with(|s| s.full_page_writes = "off".into()),
                "full_page_writes",
            ),
            (with(|s| s.encoding = "SQL_ASCII".into()), "SQL_ASCII"),
        ] {
            let e = server.judge().unwrap_err();
            assert_eq!(e.kind, ErrorKind::Config);
            assert!(
                e.chain().contains(names) && e.advice().is_some(),
                "{}",
                e.chain()
            );
        }
    }
}
