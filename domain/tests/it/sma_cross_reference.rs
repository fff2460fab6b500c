//! The SMA-cross job of the benchmark set through the kernel: exact fills and equity of the
//! reference loop over five million one-minute bars.
//!
//! `BALLAST_BENCH_DATA` names the folder with the generated columns (`w2.npz.d/*.npy`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentKind, InstrumentSpec, Instruments};
use ballast_domain::kernel::{Kernel, SendGate};
use ballast_domain::market::{Field, Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::simulation::{
    self, Exchange, ExchangeSettings, FeeModel, FillPoint, SlippageModel,
};
use ballast_domain::strategies::{Below, Entry, Sizing, SmaCrossParameters, SmaCrossUnits};
use ballast_domain::time::{Span, Timestamp};
use ballast_testkit::by_hand::sma_cross;
use ballast_testkit::permits::permissive_settings;
use rust_decimal::Decimal;

/// A NumPy column of 8-byte values, little endian.
#[expect(clippy::disallowed_methods, reason = "a test reads its data")]
fn column(folder: &Path, name: &str) -> Vec<[u8; 8]> {
    let file = folder.join(format!("w2.npz.d/{name}.npy"));
    let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10;
    bytes[header..]
        .chunks_exact(8)
        .map(|c| c.try_into().expect("eight bytes"))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a test finds its data")]
fn bench_data() -> Option<PathBuf> {
    std::env::var_os("BALLAST_BENCH_DATA").map(PathBuf::from)
}

fn instruments() -> Instruments {
    let mut all = Instruments::new(Asset {
        code: "USD".to_owned(),
        scale: 12,
    })
    .unwrap();
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
    .unwrap();
    all
}

#[test]
fn sma_cross_has_the_fills_and_equity_of_the_reference() {
    let Some(folder) = bench_data() else {
        println!("skipped: BALLAST_BENCH_DATA is not set");
        return;
    };
    let floats = |name| -> Vec<f64> {
        column(&folder, name)
            .into_iter()
            .map(f64::from_le_bytes)
            .collect()
    };
    let (open, close) = (floats("open"), floats("close"));
    let mut panel = Panel::new(1, Fields::of(&[Field::Open]), PriceBasis::Raw);
    for (i, time) in column(&folder, "ts")
        .into_iter()
        .map(i64::from_le_bytes)
        .enumerate()
    {
        let values = [open[i], 0.0, 0.0, close[i], 0.0];
        let row = [LaneRow {
            state: LaneState::Present,
            values,
        }];
        let time = Timestamp::from_nanos(time);
        panel
            .push_row(time, time + Span::from_seconds(60), &row, &[])
            .unwrap();
    }
    let instruments = instruments();
    let parameters = SmaCrossParameters {
        fast: 10,
        slow: 50,
        sizing: Sizing::Units(Decimal::ONE),
        entry: Entry::State,
        below: Below::Flat,
    };
    let strategy = SmaCrossUnits::new(&parameters, &instruments).unwrap();
    let mut settings = permissive_settings(Calendar::Utc24x7);
    settings.record_idle_legs = false;
    let gate = Arc::new(SendGate::new(1));
    let mut kernel = Kernel::new(instruments.clone(), settings, strategy, gate).unwrap();
    let venue = ExchangeSettings {
        fill_point: FillPoint::NextOpen,
        fees: FeeModel::Proportional(Rate::from_bps(10)),
        slippage: SlippageModel::Proportional(Rate::ZERO),
        opening_cash: Cash::from_decimal(Decimal::from(1_000_000), 12).unwrap(),
        delisting_haircut: Rate::ZERO,
    };
    let mut exchange = Exchange::new(instruments.clone(), venue);
    let totals = simulation::run(&mut kernel, &mut exchange, &panel, &mut ()).unwrap();
    let account = kernel.account();
    let equity = (account.cash() + account.positions_value(&instruments)).to_f64(12);
    let (fills, reference) = sma_cross(&open, &close);
    assert_eq!(totals.counts.fills, fills);
    assert!(
        (equity - reference).abs() < 5e-5,
        "{equity} against {reference}"
    );
    println!("{fills} fills, equity {equity:.4}, reference {reference:.4}");
}
