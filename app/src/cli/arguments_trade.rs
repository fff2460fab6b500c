//! The grammar of `ballast trade`, `status`, `kill` and `resume`.

use std::path::PathBuf;

use clap::Args;

use super::arguments::Settings;
use crate::drivers::live::Speed;

#[derive(Debug, Args)]
pub(super) struct TradeArguments {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// Trade the next slot, then end: for a scheduler
    #[arg(long)]
    pub(super) once: bool,
    /// Seconds of trading time a second, such as 3600, or max
    #[arg(long, value_name = "X", default_value = "max")]
    pub(super) speed: Speed,
    /// Take over what the venue holds, where the journal knows nothing of the account
    #[arg(long, value_name = "WHY")]
    pub(super) adopt_account: Option<String>,
    /// One of the switches of real orders
    #[arg(long)]
    pub(super) live: bool,
    /// Milliseconds that each write of the journal waits, as on a slow disk: for drills
    #[arg(long, value_name = "MS", default_value = "0", hide = true)]
    pub(super) journal_delay_ms: u16,
}

#[derive(Debug, Args)]
pub(super) struct OneAccount {
    /// An account's folder, or its name below HOME/accounts; without it the only one there is
    #[arg(value_name = "ACCOUNT")]
    pub(super) account: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct WithReason {
    #[command(flatten)]
    pub(super) account: OneAccount,
    /// Why; kept for ever
    #[arg(long, value_name = "WHY")]
    pub(super) reason: String,
}
