//! One plan of a rebalance: legs valued, orders drafted, judged and set aside.

use super::planted::Bug;
use super::saga::{Goal, Saga, SagaLeg};
use super::style::Resort;
use super::{Cut, Effects, IntentRecord, Kernel, Record};
use crate::error::Result;
use crate::instrument::{Instrument, InstrumentId};
use crate::market::LaneState;
use crate::money::{Cash, Price, Quantity, Rate, Shares, quotient_and_rest, times};
use crate::orders::{Cause, ClientOrderId, Intent, Order, OrderId, OrderStatus, Side};
use crate::portfolio::{Budget, Disposition, Leg, MarginModel, Step, after_costs};
use crate::risk::{self, Context, Exposure, check};
use crate::strategy::{Strategy, Target};

/// Vectors that are filled again and again, so that a rebalance allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) legs: Vec<Leg>,
    /// One that ended.
    pub(super) saga: Option<Box<Saga>>,
    pub(super) drafts: Vec<Draft>,
}

/// An order a plan is about to place.
#[derive(Debug)]
pub(super) struct Draft {
    leg: usize,
    delta: Quantity,
    wanted: Quantity,
    /// Whether it brings the position towards zero.
    reduces: bool,
    /// What is left of a limit that had its time.
    last_resort: bool,
}

impl<S: Strategy> Kernel<S> {
    pub(super) fn fresh_share(&self) -> f64 {
        if self.all_present {
            return 1.0;
        }
        self.account.fresh_share(
            |id| self.states[id.index()],
            |id| match self.targets.get(id.index()) {
                Some(Some(Target::Weight(w))) => *w,
                _ => 0.0,
            },
        )
    }

    /// A leg for everything that is targeted, held or still open, in instrument order. Returns the
    /// equity they are valued with.
    pub(super) fn value_legs(&self, goal: Goal, legs: &mut Vec<Leg>) -> Result<Cash> {
        let mut equity = self.account.cash();
        legs.clear();
        for (id, instrument) in self.instruments.ids().zip(self.instruments.all()) {
            let held = self.account.position(id).quantity;
            let target = match goal {
                Goal::Targets => matches!(self.targets.get(id.index()), Some(Some(_))),
                Goal::Close(_) => false,
            };
            let flat = held.is_zero() && !target;
            if flat && self.exposure.worst_case(id, held).is_zero() {
                continue;
            }
            let price = Price::from_market_data(self.account.mark(id), instrument.price_scale);
            let leg = Leg::held(id, instrument, held, price.unwrap_or(Price::ZERO));
            equity += leg.current_value;
            if !matches!(goal, Goal::Close(Some(only)) if only != id) {
                legs.push(leg);
            }
        }
        let mut equity = equity.max(Cash::ZERO);
        if self.settings.rebalance.net_of_costs && goal == Goal::Targets {
            let rate = self.settings.limits.fee_estimate;
            equity = after_costs(equity, rate, |left| self.traded_at(left))?;
        }
        let budget = Budget {
            equity,
            gross: self.settings.limits.max_gross.of(equity),
        };
        let shares = equity.shares();
        for leg in legs.iter_mut() {
            let target = match goal {
                Goal::Targets => self.targets.get(leg.instrument.index()).copied().flatten(),
                Goal::Close(_) => None,
            };
            self.value_leg(leg, target, shares, budget)?;
        }
        Ok(equity)
    }

    fn value_leg(
        &self,
        leg: &mut Leg,
        target: Option<Target>,
        shares: Shares,
        budget: Budget,
    ) -> Result<()> {
        let id = leg.instrument;
        let Some(instrument) = self.instruments.get(id) else {
            return Ok(());
        };
        let value = self.wanted(target, instrument, leg.price, shares)?;
        self.settings
            .rebalance
            .decide(leg, instrument, value, budget);
        let state = self.states[id.index()];
        if state != LaneState::Present {
            leg.disposition = Disposition::NotFresh(state);
            leg.target = leg.current;
        } else if self.exposure.has_unknown(id) {
            leg.disposition = Disposition::Blocked;
            leg.target = leg.current;
        }
        Ok(())
    }

    pub(super) fn draft_reductions(&self, saga: &mut Saga, drafts: &mut Vec<Draft>) {
        for (i, l) in saga.legs.iter_mut().enumerate().filter(|(_, l)| !l.reduced) {
            if self.must_wait(l.leg.instrument) {
                continue;
            }
            let held = self.account.position(l.leg.instrument).quantity;
            if let Step::Reduce(delta) = l.leg.step(held) {
                l.reduced = true;
                let last_resort = self.take_resort(l, true);
                drafts.push(Draft {
                    leg: i,
                    delta,
                    wanted: delta,
                    reduces: true,
                    last_resort,
                });
            }
        }
    }

    /// Whether a leg has its addition before it.
    pub(super) fn wants_more(&self, saga: &Saga) -> bool {
        saga.legs.iter().any(|l| {
            let held = self.account.position(l.leg.instrument).quantity;
            !l.added && matches!(l.leg.step(held), Step::Add(_))
        })
    }

    /// Whether a leg's order is its last resort: then it goes at the market, at the present mark.
    fn take_resort(&self, l: &mut SagaLeg, reduces: bool) -> bool {
        if !l.is_last_resort(reduces) {
            return false;
        }
        l.resort[usize::from(reduces)] = Resort::Used;
        let id = l.leg.instrument;
        let scale = self.instruments.get(id).map_or(0, |i| i.price_scale);
        let mark = Price::from_market_data(self.account.mark(id), scale);
        l.leg.price = mark.unwrap_or(l.leg.price);
        true
    }

    /// Whether an order must be cleared up before this instrument is planned: one of unknown outcome,
    /// or one that came back from there and works.
    #[inline]
    pub(super) fn must_wait(&self, id: InstrumentId) -> bool {
        let works = |o: &Order| o.intent.instrument == id && o.open_quantity().is_positive();
        self.settings.watch.is_some()
            && !self.planted(Bug::ReplanDoublesLeg)
            && (self.exposure.has_unknown(id) || self.orders.iter().any(works))
    }

    /// Additions, each cut to the cash and the gross budget that are left beside `gross`.
    pub(super) fn draft_additions(
        &self,
        saga: &mut Saga,
        mut gross: Cash,
        drafts: &mut Vec<Draft>,
    ) {
        let limits = &self.settings.limits;
        let mut costs = self.exposure.reserved_cash();
        if self.planted(Bug::ReservedIgnored) {
            costs = Cash::ZERO;
        }
        let mut cash = self.account.cash() - costs;
        let mut headroom = limits.max_gross.of(saga.equity) - gross;
        for (i, l) in saga.legs.iter_mut().enumerate().filter(|(_, l)| !l.added) {
            if self.must_wait(l.leg.instrument) {
                continue;
            }
            let held = self.account.position(l.leg.instrument).quantity;
            let Step::Add(wanted) = l.leg.step(held) else {
                continue;
            };
            l.added = true;
            let last_resort = self.take_resort(l, false);
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
            match self.settings.margin {
                MarginModel::Cash if wanted.is_positive() => {
                    cash -= risk::cost_of_buy(limits, notional);
                }
                MarginModel::Cash => {}
                margin => costs += risk::set_aside(limits, margin, Side::of(wanted), notional),
            }
            drafts.push(Draft {
                leg: i,
                delta,
                wanted,
                reduces: false,
                last_resort,
            });
        }
    }

    /// Worst-case gross exposure at the saga's prices; instruments outside the saga at their mark.
    pub(super) fn gross(&self, saga: &mut Saga) -> Cash {
        if self.planted(Bug::ReservedIgnored) {
            saga.others = None;
        }
        let others = saga.others.unwrap_or_else(|| self.gross_outside(saga));
        debug_assert_eq!(others, self.gross_outside(saga), "what has no leg changed");
        saga.others = Some(others);
        let own = saga.legs.iter().map(|l| {
            let id = l.leg.instrument;
            self.worth_at_worst(id, self.instruments.get(id), Some(l.leg.price))
        });
        others + own.sum()
    }

    /// The part of instruments without a leg of this saga, summed over all there are.
    fn gross_outside(&self, saga: &Saga) -> Cash {
        let mut legs = saga.legs.iter().map(|l| l.leg.instrument).peekable();
        let of = self.instruments.ids().zip(self.instruments.all());
        of.filter(|(id, _)| legs.next_if_eq(id).is_none())
            .map(|(id, instrument)| self.worth_at_worst(id, Some(instrument), None))
            .sum()
    }

    /// The same from legs that were valued just now and will not trade: what is targeted, held or
    /// open has one.
    pub(super) fn gross_of_idle(&self, legs: &[Leg]) -> Cash {
        let idle = legs.iter().filter(|l| l.disposition != Disposition::Trade);
        idle.map(|l| {
            let id = l.instrument;
            if self.exposure.is_open(id) {
                return self.worth_at_worst(id, self.instruments.get(id), None);
            }
            l.current_value.abs()
        })
        .sum()
    }

    /// What an instrument is worth when everything open executes the worst way; at its mark unless a
    /// price is given.
    #[inline]
    fn worth_at_worst(
        &self,
        id: InstrumentId,
        instrument: Option<&Instrument>,
        price: Option<Price>,
    ) -> Cash {
        let held = self.account.position(id).quantity;
        let mut worst = self.exposure.worst_case(id, held);
        if self.planted(Bug::ReservedIgnored) {
            worst = held.abs();
        }
        let Some(instrument) = instrument.filter(|_| !worst.is_zero()) else {
            return Cash::ZERO;
        };
        let mark = || Price::from_market_data(self.account.mark(id), instrument.price_scale);
        price
            .or_else(mark)
            .map_or(Cash::ZERO, |price| instrument.notional(price, worst))
    }

    /// A saga's sum over what has no leg in it does not hold any more.
    #[inline]
    pub(super) fn forget_gross(&mut self) {
        if let Some(saga) = &mut self.saga {
            saga.others = None;
        }
    }

    /// Turns drafts into judged intents, with `gross` exposure before them. Passing ones wait for
    /// their batch to be durable.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: fewer than 2^16 instruments a plan"
    )]
    pub(super) fn place(
        &mut self,
        saga: &mut Saga,
        drafts: &[Draft],
        mut gross: Cash,
        effects: &mut Effects,
    ) {
        let first = self.orders.next_number();
        let count = u16::try_from(drafts.len()).expect("fewer than 2^16 instruments a plan");
        self.orders.begin_plan(saga.decision, saga.plans, count);
        for (number, draft) in (0_u16..).zip(drafts) {
            let leg = saga.legs[draft.leg].leg;
            let side = Side::of(draft.delta);
            let intent = Intent {
                id: OrderId(self.orders.next_number()),
                client_id: ClientOrderId {
                    installation: self.settings.installation,
                    decision: saga.decision,
                    plan: saga.plans,
                    leg: number,
                },
                instrument: leg.instrument,
                side,
                quantity: draft.delta.abs(),
                order_type: self.order_type(
                    saga.cause,
                    (side, leg.price),
                    self.instruments.get(leg.instrument),
                    draft.last_resort,
                ),
                time_in_force: self.settings.time_in_force,
                post_only: false,
                reduce_only: draft.reduces,
            };
            let verdict = self.judge(saga.cause, &intent, &leg, saga.equity, gross);
            self.counts.intents += 1;
            self.counts.verdicts += 1;
            effects.records.push(Record::Intent(IntentRecord {
                time: self.now,
                cause: saga.cause,
                intent,
                reference: leg.price,
                wanted: draft.wanted,
                cut: saga.legs[draft.leg].cut,
                last_resort: draft.last_resort,
                verdict,
            }));
            if verdict.passed() {
                saga.open += 1;
                gross += self.set_aside(intent, leg.price);
            } else {
                self.counts.denied += 1;
                self.orders.push(Order::new(intent, OrderStatus::Denied));
            }
        }
        self.release = first..self.orders.next_number();
        let early = match (
            self.planted(Bug::SendBeforePersisted),
            self.planted(Bug::FirstLegAwaited),
        ) {
            (true, _) => first,
            (_, true) => first + 1,
            _ => return,
        };
        for number in early..self.orders.next_number() {
            self.release_order(number, effects);
        }
    }

    fn judge(
        &self,
        cause: Cause,
        intent: &Intent,
        leg: &Leg,
        equity: Cash,
        gross: Cash,
    ) -> risk::Verdict {
        let id = intent.instrument;
        let blind = self.planted(Bug::ReservedIgnored) || self.planted(Bug::ReplanDoublesLeg);
        let nothing_open = blind.then(|| Exposure::new(self.instruments.len()));
        let context = Context {
            instrument: self.instruments.get(id),
            reference: Some(leg.price).filter(|p| p.is_positive()),
            reference_age: self.now.since(self.account.marked_at(id)),
            held: self.account.position(id).quantity,
            exposure: nothing_open.as_ref().unwrap_or(&self.exposure),
            cash: self.account.cash(),
            equity,
            gross,
            mode: self.mode_for(cause, id),
            margin: self.settings.margin,
            now: self.now,
        };
        check(&self.settings.limits, intent, &context)
    }

    /// Sets quantity and cash aside for a passing intent; returns what it adds to gross exposure.
    pub(super) fn set_aside(&mut self, intent: Intent, price: Price) -> Cash {
        let id = intent.instrument;
        let held = self.account.position(id).quantity;
        let Some(instrument) = self.instruments.get(id) else {
            return Cash::ZERO;
        };
        let before = self.exposure.worst_case(id, held);
        self.exposure.add_open(id, intent.side, intent.quantity);
        let after = self.exposure.worst_case(id, held);
        let mut order = Order::new(intent, OrderStatus::Recorded);
        let notional = instrument.notional(price, intent.quantity);
        let (limits, margin) = (&self.settings.limits, self.settings.margin);
        order.reserved_cash = risk::set_aside(limits, margin, intent.side, notional);
        self.exposure.add_reserved(order.reserved_cash);
        let added = instrument.notional(price, after - before);
        self.orders.push(order);
        added
    }
}

/// The notional that `cash` pays for when fees and buffer come on top.
fn affordable(cash: Cash, fee: Rate, buffer: Rate) -> Cash {
    let one = i128::from(Rate::ONE.units());
    let extra = i128::from(fee.units()) + i128::from(buffer.units());
    let cash = cash.units().max(0);
    // cash × one / (one + extra), split so that the product cannot overflow.
    let (whole, rest) = quotient_and_rest(cash, one + extra);
    let (part, _) = quotient_and_rest(rest * one, one + extra);
    Cash::from_units(times(whole, one) + part)
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
