//! Crashes: at every boundary of a rebalance, the restarted kernel ends where the first would have.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ballast_domain::instrument::{AssetId, InstrumentId};
use ballast_domain::kernel::{
    Action, BatchId, Effects, Fact, HealthFact, Input, Kernel, Query, Record, SendGate, Session,
    TimerId, VenueReport, Watch,
};
use ballast_domain::market::Panel;
use ballast_domain::money::Quantity;
use ballast_domain::orders::{ClientOrderId, Fill, OrderReport, OrderStatus, Side};
use ballast_domain::risk::Mode;
use ballast_domain::simulation::Exchange;
use ballast_domain::strategy::Decision;
use ballast_domain::time::{Span, Timestamp};

use crate::kernel_path::flat;
use crate::scenario::{
    A, B, Desk, Scripted, Tape, World, accepted, close_of, execution, holding, open_of, units,
    unknown,
};

const LEGS: usize = 20;

/// Where a crash hits the n-th batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crash {
    /// Before it is durable: it never was.
    BeforeDurable,
    /// It is durable and the kernel does not know.
    BeforeAnswer,
    /// What the answer released has left, and no answer of the venue came back.
    AfterSending,
}

/// What an order is at the venue.
#[derive(Clone, Copy, Debug)]
struct Known {
    instrument: InstrumentId,
    side: Side,
    status: OrderStatus,
    filled: Quantity,
}

/// A kernel, an exchange that answers at once, and a journal that survives both.
struct Rig {
    world: World,
    script: Scripted,
    panel: Panel,
    kernel: Kernel<Scripted>,
    gate: Arc<SendGate>,
    effects: Effects,
    exchange: Exchange,
    row: usize,
    now: Timestamp,
    durable: Vec<Record>,
    batches: usize,
    crash: Option<(usize, Crash)>,
    crashed: bool,
    to_deliver: VecDeque<Fact>,
    timers: Vec<(TimerId, Timestamp)>,
    known: BTreeMap<ClientOrderId, Known>,
    fills: Vec<Fill>,
    received: BTreeMap<ClientOrderId, u32>,
}

impl Rig {
    fn new(script: Scripted, crash: Option<(usize, Crash)>) -> Self {
        let mut world = World::shares(LEGS);
        world.settings.watch = Some(Watch::new());
        world.settings.permit_lifetime = Span::from_seconds(5);
        world.settings.record_holds = true;
        let panel = Tape::of_closes(&[&[100.0; 4][..]; LEGS]).panel();
        let gate = Arc::new(SendGate::new(1));
        let kernel = Self::kernel(&world, &script, &gate);
        let exchange = Exchange::new(world.instruments.clone(), world.exchange.clone());
        let mut rig = Self {
            world,
            script,
            panel,
            kernel,
            gate,
            effects: Effects::new(),
            exchange,
            row: 0,
            now: open_of(0),
            durable: Vec::new(),
            batches: 0,
            crash: None,
            crashed: false,
            to_deliver: VecDeque::new(),
            timers: Vec::new(),
            known: BTreeMap::new(),
            fills: Vec::new(),
            received: BTreeMap::new(),
        };
        let opening = rig.exchange.next_fact().unwrap();
        rig.step(Input::Fact(&opening));
        rig.step(Input::Start);
        rig.settle();
        rig.batches = 0;
        rig.crash = crash;
        rig
    }

    fn kernel(world: &World, script: &Scripted, gate: &Arc<SendGate>) -> Kernel<Scripted> {
        let instruments = world.instruments.clone();
        let settings = world.settings.clone();
        Kernel::new(instruments, settings, script.clone(), gate.clone()).unwrap()
    }

    fn step(&mut self, input: Input<'_>) {
        if !self.crashed {
            self.kernel.step(self.now, input, &mut self.effects);
        }
    }

    /// Carries out effects and delivers answers until nothing is left to do at this instant.
    fn settle(&mut self) {
        while !self.crashed {
            if let Some(action) = self.effects.next_action() {
                self.carry_out(action);
            } else if let Some(fact) = self.to_deliver.pop_front() {
                self.step(Input::Fact(&fact));
            } else {
                return;
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Persist(id, range) => self.persist(id, &range),
            Action::Send(permit) => match permit.redeem(&self.gate, self.now) {
                Ok(order) => {
                    let intent = *order.intent();
                    *self.received.entry(intent.client_id).or_default() += 1;
                    let status = OrderStatus::Accepted;
                    self.known.insert(
                        intent.client_id,
                        Known {
                            instrument: intent.instrument,
                            side: intent.side,
                            status,
                            filled: Quantity::ZERO,
                        },
                    );
                    self.exchange.submit(order);
                    self.hear();
                    let slice = self.panel.slice(self.row).unwrap();
                    self.exchange.execute(&slice, self.now);
                    self.hear();
                }
                Err(unspent) => self.to_deliver.push_back(Fact::NotSent {
                    client_id: unspent.intent().client_id,
                    reason: "the gate".into(),
                }),
            },
            Action::Cancel(_, id) => self.exchange.cancel(id),
            Action::Query(Query::Order(_, client_id)) => {
                let fact = self.known.get(&client_id).map_or(
                    Fact::NotFound {
                        client_id,
                        as_of: self.now,
                    },
                    |k| {
                        Fact::Reported(OrderReport {
                            client_id,
                            instrument: k.instrument,
                            side: k.side,
                            status: k.status,
                            filled: k.filled,
                        })
                    },
                );
                self.to_deliver.push_back(fact);
            }
            Action::Query(Query::Account { .. }) => {
                let ids = self.world.instruments.ids();
                let report = VenueReport {
                    as_of: self.now,
                    fills: self.fills.clone(),
                    positions: ids.map(|id| (id, self.exchange.position(id))).collect(),
                    cash: vec![(AssetId::BASE, self.exchange.cash())],
                    ..VenueReport::default()
                };
                self.step(Input::Report(&report));
            }
            Action::Arm(timer, at) => self.timers.push((timer, at)),
            Action::Alert(..) => {}
        }
    }

    /// Takes note of what the exchange says; the kernel hears of it later, or never.
    fn hear(&mut self) {
        while let Some(fact) = self.exchange.next_fact() {
            if let Fact::Filled(fill) = &fact {
                self.fills.push(*fill);
                let known = self.known.get_mut(&fill.client_id).unwrap();
                known.filled += fill.quantity;
                known.status = OrderStatus::Filled;
            }
            self.to_deliver.push_back(fact);
        }
    }

    fn persist(&mut self, id: BatchId, range: &std::ops::Range<usize>) {
        self.batches += 1;
        let here = self.crash.filter(|c| c.0 == self.batches).map(|c| c.1);
        if here == Some(Crash::BeforeDurable) {
            self.crashed = true;
            return;
        }
        self.durable
            .extend_from_slice(&self.effects.records[range.clone()]);
        if here == Some(Crash::BeforeAnswer) {
            self.crashed = true;
            return;
        }
        self.step(Input::Persisted(id));
        if here == Some(Crash::AfterSending) {
            while let Some(action) = self.effects.actions.pop_front() {
                if let Action::Send(_) = &action {
                    self.carry_out(action);
                }
            }
            self.crashed = true;
        }
    }

    fn slice(&mut self, row: usize) {
        self.row = row;
        self.now = close_of(row);
        let panel = self.panel.clone();
        self.step(Input::Slice(&panel.slice(row).unwrap()));
        self.settle();
    }

    /// The program starts again: a new kernel from the records, the last bar delivered once more.
    fn restart(&mut self) {
        self.effects = Effects::new();
        self.timers.clear();
        self.to_deliver.clear();
        self.crashed = false;
        self.crash = None;
        self.gate = Arc::new(SendGate::new(2));
        self.kernel = Self::kernel(&self.world, &self.script, &self.gate);
        let mut restore = self.kernel.restore().unwrap();
        for record in &self.durable {
            let text = serde_json::to_string(record).unwrap();
            restore
                .record(&serde_json::from_str(&text).unwrap())
                .unwrap();
        }
        restore.finish().unwrap();
        let panel = self.panel.clone();
        for row in 0..self.row {
            self.kernel.warm(&panel.slice(row).unwrap());
        }
        self.now = self.now + Span::from_seconds(1);
        self.step(Input::Start);
        self.settle();
        self.step(Input::Slice(&panel.slice(self.row).unwrap()));
        self.settle();
    }

    fn pass(&mut self, span: Span) {
        let end = self.now + span;
        while let Some(at) = self.timers.iter().map(|t| t.1).filter(|t| *t <= end).min() {
            let due = self.timers.iter().position(|t| t.1 == at).unwrap();
            let (timer, at) = self.timers.remove(due);
            self.now = self.now.max(at);
            self.step(Input::Timer(timer));
            self.settle();
        }
        self.now = end;
    }

    fn holdings(&self) -> Vec<i64> {
        let ids = self.world.instruments.ids();
        ids.map(|id| self.exchange.position(id).units()).collect()
    }
}

fn lot(id: usize, n: i64) -> (InstrumentId, i64) {
    (InstrumentId::from_index(id), n)
}

/// First ten of some, then a rebalance with reductions, closes and additions on twenty legs.
fn rebalance() -> Scripted {
    let first: Vec<_> = (0..10).map(|i| lot(i, 8)).collect();
    let second: Vec<_> = (0..LEGS)
        .filter(|i| *i >= 10 || i % 5 != 4)
        .map(|i| lot(i, if i < 10 { 3 } else { 4 }))
        .collect();
    Scripted::new([(0, holding(&first)), (1, holding(&second))])
}

/// I-63: a crash at every boundary of a rebalance, and a restart inside its window, end in equal
/// holdings with no order twice; 100 % of the boundaries.
#[test]
fn every_crash_inside_the_window_ends_in_the_same_holdings() {
    let whole = run(None, Span::from_seconds(60));
    let boundaries = whole.batches;
    assert!(boundaries > 20, "{boundaries}");
    let mut crashes = 0;
    for n in 1..=boundaries {
        for kind in [
            Crash::BeforeDurable,
            Crash::BeforeAnswer,
            Crash::AfterSending,
        ] {
            let rig = run(Some((n, kind)), Span::from_seconds(60));
            assert_eq!(rig.holdings(), whole.holdings(), "{kind:?} at batch {n}");
            assert!(rig.received.values().all(|n| *n == 1), "{kind:?} at {n}");
            assert_eq!(rig.kernel.session(), Session::Ready);
            for id in rig.world.instruments.ids() {
                let ours = rig.kernel.account().position(id).quantity;
                assert_eq!(ours, rig.exchange.position(id), "{kind:?} at {n}");
                assert!(!rig.kernel.exposure().has_unknown(id));
            }
            assert_eq!(rig.kernel.account().cash(), rig.exchange.cash());
            crashes += 1;
        }
    }
    println!("{crashes} crashes at {boundaries} boundaries: equal holdings after each");
}

fn run(crash: Option<(usize, Crash)>, after: Span) -> Rig {
    let mut rig = Rig::new(rebalance(), crash);
    for row in 0..2 {
        rig.slice(row);
        if rig.crashed {
            rig.restart();
        }
        rig.pass(after);
        if rig.crashed {
            // Between two rebalances: the agreement of an audit is a batch as well.
            rig.restart();
            rig.pass(after);
        }
        assert!(!rig.crashed);
    }
    rig
}

/// After the window nothing is planned again: what is missing is a residual a leg.
#[test]
fn a_restart_after_the_window_records_residuals_and_places_nothing() {
    let mut rig = Rig::new(rebalance(), None);
    rig.slice(0);
    rig.pass(Span::from_seconds(60));
    let before = rig.received.len();
    rig.crash = Some((rig.batches + 1, Crash::BeforeAnswer));
    rig.slice(1);
    assert!(rig.crashed);
    rig.now = rig.now + Span::from_seconds(301);
    rig.restart();
    rig.pass(Span::from_seconds(60));
    assert_eq!(rig.received.len(), before, "nothing is placed");
    let residuals = rig
        .durable
        .iter()
        .filter(|r| matches!(r, Record::Residual(_)))
        .count();
    assert_eq!(residuals, LEGS, "one a leg");
}

/// I-68: the same records end in the same books, orders and reservations.
#[test]
fn restoring_reproduces_the_state() {
    let world = World::shares(2);
    let script: BTreeMap<usize, Decision> = [
        (0, holding(&[(A, 10), (B, 4)])),
        (1, holding(&[(A, 3), (B, 9)])),
    ]
    .into();
    let script = Scripted::new(script);
    let mut d = Desk::watched(&world, script.clone(), &flat());
    let sent = d.trade(0);
    d.fact(&accepted(&sent[0]));
    d.fact(&execution(&sent[0], 1, 4, "100"));
    d.fact(&unknown(&sent[1]));
    d.step(Input::Health(&HealthFact::ClockStepped { nanos: 7 }));
    d.persist();
    let r = d.restarted(&world, script);
    let (ours, theirs) = (&d.kernel, &r.kernel);
    assert_eq!(ours.account().ledger(), theirs.account().ledger());
    assert_eq!(ours.exposure(), theirs.exposure());
    for (a, b) in ours.orders().zip(theirs.orders()) {
        // What was written down may have left.
        let sent = |s| {
            if s == OrderStatus::Sent {
                OrderStatus::Recorded
            } else {
                s
            }
        };
        assert_eq!((a.intent, a.filled()), (b.intent, b.filled()));
        assert_eq!(sent(a.status()), sent(b.status()));
    }
    assert_eq!(ours.orders().count(), theirs.orders().count());
}

/// I-14: what an earlier session left at the venue is taken back before anything is added.
#[test]
fn orders_of_an_earlier_session_are_taken_back_first() {
    let world = World::shares(2);
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched(&world, script.clone(), &flat());
    let sent = d.trade(0).remove(0);
    d.fact(&accepted(&sent));
    d.persist();
    let mut d = d.restarted(&world, script);
    d.step(Input::Start);
    assert_eq!(d.kernel.session(), Session::Reconciling);
    let mut report = d.report();
    report.orders = vec![OrderReport {
        client_id: sent.client_id,
        instrument: A,
        side: Side::Buy,
        status: OrderStatus::Accepted,
        filled: Quantity::ZERO,
    }];
    d.step(Input::Report(&report));
    assert_eq!(d.cancels, [sent.client_id]);
    assert_eq!(d.kernel.mode(A), Mode::CancelOnly);
    d.fact(&Fact::Canceled {
        client_id: sent.client_id,
        filled: Quantity::ZERO,
        reason: "asked".into(),
    });
    d.now = d.now + Span::from_seconds(1);
    d.agree();
    assert_eq!(d.kernel.session(), Session::Ready);
    assert_eq!(d.kernel.mode(A), Mode::Active);
    // What it was to reach is planned again from what is held: another order, and the only one.
    assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(10));
    let open: Vec<_> = d
        .kernel
        .orders()
        .filter(|o| !o.status().is_final())
        .map(|o| o.intent.client_id)
        .collect();
    assert_eq!(open.len(), 1);
    assert_ne!(open, [sent.client_id]);
}

/// I-17, I-63: an execution that was taken back before it was ever seen is recorded once and whole,
/// so that a restart knows as much of its order as before.
#[test]
fn a_void_before_its_execution_survives_a_restart() {
    let world = World::shares(2);
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched(&world, script.clone(), &flat());
    let sent = d.trade(0).remove(0);
    let Fact::Filled(first) = execution(&sent, 1, 4, "100") else {
        unreachable!("an execution")
    };
    for _ in 0..3 {
        d.fact(&Fact::Voided(first));
    }
    d.fact(&execution(&sent, 2, 6, "100"));
    d.persist();
    let voids = d.log.records.iter();
    let voids = voids.filter(|r| matches!(r, Record::Void(_))).count();
    assert_eq!(voids, 1);
    let after = d.restarted(&world, script);
    for desk in [&d, &after] {
        let order = desk.kernel.orders().next().unwrap();
        assert_eq!(order.status(), OrderStatus::Filled);
        assert_eq!((order.filled(), order.reported()), (units(6), units(10)));
        assert!(order.is_complete());
        assert_eq!(desk.kernel.account().position(A).quantity, units(6));
    }
}

/// I-51: a venue whose clock runs ahead does not move ours. A restart within that lead was refused
/// every input, its start among them.
#[test]
fn a_restart_is_not_behind_the_venues_clock() {
    let world = World::shares(2);
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched(&world, script.clone(), &flat());
    let sent = d.trade(0).remove(0);
    let Fact::Filled(fill) = execution(&sent, 1, 10, "100") else {
        unreachable!("an execution")
    };
    let time = d.now + Span::from_seconds(1);
    d.fact(&Fact::Filled(Fill { time, ..fill }));
    d.persist();
    let mut after = d.restarted(&world, script);
    after.step(Input::Start);
    assert_eq!(after.kernel.session(), Session::Reconciling);
    assert_eq!(after.alert_text(), "");
}
