//! Conservation: what the records say, added up by a loop that knows nothing of kernel or books,
//! is what the account holds.

use ballast_domain::instrument::{AssetId, InstrumentId};
use ballast_domain::kernel::Record;
use ballast_domain::market::{ActionKind, LaneState, SplitRatio};
use ballast_domain::money::{Cash, Rate, Weight};
use ballast_domain::orders::{Side, TimeInForce};
use ballast_domain::portfolio::EntryKind;
use ballast_domain::simulation::FillPoint;
use proptest::prelude::*;

use crate::scenario::{Run, Scripted, Tape, World, weights};

const LANES: usize = 3;

/// One random world: prices in cents, weights in percent, what happens to lanes.
#[derive(Clone, Debug)]
struct Story {
    opens: Vec<[u32; LANES]>,
    closes: Vec<[u32; LANES]>,
    /// Row, weights in percent.
    decisions: Vec<(usize, [i32; LANES])>,
    holes: Vec<(usize, usize)>,
    splits: Vec<(usize, usize, u32, u32)>,
    /// Row, lane, tenths of a cent.
    dividends: Vec<(usize, usize, u32)>,
    delisting: Option<usize>,
    fee_bps: i64,
    slippage_bps: i64,
    haircut_bps: i64,
    point: FillPoint,
    good_till_canceled: bool,
    threshold: i64,
    /// Weights may be negative, and exposure may be twice the equity.
    on_margin: bool,
}

fn story() -> impl Strategy<Value = Story> {
    let rows = 8..20_usize;
    rows.prop_flat_map(|n| {
        let price = || prop::array::uniform3(500_u32..50_000);
        (
            (
                prop::collection::vec(price(), n),
                prop::collection::vec(price(), n),
                prop::collection::vec((0..n, prop::array::uniform3(-60_i32..60)), 1..n),
                prop::collection::vec((1..n, 0..LANES), 0..6),
                prop::collection::vec((1..n, 0..LANES, 1_u32..6, 1_u32..6), 0..4),
                prop::collection::vec((1..n, 0..LANES, 1_u32..3_000), 0..4),
            ),
            (
                prop::option::of(1..n),
                0_i64..60,
                0_i64..60,
                0_i64..5_000,
                prop_oneof![
                    Just(FillPoint::NextOpen),
                    Just(FillPoint::NextClose),
                    Just(FillPoint::SameClose)
                ],
                any::<bool>(),
                0_i64..50_000_000,
                any::<bool>(),
            ),
        )
    })
    .prop_map(|(market, rules)| Story {
        opens: market.0,
        closes: market.1,
        decisions: market.2,
        holes: market.3,
        splits: market.4,
        dividends: market.5,
        delisting: rules.0,
        fee_bps: rules.1,
        slippage_bps: rules.2,
        haircut_bps: rules.3,
        point: rules.4,
        good_till_canceled: rules.5,
        threshold: rules.6,
        on_margin: rules.7,
    })
}

impl Story {
    const fn weight(&self, percent: i32) -> i32 {
        if self.on_margin {
            percent
        } else {
            percent.abs()
        }
    }

    fn run(&self) -> Run<Scripted> {
        let lane = |l: usize| -> Vec<(f64, f64)> {
            // A short that meets a price a hundred times higher ends the account at once.
            let calm = |c: u32| if self.on_margin { 2_000 + c % 3_000 } else { c };
            let cents = |c: u32| f64::from(calm(c)) / 100.0;
            self.opens
                .iter()
                .zip(&self.closes)
                .map(|(o, c)| (cents(o[l]), cents(c[l])))
                .collect()
        };
        let lanes: Vec<_> = (0..LANES).map(lane).collect();
        let mut tape = Tape::new(&lanes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let id = InstrumentId::from_index;
        for (row, lane) in &self.holes {
            tape = tape.without(*row, id(*lane), LaneState::Hole);
        }
        let gone = self.delisting.unwrap_or(usize::MAX);
        for (row, lane, new, old) in &self.splits {
            if *row < gone || *lane != 0 {
                let ratio = SplitRatio {
                    new: *new,
                    old: *old,
                };
                tape = tape.with_action(*row, id(*lane), ActionKind::Split(ratio));
            }
        }
        for (row, lane, mills) in &self.dividends {
            if *row < gone || *lane != 0 {
                let amount = rust_decimal::Decimal::new(i64::from(*mills), 3);
                tape = tape.with_action(*row, id(*lane), ActionKind::Dividend(amount));
            }
        }
        if let Some(row) = self.delisting {
            tape = tape.delisted(row, id(0));
        }
        let mut world = World::shares(LANES).filling_at(self.point).costing(
            Rate::from_bps(self.fee_bps),
            Rate::from_bps(self.slippage_bps),
        );
        world.exchange.delisting_haircut = Rate::from_bps(self.haircut_bps);
        world.settings.rebalance.value = Weight::from_units(self.threshold);
        world.settings.min_fresh_share = 0.5;
        if self.good_till_canceled {
            world.settings.time_in_force = TimeInForce::Gtc;
        }
        let script = Scripted::new(self.decisions.iter().map(|(row, percent)| {
            let of: Vec<_> = (0..LANES)
                .map(|l| (id(l), f64::from(self.weight(percent[l])) / 100.0))
                .collect();
            (*row, weights(&of))
        }));
        if self.on_margin {
            let run = world.on_margin().run(script, &tape);
            let lost = "the margin account has lost all of its equity";
            if matches!(&run.totals, Err(e) if e.message == lost) {
                return run;
            }
            return run.well();
        }
        world.run(script, &tape).well()
    }
}

/// Cash and positions by plain addition over the records, in millionths of a dollar and shares.
fn added_up(records: &[Record]) -> (i128, [i128; LANES], i128) {
    let (mut cash, mut held, mut fees) = (0, [0_i128; LANES], 0);
    for record in records {
        match record {
            Record::Fill(f) => {
                let f = &f.fill;
                let sign = if f.side == Side::Buy { 1 } else { -1 };
                let quantity = sign * i128::from(f.quantity.units());
                held[f.instrument.index()] += quantity;
                // Cents × shares × 10^4 are millionths of a dollar.
                cash -= quantity * i128::from(f.price.units()) * 10_000;
                cash -= f.fee.units();
                fees += f.fee.units();
            }
            Record::Entry(e) => {
                cash += e.amount.units();
                if let (EntryKind::Delisting, Some(id)) = (e.kind, e.instrument) {
                    held[id.index()] = 0;
                }
            }
            Record::Split(s) => {
                let at = &mut held[s.instrument.index()];
                assert_eq!(*at, i128::from(s.before.units()));
                *at = i128::from(s.after.units());
            }
            _ => {}
        }
    }
    (cash, held, fees)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// EXE-19: cash and positions of any run are what its fills, entries and splits add up to, and
    /// value = opening + realised + unrealised + income − fees, to the last millionth.
    #[test]
    fn exe_19_value_is_conserved(story in story()) {
        let run = story.run();
        let (cash, held, fees) = added_up(&run.log.records);
        let account = run.kernel.account();
        let ledger = account.ledger();
        prop_assert_eq!(account.cash().units(), cash);
        prop_assert!(story.on_margin || cash >= 0, "a cash account never owes");
        let mut gains = Cash::ZERO;
        for (i, held) in held.into_iter().enumerate() {
            let id = InstrumentId::from_index(i);
            prop_assert_eq!(i128::from(run.held(id)), held);
            prop_assert!(story.on_margin || held >= 0, "a cash account is never short");
            let unrealised =
                account.position_value(run.kernel.instruments(), id) - account.position(id).cost;
            gains += ledger.realised(id) + ledger.income(id) + unrealised;
        }
        prop_assert_eq!(ledger.fees(AssetId::BASE).units(), fees);
        prop_assert_eq!(ledger.trial_balance(), Cash::ZERO);
        let value = account.cash() + account.positions_value(run.kernel.instruments());
        prop_assert_eq!(value, ledger.capital(AssetId::BASE) + gains - ledger.fees(AssetId::BASE));
        if run.totals.is_err() {
            // The account was lost at a close that no sink sees; its books still agree.
            prop_assert_eq!(run.exchange.cash(), account.cash());
            return Ok(());
        }
        prop_assert_eq!(Some(&value), run.log.value.last());
        // A mark that a split moved off the price grid is rounded in the exact value alone.
        if story.splits.is_empty() {
            let (equity, exact) = (*run.log.equity.last().unwrap(), value.to_f64(6));
            prop_assert!((equity - exact).abs() <= 1e-9 * exact, "{} {}", equity, exact);
        }
        // What is set aside belongs to orders that still work.
        if run.totals.as_ref().unwrap().open_orders == 0 {
            run.assert_nothing_set_aside();
        }
    }
}

/// The property above is worth something only if its worlds trade, split, pay and end.
#[test]
fn the_random_worlds_are_eventful() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut fills, mut splits, mut dividends, mut delistings, mut lieu, mut cut) =
        (0, 0, 0, 0, 0, 0);
    let (mut shorts, mut lost, mut owed) = (0, 0, 0);
    for _ in 0..200 {
        let run = story().new_tree(&mut runner).unwrap().current().run();
        lost += u32::from(run.totals.is_err());
        owed += u32::from(run.kernel.account().cash().is_negative());
        let ids = run.kernel.instruments().ids();
        shorts += ids.filter(|id| run.held(*id) < 0).count();
        for record in &run.log.records {
            match record {
                Record::Fill(_) => fills += 1,
                Record::Split(_) => splits += 1,
                Record::Residual(_) => cut += 1,
                Record::Entry(e) => match e.kind {
                    EntryKind::Dividend => dividends += 1,
                    EntryKind::Delisting => delistings += 1,
                    EntryKind::CashInLieu => lieu += 1,
                    _ => {}
                },
                _ => {}
            }
        }
    }
    let seen = [fills, splits, dividends, delistings, lieu, cut];
    assert!(seen.iter().all(|n| *n > 40), "{seen:?}");
    assert!(fills > 1_000, "{fills}");
    assert!(
        shorts > 40 && owed > 5,
        "{shorts} short positions, {owed} debts"
    );
    assert!(lost < 20, "{lost} accounts of 200 were lost");
}
