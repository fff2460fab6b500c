//! Everything that can happen to a kernel.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::effect::{BatchId, TimerId};
use super::report::VenueReport;
use crate::instrument::{AssetId, InstrumentId};
use crate::market::{Slice, SplitRatio};
use crate::money::{Cash, Quantity};
use crate::orders::{ClientOrderId, Fill, OrderReport};
use crate::risk::{Mode, ModeScope};
use crate::strategy::Reason;
use crate::time::Timestamp;

/// One input of [`step`](super::Kernel::step). Small: what is large is passed by reference.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A session begins: ask the venue and compare before anything is added. Backtests, whose
    /// exchange begins with them, do without.
    Start,
    /// All lanes at one close time.
    Slice(&'a Slice<'a>),
    /// Prices between closes, at which targets are sized when sizes are taken at the fill.
    Quotes(&'a Quotes<'a>),
    /// The venue says something.
    Fact(&'a Fact),
    /// The venue shows the whole account.
    Report(&'a VenueReport),
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

/// The venue's id of an event of the account, unique within it for ever. Venues with text ids are
/// mapped by their adapter onto 128 bits of a hash.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EventId(pub u128);

/// Why the venue changed the account without an order of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentKind {
    /// Traded by hand or by another program.
    External,
    /// The venue closed a position for want of margin.
    Liquidation,
    /// The venue closed a position against another account's liquidation.
    AutoDeleveraging,
    /// Money or units were moved in or out.
    Transfer,
    /// Interest or a fee on what is borrowed.
    Borrow,
    /// A kind the adapter does not know; booked as it happened.
    Other,
    /// A person took over the venue's figure where nothing explained it.
    Adopted,
}

impl AdjustmentKind {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Liquidation => "liquidation",
            Self::AutoDeleveraging => "auto_deleveraging",
            Self::Transfer => "transfer",
            Self::Borrow => "borrow",
            Self::Other => "other",
            Self::Adopted => "adopted",
        }
    }
}

/// What a venue reports.
///
/// Facts may come late, twice and in any order: orders and executions are known by their ids,
/// events of the account by theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Money is in the account before anything was traded: once an asset.
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
        /// How much of it had executed, over all its executions.
        filled: Quantity,
        /// Why.
        reason: Reason,
    },
    /// The rest of an order ended by time.
    Expired {
        /// Which order.
        client_id: ClientOrderId,
        /// How much of it had executed, over all its executions.
        filled: Quantity,
    },
    /// The venue did not take an order back; it may be executed, ended or unknown there.
    CancelRejected {
        /// Which order.
        client_id: ClientOrderId,
        /// The venue's words.
        reason: Reason,
    },
    /// What the venue shows of one order, in answer to [`Query::Order`](super::Query::Order).
    Reported(OrderReport),
    /// The venue does not know the order.
    NotFound {
        /// Which order.
        client_id: ClientOrderId,
        /// The venue's instant up to which this is true.
        as_of: Timestamp,
    },
    /// An execution was taken back by the venue.
    Voided(Fill),
    /// The venue changed the account without an order of ours.
    Adjusted {
        /// The venue's id of the event.
        id: EventId,
        /// Why.
        kind: AdjustmentKind,
        /// Which instrument, if one is concerned.
        instrument: Option<InstrumentId>,
        /// In which asset money moved.
        asset: AssetId,
        /// Change of the position.
        quantity: Quantity,
        /// Change of cash, fees included.
        amount: Cash,
    },
    /// A dividend was paid on what was held; negative on a short.
    Dividend {
        /// The venue's id of the event.
        id: EventId,
        /// On which instrument.
        instrument: InstrumentId,
        /// Cash per unit.
        per_unit: Decimal,
        /// Cash paid.
        amount: Cash,
    },
    /// Units were split or merged.
    Split {
        /// The venue's id of the event.
        id: EventId,
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
        /// The venue's id of the event.
        id: EventId,
        /// Which instrument.
        instrument: InstrumentId,
        /// Cash paid.
        amount: Cash,
    },
    /// Funding of a perpetual was exchanged; negative when we pay.
    Funding {
        /// The venue's id of the event.
        id: EventId,
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
            Self::Adjusted { instrument, .. } => *instrument,
            Self::Voided(fill) => Some(fill.instrument),
            Self::Reported(report) => Some(report.instrument),
            _ => None,
        }
    }

    /// The asset in which something was paid, if the fact names one.
    pub const fn asset(&self) -> Option<AssetId> {
        match self {
            Self::Opening { asset, .. }
            | Self::Funding { asset, .. }
            | Self::Adjusted { asset, .. } => Some(*asset),
            Self::Filled(fill) | Self::Voided(fill) => Some(fill.fee_asset),
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
            | Self::Expired { client_id, .. }
            | Self::CancelRejected { client_id, .. }
            | Self::NotFound { client_id, .. } => Some(*client_id),
            Self::Filled(fill) | Self::Voided(fill) => Some(fill.client_id),
            Self::Reported(report) => Some(report.client_id),
            Self::Opening { .. }
            | Self::Dividend { .. }
            | Self::Split { .. }
            | Self::Delisted { .. }
            | Self::Funding { .. }
            | Self::Adjusted { .. } => None,
        }
    }

    /// The venue's id of an event of the account.
    pub const fn event_id(&self) -> Option<EventId> {
        match self {
            Self::Dividend { id, .. }
            | Self::Split { id, .. }
            | Self::Delisted { id, .. }
            | Self::Funding { id, .. }
            | Self::Adjusted { id, .. } => Some(*id),
            _ => None,
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
    /// Closes everything, or one instrument, with reduce-only orders. Passes a suspended strategy,
    /// but no kill.
    Liquidate {
        /// What; `None` is everything.
        instrument: Option<InstrumentId>,
        /// Why; recorded for ever.
        reason: String,
    },
    /// Takes over what the venue holds of an instrument where the two disagree and nothing explains
    /// it: booked as a correction, never as a trade.
    Adopt {
        /// Which instrument.
        instrument: InstrumentId,
        /// Why; recorded for ever.
        reason: String,
    },
    /// Takes over the cash and positions of an account this journal has never seen.
    AdoptAccount {
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
    /// The path of execution reports is down: nothing is sent until it is up and reconciled.
    ExecutionReportsDown,
    /// The path of execution reports is up again.
    ExecutionReportsUp,
    /// Records cannot be made durable.
    JournalFailed {
        /// What the journal said.
        reason: String,
    },
    /// The prices of an instrument are stale, frozen, gapped or crossed: no risk is added on it until
    /// [`HealthFact::FeedUp`]. Not a mode: it ends by itself.
    FeedDown {
        /// Which instrument.
        instrument: InstrumentId,
        /// What is wrong with its feed.
        reason: String,
    },
    /// The prices of an instrument are young and whole again.
    FeedUp {
        /// Which instrument.
        instrument: InstrumentId,
    },
    /// The program itself is unwell, as on a disk without room: no risk is added anywhere until
    /// [`HealthFact::Recovered`], and exits leave. Not a mode: it ends by itself.
    Unwell {
        /// What is wrong.
        reason: String,
    },
    /// Nothing critical is wrong with the program any more.
    Recovered,
    /// The kill switch was thrown; the gate's epoch is already raised.
    Killed {
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Price;
    use crate::orders::{OrderStatus, Side, TradeId};

    /// Whatever a fact names, it can be asked for: an unknown name keeps the fact aside, and an id
    /// that was seen keeps it from being booked twice.
    #[test]
    fn a_fact_says_which_instrument_asset_order_and_event_it_names() {
        let (id, instrument, asset) = (EventId(5), InstrumentId(3), AssetId(2));
        let client_id = ClientOrderId {
            decision: 9,
            ..ClientOrderId::default()
        };
        let (amount, quantity, filled) = (Cash::ZERO, Quantity::ZERO, Quantity::ZERO);
        let reason = || "why".into();
        let fill = Fill {
            time: Timestamp::EPOCH,
            client_id,
            trade_id: TradeId(1),
            instrument,
            side: Side::Buy,
            quantity,
            price: Price::ZERO,
            fee: amount,
            fee_asset: asset,
        };
        let report = OrderReport {
            client_id,
            instrument,
            side: Side::Buy,
            status: OrderStatus::Accepted,
            filled,
        };
        let adjusted = |instrument| Fact::Adjusted {
            id,
            kind: AdjustmentKind::Transfer,
            instrument,
            asset,
            quantity,
            amount,
        };
        let order = |fact: Fact| (fact, [false, false, true, false]);
        #[rustfmt::skip]
        let table = [
            (Fact::Opening { asset, amount }, [false, true, false, false]),
            order(Fact::Accepted { client_id }),
            order(Fact::Rejected { client_id, reason: reason() }),
            order(Fact::NotSent { client_id, reason: reason() }),
            order(Fact::OutcomeUnknown { client_id, reason: reason() }),
            order(Fact::Canceled { client_id, filled, reason: reason() }),
            order(Fact::Expired { client_id, filled }),
            order(Fact::CancelRejected { client_id, reason: reason() }),
            order(Fact::NotFound { client_id, as_of: Timestamp::EPOCH }),
            // An execution's instrument is compared with its order's.
            (Fact::Filled(fill), [false, true, true, false]),
            (Fact::Voided(fill), [true, true, true, false]),
            (Fact::Reported(report), [true, false, true, false]),
            (adjusted(Some(instrument)), [true, true, false, true]),
            (adjusted(None), [false, true, false, true]),
            (Fact::Dividend { id, instrument, per_unit: Decimal::ONE, amount }, [true, false, false, true]),
            (
                Fact::Split { id, instrument, ratio: SplitRatio { new: 2, old: 1 }, quantity, cash_in_lieu: amount },
                [true, false, false, true],
            ),
            (Fact::Delisted { id, instrument, amount }, [true, false, false, true]),
            (Fact::Funding { id, instrument, asset, amount }, [true, true, false, true]),
        ];
        for (fact, [names_instrument, names_asset, names_order, names_event]) in table {
            let expected = (
                names_instrument.then_some(instrument),
                names_asset.then_some(asset),
                names_order.then_some(client_id),
                names_event.then_some(id),
            );
            let found = (
                fact.instrument(),
                fact.asset(),
                fact.client_id(),
                fact.event_id(),
            );
            assert_eq!(found, expected, "{fact:?}");
        }
    }
}
