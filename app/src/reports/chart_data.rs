//! The values of a chart, embedded beside its drawing for the page's script.

use std::fmt::Write;

use ballast_domain::time::{NANOS_PER_SECOND, Timestamp};

use super::axis::{Scale, ValueFormat};
use super::escape::json_text;

/// A chart as JSON in a data block: instants in steps of a common unit, values rounded to what a
/// reader is shown.
#[derive(Clone, Debug)]
pub struct ChartData {
    format: ValueFormat,
    head: String,
    series: String,
}

impl ChartData {
    /// Lines over `times`, which ascend.
    pub(super) fn lines(
        format: ValueFormat,
        scale: Scale,
        filled: bool,
        times: &[Timestamp],
    ) -> Self {
        let log = scale == Scale::Log;
        Self::new("line", format, log, filled, times)
    }

    /// Areas upon each other over `times`, which ascend.
    pub(super) fn stack(format: ValueFormat, times: &[Timestamp]) -> Self {
        Self::new("stack", format, false, true, times)
    }

    fn new(kind: &str, format: ValueFormat, log: bool, fill: bool, times: &[Timestamp]) -> Self {
        let seconds: Vec<i64> = times.iter().map(|t| t.nanos() / NANOS_PER_SECOND).collect();
        let steps = || seconds.windows(2).map(|w| w[1] - w[0]);
        let unit = steps().fold(0, gcd).max(1);
        let mut list = String::with_capacity(3 * seconds.len());
        for step in steps() {
            _ = write!(list, "{},", step / unit);
        }
        list.pop();
        let percent = format == ValueFormat::Percent;
        let start = seconds.first().copied().unwrap_or(0);
        Self {
            format,
            head: format!(
                "{{\"kind\":\"{kind}\",\"percent\":{percent},\"log\":{log},\"fill\":{fill},\
                 \"start\":{start},\"unit\":{unit},\"steps\":[{list}],\"series\":["
            ),
            series: String::new(),
        }
    }

    /// Adds the values of one line, one for each time; those that are not finite are gaps.
    pub(super) fn add(&mut self, name: &str, values: impl Iterator<Item = f64>) {
        if !self.series.is_empty() {
            self.series.push(',');
        }
        _ = write!(self.series, "{{\"name\":{},\"values\":[", json_text(name));
        for value in values {
            if value.is_finite() {
                self.number(value);
            } else {
                self.series.push_str("null");
            }
            self.series.push(',');
        }
        if self.series.ends_with(',') {
            self.series.pop();
        }
        self.series.push_str("]}");
    }

    /// Shares to a thousandth of a percent, others to seven significant digits.
    fn number(&mut self, value: f64) {
        let digits = match self.format {
            ValueFormat::Percent => 5,
            ValueFormat::Number => (0..7_u8)
                .find(|d| value.abs() * libm::pow(10.0, f64::from(*d)) >= 1e6)
                .unwrap_or(7),
        };
        let text = format!("{value:.*}", usize::from(digits));
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        self.series.push_str(if text == "-0" { "0" } else { text });
    }

    /// The data block.
    pub(super) fn render(&self) -> String {
        format!(
            "<script type=\"application/json\">{}{}]}}</script>",
            self.head, self.series
        )
    }
}

const fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(n: i64) -> Vec<Timestamp> {
        let day = |i| Timestamp::from_seconds(i * 86_400).unwrap();
        (0..n).map(day).collect()
    }

    fn values(format: ValueFormat, values: &[f64]) -> serde_json::Value {
        let n = i64::try_from(values.len()).unwrap();
        let mut data = ChartData::lines(format, Scale::Linear, false, &days(n));
        data.add("</script><b>", values.iter().copied());
        let text = data.render();
        assert_eq!(text.matches("</script>").count(), 1, "{text}");
        let json = text
            .strip_prefix("<script type=\"application/json\">")
            .and_then(|t| t.strip_suffix("</script>"))
            .unwrap();
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(json["series"][0]["name"], "</script><b>");
        json
    }

    #[test]
    fn times_are_steps_of_a_common_unit() {
        let json = values(ValueFormat::Number, &[1.0; 4]);
        assert_eq!((&json["start"], &json["unit"]), (&0.into(), &86_400.into()));
        assert_eq!(json["steps"], serde_json::json!([1, 1, 1]));
    }

    #[test]
    fn values_are_rounded_to_what_is_shown_and_gaps_are_null() {
        let json = values(
            ValueFormat::Number,
            &[1_234_567.891, 12.345_678_9, f64::NAN, -0.0, 1e12],
        );
        assert_eq!(
            json["series"][0]["values"].to_string(),
            "[1234568,12.34568,null,0,1000000000000]"
        );
        let json = values(ValueFormat::Percent, &[0.123_456_7, -0.5, 1e-9]);
        assert_eq!(json["series"][0]["values"].to_string(), "[0.12346,-0.5,0]");
    }
}
