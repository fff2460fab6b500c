//! J6: what one more market order costs, as the number of orders before it grows.

use std::hint::black_box;

use ballast_domain::instrument::InstrumentId;
use ballast_domain::market::Fields;
use ballast_domain::money::Rate;
use ballast_domain::simulation::FillPoint;
use ballast_domain::strategy::{
    Decision, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use rust_decimal::Decimal;

use crate::account::{check_order_path, one_instrument, run as run_kernel, settings, venue};
use crate::data::{Walk, panel};
use crate::job::{Plan, once};
use crate::measure::{Sample, median, peak_mib};
use crate::peers::Peers;
use crate::report::{Part, Row};

const SIZES: [(&str, usize); 3] = [
    ("10,000 orders", 10_000),
    ("100,000 orders", 100_000),
    ("1,000,000 orders", 1_000_000),
];

/// The goal: at most 0.5 µs an order, and flat.
const GOAL: f64 = 500.0;

pub(crate) fn run(plan: &Plan) -> Part {
    let mut part = Part::new("J6");
    let mut peers = Peers::start("J6", plan, &mut part.notes);
    let instruments = one_instrument();
    let mut costs = Vec::new();
    for (name, orders) in SIZES.into_iter().take(plan.size(3, 1)) {
        let panel = panel(Walk::minutes(), orders + 1, 60);
        let kernel = |trades: bool| {
            let strategy = EveryBar {
                trades,
                long: false,
            };
            let venue = venue(FillPoint::NextOpen, Rate::ZERO);
            run_kernel(
                &instruments,
                settings(),
                venue,
                strategy,
                black_box(&panel),
                &mut (),
            )
        };
        let ended = kernel(true);
        check_order_path(&ended.totals);
        assert_eq!(ended.totals.counts.fills, orders as u64);
        let mut samples = Vec::new();
        for _ in 0..plan.rounds() {
            let idle = once(orders as f64, || drop(black_box(kernel(false))));
            let busy = once(orders as f64, || drop(black_box(kernel(true))));
            samples.push(Sample {
                wall: busy.wall - idle.wall,
                cpu: busy.cpu - idle.cpu,
            });
            peers.round(name);
        }
        let ours = median(&samples);
        costs.push(ours.cpu);
        part.rows.push(Row {
            case: name.to_owned(),
            unit: "order".to_owned(),
            rounds: samples.len(),
            ours,
            goal: Some(GOAL),
            peers: peers.take(name, &mut part.notes),
        });
    }
    if let (Some(first), Some(last)) = (costs.first(), costs.last()) {
        part.checks = format!(
            "every order filled, permits = sends; the last size costs {:.2} times the first an order",
            last / first
        );
    }
    part.peak_mib = peak_mib();
    part
}

/// In and out of one unit at every bar, or nothing at all.
struct EveryBar {
    trades: bool,
    long: bool,
}

impl Strategy for EveryBar {
    fn name(&self) -> &str {
        "every_bar"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _: &View<'_>) {}

    fn decide(&mut self, _: Slot, _: &View<'_>) -> Decision {
        if !self.trades {
            return Decision::hold("nothing to do");
        }
        self.long = !self.long;
        let mut targets = Targets::new();
        if self.long {
            targets = targets.with(InstrumentId::from_index(0), Target::Units(Decimal::ONE));
        }
        Decision::Targets(targets, Reason::Borrowed("turn"))
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> ballast_domain::Result<()> {
        Ok(())
    }
}
