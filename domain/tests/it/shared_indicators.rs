//! What several parts of one strategy ask for is computed once, and says the same.

use ballast_domain::indicators::{CacheUse, Ddof, ReturnKind, Volatility};
use ballast_domain::instrument::Instruments;
use ballast_domain::strategies::{
    Sleeve, SleeveStrategy, VolatilityFactor, VolatilityFactorParameters, VolatilitySides,
};
use ballast_domain::strategy::{Decision, Requirements, Slot, State, Strategy, View};

use crate::scenario::{Tape, World, shares};

const LANES: usize = 4;
const BARS: usize = 60;

/// A part that shares nothing: it only passes on what it is asked.
struct Alone(VolatilityFactor);

impl Strategy for Alone {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn requirements(&self) -> Requirements {
        self.0.requirements()
    }

    fn on_slice(&mut self, view: &View<'_>) {
        self.0.on_slice(view);
    }

    fn decide(&mut self, slot: Slot, view: &View<'_>) -> Decision {
        self.0.decide(slot, view)
    }

    fn save(&self) -> State {
        self.0.save()
    }

    fn restore(&mut self, state: &State) -> ballast_domain::Result<()> {
        self.0.restore(state)
    }
}

fn factor(window: usize, sides: VolatilitySides, of: &Instruments) -> VolatilityFactor {
    let parameters = VolatilityFactorParameters {
        window,
        names: 1,
        sides,
        ..VolatilityFactorParameters::default()
    };
    VolatilityFactor::new(&parameters, of).unwrap()
}

/// Two parts over the same names, with these windows.
fn parts(windows: [usize; 2], share: bool) -> SleeveStrategy {
    let of = shares(LANES);
    let sides = [VolatilitySides::LongLow, VolatilitySides::LongHigh];
    let sleeves = windows.into_iter().zip(sides).zip(["calm", "wild"]);
    let sleeves = sleeves.map(|((window, sides), name)| {
        let factor = factor(window, sides, &of);
        Sleeve {
            name: name.to_owned(),
            allocation: 0.5,
            strategy: if share {
                Box::new(factor)
            } else {
                Box::new(Alone(factor))
            },
        }
    });
    SleeveStrategy::new(sleeves.collect(), 1.0, &of).unwrap()
}

/// Closes of a lane: deterministic moves of up to a few percent, wider by lane.
fn closes(lane: usize) -> Vec<f64> {
    let mut seed = 7 + lane as u64;
    let mut close = 100.0_f64;
    (0..BARS)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let noise = (seed >> 40) as f64 / (1_u64 << 24) as f64 - 0.5;
            close *= 1.0 + 0.02 * (lane + 1) as f64 * noise;
            close
        })
        .collect()
}

fn run(strategy: SleeveStrategy) -> (CacheUse, String) {
    let lanes: Vec<Vec<f64>> = (0..LANES).map(closes).collect();
    let lanes: Vec<&[f64]> = lanes.iter().map(Vec::as_slice).collect();
    let run = World::shares(LANES)
        .run_strategy(strategy, &Tape::of_closes(&lanes))
        .well();
    let records = format!("{:?}", run.log.records);
    (run.totals.unwrap().cache_use, records)
}

/// WGT-06, WGT-07: two parts with one window compute each name's volatility once a bar, with two
/// windows twice; parts that share nothing decide the same, to the last bit.
#[test]
fn wgt_06_wgt_07_one_symbol_and_window_is_computed_once_for_all_parts() {
    let window = 10;
    let (shared, records) = run(parts([window, window], true));
    let (none, alone) = run(parts([window, window], false));
    assert!(records == alone, "sharing changes no decision");
    assert_eq!(none, CacheUse::default());
    // From the first full window on: each part ranks all names, and notes what it chose.
    let decided = (BARS - window) as u64;
    assert_eq!(shared.computed, decided * LANES as u64);
    assert_eq!(shared.asked, decided * 2 * (LANES as u64 + 1));
    assert!(shared.hit_rate().unwrap() > 0.59);

    let (apart, _) = run(parts([window, 2 * window], true));
    let later = (BARS - 2 * window) as u64;
    assert_eq!(apart.computed, (decided + later) * LANES as u64);
}

/// WGT-08: what one run computed is nothing to the next: its counts begin anew, also when a strategy
/// is taken over from a saved state.
#[test]
fn wgt_08_each_run_begins_with_an_empty_cache() {
    let counts = || run(parts([10, 10], true)).0;
    assert_eq!(counts(), counts());
    let mut strategy = parts([10, 10], true);
    let saved = strategy.save();
    strategy.restore(&saved).unwrap();
    assert_eq!(strategy.cache_use(), CacheUse::default());
}

/// WGT-07: the rolling figure, updated bar by bar, is the figure of its window alone.
#[test]
fn wgt_07_incremental_volatility_is_the_batch_figure() {
    for lane in 0..LANES {
        let closes = closes(lane);
        for window in [2, 14, 30] {
            let mut rolling = Volatility::new(window, ReturnKind::Simple, Ddof::Sample).unwrap();
            for (i, close) in closes.iter().enumerate() {
                let value = rolling.update(*close);
                assert_eq!(value.is_some(), i >= window);
                let Some(value) = value else { continue };
                let of_window = &closes[i - window..=i];
                let returns: Vec<f64> = of_window.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
                let mean = returns.iter().sum::<f64>() / window as f64;
                let squares: f64 = returns.iter().map(|r| (r - mean) * (r - mean)).sum();
                let batch = (squares / (window - 1) as f64).sqrt();
                assert!(
                    (value - batch).abs() <= 1e-10,
                    "{lane} {window} {i}: {value} {batch}"
                );
            }
        }
    }
}
