//! A rebalance as a saga: reduce, confirm, add, and write down what was not reached.

use super::{
    Action, Cut, DecisionRecord, Effects, IntentRecord, Kernel, LegRecord, Record, ResidualRecord,
    Severity,
};
use crate::error::Result;
use crate::instrument::{Instrument, InstrumentId};
use crate::market::LaneState;
use crate::money::{Cash, Price, Quantity, Rate};
use crate::orders::{Cause, ClientOrderId, Intent, Order, OrderId, OrderStatus, OrderType, Side};
use crate::portfolio::{Budget, Disposition, Leg, MarginModel, Step, after_costs};
use crate::risk::{self, Context, check};
use crate::strategy::{Decision, Strategy, Target};
use crate::time::Timestamp;

/// A decision whose targets are the account's, not yet acted upon.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) slot: Timestamp,
    pub(super) decision: Decision,
}

/// One rebalance towards one decision's targets. It keeps its own copy of targets and valuation,
/// so later marks do not move the goal.
#[derive(Debug)]
pub(super) struct Saga {
    decision: u32,
    slot: Timestamp,
    plans: u8,
    equity: Cash,
    legs: Vec<SagaLeg>,
    /// Orders of the current plan that may still execute by themselves.
    open: usize,
    /// A newer decision waits: only cancel, never plan again.
    superseded: bool,
}

#[derive(Clone, Copy, Debug)]
struct SagaLeg {
    leg: Leg,
    /// Each leg gets one order a direction under a decision: what a venue or risk refused is a
    /// residual, not a loop.
    reduced: bool,
    added: bool,
    /// What cut its addition, down to nothing perhaps.
    cut: Option<Cut>,
}

impl Saga {
    /// A split rescales what is still to be done.
    pub(super) fn rescale(
        &mut self,
        id: InstrumentId,
        price: impl Fn(Price) -> Price,
        quantity: impl Fn(Quantity) -> Quantity,
    ) {
        for leg in self.legs.iter_mut().filter(|l| l.leg.instrument == id) {
            leg.leg.target = quantity(leg.leg.target);
            leg.leg.current = quantity(leg.leg.current);
            leg.leg.price = price(leg.leg.price);
        }
    }
}

/// An order a plan is about to place.
struct Draft {
    leg: usize,
    delta: Quantity,
    wanted: Quantity,
}

impl<S: Strategy> Kernel<S> {
    /// Values the waiting decision at the present marks and begins to trade towards it.
    pub(super) fn start_saga(&mut self, effects: &mut Effects) {
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        let number = self.decision_number + 1;
        match self.value_legs() {
            Ok((equity, legs)) => {
                self.decision_number = number;
                self.counts.decisions += 1;
                self.begin(number, waiting, equity, legs, effects);
            }
            Err(error) => effects
                .actions
                .push_back(Action::Alert(Severity::Error, error)),
        }
    }

    fn begin(
        &mut self,
        number: u32,
        waiting: Waiting,
        equity: Cash,
        legs: Vec<Leg>,
        effects: &mut Effects,
    ) {
        let trades = legs.iter().any(|l| l.disposition == Disposition::Trade);
        let fresh_share = self.fresh_share();
        let fresh = fresh_share >= self.settings.min_fresh_share;
        if self.settings.record_idle_legs || trades || !fresh {
            effects.records.push(Record::Decision(DecisionRecord {
                time: self.now,
                number,
                slot: waiting.slot,
                equity,
                fresh_share,
                planned: fresh && trades,
                decision: waiting.decision,
            }));
            for leg in &legs {
                if self.settings.record_idle_legs || leg.disposition == Disposition::Trade {
                    let target = self.targets[leg.instrument.index()];
                    effects.records.push(Record::Leg(LegRecord {
                        decision: number,
                        target,
                        leg: *leg,
                    }));
                }
            }
            if self.settings.record_state {
                let state = self.strategy.save();
                effects.records.push(Record::State(super::StateRecord {
                    time: self.now,
                    state,
                }));
            }
        }
        if !fresh || !trades {
            return;
        }
        let legs = legs
            .into_iter()
            .filter(|l| l.disposition == Disposition::Trade)
            .map(|leg| SagaLeg {
                leg,
                reduced: false,
                added: false,
                cut: None,
            })
            .collect();
        self.saga = Some(Saga {
            decision: number,
            slot: waiting.slot,
            plans: 0,
            equity,
            legs,
            open: 0,
            superseded: false,
        });
        self.next_plan(effects);
    }

    fn fresh_share(&self) -> f64 {
        self.account.fresh_share(
            |id| self.states[id.index()],
            |id| match self.targets[id.index()] {
                Some(Target::Weight(w)) => w,
                _ => 0.0,
            },
        )
    }

    /// A leg for everything that is targeted, held or still open, in instrument order.
    fn value_legs(&self) -> Result<(Cash, Vec<Leg>)> {
        let equity = self.account.cash() + self.account.positions_value(&self.instruments);
        let mut equity = equity.max(Cash::ZERO);
        if self.settings.rebalance.net_of_costs {
            let rate = self.settings.limits.fee_estimate;
            equity = after_costs(equity, rate, |left| self.traded_at(left))?;
        }
        let budget = Budget {
            equity,
            gross: self.settings.limits.max_gross.of(equity),
        };
        let mut legs = Vec::with_capacity(self.targets.len());
        for (id, instrument) in self.instruments.ids().zip(self.instruments.all()) {
            let held = self.account.position(id).quantity;
            let target = self.targets.get(id.index()).copied().flatten();
            let open = self.exposure.worst_case(id, held) != held.abs();
            if target.is_none() && held.is_zero() && !open {
                continue;
            }
            legs.push(self.value_leg(id, instrument, held, target, budget)?);
        }
        Ok((equity, legs))
    }

    fn value_leg(
        &self,
        id: InstrumentId,
        instrument: &Instrument,
        held: Quantity,
        target: Option<Target>,
        budget: Budget,
    ) -> Result<Leg> {
        let price = Price::from_market_data(self.account.mark(id), instrument.price_scale);
        let at = price.unwrap_or(Price::ZERO);
        let value = self.wanted(target, instrument, at, budget.equity)?;
        let mut leg = self
            .settings
            .rebalance
            .leg(id, instrument, held, at, value, budget);
        let state = self.states[id.index()];
        if state != LaneState::Present {
            leg.disposition = Disposition::NotFresh(state);
            leg.target = held;
        } else if self.exposure.has_unknown(id) {
            leg.disposition = Disposition::Blocked;
            leg.target = held;
        }
        Ok(leg)
    }

    /// Makes the next plan, or ends the saga when there is nothing left to do.
    fn next_plan(&mut self, effects: &mut Effects) {
        let Some(mut saga) = self.saga.take() else {
            return;
        };
        while saga.open == 0 && !saga.superseded && saga.plans < self.settings.max_plans {
            let mut drafts = self.draft_reductions(&mut saga);
            if drafts.is_empty() {
                drafts = self.draft_additions(&mut saga);
            }
            if drafts.is_empty() {
                break;
            }
            saga.plans += 1;
            self.place(&mut saga, &drafts, effects);
        }
        if saga.open > 0 {
            self.saga = Some(saga);
        } else {
            self.finish(&saga, effects);
        }
    }

    fn draft_reductions(&self, saga: &mut Saga) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (i, l) in saga.legs.iter_mut().enumerate().filter(|(_, l)| !l.reduced) {
            let held = self.account.position(l.leg.instrument).quantity;
            if let Step::Reduce(delta) = l.leg.step(held) {
                l.reduced = true;
                drafts.push(Draft {
                    leg: i,
                    delta,
                    wanted: delta,
                });
            }
        }
        drafts
    }

    /// Additions, each cut to the cash and the gross budget that are left.
    fn draft_additions(&self, saga: &mut Saga) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let limits = &self.settings.limits;
        let mut cash = self.account.cash() - self.exposure.reserved_cash();
        let (mut gross, mut costs) = (self.gross(saga), self.exposure.reserved_cash());
        let mut headroom = limits.max_gross.of(saga.equity) - gross;
        for (i, l) in saga.legs.iter_mut().enumerate().filter(|(_, l)| !l.added) {
            let held = self.account.position(l.leg.instrument).quantity;
            let Step::Add(wanted) = l.leg.step(held) else {
                continue;
            };
            l.added = true;
            let Some(instrument) = self.instruments.get(l.leg.instrument) else {
                continue;
            };
            let (mut spend, mut binding) = (headroom, Cut::GrossBudget);
            if self.settings.margin == MarginModel::Cash && wanted.is_positive() {
                let paid = affordable(cash, limits.fee_estimate, limits.cash_buffer);
                if paid < spend {
                    (spend, binding) = (paid, Cut::Cash);
                }
            } else if self.settings.margin == MarginModel::Margin {
                let room = risk::margin_room(limits, saga.equity - costs, gross);
                if room < spend {
                    (spend, binding) = (room, Cut::Margin);
                }
            }
            let full = instrument.notional(l.leg.price, wanted.abs());
            let delta = if full <= spend {
                wanted
            } else {
                l.cut = Some(binding);
                let cut = instrument.quantity_for(spend.max(Cash::ZERO), l.leg.price);
                Side::of(wanted).signed(cut.unwrap_or(Quantity::ZERO))
            };
            let notional = instrument.notional(l.leg.price, delta.abs());
            if delta.is_zero() || notional < instrument.min_notional {
                continue;
            }
            headroom -= notional;
            gross += notional;
            costs += risk::set_aside(limits, self.settings.margin, Side::of(wanted), notional);
            if wanted.is_positive() {
                cash -= risk::cost_of_buy(limits, notional);
            }
            drafts.push(Draft {
                leg: i,
                delta,
                wanted,
            });
        }
        drafts
    }

    /// Worst-case gross exposure at the saga's prices; instruments outside the saga at their mark.
    fn gross(&self, saga: &Saga) -> Cash {
        let mut legs = saga.legs.iter().peekable();
        let mut gross = Cash::ZERO;
        for (id, instrument) in self.instruments.ids().zip(self.instruments.all()) {
            let own = legs
                .next_if(|l| l.leg.instrument == id)
                .map(|l| l.leg.price);
            let worst = self
                .exposure
                .worst_case(id, self.account.position(id).quantity);
            if worst.is_zero() {
                continue;
            }
            let mark = || Price::from_market_data(self.account.mark(id), instrument.price_scale);
            if let Some(price) = own.or_else(mark) {
                gross += instrument.notional(price, worst);
            }
        }
        gross
    }

    /// Turns drafts into judged intents. Passing ones wait for their batch to be durable.
    fn place(&mut self, saga: &mut Saga, drafts: &[Draft], effects: &mut Effects) {
        let first = self.orders.next_number();
        let count = u16::try_from(drafts.len()).expect("fewer than 2^16 instruments a plan");
        self.orders.begin_plan(saga.decision, saga.plans, count);
        let mut gross = self.gross(saga);
        for (number, draft) in (0_u16..).zip(drafts) {
            let leg = saga.legs[draft.leg].leg;
            let held = self.account.position(leg.instrument).quantity;
            let intent = Intent {
                id: OrderId(self.orders.next_number()),
                client_id: ClientOrderId {
                    installation: self.settings.installation,
                    decision: saga.decision,
                    plan: saga.plans,
                    leg: number,
                },
                instrument: leg.instrument,
                side: Side::of(draft.delta),
                quantity: draft.delta.abs(),
                order_type: OrderType::Market,
                time_in_force: self.settings.time_in_force,
                post_only: false,
                reduce_only: matches!(leg.step(held), Step::Reduce(_)),
            };
            let verdict = self.judge(&intent, &leg, saga.equity, gross);
            self.counts.intents += 1;
            self.counts.verdicts += 1;
            effects.records.push(Record::Intent(IntentRecord {
                time: self.now,
                cause: Cause::Slot(saga.slot),
                intent,
                reference: leg.price,
                wanted: draft.wanted,
                cut: saga.legs[draft.leg].cut,
                verdict,
            }));
            if verdict.passed() {
                saga.open += 1;
                gross += self.reserve(intent, &leg);
            } else {
                self.counts.denied += 1;
                self.orders.push(Order::new(intent, OrderStatus::Denied));
            }
        }
        self.release = first..self.orders.next_number();
    }

    fn judge(&self, intent: &Intent, leg: &Leg, equity: Cash, gross: Cash) -> risk::Verdict {
        let id = intent.instrument;
        let context = Context {
            instrument: self.instruments.get(id),
            reference: Some(leg.price).filter(|p| p.is_positive()),
            reference_age: self.now.since(self.account.marked_at(id)),
            held: self.account.position(id).quantity,
            exposure: &self.exposure,
            cash: self.account.cash(),
            equity,
            gross,
            mode: self.modes.effective(id),
            margin: self.settings.margin,
            now: self.now,
        };
        check(&self.settings.limits, intent, &context)
    }

    /// Sets quantity and cash aside for a passing intent; returns what it adds to gross exposure.
    fn reserve(&mut self, intent: Intent, leg: &Leg) -> Cash {
        let id = intent.instrument;
        let held = self.account.position(id).quantity;
        let Some(instrument) = self.instruments.get(id) else {
            return Cash::ZERO;
        };
        let before = self.exposure.worst_case(id, held);
        self.exposure.add_open(id, intent.side, intent.quantity);
        let after = self.exposure.worst_case(id, held);
        let mut order = Order::new(intent, OrderStatus::Recorded);
        let notional = instrument.notional(leg.price, intent.quantity);
        let (limits, margin) = (&self.settings.limits, self.settings.margin);
        order.reserved_cash = risk::set_aside(limits, margin, intent.side, notional);
        self.exposure.add_reserved(order.reserved_cash);
        let added = instrument.notional(leg.price, after - before);
        self.orders.push(order);
        added
    }

    /// The saga need not wait for this order any more: it ended, or its outcome is unknown. Only
    /// the first time counts, for an unknown order may come back and end as well.
    pub(super) fn settle(&mut self, number: u64, effects: &mut Effects) {
        let Some(order) = self.orders.by_number_mut(number) else {
            return;
        };
        if std::mem::replace(&mut order.settled, true) {
            return;
        }
        let decision = order.intent.client_id.decision;
        let Some(saga) = self.saga.as_mut().filter(|s| s.decision == decision) else {
            return;
        };
        saga.open = saga.open.checked_sub(1).expect("each order settles once");
        if saga.open == 0 {
            self.next_plan(effects);
        }
    }

    /// A newer decision takes over: take back what works, keep home what is still being written,
    /// then plan anew.
    pub(super) fn cancel_saga(&mut self, effects: &mut Effects) {
        let Some(saga) = &mut self.saga else { return };
        saga.superseded = true;
        let decision = saga.decision;
        let mut unsent = Vec::new();
        for order in self.orders.iter() {
            if order.intent.client_id.decision != decision {
                continue;
            }
            match order.status() {
                OrderStatus::Recorded => unsent.push(order.intent.id.0),
                OrderStatus::Sent | OrderStatus::Accepted | OrderStatus::PartiallyFilled => {
                    let cancel = Action::Cancel(order.intent.instrument, order.intent.client_id);
                    effects.actions.push_back(cancel);
                }
                _ => {}
            }
        }
        for number in unsent {
            let reason = "superseded by a newer decision".into();
            self.end_order(number, OrderStatus::NotSent, reason, effects);
        }
    }

    /// Writes down what was not reached and begins what waited.
    fn finish(&mut self, saga: &Saga, effects: &mut Effects) {
        for l in &saga.legs {
            let missing = l.leg.target - self.account.position(l.leg.instrument).quantity;
            if !missing.is_zero() {
                effects.records.push(Record::Residual(ResidualRecord {
                    time: self.now,
                    decision: saga.decision,
                    instrument: l.leg.instrument,
                    quantity: missing,
                    cut: l.cut,
                }));
            }
        }
        if self.waiting.is_some() && self.settings.size_at == super::SizeAt::Decision {
            self.start_saga(effects);
        }
    }
}

/// The notional that `cash` pays for when fees and buffer come on top.
fn affordable(cash: Cash, fee: Rate, buffer: Rate) -> Cash {
    let one = i128::from(Rate::ONE.units());
    let extra = i128::from(fee.units()) + i128::from(buffer.units());
    let cash = cash.units().max(0);
    // cash × one / (one + extra), split so that the product cannot overflow.
    let (whole, rest) = (cash / (one + extra), cash % (one + extra));
    Cash::from_units(whole * one + rest * one / (one + extra))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affordable_notional_and_its_cost_never_exceed_the_cash() {
        for cash in [0_i128, 1, 999, 1_000_000_007, 123_456_789_012_345_678_901] {
            let (fee, buffer) = (Rate::from_bps(10), Rate::from_bps(37));
            let n = affordable(Cash::from_units(cash), fee, buffer);
            let cost = n + n.fee(Rate::from_units(fee.units() + buffer.units()));
            assert!(cost.units() <= cash, "{cash}: {cost:?}");
            let more = n + Cash::from_units(2);
            let cost = more + more.fee(Rate::from_units(fee.units() + buffer.units()));
            assert!(cost.units() > cash, "{cash}");
        }
        assert_eq!(
            affordable(Cash::from_units(-5), Rate::ZERO, Rate::ZERO),
            Cash::ZERO
        );
    }
}
