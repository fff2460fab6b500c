//! Oracles of what the account leaves at the venue: cancels, cover, cash, and orders called dead.

use ballast_domain::kernel::{IntentRecord, Record, Redeemed};
use ballast_domain::money::{Cash, Quantity};
use ballast_domain::orders::{ClientOrderId, Intent, OrderStatus, OrderType, Side};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Span;

use super::account::max_gross;
use super::world::World;

/// What orders may cost beyond the cash there is before it counts: events the books have not heard.
const SLACK: Cash = Cash::from_units(5_000 * 100_000_000);

/// What gross exposure may move between a decision and its orders.
const GROSS_SLACK: Cash = Cash::from_units(20_000 * 100_000_000);

/// Seconds by which a question may come later than the longest of its intervals and a permit's life.
const ASKED_LATE: i64 = 15;

impl World<'_> {
    /// A cancel left.
    pub(super) fn note_cancel(&mut self, id: ClientOrderId) {
        self.judge.cancelled.insert(id);
    }

    /// I-04: silence proves nothing before an order's own expiry is over.
    pub(super) fn check_dead(&mut self, record: &Record) {
        if let Record::Order(r) = record
            && r.status == OrderStatus::Dead
            && let Some(fence) = self.judge.fences.get(&r.client_id)
            && self.now <= *fence
        {
            let what = format!("{} was called dead before its expiry", r.client_id);
            self.accuse("I-04", what);
        }
    }

    /// I-16: an order of unknown outcome is asked about again and again, also by a process that
    /// found it in its records. Time in which the process stood still does not count.
    pub(super) fn check_asked(&mut self, place: usize) {
        let process = &self.processes[place];
        if process.superseded {
            return;
        }
        let tuning = &self.plan.tuning;
        let longest = Span::from_seconds(tuning.audit + tuning.permit + ASKED_LATE);
        let awake = process.started.max(process.paused_until);
        let forgotten = process
            .books
            .unclear
            .iter()
            .find(|(_, asked)| self.now > awake.max(**asked) + longest);
        if let Some((id, asked)) = forgotten.map(|(id, asked)| (*id, *asked)) {
            let what = format!("{id} is unknown and was last asked about at {asked}");
            self.accuse("I-16", what);
        }
    }

    /// I-81: with the account stopped, everything known to work at the venue is being taken back.
    pub(super) fn check_stopped(&mut self, place: usize, record: &Record) {
        let Record::Mode(r) = record else { return };
        if r.scope != ModeScope::Account || r.mode < Mode::CancelOnly {
            return;
        }
        let books = &self.processes[place].books;
        let left = self.venue.working().find(|i| {
            let id = i.client_id;
            let known = books.passed(id) && !books.ended.contains(&id);
            known && self.judge.was_sent(id) && !self.judge.cancelled.contains(&id)
        });
        if let Some(id) = left.map(|i| i.client_id) {
            self.accuse(
                "I-81",
                format!("{id} is not taken back from a stopped account"),
            );
        }
    }

    /// I-13: what only reduces is taken back when the position no longer covers it.
    pub(super) fn check_cover(&mut self, place: usize) {
        let process = &self.processes[place];
        if process.superseded {
            return;
        }
        let books = &process.books;
        let mut sells = vec![0; self.instruments.len()];
        for i in self.venue.open() {
            let id = i.client_id;
            let ours = books.passed(id) && !books.ended.contains(&id);
            let at_venue = self.judge.was_sent(id) && !self.judge.cancelled.contains(&id);
            if i.reduce_only && i.side == Side::Sell && ours && at_venue {
                sells[i.instrument.index()] += i.quantity.units();
            }
        }
        let short = (0..sells.len()).find(|i| sells[*i] > books.ledger.held[*i].max(0));
        if let Some(index) = short {
            let (units, held) = (sells[index], books.ledger.held[index]);
            let what = format!("instrument {index}: {units} for sale, {held} held by the records");
            self.accuse("I-13", what);
        }
    }

    /// I-55 as an order leaves: everything that may buy can be paid.
    pub(super) fn check_cash(&mut self, place: usize, order: &Redeemed) {
        let intent = order.intent();
        let (truth, books) = (&self.judge.truth, &self.processes[place].books.ledger);
        let known = truth.changes == books.changes && truth.voids == books.voids;
        if intent.side != Side::Buy || !known {
            return;
        }
        let id = intent.client_id;
        let flying = self.in_flight.iter().map(|f| f.intent);
        let open = self.venue.open().chain(flying);
        let cost: Cash = open
            .filter(|i| i.side == Side::Buy && i.client_id != id)
            .chain([*intent])
            .map(|i| {
                let price = match i.order_type {
                    OrderType::Limit(limit) => limit,
                    OrderType::Market => self.venue.prices[i.instrument.index()],
                };
                self.venue.value(i.instrument, price, i.quantity)
            })
            .fold(Cash::ZERO, |sum, value| sum + value);
        let cash = Cash::from_units(truth.cash[0]);
        if cost > cash + SLACK {
            let (cost, cash) = (cost.units(), cash.units());
            self.accuse("I-55", format!("{id} leaves {cost} to pay with {cash}"));
        }
    }

    /// I-10 of all positions together: what is held and what may still be bought stays below its share of
    /// the equity the decision was valued with. Prices are the venue's and may have moved since.
    pub(super) fn check_gross(&mut self, place: usize, r: &IntentRecord) {
        let books = &self.processes[place].books;
        let (number, equity) = books.valued;
        let (truth, ours) = (&self.judge.truth, &books.ledger);
        let known = truth.changes == ours.changes && truth.voids == ours.voids;
        if number != r.intent.client_id.decision || !known {
            return;
        }
        let at = |i: &Intent| match i.order_type {
            OrderType::Limit(limit) => limit,
            OrderType::Market => self.venue.prices[i.instrument.index()],
        };
        let held = self.instruments.ids().zip(&truth.held).map(|(id, held)| {
            let (price, units) = (self.venue.prices[id.index()], held.abs());
            self.venue.value(id, price, Quantity::from_units(units))
        });
        let id = r.intent.client_id;
        let flying = self.in_flight.iter().map(|f| f.intent);
        let open = self.venue.open().chain(flying).chain([r.intent]);
        let mut seen = std::collections::BTreeSet::new();
        let buys = open
            .filter(|i| i.side == Side::Buy && (i.client_id != id || seen.insert(id)))
            .map(|i| self.venue.value(i.instrument, at(&i), i.quantity));
        let gross = held.chain(buys).fold(Cash::ZERO, |sum, value| sum + value);
        let allowed = max_gross(self.plan).of(equity) + GROSS_SLACK;
        if gross > allowed {
            let (gross, allowed) = (gross.units(), allowed.units());
            self.accuse(
                "I-10",
                format!("{id} takes all positions to {gross} of {allowed}"),
            );
        }
    }

    /// I-80, I-84: a restart is as restricted as its records say.
    pub(super) fn check_modes(&mut self, place: usize) {
        let process = &self.processes[place];
        let looser = self
            .instruments
            .ids()
            .find(|id| process.kernel.mode(*id) < process.books.mode(id.index()));
        if let Some(id) = looser {
            let (is, was) = (process.kernel.mode(id), process.books.mode(id.index()));
            let what = format!(
                "restored {} where the records say {}",
                is.name(),
                was.name()
            );
            self.accuse("I-80", what);
        }
    }
}
