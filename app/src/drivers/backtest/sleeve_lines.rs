//! What each sleeve decided and wants, by name, for the lines of decisions.jsonl.

use ballast_domain::Result;
use ballast_domain::instrument::{Instrument, InstrumentId, Instruments};
use ballast_domain::performance::{SleeveBook, SleeveBooks};
use ballast_domain::portfolio::Leg;
use ballast_domain::strategy::{Decision, Note, SleeveAction, SleeveId, Target};

use super::decisions::target_text;
use crate::run_directory::{ExcludedLine, SleeveLegLine, SleeveLine};

/// The name of a sleeve; `sleeve 3` when its strategy gave none.
pub(super) fn name(id: SleeveId, books: Option<&SleeveBooks>) -> String {
    let book = books.and_then(|b| b.sleeves().get(usize::from(id.0)));
    book.map_or_else(|| format!("sleeve {}", id.0), |b| b.name.clone())
}

/// The sleeves of a decision.
pub(super) fn decided(decision: &Decision, books: &SleeveBooks) -> Vec<SleeveLine> {
    let Decision::Sleeves(sleeves) = decision else {
        return Vec::new();
    };
    let line = |s: &ballast_domain::strategy::SleeveDecision| {
        let (action, reason) = match &s.action {
            SleeveAction::Hold(reason) => ("hold", reason),
            SleeveAction::Targets(_, reason) => ("targets", reason),
        };
        SleeveLine {
            sleeve: name(s.sleeve, Some(books)),
            allocation: s.allocation,
            action: action.to_owned(),
            reason: reason.to_string(),
        }
    };
    sleeves.iter().map(line).collect()
}

/// What each sleeve that says something about the leg's instrument, or holds it, wants of it.
///
/// # Errors
/// `Execution` when a quantity has more than 28 digits.
pub(super) fn of_leg(
    leg: &Leg,
    instrument: &Instrument,
    books: &SleeveBooks,
) -> Result<Vec<SleeveLegLine>> {
    let mut lines = Vec::new();
    for (book, wanted) in books.sleeves().iter().zip(books.wanted(leg)) {
        let id = leg.instrument;
        let (target, note) = wish(book, id).unzip();
        let left_out = reason(book, id);
        let current = book.held(id);
        if target.is_none() && left_out.is_none() && current.is_zero() {
            continue;
        }
        let note = note.cloned().unwrap_or_default();
        lines.push(SleeveLegLine {
            sleeve: book.name.clone(),
            signal: left_out.map_or_else(|| note.signal.to_string(), str::to_owned),
            score: note.score,
            volatility: note.volatility,
            uncapped: note.uncapped,
            target: target.map(target_text),
            current: current.to_decimal(instrument.quantity_scale)?,
            wanted: wanted.to_decimal(instrument.quantity_scale)?,
        });
    }
    Ok(lines)
}

/// All signals of a leg in one line.
pub(super) fn signal(lines: &[SleeveLegLine]) -> String {
    let said = lines.iter().filter(|l| !l.signal.is_empty());
    let texts = said.map(|l| format!("{}: {}", l.sleeve, l.signal));
    texts.collect::<Vec<_>>().join("; ")
}

/// Instruments no sleeve has a target for, with the reason of each that gave one.
pub(super) fn excluded(books: &SleeveBooks, instruments: &Instruments) -> Vec<ExcludedLine> {
    let sleeves = books.sleeves();
    let unwanted = |id: &InstrumentId| !sleeves.iter().any(|book| wish(book, *id).is_some());
    let line = |id: InstrumentId| {
        let reasons = sleeves
            .iter()
            .filter_map(|book| Some(format!("{}: {}", book.name, reason(book, id)?)));
        let reason = reasons.collect::<Vec<_>>().join("; ");
        let symbol = instruments.get(id)?.symbol.clone();
        (!reason.is_empty()).then_some(ExcludedLine { symbol, reason })
    };
    instruments
        .ids()
        .filter(unwanted)
        .filter_map(line)
        .collect()
}

/// What a sleeve wants of an instrument, its allocation counted.
fn wish(book: &SleeveBook, id: InstrumentId) -> Option<(Target, &Note)> {
    let mut entries = book.targets.entries().iter();
    let entry = entries.find(|e| e.instrument == id)?;
    let target = match entry.target {
        Target::Weight(weight) => Target::Weight(book.allocation * weight),
        amount => amount,
    };
    Some((target, &entry.note))
}

/// Why a sleeve has no target for an instrument.
fn reason(book: &SleeveBook, id: InstrumentId) -> Option<&str> {
    let mut excluded = book.targets.excluded().iter();
    excluded.find(|e| e.instrument == id).map(|e| &*e.reason)
}
