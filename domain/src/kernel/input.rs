//! Everything that can happen to a kernel.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::effect::{BatchId, TimerId};
use crate::instrument::{AssetId, InstrumentId};
use crate::market::{Slice, SplitRatio};
use crate::money::{Cash, Quantity};
use crate::orders::{ClientOrderId, Fill};
use crate::risk::{Mode, ModeScope};
use crate::strategy::Reason;

/// One input of [`step`](super::Kernel::step). Small: what is large is passed by reference.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// All lanes at one close time.
    Slice(&'a Slice<'a>),
    /// Prices between closes, at which targets are sized when sizes are taken at the fill.
    Quotes(&'a Quotes<'a>),
    /// The venue says something.
    Fact(&'a Fact),
    /// A batch of records is durable.
    Persisted(BatchId),
    /// A timer armed by the kernel is due.
    Timer(TimerId),
    /// A person says something.
    Command(&'a Command),
    /// The surroundings changed.
    Health(&'a HealthFact),
}

/// Prices seen at an instant, one a lane; `None` where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Quotes<'a> {
    /// Raw prices in lane order.
    pub prices: &'a [Option<f64>],
}

/// What a venue reports.
///
/// Facts about orders may come late, twice and in any order. Facts about the account (opening,
/// dividend, split, delisting, funding) carry no identity: who delivers them delivers each once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Money is in the account before anything was traded.
    Opening {
        /// In which asset.
        asset: AssetId,
        /// How much.
        amount: Cash,
    },
    /// The venue has the order.
    Accepted {
        /// Which order.
        client_id: ClientOrderId,
    },
    /// The venue refused the order; nothing of it will execute.
    Rejected {
        /// Which order.
        client_id: ClientOrderId,
        /// The venue's words.
        reason: Reason,
    },
    /// The unspent permit came back: the order never left.
    NotSent {
        /// Which order.
        client_id: ClientOrderId,
        /// Why.
        reason: Reason,
    },
    /// The permit is gone and there is no answer.
    OutcomeUnknown {
        /// Which order.
        client_id: ClientOrderId,
        /// What was lost.
        reason: Reason,
    },
    /// Part or all of an order executed.
    Filled(Fill),
    /// The rest of an order was taken back.
    Canceled {
        /// Which order.
        client_id: ClientOrderId,
        /// Why.
        reason: Reason,
    },
    /// The rest of an order ended by time.
    Expired {
        /// Which order.
        client_id: ClientOrderId,
    },
    /// A dividend was paid on what was held; negative on a short.
    Dividend {
        /// On which instrument.
        instrument: InstrumentId,
        /// Cash per unit.
        per_unit: Decimal,
        /// Cash paid.
        amount: Cash,
    },
    /// Units were split or merged.
    Split {
        /// Which instrument.
        instrument: InstrumentId,
        /// New units per old.
        ratio: SplitRatio,
        /// What is held after it.
        quantity: Quantity,
        /// Cash for the fraction that is no whole lot.
        cash_in_lieu: Cash,
    },
    /// The instrument ended; what was held was paid out.
    Delisted {
        /// Which instrument.
        instrument: InstrumentId,
        /// Cash paid.
        amount: Cash,
    },
    /// Funding of a perpetual was exchanged; negative when we pay.
    Funding {
        /// On which instrument.
        instrument: InstrumentId,
        /// In which asset.
        asset: AssetId,
        /// Cash received.
        amount: Cash,
    },
}

impl Fact {
    /// The instrument that an event of the account names; orders know theirs.
    pub const fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Self::Dividend { instrument, .. }
            | Self::Split { instrument, .. }
            | Self::Delisted { instrument, .. }
            | Self::Funding { instrument, .. } => Some(*instrument),
            _ => None,
        }
    }

    /// The asset in which something was paid, if the fact names one.
    pub const fn asset(&self) -> Option<AssetId> {
        match self {
            Self::Opening { asset, .. } | Self::Funding { asset, .. } => Some(*asset),
            Self::Filled(fill) => Some(fill.fee_asset),
            _ => None,
        }
    }

    /// The order the fact is about, if it is about one.
    pub const fn client_id(&self) -> Option<ClientOrderId> {
        match self {
            Self::Accepted { client_id }
            | Self::Rejected { client_id, .. }
            | Self::NotSent { client_id, .. }
            | Self::OutcomeUnknown { client_id, .. }
            | Self::Canceled { client_id, .. }
            | Self::Expired { client_id } => Some(*client_id),
            Self::Filled(fill) => Some(fill.client_id),
            Self::Opening { .. }
            | Self::Dividend { .. }
            | Self::Split { .. }
            | Self::Delisted { .. }
            | Self::Funding { .. } => None,
        }
    }
}

/// What a person orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Sets the mode of a scope; the only way to a more permissive one.
    SetMode {
        /// Where.
        scope: ModeScope,
        /// To what.
        mode: Mode,
        /// Why; recorded for ever.
        reason: String,
    },
}

/// What the surroundings report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthFact {
    /// The wall clock stepped by more than its limit.
    ClockStepped {
        /// By how many nanoseconds.
        nanos: i64,
    },
    /// The path of execution reports is down.
    ExecutionReportsDown,
    /// Records cannot be made durable.
    JournalFailed {
        /// What the journal said.
        reason: String,
    },
    /// The kill switch was thrown; the gate's epoch is already raised.
    Killed {
        /// Why.
        reason: String,
    },
}
