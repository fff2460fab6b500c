//! What can be wrong with market data, by name, and what follows from it.

use serde::{Deserialize, Serialize};

/// What may be done with data. Ordered from harmless to useless.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Use it as it is.
    #[default]
    Accept,
    /// Usable, and somebody should look at it.
    Warn,
    /// Usable after a repair that loses nothing.
    Repair,
    /// The rows named must not be used; the rest is usable.
    DropRows,
    /// Not to be used at all.
    Reject,
}

impl Verdict {
    /// The word in answers, such as `drop_rows`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Warn => "warn",
            Self::Repair => "repair",
            Self::DropRows => "drop_rows",
            Self::Reject => "reject",
        }
    }
}

/// The kind of a defect. Serialised in capitals, such as `HIGH_LT_LOW`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DefectCode {
    /// High below low.
    HighLtLow,
    /// Open above the high of its bar.
    OpenAboveHigh,
    /// Open below the low of its bar.
    OpenBelowLow,
    /// Close above the high of its bar.
    CloseAboveHigh,
    /// Close below the low of its bar.
    CloseBelowLow,
    /// Empty, NaN or null where a value is needed.
    MissingValue,
    /// A price of zero or less.
    NonPositivePrice,
    /// A volume below zero.
    NegativeVolume,
    /// Infinite or too large.
    NotFinite,
    /// Not a plain number.
    BadNumber,
    /// A move that comes and goes between bars, or a lone price far outside its bar.
    PriceSpike,
    /// A run of bars without volume among bars that have some.
    ZeroVolumeRun,
    /// A run of bars that repeat each other.
    StuckPrice,
    /// The same bar twice.
    DuplicateTimestamp,
    /// Two different bars of one time.
    DuplicateConflict,
    /// Earlier than the row before it.
    NotSorted,
    /// A time of day without a zone; read as UTC.
    NaiveTimestamp,
    /// Not on the grid of the bar size.
    OffGrid,
    /// Later than now.
    FutureTimestamp,
    /// The newest bar is too old.
    StaleData,
    /// A bar that has not closed yet.
    PartialBar,
    /// A few expected bars are absent.
    MissingBar,
    /// Many expected bars in a row are absent.
    GapTooLong,
    /// Not a time, or one that cannot be right.
    BadTimestamp,
    /// A date with slashes that can be read in two ways.
    AmbiguousDate,
    /// A required column is absent.
    MissingColumn,
    /// A column is there twice.
    DuplicateColumn,
    /// A byte order mark; ignored.
    Bom,
    /// Not UTF-8 text.
    BadEncoding,
    /// Cut short.
    Truncated,
    /// An integrity check fails, or the bytes cannot be decoded.
    Corrupt,
    /// A column of a type that cannot hold what its name says.
    WrongType,
    /// No rows.
    Empty,
    /// The wrong number of cells.
    BadRow,
    /// Symbols that differ only in case or blanks.
    SymbolCase,
    /// A row of another symbol.
    SymbolMismatch,
    /// A lasting change of level by a whole factor.
    PossibleSplit,
    /// A day without a session in the calendar.
    NonSessionDay,
    /// A corporate action that cannot be understood.
    BadAction,
}

impl DefectCode {
    /// What usually follows from it; a finding may be milder.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::HighLtLow
            | Self::OpenAboveHigh
            | Self::OpenBelowLow
            | Self::CloseAboveHigh
            | Self::CloseBelowLow
            | Self::MissingValue
            | Self::NonPositivePrice
            | Self::NegativeVolume
            | Self::NotFinite
            | Self::BadNumber
            | Self::PriceSpike
            | Self::OffGrid
            | Self::FutureTimestamp
            | Self::PartialBar
            | Self::BadTimestamp
            | Self::BadRow
            | Self::NonSessionDay => Verdict::DropRows,
            Self::ZeroVolumeRun
            | Self::StuckPrice
            | Self::MissingBar
            | Self::SymbolMismatch
            | Self::PossibleSplit => Verdict::Warn,
            Self::DuplicateTimestamp | Self::NotSorted | Self::Bom | Self::SymbolCase => {
                Verdict::Repair
            }
            Self::DuplicateConflict
            | Self::NaiveTimestamp
            | Self::StaleData
            | Self::GapTooLong
            | Self::AmbiguousDate
            | Self::MissingColumn
            | Self::DuplicateColumn
            | Self::BadEncoding
            | Self::Truncated
            | Self::Corrupt
            | Self::WrongType
            | Self::Empty
            | Self::BadAction => Verdict::Reject,
        }
    }
}
