//! Where an order stands, ordered so that facts only ever move it forward.

use serde::{Deserialize, Serialize};

/// Life of an intent. The order of variants is the order of knowledge: a fact moves a status
/// forward or not at all, so any sequence of the same facts ends in the same status. What the venue
/// says stands above what we concluded, and its last word above its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Judged and written down; the write is not yet durable. Nothing can have left.
    Recorded,
    /// Durable and handed to the send path. From here on silence means `Unknown`.
    Sent,
    /// Whoever held the permit lost it: the order may or may not be at the venue.
    Unknown,
    /// Risk refused it; it never left. Final.
    Denied,
    /// It never left: the unspent permit came back. Final.
    NotSent,
    /// Proven never to have reached the venue: asked after its own expiry, more than once. Final.
    Dead,
    /// The venue acknowledged it.
    Accepted,
    /// Some of it is executed.
    PartiallyFilled,
    /// A cancel is on its way.
    PendingCancel,
    /// The venue refused it. Final.
    Rejected,
    /// The venue ended it by time. Final.
    Expired,
    /// It was taken back, perhaps after partial fills. Final.
    Canceled,
    /// All of it is executed. Final.
    Filled,
}

impl OrderStatus {
    /// Whether the venue had it, whatever became of it.
    pub const fn is_from_venue(self) -> bool {
        matches!(
            self,
            Self::Accepted
                | Self::PartiallyFilled
                | Self::PendingCancel
                | Self::Rejected
                | Self::Expired
                | Self::Canceled
                | Self::Filled
        )
    }

    /// Whether it ended without ever reaching the venue.
    pub const fn never_left(self) -> bool {
        matches!(self, Self::Denied | Self::NotSent | Self::Dead)
    }

    /// Whether no further execution is expected.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Denied
                | Self::NotSent
                | Self::Dead
                | Self::Rejected
                | Self::Expired
                | Self::Canceled
                | Self::Filled
        )
    }

    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::PartiallyFilled => "partially_filled",
            Self::PendingCancel => "pending_cancel",
            Self::Denied => "denied",
            Self::NotSent => "not_sent",
            Self::Dead => "dead",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::Filled => "filled",
        }
    }
}
