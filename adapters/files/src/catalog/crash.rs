//! A stop after every single change of the disk, and what is found afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::{ActionKind, Bar, BarSize, Bars, CorporateAction, Fields, Series};
use ballast_domain::time::{NANOS_PER_DAY, Timestamp};

use super::{Catalog, Incoming, SecondSource, Selection};
use ballast_system::{Disk, Fate, Step};

type All = BTreeMap<String, Series>;

/// Daily bars from `first` on, so many, over a change of the year.
fn series(first: i64, bars: i64) -> All {
    let at = |n: i64| Timestamp::from_nanos((18_250 + n) * NANOS_PER_DAY);
    let mut all = All::new();
    for (symbol, price) in [("A", 10.0), ("B", 20.0)] {
        let mut one = Bars::new(Fields::ALL);
        for n in first..first + bars {
            let close = price + n as f64 / 8.0;
            one.push(&Bar {
                open_time: at(n),
                close_time: at(n + 1),
                open: close,
                high: close + 1.0,
                low: close - 1.0,
                close,
                volume: 5.0,
            })
            .unwrap();
        }
        let actions = vec![CorporateAction {
            at: at(first + 1),
            kind: ActionKind::Dividend("0.25".parse().unwrap()),
        }];
        let whole = Series {
            bars: one,
            actions,
            ..Series::default()
        };
        all.insert(symbol.to_owned(), whole);
    }
    all
}

fn incoming(all: &All) -> Vec<Incoming<'_>> {
    let one = |(symbol, series)| Incoming {
        symbol,
        bar: BarSize::DAY,
        calendar: Calendar::Utc24x7,
        fields: Fields::ALL,
        price_decimals: 3,
        series,
    };
    all.iter()
        .map(|(symbol, series)| one((symbol.as_str(), series)))
        .collect()
}

/// What a reader sees: nothing, or every series.
fn seen(catalog: &Catalog) -> Option<All> {
    let is_empty = match catalog.manifest() {
        Ok(manifest) => manifest.series.is_empty(),
        Err(e) => {
            assert!(e.to_string().contains("there is no catalog"), "{e}");
            true
        }
    };
    (!is_empty).then(|| catalog.series(&Selection::default()).unwrap())
}

/// An import that does not wait for the disk.
fn add(catalog: &Catalog, all: &All) {
    let mut quick = |_: Step| Fate::Quick;
    let disk = &mut Disk::new(&mut quick);
    catalog.add_to(&incoming(all), disk).unwrap();
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copied(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Stops `change` after each of its steps, from the state that `prepare` makes. Answers how many
/// steps there are.
fn stop_everywhere(
    prepare: impl Fn(&Path),
    change: impl Fn(&Catalog, &mut Disk<'_>) -> ballast_ports::Result<()>,
    check: impl Fn(&Catalog, &str),
) -> usize {
    for fate in [Fate::Stop, Fate::Tear] {
        for n in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("catalog");
            prepare(&root);
            let catalog = Catalog::new(&root);
            let (mut step, mut last) = (0, None);
            let outcome = change(
                &catalog,
                &mut Disk::new(&mut |now: Step| {
                    step += 1;
                    last = Some(now);
                    if step > n { fate } else { Fate::Quick }
                }),
            );
            // A tear strikes at a write only; after it nothing happens any more.
            if outcome.is_ok() {
                assert_eq!(step, n, "a step was stopped and nobody noticed");
                if fate == Fate::Tear {
                    return n;
                }
                break;
            }
            check(&catalog, &format!("{fate:?} at step {n}, {last:?}"));
        }
    }
    0
}

/// An import that stops anywhere leaves the old catalog or the new one; the next import finishes it
/// and removes what was left behind.
#[test]
fn an_import_that_stops_anywhere_leaves_the_old_or_the_new() {
    let (first, both) = (series(0, 20), series(0, 40));
    let mut second = series(20, 20);
    for (symbol, one) in &mut second {
        one.actions = both[symbol].actions.clone();
    }
    let news = std::cell::Cell::new(0);
    let check_from = |old: Option<&All>, new: &All, catalog: &Catalog, place: &str| {
        let found = seen(catalog);
        assert!(
            found.as_ref() == old || found.as_ref() == Some(new),
            "{place}"
        );
        news.set(news.get() + usize::from(found.as_ref() == Some(new)));
        // The same import again.
        add(catalog, new);
        assert_eq!(seen(catalog).as_ref(), Some(new), "{place}");
        let report = catalog.verify().unwrap();
        assert!(report.damaged.is_empty(), "{place}: {report:?}");
        // One more change removes what is left.
        add(catalog, &series(0, 60));
        add(catalog, &series(0, 60));
        assert_eq!(catalog.verify().unwrap().leftovers, 0, "{place}");
    };
    let from_nothing = stop_everywhere(
        |_| {},
        |catalog, disk| catalog.add_to(&incoming(&first), disk).map(|_| ()),
        |catalog, place| check_from(None, &first, catalog, place),
    );
    let old = tempfile::tempdir().unwrap();
    add(&Catalog::new(old.path()), &first);
    let on_top = stop_everywhere(
        |root| copied(old.path(), root),
        |catalog, disk| catalog.add_to(&incoming(&second), disk).map(|_| ()),
        |catalog, place| check_from(Some(&first), &both, catalog, place),
    );
    println!(
        "stopped at each of {from_nothing} and {on_top} steps; {} were new already",
        news.get()
    );
    assert!(from_nothing > 20 && on_top > 10 && news.get() > 0);
}

/// A repair that stops anywhere leaves a catalog that the same repair finishes.
#[test]
fn a_repair_that_stops_anywhere_is_finished_by_the_next() {
    let all = series(0, 40);
    let good = tempfile::tempdir().unwrap();
    let second = Catalog::new(good.path());
    add(&second, &all);
    let damaged: Vec<_> = (second.manifest().unwrap().files())
        .map(|file| file.path.clone())
        .collect();
    let steps = stop_everywhere(
        |root| {
            copied(good.path(), root);
            for (i, path) in damaged.iter().enumerate() {
                let mut bytes = fs::read(root.join(path)).unwrap();
                bytes[i] ^= 1;
                fs::write(root.join(path), bytes).unwrap();
            }
        },
        |catalog, disk| {
            let report = catalog.repair_with(SecondSource::Catalog(&second), disk)?;
            assert_eq!(report.repaired.len(), damaged.len());
            Ok(())
        },
        |catalog, place| {
            let mut quick = |_: Step| Fate::Quick;
            let disk = &mut Disk::new(&mut quick);
            let report = catalog
                .repair_with(SecondSource::Catalog(&second), disk)
                .unwrap();
            assert!(report.unrepaired.is_empty(), "{place}: {report:?}");
            assert_eq!(seen(catalog).as_ref(), Some(&all), "{place}");
        },
    );
    assert!(steps > 10);
}
