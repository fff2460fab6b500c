//! Attribution: the books of the sleeves are the account, and each has what it caused.

use std::sync::Arc;

use ballast_domain::error::Result;
use ballast_domain::instrument::{AssetId, InstrumentId, Instruments};
use ballast_domain::kernel::{Kernel, Record, SendGate};
use ballast_domain::market::{ActionKind, LaneState, SplitRatio};
use ballast_domain::money::{Cash, Rate, Weight};
use ballast_domain::orders::TimeInForce;
use ballast_domain::performance::SleeveBooks;
use ballast_domain::portfolio::{Account, EntryKind};
use ballast_domain::simulation::{self, BarClose, Exchange, FillPoint, Sink};
use ballast_domain::strategy::{
    Decision, SleeveAction, SleeveDecision, SleeveId, Strategy, Target, Targets,
};
use proptest::prelude::{Just, ProptestConfig, any, prop, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Draw;

use crate::scenario::{A, B, Scripted, Tape, World, dollars};

const LANES: usize = 3;

/// Keeps books beside a run and compares them with the account at every bar.
pub(crate) struct Bookkeeper {
    pub(crate) books: SleeveBooks,
    pub(crate) records: Vec<Record>,
    /// By bar and sleeve.
    pub(crate) nets: Vec<Vec<Cash>>,
    /// By bar and sleeve: units of the first instrument.
    pub(crate) held: Vec<Vec<i64>>,
    pub(crate) differences: Vec<String>,
}

impl Bookkeeper {
    fn new(names: &[&str], instruments: &Instruments) -> Self {
        Self {
            books: SleeveBooks::new(names, instruments),
            records: Vec::new(),
            nets: Vec::new(),
            held: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// SIG-20: holdings, money and results of all sleeves are the account's.
    fn compare(&mut self, account: &Account, instruments: &Instruments) {
        let (ledger, sleeves) = (account.ledger(), self.books.sleeves());
        let bar = self.nets.len();
        let mut say = |what: &str, books: i128, account: i128| {
            if books != account {
                let text = format!("bar {bar}: {what} {books}, the account has {account}");
                self.differences.push(text);
            }
        };
        for id in instruments.ids() {
            let sum = sleeves.iter().map(|s| i128::from(s.held(id).units())).sum();
            let held = account.position(id).quantity.units();
            say(&format!("units of {}", id.0), sum, i128::from(held));
        }
        let base = AssetId::BASE;
        let money = sleeves.iter().map(|s| s.money(base));
        let fees: Cash = money.clone().map(|m| m.fees).sum();
        say("fees", fees.units(), ledger.fees(base).units());
        let income: Cash = money.clone().map(|m| m.income).sum();
        let booked: Cash = instruments.ids().map(|id| ledger.income(id)).sum();
        say("income", income.units(), booked.units());
        let cash: Cash = money.map(|m| m.cash).sum();
        let paid = account.cash() - ledger.capital(base);
        say("cash", cash.units(), paid.units());
        let nets = (0..sleeves.len()).map(|s| self.books.net(s, account));
        let nets: Vec<Cash> = nets.collect();
        let gained = paid + account.positions_value(instruments);
        let net: Cash = nets.iter().copied().sum();
        say("result", net.units(), gained.units());
        self.nets.push(nets);
        let held = self.books.sleeves().iter().map(|s| s.held(A).units());
        self.held.push(held.collect());
    }
}

impl Sink for Bookkeeper {
    fn records(&mut self, records: &[Record]) -> Result<()> {
        for record in records {
            self.books.record(record);
        }
        self.records.extend_from_slice(records);
        Ok(())
    }

    fn bar(&mut self, close: &BarClose<'_>) -> Result<()> {
        self.books.bar(close.account);
        self.compare(close.account, close.instruments);
        Ok(())
    }
}

fn keep_books(world: &World, names: &[&str], script: Scripted, tape: &Tape) -> Bookkeeper {
    run_beside_books(world, names, script, tape).0
}

/// A run with its kernel and the exchange it traded with.
pub(crate) fn run_beside_books<S: Strategy>(
    world: &World,
    names: &[&str],
    strategy: S,
    tape: &Tape,
) -> (Bookkeeper, Kernel<S>, Exchange) {
    let mut settings = world.settings.clone();
    settings.record_idle_legs = true;
    let gate = Arc::new(SendGate::new(1));
    let instruments = world.instruments.clone();
    let mut kernel = Kernel::new(instruments.clone(), settings, strategy, gate).unwrap();
    let mut exchange = Exchange::new(instruments.clone(), world.exchange.clone());
    let mut keeper = Bookkeeper::new(names, &instruments);
    simulation::run(&mut kernel, &mut exchange, &tape.panel(), &mut keeper).unwrap();
    (keeper, kernel, exchange)
}

fn part(sleeve: u16, allocation: f64, of: &[(InstrumentId, f64)]) -> SleeveDecision {
    let targets = of.iter().fold(Targets::new(), |all, (id, weight)| {
        all.with(*id, Target::Weight(*weight))
    });
    SleeveDecision {
        sleeve: SleeveId(sleeve),
        allocation,
        action: SleeveAction::Targets(targets, "scripted".into()),
    }
}

fn hold(sleeve: u16, allocation: f64) -> SleeveDecision {
    SleeveDecision {
        sleeve: SleeveId(sleeve),
        allocation,
        action: SleeveAction::Hold("scripted".into()),
    }
}

/// A share for 10 and later 20 dollars, bought by one sleeve, then handed to the other
/// inside the account: who sold keeps the gain, who bought starts at the price of the exchange.
#[test]
fn a_sleeve_that_sold_keeps_its_gain() {
    let world = World::shares(2);
    let tape = Tape::of_closes(&[&[10.0, 10.0, 20.0, 20.0, 30.0], &[5.0; 5]]);
    let script = Scripted::new([
        (
            0,
            Decision::Sleeves(vec![part(0, 0.5, &[(A, 1.0)]), part(1, 0.5, &[(B, 1.0)])]),
        ),
        // Worth 15 000 now: the first sleeve's 500 are 10 000 of it, the other wants 7 500.
        (
            2,
            Decision::Sleeves(vec![part(0, 0.5, &[]), part(1, 0.5, &[(A, 1.0)])]),
        ),
    ]);
    let keeper = keep_books(&world, &["first", "second"], script, &tape);
    assert_eq!(keeper.differences, [""; 0]);
    let nets: Vec<String> = keeper
        .nets
        .iter()
        .map(|n| format!("{} {}", n[0].text(0), n[1].text(0)))
        .collect();
    let scaled = |dollars: i64| dollars * 1_000_000;
    assert_eq!(
        nets,
        [
            "0 0".to_owned(),
            "0 0".to_owned(),
            format!("{} 0", scaled(5_000)),
            format!("{} 0", scaled(5_000)),
            // 375 shares taken over at 20, now at 30.
            format!("{} {}", scaled(5_000), scaled(3_750)),
        ]
    );
    let [first, second] = keeper.books.sleeves() else {
        panic!("two sleeves");
    };
    let base = AssetId::BASE;
    assert_eq!((first.held(A).units(), second.held(A).units()), (0, 375));
    assert_eq!(second.money(base).crossed, dollars("7500"));
    // 500 bought, 125 sold; B bought and sold.
    assert_eq!(first.money(base).traded, dollars("7500"));
    assert_eq!(second.money(base).traded, dollars("10000"));
}

/// What one sleeve buys and the other sells in full needs no order and changes hands all the same.
#[test]
fn equal_opposites_cross_without_an_order() {
    let world = World::shares(1);
    let tape = Tape::of_closes(&[&[10.0, 10.0, 12.0, 15.0]]);
    let script = Scripted::new([
        (
            0,
            Decision::Sleeves(vec![part(0, 0.5, &[(A, 1.0)]), part(1, 0.5, &[])]),
        ),
        (
            1,
            Decision::Sleeves(vec![part(0, 0.5, &[]), part(1, 0.5, &[(A, 1.0)])]),
        ),
        (2, Decision::Sleeves(vec![hold(0, 0.5), hold(1, 0.5)])),
    ]);
    let keeper = keep_books(&world, &["first", "second"], script, &tape);
    assert_eq!(keeper.differences, [""; 0]);
    let fills = keeper.records.iter();
    assert_eq!(fills.filter(|r| matches!(r, Record::Fill(_))).count(), 1);
    let last = &keeper.nets[3];
    assert_eq!((last[0], last[1]), (Cash::ZERO, dollars("2500")));
}

/// One sleeve is the account, and so is a strategy that has none.
#[test]
fn one_sleeve_is_the_account() {
    let world = World::shares(1).costing(Rate::from_bps(10), Rate::from_bps(5));
    let tape = Tape::of_closes(&[&[10.0, 11.0, 9.0, 12.0, 13.0]]);
    for wrap in [
        (|t| Decision::Targets(t, "all".into())) as fn(Targets) -> Decision,
        |t| {
            Decision::Sleeves(vec![SleeveDecision {
                sleeve: SleeveId(0),
                allocation: 1.0,
                action: SleeveAction::Targets(t, "one".into()),
            }])
        },
    ] {
        let weight = |w| wrap(Targets::new().with(A, Target::Weight(w)));
        let script = Scripted::new([(0, weight(0.9)), (2, weight(0.4))]);
        let keeper = keep_books(&world, &["account"], script, &tape);
        assert_eq!(keeper.differences, [""; 0]);
        assert_eq!(keeper.books.sleeves().len(), 1);
        assert!(keeper.nets.last().unwrap()[0] != Cash::ZERO);
        assert_eq!(
            keeper.books.sleeves()[0].money(AssetId::BASE).crossed,
            Cash::ZERO
        );
    }
}

/// One random world for two sleeves: prices in cents, weights in percent, what happens to lanes.
#[derive(Clone, Debug)]
struct Story {
    opens: Vec<[u32; LANES]>,
    closes: Vec<[u32; LANES]>,
    /// Row, then for each sleeve its weights, or a hold.
    decisions: Vec<(usize, [Option<[i32; LANES]>; 2])>,
    holes: Vec<(usize, usize)>,
    splits: Vec<(usize, usize, u32, u32)>,
    /// Row, lane, tenths of a cent.
    dividends: Vec<(usize, usize, u32)>,
    delisting: Option<usize>,
    fee_bps: i64,
    point: FillPoint,
    good_till_canceled: bool,
    threshold: i64,
}

fn story() -> impl Draw<Value = Story> {
    (8..20_usize)
        .prop_flat_map(|n| {
            let price = || prop::array::uniform3(500_u32..50_000);
            let weights = || prop::option::weighted(0.8, prop::array::uniform3(-25_i32..90));
            (
                prop::collection::vec(price(), n),
                prop::collection::vec(price(), n),
                prop::collection::vec((0..n, prop::array::uniform2(weights())), 1..n),
                prop::collection::vec((1..n, 0..LANES), 0..6),
                prop::collection::vec((1..n, 0..LANES, 1_u32..6, 1_u32..6), 0..4),
                prop::collection::vec((1..n, 0..LANES, 1_u32..3_000), 0..4),
                (
                    prop::option::of(1..n),
                    0_i64..60,
                    prop_oneof![
                        Just(FillPoint::NextOpen),
                        Just(FillPoint::NextClose),
                        Just(FillPoint::SameClose)
                    ],
                    any::<bool>(),
                    0_i64..50_000_000,
                ),
            )
        })
        .prop_map(
            |(opens, closes, decisions, holes, splits, dividends, rules)| Story {
                opens,
                closes,
                decisions,
                holes,
                splits,
                dividends,
                delisting: rules.0,
                fee_bps: rules.1,
                point: rules.2,
                good_till_canceled: rules.3,
                threshold: rules.4,
            },
        )
}

impl Story {
    fn run(&self) -> Bookkeeper {
        let id = InstrumentId::from_index;
        let cents = |c: u32| f64::from(c) / 100.0;
        let lanes: Vec<Vec<(f64, f64)>> = (0..LANES)
            .map(|l| {
                let rows = self.opens.iter().zip(&self.closes);
                rows.map(|(o, c)| (cents(o[l]), cents(c[l]))).collect()
            })
            .collect();
        let mut tape = Tape::new(&lanes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for (row, lane) in &self.holes {
            tape = tape.without(*row, id(*lane), LaneState::Hole);
        }
        let gone = self.delisting.unwrap_or(usize::MAX);
        let listed = |row: usize, lane: usize| row < gone || lane != 0;
        for &(row, lane, new, old) in &self.splits {
            if listed(row, lane) {
                let split = ActionKind::Split(SplitRatio { new, old });
                tape = tape.with_action(row, id(lane), split);
            }
        }
        for &(row, lane, mills) in &self.dividends {
            if listed(row, lane) {
                let amount = rust_decimal::Decimal::new(i64::from(mills), 3);
                tape = tape.with_action(row, id(lane), ActionKind::Dividend(amount));
            }
        }
        if let Some(row) = self.delisting {
            tape = tape.delisted(row, id(0));
        }
        let rate = Rate::from_bps(self.fee_bps);
        let mut world = World::shares(LANES)
            .filling_at(self.point)
            .costing(rate, rate);
        world.exchange.delisting_haircut = Rate::from_bps(1_000);
        world.settings.rebalance.value = Weight::from_units(self.threshold);
        world.settings.min_fresh_share = 0.5;
        if self.good_till_canceled {
            world.settings.time_in_force = TimeInForce::Gtc;
        }
        let script = Scripted::new(self.decisions.iter().map(|(row, sleeves)| {
            let parts = sleeves.iter().zip([0.6, 0.4]).enumerate();
            let parts = parts.map(|(s, (weights, allocation))| {
                let s = u16::try_from(s).unwrap();
                let Some(weights) = weights else {
                    return hold(s, allocation);
                };
                let of: Vec<_> = (0..LANES)
                    .filter(|l| weights[*l] % 5 != 0)
                    .map(|l| (id(l), f64::from(weights[l]) / 100.0))
                    .collect();
                part(s, allocation, &of)
            });
            (*row, Decision::Sleeves(parts.collect()))
        }));
        keep_books(&world, &["first", "second"], script, &tape)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// SIG-20: whatever happens, at every bar the sleeves' holdings, fees, income, cash and results
    /// add up to the account's, to the last millionth.
    #[test]
    fn sig_20_the_books_of_the_sleeves_are_the_account(story in story()) {
        let keeper = story.run();
        prop_assert_eq!(keeper.differences, Vec::<String>::new());
    }
}

/// The property above is worth something only if its worlds trade, cross, split, pay and end.
#[test]
fn the_random_worlds_of_sleeves_are_eventful() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut fills, mut splits, mut dividends, mut delistings, mut lieu, mut crossed, mut short) =
        (0, 0, 0, 0, 0, 0, 0);
    for _ in 0..200 {
        let keeper = story().new_tree(&mut runner).unwrap().current().run();
        for record in &keeper.records {
            match record {
                Record::Fill(_) => fills += 1,
                Record::Split(_) => splits += 1,
                Record::Entry(e) => match e.kind {
                    EntryKind::Dividend => dividends += 1,
                    EntryKind::Delisting => delistings += 1,
                    EntryKind::CashInLieu => lieu += 1,
                    _ => {}
                },
                _ => {}
            }
        }
        let sleeves = keeper.books.sleeves();
        crossed += usize::from(!sleeves[0].money(AssetId::BASE).crossed.is_zero());
        let ids = (0..LANES).map(InstrumentId::from_index);
        short += ids
            .filter(|id| sleeves.iter().any(|s| s.held(*id).is_negative()))
            .count();
    }
    let seen = [splits, dividends, delistings, lieu, crossed, short];
    println!("{fills} fills; splits, dividends, delistings, lieu, crossed, short: {seen:?}");
    assert!(seen.iter().all(|n| *n > 20), "{seen:?}");
    assert!(fills > 1_000, "{fills}");
}
