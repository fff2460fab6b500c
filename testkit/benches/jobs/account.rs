//! Kernel, venue and instruments as the jobs want them, and the check after every run.

use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentKind, InstrumentSpec, Instruments};
use ballast_domain::kernel::{Kernel, SendGate, Settings};
use ballast_domain::market::Panel;
use ballast_domain::money::{Cash, Rate};
use ballast_domain::simulation::{
    self, Exchange, ExchangeSettings, FeeModel, FillPoint, RunTotals, Sink, SlippageModel,
};
use ballast_domain::strategies::{Below, Entry, Sizing, SmaCrossParameters, SmaCrossUnits};
use ballast_domain::strategy::Strategy;
use ballast_testkit::permits::permissive_settings;
use rust_decimal::Decimal;

pub(crate) const OPENING_CASH: i64 = 1_000_000;

/// Instruments with prices and lots of these many digits.
pub(crate) fn instruments(
    lanes: usize,
    price_scale: u8,
    quantity_scale: u8,
    min_notional: Decimal,
) -> Instruments {
    let usd = Asset {
        code: "USD".to_owned(),
        scale: 16,
    };
    let mut all = Instruments::new(usd).expect("valid asset");
    for lane in 0..lanes {
        all.define(&InstrumentSpec {
            symbol: format!("S{lane:04}"),
            kind: InstrumentKind::Spot,
            quote: "USD".to_owned(),
            price_scale,
            quantity_scale,
            tick: Decimal::new(1, price_scale.into()),
            lot: Decimal::new(1, quantity_scale.into()),
            min_notional,
            multiplier: Decimal::ONE,
            calendar: Calendar::Utc24x7,
        })
        .expect("valid instrument");
    }
    all
}

/// One instrument at six digits, traded in whole units.
pub(crate) fn one_instrument() -> Instruments {
    instruments(1, 6, 0, Decimal::ZERO)
}

/// No drift is too small to trade, nothing is kept back, idle legs leave no record.
pub(crate) fn settings() -> Settings {
    let mut settings = permissive_settings(Calendar::Utc24x7);
    settings.record_idle_legs = false;
    settings
}

/// 0.1 % fee on every fill.
pub(crate) fn venue(fill_point: FillPoint, slippage: Rate) -> ExchangeSettings {
    ExchangeSettings {
        fill_point,
        fees: FeeModel::Proportional(Rate::from_bps(10)),
        slippage: SlippageModel::Proportional(slippage),
        opening_cash: Cash::from_decimal(Decimal::from(OPENING_CASH), 16).expect("fits"),
        delisting_haircut: Rate::ZERO,
    }
}

pub(crate) fn sma_cross(instruments: &Instruments, fast: usize, slow: usize) -> SmaCrossUnits {
    let parameters = SmaCrossParameters {
        fast,
        slow,
        sizing: Sizing::Units(Decimal::ONE),
        entry: Entry::State,
        below: Below::Flat,
    };
    SmaCrossUnits::new(&parameters, instruments).expect("valid parameters")
}

/// What a run ended with.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) totals: RunTotals,
    pub(crate) equity: f64,
}

/// Runs the whole order path over `panel`.
pub(crate) fn run<S: Strategy, K: Sink + ?Sized>(
    instruments: &Instruments,
    settings: Settings,
    venue: ExchangeSettings,
    strategy: S,
    panel: &Panel,
    sink: &mut K,
) -> Ended {
    let gate = Arc::new(SendGate::new(1));
    let mut kernel =
        Kernel::new(instruments.clone(), settings, strategy, gate).expect("valid settings");
    let mut exchange = Exchange::new(instruments.clone(), venue);
    let totals = simulation::run(&mut kernel, &mut exchange, panel, sink).expect("runs");
    let equity = kernel.account().equity();
    Ended { totals, equity }
}

/// Panics unless every intent has its verdict and every permit was sent.
pub(crate) fn check_order_path(totals: &RunTotals) {
    let counts = totals.counts;
    assert_eq!(counts.verdicts, counts.intents, "verdicts = intents");
    assert_eq!(counts.permits, totals.sends, "permits = sends");
    assert!(counts.intents > 0, "a job without orders measures nothing");
}
