//! What a strategy answers: hold, or targets with the notes that explain them.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::instrument::InstrumentId;

/// Why, in a few words; most are constants and cost nothing.
pub type Reason = Cow<'static, str>;

/// How much of an instrument is wanted; negative is short.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Share of the account's equity.
    Weight(f64),
    /// Units of the instrument.
    Units(Decimal),
    /// Value in the base currency.
    Notional(Decimal),
}

/// How a target came about, for `explain`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The signal's state or name.
    pub signal: Reason,
    /// The signal's value, if it has one.
    pub score: Option<f64>,
    /// The risk estimate that sized it, such as an annualised volatility.
    pub volatility: Option<f64>,
    /// The weight before caps.
    pub uncapped: Option<f64>,
}

/// One instrument's target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetEntry {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// How much is wanted.
    pub target: Target,
    /// How it came about.
    pub note: Note,
}

/// An instrument without a target, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Excluded {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Why it has none.
    pub reason: Reason,
}

/// Targets of some instruments. An instrument that is held and has none is closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Targets {
    entries: Vec<TargetEntry>,
    excluded: Vec<Excluded>,
}

impl Targets {
    /// No target: everything held is closed.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            excluded: Vec::new(),
        }
    }

    /// No target yet, and room for this many: a decision over many names grows without being moved.
    pub fn with_capacity(targets: usize) -> Self {
        Self {
            entries: Vec::with_capacity(targets),
            excluded: Vec::new(),
        }
    }

    /// With a target for `instrument`.
    #[must_use]
    #[inline]
    pub fn with(mut self, instrument: InstrumentId, target: Target) -> Self {
        self.push(instrument, target, Note::default());
        self
    }

    /// Adds a target with its note.
    #[inline]
    pub fn push(&mut self, instrument: InstrumentId, target: Target, note: Note) {
        self.entries.push(TargetEntry {
            instrument,
            target,
            note,
        });
    }

    /// Notes why an instrument has no target.
    pub fn exclude(&mut self, instrument: InstrumentId, reason: impl Into<Reason>) {
        self.excluded.push(Excluded {
            instrument,
            reason: reason.into(),
        });
    }

    /// The targets, in the order they were given.
    pub fn entries(&self) -> &[TargetEntry] {
        &self.entries
    }

    /// What has no target, and why.
    pub fn excluded(&self) -> &[Excluded] {
        &self.excluded
    }
}

/// A part of the account run by one idea.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SleeveId(pub u16);

/// What one sleeve wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SleeveAction {
    /// Keep the sleeve's last target.
    Hold(Reason),
    /// New targets.
    Targets(Targets, Reason),
}

/// One sleeve's part of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SleeveDecision {
    /// Which sleeve.
    pub sleeve: SleeveId,
    /// Its share of the account; the account's target is the sum of allocation × target.
    pub allocation: f64,
    /// What it wants.
    pub action: SleeveAction,
}

/// A strategy's answer at a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing changes; drift is left alone.
    Hold(Reason),
    /// New targets for the whole account (one sleeve, allocation 1).
    Targets(Targets, Reason),
    /// Several sleeves.
    Sleeves(Vec<SleeveDecision>),
}

impl Decision {
    /// Hold, because of a constant reason.
    pub const fn hold(reason: &'static str) -> Self {
        Self::Hold(Cow::Borrowed(reason))
    }
}
