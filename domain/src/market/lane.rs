//! What is known about one instrument in one slice.

use serde::{Deserialize, Serialize};

/// State of a lane (one instrument) at one close time. Only `Present` carries a fresh price.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum LaneState {
    /// A validated bar closed at this time.
    #[default]
    Present,
    /// A bar was expected and did not come; the last value is stale.
    Hole,
    /// The instrument's first bar lies in the future.
    NotListed,
    /// Its calendar has no session that closes at this time.
    Closed,
    /// Trading was suspended.
    Halted,
    /// It no longer exists.
    Delisted,
}

impl LaneState {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Hole => "hole",
            Self::NotListed => "not_listed",
            Self::Closed => "closed",
            Self::Halted => "halted",
            Self::Delisted => "delisted",
        }
    }
}
