//! What to read and how to understand it.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ballast_domain::calendar::Calendar;
use ballast_domain::error::Error;
use ballast_domain::market::{BarSize, Fields, PriceBasis};
use serde::{Deserialize, Serialize};

use crate::contract_stage::ContractStage;

/// Where the bytes are.
#[derive(Clone, PartialEq, Eq)]
pub enum CsvSource {
    /// A file, or a folder whose `*.csv` and `*.csv.gz` files hold one symbol each.
    Path(PathBuf),
    /// A file that is already in memory, such as one embedded in the program.
    Bytes {
        /// Its file name; the stem is the symbol when there is no symbol column.
        name: String,
        /// Its content, plain or gzipped.
        data: Cow<'static, [u8]>,
    },
}

impl fmt::Debug for CsvSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Bytes { name, data } => {
                write!(f, "Bytes({name:?}, {} bytes)", data.len())
            }
        }
    }
}

/// The order of a date written with slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateFormat {
    /// `12/31/2018`.
    #[serde(rename = "M/D/YYYY")]
    MonthDayYear,
    /// `31/12/2018`.
    #[serde(rename = "D/M/YYYY")]
    DayMonthYear,
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MonthDayYear => "M/D/YYYY",
            Self::DayMonthYear => "D/M/YYYY",
        })
    }
}

impl FromStr for DateFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "M/D/YYYY" => Ok(Self::MonthDayYear),
            "D/M/YYYY" => Ok(Self::DayMonthYear),
            _ => Err(Error::config(format!("'{text}' is not a date format"))
                .hint("use M/D/YYYY or D/M/YYYY; other date formats are recognised")),
        }
    }
}

/// What to read and how to understand it.
#[derive(Clone, Debug)]
pub struct CsvOptions {
    /// The bars.
    pub source: CsvSource,
    /// Splits, dividends and delistings: `date, symbol, kind (split | dividend | delisting),
    /// value`. They take effect at the session open of their date.
    pub actions: Option<CsvSource>,
    /// When the instruments trade.
    pub calendar: Calendar,
    /// Bar size; found from the timestamps when absent.
    pub bar: Option<BarSize>,
    /// Order of dates with slashes; found from the dates when they allow only one.
    pub date_format: Option<DateFormat>,
    /// What the prices mean.
    pub basis: PriceBasis,
    /// Use this column as the close and scale open, high and low by its ratio to the close of the
    /// file. The prices are then back-adjusted. Volume stays as it is.
    pub adjust: Option<String>,
    /// Columns a long file must have. A wide table has only closes.
    pub required: Fields,
    /// Whether rows are held against the data contract as well, and what follows; `None` only
    /// reads, and refuses what cannot be read.
    pub contract: Option<ContractStage>,
}

impl CsvOptions {
    /// Raw prices with all five columns, no corporate actions, everything else found out.
    pub fn new(source: CsvSource, calendar: Calendar) -> Self {
        Self {
            source,
            actions: None,
            calendar,
            bar: None,
            date_format: None,
            basis: PriceBasis::Raw,
            adjust: None,
            required: Fields::ALL,
            contract: None,
        }
    }

    /// What the delivered prices mean: back-adjusted when a column is used to adjust.
    pub const fn delivered_basis(&self) -> PriceBasis {
        match self.adjust {
            Some(_) => PriceBasis::BackAdjusted,
            None => self.basis,
        }
    }
}
