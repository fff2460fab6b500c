//! What the records say, added up by the naive ledger: the program's books, read by somebody else.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{AdjustmentKind, Fact, Record, Session};
use ballast_domain::money::{Cash, Price, Quantity};
use ballast_domain::orders::{Cause, ClientOrderId, Fill, OrderStatus};
use ballast_domain::portfolio::EntryKind;
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Timestamp;

use super::ledger::{Change, NaiveLedger, Trade, Wrong};

/// An empty naive ledger for these instruments.
pub(super) fn ledger(instruments: &Instruments) -> NaiveLedger {
    let one = (Price::from_units(1), Quantity::from_units(1));
    let factors = instruments
        .all()
        .iter()
        .map(|i| i.notional(one.0, one.1).units())
        .collect();
    NaiveLedger::new(factors, instruments.assets().len())
}

/// An execution in plain integers.
pub(super) fn trade(fill: &Fill) -> Trade {
    Trade {
        id: fill.trade_id.0,
        instrument: fill.instrument.index(),
        units: fill.delta().units(),
        price: fill.price.units(),
        fee: fill.fee.units(),
        fee_asset: fill.fee_asset.index(),
    }
}

/// Adds what the venue's history says; the error is the venue's own contradiction.
pub(super) fn post(ledger: &mut NaiveLedger, fact: &Fact) -> Result<(), Wrong> {
    let (instrument, units, asset, amount) = match fact {
        Fact::Filled(fill) => return ledger.trade(trade(fill)),
        Fact::Voided(fill) => return ledger.void(trade(fill)),
        Fact::Opening { asset, amount } => (None, 0, *asset, *amount),
        Fact::Funding {
            instrument,
            asset,
            amount,
            ..
        } => (Some(instrument.index()), 0, *asset, *amount),
        Fact::Adjusted {
            instrument,
            asset,
            quantity,
            amount,
            ..
        } => {
            let of = instrument.map(InstrumentId::index);
            (of, quantity.units(), *asset, *amount)
        }
        _ => return Ok(()),
    };
    ledger.change(Change {
        instrument,
        units,
        asset: asset.index(),
        amount: amount.units(),
    });
    Ok(())
}

/// Everything an auditor keeps who sees nothing but the records of one process.
#[derive(Clone, Debug)]
pub(super) struct Books {
    pub(super) ledger: NaiveLedger,
    /// Slots used up by a decision.
    decided: BTreeSet<i64>,
    /// Intents that passed, in the order of their numbers.
    intents: BTreeMap<ClientOrderId, bool>,
    /// Legs that went at the market as a last resort: decision, instrument, whether it reduced.
    resorts: BTreeMap<(u32, usize, bool), ClientOrderId>,
    /// Orders of unknown outcome by the records, and when each was last asked about.
    pub(super) unclear: BTreeMap<ClientOrderId, Timestamp>,
    /// Orders that ended by the records.
    pub(super) ended: BTreeSet<ClientOrderId>,
    /// Orders that never left by the records.
    never_left: BTreeSet<ClientOrderId>,
    /// Target of each instrument under the latest decision that has a leg for it.
    pub(super) legs: BTreeMap<usize, (u32, i64)>,
    /// Number of the latest decision, and equity its targets were valued with.
    pub(super) valued: (u32, Cash),
    shared: [Mode; 3],
    own: Vec<Mode>,
    pub(super) session: Session,
    /// Whether the account has its opening balance.
    pub(super) opened: bool,
    /// Why each scope is not active.
    pub(super) reasons: BTreeMap<String, String>,
    pub(super) orphans: usize,
    /// Instruments with an open dispute.
    pub(super) disputed: BTreeSet<usize>,
}

impl Books {
    pub(super) fn new(instruments: &Instruments) -> Self {
        Self {
            ledger: ledger(instruments),
            decided: BTreeSet::new(),
            intents: BTreeMap::new(),
            resorts: BTreeMap::new(),
            unclear: BTreeMap::new(),
            ended: BTreeSet::new(),
            never_left: BTreeSet::new(),
            legs: BTreeMap::new(),
            valued: (0, Cash::ZERO),
            shared: [Mode::Active; 3],
            own: vec![Mode::Active; instruments.len()],
            session: Session::Ready,
            opened: false,
            reasons: BTreeMap::new(),
            orphans: 0,
            disputed: BTreeSet::new(),
        }
    }

    /// Takes a record; the error is what no sequence of records may say, with its invariant.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), (&'static str, String)> {
        match record {
            Record::Decision(r) => {
                self.valued = (r.number, r.equity);
                if let Cause::Slot(slot) = r.cause
                    && !self.decided.insert(slot.nanos())
                {
                    return Err(("I-08", format!("slot {slot} was decided twice")));
                }
            }
            Record::Hold(r) if !self.decided.insert(r.slot.nanos()) => {
                return Err(("I-08", format!("slot {} was used twice", r.slot)));
            }
            Record::Leg(r) => {
                let target = r.leg.target.units();
                self.legs
                    .insert(r.leg.instrument.index(), (r.decision, target));
            }
            Record::Intent(r) => {
                let (id, passed) = (r.intent.client_id, r.verdict.passed());
                if self.intents.insert(id, passed).is_some() {
                    return Err(("I-06", format!("{id} was given to two intents")));
                }
                if r.last_resort && passed {
                    self.take_resort(id, r.intent.instrument.index(), r.intent.reduce_only)?;
                }
            }
            Record::Order(r) => {
                if r.status == OrderStatus::Unknown {
                    self.unclear.insert(r.client_id, r.time);
                } else {
                    self.unclear.remove(&r.client_id);
                }
                if r.status.is_final() {
                    self.ended.insert(r.client_id);
                }
                if matches!(r.status, OrderStatus::NotSent | OrderStatus::Dead) {
                    self.never_left.insert(r.client_id);
                }
            }
            Record::Fill(r) => {
                self.unclear.remove(&r.fill.client_id);
                let id = r.fill.trade_id.0;
                let twice = |_| ("I-17", format!("trade {id:#x} was booked twice"));
                self.ledger.trade(trade(&r.fill)).map_err(twice)?;
            }
            // An execution that was never booked and never will be is the usual second case.
            Record::Void(r) => drop(self.ledger.void(trade(&r.fill))),
            Record::Entry(e) => {
                self.opened |= e.kind == EntryKind::Opening;
                self.ledger.change(Change {
                    instrument: e.instrument.map(InstrumentId::index),
                    units: 0,
                    asset: e.asset.index(),
                    amount: e.amount.units(),
                });
            }
            Record::Adjustment(r) => {
                if r.id.0 == 0 && r.kind != AdjustmentKind::Adopted {
                    return Err(("I-23", "a change nobody reported and nobody ordered".into()));
                }
                self.ledger.change(Change {
                    instrument: r.instrument.map(InstrumentId::index),
                    units: r.quantity.units(),
                    asset: r.asset.index(),
                    amount: r.amount.units(),
                });
            }
            Record::Mode(r) => self.take_mode(r.scope, r.mode, &r.reason),
            Record::Session(r) => self.session = r.session,
            Record::Orphan(_) => self.orphans += 1,
            Record::Dispute(r) => {
                let index = r.instrument.index();
                if r.ours == r.theirs {
                    self.disputed.remove(&index);
                } else {
                    self.disputed.insert(index);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// I-02: a leg goes at the market once, unless the first order never left.
    fn take_resort(
        &mut self,
        id: ClientOrderId,
        index: usize,
        reduces: bool,
    ) -> Result<(), (&'static str, String)> {
        let key = (id.decision, index, reduces);
        match self.resorts.insert(key, id) {
            Some(first) if !self.never_left.contains(&first) => {
                Err(("I-02", format!("{id} is a last resort after {first}")))
            }
            _ => Ok(()),
        }
    }

    fn take_mode(&mut self, scope: ModeScope, mode: Mode, reason: &str) {
        match scope {
            ModeScope::Global => self.shared[0] = mode,
            ModeScope::Account => self.shared[1] = mode,
            ModeScope::Strategy => self.shared[2] = mode,
            ModeScope::Instrument(id) => self.own[id.index()] = mode,
        }
        let key = format!("{scope:?}");
        if mode == Mode::Active {
            self.reasons.remove(&key);
        } else {
            self.reasons.insert(key, reason.to_owned());
        }
    }

    /// Whether an intent passed its verdict.
    pub(super) fn passed(&self, id: ClientOrderId) -> bool {
        self.intents.get(&id) == Some(&true)
    }

    /// The mode an instrument has by the records: the strictest of its scopes.
    pub(super) fn mode(&self, instrument: usize) -> Mode {
        self.account_mode().max(self.own[instrument])
    }

    /// The mode of the account by the records.
    pub(super) fn account_mode(&self) -> Mode {
        self.shared.into_iter().max().unwrap_or(Mode::Active)
    }

    /// Scopes that are not active.
    pub(super) fn restricted(&self) -> Vec<ModeScope> {
        let scopes = [ModeScope::Global, ModeScope::Account, ModeScope::Strategy];
        let shared = scopes.into_iter().zip(self.shared);
        let own = (0..).zip(&self.own).map(|(i, mode)| {
            let id = InstrumentId(i);
            (ModeScope::Instrument(id), *mode)
        });
        shared
            .chain(own)
            .filter(|(_, mode)| *mode != Mode::Active)
            .map(|(scope, _)| scope)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::market::instruments;
    use super::super::plan::Plan;
    use super::super::world::World;
    use super::*;
    use ballast_domain::kernel::{
        AdjustmentRecord, DecisionRecord, EventId, FillRecord, HoldRecord, IntentRecord,
    };

    /// The records of a day without faults, as its first process wrote them.
    fn history() -> (Instruments, Vec<Record>) {
        let mut plan = Plan::from_seed(1).without_faults();
        (plan.minutes, plan.heal, plan.calm) = (40, 30, 35);
        let all = instruments(&plan);
        (all, World::records_of(&plan))
    }

    fn refusal(records: &[Record], all: &Instruments) -> Option<&'static str> {
        let mut books = Books::new(all);
        records
            .iter()
            .find_map(|r| books.take(r).err())
            .map(|e| e.0)
    }

    /// Each oracle of the books is silent about a true history and fires on a wrong one.
    #[test]
    fn wrong_histories_are_refused_by_their_invariant() {
        let (all, records) = history();
        assert_eq!(refusal(&records, &all), None);
        let again = |is: fn(&Record) -> bool| {
            let found = records.iter().find(|r| is(r)).expect("a usual record");
            let mut wrong = records.clone();
            wrong.push(found.clone());
            refusal(&wrong, &all)
        };
        assert_eq!(
            again(|r| matches!(r, Record::Decision(DecisionRecord { .. }))),
            Some("I-08")
        );
        assert_eq!(
            again(|r| matches!(r, Record::Intent(IntentRecord { .. }))),
            Some("I-06")
        );
        assert_eq!(
            again(|r| matches!(r, Record::Fill(FillRecord { .. }))),
            Some("I-17")
        );
        // A second last resort of the same leg, under an id of its own.
        let mut wrong = records.clone();
        let last = records.iter().rev().find_map(|r| match r {
            Record::Intent(r) if r.verdict.passed() => Some(r.clone()),
            _ => None,
        });
        let mut resort = last.expect("an order");
        resort.last_resort = true;
        for leg in [900, 901] {
            resort.intent.client_id.leg = leg;
            wrong.push(Record::Intent(resort.clone()));
        }
        assert_eq!(refusal(&wrong, &all), Some("I-02"));
        let slot = records.iter().find_map(|r| match r {
            Record::Decision(d) => Some(d.slot),
            _ => None,
        });
        let time = slot.expect("a decision");
        let held = Record::Hold(HoldRecord {
            time,
            slot: time,
            reason: "again".into(),
        });
        let invented = Record::Adjustment(AdjustmentRecord {
            time: Timestamp::EPOCH,
            id: EventId::default(),
            kind: AdjustmentKind::Other,
            instrument: None,
            asset: ballast_domain::instrument::AssetId::BASE,
            quantity: Quantity::ZERO,
            amount: Cash::ZERO,
        });
        for (wrong, invariant) in [(held, "I-08"), (invented, "I-23")] {
            let mut history = records.clone();
            history.push(wrong);
            assert_eq!(refusal(&history, &all), Some(invariant));
        }
    }
}
