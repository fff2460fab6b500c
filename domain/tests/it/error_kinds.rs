//! What the domain raises, by kind: each kind comes out of the code that means it.

use ballast_domain::error::{Error, ErrorFamily};
use ballast_domain::instrument::AssetId;
use ballast_domain::kernel::{AdjustmentKind, EventId, Fact};
use ballast_domain::money::Cash;
use ballast_domain::orders::{OrderRequest, Side, TimeInForce};
use ballast_domain::signals::{Sides, SignalValidator};
use ballast_domain::time::{Span, Timestamp};
use ballast_domain::weighting::{SymmetricMatrix, TargetWeights};

use crate::kernel_path::flat;
use crate::scenario::{
    A, Desk, Scripted, Tape, World, execution, holding, rejected, shares, units,
};

/// The one alert after orders for A were refused with these words until nobody asked again.
fn refused_with(words: &'static str) -> Error {
    let lines = (0..3).map(|row| (row, holding(&[(A, 10 + row as i64)])));
    let mut desk = Desk::watched(&World::shares(2), Scripted::new(lines), &flat());
    for row in 0..3 {
        let sent = desk.trade(row).remove(0);
        desk.fact(&rejected(&sent, words));
        desk.persist();
    }
    desk.alerts.remove(0)
}

fn overfilled() -> Error {
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut desk = Desk::watched(&World::shares(2), script, &flat());
    let sent = desk.trade(0).remove(0);
    desk.fact(&execution(&sent, 1, 11, "100"));
    desk.alerts.remove(0)
}

fn changed_by_others() -> Error {
    let mut desk = Desk::watched(&World::shares(2), Scripted::new([]), &flat());
    desk.fact(&Fact::Adjusted {
        id: EventId(1),
        kind: AdjustmentKind::External,
        instrument: Some(A),
        quantity: units(5),
        asset: AssetId::BASE,
        amount: Cash::ZERO,
    });
    desk.alerts.remove(0)
}

fn order_for_nothing() -> Error {
    let request = OrderRequest {
        symbol: "S0".into(),
        side: Side::Buy,
        quantity: Some("0".into()),
        notional: None,
        limit_price: None,
        time_in_force: TimeInForce::Day,
    };
    request.validate(&shares(1), None).unwrap_err().remove(0)
}

fn other_lanes() -> Error {
    let tape = Tape::of_closes(&[&[100.0, 100.0]]);
    World::shares(2)
        .run(Scripted::new([]), &tape)
        .totals
        .unwrap_err()
}

/// ERR-02: the specific kinds of signals, orders, positions, capital and backtests are raised by the
/// code that means them, each in its family.
#[test]
fn err_02_specific_kinds_are_raised_where_they_are_meant() {
    let singular = SymmetricMatrix::from_rows(&[vec![f64::NAN]]).unwrap_err();
    let two_sided: &[&str] = &["A"];
    let sides = Sides {
        longs: Some(two_sided),
        shorts: Some(two_sided),
    };
    let stale = Error::stale("A", Timestamp::EPOCH, Timestamp::EPOCH, Span::ZERO);
    let poor = refused_with("insufficient funds: available 10, required 1000");
    let text = format!("{:?}", poor.kind);
    assert!(
        text.contains(r#"available: Some("10"), required: Some("1000")"#),
        "{text}"
    );
    for (error, family, kind) in [
        (singular, ErrorFamily::Signal, "signal_calculation"),
        (
            SignalValidator.validate(sides).unwrap_err(),
            ErrorFamily::Signal,
            "signal_validation",
        ),
        (
            TargetWeights::new(vec![(0, f64::NAN)]).unwrap_err(),
            ErrorFamily::Signal,
            "signal_validation",
        ),
        (
            order_for_nothing(),
            ErrorFamily::Execution,
            "order_placement",
        ),
        (
            refused_with("price too far"),
            ErrorFamily::Execution,
            "order_placement",
        ),
        (poor, ErrorFamily::Execution, "insufficient_capital"),
        (overfilled(), ErrorFamily::Execution, "order_fill"),
        (changed_by_others(), ErrorFamily::Execution, "position"),
        (other_lanes(), ErrorFamily::Invariant, "backtest_invariant"),
        (stale, ErrorFamily::Data, "data_stale"),
    ] {
        assert_eq!(
            (error.family(), error.kind.name()),
            (family, kind),
            "{error}"
        );
    }
}
