//! The exchange core and the driver around it: where, when and at what price orders execute, and
//! what happens to those that do not.

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Record, SizeAt};
use ballast_domain::market::LaneState;
use ballast_domain::money::{Cash, Rate};
use ballast_domain::orders::{OrderStatus, TimeInForce};
use ballast_domain::performance::Metrics;
use ballast_domain::risk::Control;
use ballast_domain::simulation::{Exchange, ExchangeSettings, FeeModel, FillPoint, SlippageModel};
use ballast_domain::strategy::{Decision, Strategy};
use std::sync::Arc;

use ballast_domain::kernel::SendGate;

use crate::scenario::{
    A, B, CASH_SCALE, Desk, Run, Scripted, Tape, World, dollars, holding, open_of, share, shares,
    units, weights,
};

/// Six bars with opens and closes that tell every place in time apart.
fn six_bars() -> Tape {
    Tape::new(&[&[
        (100.0, 101.0),
        (103.0, 104.0),
        (110.0, 112.0),
        (125.0, 128.0),
        (150.0, 160.0),
        (200.0, 250.0),
    ]])
}

/// Half of 10,000 dollars, decided at the close of bar 1, by hand: 5000 / the price it is sized at,
/// rounded down.
#[test]
fn each_fill_point_lag_and_sizing_has_its_time_price_and_quantity() {
    use FillPoint::{NextClose, NextOpen, SameClose};
    use SizeAt::{Decision as AtDecision, Fill as AtFill};
    let cases = [
        (NextOpen, 0, AtDecision, "open2 buy 48 of 0 at 110 fee 0"),
        (NextOpen, 0, AtFill, "open2 buy 45 of 0 at 110 fee 0"),
        (NextOpen, 1, AtDecision, "open3 buy 44 of 0 at 125 fee 0"),
        (NextOpen, 1, AtFill, "open3 buy 40 of 0 at 125 fee 0"),
        (NextClose, 0, AtDecision, "close2 buy 48 of 0 at 112 fee 0"),
        (NextClose, 0, AtFill, "close2 buy 44 of 0 at 112 fee 0"),
        (NextClose, 1, AtDecision, "close3 buy 44 of 0 at 128 fee 0"),
        (NextClose, 1, AtFill, "close3 buy 39 of 0 at 128 fee 0"),
        (SameClose, 0, AtDecision, "close1 buy 48 of 0 at 104 fee 0"),
        (SameClose, 0, AtFill, "close1 buy 48 of 0 at 104 fee 0"),
        (SameClose, 1, AtDecision, "close2 buy 44 of 0 at 112 fee 0"),
        (SameClose, 1, AtFill, "close2 buy 44 of 0 at 112 fee 0"),
    ];
    for (point, lag, size_at, expected) in cases {
        let mut world = World::shares(1).filling_at(point);
        world.settings.signal_lag = lag;
        world.settings.size_at = size_at;
        let script = Scripted::new([(1, weights(&[(A, 0.5)]))]);
        let run = world.run(script, &six_bars()).well();
        assert_eq!(
            run.tape_of_fills(),
            [expected],
            "{point:?} lag {lag} {size_at:?}"
        );
        run.assert_nothing_set_aside();
    }
}

#[test]
fn next_open_on_close_only_data_is_refused_and_closes_are_enough_for_the_others() {
    let script = || Scripted::new([(1, weights(&[(A, 0.5)]))]);
    let tape = six_bars().close_only();
    let run = World::shares(1).run(script(), &tape);
    assert!(
        run.error().contains("missing columns: open"),
        "{}",
        run.error()
    );
    for point in [FillPoint::NextClose, FillPoint::SameClose] {
        let run = World::shares(1)
            .filling_at(point)
            .run(script(), &tape)
            .well();
        assert_eq!(run.log.fills().len(), 1, "{point:?}");
    }
}

/// Slippage of 15 bps of 103.05 is 0.154575: a buy pays 103.21, a sale gets 102.89. Fees of 1 bp
/// are rounded up to the cent's millionth.
#[test]
fn fills_are_rounded_against_us_and_fees_up() {
    let tape = Tape::new(&[&[(100.0, 100.0), (103.05, 100.0), (103.05, 100.0)]]);
    let script = Scripted::new([(0, holding(&[(A, 3)])), (1, holding(&[]))]);
    let world = World::shares(1).costing(Rate::from_units(1_001), Rate::from_bps(15));
    let run = world.run(script, &tape).well();
    assert_eq!(
        run.tape_of_fills(),
        [
            // 309.63 × 1.001e-6 = 0.00030993963
            "open1 buy 3 of 0 at 103.21 fee 0.00031",
            // 308.67 × 1.001e-6 = 0.00030897867
            "open2 sell 3 of 0 at 102.89 fee 0.000309",
        ]
    );
}

#[test]
fn a_buy_larger_than_cash_is_cut_by_the_exchange_and_the_rest_canceled_and_recorded() {
    // Sized at 100, filled at 110 plus 1 %: 10000 / (110 × 1.01) = 90.009.
    let tape = Tape::new(&[&[(100.0, 100.0), (110.0, 110.0), (110.0, 110.0)]]);
    let script = Scripted::new([(0, weights(&[(A, 1.0)]))]);
    let world = World::shares(1).costing(Rate::from_bps(100), Rate::ZERO);
    let run = world.run(script, &tape).well();
    assert_eq!(run.tape_of_fills(), ["open1 buy 90 of 0 at 110 fee 99"]);
    let id = run.log.fills()[0].client_id;
    use OrderStatus::{Accepted, Canceled};
    assert_eq!(run.log.statuses(id), [Accepted, Canceled]);
    assert_eq!(run.log.residuals(), [(1, A, 10)]);
    assert_eq!(run.cash(), dollars("1"));
    run.assert_nothing_set_aside();
}

#[test]
fn cash_of_sales_pays_for_buys_of_the_same_instant() {
    let tape = Tape::of_closes(&[&[100.0; 4], &[100.0; 4]]);
    let script = Scripted::new([(0, weights(&[(B, 1.0)])), (1, weights(&[(A, 1.0)]))]);
    let run = World::shares(2).run(script, &tape).well();
    assert_eq!(
        run.tape_of_fills(),
        [
            "open1 buy 100 of 1 at 100 fee 0",
            "open2 sell 100 of 1 at 100 fee 0",
            "open2 buy 100 of 0 at 100 fee 0"
        ]
    );
    // Two plans under the second decision: the sale, then what it pays for.
    let plans: Vec<u8> = run
        .log
        .intents()
        .iter()
        .map(|i| i.intent.client_id.plan)
        .collect();
    assert_eq!(plans, [1, 1, 2]);
    assert!(run.log.intents()[1].intent.reduce_only);
}

#[test]
fn a_cash_account_goes_flat_instead_of_short() {
    let tape = Tape::of_closes(&[&[100.0; 4]]);
    let script = Scripted::new([(0, weights(&[(A, 0.5)])), (1, weights(&[(A, -0.5)]))]);
    let run = World::shares(1).run(script, &tape).well();
    assert_eq!(
        run.tape_of_fills(),
        [
            "open1 buy 50 of 0 at 100 fee 0",
            "open2 sell 50 of 0 at 100 fee 0"
        ]
    );
    let denied = run.log.intents()[2].verdict;
    assert_eq!(
        denied.denied_by().collect::<Vec<_>>(),
        [Control::BuyingPower]
    );
    assert_eq!(run.log.residuals(), [(2, A, -50)]);
}

#[test]
fn a_buy_that_finds_no_bar_expires_unless_it_is_good_till_canceled() {
    let tape = || Tape::of_closes(&[&[100.0; 5]]).without(1, A, LaneState::Hole);
    let script = || Scripted::new([(0, holding(&[(A, 10)]))]);
    let run = World::shares(1).run(script(), &tape()).well();
    let id = run.log.intents()[0].intent.client_id;
    use OrderStatus::{Accepted, Expired, Filled};
    assert_eq!(run.log.statuses(id), [Accepted, Expired]);
    assert_eq!(run.log.residuals(), [(1, A, 10)]);
    run.assert_nothing_set_aside();

    let mut world = World::shares(1);
    world.settings.time_in_force = TimeInForce::Gtc;
    let run = world.run(script(), &tape()).well();
    assert_eq!(run.tape_of_fills(), ["open2 buy 10 of 0 at 100 fee 0"]);
    assert!(!run.log.statuses(id).contains(&Expired));
    assert!(!run.log.statuses(id).contains(&Filled), "fills say so");
}

#[test]
fn an_order_waits_while_its_market_is_closed() {
    let tape = Tape::of_closes(&[&[100.0; 4]])
        .without(1, A, LaneState::Closed)
        .without(2, A, LaneState::Closed);
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let run = World::shares(1).run(script, &tape).well();
    assert_eq!(run.tape_of_fills(), ["open3 buy 10 of 0 at 100 fee 0"]);
}

#[test]
fn a_newer_decision_supersedes_an_order_that_waits() {
    // B has no bar for two days; the order for it waits until the account wants something else.
    let tape = Tape::of_closes(&[&[100.0; 6], &[100.0; 6]])
        .without(1, B, LaneState::Hole)
        .without(2, B, LaneState::Hole);
    let mut world = World::shares(2);
    world.settings.time_in_force = TimeInForce::Gtc;
    world.settings.min_fresh_share = 0.0;
    let script = Scripted::new([
        (0, holding(&[(A, 20), (B, 70)])),
        (1, holding(&[(A, 30)])),
        (3, holding(&[(A, 10), (B, 5)])),
    ]);
    let run = world.run(script, &tape).well();
    assert_eq!(
        run.tape_of_fills(),
        [
            "open1 buy 20 of 0 at 100 fee 0",
            "open2 buy 10 of 0 at 100 fee 0",
            "open4 sell 20 of 0 at 100 fee 0",
            "open4 buy 5 of 1 at 100 fee 0",
        ]
    );
    assert_eq!(run.log.residuals(), [(1, B, 70)]);
    run.assert_nothing_set_aside();
    assert_eq!(run.totals.as_ref().unwrap().open_orders, 0);
}

#[test]
fn an_order_of_the_last_bar_is_reported_as_open() {
    let tape = Tape::of_closes(&[&[100.0; 3]]);
    let script = Scripted::new([(2, holding(&[(A, 10)]))]);
    let run = World::shares(1).run(script, &tape).well();
    let totals = run.totals.as_ref().unwrap();
    assert_eq!(
        (totals.open_orders, totals.sends, totals.counts.fills),
        (1, 1, 0)
    );
    assert_eq!(run.kernel.exposure().reserved_cash(), dollars("1000"));
}

#[test]
fn a_hole_holds_the_position_and_too_many_holes_stop_the_rebalance() {
    // 30 % of the gross has no fresh bar at the decision.
    let tape = || Tape::of_closes(&[&[100.0; 5], &[100.0; 5]]).without(2, B, LaneState::Hole);
    let script = || {
        Scripted::new([
            (0, weights(&[(A, 0.7), (B, 0.3)])),
            (2, weights(&[(A, 0.4), (B, 0.1)])),
        ])
    };
    let run = World::shares(2).run(script(), &tape()).well();
    assert_eq!((run.held(A), run.held(B)), (70, 30));
    let decisions: Vec<_> = run
        .log
        .records
        .iter()
        .filter_map(|r| match r {
            Record::Decision(d) => Some((d.number, d.planned, d.fresh_share)),
            _ => None,
        })
        .collect();
    assert_eq!(decisions, [(1, true, 1.0), (2, false, 0.7)]);

    // With enough of the rest fresh, B alone is left as it is.
    let mut world = World::shares(2);
    world.settings.min_fresh_share = 0.7;
    let run = world.run(script(), &tape()).well();
    assert_eq!((run.held(A), run.held(B)), (40, 30));
    assert_eq!(run.log.value, vec![dollars("10000"); 5]);
}

#[test]
fn a_decision_on_nothing_but_holes_is_recorded_as_not_planned() {
    let tape = Tape::of_closes(&[&[100.0; 5]]).without(1, A, LaneState::Hole);
    let script = Scripted::new([(1, holding(&[(A, 5)])), (2, weights(&[(A, 0.0)]))]);
    let mut world = World::shares(1);
    world.settings.record_idle_legs = true;
    let run = world.run(script, &tape).well();
    let planned = run.log.records.iter().filter_map(|r| match r {
        Record::Decision(d) => Some(d.planned),
        _ => None,
    });
    assert_eq!(
        planned.collect::<Vec<_>>(),
        [false, false],
        "nothing fresh, then nothing to do"
    );
}

/// BT-10: what costs take is exactly the difference between a run with and one without them.
#[test]
fn bt_10_fees_and_slippage_are_the_whole_difference() {
    let tape = Tape::new(&[&[
        (100.0, 100.0),
        (100.0, 110.0),
        (120.0, 120.0),
        (130.0, 125.0),
    ]]);
    let script = || Scripted::new([(0, holding(&[(A, 50)])), (2, holding(&[(A, 20)]))]);
    let free = World::shares(1).run(script(), &tape).well();
    let fee = Rate::from_bps(10);
    let slippage = Rate::from_bps(20);
    let paid = World::shares(1)
        .costing(fee, slippage)
        .run(script(), &tape)
        .well();
    // Buy 50 at 100.20 instead of 100: 10 + fee 5.01. Sell 30 at 129.74 instead of 130: 7.8 + 3.8922.
    assert_eq!(*free.log.value.last().unwrap(), dollars("11400"));
    assert_eq!(
        *paid.log.value.last().unwrap(),
        dollars("11400") - dollars("10") - dollars("5.01") - dollars("7.8") - dollars("3.8922")
    );
    let twice = {
        let mut world = World::shares(1).costing(fee, slippage);
        world.exchange.fees = world.exchange.fees.times(2);
        world.exchange.slippage = world.exchange.slippage.times(2);
        world.run(script(), &tape).well()
    };
    // Buy at 100.40: 20 + 10.04. Sell at 129.48: 15.6 + 7.7688.
    assert_eq!(
        *twice.log.value.last().unwrap(),
        dollars("11400") - dollars("20") - dollars("10.04") - dollars("15.6") - dollars("7.7688")
    );
}

/// BT-01: ten bars by hand. Half is bought at 100 (50 shares, 5000 cash stays), sold at 120.
#[test]
fn bt_01_ten_bars_equal_the_hand_calculation() {
    let closes = [
        100.0, 102.0, 104.0, 102.0, 106.0, 110.0, 108.0, 120.0, 90.0, 80.0,
    ];
    let tape = Tape::of_closes(&[&closes]);
    let script = Scripted::new([(0, weights(&[(A, 0.5)])), (7, weights(&[]))]);
    let run = World::shares(1).run(script, &tape).well();
    let by_hand = [
        10_000.0, 10_100.0, 10_200.0, 10_100.0, 10_300.0, 10_500.0, 10_400.0, 11_000.0, 11_000.0,
        11_000.0,
    ];
    assert_eq!(run.log.equity, by_hand);
    let metrics = Metrics::from_equity(&run.log.equity, 365.0).unwrap();
    assert!((metrics.total_return.unwrap() - 0.1).abs() < 1e-15);
    // The nine returns, their mean and their deviation with ddof 1, written out.
    let returns: [f64; 9] = [
        100.0 / 10_000.0,
        100.0 / 10_100.0,
        -100.0 / 10_200.0,
        200.0 / 10_100.0,
        200.0 / 10_300.0,
        -100.0 / 10_500.0,
        600.0 / 10_400.0,
        0.0,
        0.0,
    ];
    let mean = returns.iter().sum::<f64>() / 9.0;
    let deviation = (returns.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / 8.0).sqrt();
    let by_hand = mean / deviation * 365.0_f64.sqrt();
    let sharpe = metrics.sharpe.unwrap();
    assert!((sharpe - by_hand).abs() < 1e-12, "{sharpe} {by_hand}");
}

/// BT-07: an account without money is a typed error, not a number.
#[test]
fn bt_07_equity_that_is_not_positive_is_a_typed_error() {
    use ballast_domain::error::ErrorFamily;
    use ballast_domain::market::ActionKind;
    let flat = || Tape::of_closes(&[&[100.0; 4]]);
    let mut broke = World::shares(1);
    broke.exchange.opening_cash = dollars("0");
    let run = broke.run(Scripted::default(), &flat());
    assert!(run.error().contains("equity is not a positive number"));
    // A levy larger than the account.
    let levy = ActionKind::Dividend("-300".parse().unwrap());
    let script = Scripted::new([(0, holding(&[(A, 50)]))]);
    let run = World::shares(1).run(script, &flat().with_action(2, A, levy));
    assert!(
        run.error().contains("equity is not a positive number"),
        "{}",
        run.error()
    );
    let error = run.totals.unwrap_err();
    assert_eq!(error.family(), ErrorFamily::Invariant);
}

fn bytes<S: Strategy>(run: &Run<S>) -> Vec<u8> {
    serde_json::to_vec(&run.log.records).unwrap()
}

/// REP-06: the same run twice leaves the same bytes, and a boxed strategy the same as a plain one.
#[test]
fn rep_06_the_same_run_leaves_the_same_bytes() {
    let tape = Tape::of_closes(&[
        &[100.0, 101.5, 99.2, 104.3, 107.7, 90.1],
        &[50.0, 51.1, 53.3, 49.9, 47.2, 48.8],
    ])
    .without(3, B, LaneState::Hole);
    let script = || {
        Scripted::new([
            (0, weights(&[(A, 0.3), (B, 0.6)])),
            (2, weights(&[(A, 0.7), (B, 0.2)])),
            (4, weights(&[(B, 0.9)])),
        ])
    };
    let world = World::shares(2).costing(Rate::from_bps(7), Rate::from_bps(3));
    let first = world.run(script(), &tape).well();
    let second = world.run(script(), &tape).well();
    let boxed: Box<dyn Strategy> = Box::new(script());
    let boxed = world.run_strategy(boxed, &tape).well();
    assert!(bytes(&first).len() > 1_000);
    assert_eq!(bytes(&first), bytes(&second));
    assert_eq!(bytes(&first), bytes(&boxed));
    let bits = |run: &[f64]| -> Vec<u64> { run.iter().map(|e| e.to_bits()).collect() };
    assert_eq!(bits(&first.log.equity), bits(&boxed.log.equity));
    let back: Vec<Record> = serde_json::from_slice(&bytes(&first)).unwrap();
    assert_eq!(back, first.log.records);
}

/// I-80: killed at any batch of a run, nothing reaches the exchange after it, and the run ends with
/// books that agree.
#[test]
fn a_gate_killed_at_any_batch_lets_nothing_through_after_it() {
    let tape = Tape::of_closes(&[&[100.0; 6], &[100.0; 6]]);
    let script = || {
        Scripted::new([
            (0, weights(&[(A, 1.0)])),
            (1, weights(&[(B, 1.0)])),
            (2, weights(&[(A, 0.5), (B, 0.5)])),
            (3, weights(&[(A, 0.2), (B, 0.3)])),
        ])
    };
    let world = World::shares(2);
    let whole = world.run(script(), &tape).well();
    let sent_in_all = whole.totals.as_ref().unwrap().sends;
    let (mut batch, mut least) = (0, sent_in_all);
    loop {
        let (mut seen, mut sent, mut at_kill) = (0, 0, None);
        let gate = Arc::new(SendGate::new(1));
        let run = world.run_watched(script(), &tape, gate, |gate, records| {
            if seen == batch {
                gate.kill();
                at_kill = Some(sent);
            }
            seen += 1;
            let accepted =
                |r: &&Record| matches!(r, Record::Order(o) if o.status == OrderStatus::Accepted);
            sent += records.iter().filter(accepted).count();
        });
        let run = run.well();
        let Some(_) = at_kill else { break };
        let totals = run.totals.as_ref().unwrap();
        // Sent before the kill and perhaps not yet acknowledged when it came.
        least = least.min(totals.sends);
        let not_sent = run
            .log
            .records
            .iter()
            .filter(|r| matches!(r, Record::Order(o) if o.status == OrderStatus::NotSent))
            .count();
        assert_eq!(
            totals.counts.permits,
            totals.sends + u64::try_from(not_sent).unwrap(),
            "batch {batch}"
        );
        if batch == 0 {
            assert_eq!(totals.sends, 0, "killed before the first order");
            assert!(not_sent > 0);
            assert_eq!(run.cash(), dollars("10000"));
        }
        assert!(totals.sends <= sent_in_all);
        run.assert_nothing_set_aside();
        batch += 1;
    }
    assert!(batch > 15, "{batch}");
    assert_eq!(least, 0);
}

/// ARC-05: validation, decision, risk, permit and exchange each stop a wrong order on their own.
#[test]
fn arc_05_each_layer_blocks_on_its_own() {
    let tape = || Tape::of_closes(&[&[100.0; 4]]);
    let buy = || Scripted::new([(0, holding(&[(A, 10)]))]);
    // Nothing in the way: it executes.
    let run = World::shares(1).run(buy(), &tape()).well();
    assert_eq!(run.held(A), 10);

    // Validation: a price that is none never becomes a slice.
    let row = [ballast_domain::market::LaneRow {
        state: LaneState::Present,
        values: [f64::NAN; 5],
    }];
    let mut panel = ballast_domain::market::Panel::new(
        1,
        ballast_domain::market::Fields::ALL,
        ballast_domain::market::PriceBasis::Raw,
    );
    let refused = panel.push_row(
        crate::scenario::open_of(0),
        crate::scenario::close_of(0),
        &row,
        &[],
    );
    assert!(refused.unwrap_err().to_string().contains("not a positive"));

    // Decision: a weight that is no number never becomes an intent.
    let nan = Scripted::new([(0, weights(&[(A, f64::NAN)]))]);
    let run = World::shares(1).run(nan, &tape());
    assert!(run.error().contains("not a usable number"));
    assert_eq!(run.kernel.counts().intents, 0);

    // Risk: an order over its limit gets a verdict and no permit.
    let mut strict = World::shares(1);
    strict.settings.limits.max_order_notional = Some(dollars("999"));
    let run = strict.run(buy(), &tape()).well();
    let counts = run.kernel.counts();
    assert_eq!((counts.intents, counts.denied, counts.permits), (1, 1, 0));

    // Gate: a permit that is not valid any more is never redeemed.
    let gate = Arc::new(SendGate::new(1));
    let run = World::shares(1)
        .run_watched(buy(), &tape(), gate, |gate, _| gate.kill())
        .well();
    assert_eq!(
        (run.kernel.counts().permits, run.exchange.received()),
        (1, 0)
    );

    // Exchange: an order that risk thinks is fine but that its own rules refuse. It knows a larger
    // lot than the kernel does.
    let mut coarse = share("S0");
    coarse.lot = "7".parse().unwrap();
    let world = World::shares(1);
    let mut kernel = ballast_domain::kernel::Kernel::new(
        world.instruments.clone(),
        world.settings.clone(),
        buy(),
        Arc::new(SendGate::new(1)),
    )
    .unwrap();
    let other = crate::scenario::registry(CASH_SCALE, &[coarse]);
    let mut exchange = ballast_domain::simulation::Exchange::new(other, world.exchange.clone());
    let panel = tape().panel();
    let totals =
        ballast_domain::simulation::run(&mut kernel, &mut exchange, &panel, &mut ()).unwrap();
    assert_eq!((totals.sends, totals.counts.fills), (1, 0));
    assert_eq!(
        kernel.orders().next().unwrap().status(),
        OrderStatus::Rejected
    );
}

#[test]
fn sales_execute_before_buys_whatever_came_first() {
    let tape = Tape::of_closes(&[&[100.0; 4], &[100.0; 4]]);
    let world = World::shares(2);
    let all_in = Scripted::new([(0, holding(&[(A, 100)])), (1, holding(&[]))]);
    let mut seller = Desk::new(&world, all_in, &tape);
    let mut buyer = Desk::new(&world, Scripted::new([(1, holding(&[(B, 50)]))]), &tape);
    let panel = tape.panel();
    let mut exchange = Exchange::new(world.instruments.clone(), world.exchange.clone());
    exchange.next_fact().expect("the opening");
    seller.slice(0);
    seller.persist();
    for order in seller.redeemed() {
        exchange.submit(order);
    }
    exchange.execute(&panel.slice(1).unwrap(), open_of(1));
    while let Some(fact) = exchange.next_fact() {
        seller.fact(&fact);
    }
    seller.persist();
    assert_eq!(exchange.cash(), dollars("0"));
    for desk in [&mut buyer, &mut seller] {
        desk.slice(1);
        desk.persist();
        for order in desk.redeemed() {
            exchange.submit(order);
        }
    }
    assert_eq!(exchange.working().len(), 2);
    exchange.execute(&panel.slice(2).unwrap(), open_of(2));
    assert_eq!(exchange.position(B), units(50));
    assert_eq!(exchange.cash(), dollars("5000"));
}

#[test]
fn a_run_refuses_a_panel_of_other_lanes() {
    let run = World::shares(2).run(Scripted::default(), &Tape::of_closes(&[&[100.0; 3]]));
    assert!(run.error().contains("different numbers of instruments"));
}

#[test]
fn a_strategy_that_answers_nonsense_ends_the_run_with_an_error() {
    let bad: [Decision; 3] = [
        weights(&[(A, f64::NAN)]),
        weights(&[(InstrumentId(3), 0.5)]),
        holding(&[(A, i64::MAX)]),
    ];
    for (i, decision) in bad.into_iter().enumerate() {
        let run = World::new(shares(1)).run(
            Scripted::new([(0, decision)]),
            &Tape::of_closes(&[&[100.0; 3]]),
        );
        match i {
            2 => assert_eq!(run.well().exchange.received(), 1, "cut to the budget"),
            _ => assert!(!run.error().is_empty()),
        }
    }
}

/// Scale 8 for prices and quantities and 16 for cash, with a billion in the account.
#[test]
fn the_largest_account_at_the_finest_scales_does_not_overflow() {
    let mut coin = share("COIN");
    coin.price_scale = 8;
    coin.quantity_scale = 8;
    coin.tick = "0.00000001".parse().unwrap();
    coin.lot = "0.00000001".parse().unwrap();
    let mut world = World::new(crate::scenario::registry(16, &[coin]));
    let cash = "1000000000".parse().unwrap();
    world.exchange.opening_cash = ballast_domain::money::Cash::from_decimal(cash, 16).unwrap();
    let world = world.costing(Rate::from_bps(10), Rate::from_bps(10));
    for (at, later) in [(100_000.0, 130_000.0), (0.05, 0.04), (1_000_000.0, 1.0)] {
        let tape = Tape::of_closes(&[&[at, at, later, later]]);
        let script = Scripted::new([
            (0, weights(&[(A, 1.0)])),
            (1, weights(&[(A, 1000.0)])),
            (2, weights(&[])),
        ]);
        let run = world.run(script, &tape).well();
        assert_eq!(run.held(A), 0, "{at}");
        assert!(run.log.fills().len() >= 2);
    }
}

#[test]
fn settings_that_cannot_be_meant_are_refused_before_the_first_bar() {
    let share = Rate::from_bps(20_000);
    let refused = |change: &dyn Fn(&mut ExchangeSettings)| {
        let mut settings = ExchangeSettings {
            fill_point: FillPoint::NextOpen,
            fees: FeeModel::Proportional(Rate::ZERO),
            slippage: SlippageModel::Proportional(Rate::ZERO),
            opening_cash: Cash::from_units(1),
            delisting_haircut: Rate::ONE,
        };
        settings.validate().unwrap();
        change(&mut settings);
        settings.validate().unwrap_err().to_string()
    };
    for (text, expected) in [
        (
            refused(&|s| s.opening_cash = Cash::from_units(-1)),
            "account.cash",
        ),
        (
            refused(&|s| s.fees = FeeModel::Proportional(share)),
            "execution.fee_bps",
        ),
        (
            refused(&|s| s.slippage = SlippageModel::Proportional(Rate::ONE)),
            "slippage_bps",
        ),
        (
            refused(&|s| s.delisting_haircut = Rate::from_bps(-1)),
            "delisting_haircut",
        ),
    ] {
        assert!(text.contains(expected), "{text}");
    }
}
