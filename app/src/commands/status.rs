//! `status`: where an account stands after any stop, why, and what to type next.

use std::path::Path;

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{LastDecision, Session};
use ballast_domain::money::Quantity;
use ballast_domain::orders::{ClientOrderId, OrderStatus};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Timestamp;
use ballast_journal::Audit;
use serde::Serialize;

use super::journal::folder_of;
use crate::account_folder::{AccountFolder, Starts, TraderPhase, TraderState};
use crate::alarm::Alarm;
use crate::drivers::RunError;
use crate::exit::Failure;
use crate::wiring::journal;

/// Whether somebody trades the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// A process has the account.
    Running,
    /// The last one ended as it should.
    Stopped,
    /// The last one ended without saying so.
    Crashed,
    /// Nobody ever traded it.
    Never,
}

/// A mode that is not active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tightened {
    /// `account`, `global`, `strategy` or a symbol.
    pub scope: String,
    /// Which.
    pub mode: Mode,
    /// Since when, in trading time.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
}

/// An order that may still change a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOrder {
    /// The id the venue sees.
    pub client_id: ClientOrderId,
    /// What is traded.
    pub symbol: String,
    /// Buy or sell.
    pub side: &'static str,
    /// How much, as a decimal number.
    pub quantity: String,
    /// Of it, executed.
    pub executed: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// Since when, in trading time.
    pub since: Timestamp,
}

/// Where an account stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The account.
    pub account: String,
    /// Its folder.
    pub folder: String,
    /// Whether somebody trades it.
    pub activity: Activity,
    /// The strictest mode over the whole account; the kill switch counts.
    pub mode: Mode,
    /// Why, in one sentence.
    pub why: String,
    /// Why the kill switch is thrown, where it is.
    pub killed: Option<String>,
    /// Whether journal and venue were last found to agree.
    pub session: Option<Session>,
    /// Modes that are not active.
    pub modes: Vec<Tightened>,
    /// Orders whose outcome nobody knows.
    pub unknown_orders: Vec<LeftOrder>,
    /// Orders that work at the venue, or are on their way.
    pub working_orders: Vec<LeftOrder>,
    /// Instruments in which the last decision was not reached.
    pub residuals: usize,
    /// Disputed positions: symbol, ours, theirs.
    pub disputes: Vec<(String, String, String)>,
    /// What is held: symbol, quantity.
    pub positions: Vec<(String, String)>,
    /// The last decision.
    pub last_decision: Option<LastDecision>,
    /// Its age in trading time, in seconds.
    pub last_decision_age_seconds: Option<i64>,
    /// The next instant at which the strategy decides.
    pub next_slot: Option<Timestamp>,
    /// What the trader said of itself last.
    pub trader: Option<TraderState>,
    /// What a person must look at, by its page of the runbook.
    pub alarms: Vec<Alarm>,
    /// How often a trader began, and became active.
    pub starts: Starts,
    /// Records in the journal, all proven.
    pub records: u64,
    /// BLAKE3 of the journal's newest link.
    pub head_hash: String,
    /// What to type next.
    pub next_command: String,
    /// What that does.
    pub next_does: String,
}

/// Looks at an account without changing it; somebody may be trading it.
///
/// # Errors
/// `StateRefused` when the journal cannot be trusted; `Usage` when no account is meant.
pub fn status(home: &Path, account: Option<&Path>) -> Result<Status, Failure> {
    let folder = AccountFolder::at(folder_of(home, account)?);
    // The switch first: what comes after may fail, and then it is in the words of the error.
    let killed = folder.kill_switch().reason();
    let audit = journal::audit(folder.path()).map_err(|e| {
        let e = match &killed {
            Some(reason) => e.context("killed", reason),
            None => e,
        };
        Failure::from(RunError::Port(e))
    })?;
    let trader = folder.trader();
    let activity = activity(&folder, trader.as_ref());
    Ok(put_together(&folder, audit, trader, activity, killed))
}

fn activity(folder: &AccountFolder, trader: Option<&TraderState>) -> Activity {
    match trader {
        _ if folder.is_locked() => Activity::Running,
        None => Activity::Never,
        Some(state) if state.phase == TraderPhase::Stopped => Activity::Stopped,
        Some(_) => Activity::Crashed,
    }
}

fn put_together(
    folder: &AccountFolder,
    audit: Audit,
    trader: Option<TraderState>,
    activity: Activity,
    killed: Option<String>,
) -> Status {
    let symbols = Symbols(trader.as_ref().map_or(&[], |t| &t.symbols));
    let overview = &audit.overview;
    let modes: Vec<Tightened> = overview
        .modes()
        .filter(|line| line.mode > Mode::Active)
        .map(|line| Tightened {
            scope: symbols.scope(line.scope),
            mode: line.mode,
            since: line.time,
            reason: line.reason.clone(),
        })
        .collect();
    let wide = overview
        .modes()
        .filter(|line| !matches!(line.scope, ModeScope::Instrument(_)))
        .map(|line| line.mode)
        .max()
        .unwrap_or_default();
    let mode = if killed.is_some() { Mode::Halted } else { wide };
    let (mut unknown_orders, mut working_orders) = (Vec::new(), Vec::new());
    for (client_id, order) in overview.orders() {
        let left = LeftOrder {
            client_id,
            symbol: symbols.name(order.instrument),
            side: order.side.name(),
            quantity: symbols.quantity(order.instrument, order.quantity),
            executed: symbols.quantity(order.instrument, order.executed),
            status: order.status,
            since: order.time,
        };
        match order.status {
            OrderStatus::Unknown => unknown_orders.push(left),
            // Nobody is there to hear what became of it.
            OrderStatus::Recorded | OrderStatus::Sent if activity != Activity::Running => {
                unknown_orders.push(left);
            }
            _ => working_orders.push(left),
        }
    }
    let last_decision = overview.decision();
    let now = trader.as_ref().map(|t| t.trading_time);
    let age = last_decision
        .zip(now)
        .map(|(d, now)| (now.since(d.slot).nanos() / 1_000_000_000).max(0));
    let mut status = Status {
        account: folder.name().to_owned(),
        folder: folder.path().display().to_string(),
        activity,
        mode,
        why: String::new(),
        killed,
        session: overview.session(),
        unknown_orders,
        working_orders,
        residuals: trader.as_ref().map_or(0, |t| t.residuals),
        disputes: overview
            .disputes()
            .map(|(id, ours, theirs)| {
                let text = |q| symbols.quantity(id, q);
                (symbols.name(id), text(ours), text(theirs))
            })
            .collect(),
        positions: overview
            .positions()
            .map(|(id, quantity)| (symbols.name(id), symbols.quantity(id, quantity)))
            .collect(),
        modes,
        last_decision,
        last_decision_age_seconds: age,
        next_slot: trader.as_ref().and_then(|t| t.next_slot),
        alarms: Vec::new(),
        starts: folder.starts(),
        records: audit.records,
        head_hash: audit.head_hash,
        next_command: String::new(),
        next_does: String::new(),
        trader,
    };
    status.why = why(&status);
    status.alarms = alarms(&status);
    (status.next_command, status.next_does) = next_step(&status, folder);
    status
}

/// What a person must look at: the state of the account first, then how the last session ended.
fn alarms(status: &Status) -> Vec<Alarm> {
    let stop = match status.activity {
        Activity::Stopped => status.trader.as_ref().and_then(|t| t.stop),
        _ => None,
    };
    let mut found = Vec::new();
    let mut note = |is: bool, alarm| {
        if is && !found.contains(&alarm) {
            found.push(alarm);
        }
    };
    note(status.killed.is_some(), Alarm::Killed);
    note(
        status.modes.iter().any(|line| line.mode > Mode::Active) && status.killed.is_none(),
        Alarm::Restricted,
    );
    note(status.activity == Activity::Crashed, Alarm::Crashed);
    note(!status.unknown_orders.is_empty(), Alarm::UnknownOrder);
    note(!status.disputes.is_empty(), Alarm::Disputed);
    note(status.residuals > 0, Alarm::Unreached);
    if let Some(alarm) = stop.and_then(Alarm::of_stop) {
        note(true, alarm);
    }
    found
}

/// The one sentence that explains the state.
fn why(status: &Status) -> String {
    if let Some(reason) = &status.killed {
        return format!("the kill switch is thrown: {reason}");
    }
    if let Some(line) = status.modes.iter().max_by_key(|line| line.mode) {
        return format!("{} is {}: {}", line.scope, line.mode.name(), line.reason);
    }
    let said = status.trader.as_ref();
    match status.activity {
        Activity::Running => "a trader is running".to_owned(),
        Activity::Never => "nobody has traded it yet".to_owned(),
        Activity::Crashed => {
            "the last trader ended without saying so: it was killed, or the machine stopped"
                .to_owned()
        }
        Activity::Stopped => {
            let stop = said.and_then(|t| t.stop).map(|s| s.describe().to_owned());
            let words = said.and_then(|t| t.why.clone());
            match (stop, words) {
                (Some(stop), Some(words)) => format!("{stop}: {words}"),
                (Some(stop), None) => stop,
                (None, Some(words)) => words,
                (None, None) => "the last trader ended".to_owned(),
            }
        }
    }
}

/// What to type, and what it does.
fn next_step(status: &Status, folder: &AccountFolder) -> (String, String) {
    let account = folder.argument();
    let trade = folder.trade_command();
    if status.activity == Activity::Running {
        return (
            format!("ballast kill {account} --reason WHY"),
            "stops it within milliseconds and takes every order off the venue".to_owned(),
        );
    }
    if status.killed.is_some() || status.mode > Mode::Active {
        return (
            format!("ballast resume {account} --reason WHY"),
            "asks the venue, and releases the account only when it agrees with the journal"
                .to_owned(),
        );
    }
    if !status.unknown_orders.is_empty() {
        return (
            trade,
            "asks the venue what became of the unknown orders before anything is added; nothing is \
             sent twice"
                .to_owned(),
        );
    }
    if !status.disputes.is_empty() {
        return (
            format!("ballast journal export {account} --out records.jsonl"),
            "shows every record; find the execution or transfer that explains the difference"
                .to_owned(),
        );
    }
    if status.activity == Activity::Stopped && status.next_slot.is_none() {
        return (
            trade,
            "trades on when newer data are in its source; there is no bar left now".to_owned(),
        );
    }
    (
        trade,
        "recovers, compares with the venue, and trades on where it stopped".to_owned(),
    )
}

/// Names and digits of the instruments, where the trader has said them.
struct Symbols<'a>(&'a [(String, u8)]);

impl Symbols<'_> {
    fn name(&self, id: InstrumentId) -> String {
        self.0
            .get(id.index())
            .map_or_else(|| format!("instrument {}", id.0), |(name, _)| name.clone())
    }

    fn quantity(&self, id: InstrumentId, quantity: Quantity) -> String {
        let known = self.0.get(id.index());
        let decimal = known.and_then(|(_, scale)| quantity.to_decimal(*scale).ok());
        decimal.map_or_else(
            || format!("{} units", quantity.units()),
            |d| d.normalize().to_string(),
        )
    }

    fn scope(&self, scope: ModeScope) -> String {
        match scope {
            ModeScope::Global => "global".to_owned(),
            ModeScope::Account => "account".to_owned(),
            ModeScope::Strategy => "strategy".to_owned(),
            ModeScope::Instrument(id) => self.name(id),
        }
    }
}
