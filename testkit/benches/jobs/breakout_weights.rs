//! J3: in at the highest close of 50 days, out at the lowest, weights inverse to volatility.

use std::hint::black_box;

use ballast_domain::indicators::{Ddof, ReturnKind, RollingMax, RollingMin, Volatility};
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::SizeAt;
use ballast_domain::market::Fields;
use ballast_domain::money::{Rate, Weight};
use ballast_domain::orders::TimeInForce;
use ballast_domain::portfolio::{Rebalance, ThresholdBase};
use ballast_domain::simulation::FillPoint;
use ballast_domain::strategy::{
    Decision, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use ballast_testkit::by_hand;
use rust_decimal::Decimal;

use crate::account::{check_order_path, instruments, run as run_kernel, settings, venue};
use crate::data::Daily;
use crate::job::{Case, Plan, measure};
use crate::report::Part;

pub(crate) fn run(plan: &Plan) -> Part {
    let (symbols, days) = (plan.size(500, 50), plan.size(5_040, 400));
    let data = Daily::new(symbols, days);
    if plan.peers.is_some() {
        data.write(&plan.data.join("days"))
            .expect("data is written");
    }
    let instruments = instruments(symbols, 8, 8, Decimal::new(1, 2));
    let panel = data.panel();
    let kernel = || {
        let mut settings = settings();
        settings.size_at = SizeAt::Fill;
        settings.time_in_force = TimeInForce::AtClose;
        settings.rebalance = Rebalance {
            of: ThresholdBase::Target,
            value: Weight::leveraged(0.05).expect("finite"),
            net_of_costs: false,
        };
        // The job limits buys by cash alone.
        let double = Weight::leveraged(2.0).expect("finite");
        settings.limits.max_gross = double;
        settings.limits.max_leverage = double;
        settings.limits.max_position_weight = double;
        let venue = venue(FillPoint::NextClose, Rate::from_bps(5));
        let strategy = InverseVolatility::new(symbols);
        run_kernel(
            &instruments,
            settings,
            venue,
            strategy,
            black_box(&panel),
            &mut (),
        )
    };
    let ended = kernel();
    check_order_path(&ended.totals);
    let (trades, equity) = by_hand::breakout_weights(&data.close, symbols);
    let apart = ended.equity / equity - 1.0;
    assert!(
        apart.abs() < 1e-3,
        "equity {} by hand {equity}",
        ended.equity
    );
    let n = (symbols * days) as f64;
    let cases = vec![Case {
        name: "kernel",
        unit: "symbol-day",
        n,
        repeats: 1,
        goal: Some(100.0),
        work: Box::new(|| {
            black_box(kernel());
        }),
    }];
    let mut part = measure("J3", plan, cases);
    part.checks = format!(
        "{} fills, by hand {trades}; equity {:.2}, {:+.5} % from by hand; {} intents = verdicts, {} permits = sends",
        ended.totals.counts.fills,
        ended.equity,
        apart * 100.0,
        ended.totals.counts.intents,
        ended.totals.counts.permits
    );
    part
}

/// The strategy of the job, as an embedder would write it.
struct InverseVolatility {
    lanes: Vec<Lane>,
}

struct Lane {
    highest: RollingMax,
    lowest: RollingMin,
    volatility: Volatility,
    held: bool,
}

impl InverseVolatility {
    fn new(symbols: usize) -> Self {
        let lane = || Lane {
            highest: RollingMax::new(50).expect("valid period"),
            lowest: RollingMin::new(50).expect("valid period"),
            volatility: Volatility::new(30, ReturnKind::Simple, Ddof::Sample)
                .expect("valid period"),
            held: false,
        };
        Self {
            lanes: (0..symbols).map(|_| lane()).collect(),
        }
    }
}

impl Strategy for InverseVolatility {
    fn name(&self) -> &str {
        "inverse_volatility"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, view: &View<'_>) {
        let slice = view.slice();
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            let Some(close) = slice.close(InstrumentId::from_index(i)) else {
                continue;
            };
            let (highest, lowest) = (lane.highest.update(close), lane.lowest.update(close));
            lane.volatility.update(close);
            if let (Some(highest), Some(lowest)) = (highest, lowest) {
                if close >= highest {
                    lane.held = true;
                } else if close <= lowest {
                    lane.held = false;
                }
            }
        }
    }

    fn decide(&mut self, _: Slot, _: &View<'_>) -> Decision {
        let inverse = |lane: &Lane| {
            let volatility = lane.held.then(|| lane.volatility.value()).flatten();
            volatility.map(|v| 1.0 / v)
        };
        let total: f64 = self.lanes.iter().filter_map(inverse).sum();
        let mut targets = Targets::with_capacity(self.lanes.len());
        for (i, lane) in self.lanes.iter().enumerate() {
            if let Some(inverse) = inverse(lane) {
                targets =
                    targets.with(InstrumentId::from_index(i), Target::Weight(inverse / total));
            }
        }
        Decision::Targets(targets, Reason::Borrowed("inverse volatility"))
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> ballast_domain::Result<()> {
        Ok(())
    }
}
