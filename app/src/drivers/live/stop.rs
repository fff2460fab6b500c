//! Why a session ended, and what it leaves behind.

use ballast_domain::kernel::{Fact, ModeLine};
use ballast_domain::orders::{Order, OrderStatus};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::LatencyBucket;
use super::session::Session;
use crate::exit::Exit;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// There is no bar after the last one.
    EndOfData,
    /// One slot was wanted, and it is over.
    Once,
    /// Somebody wanted the program to end.
    Interrupted,
    /// The kill switch was thrown.
    Killed,
    /// A mode allows no orders any more.
    Mode,
    /// Too many orders in a row failed.
    OrdersFail,
    /// What the venue shows and what the journal says were not brought together.
    NotReconciled,
    /// The journal could not be written.
    JournalFailed,
    /// The venue, or its market, does not answer.
    VenueFailed,
    /// A person's command was carried out.
    Commanded,
}

impl Stop {
    /// What it means, in a few words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::EndOfData => "the data end here",
            Self::Once => "one slot was traded, as asked",
            Self::Interrupted => "interrupted",
            Self::Killed => "the kill switch is thrown",
            Self::Mode => "the mode allows no orders",
            Self::OrdersFail => "too many orders in a row failed",
            Self::NotReconciled => "the venue's account and the journal do not agree",
            Self::JournalFailed => "the journal cannot be written",
            Self::VenueFailed => "the venue does not answer",
            Self::Commanded => "the command was carried out",
        }
    }
}

/// What a session did and left.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// Why it ended.
    pub stop: Stop,
    /// In more words, where there are any.
    pub why: Option<String>,
    /// Trading time at the end.
    pub time: Timestamp,
    /// Bars shown to the strategy in this session.
    pub bars: u64,
    /// Decisions that took effect in this session.
    pub decisions: u64,
    /// Orders wanted in this session.
    pub intents: u64,
    /// Of them, refused by risk.
    pub denied: u64,
    /// Orders given to the venue in this session.
    pub sent: u64,
    /// Executions booked in this session.
    pub fills: u64,
    /// Orders whose outcome nobody knows.
    pub unknown: usize,
    /// Orders that still work at the venue.
    pub working: usize,
    /// Instruments in which the last decision was not reached.
    pub residuals: usize,
    /// Instruments whose position is disputed.
    pub disputes: usize,
    /// Equity in the base currency.
    pub equity: f64,
    /// Cash in the base currency.
    pub cash: f64,
    /// Warnings and errors, the newest last.
    pub alerts: Vec<String>,
    /// Milliseconds of machine time from the kill switch's being seen to an empty list of orders;
    /// `None` when it was not thrown.
    pub canceled_in_ms: Option<u64>,
    /// Records that were found, proven and taken back at the start.
    pub recovered: u64,
    /// Those of them that came after the snapshot, and were folded one by one.
    pub folded: u64,
    /// Executions booked in this session by the trading time since their order was given to the venue.
    pub fill_latency: Vec<LatencyBucket>,
}

impl Ended {
    /// How the program ends after it.
    pub const fn exit(&self) -> Exit {
        match self.stop {
            Stop::Killed | Stop::Mode | Stop::OrdersFail => Exit::Refused,
            Stop::JournalFailed => Exit::StateRefused,
            Stop::VenueFailed => Exit::Unavailable,
            Stop::NotReconciled => Exit::Unfinished,
            _ if self.unknown > 0 || self.disputes > 0 => Exit::Unfinished,
            Stop::Interrupted => Exit::Interrupted,
            Stop::Once | Stop::EndOfData if self.residuals > 0 => Exit::Unfinished,
            // The next slot was due before the target was reached.
            Stop::Once if self.working > 0 => Exit::Unfinished,
            Stop::Once | Stop::EndOfData | Stop::Commanded => Exit::Ok,
        }
    }
}

/// Orders by what is left of them: unknown, and still at the venue.
pub(super) fn left_orders<'a>(orders: impl Iterator<Item = &'a Order>) -> (usize, usize) {
    let open = orders.filter(|o| !o.is_complete()).map(Order::status);
    open.fold((0, 0), |(unknown, working), status| match status {
        OrderStatus::Unknown => (unknown + 1, working),
        status if status.is_from_venue() && !status.is_final() => (unknown, working + 1),
        _ => (unknown, working),
    })
}

/// The strictest mode over the whole account, and why.
pub(super) fn strictest(modes: &[ModeLine]) -> Option<(Mode, &str)> {
    modes
        .iter()
        .filter(|line| !matches!(line.scope, ModeScope::Instrument(_)))
        .filter(|line| line.mode > Mode::Active)
        .max_by_key(|line| line.mode)
        .map(|line| (line.mode, line.reason.as_str()))
}

impl Session<'_> {
    /// An order that came back unspent failed like one that was refused, unless that was wanted: after a
    /// kill, and where nothing is to leave at all.
    pub(super) fn count_unsent(&mut self, fact: &Fact) {
        let unsent = matches!(fact, Fact::NotSent { .. });
        let dry_run = self.kernel.gate().is_dry_run();
        if unsent && !dry_run && !self.kill.is_thrown() && self.stop.is_none() {
            self.failed_orders = self.failed_orders.saturating_add(1);
        }
    }

    /// Ends a session whose mode lets nothing leave, and takes off the venue what is there.
    pub(super) fn heed_modes(&mut self) {
        if self.stop.is_some() {
            return;
        }
        let halted = strictest(&self.noted.modes).filter(|(mode, _)| !mode.allows(true));
        if let Some((mode, why)) = halted {
            let why = format!("{}: {why}", mode.name());
            self.begin_canceling();
            self.end(Stop::Mode, Some(why));
        }
    }
}
