//! Splits, dividends and delistings: one event changes position, working orders and cash on both
//! sides, and the value stays what it was.

use ballast_domain::kernel::{EventId, Fact, Record};
use ballast_domain::market::{ActionKind, LaneState, SplitRatio};
use ballast_domain::money::Rate;
use ballast_domain::orders::{OrderStatus, Side, TimeInForce};
use ballast_domain::portfolio::EntryKind;
use ballast_domain::simulation::FillPoint;

use crate::scenario::{
    A, B, Desk, Scripted, Tape, World, accepted, assert_nothing_set_aside, dollars, execution,
    holding, open_of, price, registry, share, units, weights,
};

fn split(new: u32, old: u32) -> ActionKind {
    ActionKind::Split(SplitRatio { new, old })
}

fn dividend(per_unit: &str) -> ActionKind {
    ActionKind::Dividend(per_unit.parse().unwrap())
}

fn buying(quantity: i64) -> Scripted {
    Scripted::new([(0, holding(&[(A, quantity)]))])
}

fn entries(run: &crate::scenario::Run<Scripted>) -> Vec<(EntryKind, i128)> {
    run.log
        .records
        .iter()
        .filter_map(|r| match r {
            Record::Entry(e) if e.kind != EntryKind::Opening => Some((e.kind, e.amount.units())),
            _ => None,
        })
        .collect()
}

/// I-45: value before = value after, to the last unit, for whole and for fractional results.
#[test]
fn a_split_changes_units_and_price_and_leaves_value_and_cost() {
    for (held, new, old, after, units_held, in_lieu) in [
        (50, 2, 1, 50.0, 100, "0"),
        (51, 1, 10, 1000.0, 5, "100"),
        (33, 3, 2, 100.0 / 1.5, 49, "33.335"),
        (7, 1, 10, 1000.0, 0, "700"),
    ] {
        let tape = Tape::new(&[&[
            (100.0, 100.0),
            (100.0, 100.0),
            (after, after),
            (after, after),
        ]])
        .with_action(2, A, split(new, old));
        let run = World::shares(1).run(buying(held), &tape).well();
        assert_eq!(run.held(A), units_held, "{held} {new}:{old}");
        let paid: Vec<_> = entries(&run);
        if in_lieu == "0" {
            assert!(paid.is_empty());
        } else {
            assert_eq!(
                paid,
                [(EntryKind::CashInLieu, dollars(in_lieu).units())],
                "{held} {new}:{old}"
            );
        }
        // 66.666… is 66.67 on the price scale: the value moves by that rounding and no more.
        let value = *run.log.value.last().unwrap();
        let rounding = (value - dollars("10000")).abs();
        let allowed = if after == after.round() { "0" } else { "0.25" };
        assert!(
            rounding <= dollars(allowed),
            "{held} {new}:{old}: {value:?}"
        );
        assert_eq!(run.log.equity[0], 10_000.0);
        assert!((run.log.equity[2] - 10_000.0).abs() < 0.25);
        // The cost stays with what is held; when nothing is left it is realised.
        let account = run.kernel.account();
        let paid_in = dollars(&(held * 100).to_string());
        let ended = units_held == 0;
        let (cost, income) = if ended {
            (dollars("0"), dollars("0"))
        } else {
            (paid_in, dollars(in_lieu))
        };
        assert_eq!(account.position(A).cost, cost, "{held} {new}:{old}");
        assert_eq!(account.ledger().income(A), income, "{held} {new}:{old}");
        assert_eq!(account.ledger().realised(A), dollars("0"));
    }
}

/// What a split leaves as a fraction is paid at the close before it where no open is kept, and so is what
/// a delisting ends. Each bar before an action has to be noted, and no other.
#[test]
fn without_opens_the_close_before_an_action_prices_what_it_pays() {
    let prices = [100.0, 100.0, 110.0, 1100.0, 1300.0, 1500.0];
    let world = || World::shares(2).filling_at(FillPoint::NextClose);
    let tape = || Tape::of_closes(&[&prices, &[10.0; 6]]).close_only();
    let reverse = tape().with_action(3, A, split(1, 10));
    let run = world().run(buying(7), &reverse).well();
    let paid = (EntryKind::CashInLieu, dollars("770").units());
    assert_eq!(entries(&run), [paid]);
    let tape = tape().delisted(4, A);
    let run = world().run(buying(7), &tape).well();
    assert_eq!(run.held(A), 0);
    assert_eq!(run.cash(), dollars("17000"));
}

#[test]
fn a_split_on_a_day_without_a_bar_moves_the_mark_with_the_units() {
    let tape = Tape::new(&[&[(100.0, 100.0), (100.0, 100.0), (9.0, 9.0), (50.0, 50.0)]])
        .without(2, A, LaneState::Hole)
        .with_action(2, A, split(2, 1));
    let run = World::shares(1).run(buying(50), &tape).well();
    assert_eq!(run.held(A), 100);
    assert_eq!(run.log.value, vec![dollars("10000"); 4]);
    assert_eq!(run.log.equity, vec![10_000.0; 4]);
}

#[test]
fn a_split_rescales_a_working_order_on_both_sides() {
    // Ten shares ordered at 100; the fill point has no bar, then there is a split.
    for (new, old, at, quantity) in [(2, 1, 50.0, 20), (3, 2, 60.0, 15), (1, 5, 500.0, 2)] {
        let tape = Tape::new(&[&[(100.0, 100.0), (at, at), (at, at), (at, at)]])
            .without(1, A, LaneState::Hole)
            .with_action(2, A, split(new, old));
        let mut world = World::shares(1);
        world.settings.time_in_force = TimeInForce::Gtc;
        let run = world.run(buying(10), &tape).well();
        assert_eq!(run.held(A), quantity, "{new}:{old}");
        assert_eq!(run.log.fills().len(), 1);
        run.assert_nothing_set_aside();
        assert!(run.log.residuals().is_empty(), "{:?}", run.log.residuals());
    }
}

#[test]
fn an_order_that_a_merge_leaves_without_a_lot_is_canceled_and_trading_goes_on() {
    let tape = Tape::new(&[&[
        (100.0, 100.0),
        (100.0, 100.0),
        (1000.0, 1000.0),
        (1000.0, 1000.0),
        (1000.0, 1000.0),
    ]])
    .without(1, A, LaneState::Hole)
    .with_action(2, A, split(1, 10));
    let mut world = World::shares(1);
    world.settings.time_in_force = TimeInForce::Gtc;
    let script = Scripted::new([(0, holding(&[(A, 5)])), (2, holding(&[(A, 3)]))]);
    let run = world.run(script, &tape).well();
    let id = run.log.intents()[0].intent.client_id;
    use OrderStatus::{Accepted, Canceled};
    assert_eq!(run.log.statuses(id), [Accepted, Canceled]);
    assert_eq!(run.held(A), 3, "the next decision trades");
    run.assert_nothing_set_aside();
}

/// The kernel's own half of a rescaled order: partly executed, split, executed to the end.
#[test]
fn a_split_rescales_what_is_open_of_a_partly_executed_order() {
    let tape = Tape::of_closes(&[&[100.0; 3]]);
    let mut d = Desk::new(&World::shares(1), buying(10), &tape);
    let order = d.trade(0)[0];
    d.fact(&accepted(&order));
    d.fact(&execution(&order, 1, 4, "100"));
    d.fact(&Fact::Split {
        id: EventId(1),
        instrument: A,
        ratio: SplitRatio { new: 2, old: 1 },
        quantity: units(8),
        cash_in_lieu: dollars("0"),
    });
    assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(12));
    d.fact(&execution(&order, 2, 12, "50"));
    d.persist();
    assert!(d.alerts.is_empty(), "{}", d.alert_text());
    assert_eq!(d.kernel.account().position(A).quantity, units(20));
    assert!(d.kernel.is_quiescent());
    assert_nothing_set_aside(&d.kernel);
}

#[test]
fn a_split_that_leaves_another_quantity_than_ours_is_booked_and_is_an_incident() {
    let tape = Tape::of_closes(&[&[100.0; 3]]);
    let mut d = Desk::new(&World::shares(1), buying(10), &tape);
    let order = d.trade(0)[0];
    d.fact(&execution(&order, 1, 10, "100"));
    d.fact(&Fact::Split {
        id: EventId(2),
        instrument: A,
        ratio: SplitRatio { new: 2, old: 1 },
        quantity: units(19),
        cash_in_lieu: dollars("0"),
    });
    assert_eq!(d.kernel.account().position(A).quantity, units(19));
    assert!(d.alert_text().contains("another quantity than expected"));
    assert_eq!(
        d.kernel.mode(A),
        ballast_domain::risk::Mode::ReduceOnly,
        "and only that instrument"
    );
}

#[test]
fn a_dividend_is_paid_on_what_was_held_before_the_open() {
    // Fifty are held over the night; at the open of the ex date another ten are bought.
    let tape = Tape::of_closes(&[&[100.0; 5]])
        .with_action(1, A, dividend("9"))
        .with_action(2, A, dividend("0.333"));
    let script = Scripted::new([(0, holding(&[(A, 50)])), (1, holding(&[(A, 60)]))]);
    let run = World::shares(1).run(script, &tape).well();
    // Nothing before the first open, 50 × 0.333 before the second.
    assert_eq!(
        entries(&run),
        [(EntryKind::Dividend, dollars("16.65").units())]
    );
    assert_eq!(run.held(A), 60);
    assert_eq!(run.cash(), dollars("4016.65"));
    assert_eq!(run.kernel.account().ledger().income(A), dollars("16.65"));
}

#[test]
fn a_dividend_is_rounded_down_to_the_cents_of_the_account() {
    let tape = Tape::of_closes(&[&[100.0; 4]]).with_action(2, A, dividend("0.3333333"));
    let run = World::shares(1).run(buying(7), &tape).well();
    // 2.3333331
    assert_eq!(
        entries(&run),
        [(EntryKind::Dividend, dollars("2.333333").units())]
    );
}

#[test]
fn actions_of_one_morning_apply_in_their_order() {
    let morning = |first, second| {
        let tape = Tape::new(&[&[(100.0, 100.0), (100.0, 100.0), (50.0, 50.0), (50.0, 50.0)]])
            .with_action(2, A, first)
            .with_action(2, A, second);
        World::shares(1).run(buying(10), &tape).well().cash()
    };
    assert_eq!(morning(dividend("1"), split(2, 1)), dollars("9010"));
    assert_eq!(morning(split(2, 1), dividend("1")), dollars("9020"));
}

#[test]
fn a_delisting_pays_the_last_value_less_the_haircut() {
    for (haircut, cash) in [(Rate::ZERO, "10500"), (Rate::from_bps(3_000), "8850")] {
        let tape =
            Tape::new(&[&[(100.0, 100.0), (100.0, 110.0), (1.0, 1.0), (1.0, 1.0)]]).delisted(2, A);
        let mut world = World::shares(1);
        world.exchange.delisting_haircut = haircut;
        let run = world.run(buying(50), &tape).well();
        assert_eq!((run.held(A), run.cash()), (0, dollars(cash)));
        let realised = run.kernel.account().ledger().realised(A);
        assert_eq!(realised, dollars(cash) - dollars("10000"));
        assert_eq!(*run.log.value.last().unwrap(), dollars(cash));
    }
}

#[test]
fn a_delisting_ends_working_orders_and_the_lane_never_trades_again() {
    let tape = Tape::of_closes(&[&[100.0; 6], &[100.0; 6]])
        .without(1, A, LaneState::Hole)
        .delisted(2, A);
    let mut world = World::shares(2);
    world.settings.time_in_force = TimeInForce::Gtc;
    world.settings.min_fresh_share = 0.0;
    let script = Scripted::new([
        (0, holding(&[(A, 5)])),
        (2, weights(&[(A, 0.5), (B, 0.2)])),
        (3, weights(&[(A, 0.9), (B, 0.1)])),
    ]);
    let run = world.run(script, &tape).well();
    assert_eq!((run.held(A), run.held(B)), (0, 10));
    assert!(run.log.fills().iter().all(|f| f.instrument == B));
    let id = run.log.intents()[0].intent.client_id;
    assert_eq!(
        run.log.statuses(id),
        [OrderStatus::Accepted, OrderStatus::Canceled]
    );
    let ended = run.log.records.iter().find_map(|r| match r {
        Record::Order(o) if o.status == OrderStatus::Canceled => Some(o.time),
        _ => None,
    });
    assert_eq!(ended, Some(open_of(2)), "by the delisting itself");
    run.assert_nothing_set_aside();
}

#[test]
fn actions_on_what_is_not_held_move_no_money() {
    for action in [split(3, 1), dividend("5"), ActionKind::Delisting] {
        let tape = Tape::of_closes(&[&[100.0; 5], &[90.0; 5]]).with_action(2, B, action);
        let run = World::shares(2).run(buying(10), &tape).well();
        assert!(entries(&run).is_empty(), "{action:?}");
        assert_eq!(run.log.value.last(), Some(&dollars("10000")), "{action:?}");
        assert!(
            !run.log
                .records
                .iter()
                .any(|r| matches!(r, Record::Split(_))),
            "{action:?}"
        );
    }
}

/// Ten million coins of eight digits and a ratio of five: the fraction needs more than 64 bits.
#[test]
fn a_fine_ratio_on_a_large_holding_does_not_overflow() {
    let mut coin = share("COIN");
    coin.quantity_scale = 8;
    coin.lot = "0.00000001".parse().unwrap();
    let mut world = World::new(registry(12, &[coin]));
    let cash = "1000000000".parse().unwrap();
    world.exchange.opening_cash = ballast_domain::money::Cash::from_decimal(cash, 12).unwrap();
    let ratio = SplitRatio::from_decimal("1.06543".parse().unwrap()).unwrap();
    let tape = Tape::of_closes(&[&[100.0; 4]]).with_action(2, A, ActionKind::Split(ratio));
    let script = Scripted::new([(0, holding(&[(A, 10_000_000)]))]);
    let run = world.run(script, &tape).well();
    assert_eq!(run.held(A), 1_065_430_000_000_000);
    assert_eq!(price("100").units(), 10_000);
}
