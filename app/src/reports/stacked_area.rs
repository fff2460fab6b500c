//! Shares over time upon each other: what a book was made of.

use std::fmt::Write;

use ballast_domain::time::Timestamp;

use super::axis::{Scale, ValueFormat, time_ticks, value_ticks};
use super::chart_data::ChartData;
use super::escape::escape;
use super::html::Drawing;
use super::plot::{Frame, Layout, Plot};

/// The fills of the style sheet: eleven colours, and grey for what is not invested.
pub const COLOURS: usize = 11;

/// The fill for what is not invested.
pub const REST: usize = COLOURS;

/// The most instants kept; longer series are thinned to every n-th, the last included.
const MOST: usize = 1_500;

#[derive(Clone, Debug)]
struct Layer {
    name: String,
    fill: usize,
    values: Vec<f64>,
}

/// Layers of shares at common instants; positive shares are stacked above zero, negative ones
/// below.
#[derive(Clone, Debug)]
pub struct StackedArea {
    title: String,
    unit: String,
    times: Vec<Timestamp>,
    /// Which of the given instants are kept.
    kept: Vec<usize>,
    layers: Vec<Layer>,
}

impl StackedArea {
    /// A chart without layers over `times`, which ascend.
    pub fn new(title: impl Into<String>, unit: impl Into<String>, times: &[Timestamp]) -> Self {
        let stride = times.len().div_ceil(MOST).max(1);
        let mut kept: Vec<usize> = (0..times.len()).step_by(stride).collect();
        if let Some(last) = times.len().checked_sub(1)
            && kept.last() != Some(&last)
        {
            kept.push(last);
        }
        Self {
            title: title.into(),
            unit: unit.into(),
            times: kept.iter().map(|i| times[*i]).collect(),
            kept,
            layers: Vec::new(),
        }
    }

    /// With one more layer in the colour `fill` (at most [`REST`]): a value for each of the times
    /// given, zero where there is none.
    #[must_use]
    pub fn layer(mut self, name: impl Into<String>, fill: usize, values: &[f64]) -> Self {
        let value = |i: &usize| values.get(*i).copied().filter(|v| v.is_finite());
        let values = self.kept.iter().map(|i| value(i).unwrap_or(0.0)).collect();
        self.layers.push(Layer {
            name: name.into(),
            fill: fill.min(REST),
            values,
        });
        self
    }

    /// For each layer the edges it runs between, lower first.
    fn edges(&self) -> Vec<Vec<(f64, f64)>> {
        let mut above = vec![0.0; self.times.len()];
        let mut below = vec![0.0; self.times.len()];
        let layer = |layer: &Layer| {
            let edge = |(i, value): (usize, &f64)| {
                let side = if *value < 0.0 { &mut below } else { &mut above };
                let from = side[i];
                side[i] += value;
                (from, side[i])
            };
            layer.values.iter().enumerate().map(edge).collect()
        };
        self.layers.iter().map(layer).collect()
    }

    fn draw(&self, out: &mut String, edges: &[Vec<(f64, f64)>], layout: &Layout) {
        let tops = || edges.iter().flatten().map(|e| e.1);
        let (low, high) = (tops().fold(0.0, f64::min), tops().fold(0.0, f64::max));
        let (Some(from), Some(to)) = (self.times.first(), self.times.last()) else {
            return;
        };
        let frame = Frame {
            from: *from,
            to: *to,
            low,
            high,
            lowest: low,
            highest: high,
        };
        // Rounding of a full book must not open another step of the axis.
        let near = |v: f64| (v * 1e4).round() / 1e4;
        let percent = ValueFormat::Percent;
        let values = value_ticks(near(low), near(high), Scale::Linear, percent, 5);
        let times = time_ticks(*from, *to, layout.time_ticks);
        let plot = Plot::new(&frame, &values, Scale::Linear, layout);
        let names: Vec<&str> = self.layers.iter().map(|l| l.name.as_str()).collect();
        let spoken = format!(
            "Stacked areas: {}, {}, from {} to {}; layers: {}",
            self.title,
            self.unit,
            from.date(),
            to.date(),
            names.join(", ")
        );
        layout.open(out, &spoken);
        let stride = self.times.len().div_ceil(layout.budget / 3).max(1);
        let last = self.times.len() - 1;
        let drawn: Vec<usize> = (0..last).step_by(stride).chain([last]).collect();
        for (layer, edges) in self.layers.iter().zip(edges) {
            let mut path = String::with_capacity(24 * drawn.len());
            for (n, &i) in drawn.iter().enumerate() {
                let letter = if n == 0 { 'M' } else { 'L' };
                let (x, y) = (plot.x(self.times[i]), plot.y(edges[i].1));
                _ = write!(path, "{letter}{x:.1} {y:.1}");
            }
            for &i in drawn.iter().rev() {
                let (x, y) = (plot.x(self.times[i]), plot.y(edges[i].0));
                _ = write!(path, "L{x:.1} {y:.1}");
            }
            _ = write!(out, "<path class=\"fill f{}\" d=\"{path}Z\"/>", layer.fill);
        }
        plot.axes(out, &values, &times);
        out.push_str("</svg>");
    }
}

impl Drawing for StackedArea {
    fn render(&self) -> String {
        let (title, unit) = (escape(&self.title), escape(&self.unit));
        let mut out = format!(
            "<figure class=\"chart\"><figcaption><strong>{title}</strong> \
             <span class=\"unit\">{unit}</span><ul class=\"legend\">"
        );
        for layer in &self.layers {
            let (fill, name) = (layer.fill, escape(&layer.name));
            _ = write!(
                out,
                "<li><svg width=\"14\" height=\"12\" aria-hidden=\"true\"><rect class=\"fill \
                 f{fill}\" width=\"12\" height=\"12\"/></svg> {name}</li>"
            );
        }
        out.push_str("</ul></figcaption>");
        if self.times.is_empty() || self.layers.is_empty() {
            out.push_str("<p class=\"empty\">No data to draw.</p></figure>\n");
            return out;
        }
        let edges = self.edges();
        for layout in [Layout::wide(260.0), Layout::narrow(260.0)] {
            self.draw(&mut out, &edges, &layout);
        }
        let mut data = ChartData::stack(ValueFormat::Percent, &self.times);
        for layer in &self.layers {
            data.add(&layer.name, layer.values.iter().copied());
        }
        out.push_str(&data.render());
        out.push_str("</figure>\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(n: i64) -> Vec<Timestamp> {
        let day = |i| Timestamp::from_seconds(i * 86_400).unwrap();
        (0..n).map(day).collect()
    }

    #[test]
    fn gains_are_stacked_above_zero_and_shorts_below() {
        let chart = StackedArea::new("t", "u", &days(2))
            .layer("a", 0, &[0.5, 0.5])
            .layer("b", 1, &[-0.2, 0.25])
            .layer("c", 2, &[-0.1, f64::NAN]);
        let edges = chart.edges();
        assert_eq!(edges[0], [(0.0, 0.5), (0.0, 0.5)]);
        assert_eq!(edges[1], [(0.0, -0.2), (0.5, 0.75)]);
        assert_eq!(edges[2][1], (0.75, 0.75));
        assert!((edges[2][0].1 + 0.3).abs() < 1e-15);
        let text = chart.render();
        assert_eq!(text.matches("class=\"fill f1\" d=").count(), 2);
        assert!(!text.contains("NaN"), "{text}");
    }

    #[test]
    fn long_series_keep_their_last_instant_and_empty_ones_say_so() {
        let chart = StackedArea::new("t", "u", &days(4_000)).layer("a", 0, &[1.0; 4_000]);
        assert!(chart.times.len() <= MOST + 1);
        assert_eq!(chart.times.last(), days(4_000).last());
        let empty = StackedArea::new("<t>", "u", &[]).render();
        assert!(empty.contains("No data to draw.") && empty.contains("&lt;t&gt;"));
    }
}
