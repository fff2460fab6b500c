//! One line of decisions.jsonl: signal, weight, cap, threshold and lots of every instrument.

use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{DecisionRecord, LegRecord};
use ballast_domain::portfolio::{Disposition, Leg};
use ballast_domain::strategy::{Decision, Note, SleeveAction, Target, Targets};
use serde::Serialize;

use super::text;

/// A decision whose legs are still being collected.
#[derive(Debug)]
pub struct DecisionLine {
    record: DecisionRecord,
    legs: Vec<LegRecord>,
}

#[derive(Serialize)]
struct Line<'a> {
    record: &'static str,
    decision: u32,
    time: String,
    slot: String,
    equity: String,
    fresh_share: f64,
    planned: bool,
    reason: String,
    instruments: Vec<Row<'a>>,
}

/// One instrument of a decision. Absent keys do not apply.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
struct Row<'a> {
    symbol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volatility: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncapped_weight: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(flatten)]
    leg: Option<LegRow>,
}

#[derive(Serialize)]
struct LegRow {
    price: String,
    current_quantity: String,
    target_quantity: String,
    current_value: String,
    target_value: String,
    drift: String,
    threshold: String,
    disposition: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<&'static str>,
}

impl DecisionLine {
    /// A line without legs.
    pub fn new(record: &DecisionRecord) -> Self {
        Self { record: record.clone(), legs: Vec::new() }
    }

    /// Adds what the decision means for one instrument.
    pub fn add_leg(&mut self, leg: &LegRecord) {
        self.legs.push(leg.clone());
    }

    /// The line as JSON.
    pub fn render(&self, instruments: &Instruments) -> String {
        let cash_scale = instruments.base().scale;
        let r = &self.record;
        let line = Line {
            record: "decision",
            decision: r.number,
            time: text::time(r.time),
            slot: text::time(r.slot),
            equity: r.equity.text(cash_scale),
            fresh_share: r.fresh_share,
            planned: r.planned,
            reason: reason(&r.decision),
            instruments: instruments
                .ids()
                .zip(instruments.all())
                .filter_map(|(id, i)| self.row(id, &i.symbol, instruments))
                .collect(),
        };
        serde_json::to_string(&line).expect("plain data always serialises")
    }

    fn row<'a>(
        &self,
        id: InstrumentId,
        symbol: &'a str,
        instruments: &Instruments,
    ) -> Option<Row<'a>> {
        let (note, excluded) = notes(&self.record.decision, id);
        let leg = self.legs.iter().find(|l| l.leg.instrument == id);
        if note.is_none() && excluded.is_none() && leg.is_none() {
            return None;
        }
        let target = leg.and_then(|l| l.target);
        Some(Row {
            symbol,
            excluded,
            signal: note.as_ref().map(|n| n.signal.to_string()).filter(|s| !s.is_empty()),
            score: note.as_ref().and_then(|n| n.score),
            volatility: note.as_ref().and_then(|n| n.volatility),
            uncapped_weight: note.as_ref().and_then(|n| n.uncapped),
            weight: match target {
                Some(Target::Weight(w)) => Some(w),
                _ => None,
            },
            target: match target {
                Some(Target::Units(u)) => Some(format!("{u} units")),
                Some(Target::Notional(n)) => Some(format!("{n} notional")),
                _ => None,
            },
            leg: leg.map(|l| leg_row(&l.leg, instruments)),
        })
    }
}

fn leg_row(leg: &Leg, instruments: &Instruments) -> LegRow {
    let cash_scale = instruments.base().scale;
    let (price_scale, quantity_scale) = instruments
        .get(leg.instrument)
        .map_or((0, 0), |i| (i.price_scale, i.quantity_scale));
    LegRow {
        price: leg.price.text(price_scale),
        current_quantity: leg.current.text(quantity_scale),
        target_quantity: leg.target.text(quantity_scale),
        current_value: leg.current_value.text(cash_scale),
        target_value: leg.target_value.text(cash_scale),
        drift: (leg.target_value - leg.current_value).text(cash_scale),
        threshold: leg.threshold.text(cash_scale),
        disposition: disposition(leg.disposition),
        lane: match leg.disposition {
            Disposition::NotFresh(state) => Some(state.name()),
            _ => None,
        },
    }
}

const fn disposition(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Trade => "trade",
        Disposition::AtTarget => "at_target",
        Disposition::BelowThreshold => "below_threshold",
        Disposition::BelowMinNotional => "below_min_notional",
        Disposition::NotFresh(_) => "not_fresh",
        Disposition::NoPrice => "no_price",
        Disposition::Blocked => "blocked",
    }
}

fn reason(decision: &Decision) -> String {
    match decision {
        Decision::Hold(reason) | Decision::Targets(_, reason) => reason.to_string(),
        Decision::Sleeves(sleeves) => sleeves
            .iter()
            .map(|s| match &s.action {
                SleeveAction::Hold(reason) => format!("sleeve {}: hold, {reason}", s.sleeve.0),
                SleeveAction::Targets(_, reason) => format!("sleeve {}: {reason}", s.sleeve.0),
            })
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// The note of an instrument's target, or why it has none. With several sleeves, the first that
/// says something.
fn notes(decision: &Decision, id: InstrumentId) -> (Option<Note>, Option<String>) {
    let of = |targets: &Targets| {
        let note = targets.entries().iter().find(|e| e.instrument == id).map(|e| e.note.clone());
        let excluded = targets.excluded().iter().find(|e| e.instrument == id);
        (note, excluded.map(|e| e.reason.to_string()))
    };
    match decision {
        Decision::Hold(_) => (None, None),
        Decision::Targets(targets, _) => of(targets),
        Decision::Sleeves(sleeves) => sleeves
            .iter()
            .filter_map(|s| match &s.action {
                SleeveAction::Targets(targets, _) => Some(of(targets)),
                SleeveAction::Hold(_) => None,
            })
            .find(|(note, excluded)| note.is_some() || excluded.is_some())
            .unwrap_or((None, None)),
    }
}
