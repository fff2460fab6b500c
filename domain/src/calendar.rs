//! Trading calendars (placeholder until the table lands).

use serde::{Deserialize, Serialize};

/// Which sessions a market keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Calendar {
    /// Every UTC day is a session.
    #[serde(rename = "utc_24x7")]
    Utc24x7,
    /// New York Stock Exchange sessions.
    #[serde(rename = "us_equities")]
    UsEquities,
}

impl Calendar {
    /// Whether a session closes at `time`.
    ///
    /// # Errors
    /// None yet.
    pub fn closes_at(self, _time: crate::time::Timestamp) -> crate::error::Result<bool> {
        Ok(true)
    }
}
