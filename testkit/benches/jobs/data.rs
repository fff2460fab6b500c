//! Generated market data: seeded, the same bits on every machine, and as files for the peers.

use std::io::Write;
use std::path::Path;

use ballast_domain::market::{Field, Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::time::{Span, Timestamp};
use ballast_testkit::builders::SplitMix64;

/// 2015-01-01.
const BEGIN: i64 = 1_420_070_400;
const DAY: i64 = 86_400;

/// One generated bar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    /// Seconds since 1970 at the open.
    pub(crate) seconds: i64,
    /// Open, high, low, close and volume.
    pub(crate) values: [f64; 5],
}

/// A random walk with volatility that clusters and opening gaps.
///
/// Only sums, products and square roots of uniform draws, so that every machine gets the same bits.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    random: SplitMix64,
    price: f64,
    seconds: i64,
    step: i64,
    volatility: f64,
    level: f64,
    drift: f64,
    gap: f64,
    digits: f64,
}

impl Walk {
    /// One-minute bars at six digits, now and then with minutes missing and prices that jump.
    pub(crate) fn minutes() -> Self {
        Self::new(202, 60, 0.000_8, 0.0, 0.000_02, 1e6)
    }

    /// Hourly bars at six digits.
    pub(crate) fn hours() -> Self {
        Self::new(404, 3_600, 0.005, 0.0, 0.0, 1e6)
    }

    /// Daily bars of symbol number `lane` at four digits.
    pub(crate) fn days(lane: usize) -> Self {
        let mut random = SplitMix64::new(303 + lane as u64);
        let volatility = 0.007 + 0.018 * random.unit();
        let seed = random.next_u64();
        Self::new(seed, DAY, volatility, 0.000_12, 0.3 * volatility, 1e4)
    }

    fn new(seed: u64, step: i64, volatility: f64, drift: f64, gap: f64, digits: f64) -> Self {
        Self {
            random: SplitMix64::new(seed),
            price: 100.0,
            seconds: BEGIN - step,
            step,
            volatility,
            level: 1.0,
            drift,
            gap,
            digits,
        }
    }

    fn rounded(&self, price: f64) -> f64 {
        ((price.max(1.0)) * self.digits).round() / self.digits
    }
}

/// Mean 0, variance 1, nearly normal: the sum of four uniform draws.
fn normal(random: &mut SplitMix64) -> f64 {
    let sum: f64 = (0..4).map(|_| random.unit()).sum();
    (sum - 2.0) * 3.0_f64.sqrt()
}

impl Iterator for Walk {
    type Item = Bar;

    fn next(&mut self) -> Option<Bar> {
        let random = &mut self.random;
        self.level += 0.02 * (1.0 - self.level) + 0.06 * normal(random);
        self.level = self.level.clamp(0.3, 3.0);
        let size = self.volatility * self.level;
        let missing = random.unit() < 0.000_5;
        let skipped = if missing && self.step == 60 {
            1 + i64::try_from(random.next_u64() % 29).expect("small")
        } else {
            0
        };
        let gap = self.gap * normal(random);
        let change = self.drift + 0.5 * size * size + size * normal(random);
        let above = 0.5 * size * normal(random).abs();
        let below = 0.5 * size * normal(random).abs();
        let traded = 1.0 + 1e6 * random.unit() * self.level;
        let open = self.rounded(self.price * (1.0 + gap));
        let close = self.rounded(open * (1.0 + change));
        let high = self
            .rounded(open.max(close) * (1.0 + above))
            .max(open.max(close));
        let low = self
            .rounded(open.min(close) * (1.0 - below))
            .min(open.min(close));
        self.price = close;
        self.seconds += self.step * (1 + skipped);
        Some(Bar {
            seconds: self.seconds,
            values: [open, high, low, close, traded.round()],
        })
    }
}

/// Columns of one series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    pub(crate) seconds: Vec<i64>,
    pub(crate) open: Vec<f64>,
    pub(crate) high: Vec<f64>,
    pub(crate) low: Vec<f64>,
    pub(crate) close: Vec<f64>,
    pub(crate) volume: Vec<f64>,
}

impl Columns {
    pub(crate) fn of(walk: Walk, bars: usize) -> Self {
        let mut all = Self::default();
        for bar in walk.take(bars) {
            let [open, high, low, close, volume] = bar.values;
            all.seconds.push(bar.seconds);
            all.open.push(open);
            all.high.push(high);
            all.low.push(low);
            all.close.push(close);
            all.volume.push(volume);
        }
        all
    }

    /// Writes one file a column: 8-byte little-endian values, nothing else.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let seconds = self.seconds.iter().map(|s| s.to_le_bytes());
        write_bytes(&folder.join("seconds.i64"), seconds)?;
        for (name, column) in [
            ("open", &self.open),
            ("high", &self.high),
            ("low", &self.low),
            ("close", &self.close),
            ("volume", &self.volume),
        ] {
            write_floats(&folder.join(format!("{name}.f64")), column)?;
        }
        Ok(())
    }
}

/// A panel of one lane with open and close, filled bar by bar.
pub(crate) fn panel(walk: Walk, bars: usize, step: i64) -> Panel {
    let mut panel = Panel::new(1, Fields::of(&[Field::Open]), PriceBasis::Raw);
    for bar in walk.take(bars) {
        let time = Timestamp::from_seconds(bar.seconds).expect("within 1677 to 2262");
        let row = [LaneRow {
            state: LaneState::Present,
            values: bar.values,
        }];
        panel
            .push_row(time, time + Span::from_seconds(step), &row, &[])
            .expect("rows in order");
    }
    panel
}

/// Daily closes of many symbols, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Daily {
    pub(crate) symbols: usize,
    pub(crate) days: usize,
    pub(crate) close: Vec<f64>,
}

impl Daily {
    pub(crate) fn new(symbols: usize, days: usize) -> Self {
        let mut close = vec![0.0; symbols * days];
        for lane in 0..symbols {
            for (day, bar) in Walk::days(lane).take(days).enumerate() {
                close[day * symbols + lane] = bar.values[3];
            }
        }
        Self {
            symbols,
            days,
            close,
        }
    }

    /// Simple returns, one series a symbol.
    pub(crate) fn returns(&self) -> Vec<Vec<f64>> {
        let at = |day: usize, lane: usize| self.close[day * self.symbols + lane];
        (0..self.symbols)
            .map(|lane| {
                (1..self.days)
                    .map(|day| at(day, lane) / at(day - 1, lane) - 1.0)
                    .collect()
            })
            .collect()
    }

    pub(crate) fn panel(&self) -> Panel {
        let mut panel = Panel::new(self.symbols, Fields::CLOSE, PriceBasis::Raw);
        let mut row = vec![LaneRow::absent(LaneState::Present); self.symbols];
        for (day, closes) in self.close.chunks_exact(self.symbols).enumerate() {
            for (lane, close) in row.iter_mut().zip(closes) {
                lane.values = [*close; 5];
            }
            let begin = BEGIN + i64::try_from(day).expect("few days") * DAY;
            let time = Timestamp::from_seconds(begin).expect("within 1677 to 2262");
            panel
                .push_row(time, time + Span::from_seconds(DAY), &row, &[])
                .expect("rows in order");
        }
        panel
    }

    /// Writes the closes, row by row, and their shape.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        write_floats(&folder.join("close.f64"), &self.close)?;
        let shape = format!("{} {}\n", self.days, self.symbols);
        std::fs::write(folder.join("shape.txt"), shape)
    }
}

fn write_floats(path: &Path, values: &[f64]) -> std::io::Result<()> {
    write_bytes(path, values.iter().map(|v| v.to_le_bytes()))
}

fn write_bytes(path: &Path, values: impl Iterator<Item = [u8; 8]>) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for bytes in values {
        file.write_all(&bytes)?;
    }
    file.flush()
}
