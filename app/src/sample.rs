//! The market data inside the program (feature `sample-data`).

use ballast_files::CsvSource;
use ballast_ports::{Error, ErrorKind, Result};

/// A shipped file.
#[derive(Clone, Copy, Debug)]
pub struct SampleFile {
    /// Its name in the data folder.
    pub name: &'static str,
    /// Its bytes.
    pub data: &'static [u8],
}

#[cfg(feature = "sample-data")]
macro_rules! sample {
    ($name:literal) => {
        SampleFile {
            name: $name,
            data: include_bytes!(concat!("../examples/data/", $name)),
        }
    };
}

/// Every shipped file, licences and provenance included.
#[cfg(feature = "sample-data")]
pub const FILES: &[SampleFile] = &[
    sample!("us-stocks.csv.gz"),
    sample!("us-stocks-actions.csv"),
    sample!("sp500.csv.gz"),
    sample!("nasdaq.csv.gz"),
    sample!("README.md"),
    sample!("LICENSE-NCSA-arch.md"),
];

/// Every shipped file: none, for this program was built without the feature `sample-data`.
#[cfg(not(feature = "sample-data"))]
pub const FILES: &[SampleFile] = &[];

/// Names that a config may write after `sample:`, with the files behind them: bars, actions.
const SAMPLES: [(&str, &str, Option<&str>); 3] = [
    (
        "us-stocks",
        "us-stocks.csv.gz",
        Some("us-stocks-actions.csv"),
    ),
    ("sp500", "sp500.csv.gz", None),
    ("nasdaq", "nasdaq.csv.gz", None),
];

/// What a benchmark written as `sample:NAME` is, in a few words.
pub fn describe(benchmark: &str) -> Option<&'static str> {
    match benchmark.strip_prefix("sample:")? {
        "sp500" => Some("the S&P 500 index, without dividends"),
        "nasdaq" => Some("the NASDAQ Composite index, without dividends"),
        _ => None,
    }
}

/// The bars of the sample `name`, and its corporate actions if it has any.
///
/// # Errors
/// `NotFound` for an unknown name, `Unsupported` when the program was built without samples.
pub fn source(name: &str) -> Result<(CsvSource, Option<CsvSource>)> {
    let Some((_, bars, actions)) = SAMPLES.iter().find(|(known, _, _)| *known == name) else {
        let known: Vec<_> = SAMPLES.iter().map(|(name, _, _)| *name).collect();
        return Err(Error::new(
            ErrorKind::NotFound,
            "open",
            format!("no sample is called '{name}'"),
        )
        .context("available", known.join(", "))
        .hint("write sample:NAME with one of the available names, or the path of a file"));
    };
    Ok((file(bars)?, actions.map(file).transpose()?))
}

fn file(name: &str) -> Result<CsvSource> {
    let file = FILES.iter().find(|f| f.name == name).ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            "open",
            "this program has no sample data inside",
        )
        .context("file", name)
        .hint("build it with the feature sample-data, or name a file of your own")
    })?;
    Ok(CsvSource::Bytes {
        name: file.name.to_owned(),
        data: file.data.into(),
    })
}
