//! Every built-in strategy, with windows short enough for a few hundred bars, and how to run one.

use ballast_domain::instrument::Instruments;
use ballast_domain::market::Panel;
use ballast_domain::portfolio::Account;
use ballast_domain::strategies::{
    Below, BreakoutInverseVolatility, BreakoutParameters, Entry, EqualWeightHold,
    EqualWeightParameters, MeanReversionLong, MeanReversionParameters, MomentumParameters,
    MomentumTopK, MomentumWeighting, PeriodicWeights, PeriodicWeightsParameters, Sizing, Sleeve,
    SleeveStrategy, SmaCrossParameters, SmaCrossUnits, VolatilityFactor,
    VolatilityFactorParameters,
};
use ballast_domain::strategy::{BarsSeen, Decision, Slot, Strategy, View};
use ballast_domain::weighting::GrossMode;

/// Makes a fresh strategy over these instruments.
pub(crate) type Make = fn(&Instruments) -> Box<dyn Strategy>;

/// Every built-in strategy by a label, each with every switch that changes what it remembers.
pub(crate) const ROSTER: [(&str, Make); 13] = [
    ("breakout 50/70", |of| {
        let parameters = BreakoutParameters::default();
        Box::new(BreakoutInverseVolatility::new(&parameters, of).unwrap())
    }),
    ("breakout 12/18", |of| {
        let parameters = BreakoutParameters {
            entry: 12,
            exit: 18,
            volatility_window: 20,
            ..BreakoutParameters::default()
        };
        Box::new(BreakoutInverseVolatility::new(&parameters, of).unwrap())
    }),
    ("breakout both sides", |of| {
        let parameters = BreakoutParameters {
            entry: 12,
            exit: 9,
            volatility_window: 20,
            long_only: false,
            gross_mode: GrossMode::SplitHalf,
            ..BreakoutParameters::default()
        };
        Box::new(BreakoutInverseVolatility::new(&parameters, of).unwrap())
    }),
    ("momentum equal", |of| {
        let parameters = MomentumParameters {
            lookback: 40,
            skip: 5,
            ..MomentumParameters::default()
        };
        Box::new(MomentumTopK::new(&parameters, of).unwrap())
    }),
    ("momentum inverse volatility", |of| {
        let parameters = MomentumParameters {
            lookback: 40,
            skip: 5,
            volatility_window: 30,
            weighting: MomentumWeighting::InverseVolatility,
            ..MomentumParameters::default()
        };
        Box::new(MomentumTopK::new(&parameters, of).unwrap())
    }),
    ("sma cross units", |of| {
        Box::new(SmaCrossUnits::new(&SmaCrossParameters::default(), of).unwrap())
    }),
    ("sma cross equal weight", |of| {
        let parameters = SmaCrossParameters {
            fast: 4,
            slow: 9,
            sizing: Sizing::EqualWeight,
            entry: Entry::Cross,
            below: Below::Flat,
        };
        Box::new(SmaCrossUnits::new(&parameters, of).unwrap())
    }),
    ("mean reversion", |of| {
        let parameters = MeanReversionParameters {
            window: 12,
            entry: -0.5,
            volume: 0.2,
            ..MeanReversionParameters::default()
        };
        Box::new(MeanReversionLong::new(&parameters, of).unwrap())
    }),
    ("volatility factor", |of| {
        let parameters = VolatilityFactorParameters {
            names: 2,
            ..VolatilityFactorParameters::default()
        };
        Box::new(VolatilityFactor::new(&parameters, of).unwrap())
    }),
    ("sma cross both sides", |of| {
        let parameters = SmaCrossParameters {
            fast: 4,
            slow: 9,
            sizing: Sizing::EqualWeight,
            entry: Entry::Cross,
            below: Below::Short,
        };
        Box::new(SmaCrossUnits::new(&parameters, of).unwrap())
    }),
    ("periodic inverse volatility", |of| {
        let parameters = PeriodicWeightsParameters {
            lookback: 20,
            every: 3,
            ..PeriodicWeightsParameters::default()
        };
        Box::new(PeriodicWeights::new(&parameters, of).unwrap())
    }),
    ("equal weight", |of| {
        Box::new(EqualWeightHold::new(&EqualWeightParameters::default(), of).unwrap())
    }),
    ("sleeves", |of| {
        let breakout = BreakoutParameters {
            entry: 12,
            exit: 18,
            volatility_window: 20,
            ..BreakoutParameters::default()
        };
        let momentum = MomentumParameters {
            lookback: 40,
            skip: 5,
            ..MomentumParameters::default()
        };
        let sleeve = |name: &str, allocation, strategy| Sleeve {
            name: name.to_owned(),
            allocation,
            strategy,
        };
        let breakout = BreakoutInverseVolatility::new(&breakout, of).unwrap();
        let momentum = MomentumTopK::new(&momentum, of).unwrap();
        let parts = vec![
            sleeve("trend", 0.6, Box::new(breakout)),
            sleeve("winners", 0.4, Box::new(momentum)),
        ];
        Box::new(SleeveStrategy::new(parts, 1.0, of).unwrap())
    }),
];

/// Shows `rows` of `panel` to a strategy and asks it at each. The decisions, and the strategy after
/// each row to `after`.
pub(crate) fn run(
    strategy: &mut dyn Strategy,
    instruments: &Instruments,
    panel: &Panel,
    rows: std::ops::Range<usize>,
    mut after: impl FnMut(usize, &dyn Strategy),
) -> Vec<Decision> {
    let account = Account::new(instruments);
    let requirements = strategy.requirements();
    let mut seen = BarsSeen::new(instruments.len());
    let mut decisions = Vec::with_capacity(rows.len());
    for slice in panel.slices().take(rows.end) {
        seen.count(&slice);
        if slice.index() < rows.start {
            continue;
        }
        let view = View::new(&slice, &account, instruments, &seen, &requirements);
        strategy.on_slice(&view);
        decisions.push(strategy.decide(Slot { time: slice.time() }, &view));
        after(slice.index(), strategy);
    }
    decisions
}
