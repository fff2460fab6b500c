//! J1: indicators over five million closes; ATR also reads highs and lows.

use std::hint::black_box;

use ballast_domain::indicators::{
    Ddof, RsiSeed, Seed, atr, ema, rolling_max, rolling_min, rolling_std, rsi, sma,
};

use crate::data::{Columns, Walk};
use crate::job::{Case, Plan, measure};
use crate::report::Part;

/// Fills an output array.
type Batch = Box<dyn Fn(&mut [f64])>;

pub(crate) fn run(plan: &Plan) -> Part {
    let bars = plan.size(5_000_000, 100_000);
    let data = Columns::of(Walk::minutes(), bars);
    if plan.peers.is_some() {
        data.write(&plan.data.join("minutes"))
            .expect("data is written");
    }
    let mut out = vec![0.0; bars];
    let out = std::cell::RefCell::new(&mut out);
    let Columns {
        high, low, close, ..
    } = &data;
    let case = |name, goal, work: Batch| Case {
        name,
        unit: "element",
        n: bars as f64,
        repeats: 5,
        goal: Some(goal),
        work: Box::new({
            let out = &out;
            move || {
                let mut out = out.borrow_mut();
                work(black_box(&mut out[..]));
                black_box(out.last());
            }
        }),
    };
    let (high, low, close) = (high.clone(), low.clone(), close.clone());
    let c = std::rc::Rc::new(close);
    let of = |f: fn(&[f64], &mut [f64])| -> Batch {
        let c = std::rc::Rc::clone(&c);
        Box::new(move |out| f(black_box(&c), out))
    };
    let ranges: Batch = {
        let c = std::rc::Rc::clone(&c);
        Box::new(move |out| {
            atr(black_box(&high), black_box(&low), black_box(&c), 14, out).expect("equal lengths");
        })
    };
    let cases = vec![
        case("SMA 50", 1.2, of(|c, o| sma(c, 50, o).expect("valid"))),
        case(
            "EMA 20",
            2.23,
            of(|c, o| ema(c, 20, Seed::Mean, o).expect("valid")),
        ),
        case(
            "RSI 14",
            2.99,
            of(|c, o| rsi(c, 14, RsiSeed::Wilder, o).expect("valid")),
        ),
        case("ATR 14", 2.97, ranges),
        case(
            "std 30",
            1.96,
            of(|c, o| rolling_std(c, 30, Ddof::Sample, o).expect("valid")),
        ),
        case(
            "max 50",
            2.55,
            of(|c, o| rolling_max(c, 50, o).expect("valid")),
        ),
        case(
            "min 50",
            2.48,
            of(|c, o| rolling_min(c, 50, o).expect("valid")),
        ),
        // What the output alone costs: read a value, write a value.
        Case {
            goal: None,
            ..case("copy", 0.0, of(|c, o| o.copy_from_slice(c)))
        },
    ];
    measure("J1", plan, cases)
}
