//! Damaged files restored from a second source that provably holds the same.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ballast_domain::market::Series;
use ballast_ports::{Error, ErrorKind, Result};
use serde::Serialize;

use super::bars::{
    Encoded, actions_of, bars_of, content_of_bars, encode_actions, encode_bars, proven, year_of,
    years,
};
use super::clean::leftovers;
use super::manifest::{CatalogFile, CatalogSeries, Manifest};
use super::verify::Damage;
use super::{Catalog, lock, manifest};
use ballast_system::{Disk, Fate};

/// Where the bars are once more.
#[derive(Clone, Copy, Debug)]
pub enum SecondSource<'a> {
    /// Another catalog.
    Catalog(&'a Catalog),
    /// Series by symbol, such as those of a checked file.
    Series(&'a BTreeMap<String, Series>),
}

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// Generation of the catalog afterwards.
    pub generation: u64,
    /// Whether the manifest itself was taken from the second catalog.
    pub manifest_restored: bool,
    /// Files that are whole again; everything else was left as it is.
    pub repaired: Vec<Damage>,
    /// Files the second source cannot restore, with why.
    pub unrepaired: Vec<Damage>,
}

impl Catalog {
    /// Restores every damaged file of which `second` holds exactly what the manifest recorded, and
    /// nothing else. A damaged manifest is taken from a second catalog when that one names every
    /// data file that is here.
    ///
    /// # Errors
    /// As [`Catalog::manifest`] when the manifest is damaged and cannot be restored, and for a disk
    /// that fails. A file that cannot be restored is an answer.
    pub fn repair(&self, second: SecondSource<'_>) -> Result<RepairReport> {
        self.repair_with(second, &mut Disk::new(&mut |_| Fate::Go))
    }

    pub(super) fn repair_with(
        &self,
        second: SecondSource<'_>,
        disk: &mut Disk<'_>,
    ) -> Result<RepairReport> {
        let root = self.root();
        if !root.is_dir() {
            // Says that there is no catalog.
            self.manifest()?;
        }
        let _lock = lock::take(root)?;
        let (mut found, manifest_restored) = match (manifest::read(root), second) {
            (Ok(Some(found)), _) => (found, false),
            (Ok(None), _) => (self.manifest()?, false),
            (Err(e), SecondSource::Catalog(other)) if e.kind == ErrorKind::InvalidData => {
                (self.adopted(other, e)?, true)
            }
            (Err(e), _) => return Err(e),
        };
        let before = found.clone();
        let (mut repaired, mut unrepaired, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for (series, file, damage) in self.damaged(&before.series) {
            match restored(second, series, file) {
                Ok(encoded) => {
                    replace(&mut found, series, file, &encoded.entry);
                    files.push(encoded);
                    repaired.push(damage);
                }
                Err(why) => unrepaired.push(Damage {
                    problem: format!("{}; not restored: {why}", damage.problem),
                    ..damage
                }),
            }
        }
        // Bytes of another encoder have another name; the bars are the recorded ones.
        if found != before {
            found.generation += 1;
        }
        if manifest_restored || !files.is_empty() {
            self.commit(&found, &files, disk)?;
        }
        Ok(RepairReport {
            generation: found.generation,
            manifest_restored,
            repaired,
            unrepaired,
        })
    }

    /// The manifest of the other catalog, if nothing here would be forgotten by taking it.
    fn adopted(&self, other: &Self, own: Error) -> Result<Manifest> {
        let theirs = other.manifest()?;
        let strangers = leftovers(self.root(), &theirs)?;
        let is_data = |path: &&PathBuf| path.extension().is_none_or(|ending| ending != "tmp");
        if let Some(path) = strangers.iter().find(is_data) {
            return Err(own
                .context("unknown_to_the_second_catalog", path.display())
                .hint(
                    "the second catalog does not name every file that is here: import the files \
                     into a new catalog instead, they are whole Parquet files",
                ));
        }
        Ok(theirs)
    }
}

/// The file as the second source holds it, if its content is the recorded one.
fn restored(
    second: SecondSource<'_>,
    series: &CatalogSeries,
    file: &CatalogFile,
) -> std::result::Result<Encoded, String> {
    let is_actions = series.actions.as_ref() == Some(file);
    let symbol = series.symbol.as_str();
    let other = || "it holds other values".to_owned();
    let message = |e: Error| e.to_domain().message;
    match second {
        SecondSource::Catalog(catalog) => {
            let manifest = catalog.manifest().map_err(message)?;
            let theirs = manifest.find(symbol, series.bar);
            let theirs = theirs.ok_or_else(|| format!("it has no {symbol}"))?;
            let same = theirs.files().find(|f| f.content == file.content);
            let same = same.ok_or_else(other)?;
            if is_actions {
                actions_of(catalog.root(), theirs).map_err(message)?;
            } else {
                bars_of(catalog.root(), theirs, same).map_err(message)?;
            }
            Ok(Encoded {
                bytes: proven(catalog.root(), same).map_err(message)?,
                entry: same.clone(),
            })
        }
        SecondSource::Series(all) => {
            let one = all.get(symbol);
            let one = one.ok_or_else(|| format!("it has no {symbol}"))?;
            if is_actions {
                let encoded = encode_actions(symbol, series.bar, &one.actions).map_err(message)?;
                let is_same = encoded.entry.content == file.content;
                return Some(encoded).filter(|_| is_same).ok_or_else(other);
            }
            let year = year_of(file);
            let range = years(&one.bars).remove(&year);
            let range = range.ok_or_else(|| format!("it has no bar of {year}"))?;
            let bars = one.bars.range(range);
            // More bars than were recorded are no reason to refuse those that were.
            let opens = bars.open_times();
            let from = opens.partition_point(|t| *t < file.first);
            let to = opens.partition_point(|t| *t <= file.last);
            let bars = bars.range(from..to.max(from));
            if content_of_bars(&bars) != file.content {
                return Err(other());
            }
            encode_bars(symbol, series.bar, &bars).map_err(message)
        }
    }
}

fn replace(manifest: &mut Manifest, series: &CatalogSeries, old: &CatalogFile, new: &CatalogFile) {
    let mut all = manifest.series.iter_mut();
    let Some(mine) = all.find(|s| s.symbol == series.symbol && s.bar == series.bar) else {
        return;
    };
    for file in mine.years.iter_mut().chain(&mut mine.actions) {
        if file == old {
            file.clone_from(new);
        }
    }
}
