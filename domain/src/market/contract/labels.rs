//! Rows that carry the name of another symbol.

use super::RawBar;
use crate::market::Field;

/// A symbol with fewer rows than one in twenty of another's may be that other, misnamed.
pub const FEW: usize = 20;

/// Factor within which a close fits the other symbol's close before it: 1.5.
const FIT: f64 = 1.5;

/// The rows of `guest` that fill holes of `host` at its price: misnamed rows of `host`.
///
/// Looked at are all rows of a guest with few rows, and of any other guest those that share their
/// time with another of its rows and are far from the row before. Both are ordered by time; rows of `host` have values. Answers
/// positions in `guest`.
pub fn mislabelled(host: &[RawBar], guest: &[RawBar]) -> Vec<usize> {
    let is_few = guest.len() * FEW <= host.len();
    let near = |a: &RawBar, b: &RawBar| {
        let (a, b) = (a.value(Field::Close), b.value(Field::Close));
        a <= b * FIT && b <= a * FIT
    };
    // A second row of one time, far from the guest's own row before it.
    let is_alien = |i: usize| {
        let time = guest[i].time;
        let first = guest.partition_point(|other| other.time < time);
        let is_twice = guest.partition_point(|other| other.time <= time) > first + 1;
        let own = first.checked_sub(1).and_then(|j| guest.get(j));
        is_twice && own.is_some_and(|own| !near(own, &guest[i]))
    };
    let fits = |bar: &RawBar| {
        let next = host.partition_point(|other| other.time < bar.time);
        let before = next.checked_sub(1).and_then(|i| host.get(i));
        matches!((before, host.get(next)), (Some(before), Some(after))
            if after.time != bar.time && near(before, bar) && near(after, bar))
    };
    (0..guest.len())
        .filter(|i| is_few || is_alien(*i))
        .filter(|i| guest[*i].values.is_some() && fits(&guest[*i]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn bar(day: i64, close: f64) -> RawBar {
        RawBar {
            row: 0,
            time: Timestamp::from_seconds(day * 86_400).unwrap(),
            values: Some([close, close, close, close, 1.0]),
        }
    }

    #[test]
    fn a_row_is_misnamed_when_it_fills_a_hole_at_the_price_of_another() {
        let host: Vec<_> = (0..60)
            .filter(|d| *d != 30)
            .map(|d| bar(d, 100.0))
            .collect();
        for (what, guest, expected) in [
            ("in the hole at the price", vec![bar(30, 101.0)], vec![0]),
            ("in the hole at another price", vec![bar(30, 3.0)], vec![]),
            ("where the host has a row", vec![bar(31, 101.0)], vec![]),
            ("after the end of the host", vec![bar(70, 101.0)], vec![]),
        ] {
            assert_eq!(mislabelled(&host, &guest), expected, "{what}");
        }
        // A whole series of the same price range is another symbol, hole or not, but not twice.
        let whole = |price: f64| -> Vec<_> { (0..60).map(|d| bar(d, price)).collect() };
        for (price, expected) in [(2.0, vec![31]), (99.0, vec![])] {
            let mut guest = whole(price);
            assert!(mislabelled(&host, &guest).is_empty(), "{price}");
            guest.insert(31, bar(30, 100.0));
            assert_eq!(mislabelled(&host, &guest), expected, "{price}");
        }
    }
}
