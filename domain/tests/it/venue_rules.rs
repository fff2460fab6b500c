//! A venue with rules of its own behind the driver: the kernel follows it, and both books agree.

use ballast_domain::money::{Rate, Weight};
use ballast_domain::orders::{OrderStatus, TimeInForce};
use ballast_domain::portfolio::MarginModel;
use ballast_domain::simulation::{FillPoint, FundingRate, LimitFills, MarginTerms, VenueRules};

use crate::scenario::{A, Scripted, Tape, World, dollars, holding, open_of};

/// Every bar trades one unit, and all of it is ours: an order for three is three executions on three
/// days. The run itself compares both books at its end.
#[test]
fn an_order_filled_over_several_bars_reaches_the_target_once() {
    let tape = Tape::of_closes(&[&[100.0, 101.0, 102.0, 103.0, 104.0, 105.0]]);
    for (point, expected) in [
        (FillPoint::NextOpen, ["open1", "open2", "open3"]),
        (FillPoint::NextClose, ["close1", "close2", "close3"]),
    ] {
        let mut world = World::shares(1).filling_at(point);
        world.settings.time_in_force = TimeInForce::Gtc;
        world.rules.participation = Some(Rate::ONE);
        let run = world
            .run(Scripted::new([(0, holding(&[(A, 3)]))]), &tape)
            .well();
        let fills = run.tape_of_fills();
        assert_eq!(fills.len(), 3, "{fills:?}");
        for (fill, at) in fills.iter().zip(expected) {
            assert!(
                fill.starts_with(at) && fill.contains("buy 1 of 0"),
                "{fill}"
            );
        }
        let totals = run.totals.as_ref().unwrap();
        assert_eq!(
            (totals.sends, run.held(A)),
            (1, 3),
            "one order, never doubled"
        );
        run.assert_nothing_set_aside();
    }
}

/// The rest of a day order expires with its session and is wanted again by the plan that follows.
#[test]
fn what_a_day_order_did_not_get_is_recorded_with_its_executions() {
    let tape = Tape::of_closes(&[&[100.0; 6]]);
    let mut world = World::shares(1);
    world.rules.participation = Some(Rate::ONE);
    let run = world
        .run(Scripted::new([(0, holding(&[(A, 3)]))]), &tape)
        .well();
    let first = run.log.intents()[0].intent.client_id;
    assert_eq!(
        run.log.statuses(first).last(),
        Some(&OrderStatus::Expired),
        "{:?}",
        run.tape_of_fills()
    );
    let shown = run.exchange.order_report(first).unwrap();
    assert_eq!(shown.filled.units(), 1);
    run.assert_nothing_set_aside();
}

/// A newer decision takes back what still works and trades from what is held.
#[test]
fn a_newer_decision_supersedes_an_order_that_was_partly_filled() {
    let tape = Tape::of_closes(&[&[100.0; 8]]);
    let mut world = World::shares(1);
    world.settings.time_in_force = TimeInForce::Gtc;
    world.rules.participation = Some(Rate::ONE);
    let script = Scripted::new([(0, holding(&[(A, 5)])), (2, holding(&[(A, 1)]))]);
    let run = world.run(script, &tape).well();
    assert_eq!(run.held(A), 1, "{:?}", run.tape_of_fills());
    assert_eq!(run.totals.as_ref().unwrap().open_orders, 0);
}

/// Held from the open of bar 1 on: the funding of that instant is not ours, the next one is.
#[test]
fn funding_comes_before_the_executions_of_its_instant_and_is_booked() {
    let mut world = World::shares(1);
    let due = |row| FundingRate {
        at: open_of(row),
        instrument: A,
        rate: Rate::from_bps(10),
    };
    world.rules.funding = vec![due(1), due(2)];
    let tape = Tape::of_closes(&[&[100.0; 4]]);
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let run = world.run(script, &tape).well();
    // 0.1 % of 1,000, once.
    assert_eq!(run.cash(), dollars("8999"));
}

#[test]
fn rules_without_their_columns_or_books_are_refused_before_the_first_bar() {
    let tape = Tape::of_closes(&[&[100.0; 3]]).close_only();
    let refused = |rules: VenueRules| {
        let mut world = World::shares(1).filling_at(FillPoint::NextClose);
        world.rules = rules;
        world.run(Scripted::default(), &tape).error()
    };
    let rules = VenueRules {
        participation: Some(Rate::ONE),
        ..VenueRules::default()
    };
    assert!(refused(rules).contains("missing columns: volume"));
    let rules = VenueRules {
        limit_fills: LimitFills::ThroughBar,
        ..VenueRules::default()
    };
    assert!(refused(rules).contains("missing columns: open, high, low"));
    let rules = VenueRules {
        margin: Some(MarginTerms {
            model: MarginModel::CrossMarginedPerpetual,
            ..MarginTerms::carrying(Weight::ONE)
        }),
        ..VenueRules::default()
    };
    assert!(refused(rules).contains("collateral"));
}
