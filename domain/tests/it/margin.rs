//! The margin account: shorts, reversals, what the venue carries, and what a fall takes away.

use ballast_domain::error::ErrorFamily;
use ballast_domain::kernel::Cut;
use ballast_domain::market::{ActionKind, LaneState};
use ballast_domain::money::{Cash, Rate, Weight};
use ballast_domain::orders::{OrderStatus, Side, TimeInForce};
use ballast_domain::risk::Control;
use ballast_domain::simulation::MarginTerms;
use proptest::prelude::*;

use crate::scenario::{A, B, Scripted, Tape, World, dollars, holding, weights};

fn on_margin(lanes: usize, leverage: i64) -> World {
    let mut world = World::shares(lanes);
    let leverage = Weight::from_units(leverage * 1_000_000);
    world.settings.limits.max_leverage = leverage;
    world.settings.limits.max_gross = leverage;
    world.on_margin()
}

#[test]
fn a_reversal_reduces_to_zero_and_then_adds_at_the_same_instant() {
    let tape = Tape::new(&[&[(100.0, 100.0), (100.0, 110.0), (120.0, 120.0), (90.0, 90.0)]]);
    let script = Scripted::new([(0, holding(&[(A, 50)])), (1, holding(&[(A, -30)]))]);
    let run = on_margin(1, 2_000)
        .costing(Rate::from_bps(10), Rate::ZERO)
        .run(script, &tape)
        .well();
    assert_eq!(
        run.tape_of_fills(),
        [
            "open1 buy 50 of 0 at 100 fee 5",
            "open2 sell 50 of 0 at 120 fee 6",
            "open2 sell 30 of 0 at 120 fee 3.6"
        ]
    );
    let intents = run.log.intents();
    let plans: Vec<_> = intents
        .iter()
        .map(|i| (i.intent.client_id.plan, i.intent.reduce_only))
        .collect();
    assert_eq!(plans, [(1, false), (1, true), (2, false)]);
    // 10,000 − 5,000 + 6,000 + 3,600 − 14.6 in cash, 30 × 90 owed in shares.
    assert_eq!(run.cash(), dollars("14585.4"));
    assert_eq!(*run.log.value.last().unwrap(), dollars("11885.4"));
    let ledger = run.kernel.account().ledger();
    assert_eq!(ledger.realised(A), dollars("1000"));
    assert_eq!(ledger.position(A).cost, dollars("-3600"));
    run.assert_nothing_set_aside();
}

#[test]
fn a_short_pays_dividends_splits_and_is_bought_back_when_its_name_ends() {
    let split = ballast_domain::market::SplitRatio { new: 2, old: 1 };
    let tape = Tape::of_closes(&[&[100.0, 100.0, 50.0, 50.0, 40.0, 40.0]])
        .with_action(2, A, ActionKind::Split(split))
        .with_action(3, A, ActionKind::Dividend("0.5".parse().unwrap()))
        .delisted(5, A);
    let script = Scripted::new([(0, holding(&[(A, -20)]))]);
    let mut world = on_margin(1, 2_000);
    world.exchange.delisting_haircut = Rate::from_bps(1_000);
    let run = world.run(script, &tape).well();
    // Sold 20 at 100; 40 after the split; 20 dollars of dividend paid; 40 bought back at 40 and the
    // haircut, which is against us on either side.
    assert_eq!(run.cash(), dollars("10220"));
    assert_eq!(run.held(A), 0);
    assert_eq!(run.kernel.account().ledger().income(A), dollars("-20"));
    assert_eq!(run.kernel.account().ledger().trial_balance(), Cash::ZERO);
}

#[test]
fn additions_are_cut_to_what_equity_less_costs_carries() {
    // 1.5 times 10,000, and each dollar added costs 1 % of it: 15,000 / (1 + 1.5 × 0.01).
    let mut world = on_margin(2, 1_500).costing(Rate::from_bps(100), Rate::ZERO);
    world.settings.limits.fee_estimate = Rate::from_bps(100);
    let tape = Tape::of_closes(&[&[100.0; 3], &[100.0; 3]]);
    let script = Scripted::new([(0, weights(&[(A, 1.0), (B, -0.5)]))]);
    let run = world.run(script, &tape).well();
    assert_eq!(run.held(A), 100);
    assert_eq!(run.held(B), -47);
    let cut = run.log.intents()[1].cut.map(Cut::name);
    assert_eq!(cut, Some("margin"));
}

#[test]
fn what_the_plan_did_not_size_for_is_denied_or_cut_by_the_venue() {
    // A gap to 150 before the fill: the venue carries 20,000 / 150 less what the gap took … of 200
    // ordered shares, 133 cost 19,950.
    let tape = Tape::new(&[&[(100.0, 100.0), (150.0, 150.0), (150.0, 150.0)]]);
    let script = Scripted::new([(0, holding(&[(A, 200)]))]);
    let run = on_margin(1, 2_000).run(script, &tape).well();
    assert_eq!(run.held(A), 133);
    assert_eq!(run.log.residuals(), [(1, A, 67)]);
    // A perpetual account passes nothing.
    let mut world = on_margin(1, 2_000);
    world.settings.margin = ballast_domain::portfolio::MarginModel::CrossMarginedPerpetual;
    assert!(world.settings.validate().is_err());
    // A kernel on margin against a venue that takes cash, and the other way round.
    for (kernel, venue) in [(true, false), (false, true)] {
        let mut world = World::shares(1);
        if kernel {
            world = world.on_margin();
            world.rules.margin = None;
        }
        if venue {
            world.rules.margin = Some(MarginTerms::carrying(Weight::ONE));
        }
        let tape = Tape::of_closes(&[&[100.0; 3]]);
        let error = world.run(Scripted::default(), &tape).error();
        assert!(
            error.contains("differ about what kind of account"),
            "{error}"
        );
    }
}

#[test]
fn reductions_pass_when_the_account_carries_no_more() {
    // Long 200 at 100 on 10,000: at 60 gross is 12,000 over an equity of 2,000. Selling half must
    // pass, buying one more must not.
    let tape = Tape::of_closes(&[&[100.0, 100.0, 60.0, 60.0, 60.0, 60.0]]);
    let script = Scripted::new([
        (0, holding(&[(A, 200)])),
        (2, holding(&[(A, 100)])),
        (3, holding(&[(A, 101)])),
    ]);
    let run = on_margin(1, 2_000).run(script, &tape).well();
    assert_eq!(run.held(A), 100);
    assert!(run.log.intents().len() == 2, "the addition found no room");
}

#[test]
fn a_lost_account_is_no_bug() {
    let tape = Tape::of_closes(&[&[100.0, 100.0, 300.0, 300.0]]);
    // A gap passes a maintenance requirement as well.
    for maintenance in [None, Some(Rate::from_bps(2_500))] {
        let mut world = on_margin(1, 2_000);
        world.rules.margin.as_mut().unwrap().maintenance = maintenance;
        let run = world.run(Scripted::new([(0, holding(&[(A, -100)]))]), &tape);
        let error = run.totals.as_ref().unwrap_err();
        assert_eq!(error.family(), ErrorFamily::Execution);
        assert!(error.message.contains("lost all of its equity"), "{error}");
        let left = if maintenance.is_some() { 0 } else { -100 };
        assert_eq!(run.held(A), left);
    }
}

/// A short of 100 and a purchase, each filled a unit a bar: what the sale will cost is kept back from
/// the purchase, and given back unit by unit, so the venue never has to cut what the plan sized.
#[test]
fn costs_kept_back_for_a_sale_are_freed_as_its_parts_execute() {
    let rows = 110;
    let flat = vec![100.0; rows];
    let filled_for = |bars: usize| {
        let mut world = on_margin(2, 2_000).costing(Rate::from_bps(100), Rate::ZERO);
        world.settings.limits.fee_estimate = Rate::from_bps(100);
        world.settings.time_in_force = TimeInForce::Gtc;
        world.rules.participation = Some(Rate::ONE);
        let tape = Tape::of_closes(&[&flat[..=bars], &flat[..=bars]]);
        let script = Scripted::new([(0, weights(&[(A, -1.0), (B, 2.0)]))]);
        world.run(script, &tape).well()
    };
    // 10,000 sold cost 100; n bought: 10,000 + n <= 2 (9,900 − 0.01 n), so n <= 9,607.84.
    for (bars, a, b) in [(1, -1, 1), (50, -50, 50), (99, -99, 96), (109, -100, 96)] {
        let run = filled_for(bars);
        assert_eq!((run.held(A), run.held(B)), (a, b), "after {bars} bars");
        let cuts: Vec<_> = run.log.intents().iter().map(|i| i.cut).collect();
        assert_eq!(cuts, [None, Some(Cut::Margin)]);
        let exposure = run.kernel.exposure();
        assert_eq!(exposure.open(A, Side::Sell).units(), 100 + a);
        assert_eq!(exposure.open(B, Side::Buy).units(), 96 - b);
        // One dollar for each unit that is still to come, of either side.
        let to_come = 100 + a + 96 - b;
        assert_eq!(exposure.reserved_cash(), dollars(&to_come.to_string()));
    }
    filled_for(rows - 1).assert_nothing_set_aside();
}

/// 150 long at 100 with 10,000 of equity: at 44 a quarter of 6,600 is more than the 1,600 left. The
/// position is closed for 1 % and the order that waited ends; the kernel's books follow, nothing stays
/// open or set aside, and the name is only reduced from then on.
#[test]
fn a_liquidation_leaves_nothing_open_and_the_run_goes_on() {
    let fall = [100.0, 100.0, 44.0, 44.0, 44.0, 44.0];
    let tape = |rows: usize| {
        let all = Tape::of_closes(&[&fall[..rows], &[50.0; 6][..rows]]);
        (1..rows).fold(all, |tape, row| tape.without(row, B, LaneState::Hole))
    };
    let mut world = on_margin(2, 2_000);
    world.settings.limits.fee_estimate = Rate::from_bps(100);
    world.settings.time_in_force = TimeInForce::Gtc;
    world.settings.min_fresh_share = 0.0;
    let terms = world.rules.margin.as_mut().unwrap();
    terms.maintenance = Some(Rate::from_bps(2_500));
    terms.liquidation_fee = Rate::from_bps(100);
    let run = |rows: usize| {
        let script = Scripted::new([(0, holding(&[(A, 150), (B, 40)])), (3, holding(&[(A, 10)]))]);
        world.run(script, &tape(rows)).well()
    };
    // The bar before: B waits, and its costs are kept back.
    let before = run(2);
    assert_eq!(before.kernel.exposure().open(B, Side::Buy).units(), 40);
    assert_eq!(before.kernel.exposure().reserved_cash(), dollars("20"));
    // The bar of the liquidation itself.
    run(3).assert_nothing_set_aside();
    let run = run(6);
    assert_eq!(run.tape_of_fills(), ["open1 buy 150 of 0 at 100 fee 0"]);
    assert_eq!((run.held(A), run.cash()), (0, dollars("1534")));
    assert_eq!(run.kernel.account().ledger().trial_balance(), Cash::ZERO);
    let said = &run.totals.as_ref().unwrap().warnings;
    assert_eq!(said.len(), 1);
    assert!(said[0].to_string().contains("liquidation"), "{}", said[0]);
    let intents = run.log.intents();
    let waited = intents[1].intent.client_id;
    assert_eq!(
        run.log.statuses(waited).last(),
        Some(&OrderStatus::Canceled)
    );
    let denied: Vec<_> = intents.last().unwrap().verdict.denied_by().collect();
    assert_eq!(denied, [Control::Mode]);
    run.assert_nothing_set_aside();
}

#[test]
fn limits_bind_shorts_as_they_bind_longs() {
    let tape = Tape::of_closes(&[&[100.0; 3]]);
    for target in [60, -60] {
        let mut world = on_margin(1, 2_000);
        world.settings.limits.max_position_weight = Weight::from_units(500_000_000);
        let run = world
            .run(Scripted::new([(0, holding(&[(A, target)]))]), &tape)
            .well();
        let denied: Vec<_> = run.log.intents()[0].verdict.denied_by().collect();
        assert_eq!(denied, [Control::MaxPosition], "{target}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// After each execution that adds, gross exposure is within leverage times equity, added up here
    /// from fills alone; one that reduces is never stopped by margin.
    #[test]
    fn additions_stay_within_leverage_whatever_the_gaps(
        opens in prop::collection::vec(4_000_u32..16_000, 12),
        closes in prop::collection::vec(4_000_u32..16_000, 12),
        wanted in prop::collection::vec(-25_i64..25, 12),
        leverage in 1_000_i64..3_000,
        fee in 0_i64..100,
    ) {
        let lane: Vec<_> = opens
            .iter()
            .zip(&closes)
            .map(|(o, c)| (f64::from(*o) / 100.0, f64::from(*c) / 100.0))
            .collect();
        let script = wanted
            .iter()
            .enumerate()
            .map(|(row, n)| (row, weights(&[(A, *n as f64 / 10.0)])));
        let mut world = on_margin(1, leverage).costing(Rate::from_bps(fee), Rate::ZERO);
        world.settings.limits.max_position_weight = Weight::from_units(3_000_000_000);
        world.settings.limits.max_gross = Weight::from_units(3_000_000_000);
        let run = world.run(Scripted::new(script), &Tape::new(&[&lane]));
        if let Err(error) = &run.totals {
            prop_assert!(error.message.contains("lost all of its equity"), "{}", error);
        }
        let (mut cash, mut held) = (10_000_000_000_i128, 0_i128);
        for fill in run.log.fills() {
            let sign = if fill.side == Side::Buy { 1 } else { -1 };
            let quantity = sign * i128::from(fill.quantity.units());
            let price = i128::from(fill.price.units()) * 10_000;
            let adds = (held + quantity).abs() > held.abs();
            prop_assert!(held * (held + quantity) >= 0, "an order passed through zero");
            held += quantity;
            cash -= quantity * price + fill.fee.units();
            let gross = held.abs() * price;
            let equity = (cash + held * price).max(0);
            prop_assert!(!adds || gross * 1_000 <= equity * i128::from(leverage));
        }
        prop_assert_eq!(run.cash().units(), cash);
        prop_assert_eq!(i128::from(run.held(A)), held);
    }
}
