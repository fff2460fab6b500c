//! `kill`: the switch in an account's folder, thrown without asking anybody.

use std::path::Path;

use ballast_domain::error::Error;
use serde::Serialize;

use super::journal::folder_of;
use crate::account_folder::AccountFolder;
use crate::drivers::RunError;
use crate::exit::Failure;

/// A switch that is thrown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Killed {
    /// The account.
    pub account: String,
    /// The file.
    pub file: String,
    /// Whether this command threw it; else it was thrown before, and keeps its reason.
    pub thrown_now: bool,
    /// Why it is thrown.
    pub reason: String,
    /// Whether a trader is running, which sees it within milliseconds.
    pub trader_runs: bool,
    /// What releases it.
    pub next_command: String,
}

/// Throws the kill switch of an account. The journal is not touched.
///
/// # Errors
/// `Usage` without a reason or an account; else as the file system says.
pub fn kill(home: &Path, account: Option<&Path>, reason: &str) -> Result<Killed, Failure> {
    let reason = required(reason)?;
    let folder = AccountFolder::at(folder_of(home, account)?);
    let switch = folder.kill_switch();
    let thrown_now = switch
        .throw(reason)
        .map_err(|e| Failure::from(RunError::Port(e)))?;
    Ok(Killed {
        account: folder.name().to_owned(),
        file: switch.path().display().to_string(),
        thrown_now,
        reason: switch.reason().unwrap_or_else(|| reason.to_owned()),
        trader_runs: folder.is_locked(),
        next_command: format!("ballast resume {} --reason WHY", folder.argument()),
    })
}

/// A reason that says something.
pub(super) fn required(reason: &str) -> Result<&str, Failure> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::config("a reason is missing")
            .hint("say why with --reason; it is kept for ever")
            .into());
    }
    Ok(reason)
}
