//! Where axis ticks go and what they say.

use ballast_domain::time::{NANOS_PER_SECOND, Timestamp};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, SubsecRound, TimeDelta, Utc};

/// How values are spread over the vertical axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are equally far apart; values that are not positive are not drawn.
    Log,
}

/// How values are written on the vertical axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueFormat {
    /// `0.25`, `40`, `25k`, `1.2M`.
    Number,
    /// A fraction of one as `25%`.
    Percent,
}

/// A tick: its position on the axis, in the axis' own unit, and its label.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick<T> {
    /// Where.
    pub at: T,
    /// What it says.
    pub label: String,
}

/// Round ticks within and around `low..=high`, about `target` of them, ascending. The first is
/// not above `low` and the last not below `high` on a linear scale.
pub fn value_ticks(
    low: f64,
    high: f64,
    scale: Scale,
    format: ValueFormat,
    target: usize,
) -> Vec<Tick<f64>> {
    let values = match scale {
        Scale::Linear => linear(low, high, target),
        Scale::Log => logarithmic(low, high, target),
    };
    let gaps = values.windows(2).map(|w| w[1] - w[0]);
    let gap = gaps.fold(f64::INFINITY, f64::min);
    let label = |at: f64| {
        // Ticks that double need only their own digits; evenly spaced ones share theirs.
        let step = match scale {
            Scale::Log if at < 2.0 * gap || high > 3.0 * low => at,
            _ => gap,
        };
        match format {
            ValueFormat::Number => number(at, step),
            ValueFormat::Percent => format!("{}%", number(at * 100.0, step * 100.0)),
        }
    };
    values
        .into_iter()
        .map(|at| Tick {
            at,
            label: label(at),
        })
        .collect()
}

fn linear(low: f64, high: f64, target: usize) -> Vec<f64> {
    let span = if high > low {
        high - low
    } else {
        low.abs().max(1.0)
    };
    let raw = span / target.max(2) as f64;
    let magnitude = libm::pow(10.0, libm::log10(raw).floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| m * magnitude)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(10.0 * magnitude);
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 1.0);
    let mut ticks = Vec::new();
    let mut k = first;
    // Multiples of the step, so that no error adds up; the bound guards a step lost in rounding.
    while k <= last && ticks.len() < 50 {
        ticks.push(k * step + 0.0);
        k += 1.0;
    }
    ticks
}

fn logarithmic(low: f64, high: f64, target: usize) -> Vec<f64> {
    let (bottom, top) = (libm::log10(low).floor(), libm::log10(high).ceil());
    let inside = |mantissas: &[f64], stride: f64| -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut decade = bottom;
        while decade <= top {
            for m in mantissas {
                let at = m * libm::pow(10.0, decade);
                if at >= low * 0.999_999 && at <= high * 1.000_001 {
                    ticks.push(at);
                }
            }
            decade += stride;
        }
        ticks
    };
    let dense = inside(&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], 1.0);
    if dense.len() < 3 {
        // Less than a factor of two: round differences read better than round ratios.
        let mut ticks = linear(low, high, target);
        ticks.retain(|t| *t > 0.0);
        return ticks;
    }
    let choices = [
        dense,
        inside(&[1.0, 2.0, 5.0], 1.0),
        inside(&[1.0, 3.0], 1.0),
    ];
    let mut stride = 1.0;
    let mut best = choices
        .into_iter()
        .find(|c| c.len() <= target + 2)
        .unwrap_or_else(|| inside(&[1.0], stride));
    while best.len() > target + 2 {
        stride += 1.0;
        best = inside(&[1.0], stride);
    }
    best
}

/// `value` with the digits that tell neighbours `step` apart, large ones in k, M, G.
fn number(value: f64, step: f64) -> String {
    let largest = value.abs().max(step.abs());
    let (divisor, suffix) = match largest {
        x if x >= 1e9 => (1e9, "G"),
        x if x >= 1e6 => (1e6, "M"),
        x if x >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let (value, step) = (value / divisor, step / divisor);
    let digits = (0..=8_i32)
        .find(|d| {
            let scaled = step * libm::pow(10.0, f64::from(*d));
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0) && scaled >= 0.5
        })
        .unwrap_or(2);
    let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(2));
    let zero = text
        .trim_start_matches('-')
        .chars()
        .all(|c| c == '0' || c == '.');
    let text = if zero {
        text.trim_start_matches('-')
    } else {
        &text
    };
    if text.trim_start_matches(['-', '0', '.']).is_empty() {
        return "0".to_owned();
    }
    format!("{text}{suffix}").replace('-', "\u{2212}")
}

/// A step between time ticks.
#[derive(Clone, Copy)]
enum Step {
    Months(u32),
    Days(u64),
    Seconds(i64),
}

const STEPS: [(f64, Step); 24] = {
    const DAY: f64 = 86_400.0;
    [
        (60.0, Step::Seconds(60)),
        (300.0, Step::Seconds(300)),
        (900.0, Step::Seconds(900)),
        (1_800.0, Step::Seconds(1_800)),
        (3_600.0, Step::Seconds(3_600)),
        (10_800.0, Step::Seconds(10_800)),
        (21_600.0, Step::Seconds(21_600)),
        (43_200.0, Step::Seconds(43_200)),
        (DAY, Step::Days(1)),
        (2.0 * DAY, Step::Days(2)),
        (7.0 * DAY, Step::Days(7)),
        (14.0 * DAY, Step::Days(14)),
        (30.4 * DAY, Step::Months(1)),
        (60.9 * DAY, Step::Months(2)),
        (91.3 * DAY, Step::Months(3)),
        (182.6 * DAY, Step::Months(6)),
        (365.2 * DAY, Step::Months(12)),
        (730.5 * DAY, Step::Months(24)),
        (1_461.0 * DAY, Step::Months(48)),
        (1_826.2 * DAY, Step::Months(60)),
        (3_652.4 * DAY, Step::Months(120)),
        (7_304.8 * DAY, Step::Months(240)),
        (18_262.1 * DAY, Step::Months(600)),
        (36_524.2 * DAY, Step::Months(1_200)),
    ]
};

/// Ticks at round UTC instants within `from..=to`, at most about `target` of them: years, months,
/// days, hours or minutes, whichever fits.
pub fn time_ticks(from: Timestamp, to: Timestamp, target: usize) -> Vec<Tick<Timestamp>> {
    let seconds = to.since(from).seconds();
    let wanted = seconds / target.max(1) as f64;
    let step = STEPS
        .iter()
        .find(|(length, _)| *length >= wanted)
        .map_or(Step::Months(2_400), |(_, step)| *step);
    let end = to.to_datetime();
    let mut at = first_at_or_before(from.to_datetime(), step);
    let mut ticks = Vec::new();
    // A step finer than a minute does not exist, so the number of ticks is bounded by the table;
    // the bound guards a target of zero.
    while let Some(instant) = at
        && instant <= end
        && ticks.len() < 100
    {
        if let Some(nanos) = instant.timestamp_nanos_opt()
            && Timestamp::from_nanos(nanos) >= from
        {
            ticks.push(Tick {
                at: Timestamp::from_nanos(nanos),
                label: time_label(instant, step),
            });
        }
        at = match step {
            Step::Months(m) => instant.checked_add_months(Months::new(m)),
            Step::Days(d) => instant.checked_add_days(Days::new(d)),
            Step::Seconds(s) => instant.checked_add_signed(TimeDelta::seconds(s)),
        };
    }
    ticks
}

fn first_at_or_before(from: DateTime<Utc>, step: Step) -> Option<DateTime<Utc>> {
    let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0).map(|t| t.and_utc());
    match step {
        Step::Months(m) => {
            let m = i32::try_from(m).ok()?;
            let months = from.year() * 12 + i32::try_from(from.month0()).ok()?;
            let floor = months - months.rem_euclid(m);
            let month = u32::try_from(floor.rem_euclid(12)).ok()? + 1;
            midnight(NaiveDate::from_ymd_opt(floor.div_euclid(12), month, 1)?)
        }
        Step::Days(_) => midnight(from.date_naive()),
        Step::Seconds(s) => {
            let whole = from.trunc_subsecs(0);
            let past = whole.timestamp().rem_euclid(s);
            whole.checked_sub_signed(TimeDelta::seconds(past))
        }
    }
}

fn time_label(at: DateTime<Utc>, step: Step) -> String {
    let pattern = match step {
        Step::Months(m) if m.is_multiple_of(12) => "%Y",
        Step::Months(_) => "%Y-%m",
        Step::Days(_) => "%Y-%m-%d",
        Step::Seconds(_) => "%m-%d %H:%M",
    };
    at.format(pattern).to_string()
}

/// `at` as a share of the way from `from` to `to`; one half when they are the same instant.
pub fn share_of_time(at: Timestamp, from: Timestamp, to: Timestamp) -> f64 {
    let whole = to.since(from).nanos();
    if whole <= 0 {
        return 0.5;
    }
    let second = NANOS_PER_SECOND as f64;
    (at.since(from).nanos() as f64 / second) / (whole as f64 / second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, scale: Scale, format: ValueFormat) -> Vec<String> {
        let ticks = value_ticks(low, high, scale, format, 5);
        assert!(ticks.windows(2).all(|w| w[0].at < w[1].at), "{ticks:?}");
        ticks.into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn value_ticks_are_round_and_cover_a_linear_range() {
        use Scale::Linear;
        use ValueFormat::{Number, Percent};
        for (low, high, format, expected) in [
            (0.0, 100.0, Number, "0 20 40 60 80 100"),
            (0.13, 0.52, Number, "0.1 0.2 0.3 0.4 0.5 0.6"),
            (-0.31, 0.0, Percent, "−40% −30% −20% −10% 0%"),
            (0.98, 1.02, Number, "0.98 0.99 1.00 1.01 1.02"),
            (1.0, 1.0, Number, "1.0 1.2"),
        ] {
            assert_eq!(labels(low, high, Linear, format).join(" "), expected);
        }
        assert_eq!(
            labels(900_000.0, 3_100_000.0, Linear, Number).join(" "),
            "500k 1.0M 1.5M 2.0M 2.5M 3.0M 3.5M"
        );
    }

    #[test]
    fn log_ticks_stay_inside_and_thin_out_over_many_decades() {
        let inside = |low: f64, high: f64| labels(low, high, Scale::Log, ValueFormat::Number);
        assert_eq!(inside(0.9, 60.0).join(" "), "1 2 5 10 20 50");
        assert!(inside(1e-9, 1e12).len() <= 7);
        assert_eq!(inside(3e5, 3e7).join(" "), "500k 1M 2M 5M 10M 20M");
        assert_eq!(inside(1.0, 1.3).join(" "), "1.0 1.1 1.2 1.3");
    }

    #[test]
    fn time_ticks_fall_on_round_dates() {
        let ticks = |from: &str, to: &str, target| -> String {
            let ticks = time_ticks(from.parse().unwrap(), to.parse().unwrap(), target);
            let labels: Vec<_> = ticks.into_iter().map(|t| t.label).collect();
            labels.join(" ")
        };
        assert_eq!(
            ticks("2000-03-01T00:00:00Z", "2013-03-01T00:00:00Z", 8),
            "2002 2004 2006 2008 2010 2012"
        );
        assert_eq!(
            ticks("2021-01-31T00:00:00Z", "2021-12-31T00:00:00Z", 5),
            "2021-04 2021-07 2021-10"
        );
        assert_eq!(
            ticks("2024-02-28T12:00:00Z", "2024-03-02T12:00:00Z", 4),
            "2024-02-29 2024-03-01 2024-03-02"
        );
        assert_eq!(
            ticks("2024-02-28T12:01:00Z", "2024-02-28T14:59:00Z", 4),
            "02-28 13:00 02-28 14:00"
        );
        assert_eq!(
            ticks("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", 5),
            "01-01 00:00"
        );
    }
}
