//! A histogram of returns with the bad tail marked.

use std::fmt::Write;

use ballast_domain::performance::Bin;

use super::axis::{Scale, ValueFormat, value_ticks};
use super::escape::escape;
use super::html::Drawing;
use super::plot::Layout;

const TOP: f64 = 34.0;
const BOTTOM: f64 = 26.0;

/// Counts of returns by size, with vertical marks at named values.
#[derive(Clone, Debug)]
pub struct DistributionChart {
    title: String,
    unit: String,
    bins: Vec<Bin>,
    marks: Vec<(String, f64)>,
}

impl DistributionChart {
    /// A chart of `bins`, which are in order and of one width.
    pub fn new(title: impl Into<String>, unit: impl Into<String>, bins: &[Bin]) -> Self {
        Self {
            title: title.into(),
            unit: unit.into(),
            bins: bins.to_vec(),
            marks: Vec::new(),
        }
    }

    /// With a mark at `value`; without one, none.
    #[must_use]
    pub fn mark(mut self, name: impl Into<String>, value: Option<f64>) -> Self {
        if let Some(value) = value.filter(|v| v.is_finite()) {
            self.marks.push((name.into(), value));
        }
        self
    }

    fn draw(&self, out: &mut String, layout: &Layout, first: &Bin, last: &Bin) {
        let left = layout.left;
        let most = self.bins.iter().map(|b| b.count).max().unwrap_or(0);
        let counts = value_ticks(0.0, most as f64, Scale::Linear, ValueFormat::Number, 4);
        let top = counts.iter().map(|t| t.at).fold(1.0, f64::max);
        let (right, floor) = (layout.width - layout.right, layout.height - BOTTOM);
        let span = last.to - first.from;
        let x = |value: f64| left + (right - left) * ((value - first.from) / span);
        let y = |count: f64| floor - (floor - TOP) * (count / top);
        let spoken = format!(
            "Histogram: {}, {} bins from {:.4} to {:.4}, most in one bin {most}",
            self.title,
            self.bins.len(),
            first.from,
            last.to
        );
        layout.open(out, &spoken);
        for tick in &counts {
            _ = write!(
                out,
                "<path class=\"grid\" d=\"M{left} {y:.1}H{right}\"/><text class=\"v\" \
                 x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left - 7.0,
                y(tick.at) + 4.0,
                escape(&tick.label),
                y = y(tick.at),
            );
        }
        for bin in self.bins.iter().filter(|b| b.count > 0) {
            let side = if bin.to <= 0.0 { "loss" } else { "gain" };
            // A pixel of air between bars, and a bar of one value is still seen.
            let (from, to) = (x(bin.from) + 0.5, x(bin.to) - 0.5);
            let height = (floor - y(bin.count as f64)).max(1.0);
            _ = write!(
                out,
                "<rect class=\"{side}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
                 height=\"{height:.1}\"/>",
                floor - height,
                (to - from).max(0.5),
            );
        }
        let percent = ValueFormat::Percent;
        for tick in value_ticks(
            first.from,
            last.to,
            Scale::Linear,
            percent,
            layout.time_ticks,
        ) {
            if tick.at < first.from - 1e-12 || tick.at > last.to + 1e-12 {
                continue;
            }
            let x = x(tick.at);
            _ = write!(
                out,
                "<path class=\"axis\" d=\"M{x:.1} {floor}v5\"/><text x=\"{x:.1}\" \
                 y=\"{:.1}\">{}</text>",
                floor + 19.0,
                escape(&tick.label)
            );
        }
        _ = write!(out, "<path class=\"axis\" d=\"M{left} {floor}H{right}\"/>");
        for (n, (name, value)) in self.marks.iter().enumerate() {
            // Marks lie close together: each label has its own line.
            let (x, line) = (x(*value), 12.0 + 14.0 * (n % 2) as f64);
            _ = write!(
                out,
                "<path class=\"mark\" d=\"M{x:.1} {:.1}V{floor}\"/><text class=\"end ink\" \
                 x=\"{:.1}\" y=\"{line:.1}\">{}</text>",
                line - 8.0,
                x - 5.0,
                escape(name)
            );
        }
        out.push_str("</svg>");
    }
}

impl Drawing for DistributionChart {
    fn render(&self) -> String {
        let (title, unit) = (escape(&self.title), escape(&self.unit));
        let mut out = format!(
            "<figure class=\"chart\"><figcaption><strong>{title}</strong> \
             <span class=\"unit\">{unit}</span></figcaption>"
        );
        match (self.bins.first(), self.bins.last()) {
            (Some(first), Some(last)) => {
                for layout in [Layout::wide(260.0), Layout::narrow(260.0)] {
                    self.draw(&mut out, &layout, first, last);
                }
            }
            _ => out.push_str("<p class=\"empty\">No data to draw.</p>"),
        }
        out.push_str("</figure>\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_domain::performance::histogram;

    #[test]
    fn each_bin_with_a_value_is_a_bar_and_each_mark_a_line() {
        let bins = histogram(&[-0.03, -0.01, 0.0, 0.01, 0.01, 0.02]);
        let text = DistributionChart::new("t", "u", &bins)
            .mark("VaR <95>", Some(-0.025))
            .mark("none", None)
            .render();
        let filled = bins.iter().filter(|b| b.count > 0).count();
        assert_eq!(text.matches("<rect").count(), 2 * filled);
        assert_eq!(text.matches("class=\"mark\"").count(), 2);
        assert!(
            text.contains("VaR &lt;95&gt;") && !text.contains("NaN"),
            "{text}"
        );
        assert!(
            DistributionChart::new("t", "u", &[])
                .render()
                .contains("No data")
        );
    }
}
