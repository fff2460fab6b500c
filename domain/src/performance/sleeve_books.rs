//! Whose was it: the account's fills, fees and income shared among the sleeves that caused them.

use super::pro_rata::pro_rata;
use crate::instrument::{AssetId, InstrumentId, Instruments};
use crate::kernel::{AdjustmentKind, DecisionRecord, LegRecord, Record, SplitRecord};
use crate::money::{Cash, Price, Quantity, Weight};
use crate::orders::{Cause, Fill};
use crate::portfolio::{Account, Disposition, Entry, EntryKind, Leg};
use crate::strategy::{Decision, SleeveAction, Target, Targets};

/// A book a sleeve, kept from the records of an account. Together they are the account, to the
/// last unit of cash and of every instrument, after each record.
///
/// - A decision gives each sleeve a wanted quantity: its allocation × target at the price the
///   decision was valued with, the dust of whole lots shared by size.
/// - Deltas of opposite signs cross inside the account at that price and without a fee, whether or
///   not the net is worth an order: both sleeves are where they want to be. An instrument without
///   a fresh price crosses nothing.
/// - A fill is shared by what the sleeves still miss, its fee by their parts of the fill.
/// - Splits, dividends and delistings follow the holdings. What no sleeve asked for reduces all
///   holdings alike, or else follows the allocations.
///
/// Nothing is recorded of an instrument of which the account holds none, so a split or a dividend
/// that falls between a long and an equal short of two sleeves is not seen.
#[derive(Clone, Debug)]
pub struct SleeveBooks {
    instruments: Instruments,
    sleeves: Vec<SleeveBook>,
    /// By instrument, then sleeve: what is still to be bought or sold; one sign an instrument.
    missing: Vec<Vec<i128>>,
    /// By instrument, then sleeve: what was held before its last split, which cash in lieu is for.
    unsplit: Vec<Vec<i128>>,
    equity: Cash,
    /// Whether the last decision was a person's or a rule's: its legs are closed.
    closes: bool,
}

/// One sleeve's part of the account.
#[derive(Clone, Debug)]
pub struct SleeveBook {
    /// Its name.
    pub name: String,
    /// Its share of equity; 0 before its first decision.
    pub allocation: f64,
    /// What it wanted last.
    pub targets: Targets,
    /// Quantity by instrument.
    held: Vec<i128>,
    /// By asset.
    money: Vec<SleeveMoney>,
}

/// What a sleeve did in one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SleeveMoney {
    /// All its payments: sales less purchases, less fees, plus income.
    pub cash: Cash,
    /// Fees paid.
    pub fees: Cash,
    /// Dividends, cash in lieu, funding and borrow.
    pub income: Cash,
    /// Value of its parts of fills, buys and sells both counted.
    pub traded: Cash,
    /// Value of what it exchanged with other sleeves.
    pub crossed: Cash,
}

impl SleeveBook {
    /// What it holds of an instrument.
    pub fn held(&self, id: InstrumentId) -> Quantity {
        self.held
            .get(id.index())
            .copied()
            .map_or(Quantity::ZERO, quantity)
    }

    /// What it did in `asset`.
    pub fn money(&self, asset: AssetId) -> SleeveMoney {
        self.money.get(asset.index()).copied().unwrap_or_default()
    }

    fn wants(&self, id: InstrumentId) -> Option<Target> {
        let mut entries = self.targets.entries().iter();
        entries.find(|e| e.instrument == id).map(|e| e.target)
    }
}

impl SleeveBooks {
    /// Empty books for the sleeves called `names`, in the order of their ids. One name is the
    /// account itself.
    pub fn new(names: &[&str], instruments: &Instruments) -> Self {
        let none = vec![Vec::new(); instruments.len()];
        let mut books = Self {
            instruments: instruments.clone(),
            sleeves: Vec::new(),
            missing: none.clone(),
            unsplit: none,
            equity: Cash::ZERO,
            closes: false,
        };
        for name in names {
            books.open((*name).to_owned());
        }
        books
    }

    fn open(&mut self, name: String) {
        self.sleeves.push(SleeveBook {
            name,
            allocation: 0.0,
            targets: Targets::new(),
            held: vec![0; self.instruments.len()],
            money: vec![SleeveMoney::default(); self.instruments.assets().len()],
        });
        for by_sleeve in self.missing.iter_mut().chain(&mut self.unsplit) {
            by_sleeve.push(0);
        }
    }

    /// The books, in the order of the sleeves' ids.
    pub fn sleeves(&self) -> &[SleeveBook] {
        &self.sleeves
    }

    /// What a sleeve of index `sleeve` earned so far at the account's marks: its payments and the
    /// value of what it holds, in the base asset. The sum over sleeves is the account's value less
    /// the capital paid in.
    pub fn net(&self, sleeve: usize, account: &Account) -> Cash {
        let Some(book) = self.sleeves.get(sleeve) else {
            return Cash::ZERO;
        };
        let values = self.instruments.ids().zip(self.instruments.all());
        let value: Cash = values
            .filter(|(id, _)| !book.held(*id).is_zero())
            .filter_map(|(id, instrument)| {
                let price = Price::from_market_data(account.mark(id), instrument.price_scale)?;
                Some(instrument.notional(price, book.held(id)))
            })
            .sum();
        book.money(AssetId::BASE).cash + value
    }

    /// Takes a record over, in the order of the journal.
    pub fn record(&mut self, record: &Record) {
        match record {
            Record::Decision(r) => self.decide(r),
            Record::Leg(r) => self.leg(r),
            Record::Fill(r) => self.fill(&r.fill, 1),
            Record::Void(r) => self.fill(&r.fill, -1),
            Record::Entry(entry) => self.entry(entry),
            Record::Split(r) => self.split(r),
            Record::Adjustment(r) => {
                let quantity = i128::from(r.quantity.units());
                if let (Some(id), true) = (r.instrument, quantity != 0) {
                    let parts = self.unasked(id.index(), quantity);
                    self.move_units(id.index(), &parts);
                    self.pay(r.asset, r.amount, &parts, |_, _| ());
                } else if r.kind != AdjustmentKind::Transfer {
                    let weights = self.holdings(r.instrument);
                    self.pay(r.asset, r.amount, &weights, |_, _| ());
                }
            }
            Record::Intent(_)
            | Record::Order(_)
            | Record::Residual(_)
            | Record::Mode(_)
            | Record::State(_)
            | Record::Hold(_)
            | Record::Session(_)
            | Record::Orphan(_)
            | Record::Dispute(_)
            | Record::Agreement(_) => {}
        }
    }

    /// A bar is complete. A long and a short that cancel and that no sleeve wants any more have no
    /// leg in any decision: they meet at the mark.
    pub fn bar(&mut self, account: &Account) {
        for id in self.instruments.ids() {
            let i = id.index();
            let held = self.held(i);
            let offset = held.iter().any(|h| *h != 0) && held.iter().sum::<i128>() == 0;
            if !offset || self.sleeves.iter().any(|s| s.wants(id).is_some()) {
                continue;
            }
            let scale = self.instruments.all()[i].price_scale;
            if let Some(price) = Price::from_market_data(account.mark(id), scale) {
                let deltas: Vec<i128> = held.iter().map(|h| -h).collect();
                self.cross(id, price, &deltas);
            }
        }
    }

    fn decide(&mut self, record: &DecisionRecord) {
        self.equity = record.equity;
        self.closes = !matches!(record.cause, Cause::Slot(..));
        match &record.decision {
            Decision::Hold(_) => {}
            Decision::Targets(targets, _) => {
                for sleeve in &mut self.sleeves {
                    (sleeve.allocation, sleeve.targets) = (0.0, Targets::new());
                }
                self.want(0, 1.0, Some(targets));
            }
            Decision::Sleeves(sleeves) => {
                for s in sleeves {
                    let targets = match &s.action {
                        SleeveAction::Hold(_) => None,
                        SleeveAction::Targets(targets, _) => Some(targets),
                    };
                    self.want(usize::from(s.sleeve.0), s.allocation, targets);
                }
            }
        }
    }

    fn want(&mut self, sleeve: usize, allocation: f64, targets: Option<&Targets>) {
        // A strategy that does not name its sleeves gets numbers.
        while self.sleeves.len() <= sleeve {
            self.open(format!("sleeve {}", self.sleeves.len()));
        }
        let book = &mut self.sleeves[sleeve];
        book.allocation = allocation;
        if let Some(targets) = targets {
            book.targets.clone_from(targets);
        }
    }

    fn leg(&mut self, record: &LegRecord) {
        let (leg, i) = (&record.leg, record.leg.instrument.index());
        self.missing[i].fill(0);
        match leg.disposition {
            Disposition::NotFresh(_) | Disposition::NoPrice | Disposition::Blocked => return,
            Disposition::Trade
            | Disposition::AtTarget
            | Disposition::BelowThreshold
            | Disposition::BelowMinNotional => {}
        }
        let wanted = self.wanted_units(leg);
        let held = self.held(i);
        let mut deltas: Vec<i128> = wanted.iter().zip(&held).map(|(w, h)| w - h).collect();
        let moved = self.cross(leg.instrument, leg.price, &deltas);
        for (delta, moved) in deltas.iter_mut().zip(moved) {
            *delta -= moved;
        }
        if leg.disposition == Disposition::Trade {
            self.missing[i] = deltas;
        }
    }

    /// The quantity each sleeve wants by its last targets; together the leg's target.
    pub fn wanted(&self, leg: &Leg) -> Vec<Quantity> {
        self.wanted_units(leg).into_iter().map(quantity).collect()
    }

    fn wanted_units(&self, leg: &Leg) -> Vec<i128> {
        let mut wanted: Vec<i128> = self
            .sleeves
            .iter()
            .map(|sleeve| match sleeve.wants(leg.instrument) {
                Some(target) if !self.closes => self.units(sleeve.allocation, target, leg),
                _ => 0,
            })
            .collect();
        let dust = i128::from(leg.target.units()) - wanted.iter().sum::<i128>();
        let sizes: Vec<i128> = wanted.iter().map(|w| w.abs()).collect();
        for (wanted, more) in wanted.iter_mut().zip(self.parts(dust, &sizes)) {
            *wanted += more;
        }
        wanted
    }

    /// Whole units, towards zero. An amount no account can hold is none: the decision was refused
    /// before it came here.
    fn units(&self, allocation: f64, target: Target, leg: &Leg) -> i128 {
        let Some(instrument) = self.instruments.get(leg.instrument) else {
            return 0;
        };
        let one = instrument.notional(leg.price, Quantity::from_units(1));
        let scale = self.instruments.base().scale;
        let value = match target {
            Target::Weight(w) => Weight::leveraged(allocation * w).map(|w| w.of(self.equity)),
            Target::Notional(n) => Cash::from_decimal(n, scale),
            Target::Units(u) => Quantity::from_decimal(u, instrument.quantity_scale)
                .map(|quantity| instrument.notional(leg.price, quantity)),
        };
        let value = value.unwrap_or(Cash::ZERO).units();
        value.checked_div(one.units()).unwrap_or(0)
    }

    /// Exchanges what deltas of opposite signs have in common, and says what moved.
    fn cross(&mut self, id: InstrumentId, price: Price, deltas: &[i128]) -> Vec<i128> {
        let side = |sign: i128| -> Vec<i128> { deltas.iter().map(|d| (d * sign).max(0)).collect() };
        let (buys, sells) = (side(1), side(-1));
        let common = buys.iter().sum::<i128>().min(sells.iter().sum());
        let (bought, sold) = (self.parts(common, &buys), self.parts(common, &sells));
        let moved: Vec<i128> = bought.iter().zip(&sold).map(|(b, s)| b - s).collect();
        self.move_units(id.index(), &moved);
        self.settle(id, price, &moved, |money, value| {
            money.crossed += value.abs();
        });
        moved
    }

    fn fill(&mut self, fill: &Fill, sign: i128) {
        let i = fill.instrument.index();
        let delta = sign * i128::from(fill.delta().units());
        if delta == 0 {
            return;
        }
        let open: i128 = self.missing[i].iter().sum();
        let mut parts = vec![0; self.sleeves.len()];
        if open.signum() == delta.signum() {
            let asked = if delta.abs() <= open.abs() {
                delta
            } else {
                open
            };
            parts = self.parts(asked, &self.missing[i]);
            for (missing, part) in self.missing[i].iter_mut().zip(&parts) {
                *missing -= part;
            }
            self.move_units(i, &parts);
        }
        let rest = delta - parts.iter().sum::<i128>();
        let others = self.unasked(i, rest);
        self.move_units(i, &others);
        for (part, other) in parts.iter_mut().zip(others) {
            *part += other;
        }
        self.settle(fill.instrument, fill.price, &parts, |money, value| {
            money.traded += Cash::from_units(sign * value.abs().units());
        });
        let sizes: Vec<i128> = parts.iter().map(|p| p.abs()).collect();
        let fee = Cash::from_units(-sign * fill.fee.units());
        self.pay(fill.fee_asset, fee, &sizes, |money, part| {
            money.fees -= part;
        });
    }

    fn entry(&mut self, entry: &Entry) {
        if entry.kind == EntryKind::Opening {
            return;
        }
        let weights = match (entry.kind, entry.instrument) {
            (EntryKind::CashInLieu, Some(id)) => self.unsplit[id.index()].clone(),
            (_, of) => self.holdings(of),
        };
        // As the ledger has it: what ends a position is its price.
        let ended = entry
            .instrument
            .is_some_and(|id| self.held(id.index()).iter().sum::<i128>() == 0);
        let is_income = match entry.kind {
            EntryKind::Dividend | EntryKind::Funding | EntryKind::Borrow => true,
            EntryKind::CashInLieu => !ended,
            _ => false,
        };
        self.pay(entry.asset, entry.amount, &weights, |money, part| {
            if is_income {
                money.income += part;
            }
        });
        if let (EntryKind::Delisting, Some(id)) = (entry.kind, entry.instrument) {
            self.missing[id.index()].fill(0);
            for sleeve in &mut self.sleeves {
                sleeve.held[id.index()] = 0;
            }
        }
    }

    fn split(&mut self, record: &SplitRecord) {
        let i = record.instrument.index();
        let held = self.held(i);
        let after = self.parts(i128::from(record.after.units()), &held);
        for (sleeve, after) in self.sleeves.iter_mut().zip(after) {
            sleeve.held[i] = after;
        }
        self.unsplit[i] = held;
        let (new, old) = (record.ratio.new, record.ratio.old);
        for missing in &mut self.missing[i] {
            *missing = *missing * i128::from(new) / i128::from(old).max(1);
        }
    }

    fn held(&self, i: usize) -> Vec<i128> {
        self.sleeves.iter().map(|s| s.held[i]).collect()
    }

    /// What a payment on an instrument follows; nothing for one on the account.
    fn holdings(&self, of: Option<InstrumentId>) -> Vec<i128> {
        of.map_or_else(|| vec![0; self.sleeves.len()], |id| self.held(id.index()))
    }

    /// A change that no sleeve asked for: towards zero all holdings shrink alike.
    fn unasked(&self, i: usize, delta: i128) -> Vec<i128> {
        let held = self.held(i);
        let sum: i128 = held.iter().sum();
        let shrinks = sum.signum() * delta.signum() < 0 && delta.abs() <= sum.abs();
        if shrinks {
            self.parts(delta, &held)
        } else {
            self.parts(delta, &vec![0; held.len()])
        }
    }

    fn move_units(&mut self, i: usize, by: &[i128]) {
        for (sleeve, by) in self.sleeves.iter_mut().zip(by) {
            sleeve.held[i] += by;
        }
    }

    /// Pays for units that moved.
    fn settle(
        &mut self,
        id: InstrumentId,
        price: Price,
        moved: &[i128],
        note: impl Fn(&mut SleeveMoney, Cash),
    ) {
        let Some(instrument) = self.instruments.get(id) else {
            return;
        };
        let one = instrument.notional(price, Quantity::from_units(1)).units();
        for (sleeve, units) in self.sleeves.iter_mut().zip(moved) {
            let value = Cash::from_units(one * units);
            let money = &mut sleeve.money[instrument.quote.index()];
            money.cash -= value;
            note(money, value);
        }
    }

    /// Shares a payment by `weights`.
    fn pay(
        &mut self,
        asset: AssetId,
        amount: Cash,
        weights: &[i128],
        note: impl Fn(&mut SleeveMoney, Cash),
    ) {
        let parts = self.parts(amount.units(), weights);
        for (sleeve, part) in self.sleeves.iter_mut().zip(parts) {
            let (money, part) = (&mut sleeve.money[asset.index()], Cash::from_units(part));
            money.cash += part;
            note(money, part);
        }
    }

    /// `total` by `weights`, or by the allocations when those add up to nothing.
    fn parts(&self, total: i128, weights: &[i128]) -> Vec<i128> {
        if weights.iter().sum::<i128>() != 0 {
            return pro_rata(total, weights);
        }
        let allocations = self.sleeves.iter().map(|s| {
            let weight = Weight::leveraged(s.allocation);
            weight.map_or(0, |w| i128::from(w.units()))
        });
        pro_rata(total, &allocations.collect::<Vec<_>>())
    }
}

/// Sleeves hold parts of what fits; a long against a short beyond the range is cut to it.
fn quantity(units: i128) -> Quantity {
    let most = if units < 0 { i64::MIN } else { i64::MAX };
    Quantity::from_units(i64::try_from(units).unwrap_or(most))
}
