//! The market of a day: prices from the seed, as the venue has them and as the account sees them.

use std::num::NonZeroU16;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentKind, InstrumentSpec, Instruments};
use ballast_domain::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::strategy::Schedule;
use ballast_domain::time::{NANOS_PER_SECOND, Span, Timestamp};
use rust_decimal::Decimal;

use super::chance;
use super::fault::FaultKind;
use super::plan::Plan;
use crate::builders::day;

/// Nanoseconds in a millisecond.
pub(super) const MILLI: i64 = 1_000_000;
/// Nanoseconds in a minute.
pub(super) const MINUTE: i64 = 60 * NANOS_PER_SECOND;
/// Digits of the base currency.
const CASH_SCALE: u8 = 8;

/// Shares in whole units and coins in thousandths, half of each.
pub(super) fn instruments(plan: &Plan) -> Instruments {
    let asset = |code: &str| Asset {
        code: code.to_owned(),
        scale: CASH_SCALE,
    };
    let mut all = Instruments::new(asset("USD")).expect("eight digits are usable");
    all.add_asset(asset("FEE")).expect("another asset");
    for n in 0..plan.instruments {
        let share = InstrumentSpec::share(format!("I{n:02}"), Calendar::Utc24x7);
        let spec = if n % 2 == 0 {
            share
        } else {
            InstrumentSpec {
                kind: InstrumentKind::Spot,
                quantity_scale: 3,
                lot: Decimal::new(1, 3),
                ..share
            }
        };
        all.define(&spec).expect("distinct symbols");
    }
    all
}

/// When the day begins.
pub(super) fn dawn() -> Timestamp {
    day(1_000)
}

/// The schedule of a plan's slots.
pub(super) fn schedule(plan: &Plan) -> Schedule {
    NonZeroU16::new(plan.slot).map_or(Schedule::EveryBar, Schedule::EveryMinutes)
}

/// Prices of a day: what the venue executes at, and what the account is shown.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) venue: Panel,
    pub(super) account: Panel,
}

impl Market {
    pub(super) fn new(plan: &Plan) -> Self {
        let lanes = plan.instruments as usize;
        let fields = if plan.lockstep.is_some() {
            Fields::ALL
        } else {
            Fields::CLOSE
        };
        let panel = || Panel::new(lanes, fields, PriceBasis::Raw);
        let (mut venue, mut account) = (panel(), panel());
        let mut prices: Vec<f64> = (0..u64::from(plan.instruments))
            .map(|i| chance::between(plan.seed, 1, i, 800, 50_000) as f64 / 100.0)
            .collect();
        let mut rows = (Vec::with_capacity(lanes), Vec::with_capacity(lanes));
        for minute in 0..u64::from(plan.minutes) {
            rows.0.clear();
            rows.1.clear();
            for (lane, price) in prices.iter_mut().enumerate() {
                let draw = chance::bits(plan.seed, 2, minute << 16 | lane as u64);
                let step = if plan.flat {
                    0.0
                } else {
                    (draw % 2_001) as f64 / 1_000.0 - 1.0
                };
                let before = *price;
                *price = ((*price * (1.0 + 0.001 * step)) * 100.0).round().max(100.0) / 100.0;
                let row = LaneRow {
                    state: LaneState::Present,
                    values: values(plan, minute << 16 | lane as u64, before, *price),
                };
                let without = |closed: bool| {
                    if closed {
                        LaneRow::absent(LaneState::Hole)
                    } else {
                        row
                    }
                };
                rows.0
                    .push(without(covered(plan, minute, lane, &[FaultKind::Illiquid])));
                let unseen = [FaultKind::Hole, FaultKind::Freeze];
                rows.1.push(without(covered(plan, minute, lane, &unseen)));
            }
            let open = dawn() + Span::from_nanos(i64::try_from(minute).unwrap_or(0) * MINUTE);
            let close = open + Span::from_nanos(MINUTE);
            venue
                .push_row(open, close, &rows.0, &[])
                .expect("prices above zero");
            account
                .push_row(open, close, &rows.1, &[])
                .expect("prices above zero");
        }
        Self { venue, account }
    }
}

/// Open, high, low, close and volume of a bar that moves from one price to another.
fn values(plan: &Plan, which: u64, from: f64, to: f64) -> [f64; 5] {
    if plan.lockstep.is_none() {
        return [to; 5];
    }
    let cents = |what| chance::between(plan.seed, what, which, 0, 40) as f64 / 100.0;
    let round = |price: f64| (price * 100.0).round() / 100.0;
    let open = round((from + cents(20) - 0.2).max(1.0));
    let high = round(open.max(to) + cents(21));
    let low = round((open.min(to) - cents(22)).max(1.0));
    // One bar in twenty has no volume.
    let volume = chance::between(plan.seed, 23, which, -100, 2_000).max(0);
    [open, high, low, to, volume as f64]
}

/// Whether the bar of this minute falls into a window of one of these kinds. The first bar never
/// does: everything has a price.
fn covered(plan: &Plan, minute: u64, lane: usize, kinds: &[FaultKind]) -> bool {
    let (from, to) = (minute * 60_000, (minute + 1) * 60_000);
    minute > 0
        && plan.faults.iter().any(|f| {
            kinds.contains(&f.kind)
                && f.at < to
                && f.at + u64::from(f.param) > from
                && hits(plan, f.kind, f.target, lane)
        })
}

fn hits(plan: &Plan, kind: FaultKind, target: u32, lane: usize) -> bool {
    let lane = u64::try_from(lane).unwrap_or(0);
    if kind == FaultKind::Freeze {
        return (lane + u64::from(target)) % 10 < 3;
    }
    u64::from(target % plan.instruments) == lane
}
