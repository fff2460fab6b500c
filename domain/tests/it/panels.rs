//! Made-up markets from a seed: random walks, plain or with everything that happens to a listing.

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{
    Asset, InstrumentId, InstrumentKind, InstrumentSpec, Instruments,
};
use ballast_domain::market::{
    ActionKind, CorporateAction, Fields, LaneRow, LaneState, Panel, PriceBasis, SplitRatio,
};
use ballast_domain::time::{NANOS_PER_DAY, Timestamp};
use rust_decimal::Decimal;

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): small, seeded, good enough for prices.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    /// The generator of `stream` under `seed`; streams are unrelated.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut start = Self(seed);
        let offset = start.next_u64() ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03);
        Self(offset)
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In `from..to`, which is not empty.
    pub(crate) fn index(&mut self, from: usize, to: usize) -> usize {
        let span = u64::try_from(to - from).unwrap();
        from + usize::try_from(self.next_u64() % span).unwrap()
    }
}

/// Shares like those of US equities, named `S0`, `S1` and so on, with a session each UTC day.
pub(crate) fn shares(lanes: usize) -> Instruments {
    let base = Asset {
        code: "USD".into(),
        scale: 12,
    };
    let mut instruments = Instruments::new(base).unwrap();
    for lane in 0..lanes {
        let spec = InstrumentSpec {
            symbol: format!("S{lane}"),
            kind: InstrumentKind::Equity,
            quote: "USD".into(),
            price_scale: 4,
            quantity_scale: 0,
            tick: Decimal::new(1, 2),
            lot: Decimal::ONE,
            min_notional: Decimal::ONE,
            multiplier: Decimal::ONE,
            calendar: Calendar::Utc24x7,
        };
        instruments.define(&spec).unwrap();
    }
    instruments
}

/// `lanes` shares over `bars` days from 2001-01-01 (95,000 days at most, where timestamps end), every
/// bar present, prices on whole cents.
pub(crate) fn random_walk(seed: u64, lanes: usize, bars: usize) -> (Instruments, Panel) {
    (shares(lanes), walk(seed, lanes, bars, &mut NoEvents))
}

/// Lanes of [`eventful_walk`].
pub(crate) const EVENTFUL_LANES: usize = 5;

/// Five shares over `bars` days: `S0` is plain, `S1` lists late, `S2` has holes, `S3` splits two
/// for one half-way and pays dividends, `S4` is delisted in the last third.
///
/// With `turn = Some((row, seed))` everything after `row` is drawn anew from that seed: prices,
/// holes, amounts and, where they had not happened yet, the listing and the delisting. Up to `row`
/// the panel is the same.
pub(crate) fn eventful_walk(
    seed: u64,
    bars: usize,
    turn: Option<(usize, u64)>,
) -> (Instruments, Panel) {
    let mut events = Events::new(seed, bars, turn);
    let panel = walk(seed, EVENTFUL_LANES, bars, &mut events);
    (shares(EVENTFUL_LANES), panel)
}

/// What happens to lanes besides their prices.
trait Happenings {
    fn turn(&self) -> Option<(usize, u64)>;
    fn state(&mut self, row: usize, lane: usize) -> LaneState;
    fn action(&mut self, row: usize, lane: usize) -> Option<ActionKind>;
}

struct NoEvents;

impl Happenings for NoEvents {
    fn turn(&self) -> Option<(usize, u64)> {
        None
    }
    fn state(&mut self, _row: usize, _lane: usize) -> LaneState {
        LaneState::Present
    }
    fn action(&mut self, _row: usize, _lane: usize) -> Option<ActionKind> {
        None
    }
}

struct Events {
    turn: Option<(usize, u64)>,
    random: SplitMix64,
    listed_at: usize,
    delisted_at: usize,
    bars: usize,
}

impl Events {
    fn new(seed: u64, bars: usize, turn: Option<(usize, u64)>) -> Self {
        let mut random = SplitMix64::new(seed, 1_000);
        let mut listed_at = random.index(bars / 10, bars / 2);
        let mut delisted_at = random.index(bars * 2 / 3, bars);
        if let Some((row, other)) = turn {
            let mut other = SplitMix64::new(other, 1_001);
            if listed_at > row {
                listed_at = other.index(row + 1, bars);
            }
            if delisted_at > row {
                delisted_at = other.index(row + 1, bars);
            }
        }
        Self {
            turn,
            random,
            listed_at,
            delisted_at,
            bars,
        }
    }
}

impl Happenings for Events {
    fn turn(&self) -> Option<(usize, u64)> {
        self.turn
    }

    fn state(&mut self, row: usize, lane: usize) -> LaneState {
        if lane == 0
            && let Some((_, seed)) = self.turn.filter(|(last, _)| row == last + 1)
        {
            self.random = SplitMix64::new(seed, 1_000);
        }
        match lane {
            1 if row < self.listed_at => LaneState::NotListed,
            2 if row > 0 && self.random.unit() < 0.15 => LaneState::Hole,
            4 if row >= self.delisted_at => LaneState::Delisted,
            _ => LaneState::Present,
        }
    }

    fn action(&mut self, row: usize, lane: usize) -> Option<ActionKind> {
        match lane {
            3 if row == self.bars / 2 => Some(ActionKind::Split(SplitRatio { new: 2, old: 1 })),
            3 if row % 40 == 25 => {
                let cents = 10 + self.random.next_u64() % 40;
                Some(ActionKind::Dividend(Decimal::new(
                    cents.try_into().unwrap(),
                    2,
                )))
            }
            4 if row == self.delisted_at => Some(ActionKind::Delisting),
            _ => None,
        }
    }
}

fn walk(seed: u64, lanes: usize, bars: usize, events: &mut dyn Happenings) -> Panel {
    let mut panel = Panel::new(lanes, Fields::ALL, PriceBasis::Raw);
    let mut random: Vec<_> = (0..lanes)
        .map(|lane| SplitMix64::new(seed, lane as u64))
        .collect();
    // Lanes differ in level and in how much they move.
    let mut last: Vec<f64> = random.iter_mut().map(|r| 30.0 + 90.0 * r.unit()).collect();
    let spread: Vec<f64> = random.iter_mut().map(|r| 0.02 + 0.03 * r.unit()).collect();
    let start: Timestamp = "2001-01-01T00:00:00Z".parse().unwrap();
    let mut open_time = start;
    for row in 0..bars {
        if let Some((_, other)) = events.turn().filter(|(end, _)| row == end + 1) {
            for (lane, r) in random.iter_mut().enumerate() {
                *r = SplitMix64::new(other, lane as u64);
            }
        }
        let (mut cells, mut actions) = (Vec::with_capacity(lanes), Vec::new());
        for lane in 0..lanes {
            // A lane draws each day, whether the bar shows or not.
            let state = events.state(row, lane);
            if let Some(kind) = events.action(row, lane) {
                if let ActionKind::Split(ratio) = kind {
                    last[lane] /= ratio.to_f64();
                }
                let action = CorporateAction {
                    at: open_time,
                    kind,
                };
                actions.push((InstrumentId::from_index(lane), action));
            }
            let bar = next_bar(&mut random[lane], last[lane], spread[lane]);
            last[lane] = bar[3];
            cells.push(match state {
                LaneState::Present => LaneRow { state, values: bar },
                _ => LaneRow::absent(state),
            });
        }
        let close_time = Timestamp::from_nanos(open_time.nanos() + NANOS_PER_DAY);
        panel
            .push_row(open_time, close_time, &cells, &actions)
            .unwrap();
        open_time = close_time;
    }
    panel
}

/// Open, high, low, close and volume of the day after a close of `last`; prices of 1 and more on
/// whole cents.
fn next_bar(random: &mut SplitMix64, last: f64, spread: f64) -> [f64; 5] {
    let cents = |price: f64| (price * 100.0).round().max(100.0) / 100.0;
    // Three uniform draws are near enough to a bell; the drift keeps prices away from the floor.
    let mut step = |width: f64| {
        let bell = random.unit() + random.unit() + random.unit() - 1.5;
        1.0 + width * bell
    };
    let open = cents(last * step(spread / 3.0));
    let close = cents(open * (step(spread) + 0.000_4));
    let high = cents(open.max(close) * (1.0 + 0.3 * spread * random.unit()));
    let low = cents(open.min(close) * (1.0 - 0.3 * spread * random.unit()));
    let volume = 100_000.0 + (900_000.0 * random.unit()).round();
    [open, high, low, close, volume]
}

#[test]
fn a_turn_changes_what_comes_after_it_and_nothing_before() {
    let (_, straight) = eventful_walk(7, 300, None);
    let (_, again) = eventful_walk(7, 300, None);
    assert_eq!(straight, again);
    let (_, turned) = eventful_walk(7, 300, Some((140, 99)));
    let row = |panel: &Panel, row: usize| -> Vec<_> {
        let slice = panel.slice(row).unwrap();
        let lanes = (0..EVENTFUL_LANES).map(InstrumentId::from_index);
        lanes
            .map(|id| {
                (
                    slice.state(id),
                    slice.last_close(id),
                    slice.total_return_factor(id),
                )
            })
            .collect()
    };
    for t in 0..300 {
        let same = row(&straight, t) == row(&turned, t);
        assert_eq!(same, t <= 140, "row {t}");
    }
}

#[test]
fn an_eventful_walk_has_every_event() {
    let (instruments, panel) = eventful_walk(3, 300, None);
    let count = |lane: u32, state: LaneState| {
        panel
            .slices()
            .filter(|s| s.state(InstrumentId(lane)) == state)
            .count()
    };
    assert_eq!(instruments.len(), EVENTFUL_LANES);
    assert_eq!(count(0, LaneState::Present), 300);
    assert!((30..150).contains(&count(1, LaneState::NotListed)));
    assert!((20..80).contains(&count(2, LaneState::Hole)));
    assert!((1..=100).contains(&count(4, LaneState::Delisted)));
    let factor = panel
        .slice(299)
        .unwrap()
        .total_return_factor(InstrumentId(3));
    assert!((2.0..2.5).contains(&factor), "{factor}");
    let (_, plain) = random_walk(3, 2, 50);
    assert_eq!((plain.lanes(), plain.len()), (2, 50));
}
