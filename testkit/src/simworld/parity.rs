//! The same market, config and seed in the backtest driver and in a session: the same decisions,
//! orders and fills.

use std::sync::Arc;

use ballast_domain::error::Result;
use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::{Kernel, LimitStyle, OrderStyle, Record, SendGate, Settings, SizeAt};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::orders::{TimeInForce, TradeId};
use ballast_domain::portfolio::Account;
use ballast_domain::simulation::{BarClose, Exchange, FillPoint, Sink};
use ballast_domain::strategy::Strategy;
use ballast_domain::time::Timestamp;

use super::account::settings;
use super::lockstep::Lockstep;
use super::market::{Market, instruments};
use super::outcome::Violation;
use super::plan::{Idempotency, Plan, Profile, Tuning};
use super::planted::Planted;
use super::strategy::Planned;
use super::tape::{Tape, TapeDeck};
use super::venue::{OPENING, exchange_settings};
use super::world::World;

/// What a run decided, ordered and got, without the instants at which it learnt of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Decisions, what each means for each instrument, and what was not reached.
    pub decisions: Vec<Record>,
    /// Orders that were wanted, with their verdicts.
    pub orders: Vec<Record>,
    /// Executions, with the venue's instants.
    pub fills: Vec<Record>,
    /// Cash at the end.
    pub cash: Cash,
    /// Units held at the end.
    pub held: Vec<i64>,
    /// Executions of less than their order.
    pub partial: usize,
}

impl Story {
    fn new<'a>(
        records: impl Iterator<Item = &'a Record>,
        account: &Account,
        of: &Instruments,
    ) -> Self {
        let held = of.ids().map(|id| account.position(id).quantity.units());
        let mut story = Self {
            decisions: Vec::new(),
            orders: Vec::new(),
            fills: Vec::new(),
            cash: account.cash(),
            held: held.collect(),
            partial: 0,
        };
        let mut ordered = std::collections::BTreeMap::new();
        // When something was learnt is the only thing that a delay may change.
        let never = Timestamp::EPOCH;
        for record in records {
            match record.clone() {
                Record::Decision(mut r) => {
                    r.time = never;
                    story.decisions.push(Record::Decision(r));
                }
                Record::Residual(mut r) => {
                    r.time = never;
                    story.decisions.push(Record::Residual(r));
                }
                Record::Hold(mut r) => {
                    r.time = never;
                    story.decisions.push(Record::Hold(r));
                }
                leg @ Record::Leg(_) => story.decisions.push(leg),
                Record::Intent(mut r) => {
                    r.time = never;
                    ordered.insert(r.intent.client_id, r.intent.quantity);
                    story.orders.push(Record::Intent(r));
                }
                Record::Fill(r) => {
                    let whole = ordered.get(&r.fill.client_id);
                    story.partial += usize::from(whole.is_some_and(|q| r.fill.quantity < *q));
                    story.fills.push(Record::Fill(r));
                }
                _ => {}
            }
        }
        story
    }

    /// How many decisions took effect.
    pub fn decided(&self) -> usize {
        let decision = |r: &&Record| matches!(r, Record::Decision(_));
        self.decisions.iter().filter(decision).count()
    }

    /// The first thing in which another story differs.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let parts = [
            ("decision", &self.decisions, &other.decisions),
            ("order", &self.orders, &other.orders),
            ("fill", &self.fills, &other.fills),
        ];
        for (what, ours, theirs) in parts {
            let pair = |n: usize| (ours.get(n), theirs.get(n));
            if let Some(n) = (0..ours.len().max(theirs.len())).find(|n| pair(*n).0 != pair(*n).1) {
                let (a, b) = pair(n);
                return Some(format!("{what} {n}: {a:?} and {b:?}"));
            }
        }
        if (self.cash, &self.held) != (other.cash, &other.held) {
            return Some(format!(
                "the end: {:?} {:?} and {:?} {:?}",
                self.cash, self.held, other.cash, other.held
            ));
        }
        None
    }
}

/// Configs that are told apart by how orders meet the market.
pub const CONFIGS: [(&str, Lockstep); 4] = [
    (
        "whole fills at the close that was seen, cash runs short",
        Lockstep {
            fill_point: FillPoint::SameClose,
            size_at: SizeAt::Decision,
            time_in_force: TimeInForce::AtClose,
            signal_lag: 0,
            participation_bps: None,
            through_bar: false,
            delays: 0,
        },
    ),
    (
        "a tenth of the volume at the next open, sized there, a bar later",
        Lockstep {
            fill_point: FillPoint::NextOpen,
            size_at: SizeAt::Fill,
            time_in_force: TimeInForce::AtOpen,
            signal_lag: 1,
            participation_bps: Some(1_000),
            through_bar: false,
            delays: 0,
        },
    ),
    (
        "a hundredth of the volume at each close, the rest goes on",
        Lockstep {
            fill_point: FillPoint::NextClose,
            size_at: SizeAt::Decision,
            time_in_force: TimeInForce::Day,
            signal_lag: 0,
            participation_bps: Some(100),
            through_bar: false,
            delays: 0,
        },
    ),
    (
        "limits inside the bar, the rest at the market two bars later",
        Lockstep {
            fill_point: FillPoint::NextOpen,
            size_at: SizeAt::Decision,
            time_in_force: TimeInForce::Gtc,
            signal_lag: 0,
            participation_bps: Some(5_000),
            through_bar: true,
            delays: 0,
        },
    ),
];

impl Plan {
    /// Hours without faults, in lockstep: each write takes up to 50 ms, as the delays' seed says.
    pub fn in_lockstep(seed: u64, lockstep: Lockstep) -> Self {
        let limit = LimitStyle {
            offset: Rate::from_bps(10),
            bars: 2,
            last_resort: true,
        };
        Self {
            seed,
            instruments: 8,
            minutes: 240,
            heal: 0,
            calm: 240,
            slot: 5,
            flat: false,
            lockstep: Some(lockstep),
            venue: Profile {
                idempotency: Idempotency::Permanent,
                fenced: true,
                lag: 0,
                clock_offset: 0,
                foreign_fees: false,
                split_percent: 0,
                stream_acknowledges: false,
                rest_latency: 0,
                stream_latency: 0,
                match_latency: 0,
            },
            tuning: Tuning {
                audit: 25,
                phase: 86_400,
                window: 86_400,
                permit: 20,
                ask_again: 2,
                crowded: true,
                remembered_orders: 512,
                disk: 50,
                adopted: false,
                idle_legs: true,
                visits: 20,
                max_gross_percent: 100,
                style: if lockstep.through_bar {
                    OrderStyle::Limit(limit)
                } else {
                    OrderStyle::Market
                },
            },
            faults: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Kept(Vec<Record>);

impl Sink for Kept {
    fn records(&mut self, records: &[Record]) -> Result<()> {
        self.0.extend_from_slice(records);
        Ok(())
    }

    fn bar(&mut self, _: &BarClose<'_>) -> Result<()> {
        Ok(())
    }
}

/// The plan's market through the backtest driver. Nothing watches an exchange that answers at once.
///
/// # Errors
/// As [`ballast_domain::simulation::run`].
pub fn backtest(plan: &Plan, bug: Option<Planted>) -> Result<Story> {
    let mut kept = Kept::default();
    let kernel = run_backtest(plan, bug, Planned::new(plan), &mut kept)?;
    let account = kernel.account();
    Ok(Story::new(kept.0.iter(), account, kernel.instruments()))
}

/// Nothing watches an exchange that answers at once.
fn unwatched(plan: &Plan, bug: Option<Planted>) -> Settings {
    Settings {
        watch: None,
        ..settings(plan, bug)
    }
}

fn run_backtest<S: Strategy, K: Sink>(
    plan: &Plan,
    bug: Option<Planted>,
    strategy: S,
    sink: &mut K,
) -> Result<Kernel<S>> {
    let instruments = instruments(plan);
    let market = Market::new(plan);
    let gate = Arc::new(SendGate::new(1));
    let mut kernel = Kernel::new(instruments.clone(), unwatched(plan, bug), strategy, gate)?;
    let opening = Cash::from_decimal(OPENING.into(), instruments.base().scale)?;
    let rules = plan.lockstep.map(|l| l.rules()).unwrap_or_default();
    let terms = exchange_settings(plan, opening);
    let mut exchange = Exchange::with_rules(instruments, terms, rules);
    ballast_domain::simulation::run(&mut kernel, &mut exchange, &market.account, sink)?;
    Ok(kernel)
}

/// The tape of a backtest of the plan's market with any strategy.
///
/// # Errors
/// As [`ballast_domain::simulation::run`].
pub fn taped_backtest<S: Strategy>(plan: &Plan, strategy: S) -> Result<Tape> {
    let mut deck = TapeDeck::default();
    run_backtest(plan, None, strategy, &mut deck)?;
    deck.tape.writer = 1;
    Ok(deck.tape)
}

/// Tells a tape of [`taped_backtest`] to a fresh kernel; the digest of what that one asks for.
///
/// # Errors
/// As [`Tape::replay`].
pub fn replay_backtest<S: Strategy>(plan: &Plan, strategy: S, tape: &Tape) -> Result<u64> {
    let market = Market::new(plan);
    tape.replay(
        instruments(plan),
        unwatched(plan, None),
        strategy,
        &market.account,
    )
}

/// Takes the tapes of a plan's processes in the simulated world, faults and restarts included.
pub fn tapes(plan: &Plan) -> Vec<Tape> {
    let mut world = World::new(plan, None);
    world.tapes = Some(Vec::new());
    world.play();
    let ids: Vec<_> = world.processes.iter().map(|p| p.id).collect();
    for id in ids {
        world.end_process(id);
    }
    world.tapes.unwrap_or_default()
}

/// Tells a tape of the plan's world to a fresh kernel; the digest of what that one asks for.
///
/// # Errors
/// As [`Tape::replay`].
pub fn replay(plan: &Plan, tape: &Tape) -> Result<u64> {
    let (strategy, market) = (Planned::new(plan), Market::new(plan));
    let settings = settings(plan, None);
    tape.replay(instruments(plan), settings, strategy, &market.account)
}

/// The same in a session of the simulated world: processes, wires, a disk that takes its time.
///
/// # Errors
/// What must never happen and did.
pub fn session(plan: &Plan, bug: Option<Planted>) -> std::result::Result<Story, Violation> {
    let mut world = World::new(plan, bug);
    world.play();
    if let Some(violation) = world.judge.violation {
        return Err(violation);
    }
    let wrong = |what: &str| Violation {
        invariant: "world".to_owned(),
        at: 0,
        what: what.to_owned(),
    };
    let batches = world.disk.read();
    let batches = batches.map_err(|_| wrong("the journal is damaged"))?;
    let records: Vec<Record> = batches.into_iter().flatten().map(core_trade).collect();
    let process = world.writer().ok_or_else(|| wrong("nothing runs"))?;
    let account = process.kernel.account();
    Ok(Story::new(records.iter(), account, &world.instruments))
}

/// The venue numbers the pieces of a trade; here every trade is one piece.
fn core_trade(record: Record) -> Record {
    match record {
        Record::Fill(mut r) => {
            r.fill.trade_id = TradeId(r.fill.trade_id.0 >> 4);
            Record::Fill(r)
        }
        other => other,
    }
}
