//! `data import|list|show|verify|repair|export`: the catalog of market data under HOME.

use std::path::{Path, PathBuf};

use ballast_domain::error::Error;
use ballast_domain::market::contract::Verdict;
use ballast_domain::market::{ActionKind, BarSize, CorporateAction};
use ballast_files::catalog::{
    Added, Catalog, CatalogSeries, ExportOptions, Exported, Incoming, Manifest, RepairReport,
    SecondSource, Selection, VerifyReport, View,
};
use ballast_files::{CheckedData, ContractDefect, ContractOptions, CsvSource, load_checked};
use ballast_ports::Clock;
use serde::Serialize;

use crate::config::nearest;
use crate::drivers::RunError;
use crate::exit::{Exit, Failure};

/// A file to take in, and how it is to be understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportRequest {
    /// A CSV or Parquet file, or a folder of them.
    pub file: PathBuf,
    /// CSV of splits, dividends and delistings.
    pub actions: Option<PathBuf>,
    /// Bar size; `None` takes the commonest distance between rows.
    pub bar: Option<String>,
    /// Calendar; `None` takes the one the dates follow.
    pub calendar: Option<String>,
    /// Symbols that must be there, and no others; a file without symbols holds the one expected.
    pub symbols: Vec<String>,
    /// What the bytes must hash to.
    pub checksum: Option<String>,
    /// Take data that a repair without loss makes good.
    pub repair: bool,
    /// Take data without the rows the contract drops.
    pub drop_rows: bool,
}

/// What an import did, and what was wrong with the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Imported {
    /// The folder of the catalog.
    pub catalog: String,
    /// The verdict on the data: accept, warn, or the repair that was allowed.
    pub verdict: Verdict,
    /// Rows of the data.
    pub rows: u64,
    /// Rows that were used.
    pub rows_usable: u64,
    /// Every reason of the verdict.
    pub defects: Vec<ContractDefect>,
    /// What was new.
    #[serde(flatten)]
    pub added: Added,
}

/// The catalog under `home`.
pub fn catalog(home: &Path) -> Catalog {
    Catalog::new(home.join("catalog"))
}

/// Checks a file and takes what is new into the catalog.
///
/// # Errors
/// As [`load_checked`] and [`Catalog::add`].
pub fn import(
    home: &Path,
    request: &ImportRequest,
    clock: &dyn Clock,
) -> Result<Imported, Failure> {
    let catalog = catalog(home);
    let data = load(request, clock)?;
    let incoming: Vec<Incoming<'_>> = (data.series.iter())
        .map(|(symbol, series)| Incoming {
            symbol,
            bar: data.bar,
            calendar: data.calendar,
            fields: data.fields,
            price_decimals: data.price_decimals.get(symbol).copied().unwrap_or(0),
            series,
        })
        .collect();
    let added = catalog.add(&incoming).map_err(RunError::Port)?;
    Ok(Imported {
        catalog: catalog.root().display().to_string(),
        verdict: data.report.verdict,
        rows: data.report.rows,
        rows_usable: data.report.rows_usable,
        defects: data.report.defects,
        added,
    })
}

fn load(request: &ImportRequest, clock: &dyn Clock) -> Result<CheckedData, Failure> {
    let options = ContractOptions {
        bar: request.bar.as_deref().map(str::parse).transpose()?,
        calendar: request.calendar.as_deref().map(str::parse).transpose()?,
        now: Some(clock.now()),
        expect: request.symbols.clone(),
        checksum: request.checksum.as_deref().map(str::parse).transpose()?,
        actions: request.actions.clone().map(CsvSource::Path),
        ..ContractOptions::new(CsvSource::Path(request.file.clone()))
    };
    let at_most = match (request.repair, request.drop_rows) {
        (_, true) => Verdict::DropRows,
        (true, false) => Verdict::Repair,
        (false, false) => Verdict::Warn,
    };
    let loaded = load_checked(&options, at_most).map_err(|e| match e.kind {
        // The words of the library, as the flags of the program.
        ballast_ports::ErrorKind::InvalidData if e.operation == "load" => {
            let file = request.file.display();
            e.hint(format!(
                "see every reason with: ballast data check {file}; --repair sorts rows and joins \
                 equal ones, --drop-rows leaves out what was named"
            ))
        }
        _ => e,
    });
    Ok(loaded.map_err(RunError::Port)?)
}

/// What a catalog holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    /// The folder.
    pub catalog: String,
    /// The manifest.
    #[serde(flatten)]
    pub manifest: Manifest,
}

/// What there is, from the manifest alone.
///
/// # Errors
/// As [`Catalog::manifest`].
pub fn list(home: &Path) -> Result<Listing, Failure> {
    let catalog = catalog(home);
    Ok(Listing {
        catalog: catalog.root().display().to_string(),
        manifest: catalog.manifest().map_err(RunError::Port)?,
    })
}

/// One symbol in one bar size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// What the manifest says.
    pub series: CatalogSeries,
    /// Corporate actions, in time order.
    pub corporate_actions: Vec<CorporateAction>,
}

/// Everything about a symbol, its bars proven.
///
/// # Errors
/// `DataMissing` for an unknown symbol, with the nearest known one; as [`Catalog::series`].
pub fn show(home: &Path, symbol: &str, bar: Option<BarSize>) -> Result<Vec<Shown>, Failure> {
    let catalog = catalog(home);
    let manifest = catalog.manifest().map_err(RunError::Port)?;
    let of_symbol = manifest.series.iter().filter(|s| s.symbol == symbol);
    let found: Vec<CatalogSeries> = of_symbol
        .filter(|s| bar.is_none_or(|bar| s.bar == bar))
        .cloned()
        .collect();
    if found.is_empty() {
        let error = Error::missing(format!("there is no symbol '{symbol}' in the catalog"));
        let known = manifest.series.iter().map(|s| s.symbol.as_str());
        return Err(match nearest(symbol, known) {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error.hint("see what there is with: ballast data list"),
        }
        .into());
    }
    let mut shown = Vec::new();
    for series in found {
        let selection = Selection {
            symbols: vec![symbol.to_owned()],
            bar: Some(series.bar),
        };
        let mut proven = catalog.series(&selection).map_err(RunError::Port)?;
        shown.push(Shown {
            series,
            corporate_actions: proven.remove(symbol).unwrap_or_default().actions,
        });
    }
    Ok(shown)
}

/// A corporate action in words.
pub fn described(action: &CorporateAction) -> String {
    match action.kind {
        ActionKind::Split(ratio) => format!("split {} for {}", ratio.new, ratio.old),
        ActionKind::Dividend(cash) => format!("dividend {cash}"),
        ActionKind::Delisting => "delisting".to_owned(),
    }
}

/// Reads and proves every byte of the catalog.
///
/// # Errors
/// As [`Catalog::verify`].
pub fn verify(home: &Path) -> Result<VerifyReport, Failure> {
    Ok(catalog(home).verify().map_err(RunError::Port)?)
}

/// Damage is state that cannot be trusted.
pub fn exit_of_verify(report: &VerifyReport) -> Exit {
    if report.damaged.is_empty() {
        Exit::Ok
    } else {
        Exit::StateRefused
    }
}

/// Restores damaged files from another catalog, or from a file that is checked as an import is.
///
/// # Errors
/// As [`Catalog::repair`] and [`load_checked`].
pub fn repair(
    home: &Path,
    from: &ImportRequest,
    clock: &dyn Clock,
) -> Result<RepairReport, Failure> {
    let catalog = catalog(home);
    let folders = [from.file.clone(), from.file.join("catalog")];
    let other = folders
        .iter()
        .find(|folder| folder.join("manifest").is_file());
    let outcome = match other {
        Some(folder) => catalog.repair(SecondSource::Catalog(&Catalog::new(folder))),
        None => catalog.repair(SecondSource::Series(&load(from, clock)?.series)),
    };
    Ok(outcome.map_err(RunError::Port)?)
}

/// What is left damaged is state that cannot be trusted.
pub fn exit_of_repair(report: &RepairReport) -> Exit {
    if report.unrepaired.is_empty() {
        Exit::Ok
    } else {
        Exit::StateRefused
    }
}

/// What to write of the catalog, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportRequest {
    /// The file: `.csv` or `.parquet`.
    pub file: PathBuf,
    /// Symbols; empty for all.
    pub symbols: Vec<String>,
    /// Bar size; `None` when there is only one.
    pub bar: Option<String>,
    /// Whether to add what holding each symbol earned.
    pub total_return: bool,
    /// A CSV file for corporate actions.
    pub actions: Option<PathBuf>,
}

/// Writes series of the catalog as one file.
///
/// # Errors
/// As [`Catalog::export`].
pub fn export(home: &Path, request: &ExportRequest) -> Result<Exported, Failure> {
    let options = ExportOptions {
        selection: Selection {
            symbols: request.symbols.clone(),
            bar: request.bar.as_deref().map(str::parse).transpose()?,
        },
        view: if request.total_return {
            View::TotalReturn
        } else {
            View::Raw
        },
        file: request.file.clone(),
        actions: request.actions.clone(),
    };
    Ok(catalog(home).export(&options).map_err(RunError::Port)?)
}
