//! What the account holds: positions, a double-entry ledger, and the way to new targets.

mod account;
mod ledger;
mod position;
mod rebalance;
mod sleeve;

pub use account::{Account, MarginModel};
pub use ledger::{Entry, EntryKind, Ledger, LedgerAccount, Posting};
pub use position::Position;
pub(crate) use rebalance::after_costs;
pub use rebalance::{Budget, Disposition, Leg, Rebalance, Step, ThresholdBase};
pub use sleeve::Sleeves;
