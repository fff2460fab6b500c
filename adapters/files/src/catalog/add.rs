//! New bars and actions into a catalog: only what is new, and nothing that contradicts.

use std::collections::BTreeMap;

use ballast_domain::market::{ActionKind, Bar, Bars, CorporateAction};
use ballast_domain::time::Timestamp;
use ballast_ports::{Error, ErrorKind, Result};
use serde::Serialize;

use super::bars::{Encoded, actions_of, bars_of, encode_actions, encode_bars, row, year_of, years};
use super::clean::clean;
use super::manifest::{CatalogSeries, Manifest, NAME, list, place};
use super::{Catalog, Incoming, lock, manifest, unreadable};
use ballast_system::{Disk, Fate};

/// What an import or an update did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Added {
    /// Generation of the catalog afterwards.
    pub generation: u64,
    /// Files written, the manifest not counted.
    pub files: usize,
    /// Every series that came in.
    pub series: Vec<AddedSeries>,
}

/// What came in of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddedSeries {
    /// Its symbol.
    pub symbol: String,
    /// Bar size.
    pub bar: String,
    /// Bars that were new.
    pub bars_added: u64,
    /// Bars that were there already, with the same values.
    pub bars_known: u64,
    /// Corporate actions that were new.
    pub actions_added: u64,
    /// Bars there are now.
    pub bars: u64,
}

impl Catalog {
    /// Adds what is new. Bars that are there already must have the same values.
    ///
    /// The result has the same files as one import of everything at once.
    ///
    /// # Errors
    /// `InvalidData` with operation `import` when a bar or an action contradicts the one that is
    /// there, or bars overlap; `Config` when a series has other columns or another calendar; with
    /// operation [`STATE`](super::STATE) when the catalog is damaged, locked, or the disk fails. The
    /// catalog is then what it was.
    pub fn add(&self, incoming: &[Incoming<'_>]) -> Result<Added> {
        self.add_to(incoming, &mut Disk::new(&mut |_| Fate::Go))
    }

    pub(super) fn add_to(&self, incoming: &[Incoming<'_>], disk: &mut Disk<'_>) -> Result<Added> {
        let root = self.root();
        disk.folder(root).map_err(|e| unreadable(e, root))?;
        let _lock = lock::take(root)?;
        let mut manifest = self.begun(disk)?;
        clean(root, &manifest, disk)?;
        let before = manifest.series.clone();
        let mut files = Vec::new();
        let mut added = Vec::new();
        for one in incoming {
            added.push(self.merge(one, &mut manifest, &mut files)?);
        }
        if manifest.series != before {
            manifest.generation += 1;
            self.commit(&manifest, &files, disk)?;
        }
        Ok(Added {
            generation: manifest.generation,
            files: files.len(),
            series: added,
        })
    }

    /// The manifest; an empty one is written before anything else is.
    fn begun(&self, disk: &mut Disk<'_>) -> Result<Manifest> {
        if let Some(found) = manifest::read(self.root())? {
            return Ok(found);
        }
        let empty = Manifest::empty();
        self.commit(&empty, &[], disk)?;
        Ok(empty)
    }

    /// Data files first, each durable, then the manifest: the only step that others can see.
    pub(super) fn commit(
        &self,
        manifest: &Manifest,
        files: &[Encoded],
        disk: &mut Disk<'_>,
    ) -> Result<()> {
        for file in files {
            let path = place(self.root(), &file.entry)?;
            let folder = path.parent().unwrap_or(self.root());
            disk.folder(folder).map_err(|e| unreadable(e, folder))?;
            disk.put(&path, &file.bytes)
                .map_err(|e| unreadable(e, &path))?;
        }
        let path = self.root().join(NAME);
        disk.put(&path, &manifest.encode()?)
            .map_err(|e| unreadable(e, &path))
    }

    fn merge(
        &self,
        one: &Incoming<'_>,
        manifest: &mut Manifest,
        files: &mut Vec<Encoded>,
    ) -> Result<AddedSeries> {
        let known = manifest.find(one.symbol, one.bar).cloned();
        if let Some(known) = &known
            && (known.field_set() != one.fields || known.calendar != one.calendar)
        {
            return Err(Error::new(
                ErrorKind::Config,
                "import",
                "the catalog has this series with other columns or another calendar",
            )
            .context("symbol", one.symbol)
            .context("calendar", known.calendar)
            .context("columns", format!("{:?}", known.fields))
            .hint("import the same columns, or use another catalog"));
        }
        let mut merged = known.unwrap_or_else(|| CatalogSeries {
            symbol: one.symbol.to_owned(),
            bar: one.bar,
            calendar: one.calendar,
            fields: list(one.fields),
            price_decimals: 0,
            years: Vec::new(),
            actions: None,
        });
        merged.price_decimals = merged.price_decimals.max(one.price_decimals);
        let (mut bars_added, mut bars_known) = (0, 0);
        let mut changed: BTreeMap<i32, Bars> = BTreeMap::new();
        for (year, range) in years(&one.series.bars) {
            let new = one.series.bars.range(range);
            let position = merged.years.iter().position(|file| year_of(file) == year);
            let old = match position {
                Some(i) => bars_of(self.root(), &merged, &merged.years[i])?,
                None => Bars::new(one.fields),
            };
            let (all, fresh) = union(one.symbol, &old, &new)?;
            bars_added += fresh;
            bars_known += new.len() as u64 - fresh;
            if fresh == 0 {
                continue;
            }
            let encoded = encode_bars(one.symbol, one.bar, &all)?;
            match position {
                Some(i) => merged.years[i] = encoded.entry.clone(),
                None => merged.years.push(encoded.entry.clone()),
            }
            files.push(encoded);
            changed.insert(year, all);
        }
        merged.years.sort_by_key(|file| file.first);
        self.apart(&merged, &changed)?;
        let old_actions = actions_of(self.root(), &merged)?;
        let (actions, actions_added) = join(one.symbol, old_actions, &one.series.actions)?;
        if actions_added > 0 {
            let encoded = encode_actions(one.symbol, one.bar, &actions)?;
            merged.actions = Some(encoded.entry.clone());
            files.push(encoded);
        }
        let answer = AddedSeries {
            symbol: one.symbol.to_owned(),
            bar: one.bar.to_string(),
            bars_added,
            bars_known,
            actions_added,
            bars: merged.bars(),
        };
        let series = &mut manifest.series;
        series.retain(|s| (s.symbol.as_str(), s.bar) != (one.symbol, one.bar));
        if !merged.years.is_empty() {
            series.push(merged);
        }
        series.sort_by(|a, b| (&a.symbol, a.bar).cmp(&(&b.symbol, b.bar)));
        Ok(answer)
    }

    /// Neighbouring years are separate files, whose bars must not overlap either.
    fn apart(&self, series: &CatalogSeries, changed: &BTreeMap<i32, Bars>) -> Result<()> {
        for pair in series.years.windows(2) {
            let (year, next) = (year_of(&pair[0]), &pair[1]);
            if !changed.contains_key(&year) && !changed.contains_key(&year_of(next)) {
                continue;
            }
            let last = match changed.get(&year) {
                Some(bars) => bars.close_times().last().copied(),
                None => {
                    let bars = bars_of(self.root(), series, &pair[0])?;
                    bars.close_times().last().copied()
                }
            };
            if last.is_some_and(|close| close > next.first) {
                return Err(Error::new(ErrorKind::InvalidData, "import", "bars overlap")
                    .context("symbol", &series.symbol)
                    .context("open_time", next.first)
                    .hint("check the bar size and the times; nothing was changed"));
            }
        }
        Ok(())
    }
}

/// Conflicting bars named in one error; the rest are counted.
const CONFLICTS_SHOWN: usize = 5;

/// The bars of both in time order, and how many of `new` were not in `old`.
fn union(symbol: &str, old: &Bars, new: &Bars) -> Result<(Bars, u64)> {
    let mut rows: BTreeMap<Timestamp, (Timestamp, [f64; 5])> = BTreeMap::new();
    for i in 0..old.len() {
        rows.insert(old.open_times()[i], row(old, i));
    }
    let (mut fresh, mut conflicts) = (0, Vec::new());
    for i in 0..new.len() {
        let (open, incoming) = (new.open_times()[i], row(new, i));
        match rows.get(&open) {
            Some(known) if same(known, &incoming) => {}
            Some(known) => conflicts.push((open, *known, incoming)),
            None => {
                rows.insert(open, incoming);
                fresh += 1;
            }
        }
    }
    if !conflicts.is_empty() {
        let mut error = Error::new(
            ErrorKind::InvalidData,
            "import",
            "bars contradict those of the catalog",
        )
        .context("symbol", symbol)
        .context("bars", conflicts.len());
        for (open, (_, known), (_, incoming)) in conflicts.iter().take(CONFLICTS_SHOWN) {
            let text = format!("{open}: the catalog has {known:?}, the data {incoming:?}");
            error = error.context("bar", text);
        }
        return Err(error.hint(
            "find out which is right; nothing was changed. A corrected history goes into a new catalog",
        ));
    }
    let mut all = Bars::new(new.fields());
    for (open_time, (close_time, [open, high, low, close, volume])) in rows {
        let bar = Bar {
            open_time,
            close_time,
            open,
            high,
            low,
            close,
            volume,
        };
        all.push(&bar)
            .map_err(|e| Error::from_domain("import", e).context("symbol", symbol))?;
    }
    Ok((all, fresh))
}

fn same(a: &(Timestamp, [f64; 5]), b: &(Timestamp, [f64; 5])) -> bool {
    a.0 == b.0 && a.1.map(f64::to_bits) == b.1.map(f64::to_bits)
}

/// The actions of both in time order, and how many of `new` were not in `old`. Those of one instant
/// and kind come together: other ones than before are a correction, which is not for us to choose.
fn join(
    symbol: &str,
    mut old: Vec<CorporateAction>,
    new: &[CorporateAction],
) -> Result<(Vec<CorporateAction>, u64)> {
    let group = |all: &[CorporateAction], like: &CorporateAction| -> Vec<CorporateAction> {
        let key = |action: &CorporateAction| (action.at, rank(action));
        all.iter()
            .filter(|a| key(a) == key(like))
            .copied()
            .collect()
    };
    let before = old.len();
    for action in new {
        let (known, incoming) = (group(&old[..before], action), group(new, action));
        if known.is_empty() {
            old.push(*action);
        } else if known != incoming {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "import",
                "corporate actions contradict those of the catalog",
            )
            .context("symbol", symbol)
            .context("at", action.at)
            .context("catalog", format!("{known:?}"))
            .context("data", format!("{incoming:?}"))
            .hint("find out which is right; nothing was changed"));
        }
    }
    let added = (old.len() - before) as u64;
    old.sort_by_key(|action| (action.at, rank(action)));
    Ok((old, added))
}

/// Splits come before dividends of the same instant, the end last.
const fn rank(action: &CorporateAction) -> u8 {
    match action.kind {
        ActionKind::Split(_) => 0,
        ActionKind::Dividend(_) => 1,
        ActionKind::Delisting => 2,
    }
}
