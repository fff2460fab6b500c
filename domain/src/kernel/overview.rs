//! Where an account stands by its records alone: what a person asks after any stop.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::record::{IntentRecord, OrderRecord, Record};
use super::session::Session;
use crate::instrument::InstrumentId;
use crate::market::SplitRatio;
use crate::money::Quantity;
use crate::orders::{ClientOrderId, Fill, OrderStatus, Side, TradeId};
use crate::portfolio::EntryKind;
use crate::risk::{Mode, ModeScope};
use crate::time::Timestamp;

/// Ended orders and their executions are forgotten beyond this many orders, oldest first. Records come of
/// orders that a kernel remembers, which are fewer: [`Settings::remembered_orders`](super::Settings).
const REMEMBERED: usize = 32_768;

/// An order that may still change the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much was ordered, a magnitude in units.
    pub quantity: Quantity,
    /// How much is executed by the executions recorded, those taken back included.
    pub executed: Quantity,
    /// How much the venue says is executed, where it says more.
    pub reported: Quantity,
    /// Where it stands.
    pub status: OrderStatus,
    /// When that was learnt.
    pub time: Timestamp,
}

impl OpenOrder {
    /// Whether it ended and all its executions are recorded.
    pub fn is_complete(&self) -> bool {
        self.status.is_final() && self.reported <= self.executed
    }

    /// What may still change the position, by the kernel's own reckoning of an order.
    pub fn open_quantity(&self) -> Quantity {
        if self.status.is_final() {
            self.reported.max(self.executed) - self.executed
        } else {
            (self.quantity - self.executed).max(Quantity::ZERO)
        }
    }

    fn execute(&mut self, quantity: Quantity) {
        self.executed += quantity;
        if self.executed >= self.quantity {
            self.status = OrderStatus::Filled;
        } else if self.status.never_left() || !self.status.is_final() {
            self.status = self.status.max(OrderStatus::PartiallyFilled);
        }
    }

    /// By whole units: what is less than a lot is left to the kernel, which knows the lot.
    fn rescale(&mut self, ratio: SplitRatio) {
        let rescale = |q| ratio.apply(q, Quantity::from_units(1));
        let remaining = rescale((self.quantity - self.executed).max(Quantity::ZERO));
        self.executed = rescale(self.executed);
        self.reported = rescale(self.reported);
        self.quantity = self.executed + remaining;
    }
}

/// A mode and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeLine {
    /// Where.
    pub scope: ModeScope,
    /// Which.
    pub mode: Mode,
    /// Since when.
    pub time: Timestamp,
    /// Why.
    pub reason: String,
}

/// The last decision that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDecision {
    /// Its number in the account.
    pub number: u32,
    /// Its slot, or the instant of the command.
    pub slot: Timestamp,
    /// When it took effect.
    pub time: Timestamp,
}

/// A line of an overview; together they are all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// The last decision.
    Decision,
    /// The session with the venue.
    Session,
    /// The mode of a scope; scopes without a record are active.
    Mode(ModeScope),
    /// The position in an instrument; none when it is zero.
    Position(InstrumentId),
    /// An instrument whose position is disputed.
    Dispute(InstrumentId),
    /// An order that may still change the position.
    Order(ClientOrderId),
}

/// Mode, session, last decision, positions, disputes and open orders, worked out from the records
/// and nothing else.
///
/// A summary for people and for a second opinion: the kernel decides from its own books, which the
/// same records restore. The two agree, but for what works of an order through a split that leaves
/// less than a lot: that the kernel alone knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    decision: Option<LastDecision>,
    session: Option<Session>,
    modes: BTreeMap<ModeScope, ModeLine>,
    positions: BTreeMap<InstrumentId, Quantity>,
    disputes: BTreeMap<InstrumentId, (Quantity, Quantity)>,
    /// Ended ones too: the venue may bring one back.
    orders: BTreeMap<ClientOrderId, OpenOrder>,
    /// Their ids, oldest first.
    arrived: VecDeque<ClientOrderId>,
    /// Executions booked or taken back, of the orders above.
    trades: BTreeSet<(ClientOrderId, TradeId)>,
}

impl Overview {
    /// Of an account without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next record, and notes in `changed` which lines it may have changed.
    pub fn take(&mut self, record: &Record, changed: &mut BTreeSet<Line>) {
        match record {
            Record::Decision(r) => {
                self.decision = Some(LastDecision {
                    number: r.number,
                    slot: r.slot,
                    time: r.time,
                });
                changed.insert(Line::Decision);
            }
            Record::Intent(r) => self.wanted(r, changed),
            Record::Order(r) => self.learnt(r, changed),
            Record::Fill(r) => {
                self.trades.insert((r.fill.client_id, r.fill.trade_id));
                self.moved(r.fill.instrument, r.fill.delta(), changed);
                self.executed(&r.fill, changed);
            }
            Record::Void(r) => {
                let seen = !self.trades.insert((r.fill.client_id, r.fill.trade_id));
                if seen {
                    self.moved(r.fill.instrument, -r.fill.delta(), changed);
                } else {
                    self.executed(&r.fill, changed);
                }
            }
            Record::Adjustment(r) => {
                if let Some(id) = r.instrument {
                    self.moved(id, r.quantity, changed);
                }
            }
            Record::Split(r) => {
                self.set_position(r.instrument, r.after, changed);
                for (id, order) in &mut self.orders {
                    if order.instrument == r.instrument {
                        order.rescale(r.ratio);
                        changed.insert(Line::Order(*id));
                    }
                }
            }
            Record::Entry(r) => {
                if let (EntryKind::Delisting, Some(id)) = (r.kind, r.instrument) {
                    self.set_position(id, Quantity::ZERO, changed);
                }
            }
            Record::Mode(r) => {
                let line = ModeLine {
                    scope: r.scope,
                    mode: r.mode,
                    time: r.time,
                    reason: r.reason.clone(),
                };
                self.modes.insert(r.scope, line);
                changed.insert(Line::Mode(r.scope));
            }
            Record::Session(r) => {
                self.session = Some(r.session);
                changed.insert(Line::Session);
            }
            Record::Dispute(r) => {
                if r.ours == r.theirs {
                    self.disputes.remove(&r.instrument);
                } else {
                    self.disputes.insert(r.instrument, (r.ours, r.theirs));
                }
                changed.insert(Line::Dispute(r.instrument));
            }
            Record::Leg(_)
            | Record::Residual(_)
            | Record::State(_)
            | Record::Hold(_)
            | Record::Orphan(_)
            | Record::Agreement(_) => {}
        }
    }

    fn wanted(&mut self, r: &IntentRecord, changed: &mut BTreeSet<Line>) {
        // One that risk refused is kept as well: the venue may have it all the same.
        let status = if r.verdict.passed() {
            OrderStatus::Recorded
        } else {
            OrderStatus::Denied
        };
        let order = OpenOrder {
            instrument: r.intent.instrument,
            side: r.intent.side,
            quantity: r.intent.quantity,
            executed: Quantity::ZERO,
            reported: Quantity::ZERO,
            status,
            time: r.time,
        };
        if self.orders.insert(r.intent.client_id, order).is_none() {
            self.arrived.push_back(r.intent.client_id);
        }
        changed.insert(Line::Order(r.intent.client_id));
        self.forget();
    }

    /// Forgets the oldest orders, up to one that has a line.
    fn forget(&mut self) {
        while self.arrived.len() > REMEMBERED
            && let Some(id) = self.arrived.front().copied()
            && self.orders.get(&id).is_none_or(OpenOrder::is_complete)
        {
            self.arrived.pop_front();
            self.orders.remove(&id);
            let its = (id, TradeId(0))..=(id, TradeId(u128::MAX));
            let its: Vec<_> = self.trades.range(its).copied().collect();
            for trade in its {
                self.trades.remove(&trade);
            }
        }
    }

    fn learnt(&mut self, r: &OrderRecord, changed: &mut BTreeSet<Line>) {
        let Some(order) = self.orders.get_mut(&r.client_id) else {
            return;
        };
        order.status = r.status;
        order.reported = order.reported.max(r.filled);
        order.time = r.time;
        changed.insert(Line::Order(r.client_id));
    }

    fn executed(&mut self, fill: &Fill, changed: &mut BTreeSet<Line>) {
        if let Some(order) = self.orders.get_mut(&fill.client_id) {
            order.execute(fill.quantity);
            order.time = order.time.max(fill.time);
            changed.insert(Line::Order(fill.client_id));
        }
    }

    fn moved(&mut self, id: InstrumentId, change: Quantity, changed: &mut BTreeSet<Line>) {
        let after = self.position(id) + change;
        self.set_position(id, after, changed);
    }

    fn set_position(&mut self, id: InstrumentId, to: Quantity, changed: &mut BTreeSet<Line>) {
        if to.is_zero() {
            self.positions.remove(&id);
        } else {
            self.positions.insert(id, to);
        }
        changed.insert(Line::Position(id));
    }

    /// The last decision that took effect.
    pub const fn decision(&self) -> Option<LastDecision> {
        self.decision
    }

    /// The session, by the last record of one.
    pub const fn session(&self) -> Option<Session> {
        self.session
    }

    /// The scopes whose mode was recorded.
    pub fn modes(&self) -> impl Iterator<Item = &ModeLine> {
        self.modes.values()
    }

    /// What is held of an instrument.
    pub fn position(&self, id: InstrumentId) -> Quantity {
        self.positions.get(&id).copied().unwrap_or_default()
    }

    /// Everything held.
    pub fn positions(&self) -> impl Iterator<Item = (InstrumentId, Quantity)> {
        self.positions.iter().map(|(id, quantity)| (*id, *quantity))
    }

    /// Disputed instruments: our position and the venue's.
    pub fn disputes(&self) -> impl Iterator<Item = (InstrumentId, Quantity, Quantity)> {
        self.disputes
            .iter()
            .map(|(id, (ours, theirs))| (*id, *ours, *theirs))
    }

    /// Orders that may still change the position.
    pub fn orders(&self) -> impl Iterator<Item = (ClientOrderId, &OpenOrder)> {
        self.orders
            .iter()
            .filter(|(_, order)| !order.is_complete())
            .map(|(id, order)| (*id, order))
    }

    /// Every line there is.
    pub fn lines(&self) -> Vec<Line> {
        let one = |line, there: bool| there.then_some(line);
        [
            one(Line::Decision, self.decision.is_some()),
            one(Line::Session, self.session.is_some()),
        ]
        .into_iter()
        .flatten()
        .chain(self.modes.keys().map(|scope| Line::Mode(*scope)))
        .chain(self.positions.keys().map(|id| Line::Position(*id)))
        .chain(self.disputes.keys().map(|id| Line::Dispute(*id)))
        .chain(self.orders().map(|(id, _)| Line::Order(id)))
        .collect()
    }

    /// What a line says; `None` when there is no such line.
    pub fn value(&self, line: Line) -> Option<LineValue<'_>> {
        match line {
            Line::Decision => self.decision.map(LineValue::Decision),
            Line::Session => self.session.map(LineValue::Session),
            Line::Mode(scope) => self.modes.get(&scope).map(LineValue::Mode),
            Line::Position(id) => self.positions.get(&id).copied().map(LineValue::Position),
            Line::Dispute(id) => {
                let (ours, theirs) = *self.disputes.get(&id)?;
                Some(LineValue::Dispute { ours, theirs })
            }
            Line::Order(id) => self
                .orders
                .get(&id)
                .filter(|order| !order.is_complete())
                .map(LineValue::Order),
        }
    }
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum LineValue<'a> {
    /// The last decision.
    Decision(LastDecision),
    /// The session.
    Session(Session),
    /// A mode.
    Mode(&'a ModeLine),
    /// A position.
    Position(Quantity),
    /// A dispute.
    Dispute {
        /// What our books say.
        ours: Quantity,
        /// What the venue says.
        theirs: Quantity,
    },
    /// An open order.
    Order(&'a OpenOrder),
}

impl Line {
    /// Topic and key, unique together, as a store names the line.
    pub fn name(self) -> (&'static str, String) {
        match self {
            Self::Decision => ("decision", String::new()),
            Self::Session => ("session", String::new()),
            Self::Mode(ModeScope::Global) => ("mode", "global".to_owned()),
            Self::Mode(ModeScope::Account) => ("mode", "account".to_owned()),
            Self::Mode(ModeScope::Strategy) => ("mode", "strategy".to_owned()),
            Self::Mode(ModeScope::Instrument(id)) => ("mode", format!("instrument {}", id.0)),
            Self::Position(id) => ("position", id.0.to_string()),
            Self::Dispute(id) => ("dispute", id.0.to_string()),
            Self::Order(id) => ("order", id.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FillRecord;
    use super::super::record::IntentRecord;
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }

    /// A long life is remembered in bounded room: ended orders go with their executions, one that is open
    /// stays however old it is, and what is younger can still be taken back.
    #[test]
    fn a_long_life_is_remembered_in_bounded_room() {
        let intent: IntentRecord = read(
            r#"{"time":"1970-01-15T17:00:00Z","cause":{"operator":7},"intent":{"id":19,"client_id":"b0000200000402001","instrument":1,"side":"buy","quantity":10,"order_type":"market","time_in_force":"gtc","post_only":false,"reduce_only":false},"reference":31420,"wanted":10,"cut":null,"verdict":{"failed":0,"breach":null}}"#,
        );
        let fill: FillRecord = read(
            r#"{"fill":{"time":"1970-01-17T17:00:00Z","client_id":"b0000200000502000","trade_id":1,"instrument":1,"side":"buy","quantity":10,"price":15824,"fee":0,"fee_asset":0},"realised":0}"#,
        );
        let (mut overview, mut changed) = (Overview::new(), BTreeSet::new());
        let remembered = u32::try_from(REMEMBERED).unwrap();
        let lives = remembered * 2;
        let open = remembered / 2;
        let mut last = fill.clone();
        for decision in 1..=lives {
            let mut wanted = intent.clone();
            wanted.intent.client_id.decision = decision;
            last.fill.client_id = wanted.intent.client_id;
            last.fill.trade_id = TradeId(u128::from(decision));
            overview.take(&Record::Intent(wanted), &mut changed);
            if decision != open {
                overview.take(&Record::Fill(last.clone()), &mut changed);
            }
            changed.clear();
        }
        let id = ClientOrderId {
            decision: open,
            ..intent.intent.client_id
        };
        assert_eq!(
            overview.orders().map(|(id, _)| id).collect::<Vec<_>>(),
            [id]
        );
        // Nothing younger than the open one is forgotten; then it ends, and all that is too old goes.
        assert_eq!(overview.orders.len(), (lives - open + 1) as usize);
        last.fill.client_id = id;
        last.fill.trade_id = TradeId(u128::from(open));
        overview.take(&Record::Fill(last.clone()), &mut changed);
        let mut wanted = intent.clone();
        wanted.intent.client_id.decision = lives + 1;
        overview.take(&Record::Intent(wanted), &mut changed);
        assert_eq!(overview.orders.len(), REMEMBERED);
        assert_eq!(overview.arrived.len(), REMEMBERED);
        assert_eq!(overview.trades.len(), REMEMBERED - 1);
        let held = overview.position(InstrumentId(1));
        last.fill.client_id.decision = lives;
        last.fill.trade_id = TradeId(u128::from(lives));
        overview.take(&Record::Void(last), &mut changed);
        assert_eq!(
            overview.position(InstrumentId(1)),
            held - Quantity::from_units(10)
        );
    }
}
