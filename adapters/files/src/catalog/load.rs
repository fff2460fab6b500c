//! Series out of a catalog, proven on the way.

use std::collections::BTreeMap;

use ballast_domain::market::{BarSize, Bars, PriceBasis, Series};
use ballast_ports::{Error, ErrorKind, Result};

use super::bars::{actions_of, bars_of};
use super::manifest::{CatalogSeries, Manifest};
use super::{Catalog, STATE};

/// Which series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Symbols; empty for all.
    pub symbols: Vec<String>,
    /// Bar size; `None` when the catalog has only one.
    pub bar: Option<BarSize>,
}

/// Series of one bar size and what the manifest says of them.
pub(super) struct Loaded {
    pub(super) bar: BarSize,
    pub(super) series: BTreeMap<String, Series>,
    pub(super) entries: Vec<CatalogSeries>,
}

/// How often a reader starts again because a writer removed files under it. Each time needs two
/// whole changes of the catalog within one reading.
const ATTEMPTS: usize = 5;

impl Catalog {
    /// The selected series, raw, with their actions; never none.
    ///
    /// # Errors
    /// `NotFound` for a symbol or bar size that is not there, `Config` when the bar size must be
    /// named; with operation [`STATE`] as [`Catalog::manifest`] and for damaged files.
    pub fn series(&self, selection: &Selection) -> Result<BTreeMap<String, Series>> {
        Ok(self.load(selection)?.series)
    }

    pub(super) fn load(&self, selection: &Selection) -> Result<Loaded> {
        let mut attempt = 1;
        loop {
            let manifest = self.manifest()?;
            match self.read(&manifest, selection) {
                // A file vanishes only after two changes; the newer manifest names others.
                Err(e)
                    if e.kind == ErrorKind::NotFound
                        && e.operation == STATE
                        && attempt < ATTEMPTS
                        && self.manifest()?.generation != manifest.generation =>
                {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn read(&self, manifest: &Manifest, selection: &Selection) -> Result<Loaded> {
        let bar = bar_size(manifest, selection)?;
        let of_bar: Vec<&CatalogSeries> = manifest.series.iter().filter(|s| s.bar == bar).collect();
        let wanted: Vec<&CatalogSeries> = if selection.symbols.is_empty() {
            of_bar
        } else {
            let find = |symbol: &String| {
                let found = of_bar.iter().find(|series| series.symbol == *symbol);
                found.copied().ok_or_else(|| {
                    let message = format!("symbol '{symbol}' is not in the catalog");
                    Error::new(ErrorKind::NotFound, "open", message)
                        .context("bar", bar)
                        .hint("see what there is with: ballast data list")
                })
            };
            selection.symbols.iter().map(find).collect::<Result<_>>()?
        };
        let mut series = BTreeMap::new();
        for entry in &wanted {
            let mut bars = Bars::new(entry.field_set());
            for file in &entry.years {
                let year = bars_of(self.root(), entry, file)?;
                bars.append(&year)
                    .map_err(|e| Error::from_domain(STATE, e).context("symbol", &entry.symbol))?;
            }
            let one = Series {
                basis: PriceBasis::Raw,
                bars,
                actions: actions_of(self.root(), entry)?,
            };
            series.insert(entry.symbol.clone(), one);
        }
        Ok(Loaded {
            bar,
            series,
            entries: wanted.into_iter().cloned().collect(),
        })
    }
}

fn bar_size(manifest: &Manifest, selection: &Selection) -> Result<BarSize> {
    let mut sizes: Vec<BarSize> = manifest.series.iter().map(|series| series.bar).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let names: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    let refuse = |kind, message: String, hint| {
        Err(Error::new(kind, "open", message)
            .context("available", names.join(", "))
            .hint(hint))
    };
    match (selection.bar, sizes.as_slice()) {
        (_, []) => refuse(
            ErrorKind::NotFound,
            "the catalog is empty".to_owned(),
            "fill it with: ballast data import FILE",
        ),
        (Some(bar), _) if sizes.contains(&bar) => Ok(bar),
        (Some(bar), _) => refuse(
            ErrorKind::NotFound,
            format!("the catalog has no bars of {bar}"),
            "name an available bar size",
        ),
        (None, [only]) => Ok(*only),
        (None, _) => refuse(
            ErrorKind::Config,
            "the catalog has several bar sizes".to_owned(),
            "name one of them",
        ),
    }
}
