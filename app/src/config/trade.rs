//! `[trade]`: what `ballast trade` adds to a config. A backtest reads nothing of it.

use serde::{Deserialize, Serialize};

use super::sections::Config;

/// `trade.stage`: what orders are sent to. Each is a capability of its own, never a flag of another.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TradeStage {
    /// A simulated venue.
    #[default]
    Paper,
    /// Everything is decided, judged and recorded, and nothing is sent.
    Shadow,
    /// A real venue, behind every arming switch.
    Live,
}

impl TradeStage {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Shadow => "shadow",
            Self::Live => "live",
        }
    }
}

/// `trade.venue`: who takes the orders.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TradeVenue {
    /// The exchange core in this process, with a memory of its own in the account's folder.
    #[default]
    Simulated,
    /// The exchange core in another process, at `trade.address`. Needs the cargo feature `sandbox`.
    Sandbox,
}

/// `trade.journal`: what keeps the records of the account.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TradeJournal {
    /// A file in the account's folder.
    #[default]
    Sqlite,
    /// The server at `trade.database`. Needs the cargo feature `postgres`.
    Postgres,
}

/// `trade.catch_up`: what becomes of slots that came while nobody traded.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Each is decided, one after the other, as a backtest does.
    #[default]
    Each,
    /// They are shown to the strategy and pass; only the newest bar there is is decided upon.
    Latest,
}

/// `[trade]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trade {
    /// The account's name and folder; `run.name` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What orders are sent to; paper when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<TradeStage>,
    /// Who takes them; the simulated venue when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<TradeVenue>,
    /// Where the sandbox venue is, such as `http://127.0.0.1:8080`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What keeps the records; a file when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<TradeJournal>,
    /// Where the PostgreSQL server is and which database, without a password, such as
    /// `postgresql://ballast@127.0.0.1:5432/trading`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// What becomes of missed slots; each is decided when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<CatchUp>,
    /// What a real venue calls the one account that may be traded; needed for `live` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Trade {
    /// Whether a config says nothing about trading; its canonical text has no such section then.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Config {
    /// The account that `ballast trade` trades.
    pub fn account_name(&self) -> &str {
        self.trade.account.as_deref().unwrap_or(&self.run.name)
    }
}
