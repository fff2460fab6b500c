//! Whether a catalog holds what its manifest says.

use ballast_ports::Result;
use serde::Serialize;

use super::Catalog;
use super::bars::{actions_of, bars_of};
use super::clean::leftovers;
use super::manifest::{CatalogFile, CatalogSeries};

/// What was proven, and what is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Generation of the catalog.
    pub generation: u64,
    /// Data files the manifest names.
    pub files: u64,
    /// Their bytes, as the manifest says.
    pub bytes: u64,
    /// Bars in them.
    pub bars: u64,
    /// Files that are gone or hold something else.
    pub damaged: Vec<Damage>,
    /// Files that nothing names: of a change that was stopped or replaced. The next change removes
    /// them.
    pub leftovers: u64,
}

/// A data file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Where it is, from the folder of the catalog.
    pub path: String,
    /// Its symbol.
    pub symbol: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Catalog {
    /// Reads and proves every byte.
    ///
    /// # Errors
    /// As [`Catalog::manifest`]; a damaged data file is an answer.
    pub fn verify(&self) -> Result<VerifyReport> {
        let manifest = self.manifest()?;
        let damaged = self.damaged(&manifest.series);
        Ok(VerifyReport {
            generation: manifest.generation,
            files: manifest.files().count() as u64,
            bytes: manifest.bytes(),
            bars: manifest.bars(),
            leftovers: leftovers(self.root(), &manifest)?.len() as u64,
            damaged: damaged.into_iter().map(|(_, _, damage)| damage).collect(),
        })
    }

    /// Every file that cannot be used, with its series.
    pub(super) fn damaged<'a>(
        &self,
        series: &'a [CatalogSeries],
    ) -> Vec<(&'a CatalogSeries, &'a CatalogFile, Damage)> {
        let mut damaged = Vec::new();
        for one in series {
            for file in one.files() {
                let outcome = if one.actions.as_ref() == Some(file) {
                    actions_of(self.root(), one).map(|_| ())
                } else {
                    bars_of(self.root(), one, file).map(|_| ())
                };
                if let Err(e) = outcome {
                    let damage = Damage {
                        path: file.path.clone(),
                        symbol: one.symbol.clone(),
                        problem: e.to_domain().message,
                    };
                    damaged.push((one, file, damage));
                }
            }
        }
        damaged
    }
}
