//! J2: the SMA cross through the kernel, with a concrete and a boxed strategy, and by hand.

use std::hint::black_box;

use ballast_domain::money::Rate;
use ballast_domain::simulation::FillPoint;
use ballast_domain::strategy::Strategy;
use ballast_testkit::by_hand;

use crate::account::{
    check_order_path, one_instrument, run as run_kernel, settings, sma_cross, venue,
};
use crate::data::{Columns, Walk, panel};
use crate::job::{Case, Plan, measure};
use crate::measure::peak_mib;
use crate::report::Part;

pub(crate) fn run(plan: &Plan) -> Part {
    let bars = plan.size(5_000_000, 100_000);
    let instruments = one_instrument();
    let panel = panel(Walk::minutes(), bars, 60);
    let kernel = |boxed: bool| {
        let concrete = sma_cross(&instruments, 10, 50);
        let venue = venue(FillPoint::NextOpen, Rate::ZERO);
        let panel = black_box(&panel);
        if boxed {
            let strategy: Box<dyn Strategy> = Box::new(concrete);
            run_kernel(&instruments, settings(), venue, strategy, panel, &mut ())
        } else {
            run_kernel(&instruments, settings(), venue, concrete, panel, &mut ())
        }
    };
    let ended = kernel(false);
    check_order_path(&ended.totals);
    // Before the columns are kept a second time for the loop by hand.
    let peak = peak_mib();
    let data = Columns::of(Walk::minutes(), bars);
    if plan.peers.is_some() {
        data.write(&plan.data.join("minutes"))
            .expect("data is written");
    }
    let (fills, equity) = by_hand::sma_cross(&data.open, &data.close);
    assert_eq!(
        ended.totals.counts.fills, fills,
        "kernel and hand trade alike"
    );
    assert!(
        (ended.equity - equity).abs() < 1e-3,
        "{} {equity}",
        ended.equity
    );
    let cases = vec![
        Case {
            name: "kernel",
            unit: "bar",
            n: bars as f64,
            repeats: 1,
            goal: Some(30.0),
            work: Box::new(|| {
                black_box(kernel(false));
            }),
        },
        Case {
            name: "kernel, boxed strategy",
            unit: "bar",
            n: bars as f64,
            repeats: 1,
            goal: None,
            work: Box::new(|| {
                black_box(kernel(true));
            }),
        },
        Case {
            name: "by hand, no orders",
            unit: "bar",
            n: bars as f64,
            repeats: 1,
            goal: None,
            work: Box::new(|| {
                black_box(by_hand::sma_cross(
                    black_box(&data.open),
                    black_box(&data.close),
                ));
            }),
        },
    ];
    let mut part = measure("J2", plan, cases);
    part.checks = format!(
        "{fills} fills and equity {equity:.4} as by hand; {} intents = verdicts, {} permits = sends",
        ended.totals.counts.intents, ended.totals.counts.permits
    );
    part.peak_mib = peak;
    let columns = bars as f64 * 4.0 * 8.0 / 1024.0 / 1024.0;
    part.notes.push(format!(
        "peak memory is that of panel and kernel run alone; the four columns of the panel (open, \
         close, open and close time) are {columns:.0} MiB of it"
    ));
    part
}
