//! Names that people and programs rely on: what a `name` says is what a record says.

use ballast_domain::kernel::{AdjustmentKind, Cut, Session};
use ballast_domain::orders::{OrderStatus, Side};
use ballast_domain::portfolio::EntryKind;
use ballast_domain::risk::{Control, Mode};
use serde::Serialize;

#[track_caller]
fn check<T: Copy + Serialize, const N: usize>(all: [T; N], name: impl Fn(T) -> &'static str) {
    let mut seen = Vec::new();
    for value in all {
        assert_eq!(serde_json::to_value(value).unwrap(), name(value));
        assert!(!seen.contains(&name(value)), "{} twice", name(value));
        seen.push(name(value));
    }
}

#[test]
fn a_name_is_the_one_in_the_records() {
    use OrderStatus as S;
    check([Side::Buy, Side::Sell], Side::name);
    assert_eq!(Side::Sell.to_string(), "sell");
    check(
        [
            S::Recorded,
            S::Sent,
            S::Unknown,
            S::Denied,
            S::NotSent,
            S::Dead,
            S::Accepted,
            S::PartiallyFilled,
            S::PendingCancel,
            S::Rejected,
            S::Expired,
            S::Canceled,
            S::Filled,
        ],
        S::name,
    );
    check(
        [
            Mode::Active,
            Mode::ReduceOnly,
            Mode::CancelOnly,
            Mode::Halted,
        ],
        Mode::name,
    );
    check(
        [
            Session::Ready,
            Session::Doubtful,
            Session::Reconciling,
            Session::Down,
        ],
        Session::name,
    );
    check([Cut::Cash, Cut::GrossBudget, Cut::Margin], Cut::name);
    check(Control::ALL, Control::name);
    assert_eq!(Control::MaxGross.to_string(), "max_gross");
    check(
        [
            EntryKind::Opening,
            EntryKind::Fill,
            EntryKind::Dividend,
            EntryKind::CashInLieu,
            EntryKind::Delisting,
            EntryKind::Funding,
            EntryKind::Borrow,
            EntryKind::Conversion,
            EntryKind::Correction,
        ],
        EntryKind::name,
    );
    check(
        [
            AdjustmentKind::External,
            AdjustmentKind::Liquidation,
            AdjustmentKind::AutoDeleveraging,
            AdjustmentKind::Transfer,
            AdjustmentKind::Borrow,
            AdjustmentKind::Other,
            AdjustmentKind::Adopted,
        ],
        AdjustmentKind::name,
    );
}

/// Each control has a bit of its own, and a verdict names exactly those that denied.
#[test]
fn controls_are_listed_in_the_order_of_their_bits() {
    for (bit, control) in (0_u8..).zip(Control::ALL) {
        assert_eq!(control as u8, bit, "{control}");
    }
}
