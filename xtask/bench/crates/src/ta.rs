//! ta: objects that take one value at a time.

use ta::Next;
use ta::indicators::{
    AverageTrueRange, ExponentialMovingAverage, Maximum, Minimum, RelativeStrengthIndex,
    SimpleMovingAverage, StandardDeviation,
};

use crate::{Arrays, Case, Columns};

/// What its Wilder's figures differ in.
const EMA: &str = "smoothed as an EMA, not as Wilder does";

/// What its ATR reads.
struct Bar {
    high: f64,
    low: f64,
    close: f64,
}

impl ta::High for Bar {
    fn high(&self) -> f64 {
        self.high
    }
}

impl ta::Low for Bar {
    fn low(&self) -> f64 {
        self.low
    }
}

impl ta::Close for Bar {
    fn close(&self) -> f64 {
        self.close
    }
}

fn each(mut indicator: impl Next<f64, Output = f64>, values: &[f64], out: &mut [f64]) {
    for (x, y) in values.iter().zip(out) {
        *y = indicator.next(*x);
    }
}

fn ranges(columns: &Columns, arrays: &mut Arrays) {
    let mut indicator = AverageTrueRange::new(14).expect("valid");
    let bars = columns.high.iter().zip(&columns.low).zip(&columns.close);
    for (((high, low), close), y) in bars.zip(&mut arrays.out) {
        let (high, low, close) = (*high, *low, *close);
        *y = indicator.next(&Bar { high, low, close });
    }
}

pub(crate) const CASES: [Case; 7] = [
    (
        "SMA 50",
        |c, o| {
            each(
                SimpleMovingAverage::new(50).expect("valid"),
                &c.close,
                &mut o.out,
            )
        },
        "",
    ),
    (
        "EMA 20",
        |c, o| {
            each(
                ExponentialMovingAverage::new(20).expect("valid"),
                &c.close,
                &mut o.out,
            )
        },
        "",
    ),
    (
        "RSI 14",
        |c, o| {
            each(
                RelativeStrengthIndex::new(14).expect("valid"),
                &c.close,
                &mut o.out,
            )
        },
        EMA,
    ),
    ("ATR 14", ranges, EMA),
    (
        "std 30",
        |c, o| {
            each(
                StandardDeviation::new(30).expect("valid"),
                &c.close,
                &mut o.out,
            )
        },
        "ddof 0, running sums that drift",
    ),
    (
        "max 50",
        |c, o| each(Maximum::new(50).expect("valid"), &c.close, &mut o.out),
        "",
    ),
    (
        "min 50",
        |c, o| each(Minimum::new(50).expect("valid"), &c.close, &mut o.out),
        "",
    ),
];
