//! The frame of a chart over time: sizes, axes, and where a value is on the paper.

use std::fmt::Write;

use ballast_domain::time::Timestamp;

use super::axis::{Scale, Tick, share_of_time};
use super::escape::escape;

/// The sizes of one drawing.
pub(super) struct Layout {
    pub(super) class: &'static str,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) time_ticks: usize,
    pub(super) value_ticks: usize,
    pub(super) budget: usize,
}

const TOP: f64 = 8.0;
const BOTTOM: f64 = 26.0;

impl Layout {
    /// For wide screens and paper.
    pub(super) const fn wide(height: f64) -> Self {
        Self {
            class: "wide",
            width: 960.0,
            height,
            left: 58.0,
            right: 14.0,
            time_ticks: 9,
            value_ticks: 6,
            budget: 1_500,
        }
    }

    /// For narrow screens.
    pub(super) const fn narrow(height: f64) -> Self {
        Self {
            class: "narrow",
            width: 380.0,
            height: height.min(260.0),
            left: 54.0,
            right: 10.0,
            time_ticks: 4,
            value_ticks: 4,
            budget: 500,
        }
    }

    /// Opens the drawing; `spoken` is for those who cannot see it.
    pub(super) fn open(&self, out: &mut String, spoken: &str) {
        _ = write!(
            out,
            "<svg class=\"{}\" viewBox=\"0 0 {} {}\" data-left=\"{}\" data-right=\"{}\" \
             role=\"img\" aria-label=\"{}\">",
            self.class,
            self.width,
            self.height,
            self.left,
            self.right,
            escape(spoken)
        );
    }
}

/// What has to fit into a drawing.
pub(super) struct Frame {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) low: f64,
    pub(super) high: f64,
    /// The values themselves, without the air around them.
    pub(super) lowest: f64,
    pub(super) highest: f64,
}

/// Where things are in a drawing.
pub(super) struct Plot {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) bottom_value: f64,
    pub(super) top_value: f64,
    pub(super) scale: Scale,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) floor: f64,
}

impl Plot {
    pub(super) fn new(frame: &Frame, values: &[Tick<f64>], scale: Scale, layout: &Layout) -> Self {
        let ticks = || values.iter().map(|t| t.at);
        Self {
            from: frame.from,
            to: frame.to,
            bottom_value: ticks().fold(frame.low, f64::min),
            top_value: ticks().fold(frame.high, f64::max),
            scale,
            left: layout.left,
            right: layout.width - layout.right,
            floor: layout.height - BOTTOM,
        }
    }

    pub(super) fn x(&self, at: Timestamp) -> f64 {
        self.left + (self.right - self.left) * share_of_time(at, self.from, self.to)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let along = |v: f64| match self.scale {
            Scale::Linear => v,
            Scale::Log => libm::log10(v),
        };
        let (low, high) = (along(self.bottom_value), along(self.top_value));
        let share = if high > low {
            (along(value) - low) / (high - low)
        } else {
            0.5
        };
        self.floor - (self.floor - TOP) * share
    }

    pub(super) fn axes(&self, out: &mut String, values: &[Tick<f64>], times: &[Tick<Timestamp>]) {
        let (left, right, floor) = (self.left, self.right, self.floor);
        for tick in values {
            let y = self.y(tick.at);
            let class = if tick.at == 0.0 { "zero" } else { "grid" };
            _ = write!(
                out,
                "<path class=\"{class}\" d=\"M{left} {y:.1}H{right}\"/>\
                 <text class=\"v\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left - 7.0,
                y + 4.0,
                escape(&tick.label)
            );
        }
        _ = write!(out, "<path class=\"axis\" d=\"M{left} {floor}H{right}\"/>");
        for tick in times {
            let x = self.x(tick.at);
            // A label is about 7 pixels a letter; at the edges it leans inwards.
            let half = 3.5 * tick.label.chars().count() as f64;
            let anchor = if x + half > right + 10.0 {
                " class=\"end\""
            } else if x - half < 0.0 {
                " class=\"start\""
            } else {
                ""
            };
            _ = write!(
                out,
                "<path class=\"axis\" d=\"M{x:.1} {floor}v5\"/>\
                 <text{anchor} x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                floor + 19.0,
                escape(&tick.label)
            );
        }
    }
}
