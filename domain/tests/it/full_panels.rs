//! Where every lane has a bar in every row, nothing is asked lane by lane. It must not show.

use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentSpec, Instruments};
use ballast_domain::kernel::{Kernel, Record, SendGate, SizeAt};
use ballast_domain::market::{Field, Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::orders::TimeInForce;
use ballast_domain::simulation::{
    BarClose, Exchange, ExchangeSettings, FeeModel, FillPoint, Sink, SlippageModel, run,
};
use ballast_domain::strategies::{Sizing, SmaCrossParameters, SmaCrossUnits};
use ballast_domain::time::{Span, Timestamp};
use ballast_testkit::builders::SplitMix64;
use ballast_testkit::permits::permissive_settings;

const LANES: usize = 5;
const ROWS: usize = 300;

/// Everything a run says: records, and at each close the bits of equity, weights and marks.
#[derive(Default)]
struct Said {
    records: Vec<String>,
    closes: Vec<Vec<u64>>,
    /// Records before the close of this row are kept.
    rows: usize,
}

impl Sink for Said {
    fn records(&mut self, records: &[Record]) -> ballast_domain::Result<()> {
        if self.closes.len() < self.rows {
            let text = records.iter().map(|r| format!("{r:?}"));
            self.records.extend(text);
        }
        Ok(())
    }

    fn bar(&mut self, close: &BarClose<'_>) -> ballast_domain::Result<()> {
        let account = close.account;
        let lanes = close.instruments.ids();
        let own = lanes.flat_map(|id| [account.weight(id).to_bits(), account.mark(id).to_bits()]);
        let equity = account.equity().to_bits();
        self.closes
            .push(std::iter::once(equity).chain(own).collect());
        Ok(())
    }
}

/// Random closes; `hole` adds a last row in which a lane has no bar, so that the panel has states.
fn panel(seed: u64, hole: bool) -> Panel {
    let mut random = SplitMix64::new(seed);
    let mut panel = Panel::new(LANES, Fields::of(&[Field::Open]), PriceBasis::Raw);
    let mut prices = [50.0; LANES];
    for row in 0..=ROWS {
        let mut lanes = [LaneRow::absent(LaneState::Present); LANES];
        for (price, lane) in prices.iter_mut().zip(&mut lanes) {
            *price *= 0.96 + 0.08 * random.unit();
            lane.values = [*price; 5];
        }
        if row == ROWS {
            lanes[1].state = LaneState::Hole;
            if !hole {
                break;
            }
        }
        let open = Timestamp::EPOCH + Span::from_days(i64::try_from(row).unwrap());
        panel
            .push_row(open, open + Span::from_days(1), &lanes, &[])
            .unwrap();
    }
    panel
}

fn said(panel: &Panel, point: FillPoint, size_at: SizeAt) -> Said {
    let usd = Asset {
        code: "USD".to_owned(),
        scale: 12,
    };
    let mut instruments = Instruments::new(usd).unwrap();
    for lane in 0..LANES {
        let spec = InstrumentSpec::share(format!("S{lane}"), Calendar::Utc24x7);
        instruments.define(&spec).unwrap();
    }
    let parameters = SmaCrossParameters {
        fast: 2,
        slow: 6,
        sizing: Sizing::EqualWeight,
        ..SmaCrossParameters::default()
    };
    let strategy = SmaCrossUnits::new(&parameters, &instruments).unwrap();
    let mut settings = permissive_settings(Calendar::Utc24x7);
    settings.time_in_force = TimeInForce::Day;
    settings.size_at = size_at;
    let gate = Arc::new(SendGate::new(1));
    let mut kernel = Kernel::new(instruments.clone(), settings, strategy, gate).unwrap();
    let venue = ExchangeSettings {
        fill_point: point,
        fees: FeeModel::Proportional(Rate::from_bps(10)),
        slippage: SlippageModel::Proportional(Rate::from_bps(5)),
        opening_cash: Cash::from_units(1_000_000_000_000_000_000),
        delisting_haircut: Rate::ZERO,
    };
    let mut exchange = Exchange::new(instruments, venue);
    let mut said = Said {
        rows: ROWS,
        ..Said::default()
    };
    let totals = run(&mut kernel, &mut exchange, panel, &mut said).unwrap();
    assert!(totals.counts.fills > 100, "{totals:?}");
    said.closes.truncate(ROWS);
    said
}

#[test]
fn a_panel_without_holes_runs_as_one_that_is_asked_lane_by_lane() {
    for (seed, point) in [
        FillPoint::NextOpen,
        FillPoint::NextClose,
        FillPoint::SameClose,
    ]
    .into_iter()
    .enumerate()
    {
        for size_at in [SizeAt::Decision, SizeAt::Fill] {
            let seed = 77 + seed as u64;
            let full = said(&panel(seed, false), point, size_at);
            let holed = said(&panel(seed, true), point, size_at);
            assert_eq!(full.closes, holed.closes, "{point:?} {size_at:?}");
            assert!(full.records == holed.records, "{point:?} {size_at:?}");
        }
    }
}
