//! From records to lines of decisions.jsonl: each decision with everything that followed from it.

use ballast_domain::Result;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{DecisionRecord, IntentRecord, LegRecord, ResidualRecord};
use ballast_domain::orders::OrderType;
use ballast_domain::performance::SleeveBooks;
use ballast_domain::portfolio::Disposition;
use ballast_domain::strategy::{Decision, Note, SleeveAction, Target, Targets};

use super::inputs::Inputs;
use super::sleeve_lines;
use crate::run_directory::{DecisionLine, ExcludedLine, LegLine, OrderLine};

/// A decision that is still being carried out.
#[derive(Debug)]
pub(super) struct OpenDecision {
    decision: Decision,
    line: DecisionLine,
}

impl OpenDecision {
    /// The line of a decision on prices of `source`, without legs. `books` has taken it over already; `None` for a
    /// strategy that runs the account as one.
    ///
    /// # Errors
    /// `Execution` when an amount has more than 28 digits.
    pub(super) fn new(
        record: &DecisionRecord,
        source: &str,
        instruments: &Instruments,
        books: Option<&SleeveBooks>,
    ) -> Result<Self> {
        let line = DecisionLine {
            number: record.number,
            slot: record.slot,
            time: record.time,
            action: match &record.decision {
                Decision::Hold(_) => "hold".to_owned(),
                Decision::Targets(..) | Decision::Sleeves(_) => "targets".to_owned(),
            },
            reason: reason(&record.decision, books),
            equity: record.equity.to_decimal(instruments.base().scale)?,
            source: source.to_owned(),
            stale: Vec::new(),
            fresh_share: record.fresh_share,
            planned: record.planned,
            legs: Vec::new(),
            excluded: match books {
                Some(books) => sleeve_lines::excluded(books, instruments),
                None => excluded(&record.decision, instruments),
            },
            sleeves: books.map_or_else(Vec::new, |b| sleeve_lines::decided(&record.decision, b)),
        };
        Ok(Self {
            decision: record.decision.clone(),
            line,
        })
    }

    /// Adds what the decision means for one instrument, and for each sleeve as `books` stood
    /// before the leg.
    ///
    /// # Errors
    /// `Execution` when an amount has more than 28 digits.
    pub(super) fn add_leg(
        &mut self,
        record: &LegRecord,
        instruments: &Instruments,
        books: Option<&SleeveBooks>,
    ) -> Result<()> {
        let leg = &record.leg;
        let Some(instrument) = instruments.get(leg.instrument) else {
            return Ok(());
        };
        let cash_scale = instruments.base().scale;
        let sleeves = match books {
            Some(books) => sleeve_lines::of_leg(leg, instrument, books)?,
            None => Vec::new(),
        };
        let note = match books {
            // Each sleeve has its own.
            Some(_) => Note {
                signal: sleeve_lines::signal(&sleeves).into(),
                ..Note::default()
            },
            None => note(&self.decision, leg.instrument)
                .cloned()
                .unwrap_or_default(),
        };
        // A position without a target is closed for the reason its instrument was left out.
        let left_out = self
            .line
            .excluded
            .iter()
            .find(|e| e.symbol == instrument.symbol);
        let signal = match left_out {
            Some(excluded) if note.signal.is_empty() => excluded.reason.clone(),
            _ => note.signal.into_owned(),
        };
        self.line.legs.push(LegLine {
            symbol: instrument.symbol.clone(),
            signal,
            score: note.score,
            volatility: note.volatility,
            uncapped: note.uncapped,
            target: record.target.map(target_text),
            price: leg.price.to_decimal(instrument.price_scale)?,
            current: leg.current.to_decimal(instrument.quantity_scale)?,
            wanted: leg.target.to_decimal(instrument.quantity_scale)?,
            current_value: leg.current_value.to_decimal(cash_scale)?,
            target_value: leg.target_value.to_decimal(cash_scale)?,
            drift: (leg.target_value - leg.current_value).to_decimal(cash_scale)?,
            threshold: leg.threshold.to_decimal(cash_scale)?,
            disposition: disposition(leg.disposition),
            cut: None,
            orders: Vec::new(),
            residual: None,
            sleeves,
        });
        Ok(())
    }

    /// Adds an order that was wanted, under its leg.
    ///
    /// # Errors
    /// `Execution` when an amount has more than 28 digits.
    pub(super) fn add_order(
        &mut self,
        record: &IntentRecord,
        instruments: &Instruments,
    ) -> Result<()> {
        let intent = &record.intent;
        let Some(instrument) = instruments.get(intent.instrument) else {
            return Ok(());
        };
        let denied: Vec<_> = record
            .verdict
            .denied_by()
            .map(ballast_domain::risk::Control::name)
            .collect();
        let mut verdict = "passed".to_owned();
        if !denied.is_empty() {
            verdict = format!("denied by {}", denied.join(", "));
            if let Some(breach) = record.verdict.breach {
                let scale = instruments.base().scale;
                let (allowed, observed) = (breach.allowed.text(scale), breach.observed.text(scale));
                verdict.push_str(&format!(
                    ": {} allows {allowed}, not {observed}",
                    breach.control
                ));
            }
        }
        let order = OrderLine {
            order_id: intent.client_id.to_string(),
            side: intent.side.name().to_owned(),
            quantity: intent.quantity.to_decimal(instrument.quantity_scale)?,
            wanted: record.wanted.abs().to_decimal(instrument.quantity_scale)?,
            limit: match intent.order_type {
                OrderType::Market => None,
                OrderType::Limit(price) => Some(price.to_decimal(instrument.price_scale)?),
            },
            last_resort: record.last_resort,
            verdict,
        };
        if let Some(leg) = self.leg_mut(&instrument.symbol) {
            leg.cut = record
                .cut
                .map(|cut| cut.name().to_owned())
                .or(leg.cut.take());
            leg.orders.push(order);
        }
        Ok(())
    }

    /// Notes that a target was not reached.
    ///
    /// # Errors
    /// `Execution` when an amount has more than 28 digits.
    pub(super) fn add_residual(&mut self, record: &ResidualRecord, of: &Instruments) -> Result<()> {
        let Some(instrument) = of.get(record.instrument) else {
            return Ok(());
        };
        let missing = record.quantity.to_decimal(instrument.quantity_scale)?;
        if let Some(leg) = self.leg_mut(&instrument.symbol) {
            leg.cut = record
                .cut
                .map(|cut| cut.name().to_owned())
                .or(leg.cut.take());
            leg.residual = Some(missing);
        }
        Ok(())
    }

    fn leg_mut(&mut self, symbol: &str) -> Option<&mut LegLine> {
        self.line.legs.iter_mut().find(|l| l.symbol == symbol)
    }

    /// The finished line, with what was stale at its slot.
    pub(super) fn into_line(mut self, inputs: &mut Inputs) -> DecisionLine {
        self.line.stale = inputs.of(self.line.slot);
        self.line
    }
}

/// As [`LegLine::target`] has it.
pub(super) fn target_text(target: Target) -> String {
    match target {
        Target::Weight(w) => format!("{w} of equity"),
        Target::Units(u) => format!("{} units", u.normalize()),
        Target::Notional(n) => format!("{} in value", n.normalize()),
    }
}

fn disposition(disposition: Disposition) -> String {
    match disposition {
        Disposition::Trade => "trade".to_owned(),
        Disposition::AtTarget => "at_target".to_owned(),
        Disposition::BelowThreshold => "below_threshold".to_owned(),
        Disposition::BelowMinNotional => "below_min_notional".to_owned(),
        Disposition::NotFresh(state) => format!("not_fresh: {}", state.name()),
        Disposition::NoPrice => "no_price".to_owned(),
        Disposition::Blocked => "blocked".to_owned(),
    }
}

fn reason(decision: &Decision, books: Option<&SleeveBooks>) -> String {
    match decision {
        Decision::Hold(reason) | Decision::Targets(_, reason) => reason.to_string(),
        Decision::Sleeves(sleeves) => sleeves
            .iter()
            .map(|s| {
                let name = sleeve_lines::name(s.sleeve, books);
                match &s.action {
                    SleeveAction::Hold(reason) => format!("{name}: hold, {reason}"),
                    SleeveAction::Targets(_, reason) => format!("{name}: {reason}"),
                }
            })
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// The targets of every sleeve that gave new ones.
fn targets(decision: &Decision) -> impl Iterator<Item = &Targets> {
    let (one, many) = match decision {
        Decision::Hold(_) => (None, None),
        Decision::Targets(targets, _) => (Some(targets), None),
        Decision::Sleeves(sleeves) => (None, Some(sleeves)),
    };
    let of_sleeves = many.into_iter().flatten().filter_map(|s| match &s.action {
        SleeveAction::Targets(targets, _) => Some(targets),
        SleeveAction::Hold(_) => None,
    });
    one.into_iter().chain(of_sleeves)
}

/// The note of an instrument's target; with several sleeves, of the first that has one.
fn note(decision: &Decision, id: InstrumentId) -> Option<&Note> {
    targets(decision)
        .flat_map(Targets::entries)
        .find(|e| e.instrument == id)
        .map(|e| &e.note)
}

fn excluded(decision: &Decision, instruments: &Instruments) -> Vec<ExcludedLine> {
    targets(decision)
        .flat_map(Targets::excluded)
        .map(|e| ExcludedLine {
            symbol: instruments
                .get(e.instrument)
                .map_or_else(String::new, |i| i.symbol.clone()),
            reason: e.reason.to_string(),
        })
        .collect()
}
