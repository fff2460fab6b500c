//! yata: methods that take one value at a time.
//!
//! Its RSI and ATR indicators also make signals, which nobody else here does; both are put together
//! from its own moving average and true range instead.

use yata::core::{Method, OHLCV};
use yata::methods::{EMA, Highest, Lowest, RMA, SMA, StDev, TR};

use crate::{Arrays, Case, Columns};

struct Bar {
    high: f64,
    low: f64,
    close: f64,
}

impl OHLCV for Bar {
    fn open(&self) -> f64 {
        self.close
    }

    fn high(&self) -> f64 {
        self.high
    }

    fn low(&self) -> f64 {
        self.low
    }

    fn close(&self) -> f64 {
        self.close
    }

    fn volume(&self) -> f64 {
        0.0
    }
}

fn each<M>(period: u8, values: &[f64], out: &mut [f64])
where
    M: Method<Params = u8, Input = f64, Output = f64>,
{
    let mut method = M::new(period, &values[0]).expect("valid");
    for (x, y) in values.iter().zip(out) {
        *y = method.next(x);
    }
}

fn strength(columns: &Columns, arrays: &mut Arrays) {
    let new = || RMA::new(14, &0.0).expect("valid");
    let (mut gains, mut losses, mut before) = (new(), new(), columns.close[0]);
    for (x, y) in columns.close.iter().zip(&mut arrays.out) {
        let change = x - before;
        before = *x;
        let (gain, loss) = (
            gains.next(&change.max(0.0)),
            losses.next(&(-change).max(0.0)),
        );
        *y = if gain + loss > 0.0 {
            100.0 * gain / (gain + loss)
        } else {
            50.0
        };
    }
}

fn ranges(columns: &Columns, arrays: &mut Arrays) {
    let bar = |i: usize| Bar {
        high: columns.high[i],
        low: columns.low[i],
        close: columns.close[i],
    };
    let mut range = TR::new(&bar(0)).expect("valid");
    let mut mean = RMA::new(14, &(columns.high[0] - columns.low[0])).expect("valid");
    for (i, y) in arrays.out.iter_mut().enumerate() {
        *y = mean.next(&range.next(&bar(i) as &dyn OHLCV));
    }
}

pub(crate) const CASES: [Case; 7] = [
    ("SMA 50", |c, o| each::<SMA>(50, &c.close, &mut o.out), ""),
    ("EMA 20", |c, o| each::<EMA>(20, &c.close, &mut o.out), ""),
    ("RSI 14", strength, "put together from its averages"),
    ("ATR 14", ranges, "put together from its parts"),
    (
        "std 30",
        |c, o| each::<StDev>(30, &c.close, &mut o.out),
        "running sums that drift",
    ),
    (
        "max 50",
        |c, o| each::<Highest>(50, &c.close, &mut o.out),
        "",
    ),
    (
        "min 50",
        |c, o| each::<Lowest>(50, &c.close, &mut o.out),
        "",
    ),
];
