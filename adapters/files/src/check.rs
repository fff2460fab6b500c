//! All of a source, read and checked.

use std::collections::BTreeMap;

use ballast_domain::market::{Fields, PriceBasis, Series};
use ballast_ports::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::actions;
use crate::assemble::assemble;
use crate::defect::{Defect, Defects};
use crate::inventory::{Inventory, SymbolInventory, data_hash};
use crate::options::{CsvOptions, CsvSource};
use crate::rows::{Place, Rows, read_file};
use crate::session::Sessions;
use crate::source;

/// What a source holds and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckReport {
    /// Rows below the headers.
    pub rows: u64,
    /// Bars that could be used.
    pub rows_usable: u64,
    /// Symbols with at least one usable bar.
    pub symbols: Vec<String>,
    /// Defects by file and line, at most 10,000.
    pub defects: Vec<Defect>,
    /// All defects of severity error, listed or not.
    pub errors: u64,
    /// All defects of severity warning, listed or not.
    pub warnings: u64,
}

/// Reads everything and reports every defect instead of refusing at the first.
///
/// # Errors
/// `NotFound`, `Unauthenticated` or `Unavailable` when a file cannot be read, `Config` when the
/// options contradict each other or the calendar cannot answer.
pub fn check(options: &CsvOptions) -> Result<CheckReport> {
    let read = read(options)?;
    Ok(CheckReport {
        rows: read.rows,
        rows_usable: read.series.values().map(|s| s.bars.len() as u64).sum(),
        symbols: read.series.into_keys().collect(),
        defects: read.defects.kept,
        errors: read.defects.errors,
        warnings: read.defects.warnings,
    })
}

/// A source as far as it could be read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) series: BTreeMap<String, Series>,
    pub(crate) defects: Defects,
    pub(crate) rows: u64,
    /// Absent when no time could be understood.
    pub(crate) inventory: Option<Inventory>,
}

pub(crate) fn read(options: &CsvOptions) -> Result<Read> {
    let basis = options.delivered_basis();
    if basis == PriceBasis::BackAdjusted && options.actions.is_some() {
        return Err(Error::new(
            ErrorKind::Config,
            "open",
            "corporate actions are given for back-adjusted prices",
        )
        .hint("adjusted prices contain them already: use raw prices, or leave the actions out"));
    }
    let actions_path = match &options.actions {
        Some(CsvSource::Path(path)) => Some(path.as_path()),
        _ => None,
    };
    let (files, is_folder) = source::read(&options.source, actions_path)?;
    let actions_file = match &options.actions {
        Some(source) => source::read(source, None)?.0,
        None => Vec::new(),
    };
    let mut defects = Defects::default();
    let mut rows = Rows::default();
    let place = match (is_folder, files.len()) {
        (false, _) => Place::Alone,
        (true, 1) => Place::OnlyOfFolder,
        (true, _) => Place::OneOfFolder,
    };
    for (index, file) in files.iter().enumerate() {
        read_file(index, file, place, options, &mut rows, &mut defects);
    }
    let assembled = assemble(&files, &mut rows, options, &mut defects)?;
    let Some(mut assembled) = assembled else {
        defects.conclude(&files[0].name, false);
        return Ok(Read {
            series: BTreeMap::new(),
            defects,
            rows: rows.count,
            inventory: None,
        });
    };
    for file in &actions_file {
        actions::attach(
            file,
            assembled.date_format,
            &mut Sessions::new(options.calendar),
            &mut assembled.series,
            &mut defects,
        )?;
    }
    defects.explain_splits(&assembled.series);
    defects.conclude(&files[0].name, !assembled.series.is_empty());
    let digests: Vec<_> = files
        .iter()
        .chain(&actions_file)
        .map(|file| file.digest.clone())
        .collect();
    let symbol = |(symbol, series): (&String, &Series)| {
        let opens = series.bars.open_times();
        let decimals = rows.symbols.get(symbol).map_or(0, |r| r.decimals);
        let one = SymbolInventory {
            bars: opens.len(),
            actions: series.actions.len(),
            first: opens.first().copied().unwrap_or_default(),
            last: opens.last().copied().unwrap_or_default(),
            price_decimals: decimals,
            place: rows.symbols.get(symbol).and_then(|r| r.place).unwrap_or(0),
        };
        (symbol.clone(), one)
    };
    Ok(Read {
        rows: rows.count,
        inventory: Some(Inventory {
            data_hash: data_hash(&digests),
            files: digests,
            rows: rows.count,
            bar: assembled.bar,
            basis,
            fields: rows.fields.unwrap_or(Fields::CLOSE),
            extra_columns: rows.extra.iter().cloned().collect(),
            symbols: assembled.series.iter().map(symbol).collect(),
        }),
        series: assembled.series,
        defects,
    })
}
