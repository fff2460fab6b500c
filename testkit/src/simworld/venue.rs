//! The venue: the domain's exchange core as the truth, its history, and what it says of it.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::instrument::{AssetId, InstrumentId, Instruments};
use ballast_domain::kernel::{EventId, Fact, Redeemed};
use ballast_domain::market::Slice;
use ballast_domain::money::{Cash, Price, Quantity, Rate};
use ballast_domain::orders::{
    ClientOrderId, Fill, Installation, Intent, OrderStatus, Side, TradeId,
};
use ballast_domain::simulation::{
    Exchange, ExchangeSettings, FeeModel, FillPoint, SlippageModel, VenueRules,
};
use ballast_domain::time::{Span, Timestamp};

use super::chance;
use super::market::MILLI;
use super::plan::{Idempotency, Plan, Profile};

/// What an order was at the venue, and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) at: Timestamp,
    pub(super) status: OrderStatus,
    pub(super) filled: Quantity,
}

/// An order that reached the venue.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) intent: Intent,
    /// Oldest first, never empty.
    pub(super) turns: Vec<Turn>,
    /// How often the venue took an order with this id.
    pub(super) accepted: u32,
}

impl Received {
    pub(super) fn last(&self) -> Turn {
        *self.turns.last().expect("an order begins with a turn")
    }

    /// What it was at an instant; `None` before it arrived.
    pub(super) fn at(&self, t: Timestamp) -> Option<Turn> {
        self.turns.iter().rev().find(|turn| turn.at <= t).copied()
    }
}

/// Something that happened to the account, by the venue's own books. Times are true times.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) at: Timestamp,
    pub(super) fact: Fact,
}

/// The path a message takes to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// The answer to the request that caused it.
    Answer,
    /// The stream of execution reports.
    Stream,
}

/// What the venue does out of the ordinary with what it executes or receives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mischief {
    /// Refuse the order for this reason.
    pub(super) refuse: Option<&'static str>,
}

/// The simulated venue with one account.
#[derive(Debug)]
pub(super) struct Venue {
    seed: u64,
    pub(super) profile: Profile,
    pub(super) instruments: Instruments,
    pub(super) core: Exchange,
    /// Units of the other asset, in which fees may be taken.
    pub(super) other_cash: Cash,
    pub(super) orders: BTreeMap<ClientOrderId, Received>,
    pub(super) log: Vec<Logged>,
    pub(super) said: Vec<(Path, Fact)>,
    pub(super) prices: Vec<Price>,
    /// Open orders that are not ours: instrument, side, quantity and until when.
    pub(super) foreign: Vec<(InstrumentId, Side, Quantity, Timestamp)>,
    /// Orders that will be executed beyond their size.
    pub(super) overfill: u32,
    pub(super) overfilled: u32,
    /// Orders of which a part will be executed and the rest canceled.
    pub(super) cut_short: BTreeSet<ClientOrderId>,
    events: u128,
}

/// Opening balance of each asset.
pub(super) const OPENING: i64 = 1_000_000;

/// How the venue of a plan executes and what it charges.
pub(super) fn exchange_settings(plan: &Plan, opening_cash: Cash) -> ExchangeSettings {
    ExchangeSettings {
        fill_point: plan.lockstep.map_or(FillPoint::SameClose, |l| l.fill_point),
        fees: FeeModel::Proportional(Rate::from_bps(4)),
        slippage: SlippageModel::Proportional(Rate::from_bps(2)),
        opening_cash,
        delisting_haircut: Rate::ZERO,
    }
}

impl Venue {
    /// The orders that work in the core.
    pub(super) fn working(&self) -> impl Iterator<Item = &Intent> {
        self.core.working().iter().map(|order| &order.intent)
    }

    /// The orders that work in the core, each as large as what may still execute of it.
    pub(super) fn open(&self) -> impl Iterator<Item = Intent> {
        self.core.working().iter().map(|order| Intent {
            quantity: order.open(),
            ..order.intent
        })
    }

    pub(super) fn new(plan: &Plan, instruments: Instruments, now: Timestamp) -> Self {
        let million =
            Cash::from_decimal(OPENING.into(), instruments.base().scale).expect("a million fits");
        let settings = exchange_settings(plan, million);
        let rules = plan
            .lockstep
            .map_or_else(VenueRules::default, |l| l.rules());
        let mut venue = Self {
            seed: plan.seed,
            profile: plan.venue.clone(),
            core: Exchange::with_rules(instruments.clone(), settings, rules),
            other_cash: million,
            orders: BTreeMap::new(),
            log: Vec::new(),
            said: Vec::new(),
            prices: vec![Price::ZERO; instruments.len()],
            instruments,
            foreign: Vec::new(),
            overfill: 0,
            overfilled: 0,
            cut_short: BTreeSet::new(),
            events: 0,
        };
        venue.hear_core(now);
        let other = Fact::Opening {
            asset: AssetId::from_index(1),
            amount: million,
        };
        venue.tell(now, other);
        venue
    }

    /// Our instant on the venue's clock.
    pub(super) fn stamp(&self, now: Timestamp) -> Timestamp {
        now + Span::from_nanos(self.profile.clock_offset * MILLI)
    }

    /// Something happened to the account and is reported.
    pub(super) fn tell(&mut self, now: Timestamp, fact: Fact) {
        self.log.push(Logged {
            at: now,
            fact: fact.clone(),
        });
        self.said.push((Path::Stream, fact));
    }

    /// A request arrives. Returns whether the venue knows it; one that comes after its expiry is
    /// dropped without a trace where there is a fence.
    pub(super) fn receive(&mut self, order: Redeemed, now: Timestamp, mischief: Mischief) -> bool {
        if self.profile.fenced && self.stamp(now) > order.expires_at() {
            return false;
        }
        let intent = *order.intent();
        let client_id = intent.client_id;
        let permanent = self.profile.idempotency == Idempotency::Permanent;
        let known = self.orders.contains_key(&client_id);
        let reason = mischief
            .refuse
            .or_else(|| (permanent && known).then_some("this id was used before"));
        if let Some(reason) = reason {
            self.turn(intent, OrderStatus::Rejected, now);
            let reason = reason.into();
            self.said
                .push((Path::Answer, Fact::Rejected { client_id, reason }));
            return true;
        }
        self.core.submit(order);
        self.pending(intent);
        self.hear_core(now);
        true
    }

    /// Makes room for an order about which the core will speak.
    fn pending(&mut self, intent: Intent) {
        self.orders.entry(intent.client_id).or_insert(Received {
            intent,
            turns: Vec::new(),
            accepted: 0,
        });
    }

    fn turn(&mut self, intent: Intent, status: OrderStatus, at: Timestamp) {
        self.pending(intent);
        if let Some(order) = self.orders.get_mut(&intent.client_id) {
            let filled = order.turns.last().map_or(Quantity::ZERO, |t| t.filled);
            order.turns.push(Turn { at, status, filled });
        }
    }

    /// A cancel arrives.
    pub(super) fn cancel(&mut self, client_id: ClientOrderId, now: Timestamp) {
        if self.working().any(|w| w.client_id == client_id) {
            self.core.cancel(client_id);
            self.hear_core(now);
        } else {
            let reason = "no such open order".into();
            self.said
                .push((Path::Answer, Fact::CancelRejected { client_id, reason }));
        }
    }

    /// Executes what can be executed at the last prices.
    pub(super) fn execute(&mut self, slice: &Slice<'_>, now: Timestamp) {
        let stamp = self.stamp(now);
        self.core.execute(slice, stamp);
        self.hear_core(now);
    }

    /// Ends every resting order by time.
    pub(super) fn expire(&mut self, slice: &Slice<'_>, now: Timestamp) {
        self.core.expire(slice);
        self.hear_core(now);
    }

    /// Takes over what the core did: into the history, and onto the wires. Returns how many things
    /// it did.
    pub(super) fn hear_core(&mut self, now: Timestamp) -> usize {
        let mut heard = 0;
        while let Some(fact) = self.core.next_fact() {
            heard += 1;
            match fact {
                Fact::Accepted { client_id } => {
                    let intent = self.orders[&client_id].intent;
                    self.turn(intent, OrderStatus::Accepted, now);
                    if let Some(order) = self.orders.get_mut(&client_id) {
                        order.accepted += 1;
                    }
                    let fact = Fact::Accepted { client_id };
                    if self.profile.stream_acknowledges {
                        self.said.push((Path::Stream, fact.clone()));
                    }
                    self.said.push((Path::Answer, fact));
                }
                Fact::Rejected { client_id, reason } => {
                    let intent = self.orders[&client_id].intent;
                    self.turn(intent, OrderStatus::Rejected, now);
                    self.said
                        .push((Path::Answer, Fact::Rejected { client_id, reason }));
                }
                Fact::Filled(fill) => self.filled(&fill, now),
                Fact::Canceled {
                    client_id, reason, ..
                } => {
                    let intent = self.orders[&client_id].intent;
                    self.turn(intent, OrderStatus::Canceled, now);
                    let filled = self.orders[&client_id].last().filled;
                    let fact = Fact::Canceled {
                        client_id,
                        filled,
                        reason,
                    };
                    self.said.push((Path::Stream, fact));
                }
                Fact::Expired { client_id, .. } => {
                    let intent = self.orders[&client_id].intent;
                    self.turn(intent, OrderStatus::Expired, now);
                    let filled = self.orders[&client_id].last().filled;
                    self.said
                        .push((Path::Stream, Fact::Expired { client_id, filled }));
                }
                opening => self.tell(now, opening),
            }
        }
        heard
    }

    /// Undoes half of an execution of the core: that part of the order is canceled instead.
    fn undo_half(&mut self, fill: &Fill) -> Fill {
        let lot = self.lot(fill.instrument).units();
        let rest = Quantity::from_units(fill.quantity.units() / lot / 2 * lot);
        let fee = Cash::from_units(fill.fee.units() / 2);
        let delta = fill.side.signed(rest);
        let back = self.value(fill.instrument, fill.price, delta) + fee;
        self.core.adjust(fill.instrument, -delta, back);
        Fill {
            quantity: fill.quantity - rest,
            fee: fill.fee - fee,
            ..*fill
        }
    }

    /// One execution of the core, reported as one trade or as several.
    fn filled(&mut self, fill: &Fill, now: Timestamp) {
        let cut = self.cut_short.remove(&fill.client_id);
        let fill = &if cut { self.undo_half(fill) } else { *fill };
        self.execute_pieces(fill, now);
        if cut {
            let client_id = fill.client_id;
            let intent = self.orders[&client_id].intent;
            self.turn(intent, OrderStatus::Canceled, now);
            let filled = self.orders[&client_id].last().filled;
            let reason = "the rest found nobody".into();
            let fact = Fact::Canceled {
                client_id,
                filled,
                reason,
            };
            self.said.push((Path::Stream, fact));
        }
    }

    fn execute_pieces(&mut self, fill: &Fill, now: Timestamp) {
        let lot = self.lot(fill.instrument).units();
        let trade = fill.trade_id.0;
        let key = u64::try_from(trade).unwrap_or(0);
        let lots = fill.quantity.units() / lot;
        let pieces = if chance::happens(self.seed, 4, key, self.profile.split_percent) {
            lots.clamp(1, 2 + chance::between(self.seed, 5, key, 0, 2))
        } else {
            1
        };
        let (mut quantity, mut fee) = (fill.quantity, fill.fee);
        for piece in (1..=pieces).rev() {
            let part = Quantity::from_units(quantity.units() / lot / piece * lot);
            let cost = Cash::from_units(fee.units() / i128::from(piece));
            quantity -= part;
            fee -= cost;
            let number = u128::try_from(piece).unwrap_or(1);
            let part = Fill {
                trade_id: TradeId(trade << 4 | number),
                quantity: part,
                fee: cost,
                ..*fill
            };
            self.traded(part, now);
        }
        if self.overfill > 0 {
            self.overfill -= 1;
            self.execute_beyond(fill, now);
        }
    }

    /// A lot more than was ordered, where the account can bear it.
    fn execute_beyond(&mut self, fill: &Fill, now: Timestamp) {
        let lot = self.lot(fill.instrument);
        let delta = fill.side.signed(lot);
        let cash = self.value(fill.instrument, fill.price, -delta);
        if (self.core.position(fill.instrument) + delta).is_negative()
            || (self.core.cash() + cash).is_negative()
        {
            return;
        }
        self.overfilled += 1;
        self.core.adjust(fill.instrument, delta, cash);
        let beyond = Fill {
            trade_id: TradeId(fill.trade_id.0 << 4 | 15),
            quantity: lot,
            fee: Cash::ZERO,
            ..*fill
        };
        self.traded(beyond, now);
    }

    /// A trade of ours enters the history, its fee taken where this venue takes it.
    fn traded(&mut self, mut fill: Fill, now: Timestamp) {
        if self.profile.foreign_fees && fill.fee.is_positive() {
            self.core.adjust(fill.instrument, Quantity::ZERO, fill.fee);
            fill.fee_asset = AssetId::from_index(1);
            fill.fee = Cash::from_units(fill.fee.units() / 7 + 1);
            self.other_cash -= fill.fee;
        }
        if let Some(order) = self.orders.get_mut(&fill.client_id) {
            let filled = order.last().filled + fill.quantity;
            let status = if filled >= order.intent.quantity {
                OrderStatus::Filled
            } else {
                OrderStatus::PartiallyFilled
            };
            let at = now;
            order.turns.push(Turn { at, status, filled });
        }
        self.tell(now, Fact::Filled(fill));
    }

    pub(super) fn lot(&self, id: InstrumentId) -> Quantity {
        self.instruments
            .get(id)
            .map_or(Quantity::from_units(1), |i| i.lot)
    }

    /// The exact value of a quantity at a price.
    pub(super) fn value(&self, id: InstrumentId, price: Price, quantity: Quantity) -> Cash {
        self.instruments
            .get(id)
            .map_or(Cash::ZERO, |i| i.notional(price, quantity))
    }

    pub(super) fn next_event(&mut self) -> EventId {
        self.events += 1;
        EventId(1 << 64 | self.events)
    }

    /// Reports an order with an id of ours that we never sent.
    pub(super) fn invent(&mut self, installation: Installation) -> ClientOrderId {
        let client_id = ClientOrderId {
            installation,
            decision: 4_000_000,
            plan: 1,
            leg: 0,
        };
        self.said.push((Path::Stream, Fact::Accepted { client_id }));
        client_id
    }
}
