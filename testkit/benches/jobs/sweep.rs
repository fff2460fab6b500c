//! J4: a grid of SMA pairs, each a kernel of its own over the same bars.

use std::hint::black_box;

use ballast_domain::Result;
use ballast_domain::kernel::Record;
use ballast_domain::money::Rate;
use ballast_domain::simulation::{BarClose, FillPoint, Sink};
use ballast_testkit::by_hand::{self, CrossOutcome};

use crate::account::{
    check_order_path, one_instrument, run as run_kernel, settings, sma_cross, venue,
};
use crate::data::{Columns, Walk, panel};
use crate::job::{Case, Plan, measure};
use crate::report::Part;

pub(crate) fn run(plan: &Plan) -> Part {
    let bars = plan.size(100_000, 10_000);
    let pairs: Vec<(usize, usize)> = (5..55)
        .step_by(2)
        .flat_map(|fast| (60..260).step_by(5).map(move |slow| (fast, slow)))
        .step_by(plan.size(1, 100))
        .collect();
    let instruments = one_instrument();
    let panel = panel(Walk::hours(), bars, 3_600);
    let data = Columns::of(Walk::hours(), bars);
    if plan.peers.is_some() {
        data.write(&plan.data.join("hours"))
            .expect("data is written");
    }
    let kernel = |(fast, slow): (usize, usize)| {
        let mut worst = Drawdown::default();
        let ended = run_kernel(
            &instruments,
            settings(),
            venue(FillPoint::NextOpen, Rate::ZERO),
            sma_cross(&instruments, fast, slow),
            black_box(&panel),
            &mut worst,
        );
        (ended, worst.depth())
    };
    let hand = |(fast, slow)| by_hand::cross_pair(&data.open, &data.close, fast, slow);
    let (mut fills, mut orders) = (0, 0);
    for &pair in &pairs {
        let (ended, depth) = kernel(pair);
        check_order_path(&ended.totals);
        let CrossOutcome {
            fills: expected,
            equity,
            max_drawdown,
        } = hand(pair);
        assert_eq!(ended.totals.counts.fills, expected, "{pair:?}");
        assert!((ended.equity - equity).abs() < 1e-3, "{pair:?}");
        assert!(
            (depth - max_drawdown).abs() < 1e-9,
            "{pair:?} {depth} {max_drawdown}"
        );
        fills += expected;
        orders += ended.totals.sends;
    }
    let n = (pairs.len() * bars) as f64;
    let cases = vec![
        Case {
            name: "kernel",
            unit: "bar-run",
            n,
            repeats: 1,
            goal: Some(12.0),
            work: Box::new(|| {
                for &pair in &pairs {
                    black_box(kernel(pair));
                }
            }),
        },
        Case {
            name: "by hand, no orders",
            unit: "bar-run",
            n,
            repeats: 1,
            goal: None,
            work: Box::new(|| {
                for &pair in &pairs {
                    black_box(hand(pair));
                }
            }),
        },
    ];
    let mut part = measure("J4", plan, cases);
    part.checks = format!(
        "{} pairs: each pair's fills, equity and drawdown as by hand; {fills} fills, {orders} permits = sends",
        pairs.len()
    );
    part
}

/// The deepest fall of equity below its highest so far; divides only when it gets deeper.
#[derive(Debug)]
struct Drawdown {
    peak: f64,
    /// Equity at the peak and the trough of the deepest fall.
    worst: (f64, f64),
}

impl Default for Drawdown {
    fn default() -> Self {
        Self {
            peak: 0.0,
            worst: (1.0, 1.0),
        }
    }
}

impl Drawdown {
    fn depth(&self) -> f64 {
        1.0 - self.worst.1 / self.worst.0
    }
}

impl Sink for Drawdown {
    fn records(&mut self, _: &[Record]) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn bar(&mut self, close: &BarClose<'_>) -> Result<()> {
        let equity = close.account.equity();
        if equity > self.peak {
            self.peak = equity;
        } else if equity * self.worst.0 < self.worst.1 * self.peak {
            self.worst = (self.peak, equity);
        }
        Ok(())
    }
}
