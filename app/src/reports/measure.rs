//! How a figure of `summary.json` is written for people: by its key.

use super::figures::{amount, count, percent};

/// What a figure measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A share of one.
    Share,
    /// Money.
    Money,
    /// A count.
    Count,
    /// A number without a unit.
    Ratio,
}

const SHARES: [&str; 23] = [
    "total_return",
    "cagr",
    "annual_vol",
    "downside_deviation",
    "max_drawdown",
    "hit_rate",
    "best",
    "worst",
    "ulcer_index",
    "win_rate",
    "exposure_time",
    "average_gross",
    "fees_of_traded",
    "fees_a_year",
    "return_without_costs",
    "cost_of_costs",
    "alpha",
    "active_return",
    "tracking_error",
    "var_hist",
    "var_param",
    "es_hist",
    "es_tail_mean",
];

const MONEY: [&str; 13] = [
    "initial_cash",
    "final_equity",
    "fees",
    "income",
    "average_win",
    "average_loss",
    "expectancy",
    "largest_win",
    "largest_loss",
    "net_pnl",
    "gross_pnl",
    "traded_notional",
    "average_equity",
];

impl Measure {
    /// Of the figure at the dotted path `key`; `whole` when the file writes it as a whole number.
    pub fn of(key: &str, whole: bool) -> Self {
        let group = key.rsplit_once('.').map_or("", |(group, _)| group);
        // A confidence level is written with a point: `var_hist_0.95`.
        let name = leaf(key);
        let name = name.split_once("_0.").map_or(name, |(name, _)| name);
        if SHARES.contains(&name) || group == "analysis.years" {
            Self::Share
        } else if MONEY.contains(&name) {
            Self::Money
        } else if whole {
            Self::Count
        } else {
            Self::Ratio
        }
    }

    /// The value; a dash when it is not defined.
    pub fn text(self, value: Option<f64>) -> String {
        value.map_or_else(|| "–".to_owned(), |value| self.number(value))
    }

    /// A difference, with its sign; `0` when there is none, a dash when it is not defined.
    pub fn difference(self, value: Option<f64>) -> String {
        match value {
            None => "–".to_owned(),
            Some(0.0) => "0".to_owned(),
            Some(value) => {
                let text = match self {
                    Self::Share => self.number(value).replace('%', "pp"),
                    _ => self.number(value),
                };
                // What rounds to zero and is none keeps its direction.
                if text.starts_with('-') {
                    text
                } else if value < 0.0 {
                    format!("-{text}")
                } else {
                    format!("+{text}")
                }
            }
        }
    }

    fn number(self, value: f64) -> String {
        match self {
            // Beyond these a plain number is a row of digits that nobody reads.
            Self::Share if value.abs() >= 1e6 => format!("{:.3e} %", value * 100.0),
            Self::Share => percent(value),
            Self::Ratio if value.abs() >= 1e9 => format!("{value:.3e}"),
            Self::Money => amount(value),
            Self::Count => {
                let text = count(rounded(value.abs()));
                if value < 0.0 {
                    format!("-{text}")
                } else {
                    text
                }
            }
            Self::Ratio => format!("{:.4}", value + 0.0),
        }
    }
}

/// The last part of a dotted path; a point inside a number parts nothing.
pub fn leaf(key: &str) -> &str {
    match key.split_once("_0.") {
        Some((before, _)) => &key[before.rfind('.').map_or(0, |at| at + 1)..],
        None => key.rsplit_once('.').map_or(key, |(_, leaf)| leaf),
    }
}

/// The path without its last part; empty for the headline.
pub fn group(key: &str) -> &str {
    key[..key.len() - leaf(key).len()].trim_end_matches('.')
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count read from a file as a whole number that is not negative"
)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_by_what_they_measure() {
        for (key, whole, value, text, difference) in [
            (
                "metrics.var_hist_0.95",
                false,
                -0.0196,
                "-1.96 %",
                "-1.96 pp",
            ),
            ("analysis.years.2001", false, 0.5, "50.00 %", "+50.00 pp"),
            (
                "robustness.costs x4.total_return",
                false,
                1.5,
                "150.00 %",
                "+150.00 pp",
            ),
            ("fees", false, 30_260.963_6, "30,260.96", "+30,260.96"),
            ("trades", true, 44.0, "44", "+44"),
            ("orders.fills", true, -1_234.0, "-1,234", "-1,234"),
            ("metrics.sharpe", false, 0.559_158, "0.5592", "+0.5592"),
            ("metrics.sharpe", false, 0.0, "0.0000", "0"),
            ("metrics.cagr", false, 2.5e40, "2.500e42 %", "+2.500e42 pp"),
            ("metrics.cagr", false, -1e-9, "0.00 %", "-0.00 pp"),
        ] {
            let measure = Measure::of(key, whole);
            assert_eq!(measure.text(Some(value)), text, "{key}");
            assert_eq!(measure.difference(Some(value)), difference, "{key}");
        }
        assert_eq!(Measure::Share.text(None), "–");
        assert_eq!(Measure::Share.difference(None), "–");
    }

    #[test]
    fn paths_part_at_points_but_not_inside_a_number() {
        for (key, before, last) in [
            ("sharpe", "", "sharpe"),
            ("metrics.var_hist_0.95", "metrics", "var_hist_0.95"),
            (
                "benchmarks.sp500.comparison.beta",
                "benchmarks.sp500.comparison",
                "beta",
            ),
        ] {
            assert_eq!((group(key), leaf(key)), (before, last));
        }
    }
}
