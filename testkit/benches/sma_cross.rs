//! The SMA cross over one instrument, through the kernel and by a hand-written loop, in one run.
//!
//! `cargo bench -p ballast-testkit --bench sma_cross`. Both loops see the same generated bars;
//! compare the ratio, not the times.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentKind, InstrumentSpec, Instruments};
use ballast_domain::kernel::{Kernel, SendGate};
use ballast_domain::market::{Field, Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::simulation::{
    self, Exchange, ExchangeSettings, FeeModel, FillPoint, SlippageModel,
};
use ballast_domain::strategies::{Below, Entry, Sizing, SmaCrossParameters, SmaCrossUnits};
use ballast_domain::strategy::Strategy;
use ballast_domain::time::{Span, Timestamp};
use ballast_testkit::builders::SplitMix64;
use ballast_testkit::by_hand::sma_cross;
use ballast_testkit::permits::permissive_settings;
use rust_decimal::Decimal;

const BARS: usize = 2_000_000;
const ROUNDS: usize = 7;

fn main() {
    let (open, close) = walk();
    let panel = panel(&open, &close);
    let instruments = instruments();
    let (mut kernel, mut boxed, mut hand) = (Vec::new(), Vec::new(), Vec::new());
    let mut outcome = (0, 0.0);
    for _ in 0..ROUNDS {
        let concrete = SmaCrossUnits::new(&parameters(), &instruments).expect("valid parameters");
        let (time, fills) = through_kernel(&instruments, &panel, concrete);
        kernel.push(time);
        let dynamic: Box<dyn Strategy> =
            Box::new(SmaCrossUnits::new(&parameters(), &instruments).expect("valid parameters"));
        boxed.push(through_kernel(&instruments, &panel, dynamic).0);
        let begin = Instant::now();
        outcome = black_box(sma_cross(black_box(&open), black_box(&close)));
        hand.push(per_bar(begin));
        assert_eq!(fills, outcome.0, "kernel and hand loop must trade alike");
    }
    let (kernel, boxed, hand) = (median(kernel), median(boxed), median(hand));
    println!(
        "{BARS} bars, {} fills, medians of {ROUNDS} rounds",
        outcome.0
    );
    println!(
        "kernel, concrete strategy   {kernel:7.2} ns/bar   {:6.1} x hand",
        kernel / hand
    );
    println!(
        "kernel, boxed strategy      {boxed:7.2} ns/bar   {:6.1} x hand",
        boxed / hand
    );
    println!("hand loop without orders    {hand:7.2} ns/bar");
}

fn parameters() -> SmaCrossParameters {
    SmaCrossParameters {
        fast: 10,
        slow: 50,
        sizing: Sizing::Units(Decimal::ONE),
        entry: Entry::State,
        below: Below::Flat,
    }
}

fn through_kernel<S: Strategy>(
    instruments: &Instruments,
    panel: &Panel,
    strategy: S,
) -> (f64, u64) {
    let mut settings = permissive_settings(Calendar::Utc24x7);
    settings.record_idle_legs = false;
    let gate = Arc::new(SendGate::new(1));
    let mut kernel =
        Kernel::new(instruments.clone(), settings, strategy, gate).expect("valid settings");
    let venue = ExchangeSettings {
        fill_point: FillPoint::NextOpen,
        fees: FeeModel::Proportional(Rate::from_bps(10)),
        slippage: SlippageModel::Proportional(Rate::ZERO),
        opening_cash: Cash::from_decimal(Decimal::from(1_000_000), 12).expect("fits"),
        delisting_haircut: Rate::ZERO,
        max_leverage: None,
    };
    let mut exchange = Exchange::new(instruments.clone(), venue);
    let begin = Instant::now();
    let totals = simulation::run(&mut kernel, &mut exchange, panel, &mut ()).expect("runs");
    (per_bar(begin), totals.counts.fills)
}

fn per_bar(begin: Instant) -> f64 {
    begin.elapsed().as_nanos() as f64 / BARS as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Opens and closes of a seeded walk at six digits.
fn walk() -> (Vec<f64>, Vec<f64>) {
    let mut random = SplitMix64::new(202);
    let mut price = 100.0_f64;
    let mut step = || {
        let uniform = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        price = (price * (1.0 + 0.002 * (uniform - 0.5))).max(1.0);
        (price * 1e6).round() / 1e6
    };
    (0..BARS).map(|_| (step(), step())).unzip()
}

fn panel(open: &[f64], close: &[f64]) -> Panel {
    let mut panel = Panel::new(1, Fields::of(&[Field::Open]), PriceBasis::Raw);
    for (i, (open, close)) in open.iter().zip(close).enumerate() {
        let seconds = i64::try_from(i).expect("fits") * 60;
        let time = Timestamp::from_seconds(seconds).expect("within 1677 to 2262");
        let row = [LaneRow {
            state: LaneState::Present,
            values: [*open, 0.0, 0.0, *close, 0.0],
        }];
        panel
            .push_row(time, time + Span::from_seconds(60), &row, &[])
            .expect("rows in order");
    }
    panel
}

fn instruments() -> Instruments {
    let usd = Asset {
        code: "USD".to_owned(),
        scale: 12,
    };
    let mut all = Instruments::new(usd).expect("valid asset");
    all.define(&InstrumentSpec {
        symbol: "X".to_owned(),
        kind: InstrumentKind::Spot,
        quote: "USD".to_owned(),
        price_scale: 6,
        quantity_scale: 0,
        tick: Decimal::new(1, 6),
        lot: Decimal::ONE,
        min_notional: Decimal::ZERO,
        multiplier: Decimal::ONE,
        calendar: Calendar::Utc24x7,
    })
    .expect("valid instrument");
    all
}
