//! How far incremental indicators are from exact ones after ten million values.

use std::collections::VecDeque;

use ballast_domain::indicators::{
    Atr, Ddof, Ema, EwVolatility, Macd, Momentum, ReturnKind, RollingMax, RollingMoments,
    RollingPair, RollingStd, RollingTrend, Rsi, RsiSeed, Seed, Sma, Volatility,
};
use ballast_testkit::builders::SplitMix64;

use crate::data::Walk;
use crate::exact::Exact;

const VALUES: usize = 10_000_000;
/// The first and the last so many values are looked at.
const LOOKED_AT: usize = 1_000_000;
/// Windows are summed anew at every so many values.
const EVERY: usize = 499;
const WINDOW: usize = 60;
/// Nothing may be further off than this.
const LIMIT: f64 = 1e-9;

/// High, low, close and a second close.
type Bar = [f64; 4];

pub(crate) fn run() -> Result<(), String> {
    println!("largest error against sums of twice the precision; rows are indicators");
    let walk = Walk::minutes().zip(Walk::hours());
    let walk = walk.map(|(a, b)| [a.values[1], a.values[2], a.values[3], b.values[3]]);
    let mut random = SplitMix64::new(7);
    let noise = std::iter::repeat_with(move || {
        let mut draw = || 1e6 + 1e-3 * (random.unit() - 0.5);
        let close = draw();
        [close.max(draw()), close.min(draw()), close, draw()]
    });
    let mut good = true;
    for (title, bars) in [
        (
            "a walk of prices at six digits",
            Box::new(walk) as Box<dyn Iterator<Item = Bar>>,
        ),
        ("a level of 1,000,000 with noise of 0.001", Box::new(noise)),
    ] {
        println!(
            "\n{title}\n{:<26}{:>16}{:>16}   relative to",
            "", "first million", "last million"
        );
        for tracked in follow(bars) {
            let [first, last] = tracked.error;
            println!(
                "{:<26}{first:>16.1e}{last:>16.1e}   {}",
                tracked.name, tracked.scale
            );
            good &= first <= LIMIT && last <= LIMIT;
        }
    }
    if good {
        return Ok(());
    }
    Err(format!("an error is above {LIMIT:e}"))
}

/// One indicator's largest errors.
struct Tracked {
    name: &'static str,
    scale: &'static str,
    error: [f64; 2],
}

#[derive(Default)]
struct Table(Vec<Tracked>);

impl Table {
    /// `got` at value number `i`, the exact figure, and what an error is divided by.
    fn note(
        &mut self,
        i: usize,
        (name, scale): (&'static str, &'static str),
        got: Option<f64>,
        exact: Exact,
        unit: f64,
    ) {
        let Some(got) = got else { return };
        let column = match i {
            i if i < LOOKED_AT => 0,
            i if i >= VALUES - LOOKED_AT => 1,
            _ => return,
        };
        let error = (Exact::of(got) - exact).abs().value() / unit.abs();
        let place = self
            .0
            .iter()
            .position(|t| t.name == name)
            .unwrap_or_else(|| {
                self.0.push(Tracked {
                    name,
                    scale,
                    error: [0.0; 2],
                });
                self.0.len() - 1
            });
        let largest = &mut self.0[place].error[column];
        // Not `max`, which would overlook a NaN.
        if error > *largest || error.is_nan() {
            *largest = error;
        }
    }
}

/// The recursive ones, exactly, from the first value on.
struct Recursions {
    seen: usize,
    previous: Exact,
    ema: [Exact; 3],
    sums: [Exact; 3],
    range: Exact,
    moves: [Exact; 2],
    variance: Exact,
}

impl Recursions {
    const PERIODS: [usize; 3] = [20, 12, 26];

    fn new() -> Self {
        let zero = Exact::default();
        Self {
            seen: 0,
            previous: zero,
            ema: [zero; 3],
            sums: [zero; 3],
            range: zero,
            moves: [zero; 2],
            variance: zero,
        }
    }

    fn update(&mut self, [high, low, close]: [f64; 3]) {
        let [high, low, close] = [high, low, close].map(Exact::of);
        let zero = Exact::default();
        self.seen += 1;
        for (k, period) in Self::PERIODS.into_iter().enumerate() {
            // All of MACD's averages begin with a mean that ends where the slow one begins.
            let start = if k == 0 { period } else { 26 };
            if self.seen <= start {
                if self.seen > start - period {
                    self.sums[k] = self.sums[k] + close;
                }
                self.ema[k] = self.sums[k] / Exact::of(period as f64);
            } else {
                let alpha = Exact::of(2.0) / Exact::of(period as f64 + 1.0);
                self.ema[k] = self.ema[k] + alpha * (close - self.ema[k]);
            }
        }
        if self.seen > 1 {
            let change = close - self.previous;
            let reach = (high - self.previous)
                .abs()
                .max((low - self.previous).abs());
            let range = (high - low).max(reach);
            let parts = [range, change.max(zero), (-change).max(zero)];
            let n = Exact::of(14.0);
            let [up, down] = &mut self.moves;
            for (average, part) in [&mut self.range, up, down].into_iter().zip(parts) {
                *average = match self.seen - 1 {
                    seen if seen < 14 => *average + part,
                    14 => (*average + part) / n,
                    _ => (*average * Exact::of(13.0) + part) / n,
                };
            }
            let r = close / self.previous - Exact::of(1.0);
            let decay = Exact::of(0.94);
            self.variance = if self.seen == 2 {
                r * r
            } else {
                decay * self.variance + (Exact::of(1.0) - decay) * r * r
            };
        }
        self.previous = close;
    }
}

fn follow(bars: impl Iterator<Item = Bar>) -> Vec<Tracked> {
    let valid = "valid parameters";
    let mut sma = Sma::new(50).expect(valid);
    let mut std = RollingStd::new(30, Ddof::Sample).expect(valid);
    let mut moments = RollingMoments::new(WINDOW).expect(valid);
    let mut pair = RollingPair::new(WINDOW).expect(valid);
    let mut trend = RollingTrend::new(20).expect(valid);
    let mut volatility = Volatility::new(30, ReturnKind::Simple, Ddof::Sample).expect(valid);
    let mut momentum = Momentum::new(30).expect(valid);
    let mut max = RollingMax::new(50).expect(valid);
    let mut ema = Ema::new(20, Seed::Mean).expect(valid);
    let mut macd = Macd::new(12, 26, 9, Seed::Mean).expect(valid);
    let mut rsi = Rsi::new(14, RsiSeed::Wilder).expect(valid);
    let mut atr = Atr::new(14).expect(valid);
    let mut spread = EwVolatility::new(0.94).expect(valid);
    let mut exact = Recursions::new();
    let mut window: VecDeque<[f64; 2]> = VecDeque::with_capacity(WINDOW + 1);
    let mut table = Table::default();
    for (i, [high, low, close, other]) in bars.take(VALUES).enumerate() {
        if window.len() > WINDOW {
            window.pop_front();
        }
        window.push_back([close, other]);
        sma.update(close);
        std.update(close);
        moments.update(close);
        pair.update(close, other);
        trend.update(close);
        volatility.update(close);
        momentum.update(close);
        max.update(close);
        ema.update(close);
        let lines = macd.update(close);
        rsi.update(close);
        atr.update(high, low, close);
        spread.update(close);
        exact.update([high, low, close]);
        let looked_at = !(LOOKED_AT..VALUES - LOOKED_AT).contains(&i);
        if !looked_at || i % EVERY != EVERY - 1 {
            continue;
        }
        let values: Vec<Exact> = window.iter().map(|[x, _]| Exact::of(*x)).collect();
        let others: Vec<Exact> = window.iter().map(|[_, y]| Exact::of(*y)).collect();
        let last = |n: usize| &values[values.len() - n..];
        let value = "the value";
        let mut note = |name, scale, got, exact: Exact, unit| {
            table.note(i, (name, scale), got, exact, unit);
        };
        let mean = mean(last(50));
        note("SMA 50", value, sma.value(), mean, mean.value());
        let deviation = deviation(last(30));
        note("std 30", value, std.value(), deviation, deviation.value());
        let [m2, m3, m4] = central(last(WINDOW));
        let skew = m3 / (m2 * m2.sqrt());
        note("skew 60", "1", moments.skew(Ddof::Population), skew, 1.0);
        let kurtosis = m4 / (m2 * m2) - Exact::of(3.0);
        let got = moments.excess_kurtosis(Ddof::Population);
        note("kurtosis 60", "1", got, kurtosis, 1.0);
        let z = z_score(last(WINDOW));
        note("z-score 60", "1", moments.z_score(Ddof::Population), z, 1.0);
        let (correlation, beta) = joint(&others[others.len() - WINDOW..], last(WINDOW));
        note("correlation 60", "1", pair.correlation(), correlation, 1.0);
        let scale = self::deviation(&others).value() / self::deviation(&values).value();
        note("beta 60", "std of y / std of x", pair.beta(), beta, scale);
        let (slope, scale) = slope(last(20));
        let got = trend.value().map(|line| line.slope);
        note("trend 20, slope", "std / period", got, slope, scale);
        let returns: Vec<Exact> = last(31)
            .windows(2)
            .map(|w| w[1] / w[0] - Exact::of(1.0))
            .collect();
        let risk = self::deviation(&returns);
        // A return near zero carries the rounding of one, and so does their deviation.
        note("volatility 30", "1", volatility.value(), risk, 1.0);
        let moved = last(31)[30] / last(31)[0] - Exact::of(1.0);
        note("momentum 30", "1", momentum.value(), moved, 1.0);
        let highest = last(50).iter().copied().reduce(Exact::max);
        note(
            "max 50",
            value,
            max.value(),
            highest.unwrap_or_default(),
            close,
        );
        note("EMA 20", value, ema.value(), exact.ema[0], close);
        let line = exact.ema[1] - exact.ema[2];
        note(
            "MACD 12 26",
            "the price",
            lines.map(|l| l.macd),
            line,
            close,
        );
        let [up, down] = exact.moves;
        let index = Exact::of(100.0) * up / (up + down);
        note("RSI 14", "100", rsi.value(), index, 100.0);
        note(
            "ATR 14",
            value,
            atr.value(),
            exact.range,
            exact.range.value(),
        );
        let root = exact.variance.sqrt();
        note("EW volatility 0.94", "1", spread.value(), root, 1.0);
    }
    table.0
}

fn mean(values: &[Exact]) -> Exact {
    values.iter().copied().sum::<Exact>() / Exact::of(values.len() as f64)
}

/// Sums of powers of the distances from the mean, divided by their number.
fn central(values: &[Exact]) -> [Exact; 3] {
    let centre = mean(values);
    let distances: Vec<Exact> = values.iter().map(|x| *x - centre).collect();
    let n = Exact::of(values.len() as f64);
    let power = |k: usize| {
        let one = |d: &Exact| (1..k).fold(*d, |product, _| product * *d);
        distances.iter().map(one).sum::<Exact>() / n
    };
    [power(2), power(3), power(4)]
}

fn deviation(values: &[Exact]) -> Exact {
    let n = values.len() as f64;
    (central(values)[0] * Exact::of(n) / Exact::of(n - 1.0)).sqrt()
}

fn z_score(values: &[Exact]) -> Exact {
    let latest = values[values.len() - 1];
    (latest - mean(values)) / central(values)[0].sqrt()
}

/// Correlation of `x` and `y`, and how `x` answers to `y`.
fn joint(x: &[Exact], y: &[Exact]) -> (Exact, Exact) {
    let (mx, my) = (mean(x), mean(y));
    let both = x.iter().zip(y).map(|(a, b)| (*a - mx) * (*b - my));
    let covariance = both.sum::<Exact>() / Exact::of(x.len() as f64);
    let (vx, vy) = (central(x)[0], central(y)[0]);
    (covariance / (vx * vy).sqrt(), covariance / vy)
}

/// Slope of the least-squares line on bar numbers, and the size of a slope that would matter.
fn slope(values: &[Exact]) -> (Exact, f64) {
    let bars: Vec<Exact> = (0..values.len()).map(|i| Exact::of(i as f64)).collect();
    let (_, slope) = joint(values, &bars);
    (slope, deviation(values).value() / values.len() as f64)
}
