//! Rows that carry the name of another symbol.

use std::collections::BTreeMap;

use super::RawBar;
use crate::market::Field;
use crate::time::Timestamp;

/// A symbol with fewer rows than one in twenty of another's may be that other, misnamed.
const FEW: usize = 20;

/// Factor within which a close fits the other symbol's close before it: 1.5.
const FIT: f64 = 1.5;

/// The rows of `guest` that fill holes of `host` at its price: misnamed rows of `host`.
///
/// Looked at are all rows of a guest with few rows, and of any other guest those that share their
/// time with another of its rows. Positions in `guest`.
pub fn mislabelled(host: &[RawBar], guest: &[RawBar]) -> Vec<usize> {
    let closes: BTreeMap<Timestamp, f64> = (host.iter())
        .map(|bar| (bar.time, bar.value(Field::Close)))
        .collect();
    let mut counts: BTreeMap<Timestamp, usize> = BTreeMap::new();
    for bar in guest {
        *counts.entry(bar.time).or_default() += 1;
    }
    let is_few = guest.len() * FEW <= host.len();
    let fits = |bar: &RawBar| {
        let close = bar.value(Field::Close);
        let before = closes.range(..bar.time).next_back();
        let after = closes.range(bar.time..).next();
        let near = |other: f64| close <= other * FIT && other <= close * FIT;
        matches!((before, after), (Some((_, before)), Some((time, after)))
            if *time != bar.time && near(*before) && near(*after))
    };
    let is_candidate = |bar: &RawBar| is_few || counts.get(&bar.time).is_some_and(|n| *n > 1);
    (guest.iter().enumerate())
        .filter(|(_, bar)| is_candidate(bar) && bar.values.is_some() && fits(bar))
        .map(|(i, _)| i)
        .collect()
}
