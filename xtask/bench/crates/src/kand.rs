//! kand: a function an indicator, over whole arrays.

use kand::ta::{ohlcv, stats};

use crate::Case;

pub(crate) const CASES: [Case; 7] = [
    (
        "SMA 50",
        |c, o| ohlcv::sma::sma(&c.close, 50, &mut o.out).expect("valid"),
        "",
    ),
    (
        "EMA 20",
        |c, o| ohlcv::ema::ema(&c.close, 20, None, &mut o.out).expect("valid"),
        "",
    ),
    (
        "RSI 14",
        |c, o| {
            let [gains, losses] = &mut o.scratch;
            ohlcv::rsi::rsi(&c.close, 14, &mut o.out, gains, losses).expect("valid");
        },
        "",
    ),
    (
        "ATR 14",
        |c, o| ohlcv::atr::atr(&c.high, &c.low, &c.close, 14, &mut o.out).expect("valid"),
        "",
    ),
    (
        "std 30",
        |c, o| {
            let [sums, squares] = &mut o.scratch;
            stats::stddev::stddev(&c.close, 30, &mut o.out, sums, squares).expect("valid");
        },
        "ddof 0, running sums that drift",
    ),
    (
        "max 50",
        |c, o| stats::max::max(&c.close, 50, &mut o.out).expect("valid"),
        "",
    ),
    (
        "min 50",
        |c, o| stats::min::min(&c.close, 50, &mut o.out).expect("valid"),
        "",
    ),
];
