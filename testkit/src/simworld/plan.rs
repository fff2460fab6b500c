//! A day as data: everything that will happen, derived from a seed before anything happens.

use ballast_domain::kernel::{LimitStyle, OrderStyle};
use ballast_domain::money::Rate;
use serde::{Deserialize, Serialize};

use super::chance;
use super::fault::{Fault, FaultKind, Shape};
use super::lockstep::Lockstep;
use crate::builders::SplitMix64;

/// How a venue treats a client order id it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idempotency {
    /// It takes the order again once the first has ended; the usual case.
    OpenOnly,
    /// It never takes an id twice.
    Permanent,
}

/// What kind of venue this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Whether an id is taken twice.
    pub idempotency: Idempotency,
    /// Whether it drops an order that arrives after its expiry.
    pub fenced: bool,
    /// How old the state is that it answers questions from, in milliseconds.
    pub lag: i64,
    /// Its clock minus ours, in milliseconds.
    pub clock_offset: i64,
    /// Whether it takes fees in another asset.
    pub foreign_fees: bool,
    /// Of a hundred executions, how many are reported as several trades.
    pub split_percent: u64,
    /// Whether its stream acknowledges orders as well.
    pub stream_acknowledges: bool,
    /// Longest time a request or answer takes, in milliseconds.
    pub rest_latency: i64,
    /// Longest time a frame of the stream takes, in milliseconds.
    pub stream_latency: i64,
    /// Longest time from acceptance to execution, in milliseconds.
    pub match_latency: i64,
}

/// How the account is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// Seconds between two looks at the account.
    pub audit: i64,
    /// Seconds a phase of a rebalance may take.
    pub phase: i64,
    /// Seconds a decision may place orders for.
    pub window: i64,
    /// Seconds a permit is good for.
    pub permit: i64,
    /// Seconds between two questions about the same thing.
    pub ask_again: i64,
    /// Whether twice as much is wanted of everything, so that cash runs short.
    pub crowded: bool,
    /// Final orders the kernel keeps.
    pub remembered_orders: usize,
    /// Longest write, in milliseconds.
    pub disk: i64,
    /// Whether a person adopts the account at the beginning; otherwise the venue tells its opening.
    pub adopted: bool,
    /// Whether legs without a trade are recorded.
    pub idle_legs: bool,
    /// Minutes between two visits of the operator.
    pub visits: i64,
    /// Largest gross exposure in percent of equity.
    #[serde(default = "all_of_it")]
    pub max_gross_percent: u8,
    /// How rebalances are priced.
    #[serde(default)]
    pub style: OrderStyle,
}

const fn all_of_it() -> u8 {
    100
}

/// One simulated day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Fixes prices, targets and latencies.
    pub seed: u64,
    /// Instruments.
    pub instruments: u32,
    /// Bars.
    pub minutes: u32,
    /// From this minute on nothing goes wrong any more.
    pub heal: u32,
    /// From this minute on nothing new is decided.
    pub calm: u32,
    /// Minutes between slots.
    pub slot: u16,
    /// Whether prices never move.
    #[serde(default)]
    pub flat: bool,
    /// How a day in lockstep trades; `None` for one whose feed waits for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lockstep: Option<Lockstep>,
    /// The venue.
    pub venue: Profile,
    /// The account.
    pub tuning: Tuning,
    /// What goes wrong, sorted.
    pub faults: Vec<Fault>,
}

impl Plan {
    /// A day of 20 instruments, 1,440 minute bars and 96 slots, with the faults of this seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut random = SplitMix64::new(seed ^ 0x0BA1_1A57);
        let mut pick = |low: i64, high: i64| {
            low + i64::try_from(random.next_u64() % high.abs_diff(low).max(1)).unwrap_or(0)
        };
        let venue = Profile {
            idempotency: if pick(0, 3) == 0 {
                Idempotency::Permanent
            } else {
                Idempotency::OpenOnly
            },
            fenced: pick(0, 4) > 0,
            lag: pick(0, 1_000),
            clock_offset: pick(-400, 400),
            foreign_fees: pick(0, 3) == 0,
            split_percent: u64::try_from(pick(0, 60)).unwrap_or(0),
            stream_acknowledges: pick(0, 2) == 0,
            rest_latency: pick(5, 250),
            stream_latency: pick(5, 250),
            match_latency: pick(5, 900),
        };
        let tuning = Tuning {
            audit: pick(20, 90),
            phase: pick(10, 90),
            window: pick(120, 600),
            permit: pick(2, 20),
            ask_again: pick(1, 6),
            crowded: pick(0, 2) == 0,
            remembered_orders: if pick(0, 2) == 0 { 64 } else { 512 },
            disk: pick(1, 50),
            adopted: pick(0, 4) == 0,
            idle_legs: pick(0, 4) == 0,
            visits: pick(5, 20),
            max_gross_percent: if chance::happens(seed, 34, 0, 30) {
                60
            } else {
                all_of_it()
            },
            style: style(seed),
        };
        let mut plan = Self {
            seed,
            instruments: 20,
            minutes: 1_440,
            heal: 1_350,
            calm: 1_395,
            slot: 15,
            flat: false,
            lockstep: None,
            venue,
            tuning,
            faults: Vec::new(),
        };
        plan.faults = draw_faults(&plan, &mut random);
        plan
    }

    /// The same day without any fault.
    #[must_use]
    pub fn without_faults(mut self) -> Self {
        self.faults.clear();
        self
    }
}

/// One day in three works with limits, and two of three of those send the rest at the market.
fn style(seed: u64) -> OrderStyle {
    if !chance::happens(seed, 30, 0, 33) {
        return OrderStyle::Market;
    }
    let draw = |what, low, high| chance::between(seed, what, 0, low, high);
    OrderStyle::Limit(LimitStyle {
        offset: Rate::from_bps(draw(31, 0, 9)),
        bars: u16::try_from(draw(32, 1, 4)).unwrap_or(1),
        last_resort: chance::happens(seed, 33, 0, 67),
    })
}

/// Faults of a kind a day, at most, when its class is on.
const fn most(kind: FaultKind) -> u64 {
    match kind {
        FaultKind::Kill
        | FaultKind::Liquidate
        | FaultKind::BitFlip
        | FaultKind::DiskFull
        | FaultKind::SyncFailed
        | FaultKind::DoubleStart
        | FaultKind::Orphan
        | FaultKind::Maintenance
        | FaultKind::CrashInRecovery => 1,
        FaultKind::Crash
        | FaultKind::Deleverage
        | FaultKind::Void
        | FaultKind::ManualTrade
        | FaultKind::Overfill
        | FaultKind::Transfer
        | FaultKind::Expire
        | FaultKind::Pause
        | FaultKind::ClockStep
        | FaultKind::StreamSilent
        | FaultKind::StreamDown
        | FaultKind::RateBan => 3,
        _ => 6,
    }
}

/// How long a window of this kind lasts at most, in seconds.
const fn longest(kind: FaultKind) -> u64 {
    match kind {
        FaultKind::Pause => 400,
        FaultKind::RateBan => 60,
        FaultKind::Maintenance => 600,
        FaultKind::SlowDisk => 60,
        FaultKind::StreamDown | FaultKind::StreamSilent => 300,
        _ => 1_200,
    }
}

/// Whether half of these happen while orders are under way.
const fn is_aimed(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Kill
            | FaultKind::Crash
            | FaultKind::DoubleStart
            | FaultKind::Deleverage
            | FaultKind::ManualTrade
    )
}

/// At least this many faults a day.
const LEAST: usize = 5;

fn draw_faults(plan: &Plan, random: &mut SplitMix64) -> Vec<Fault> {
    let day = u64::from(plan.heal) * 60_000;
    let slot = u64::from(plan.slot) * 60_000;
    let storms: Vec<u64> = (0..random.below(4)).map(|_| random.below(day)).collect();
    let mut faults = Vec::new();
    while faults.len() < LEAST {
        for kind in FaultKind::ALL {
            if random.below(2) == 0 {
                continue;
            }
            for _ in 0..=random.below(most(*kind)) {
                let at = match random.below(10) {
                    // Orders are being written, sent and executed.
                    _ if is_aimed(*kind) && random.below(2) == 0 => {
                        (1 + random.below(day / slot)) * slot + random.below(700)
                    }
                    // Faults come together, as venues fail when markets move.
                    0..=2 if !storms.is_empty() => {
                        let storm = storms[index(random, storms.len())];
                        storm + random.below(120_000)
                    }
                    // Most of what happens happens just after a slot.
                    3..=6 => (1 + random.below(day / slot)) * slot + random.below(20_000),
                    _ => random.below(day),
                };
                let length = match kind.shape() {
                    Shape::Window => 1_000 + random.below(longest(*kind) * 1_000),
                    Shape::Armed | Shape::Event => random.below(1 << 20),
                };
                faults.push(Fault {
                    at: at.min(day - 1),
                    kind: *kind,
                    target: u32::try_from(random.below(1 << 31)).unwrap_or(0),
                    param: u32::try_from(length).unwrap_or(u32::MAX),
                });
            }
        }
    }
    lay_ambushes(plan, random, &mut faults);
    faults.sort_unstable();
    faults
}

/// Faults that do harm only together, and that chance alone would seldom bring together.
fn lay_ambushes(plan: &Plan, random: &mut SplitMix64, faults: &mut Vec<Fault>) {
    let slots = u64::from(plan.heal / u32::from(plan.slot)) - 1;
    let mut lay = |at: u64, kind, target: u64, param: u64| {
        faults.push(Fault {
            at,
            kind,
            target: u32::try_from(target).unwrap_or(0),
            param: u32::try_from(param).unwrap_or(u32::MAX),
        });
    };
    // Requests are lost just after a slot, and the process dies before their silence proves
    // anything.
    if random.below(4) == 0 {
        let slot = (1 + random.below(slots)) * u64::from(plan.slot) * 60_000;
        for _ in 0..=random.below(3) {
            lay(slot - 1_000, FaultKind::RequestLost, 0, 0);
        }
        let crash = slot + 3_000 + random.below(12_000);
        lay(crash, FaultKind::Crash, 0, random.below(1 << 20));
    }
    // A second process starts while the records of a slot's orders are still being written.
    if random.below(4) == 0 {
        let slot = (1 + random.below(slots)) * u64::from(plan.slot) * 60_000;
        lay(slot - 1_000, FaultKind::SlowDisk, 0, 20_000);
        let start = slot + 100 + random.below(4_000);
        lay(start, FaultKind::DoubleStart, 0, random.below(1 << 20));
    }
    // Buys rest in names nobody trades, and their cancels are lost: they may still have to be paid
    // when the next plan is made.
    if random.below(4) == 0 {
        let slot = (1 + random.below(slots)) * u64::from(plan.slot) * 60_000;
        for name in 0..u64::from(plan.instruments / 2) {
            let lasts = u64::from(plan.slot) * 120_000;
            lay(slot - 30_000, FaultKind::Illiquid, 2 * name, lasts);
            lay(slot + 1, FaultKind::CancelLost, 0, 0);
            lay(slot + 1, FaultKind::CancelLost, 0, 0);
        }
    }
}

fn index(random: &mut SplitMix64, len: usize) -> usize {
    usize::try_from(random.below(len as u64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan_and_a_plan_is_a_tape() {
        let plan = Plan::from_seed(7);
        assert_eq!(plan, Plan::from_seed(7));
        assert_ne!(plan, Plan::from_seed(8));
        let tape = serde_json::to_string(&plan).expect("plain data");
        assert_eq!(
            serde_json::from_str::<Plan>(&tape).expect("its own text"),
            plan
        );
    }

    #[test]
    fn every_kind_is_drawn_and_every_day_has_five() {
        let mut seen = vec![0; FaultKind::ALL.len()];
        for seed in 0..200 {
            let plan = Plan::from_seed(seed);
            assert!(plan.faults.len() >= LEAST && plan.faults.is_sorted());
            for fault in &plan.faults {
                seen[fault.kind.index()] += 1;
            }
        }
        assert!(seen.iter().all(|n| *n > 20), "{seen:?}");
    }
}
