//! Two strategies, their shares of one account, orders at the simulated exchange, and both books
//! reconciled, in three markets.

use ballast_domain::instrument::AssetId;
use ballast_domain::kernel::{Books, Difference, Record, VenueReport, reconcile};
use ballast_domain::money::{Cash, Quantity, Rate};
use ballast_domain::strategies::{
    BreakoutInverseVolatility, BreakoutParameters, MeanReversionLong, MeanReversionParameters,
    Sleeve, SleeveStrategy,
};
use ballast_domain::time::Timestamp;

use crate::attribution::{Bookkeeper, run_beside_books};
use crate::scenario::{A, Tape, World, close_of};

const BARS: usize = 60;
/// The bar of the unusual move.
const EVENT: usize = 45;
const TREND: usize = 0;
const REVERSION: usize = 1;

/// Closes that move by `step` a bar, one bar a little more and the next a little less.
fn closes(step: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut close = 100.0;
    (0..BARS)
        .map(|i| {
            let wiggle = if i % 2 == 0 { 0.002 } else { -0.002 };
            close *= 1.0 + step(i) + wiggle;
            (close * 100.0_f64).round() / 100.0
        })
        .collect()
}

/// Trades one share with three tenths of the account following breakouts and seven tenths buying
/// sharp falls, to the end, and checks the books of sleeves, account and exchange.
fn trade(closes: &[f64]) -> Bookkeeper {
    let rate = Rate::from_bps(5);
    let world = World::shares(1).costing(rate, rate);
    let breakout = BreakoutParameters {
        entry: 10,
        exit: 10,
        volatility_window: 10,
        cap: 1.0,
        ..BreakoutParameters::default()
    };
    let falls = MeanReversionParameters {
        period: 1,
        window: 10,
        volatility_window: 10,
        ..MeanReversionParameters::default()
    };
    let of = &world.instruments;
    let breakout = BreakoutInverseVolatility::new(&breakout, of).unwrap();
    let falls = MeanReversionLong::new(&falls, of).unwrap();
    let parts = vec![
        Sleeve {
            name: "trend".to_owned(),
            allocation: 0.3,
            strategy: Box::new(breakout),
        },
        Sleeve {
            name: "reversion".to_owned(),
            allocation: 0.7,
            strategy: Box::new(falls),
        },
    ];
    let both = SleeveStrategy::new(parts, 1.0, of).unwrap();
    let tape = Tape::of_closes(&[closes]).trading(|i| match i {
        EVENT => 900.0,
        i if i % 2 == 0 => 100.0,
        _ => 110.0,
    });
    let (keeper, kernel, exchange) = run_beside_books(&world, &["trend", "reversion"], both, &tape);
    assert_eq!(keeper.differences, [""; 0]);

    let account = kernel.account();
    let theirs = VenueReport {
        as_of: close_of(BARS),
        positions: vec![(A, exchange.position(A))],
        cash: vec![(AssetId::BASE, exchange.cash())],
        ..VenueReport::default()
    };
    let ours = Books {
        positions: &[account.position(A).quantity],
        changed_at: &[Timestamp::EPOCH],
        cash: &[account.cash()],
        open: &[],
    };
    assert_eq!(reconcile(&ours, &theirs, Cash::ZERO), []);
    // One unit more at the exchange is found.
    let one = Quantity::from_units(1);
    let wrong = VenueReport {
        positions: vec![(A, exchange.position(A) + one)],
        ..theirs
    };
    let found = reconcile(&ours, &wrong, Cash::ZERO);
    assert!(
        matches!(found[..], [Difference::Position { .. }]),
        "{found:?}"
    );
    let (mut fills, mut denied) = (0, 0);
    for record in &keeper.records {
        match record {
            Record::Fill(_) => fills += 1,
            Record::Intent(intent) => denied += usize::from(!intent.verdict.passed()),
            _ => {}
        }
    }
    assert!(fills > 0 && denied == 0, "{fills} fills, {denied} denied");
    keeper
}

/// What a sleeve earned from the close of one bar to that of another.
fn earned(keeper: &Bookkeeper, sleeve: usize, from: usize, to: usize) -> Cash {
    keeper.nets[to][sleeve] - keeper.nets[from][sleeve]
}

fn traded(keeper: &Bookkeeper, sleeve: usize) -> Cash {
    keeper.books.sleeves()[sleeve].money(AssetId::BASE).traded
}

/// TST-05: in a rising market the trend is held and earns; nothing falls, so the other sleeve has
/// no order, no fee and no result.
#[test]
fn tst_05_a_bull_market_belongs_to_the_trend() {
    let keeper = trade(&closes(|_| 0.01));
    assert!(keeper.held[BARS - 1][TREND] > 0);
    assert!(earned(&keeper, TREND, 0, BARS - 1).is_positive());
    assert!(keeper.held.iter().all(|h| h[REVERSION] == 0));
    assert_eq!(keeper.nets[BARS - 1][REVERSION], Cash::ZERO);
    assert_eq!(traded(&keeper, REVERSION), Cash::ZERO);
}

/// TST-05: a crash in a falling market finds the trend out of it; who buys the fall owns what
/// follows, here a further loss that is not the trend's.
#[test]
fn tst_05_a_bear_market_costs_who_buys_its_crash() {
    let keeper = trade(&closes(|i| match i {
        0..25 => 0.01,
        EVENT => -0.08,
        _ => -0.01,
    }));
    assert!(keeper.held[24][TREND] > 0, "it rose before");
    assert_eq!(keeper.held[EVENT][TREND], 0, "stopped out before the crash");
    assert_eq!(earned(&keeper, TREND, EVENT, BARS - 1), Cash::ZERO);
    assert_eq!(keeper.held[EVENT][REVERSION], 0);
    assert!(keeper.held[EVENT + 1][REVERSION] > 0, "it buys the crash");
    assert!(earned(&keeper, REVERSION, EVENT, BARS - 1).is_negative());
    assert_eq!(keeper.held[BARS - 1], [0, 0]);
}

/// TST-05: a jump on high volume is no reason to sell for the trend and none to buy for the other
/// sleeve: the gain has one owner. The fall after it has two, each with its own units.
#[test]
fn tst_05_an_overbought_market_is_shared_by_who_holds_it() {
    let keeper = trade(&closes(|i| match i {
        EVENT => 0.08,
        50 => -0.04,
        _ => 0.004,
    }));
    assert!(keeper.held[EVENT - 1][TREND] > 0);
    assert!(earned(&keeper, TREND, EVENT - 1, EVENT).is_positive());
    assert_eq!(earned(&keeper, REVERSION, EVENT - 1, EVENT), Cash::ZERO);
    assert!(keeper.held[..=EVENT].iter().all(|h| h[REVERSION] == 0));
    assert!(keeper.held[EVENT + 1][TREND] > 0, "and it stays");
}
