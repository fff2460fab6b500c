//! `journal replay`: what a session's kernel was told, told to a fresh one, and every answer compared
//! with the journal.

use std::path::{Path, PathBuf};

use ballast_domain::error::Error;
use serde::Serialize;

use super::journal::folder_of;
use super::trade::loaded;
use crate::account_folder::AccountFolder;
use crate::config::{self, Layer};
use crate::drivers::RunError;
use crate::drivers::live::{Goal, Held, Opening, Order, Replayed, Smaller, Speed, Tape, replay};
use crate::engine::Program;
use crate::exit::{Exit, Failure};
use crate::wiring::{self, journal, shrunk};

/// Which sessions to replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// The newest one.
    Newest,
    /// The one with this number: the writer's epoch of the journal.
    Number(u64),
    /// Every one whose tape is kept.
    All,
}

/// What to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayRequest {
    /// The root of everything Ballast keeps.
    pub home: PathBuf,
    /// The account; the only one there is when absent.
    pub account: Option<PathBuf>,
    /// Which of its sessions.
    pub sessions: Sessions,
}

/// Sessions that were replayed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayedSessions {
    /// The account.
    pub account: String,
    /// Oldest first; the first one that differs is the last.
    pub sessions: Vec<Replayed>,
    /// Sessions whose tape has lost its beginning to the limit of disk use.
    pub gone: Vec<u64>,
    /// Records of the journal.
    pub records: u64,
}

impl ReplayedSessions {
    /// How the program ends: a difference means that a kernel contradicts what it did.
    pub fn exit(&self) -> Exit {
        let differs = |session: &Replayed| session.difference.is_some();
        if self.sessions.iter().any(differs) {
            Exit::StateRefused
        } else {
            Exit::Ok
        }
    }
}

/// Replays sessions of an account in lockstep with its journal, which is proven first. Changes
/// nothing, also beside a running trader.
///
/// # Errors
/// `StateRefused` when the journal or a tape is not what was written; `Usage` when there is no such
/// session; `DataRefused` when the data have changed since.
pub fn journal_replay(
    program: &Program<'_>,
    request: &ReplayRequest,
) -> Result<ReplayedSessions, Failure> {
    let folder = AccountFolder::at(folder_of(&request.home, request.account.as_deref())?);
    // Tapes first: a session that begins meanwhile is not among them, and its records are no matter.
    let tapes = Tape::in_folder(&folder.tapes()).map_err(Failure::state)?;
    let stored = journal::records(folder.path()).map_err(|e| Failure::from(RunError::Port(e)))?;
    let whole: Vec<(Tape, Opening)> = tapes
        .iter()
        .filter(|tape| tape.has_beginning())
        .map(|tape| Ok((tape.clone(), tape.opening().map_err(Failure::state)?)))
        .collect::<Result<_, Failure>>()?;
    let wanted = |at: usize, tape: &Tape| match request.sessions {
        Sessions::Newest => at + 1 == whole.len(),
        Sessions::Number(number) => tape.epoch == number,
        Sessions::All => true,
    };
    let mut sessions = Vec::new();
    for (at, (tape, opening)) in whole.iter().enumerate() {
        if !wanted(at, tape) {
            continue;
        }
        // A session has what was recorded before the next one began.
        let next = tapes.iter().find(|other| other.epoch > tape.epoch);
        let next = whole.iter().find(|(other, _)| Some(other) == next);
        let until = next.map_or(stored.len() as u64, |(_, opening)| opening.records);
        let held = Held {
            stored: &stored,
            until,
        };
        let replayed = told_again(program, tape, opening, held)?;
        let differs = replayed.difference.is_some();
        sessions.push(replayed);
        if differs {
            break;
        }
    }
    if sessions.is_empty() {
        let kept: Vec<String> = whole
            .iter()
            .map(|(tape, _)| tape.epoch.to_string())
            .collect();
        return Err(Error::config("there is no tape of that session")
            .context("folder", folder.tapes().display())
            .context("sessions", kept.join(", "))
            .hint("`ballast trade` writes one at each start; the oldest go when 256 MiB are full")
            .into());
    }
    let gone = tapes.iter().filter(|tape| !tape.has_beginning());
    Ok(ReplayedSessions {
        account: folder.name().to_owned(),
        sessions,
        gone: gone.map(|tape| tape.epoch).collect(),
        records: stored.len() as u64,
    })
}

fn told_again(
    program: &Program<'_>,
    tape: &Tape,
    opening: &Opening,
    held: Held<'_>,
) -> Result<Replayed, Failure> {
    let name = format!("the settings of session {}", opening.epoch);
    let settings = config::from_text(&name, &opening.config, Layer::empty(), Path::new(""))?;
    program.engine.check_strategy(&settings.config.strategy)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|e| Error::invariant(format!("no runtime: {e}")))?;
    let what = (Goal::Trade, Order::Nothing, Speed::Max);
    let data = wiring::market_data(&settings.config, &settings.base);
    let data = data.map_err(|e| Failure::from(RunError::Port(e)))?.source;
    let (live, _) = runtime.block_on(loaded(program, &settings.config, data, what))?;
    let strategies = program.engine.strategies();
    let strategy = strategies.make(&settings.config.strategy, &live.instruments)?;
    let degraded: Vec<_> = opening.degraded.iter().map(Smaller::input).collect();
    let strategy = shrunk(strategy, &settings.config, &live.instruments, &degraded)?;
    replay(&live, strategy, tape, held).map_err(Failure::state)
}
