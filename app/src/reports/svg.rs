//! Line charts over time as inline SVG: no scripts, colours from CSS, readable on a phone.

use std::fmt::Write;

use ballast_domain::time::Timestamp;

use super::axis::{Scale, ValueFormat, time_ticks, value_ticks};
use super::chart_data::ChartData;
use super::escape::escape;
use super::html::Drawing;
use super::plot::{Frame, Layout, Plot};
use super::polyline::runs;

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Points in time order. Values that are not finite leave a gap, and so do values that are
    /// not positive on a log scale.
    pub points: Vec<(Timestamp, f64)>,
}

/// A chart of up to six lines over time, with a title, a legend and labelled axes.
///
/// It renders as a `figure` holding two drawings of the same data, one for wide and one for
/// narrow screens; the page's style sheet shows the one that fits. Each series is thinned to 1,500
/// points (500 in the narrow drawing) that keep its extremes.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    title: String,
    unit: String,
    scale: Scale,
    format: ValueFormat,
    height: f64,
    filled: bool,
    series: Vec<Series>,
}

/// Number of line styles in the style sheet; further series repeat them.
const STYLES: usize = 6;

impl LineChart {
    /// An empty chart on a linear scale of plain numbers. `unit` says what the vertical axis
    /// shows, such as `equity, USD`.
    pub fn new(title: impl Into<String>, unit: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            unit: unit.into(),
            scale: Scale::Linear,
            format: ValueFormat::Number,
            height: 340.0,
            filled: false,
            series: Vec::new(),
        }
    }

    /// With this vertical scale.
    #[must_use]
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// With vertical labels in this format.
    #[must_use]
    pub fn format(mut self, format: ValueFormat) -> Self {
        self.format = format;
        self
    }

    /// With this height in CSS pixels of the wide drawing (340 unless told).
    #[must_use]
    pub fn height(mut self, height: f64) -> Self {
        self.height = height;
        self
    }

    /// With the area between the first series and zero filled, as for drawdowns.
    #[must_use]
    pub fn filled_to_zero(mut self) -> Self {
        self.filled = true;
        self
    }

    /// With one more line.
    #[must_use]
    pub fn series(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (Timestamp, f64)>,
    ) -> Self {
        self.series.push(Series {
            name: name.into(),
            points: points.into_iter().collect(),
        });
        self
    }

    fn markup(&self) -> String {
        let mut out = String::with_capacity(96 * 1024);
        out.push_str("<figure class=\"chart\"><figcaption><strong>");
        out.push_str(&escape(&self.title));
        out.push_str("</strong> <span class=\"unit\">");
        out.push_str(&escape(&self.unit));
        if self.scale == Scale::Log {
            out.push_str(" (log scale)");
        }
        out.push_str("</span>");
        self.legend(&mut out);
        out.push_str("</figcaption>");
        let Some(frame) = self.frame() else {
            out.push_str("<p class=\"empty\">No data to draw.</p></figure>\n");
            return out;
        };
        for layout in [Layout::wide(self.height), Layout::narrow(self.height)] {
            self.draw(&mut out, &frame, &layout);
        }
        if let Some(data) = self.data() {
            out.push_str(&data.render());
        }
        out.push_str("</figure>\n");
        out
    }

    /// What the page's script needs to draw the chart again; `None` when its lines do not share
    /// their times.
    fn data(&self) -> Option<ChartData> {
        let times: Vec<_> = self.series.first()?.points.iter().map(|p| p.0).collect();
        let shared = |s: &Series| s.points.iter().map(|p| p.0).eq(times.iter().copied());
        if !self.series.iter().all(shared) {
            return None;
        }
        let mut data = ChartData::lines(self.format, self.scale, self.filled, &times);
        for series in &self.series {
            data.add(&series.name, series.points.iter().map(|p| p.1));
        }
        Some(data)
    }

    fn legend(&self, out: &mut String) {
        if self.series.len() < 2 {
            return;
        }
        out.push_str("<ul class=\"legend\">");
        for (i, series) in self.series.iter().enumerate() {
            let (style, name) = (i % STYLES, escape(&series.name));
            _ = write!(
                out,
                "<li><svg width=\"26\" height=\"10\" aria-hidden=\"true\">\
                 <line class=\"s{style}\" x1=\"1\" y1=\"5\" x2=\"25\" y2=\"5\"/></svg> {name}</li>"
            );
        }
        out.push_str("</ul>");
    }

    fn drawable(&self, value: f64) -> bool {
        value.is_finite() && (self.scale == Scale::Linear || value > 0.0)
    }

    /// The ranges of time and value; `None` without a point to draw.
    fn frame(&self) -> Option<Frame> {
        let points = self.series.iter().flat_map(|s| &s.points);
        let mut frame: Option<Frame> = None;
        for &(at, value) in points.filter(|p| self.drawable(p.1)) {
            let f = frame.get_or_insert(Frame {
                from: at,
                to: at,
                low: value,
                high: value,
                lowest: value,
                highest: value,
            });
            f.from = f.from.min(at);
            f.to = f.to.max(at);
            f.low = f.low.min(value);
            f.high = f.high.max(value);
        }
        let f = frame.as_mut()?;
        // Gaps at either end keep their place, so that charts of one run line up.
        for (at, _) in self.series.iter().flat_map(|s| &s.points) {
            f.from = f.from.min(*at);
            f.to = f.to.max(*at);
        }
        (f.lowest, f.highest) = (f.low, f.high);
        match self.scale {
            Scale::Linear if self.filled => {
                f.low = f.low.min(0.0);
                f.high = f.high.max(0.0);
            }
            Scale::Linear => {}
            Scale::Log => {
                // Linear ticks leave air above and below; a log axis ends at its range, so widen
                // it by a twentieth of its length, never out of the range of f64.
                let air = libm::pow(f.high / f.low, 0.05).min(2.0);
                f.low = (f.low / air).max(f64::MIN_POSITIVE);
                f.high = (f.high * air).min(f64::MAX);
            }
        }
        frame
    }

    fn draw(&self, out: &mut String, frame: &Frame, layout: &Layout) {
        let values = value_ticks(
            frame.low,
            frame.high,
            self.scale,
            self.format,
            layout.value_ticks,
        );
        let times = time_ticks(frame.from, frame.to, layout.time_ticks);
        let plot = Plot::new(frame, &values, self.scale, layout);
        layout.open(out, &self.spoken(frame));
        plot.axes(out, &values, &times);
        for (i, series) in self.series.iter().enumerate().rev() {
            self.line(out, &plot, series, i, layout.budget);
        }
        out.push_str("</svg>");
    }

    /// The chart in one sentence, for those who cannot see it.
    fn spoken(&self, frame: &Frame) -> String {
        let names: Vec<&str> = self.series.iter().map(|s| s.name.as_str()).collect();
        format!(
            "Line chart: {}, {}, from {} to {}; lines: {}; lowest value {:.4}, highest {:.4}",
            self.title,
            self.unit,
            frame.from.date(),
            frame.to.date(),
            names.join(", "),
            frame.lowest,
            frame.highest
        )
    }

    fn line(&self, out: &mut String, plot: &Plot, series: &Series, index: usize, budget: usize) {
        let values: Vec<f64> = series.points.iter().map(|p| p.1).collect();
        let (mut path, mut area) = (String::with_capacity(16 * budget), String::new());
        for run in runs(&values, |v| self.drawable(v), budget) {
            let begun = path.len();
            for (k, &i) in run.iter().enumerate() {
                let (at, value) = series.points[i];
                let letter = if k == 0 { 'M' } else { 'L' };
                _ = write!(path, "{letter}{:.1} {:.1}", plot.x(at), plot.y(value));
            }
            let (first, last) = (series.points[run[0]].0, series.points[run[run.len() - 1]].0);
            if run.len() == 1 {
                // A round cap makes a dot of a line without length.
                path.push_str("h0");
            } else if self.filled && index == 0 && self.scale == Scale::Linear {
                area.push_str(&path[begun..]);
                let (y, right, left) = (plot.y(0.0), plot.x(last), plot.x(first));
                _ = write!(area, "L{right:.1} {y:.1}L{left:.1} {y:.1}Z");
            }
        }
        let style = index % STYLES;
        if !area.is_empty() {
            _ = write!(out, "<path class=\"area a{style}\" d=\"{area}\"/>");
        }
        if !path.is_empty() {
            _ = write!(out, "<path class=\"s{style}\" d=\"{path}\"/>");
        }
    }
}

impl Drawing for LineChart {
    /// An HTML `figure`. Its look comes from [`STYLE`](super::html::STYLE).
    fn render(&self) -> String {
        self.markup()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(n: i64, f: impl Fn(i64) -> f64) -> Vec<(Timestamp, f64)> {
        (0..n)
            .map(|i| (Timestamp::from_seconds(i * 86_400).unwrap(), f(i)))
            .collect()
    }

    #[test]
    fn an_empty_chart_says_so() {
        let none = LineChart::new("Equity", "USD");
        let gaps = none.clone().series("a", days(3, |_| f64::NAN));
        let negative = none
            .clone()
            .scale(Scale::Log)
            .series("a", days(3, |_| -1.0));
        for chart in [none.clone(), none.series("a", []), gaps, negative] {
            let text = chart.render();
            assert!(text.contains("No data to draw."), "{text}");
            assert!(!text.contains("viewBox"), "{text}");
        }
    }

    #[test]
    fn names_are_text_and_not_markup() {
        let text = LineChart::new("<b>\"T\"", "a&b")
            .series("x<y", days(3, |_| 1.0))
            .series("z", days(3, |_| 2.0))
            .render();
        assert!(!text.contains("<b>") && !text.contains("x<y"), "{text}");
        assert!(text.contains("&lt;b&gt;&quot;T&quot;") && text.contains("a&amp;b"));
    }

    #[test]
    fn the_spoken_range_is_that_of_the_data() {
        let chart = LineChart::new("t", "u").scale(Scale::Log);
        let text = chart.series("a", days(3, |i| 100.0 + i as f64)).render();
        assert!(
            text.contains("lowest value 100.0000, highest 102.0000"),
            "{text}"
        );
        assert!(text.contains("from 1970-01-01 to 1970-01-03"), "{text}");
    }

    #[test]
    fn no_coordinate_is_ever_nan() {
        for scale in [Scale::Linear, Scale::Log] {
            for points in [
                days(1, |_| 5.0),
                days(4, |_| 5.0),
                days(9, |i| if i == 4 { f64::NAN } else { i as f64 - 2.0 }),
                days(3, |i| 1e-300 * i as f64),
            ] {
                let chart = LineChart::new("t", "u").scale(scale).series("a", points);
                let text = chart.filled_to_zero().render();
                assert!(text.contains("<path class=\"s0\""), "{text}");
                assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            }
        }
    }

    #[test]
    fn long_series_are_thinned_in_both_drawings() {
        let chart = LineChart::new("t", "u").series("a", days(50_000, |i| (i % 97) as f64));
        let text = chart.render();
        let lines = text.matches('L').count();
        assert!((1_900..=2_100).contains(&lines), "{lines} segments");
    }
}
