//! `resume`: back to active, journaled with a person's reason, and only when journal and venue agree.

use std::path::PathBuf;

use ballast_domain::error::Error;
use serde::Serialize;

use super::journal::folder_of;
use super::kill::required;
use super::settings::{self, SettingsRequest};
use super::trade::{Account, Traded};
use crate::account_folder::AccountFolder;
use crate::drivers::live::{Goal, Order, Speed, Stop};
use crate::drivers::{Progress, RunError};
use crate::engine::Program;
use crate::exit::{Exit, Failure};

/// What to release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeRequest {
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
    /// The account; the only one there is when absent.
    pub account: Option<PathBuf>,
    /// Why; recorded for ever.
    pub reason: String,
}

/// An account that may trade again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resumed {
    /// The account.
    pub account: String,
    /// Why.
    pub reason: String,
    /// Why the kill switch was thrown, where it was.
    pub killed: Option<String>,
    /// The session that reconciled and released it.
    pub session: Traded,
    /// What trades on.
    pub next_command: String,
}

/// Releases an account: recovers, reconciles, records every release, then takes the kill switch
/// away.
///
/// # Errors
/// `Usage` without a reason, or when the account was never traded; `Refused` and `Unfinished` when
/// journal and venue do not agree: the switch stays; as [`super::trade::trade`].
pub fn resume(
    program: &Program<'_>,
    request: &ResumeRequest,
    progress: &mut dyn Progress,
) -> Result<Resumed, Failure> {
    let reason = required(&request.reason)?.to_owned();
    let folder = AccountFolder::at(folder_of(&request.home, request.account.as_deref())?);
    let config = folder.config();
    if !config.is_file() {
        return Err(Error::config("this account was never traded")
            .context("path", config.display())
            .hint("start it with `ballast trade CONFIG`")
            .into());
    }
    let settings = SettingsRequest {
        file: Some(config),
        ..SettingsRequest::default()
    };
    let settings = settings::resolve(&settings, program.engine)?;
    let switch = folder.kill_switch();
    let killed = switch.reason();
    let account = Account::new(&settings, folder.home(), false)?;
    let order = Order::Release {
        reason: reason.clone(),
    };
    let what = (Goal::Start, order, Speed::Max);
    let session = account.drive(program, what, progress)?;
    if session.ended.stop != Stop::Commanded || session.ended.disputes > 0 {
        let why = session.ended.why.clone();
        return Err(Failure::new(
            Exit::Unfinished,
            Error::execution("journal and venue do not agree, so nothing was released")
                .context("stop", session.ended.stop.describe())
                .context("why", why.unwrap_or_default())
                .context("disputes", session.ended.disputes)
                .hint("`ballast status` names what differs; settle that first"),
        ));
    }
    // Recorded first, taken away after: a stop in between leaves the account killed.
    switch
        .release()
        .map_err(|e| Failure::from(RunError::Port(e)))?;
    Ok(Resumed {
        account: folder.name().to_owned(),
        reason,
        killed,
        session,
        next_command: folder.trade_command(),
    })
}
