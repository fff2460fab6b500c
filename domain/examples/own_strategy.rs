//! A strategy of your own, run by the kernel that trades live: `cargo run -p ballast-domain
//! --example own_strategy`.

use std::sync::Arc;

use ballast_domain::Result;
use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentId, InstrumentSpec, Instruments};
use ballast_domain::kernel::{Kernel, SendGate, Settings};
use ballast_domain::market::{Bar, Bars, Field, Fields, PanelBuilder, Series};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::orders::Installation;
use ballast_domain::risk::Limits;
use ballast_domain::simulation::{
    self, Exchange, ExchangeSettings, FeeModel, FillPoint, SlippageModel,
};
use ballast_domain::strategy::{
    Decision, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use ballast_domain::time::Timestamp;

/// Half in, half out: holds 50 % after a day that rose, nothing after one that fell.
#[derive(Debug)]
struct AfterARise;

const ONLY: InstrumentId = InstrumentId(0);

impl Strategy for AfterARise {
    fn name(&self) -> &str {
        "after_a_rise"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 2,
            warm_up: 2,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _: &View<'_>) {}

    fn decide(&mut self, _: Slot, view: &View<'_>) -> Decision {
        let today = view.slice().total_return(ONLY, Field::Close);
        let before = view
            .earlier(1)
            .and_then(|s| s.total_return(ONLY, Field::Close));
        match (before, today) {
            (Some(before), Some(today)) if today > before => Decision::Targets(
                Targets::new().with(ONLY, Target::Weight(0.5)),
                "rose".into(),
            ),
            (Some(_), Some(_)) => Decision::Targets(Targets::new(), "did not rise".into()),
            _ => Decision::hold("needs two days"),
        }
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

fn main() -> Result<()> {
    let mut instruments = Instruments::new(Asset {
        code: "USD".into(),
        scale: 8,
    })?;
    instruments.define(&InstrumentSpec::share("ACME", Calendar::Utc24x7))?;
    let mut bars = Bars::new(Fields::ALL);
    for (day, close) in [100.0, 102.0, 104.0, 101.0, 103.0, 107.0]
        .into_iter()
        .enumerate()
    {
        bars.push(&daily(day, close))?;
    }
    let mut panel = PanelBuilder::new(Fields::ALL);
    panel.lane(
        Calendar::Utc24x7,
        Series {
            bars,
            ..Series::default()
        },
    );
    let limits = Limits::cash_account(None, None);
    let settings = Settings::new(Installation::new(1)?, Calendar::Utc24x7, limits);
    let gate = Arc::new(SendGate::new(1));
    let mut kernel = Kernel::new(instruments.clone(), settings, AfterARise, gate)?;
    let venue = ExchangeSettings {
        fill_point: FillPoint::NextOpen,
        fees: FeeModel::Proportional(Rate::from_bps(5)),
        slippage: SlippageModel::Proportional(Rate::from_bps(5)),
        opening_cash: Cash::from_decimal(10_000.into(), 8)?,
        delisting_haircut: Rate::ZERO,
    };
    let mut exchange = Exchange::new(instruments, venue);
    let totals = simulation::run(&mut kernel, &mut exchange, &panel.build()?, &mut ())?;
    println!(
        "{} fills, equity {:.2}",
        totals.counts.fills,
        kernel.account().equity()
    );
    Ok(())
}

fn daily(day: usize, close: f64) -> Bar {
    let at = |day: usize| Timestamp::from_nanos(day as i64 * 86_400_000_000_000);
    let (open_time, close_time) = (at(day), at(day + 1));
    Bar {
        open_time,
        close_time,
        open: close,
        high: close,
        low: close,
        close,
        volume: 0.0,
    }
}
