//! Price series for tests: seeded random walks and given closes.

use std::collections::BTreeMap;

use ballast_domain::market::{
    ActionKind, Bar, Bars, CorporateAction, Fields, PriceBasis, Series, SplitRatio,
};
use ballast_domain::time::{NANOS_PER_DAY, Span, Timestamp};
use rust_decimal::Decimal;

use super::random::SplitMix64;

/// Midnight UTC, `n` days after 2020-01-01 (a Wednesday).
pub fn day(n: i64) -> Timestamp {
    Timestamp::from_nanos((18_262 + n) * NANOS_PER_DAY)
}

/// Daily bars from [`day`] 0 with these closes, flat, with a volume of 1,000.
pub fn series_of(closes: &[f64]) -> Series {
    let mut bars = Bars::new(Fields::ALL);
    for (n, close) in (0..).zip(closes) {
        push(&mut bars, n, Span::from_days(1), [*close; 4], 1_000.0);
    }
    Series {
        bars,
        ..Series::default()
    }
}

/// A random walk of bars, the same for the same settings on every machine.
///
/// Each step changes the price by a uniform share within ± `step`; prices have two digits.
#[derive(Clone, Debug)]
pub struct SeriesBuilder {
    seed: u64,
    bars: i64,
    first: i64,
    length: Span,
    price: f64,
    step: f64,
    fields: Fields,
    missing: Vec<i64>,
    basis: PriceBasis,
    actions: Vec<CorporateAction>,
}

impl SeriesBuilder {
    /// 100 raw daily bars with all columns from [`day`] 0, starting near 100 with steps of ± 2 %.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            bars: 100,
            first: 0,
            length: Span::from_days(1),
            price: 100.0,
            step: 0.02,
            fields: Fields::ALL,
            missing: Vec::new(),
            basis: PriceBasis::Raw,
            actions: Vec::new(),
        }
    }

    /// How many bar positions, missing ones included.
    #[must_use]
    pub const fn bars(mut self, bars: i64) -> Self {
        self.bars = bars;
        self
    }

    /// The first bar opens this many bar lengths after [`day`] 0.
    #[must_use]
    pub const fn first(mut self, first: i64) -> Self {
        self.first = first;
        self
    }

    /// Length of a bar.
    #[must_use]
    pub const fn length(mut self, length: Span) -> Self {
        self.length = length;
        self
    }

    /// Price before the first step.
    #[must_use]
    pub const fn price(mut self, price: f64) -> Self {
        self.price = price;
        self
    }

    /// Largest relative change of one step, below 0.5.
    #[must_use]
    pub const fn step(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// Columns to keep.
    #[must_use]
    pub const fn fields(mut self, fields: Fields) -> Self {
        self.fields = fields;
        self
    }

    /// Leaves out the bars at these positions, counted from [`SeriesBuilder::first`].
    #[must_use]
    pub fn missing(mut self, positions: &[i64]) -> Self {
        self.missing = positions.to_vec();
        self
    }

    /// What the prices mean.
    #[must_use]
    pub const fn basis(mut self, basis: PriceBasis) -> Self {
        self.basis = basis;
        self
    }

    /// Adds a corporate action; add them in time order. Prices are not changed by it.
    #[must_use]
    pub fn action(mut self, at: Timestamp, kind: ActionKind) -> Self {
        self.actions.push(CorporateAction { at, kind });
        self
    }

    /// The series. Panics when the settings make an impossible bar.
    pub fn build(self) -> Series {
        let mut random = SplitMix64::new(self.seed);
        let mut bars = Bars::new(self.fields);
        let cents = |x: f64| (x * 100.0).round() / 100.0;
        let mut last = cents(self.price);
        for position in 0..self.bars {
            let open = last;
            let close = cents(open * (1.0 + self.step * random.symmetric())).max(0.01);
            let high = cents(open.max(close) * (1.0 + self.step * random.unit()));
            let low = cents(open.min(close) * (1.0 - self.step * random.unit())).max(0.01);
            let volume = 1_000.0 + random.below(9_000) as f64;
            last = close;
            if !self.missing.contains(&position) {
                let prices = [
                    open,
                    high.max(open).max(close),
                    low.min(open).min(close),
                    close,
                ];
                push(
                    &mut bars,
                    self.first + position,
                    self.length,
                    prices,
                    volume,
                );
            }
        }
        Series {
            basis: self.basis,
            bars,
            actions: self.actions,
        }
    }
}

fn push(bars: &mut Bars, position: i64, length: Span, prices: [f64; 4], volume: f64) {
    let open_time = day(0) + Span::from_nanos(position * length.nanos());
    let [open, high, low, close] = prices;
    bars.push(&Bar {
        open_time,
        close_time: open_time + length,
        open,
        high,
        low,
        close,
        volume,
    })
    .expect("the builder makes valid bars in time order");
}

/// The market that conformance suites are run on: `ALFA` with 40 daily bars, a gap, a split and a
/// dividend; `BETA` with 25 bars, listed later, with a dividend.
pub fn market() -> BTreeMap<String, Series> {
    let dividend = |cents| ActionKind::Dividend(Decimal::new(cents, 2));
    let alfa = SeriesBuilder::new(1)
        .bars(40)
        .missing(&[3, 4, 20])
        .action(day(10), ActionKind::Split(SplitRatio { new: 2, old: 1 }))
        .action(day(30), dividend(25))
        .build();
    let beta = SeriesBuilder::new(2)
        .bars(25)
        .first(9)
        .price(20.0)
        .action(day(15), dividend(110))
        .build();
    BTreeMap::from([("ALFA".to_owned(), alfa), ("BETA".to_owned(), beta)])
}

#[cfg(test)]
mod tests {
    use ballast_domain::market::Field;

    use super::*;

    #[test]
    fn a_seed_gives_one_series() {
        let one = SeriesBuilder::new(5).build();
        assert_eq!(one, SeriesBuilder::new(5).build());
        assert_ne!(one, SeriesBuilder::new(6).build());
        assert_eq!(one.bars.len(), 100);
        assert_eq!(one.bars.open_times()[0], day(0));
    }

    #[test]
    fn missing_bars_leave_gaps_and_do_not_move_the_rest() {
        let whole = SeriesBuilder::new(5).bars(10).build().bars;
        let holed = SeriesBuilder::new(5).bars(10).missing(&[4]).build().bars;
        assert_eq!(holed.len(), 9);
        assert_eq!(holed.range(4..9), whole.range(5..10));
        assert_eq!(series_of(&[1.0, 2.0]).bars.column(Field::Close), [1.0, 2.0]);
    }
}
