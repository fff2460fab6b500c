//! What is written down: enough to explain every order, and to rebuild the account.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::input::{AdjustmentKind, EventId, Fact};
use super::session::Session;
use crate::instrument::{AssetId, InstrumentId};
use crate::market::SplitRatio;
use crate::money::{Cash, Price, Quantity};
use crate::orders::{Cause, ClientOrderId, Fill, Intent, OrderStatus};
use crate::portfolio::{Entry, Leg};
use crate::risk::{Mode, ModeScope, Verdict};
use crate::strategy::{Decision, Reason, State, Target};
use crate::time::Timestamp;

/// One record of the journal. Amounts are units on the scales of their instrument or asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A strategy decided.
    Decision(DecisionRecord),
    /// What a decision means for one instrument.
    Leg(LegRecord),
    /// An order was wanted and judged.
    Intent(IntentRecord),
    /// An order's status changed.
    Order(OrderRecord),
    /// An order executed.
    Fill(FillRecord),
    /// Cash moved for another reason.
    Entry(Entry),
    /// Units were split.
    Split(SplitRecord),
    /// A target was not reached.
    Residual(ResidualRecord),
    /// A mode changed.
    Mode(ModeRecord),
    /// The strategy's memory after a decision.
    State(StateRecord),
    /// A slot was used up without new targets.
    Hold(HoldRecord),
    /// The session with the venue changed.
    Session(SessionRecord),
    /// The venue changed the account without an order of ours.
    Adjustment(AdjustmentRecord),
    /// An execution was taken back; where no record of it came before, it will never be booked.
    Void(FillRecord),
    /// A fact that cannot be booked, kept for a person.
    Orphan(OrphanRecord),
    /// Ours and the venue's position differ and nothing explains it, or no longer do.
    Dispute(DisputeRecord),
    /// The books agreed with the venue's, in every position and balance.
    Agreement(AgreementRecord),
}

/// A slot was used up without new targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// When.
    pub time: Timestamp,
    /// Which slot.
    pub slot: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// The session with the venue changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// When.
    pub time: Timestamp,
    /// To what.
    pub session: Session,
    /// Why.
    pub reason: Reason,
}

/// The venue changed the account without an order of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentRecord {
    /// When we learnt it.
    pub time: Timestamp,
    /// The venue's id of the event; 0 for a correction by a person.
    pub id: EventId,
    /// Why.
    pub kind: AdjustmentKind,
    /// Which instrument, if one is concerned.
    pub instrument: Option<InstrumentId>,
    /// In which asset money moved.
    pub asset: AssetId,
    /// Change of the position.
    pub quantity: Quantity,
    /// Change of cash, fees included.
    pub amount: Cash,
}

/// A fact that cannot be booked, kept for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrphanRecord {
    /// When.
    pub time: Timestamp,
    /// What the venue said.
    pub fact: Fact,
}

/// Ours and the venue's position of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeRecord {
    /// When.
    pub time: Timestamp,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// What our books say.
    pub ours: Quantity,
    /// What the venue says; equal to ours when the dispute is over.
    pub theirs: Quantity,
}

/// The books agreed with the venue's, in every position and balance.
///
/// A restart asks the venue for what happened since shortly before this, and not since the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementRecord {
    /// When we learnt it.
    pub time: Timestamp,
    /// Up to when, by the venue's clock: what happened there until then is booked.
    pub as_of: Timestamp,
}

/// A strategy decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// When its targets took effect.
    pub time: Timestamp,
    /// Number of the decision in the account, from 1.
    pub number: u32,
    /// What it was made for.
    pub cause: Cause,
    /// The slot, or the instant of the command, from which its window runs.
    pub slot: Timestamp,
    /// Equity the targets were valued with.
    pub equity: Cash,
    /// Share of gross exposure with fresh data.
    pub fresh_share: f64,
    /// Whether it led to plans; not when too little data was fresh or no leg was worth a trade.
    pub planned: bool,
    /// What was decided.
    pub decision: Decision,
}

/// What a decision means for one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegRecord {
    /// Number of the decision.
    pub decision: u32,
    /// The account's target over all sleeves; `None` closes.
    pub target: Option<Target>,
    /// Current and target quantity, drift and what became of it.
    pub leg: Leg,
}

/// An order was wanted and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentRecord {
    /// When.
    pub time: Timestamp,
    /// Why it exists.
    pub cause: Cause,
    /// The order.
    pub intent: Intent,
    /// The price it was judged with.
    pub reference: Price,
    /// What the plan wanted before cash and budget cut it.
    pub wanted: Quantity,
    /// What cut it, if anything did.
    pub cut: Option<Cut>,
    /// Whether it is what a limit order left at its deadline, sent at the market by policy.
    #[serde(default, skip_serializing_if = "is_false")]
    pub last_resort: bool,
    /// The verdict of all controls.
    pub verdict: Verdict,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What an addition was cut to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The cash that was left, fees and buffer counted.
    Cash,
    /// What was left of `max_gross`.
    GrossBudget,
    /// What equity less costs still carries at `max_leverage`.
    Margin,
}

impl Cut {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::GrossBudget => "gross_budget",
            Self::Margin => "margin",
        }
    }
}

/// An order's status changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// When we learnt it.
    pub time: Timestamp,
    /// Which order.
    pub client_id: ClientOrderId,
    /// To what.
    pub status: OrderStatus,
    /// How much of it the venue says is executed; its executions may still be on their way.
    pub filled: Quantity,
    /// Why, in the venue's or our words; empty when there is nothing to say.
    pub reason: Reason,
}

/// An order executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FillRecord {
    /// The execution.
    pub fill: Fill,
    /// Profit it realised, before fees.
    pub realised: Cash,
}

/// Units were split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// When.
    pub time: Timestamp,
    /// The venue's id of the event.
    pub id: EventId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// New units per old.
    pub ratio: SplitRatio,
    /// Held before.
    pub before: Quantity,
    /// Held after.
    pub after: Quantity,
}

/// A target was not reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResidualRecord {
    /// When the plan was closed.
    pub time: Timestamp,
    /// Number of the decision.
    pub decision: u32,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// What is missing to the target, signed.
    pub quantity: Quantity,
    /// What cut its addition; `None` when an order was refused, expired or did not fill.
    pub cut: Option<Cut>,
}

/// A mode changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeRecord {
    /// When.
    pub time: Timestamp,
    /// Where.
    pub scope: ModeScope,
    /// To what.
    pub mode: Mode,
    /// Why.
    pub reason: String,
}

/// The strategy's memory after a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateRecord {
    /// When.
    pub time: Timestamp,
    /// The memory.
    pub state: State,
}

impl Record {
    /// Feeds what identifies this record into `digest`.
    pub(super) fn feed(&self, digest: &mut Digest) {
        match self {
            Self::Decision(r) => {
                digest.feed(1, r.time.nanos().cast_unsigned());
                digest.word(u64::from(r.number));
                digest.wide(r.equity.units());
            }
            Self::Leg(r) => {
                digest.feed(2, u64::from(r.leg.instrument.0));
                digest.word(r.leg.current.units().cast_unsigned());
                digest.word(r.leg.target.units().cast_unsigned());
            }
            Self::Intent(r) => {
                digest.feed(3, r.intent.id.0);
                digest.wide(r.intent.client_id.to_bits().cast_signed());
                digest.word(u64::from(r.intent.instrument.0));
                digest.word(r.intent.delta().units().cast_unsigned());
                digest.word(u64::from(r.verdict.passed()));
            }
            Self::Order(r) => {
                digest.feed(4, r.status as u64);
                digest.wide(r.client_id.to_bits().cast_signed());
            }
            Self::Fill(r) => {
                digest.feed(5, r.fill.quantity.units().cast_unsigned());
                digest.wide(r.fill.trade_id.0.cast_signed());
                digest.word(r.fill.price.units().cast_unsigned());
                digest.wide(r.fill.fee.units());
            }
            Self::Entry(r) => {
                digest.feed(6, r.kind as u64);
                digest.wide(r.amount.units());
            }
            Self::Split(r) => {
                digest.feed(7, u64::from(r.instrument.0));
                digest.word(r.after.units().cast_unsigned());
            }
            Self::Residual(r) => {
                digest.feed(8, u64::from(r.instrument.0));
                digest.word(r.quantity.units().cast_unsigned());
            }
            Self::Mode(r) => digest.feed(9, r.mode as u64),
            Self::State(r) => {
                digest.feed(10, r.state.words.len() as u64);
                r.state.words.iter().for_each(|w| digest.word(*w));
            }
            Self::Hold(r) => digest.feed(11, r.slot.nanos().cast_unsigned()),
            Self::Session(r) => digest.feed(12, r.session as u64),
            Self::Adjustment(r) => {
                digest.feed(13, r.kind as u64);
                digest.wide(r.id.0.cast_signed());
                digest.word(r.quantity.units().cast_unsigned());
                digest.wide(r.amount.units());
            }
            Self::Void(r) => {
                digest.feed(14, r.fill.quantity.units().cast_unsigned());
                digest.wide(r.fill.trade_id.0.cast_signed());
            }
            Self::Orphan(r) => digest.feed(15, r.time.nanos().cast_unsigned()),
            Self::Dispute(r) => {
                digest.feed(16, u64::from(r.instrument.0));
                digest.word(r.ours.units().cast_unsigned());
                digest.word(r.theirs.units().cast_unsigned());
            }
            Self::Agreement(r) => digest.feed(17, r.as_of.nanos().cast_unsigned()),
        }
    }
}
