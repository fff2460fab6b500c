//! Whatever comes in whatever order: limits hold at worst case, and books depend on facts alone.

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, Input, Record, VenueReport};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::orders::{Fill, Intent, OrderReport, OrderStatus, Side};
use ballast_testkit::builders::SplitMix64;
use proptest::prelude::*;

use crate::scenario::{
    A, B, C, Desk, Scripted, Tape, World, accepted, dollars, execution, holding, units, unknown,
};

const ROWS: usize = 16;
/// Every price of these days, in dollars.
const PRICE: i64 = 100;
/// Most that may be held of an instrument, in dollars, of an account of 10,000.
const LIMIT: i64 = 6_000;

/// What happens: its kind, which order it is about, and how much.
type Act = (u8, u8, u8);

/// An order as somebody sees it who hears the same facts and knows no kernel.
#[derive(Debug)]
struct Known {
    intent: Intent,
    filled: i64,
    /// What it may have filled in the end, at most.
    most: i64,
    sent: bool,
}

/// The same facts, added up by hand.
#[derive(Debug)]
struct Desks {
    desk: Desk,
    orders: Vec<Known>,
    seen: usize,
    row: usize,
    trades: u128,
    cash: i64,
    held: [i64; 3],
}

impl Desks {
    fn new(targets: &[[u8; 3]], change: impl FnOnce(&mut World)) -> Self {
        let mut world = World::shares(3);
        world.settings.limits.max_position_notional = Some(dollars(&LIMIT.to_string()));
        world.settings.limits.fee_estimate = Rate::from_bps(100);
        change(&mut world);
        let line = |t: &[u8; 3]| {
            let units = [(A, t[0]), (B, t[1]), (C, t[2])];
            holding(&units.map(|(id, n)| (id, i64::from(n % 80))))
        };
        let script = Scripted::new(targets.iter().map(line).enumerate());
        let lane = [PRICE as f64; ROWS];
        let desk = Desk::watched(&world, script, &Tape::of_closes(&[&lane, &lane, &lane]));
        Self {
            desk,
            orders: Vec::new(),
            seen: 0,
            row: 0,
            trades: 0,
            cash: 10_000 * 100,
            held: [0; 3],
        }
    }

    /// One thing happens.
    fn act(&mut self, (kind, pick, amount): Act) {
        match kind % 12 {
            0 if self.row < ROWS => {
                self.desk.slice(self.row);
                self.row += 1;
            }
            1 | 2 => {
                if let Some(batch) = self.desk.batches.pop_front() {
                    self.desk.step(Input::Persisted(batch));
                }
                self.send();
            }
            3 => self.desk.seconds(i64::from(amount % 20)),
            4 => self.desk.agree(),
            _ => self.hear(kind % 12, usize::from(pick), i64::from(amount)),
        }
        self.read();
    }

    fn send(&mut self) {
        self.read();
        for permit in std::mem::take(&mut self.desk.permits) {
            let client_id = permit.intent().client_id;
            let known = self.orders.iter_mut();
            let mut known = known.filter(|o| o.intent.client_id == client_id);
            let order = known.next().expect("a permit of a recorded intent");
            match permit.redeem(&self.desk.gate, self.desk.now) {
                Ok(_) => {
                    assert!(!order.sent && order.most > 0, "sent twice or after its end");
                    order.sent = true;
                }
                Err(_) => {
                    order.most = 0;
                    let reason = "too late".into();
                    self.desk.fact(&Fact::NotSent { client_id, reason });
                }
            }
        }
    }

    /// A fact about an order that was sent and may still execute.
    fn hear(&mut self, kind: u8, pick: usize, amount: i64) {
        let alive = self.orders.iter_mut();
        let mut alive: Vec<_> = alive.filter(|o| o.sent && o.filled < o.most).collect();
        if alive.is_empty() {
            return;
        }
        let n = pick % alive.len();
        let order = &mut *alive[n];
        let (intent, left) = (order.intent, order.most - order.filled);
        let client_id = intent.client_id;
        let fact = match kind {
            5 => accepted(&intent),
            6 | 7 => unknown(&intent),
            8 if order.filled == 0 && order.most == intent.quantity.units() => {
                order.most = 0;
                let reason = "refused".into();
                Fact::Rejected { client_id, reason }
            }
            9 => {
                // Some of what it had executed by then may be reported later.
                order.most = order.filled + amount % (left + 1);
                Fact::Canceled {
                    client_id,
                    filled: units(order.most),
                    reason: "canceled".into(),
                }
            }
            _ => {
                let quantity = if kind == 10 { left } else { 1 + amount % left };
                order.filled += quantity;
                self.trades += 1;
                let sign = if intent.side == Side::Buy { 1 } else { -1 };
                self.held[intent.instrument.index()] += sign * quantity;
                self.cash -= sign * quantity * PRICE * 100 + 25;
                execution(&intent, self.trades, quantity, &PRICE.to_string())
            }
        };
        self.desk.fact(&fact);
    }

    /// Takes over what was recorded: passing intents, and orders that stay home.
    fn read(&mut self) {
        for record in &self.desk.log.records[self.seen..] {
            match record {
                Record::Intent(r) if r.verdict.passed() => self.orders.push(Known {
                    intent: r.intent,
                    filled: 0,
                    most: r.intent.quantity.units(),
                    sent: false,
                }),
                Record::Order(r) if r.status == OrderStatus::NotSent => {
                    let order = self.orders.iter_mut();
                    for o in order.filter(|o| o.intent.client_id == r.client_id && !o.sent) {
                        o.most = 0;
                    }
                }
                _ => {}
            }
        }
        self.seen = self.desk.log.records.len();
    }

    /// What is beyond a limit if everything executes that may.
    fn breach(&self) -> Option<String> {
        let (mut to_pay, mut high, mut low) = (0, self.held, self.held);
        for order in &self.orders {
            let (index, left) = (order.intent.instrument.index(), order.most - order.filled);
            if order.intent.side == Side::Buy {
                high[index] += left;
                to_pay += left * PRICE * 100;
            } else {
                low[index] -= left;
            }
        }
        if to_pay > self.cash {
            return Some(format!("{to_pay} cents to pay with {}", self.cash));
        }
        let beyond = (0..3).find(|i| high[*i] * PRICE > LIMIT || low[*i] < 0);
        beyond.map(|i| format!("instrument {i} from {} to {}", low[i], high[i]))
    }
}

/// The first breach of a limit, and how many orders and unknown outcomes there were.
fn play(
    targets: &[[u8; 3]],
    acts: &[Act],
    change: impl FnOnce(&mut World),
) -> (Option<String>, usize, usize) {
    let mut desks = Desks::new(targets, change);
    let mut breach = None;
    for act in acts {
        desks.act(*act);
        breach = breach.or_else(|| desks.breach());
    }
    let is_unknown =
        |r: &&Record| matches!(r, Record::Order(o) if o.status == OrderStatus::Unknown);
    let unknown = desks.desk.log.records.iter().filter(is_unknown).count();
    (breach, desks.orders.len(), unknown)
}

/// Targets and acts of a seed.
fn drawn(seed: u64) -> (Vec<[u8; 3]>, Vec<Act>) {
    let mut random = SplitMix64::new(seed);
    let mut word = || u8::try_from(random.below(256)).unwrap();
    let targets = (0..ROWS).map(|_| [word(), word(), word()]).collect();
    (
        targets,
        (0..240).map(|_| (word(), word(), word())).collect(),
    )
}

proptest! {
    /// I-10, I-55: no interleaving of verdicts, writes, acknowledgements, executions, cancels and
    /// unknown outcomes lets what may execute go beyond a limit or the cash there is.
    #[test]
    fn no_interleaving_exceeds_a_limit(
        targets in prop::collection::vec(any::<[u8; 3]>(), ROWS),
        acts in prop::collection::vec(any::<(u8, u8, u8)>(), 1..240),
    ) {
        prop_assert_eq!(play(&targets, &acts, |_| ()).0, None);
    }
}

/// The days of the property above are not empty ones.
#[test]
fn interleavings_hold_orders_and_unknown_outcomes() {
    let (mut orders, mut unknown) = (0, 0);
    for seed in 0..100 {
        let (targets, acts) = drawn(seed);
        let (breach, some, unclear) = play(&targets, &acts, |_| ());
        assert_eq!(breach, None, "seed {seed}");
        (orders, unknown) = (orders + some, unknown + unclear);
    }
    assert!(
        orders > 500 && unknown > 200,
        "{orders} orders, {unknown} unknown"
    );
}

/// Limits that look at what is held only are seen to be exceeded.
#[cfg(feature = "planted")]
#[test]
fn reserved_exposure_ignored_is_seen() {
    use ballast_domain::kernel::Bug;

    let found = (0..500).find_map(|seed| {
        let (targets, acts) = drawn(seed);
        play(&targets, &acts, |w| {
            w.settings.planted = Some(Bug::ReservedIgnored);
        })
        .0
    });
    assert!(found.is_some());
}

/// Two orders, and what became of them.
fn two_orders(change: impl FnOnce(&mut World)) -> (Desk, Vec<Intent>) {
    let mut world = World::shares(2);
    change(&mut world);
    let script = Scripted::new([(0, holding(&[(A, 10), (B, 6)]))]);
    let tape = Tape::of_closes(&[&[100.0; 4], &[100.0; 4]]);
    let mut d = Desk::watched(&world, script, &tape);
    let sent = d.trade(0);
    assert_eq!(sent.len(), 2);
    (d, sent)
}

fn fill(fact: &Fact) -> Fill {
    match fact {
        Fact::Filled(fill) => *fill,
        _ => unreachable!("an execution"),
    }
}

/// Facts about both orders, one of them canceled, and the account that results from them.
fn history(d: &Desk, sent: &[Intent]) -> (Vec<Fact>, VenueReport) {
    let trades = [
        execution(&sent[0], 1, 3, "100"),
        execution(&sent[0], 2, 4, "101"),
        execution(&sent[1], 3, 6, "99"),
    ];
    let facts = [
        accepted(&sent[0]),
        unknown(&sent[1]),
        accepted(&sent[1]),
        Fact::Canceled {
            client_id: sent[0].client_id,
            filled: units(7),
            reason: "venue".into(),
        },
    ];
    let ended = |i: &Intent, status, filled| OrderReport {
        client_id: i.client_id,
        instrument: i.instrument,
        side: i.side,
        status,
        filled: units(filled),
    };
    let mut report = d.report();
    report.fills = trades.iter().map(fill).collect();
    report.orders = vec![
        ended(&sent[0], OrderStatus::Canceled, 7),
        ended(&sent[1], OrderStatus::Filled, 6),
    ];
    report.positions = vec![(A, units(7)), (B, units(6))];
    // 10000 − 300 − 404 − 594 − 3 × 0.25
    report.cash[0].1 = dollars("8701.25");
    (facts.into_iter().chain(trades).collect(), report)
}

type AllBooks = (Vec<(OrderStatus, i64, bool)>, Vec<i64>, Cash, String);

/// Everything about the account that a person would look at.
fn books(d: &Desk) -> AllBooks {
    let orders = d.kernel.orders();
    let orders = orders.map(|o| (o.status(), o.filled().units(), o.is_complete()));
    let account = d.kernel.account();
    let held = |id: InstrumentId| account.position(id).quantity.units();
    let disputes: Vec<_> = d.kernel.disputes().collect();
    let rest = format!(
        "{:?} {disputes:?} {}",
        d.kernel.exposure(),
        d.kernel.mode(A).name()
    );
    (
        orders.collect(),
        [A, B].map(held).to_vec(),
        account.cash(),
        rest,
    )
}

/// Every fact once, in the order in which things happened.
const STRAIGHT: [usize; 7] = [0, 1, 2, 4, 5, 6, 3];

/// The books after these facts, with the report at one place and at the end, and whether the report
/// once more changed nothing.
fn heard(
    order: &[usize],
    report_at: usize,
    turn: usize,
    change: impl FnOnce(&mut World),
) -> (AllBooks, bool) {
    let (mut d, sent) = two_orders(change);
    let (facts, mut report) = history(&d, &sent);
    report.fills.rotate_left(turn);
    report.orders.rotate_left(turn % 2);
    report.positions.rotate_left(turn % 2);
    for (n, i) in order.iter().enumerate() {
        if n == report_at {
            d.step(Input::Report(&report));
        }
        d.fact(&facts[*i]);
    }
    d.step(Input::Report(&report));
    d.persist();
    let (before, told) = (books(&d), d.log.records.len());
    d.step(Input::Report(&report));
    let same = (books(&d), d.log.records.len()) == (before.clone(), told);
    (before, same)
}

/// Bugs that make the books depend on the order of facts, or on their number.
#[cfg(feature = "planted")]
#[test]
fn a_dependence_on_order_or_number_is_seen() {
    use ballast_domain::kernel::Bug;

    let (straight, _) = heard(&STRAIGHT, usize::MAX, 0, |_| ());
    for (bug, order) in [
        (Bug::LateFillAfterCancelDropped, [3, 4, 5, 6]),
        (Bug::FillDeduplicatedByOrder, [4, 5, 6, 3]),
        (Bug::DuplicateTradeBooked, [4, 5, 4, 6]),
    ] {
        let plant = |w: &mut World| w.settings.planted = Some(bug);
        let end = heard(&order, usize::MAX, 0, plant);
        assert_ne!(end, (straight.clone(), true), "{bug:?}");
    }
}

proptest! {
    /// I-05, I-24: the same facts about several orders, in any order, any of them twice, some only
    /// by a report of the account and that in any order too: one end. The report a second time
    /// records nothing.
    #[test]
    fn facts_and_reports_in_any_order_end_in_the_same_books(
        order in Just((0_usize..7).chain(0..7).collect::<Vec<_>>()).prop_shuffle(),
        kept in 0_usize..14,
        reported_after in 0_usize..14,
        turn in 0_usize..3,
    ) {
        let (straight, _) = heard(&STRAIGHT, usize::MAX, 0, |_| ());
        prop_assert_eq!(&straight.0, &vec![(OrderStatus::Canceled, 7, true), (OrderStatus::Filled, 6, true)]);
        prop_assert_eq!((&straight.1, straight.2), (&vec![7, 6], dollars("8701.25")));
        // What is cut off comes by the report alone.
        prop_assert_eq!(heard(&order[..kept], reported_after, turn, |_| ()), (straight, true));
    }
}
