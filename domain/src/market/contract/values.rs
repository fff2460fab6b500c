//! Values no market makes, judged by the bars around them.
//!
//! The unit is the series' own volatility: 1.4826 times the median of |log return| (the median
//! absolute deviation scaled to a standard deviation), which a few bad bars cannot move.

use std::collections::BTreeSet;

use super::{DefectCode, Finding, RawBar, Terms, Verdict};
use crate::market::Field;
use crate::time::{NANOS_PER_DAY, Span};

/// Volatilities a jump between two bars must exceed to count as a spike.
const SPIKE_VOLATILITIES: f64 = 20.0;
/// The least jump of a daily bar that counts, as a log ratio (65 %); shorter bars scale with the
/// square root of their length.
const SPIKE_LEAST: f64 = 0.5;
/// Volatilities a wick must exceed: fewer than for a spike, since a wick only warns.
const WICK_VOLATILITIES: f64 = 15.0;
/// The least distance of a high or low from its bar's body, as a log ratio (a factor of 2).
const WICK_LEAST: f64 = 0.69;
/// Bars within which a spike must come back; what stays longer is a new level.
const SPIKE_BARS: usize = 10;
/// Share of the jump that may remain after it came back.
const SPIKE_REST: f64 = 0.25;

/// Distance of a ratio from a whole number that still looks like a split: 5 %.
const SPLIT_TOLERANCE: f64 = 0.05;
/// Volatilities a split must exceed.
const SPLIT_VOLATILITIES: f64 = 10.0;
/// Bars on each side that must stay at their level.
const SPLIT_BARS: usize = 5;
/// Log distance from its level within which a bar stays there: a factor of 1.25.
const SPLIT_DRIFT: f64 = 0.223;

/// Bars without volume in a row that are a run, for daily bars and for shorter ones.
const ZERO_RUN: (usize, usize) = (5, 60);
/// Equal bars in a row that are a run.
const STUCK_RUN: usize = 5;
/// The same for series of closes alone, where equal values are common.
const STUCK_RUN_CLOSES: usize = 10;

/// Finds spikes, wicks, splits, bars without volume and repeated bars. Returns the positions of
/// bars that must not be used.
pub(super) fn implausible(
    bars: &[RawBar],
    terms: &Terms,
    findings: &mut Vec<Finding>,
) -> BTreeSet<usize> {
    let scale = Scale::of(bars, terms);
    let dropped = jumps(bars, terms, &scale, findings);
    if [Field::Open, Field::High, Field::Low]
        .iter()
        .all(|f| terms.fields.has(*f))
    {
        wicks(bars, &scale, &dropped, findings);
    }
    if terms.fields.has(Field::Volume) {
        without_volume(bars, terms, findings);
    }
    repeated(bars, terms, findings);
    dropped
}

fn log_ratio(a: f64, b: f64) -> f64 {
    libm::log(a / b)
}

/// Thresholds of one series, as log ratios.
struct Scale {
    volatility: f64,
    spike: f64,
    wick: f64,
}

impl Scale {
    fn of(bars: &[RawBar], terms: &Terms) -> Self {
        let mut moves: Vec<f64> = (bars.windows(2))
            .map(|w| log_ratio(w[1].value(Field::Close), w[0].value(Field::Close)).abs())
            .collect();
        moves.sort_by(f64::total_cmp);
        let volatility = 1.4826 * moves.get(moves.len() / 2).copied().unwrap_or(0.0);
        let length = terms.bar.intraday().map_or(NANOS_PER_DAY, Span::nanos);
        let root = (length as f64 / NANOS_PER_DAY as f64).sqrt();
        let least = |floor: f64, times: f64| (floor * root).max(times * volatility);
        Self {
            volatility,
            spike: least(SPIKE_LEAST, SPIKE_VOLATILITIES),
            wick: least(WICK_LEAST, WICK_VOLATILITIES),
        }
    }
}

/// Jumps between bars: those that come back are spikes, those that stay may be splits.
fn jumps(
    bars: &[RawBar],
    terms: &Terms,
    scale: &Scale,
    findings: &mut Vec<Finding>,
) -> BTreeSet<usize> {
    let first = if terms.fields.has(Field::Open) {
        Field::Open
    } else {
        Field::Close
    };
    let entry = |i: usize| bars[i].value(first);
    let close = |i: usize| bars[i].value(Field::Close);
    let mut dropped = BTreeSet::new();
    // The last bar at the level that jumps are measured from.
    let mut last = 0;
    let mut i = 1;
    while i < bars.len() {
        let before = close(last);
        let jump = log_ratio(entry(i), before);
        let back = (i + 1..bars.len().min(i + 1 + SPIKE_BARS)).find(|j| {
            let returned = log_ratio(entry(*j), close(*j - 1));
            returned * jump < 0.0
                && returned.abs() >= scale.spike
                && log_ratio(entry(*j), before).abs() <= SPIKE_REST * jump.abs()
        });
        if let Some(back) = back.filter(|_| jump.abs() >= scale.spike) {
            for (j, bar) in bars.iter().enumerate().take(back).skip(i) {
                let message = format!(
                    "the price is {:.4} times the one before it and jumps back",
                    close(j) / before
                );
                let hint = "remove the row, or fetch it again: a bad tick or another unit";
                let found = Finding::new(DefectCode::PriceSpike, message, hint);
                findings.push(found.at(bar).column(Field::Close));
                dropped.insert(j);
            }
            last = back;
            i = back + 1;
            continue;
        }
        let floor = SPLIT_VOLATILITIES * scale.volatility;
        if let Some(factor) = whole_factor(jump).filter(|_| jump.abs() >= floor) {
            let level = |j: &usize, of: f64| log_ratio(close(*j), of).abs() <= SPLIT_DRIFT;
            let stayed = (i..bars.len().min(i + SPLIT_BARS)).all(|j| level(&j, entry(i)))
                && (i.saturating_sub(SPLIT_BARS)..i).all(|j| level(&j, before));
            if stayed {
                let word = if jump < 0.0 { "divided" } else { "multiplied" };
                let message = format!("the level is {word} by about {factor} and stays there");
                let hint = "give the split as a corporate action, or adjust the prices before it";
                let found = Finding::new(DefectCode::PossibleSplit, message, hint);
                findings.push(found.at(&bars[i]).column(first));
            }
        }
        last = i;
        i += 1;
    }
    dropped
}

/// The whole number from 2 on that a jump is near, in either direction.
fn whole_factor(jump: f64) -> Option<f64> {
    let ratio = libm::exp(jump.abs());
    let whole = ratio.round();
    (whole >= 2.0 && (ratio / whole - 1.0).abs() <= SPLIT_TOLERANCE).then_some(whole)
}

/// A high or low far outside its bar's body that no neighbour comes near: usable, but not to be
/// fed to a range-based figure unseen.
fn wicks(bars: &[RawBar], scale: &Scale, dropped: &BTreeSet<usize>, findings: &mut Vec<Finding>) {
    for (i, bar) in bars.iter().enumerate() {
        if dropped.contains(&i) {
            continue;
        }
        let near = |field: Field| {
            let before = i.checked_sub(1).map(|j| bars[j].value(field));
            let after = bars.get(i + 1).map(|b| b.value(field));
            [before, after].into_iter().flatten()
        };
        let (open, close) = (bar.value(Field::Open), bar.value(Field::Close));
        let (high, low) = (bar.value(Field::High), bar.value(Field::Low));
        let lone_high = log_ratio(high, open.max(close)) >= scale.wick
            && near(Field::High).all(|h| log_ratio(high, h) >= scale.wick / 2.0);
        let lone_low = log_ratio(open.min(close), low) >= scale.wick
            && near(Field::Low).all(|l| log_ratio(l, low) >= scale.wick / 2.0);
        for (is_lone, field, value) in [(lone_high, Field::High, high), (lone_low, Field::Low, low)]
        {
            if is_lone {
                let message = format!("{value} is far from open and close, and no bar beside it");
                let hint = "compare with another source: probably one bad tick";
                let found = Finding::new(DefectCode::PriceSpike, message, hint).warning();
                findings.push(found.at(bar).column(field));
            }
        }
    }
}

/// Runs of zero volume, in a series where most bars have some.
fn without_volume(bars: &[RawBar], terms: &Terms, findings: &mut Vec<Finding>) {
    let is_zero = |bar: &RawBar| bar.value(Field::Volume) == 0.0;
    let zeros = bars.iter().filter(|bar| is_zero(bar)).count();
    if zeros * 2 >= bars.len() {
        return;
    }
    let least = if terms.bar.is_day() {
        ZERO_RUN.0
    } else {
        ZERO_RUN.1
    };
    for run in bars.chunk_by(|a, b| is_zero(a) == is_zero(b)) {
        if is_zero(&run[0]) && run.len() >= least {
            let message = format!("{} bars in a row without volume", run.len());
            let hint = "check whether it traded; volume-based figures are wrong here";
            let found = Finding::new(DefectCode::ZeroVolumeRun, message, hint);
            findings.push(found.at(&run[0]).column(Field::Volume));
        }
    }
}

/// Runs of equal bars. Without a trade an equal bar is right, so volume must not be zero.
fn repeated(bars: &[RawBar], terms: &Terms, findings: &mut Vec<Finding>) {
    let has_volume = terms.fields.has(Field::Volume);
    let least = if terms.fields.has(Field::High) || has_volume {
        STUCK_RUN
    } else {
        STUCK_RUN_CLOSES
    };
    let most_trade = bars.iter().filter(|b| b.value(Field::Volume) > 0.0).count() * 2 > bars.len();
    for run in bars.chunk_by(|a, b| a.values == b.values) {
        let traded = !has_volume || !most_trade || run[0].value(Field::Volume) > 0.0;
        if run.len() >= least && traded {
            let message = format!("{} bars in a row are equal", run.len());
            let hint = "check the feed: it probably stood still";
            let mut found = Finding::new(DefectCode::StuckPrice, message, hint);
            found.verdict = Verdict::Warn;
            findings.push(found.at(&run[0]).column(Field::Close));
        }
    }
}
