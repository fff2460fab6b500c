//! The grammar of `ballast journal`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// Prove every byte of a journal: pages, checksums, hash chain, replayed state, anchor
    Verify {
        /// An account's folder, or its name below HOME/accounts; without it the only one there is
        #[arg(value_name = "ACCOUNT")]
        account: Option<PathBuf>,
    },
    /// Write the records as JSON lines, each body byte for byte as it was recorded
    Export {
        /// An account's folder, or its name below HOME/accounts; without it the only one there is
        #[arg(value_name = "ACCOUNT")]
        account: Option<PathBuf>,
        /// The file, such as records.jsonl
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Tell a session's inputs to a fresh kernel and compare every answer with the journal
    Replay {
        /// An account's folder, or its name below HOME/accounts; without it the only one there is
        #[arg(value_name = "ACCOUNT")]
        account: Option<PathBuf>,
        /// The session's number; without it the newest one
        #[arg(long, value_name = "N", conflicts_with = "all")]
        session: Option<u64>,
        /// Every session whose tape is kept
        #[arg(long)]
        all: bool,
    },
    /// Copy a journal into a new folder and prove the copy; it may be written meanwhile
    Backup {
        /// An account's folder, or its name below HOME/accounts; without it the only one there is
        #[arg(value_name = "ACCOUNT")]
        account: Option<PathBuf>,
        /// A folder without a journal; made when it is missing
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Make an account's journal from a backup and prove both
    Restore {
        /// The folder of the backup
        #[arg(value_name = "BACKUP")]
        backup: PathBuf,
        /// The account's folder, from which the old files were moved away
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Take the records as they are although their anchor is lost or does not agree
    Accept {
        /// An account's folder, or its name below HOME/accounts
        #[arg(value_name = "ACCOUNT")]
        account: PathBuf,
        /// What was compared with what; recorded for ever
        #[arg(long, value_name = "WHY")]
        reason: String,
    },
}
