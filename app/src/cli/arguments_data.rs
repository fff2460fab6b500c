//! The grammar of `ballast data`.

use std::path::PathBuf;

use ballast_files::ContractPolicy;
use clap::{Args, Subcommand};

use crate::commands::catalog::{ExportRequest, ImportRequest};
use crate::commands::data_check::DataCheckRequest;

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// One verdict on a file and every reason for it: accept, warn, repair, drop_rows or reject
    Check(DataCheck),
    /// Check a file and take what is new into the catalog under HOME
    Import(DataImport),
    /// What the catalog holds
    List,
    /// One symbol of the catalog: years, files, corporate actions
    Show {
        /// The symbol
        #[arg(value_name = "SYMBOL")]
        symbol: String,
        /// Only this bar size
        #[arg(long, value_name = "SIZE")]
        bar: Option<String>,
    },
    /// Read and prove every byte of the catalog
    Verify,
    /// Restore damaged files of the catalog from a second source that holds the same
    Repair(DataRepair),
    /// Write series of the catalog as one CSV or Parquet file
    Export(DataExport),
    /// Write the shipped sample data
    Sample {
        /// A folder that is empty or does not exist yet
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct DataImport {
    /// A CSV or Parquet file, or a folder of them
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Args)]
pub(super) struct DataRepair {
    /// Where the bars are once more: another catalog, or a file as `data import` takes
    #[arg(long, value_name = "FILE_OR_CATALOG")]
    from: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Args)]
struct Reading {
    /// CSV of splits, dividends and delistings: date, symbol, kind, value
    #[arg(long, value_name = "FILE")]
    actions: Option<PathBuf>,
    /// Bar size, such as 1d, 1h or 1m; without it the commonest distance between rows
    #[arg(long, value_name = "SIZE")]
    bar: Option<String>,
    /// utc_24x7 or us_equities; without it the one the dates follow
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// Symbols that must be there, and no others; names a file without symbols
    #[arg(long, value_name = "SYMBOLS", value_delimiter = ',')]
    symbols: Vec<String>,
    /// What the file must hash to, as sha256:HEX or blake3:HEX
    #[arg(long, value_name = "HASH")]
    checksum: Option<String>,
    /// Take data that can be repaired without loss: sort rows, join equal ones, unify symbols
    #[arg(long)]
    repair: bool,
    /// Take data without the rows that must not be used
    #[arg(long)]
    drop_rows: bool,
}

impl Reading {
    fn of(self, file: PathBuf) -> ImportRequest {
        ImportRequest {
            file,
            actions: self.actions,
            bar: self.bar,
            calendar: self.calendar,
            symbols: self.symbols,
            checksum: self.checksum,
            repair: self.repair,
            drop_rows: self.drop_rows,
        }
    }
}

impl From<DataImport> for ImportRequest {
    fn from(import: DataImport) -> Self {
        import.reading.of(import.file)
    }
}

impl From<DataRepair> for ImportRequest {
    fn from(repair: DataRepair) -> Self {
        repair.reading.of(repair.from)
    }
}

#[derive(Debug, Args)]
pub(super) struct DataExport {
    /// The file to write, ending in .csv or .parquet
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only these symbols, separated by commas
    #[arg(long, value_name = "SYMBOLS", value_delimiter = ',')]
    symbols: Vec<String>,
    /// Bar size, when the catalog has several
    #[arg(long, value_name = "SIZE")]
    bar: Option<String>,
    /// Add a column with what holding the symbol earned, dividends and splits included
    #[arg(long)]
    total_return: bool,
    /// Write splits, dividends and delistings to this CSV file
    #[arg(long, value_name = "FILE")]
    actions: Option<PathBuf>,
}

impl From<DataExport> for ExportRequest {
    fn from(export: DataExport) -> Self {
        Self {
            file: export.file,
            symbols: export.symbols,
            bar: export.bar,
            total_return: export.total_return,
            actions: export.actions,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct DataCheck {
    /// A CSV or Parquet file, or a folder of them
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Bar size, such as 1d, 1h or 1m; without it the commonest distance between rows
    #[arg(long, value_name = "SIZE")]
    bar: Option<String>,
    /// utc_24x7 or us_equities; without it the one the dates follow
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// The instant the data is for; given, the newest bar must be fresh
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// How old the newest bar may be; 48 with --now, unlimited without
    #[arg(long, value_name = "HOURS", allow_negative_numbers = true)]
    max_age_hours: Option<String>,
    /// Symbols that must be there, and no others, separated by commas
    #[arg(long, value_name = "SYMBOLS", value_delimiter = ',')]
    expect: Vec<String>,
    /// Reject the file for any defect
    #[arg(long)]
    strict: bool,
    /// What the file must hash to, as sha256:HEX or blake3:HEX
    #[arg(long, value_name = "HASH")]
    checksum: Option<String>,
    /// Read a time of day without a zone as UTC, with a warning, instead of rejecting the file
    #[arg(long)]
    allow_naive: bool,
    /// Reject the file for a missing value instead of leaving its row out
    #[arg(long)]
    forbid_missing: bool,
}

impl From<DataCheck> for DataCheckRequest {
    fn from(check: DataCheck) -> Self {
        Self {
            file: check.file,
            bar: check.bar,
            calendar: check.calendar,
            now: check.now,
            max_age_hours: check.max_age_hours,
            expect: check.expect,
            strict: check.strict,
            checksum: check.checksum,
            policy: ContractPolicy {
                require_zone: !check.allow_naive,
                allow_missing: !check.forbid_missing,
            },
        }
    }
}
