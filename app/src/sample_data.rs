//! The market data inside the program; see `app/examples/data/README.md` for source and licence.

/// One embedded file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// File name.
    pub name: &'static str,
    /// What `data.source` and `report.benchmarks` call it after `sample:`; `None` for files that
    /// belong to another.
    pub source: Option<&'static str>,
    /// The content; `.gz` is compressed.
    pub bytes: &'static [u8],
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sample({}, {} bytes)", self.name, self.bytes.len())
    }
}

/// All embedded files; empty without the feature `sample-data`.
#[cfg(feature = "sample-data")]
pub const FILES: &[Sample] = &[
    Sample {
        name: "us-stocks.csv.gz",
        source: Some("us-stocks"),
        bytes: include_bytes!("../examples/data/us-stocks.csv.gz"),
    },
    Sample {
        name: "us-stocks-actions.csv",
        source: None,
        bytes: include_bytes!("../examples/data/us-stocks-actions.csv"),
    },
    Sample {
        name: "sp500.csv.gz",
        source: Some("sp500"),
        bytes: include_bytes!("../examples/data/sp500.csv.gz"),
    },
    Sample {
        name: "nasdaq.csv.gz",
        source: Some("nasdaq"),
        bytes: include_bytes!("../examples/data/nasdaq.csv.gz"),
    },
    Sample {
        name: "README.md",
        source: None,
        bytes: include_bytes!("../examples/data/README.md"),
    },
    Sample {
        name: "LICENSE-NCSA-arch.md",
        source: None,
        bytes: include_bytes!("../examples/data/LICENSE-NCSA-arch.md"),
    },
];

/// All embedded files; empty without the feature `sample-data`.
#[cfg(not(feature = "sample-data"))]
pub const FILES: &[Sample] = &[];

/// The embedded file called `name`.
pub fn file(name: &str) -> Option<&'static Sample> {
    FILES.iter().find(|sample| sample.name == name)
}

/// The embedded file that `sample:SOURCE` names.
pub fn source(source: &str) -> Option<&'static Sample> {
    FILES.iter().find(|sample| sample.source == Some(source))
}
