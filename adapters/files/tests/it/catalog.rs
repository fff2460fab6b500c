//! The catalog: what goes in comes out, only what is new is added, and damage is never read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::Verdict;
use ballast_domain::market::{Bar, BarSize, Bars, Field, Fields, Series};
use ballast_files::catalog::{
    Catalog, CatalogMarketData, ExportOptions, Incoming, STATE, SecondSource, Selection, View,
};
use ballast_files::{ContractOptions, CsvSource, DefectCode, Strictness, load_checked};
use ballast_ports::{ErrorKind, HistoryRequest};
use ballast_testkit::builders::{SeriesBuilder, day, market};
use ballast_testkit::conformance::market_data::Subject;
use ballast_testkit::fakes::{FakeMarketData, Fault};

type All = BTreeMap<String, Series>;

fn incoming(all: &All) -> Vec<Incoming<'_>> {
    all.iter()
        .map(|(symbol, series)| Incoming {
            symbol,
            bar: BarSize::DAY,
            calendar: Calendar::Utc24x7,
            fields: Fields::ALL,
            price_decimals: 2,
            series,
        })
        .collect()
}

fn filled(all: &All) -> (tempfile::TempDir, Catalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path().join("catalog"));
    catalog.add(&incoming(all)).unwrap();
    (folder, catalog)
}

/// Two symbols of two years, the second with fewer bars.
fn two() -> All {
    let one = |seed, bars| SeriesBuilder::new(seed).bars(bars).build();
    [("A".to_owned(), one(1, 500)), ("B".to_owned(), one(2, 400))].into()
}

/// The first `n` bars of each, and the actions up to then.
fn until(all: &All, n: usize) -> All {
    let cut = |series: &Series| {
        let bars = series.bars.range(0..n.min(series.bars.len()));
        let end = *bars.close_times().last().unwrap();
        Series {
            actions: series
                .actions
                .iter()
                .filter(|a| a.at < end)
                .copied()
                .collect(),
            bars,
            ..series.clone()
        }
    };
    all.iter()
        .map(|(symbol, series)| (symbol.clone(), cut(series)))
        .collect()
}

fn files_of(catalog: &Catalog) -> Vec<PathBuf> {
    let manifest = catalog.manifest().unwrap();
    manifest
        .files()
        .map(|file| catalog.root().join(&file.path))
        .collect()
}

mod port {
    use super::*;

    fn this() -> Subject {
        let (_folder, catalog) = filled(&market());
        let source = CatalogMarketData::open(&catalog, &Selection::default(), None).unwrap();
        Subject {
            source: Arc::new(source),
            request: HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY),
            truth: Some(market()),
        }
    }

    ballast_testkit::market_data_conformance!(this());
}

/// In parts or at once, in any order: the same files.
#[test]
fn what_is_added_in_parts_equals_what_is_added_at_once() {
    for all in [two(), market()] {
        let (_a, whole) = filled(&all);
        assert_eq!(whole.series(&Selection::default()).unwrap(), all);
        let (_b, parts) = filled(&until(&all, 30));
        let added = parts.add(&incoming(&until(&all, 70))).unwrap();
        let known = |symbol: &str| all[symbol].bars.len().min(30) as u64;
        let is_known = added
            .series
            .iter()
            .all(|s| s.bars_known == known(&s.symbol));
        assert!(is_known, "{added:?}");
        parts.add(&incoming(&all)).unwrap();
        let (one, other) = (whole.manifest().unwrap(), parts.manifest().unwrap());
        assert_eq!(one.series, other.series);
        // Nothing new is no change.
        let again = parts.add(&incoming(&all)).unwrap();
        assert_eq!((again.files, again.generation), (0, other.generation));
        // Backwards.
        let (_c, late) = filled(&all);
        late.add(&incoming(&until(&all, 30))).unwrap();
        assert_eq!(late.manifest().unwrap(), one);
    }
}

#[test]
fn a_changed_bar_is_a_conflict_and_changes_nothing() {
    let all = two();
    let (_folder, catalog) = filled(&all);
    let before = catalog.manifest().unwrap();
    let mut changed = all.clone();
    let other = SeriesBuilder::new(9).bars(500).build();
    changed.insert("A".to_owned(), other);
    changed.insert("C".to_owned(), all["B"].clone());
    let e = catalog.add(&incoming(&changed)).unwrap_err();
    assert_eq!((e.kind, e.operation), (ErrorKind::InvalidData, "import"));
    let text = e.to_string();
    assert!(
        text.contains("contradict") && text.contains("symbol = A"),
        "{text}"
    );
    assert_eq!(catalog.manifest().unwrap(), before);
    assert_eq!(catalog.verify().unwrap().leftovers, 0);
    // An action that changed contradicts too.
    let (_m, catalog) = filled(&market());
    let mut changed = market();
    let series = changed
        .values_mut()
        .find(|s| !s.actions.is_empty())
        .unwrap();
    let kind = ballast_domain::market::ActionKind::Split(ballast_domain::market::SplitRatio {
        new: 7,
        old: 5,
    });
    let split = series
        .actions
        .iter_mut()
        .find(|a| std::mem::discriminant(&a.kind) == std::mem::discriminant(&kind));
    split.expect("the market has a split").kind = kind;
    let e = catalog.add(&incoming(&changed)).unwrap_err();
    assert!(e.to_string().contains("actions contradict"), "{e}");
}

/// DAT-10: with bars to T, an update asks for (T, now] only and gives what a full fetch gives.
#[tokio::test]
async fn dat_10_an_update_asks_for_what_is_new_and_equals_a_full_fetch() {
    let all = two();
    let now = day(1_000);
    let symbols = ["A".to_owned(), "B".to_owned()];
    let (_a, catalog) = filled(&until(&all, 450));
    let last = all["A"].bars.open_times()[449];
    let source = FakeMarketData::new(all.clone());
    let go = |catalog: Catalog| {
        let (source, symbols) = (&source, &symbols);
        async move {
            catalog
                .update(source, symbols, BarSize::DAY, Calendar::Utc24x7, now)
                .await
        }
    };
    let added = go(catalog.clone()).await.unwrap();
    assert_eq!(added.series.len(), 1, "B has nothing new: {added:?}");
    assert_eq!(
        (added.series[0].bars_added, added.series[0].bars_known),
        (50, 0)
    );
    let asked = source.calls();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].start.since(last).nanos(), 1);
    assert_eq!(asked[0].end.since(now).nanos(), 1);
    let folder = tempfile::tempdir().unwrap();
    let full = Catalog::new(folder.path().join("catalog"));
    go(full.clone()).await.unwrap();
    let bars = |catalog: &Catalog| catalog.series(&Selection::default()).unwrap();
    assert_eq!(bars(&full), bars(&catalog));
    assert_eq!(bars(&full), all);
    // A source that fails, or does not know a symbol, is an error and changes nothing.
    let busy = ballast_ports::Error::new(ErrorKind::Unavailable, "history", "busy");
    let broken = FakeMarketData::new(all.clone()).script([Fault::Fail(busy)]);
    let stranger = ["NOPE".to_owned()];
    for (source, symbols, kind) in [
        (&broken, &symbols[..], ErrorKind::Unavailable),
        (&source, &stranger[..], ErrorKind::NotFound),
    ] {
        let e = full
            .update(source, symbols, BarSize::DAY, Calendar::Utc24x7, now)
            .await
            .unwrap_err();
        assert_eq!(e.kind, kind);
    }
    assert_eq!(bars(&full), all);
}

/// A bit of every byte of every file of a small catalog, the manifest too: refused, never other bars.
#[test]
fn every_flipped_byte_is_refused() {
    let all = until(&market(), 8);
    let (_folder, catalog) = filled(&all);
    let mut files = files_of(&catalog);
    files.push(catalog.root().join("manifest"));
    let (mut total, mut counts) = (0, BTreeMap::new());
    for path in files {
        let good = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = match name.as_str() {
            "manifest" => "manifest",
            name if name.ends_with(".json") => "actions",
            _ => "bars",
        };
        let (refused, equal): &mut (u32, u32) = counts.entry(kind).or_default();
        for byte in 0..good.len() {
            // Every byte, one bit of it after the other.
            let mut bytes = good.clone();
            bytes[byte] ^= 1 << (byte % 8);
            fs::write(&path, &bytes).unwrap();
            match catalog.series(&Selection::default()) {
                Err(e) => {
                    assert_eq!(e.operation, STATE, "{e}");
                    *refused += 1;
                }
                Ok(read) => {
                    assert_eq!(read, all, "byte {byte} of {name}");
                    *equal += 1;
                }
            }
            total += 1;
        }
        fs::write(&path, &good).unwrap();
    }
    for (kind, (refused, equal)) in &counts {
        println!("{kind}: {refused} flipped bytes refused, {equal} harmless");
    }
    assert_eq!(catalog.series(&Selection::default()).unwrap(), all);
    assert!(total > 3_000 && counts.len() == 3, "{counts:?}");
    // A changed name, calendar or count of decimals would be believed: no byte may be harmless.
    assert!(counts.values().all(|(_, equal)| *equal == 0), "{counts:?}");
}

#[test]
fn a_cut_or_missing_file_is_refused_and_named_by_verify() {
    let (_folder, catalog) = filled(&two());
    let files = files_of(&catalog);
    fs::remove_file(&files[0]).unwrap();
    let half = fs::read(&files[1]).unwrap();
    fs::write(&files[1], &half[..half.len() / 2]).unwrap();
    let report = catalog.verify().unwrap();
    assert_eq!(report.damaged.len(), 2, "{report:?}");
    assert!(report.damaged[0].problem.contains("gone"), "{report:?}");
    assert!(report.damaged[1].problem.contains("damaged"), "{report:?}");
    let e = catalog.series(&Selection::default()).unwrap_err();
    assert_eq!((e.kind, e.operation), (ErrorKind::NotFound, STATE));
    fs::remove_file(catalog.root().join("manifest")).unwrap();
    let e = catalog.manifest().unwrap_err();
    assert!(e.chain().contains("the manifest is gone"), "{}", e.chain());
    // Nor does an import begin anew over data it knows nothing of.
    let e = catalog.add(&incoming(&two())).unwrap_err();
    assert!(e.chain().contains("the manifest is gone"), "{}", e.chain());
}

/// Only what is damaged is replaced, and only by what was recorded.
#[test]
fn repair_takes_from_a_second_source_what_provably_fits() {
    let all = market();
    let (_a, catalog) = filled(&all);
    let (_b, second) = filled(&all);
    let damage = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(path, bytes).unwrap();
    };
    let files = files_of(&catalog);
    let untouched = fs::metadata(&files[0]).unwrap().modified().unwrap();
    for source in [SecondSource::Catalog(&second), SecondSource::Series(&all)] {
        for path in &files[1..] {
            damage(path);
        }
        let report = catalog.repair(source).unwrap();
        assert_eq!(report.repaired.len(), files.len() - 1, "{report:?}");
        assert!(report.unrepaired.is_empty() && !report.manifest_restored);
        assert_eq!(catalog.series(&Selection::default()).unwrap(), all);
        assert_eq!(
            fs::metadata(&files[0]).unwrap().modified().unwrap(),
            untouched
        );
    }
    // Other values are no repair.
    damage(&files[0]);
    let wrong: All = all.keys().cloned().zip(two().into_values()).collect();
    let report = catalog.repair(SecondSource::Series(&wrong)).unwrap();
    assert!(report.repaired.is_empty(), "{report:?}");
    assert!(
        report.unrepaired[0]
            .problem
            .contains("it holds other values"),
        "{report:?}"
    );
    assert!(catalog.series(&Selection::default()).is_err());
    // The manifest comes back from a catalog that names every file.
    damage(&catalog.root().join("manifest"));
    assert!(catalog.repair(SecondSource::Series(&all)).is_err());
    let report = catalog.repair(SecondSource::Catalog(&second)).unwrap();
    assert!(
        report.manifest_restored && report.repaired.len() == 1,
        "{report:?}"
    );
    assert_eq!(catalog.series(&Selection::default()).unwrap(), all);
    // Not when that would forget a file.
    catalog.add(&incoming(&two())).unwrap();
    damage(&catalog.root().join("manifest"));
    let e = catalog.repair(SecondSource::Catalog(&second)).unwrap_err();
    assert!(
        e.to_string().contains("unknown_to_the_second_catalog"),
        "{e}"
    );
}

/// A reader at work while a writer adds: each answer is one whole state.
#[test]
fn readers_see_whole_states_while_a_writer_works() {
    let all = two();
    let (_folder, catalog) = filled(&until(&all, 10));
    let states: Vec<All> = (1..=30).map(|n| until(&all, n * 10)).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let done = &done;
        let (states, catalog) = (&states, &catalog);
        let reader = scope.spawn(move || {
            let mut seen = 0;
            let mut latest = 0;
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let read = catalog.series(&Selection::default()).unwrap();
                let state = states.iter().position(|state| *state == read);
                let state = state.expect("a state that was never written");
                assert!(state >= latest, "the catalog went back in time");
                latest = state;
                seen += 1;
            }
            seen
        });
        for state in states {
            catalog.add(&incoming(state)).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        let reads = reader.join().unwrap();
        println!("{reads} reads while 30 states were written");
        assert!(reads > 0);
    });
    // Two writers at once are one too many.
    let lock = fs::File::open(catalog.root().join("lock")).unwrap();
    lock.lock().unwrap();
    let e = catalog.add(&incoming(&all)).unwrap_err();
    assert!(e.to_string().contains("another process writes"), "{e}");
}

/// What is exported is the same data: imported again it gives the same files.
#[test]
fn exports_come_back_as_they_were() {
    let all = market();
    let (folder, catalog) = filled(&all);
    for name in ["all.csv", "all.parquet"] {
        let options = ExportOptions {
            file: folder.path().join(name),
            actions: Some(folder.path().join("actions.csv")),
            ..ExportOptions::default()
        };
        let exported = catalog.export(&options).unwrap();
        assert_eq!(exported.symbols, ["ALFA", "BETA"]);
        let back = load_checked(
            &ContractOptions {
                calendar: Some(Calendar::Utc24x7),
                actions: options.actions.clone().map(CsvSource::Path),
                ..ContractOptions::new(CsvSource::Path(options.file.clone()))
            },
            Verdict::Warn,
        )
        .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(back.series, all, "{name}");
    }
    let options = ExportOptions {
        file: folder.path().join("all.xlsx"),
        ..ExportOptions::default()
    };
    assert_eq!(
        catalog.export(&options).unwrap_err().kind,
        ErrorKind::Config
    );
}

/// The total-return column moves as the vendors' adjusted closes do, over the real histories of a
/// corpus with splits and dividends.
#[test]
fn total_returns_follow_the_vendors_rule() {
    let Some(root) = std::env::var_os("BALLAST_CORPUS").map(PathBuf::from) else {
        return eprintln!("skipped: BALLAST_CORPUS does not name a corpus folder");
    };
    let (mut worst, mut rows) = (0.0_f64, 0);
    for symbol in ["AAPL", "BA", "GE"] {
        let file = root.join(format!("market/us_equity_wiki_actions/{symbol}.csv"));
        let mut table = csv::Reader::from_path(&file).unwrap();
        let header = table.headers().unwrap().clone();
        let column = |name: &str| header.iter().position(|h| h == name).unwrap();
        let (date, close) = (column("timestamp"), column("adj_close"));
        let (dividend, split) = (column("ex_dividend"), column("split_ratio"));
        let (mut adjusted, mut actions) = (Vec::new(), "date,symbol,kind,value\n".to_owned());
        for row in table.records() {
            let row = row.unwrap();
            adjusted.push(row[close].parse::<f64>().unwrap());
            for (kind, value, none) in [
                ("split", &row[split], 1.0),
                ("dividend", &row[dividend], 0.0),
            ] {
                let number: f64 = value.parse().unwrap();
                if (number - none).abs() > 0.0 {
                    actions.push_str(&format!("{},{symbol},{kind},{value}\n", &row[date]));
                }
            }
        }
        let data = load_checked(
            &ContractOptions {
                calendar: Some(Calendar::UsEquities),
                actions: Some(CsvSource::Bytes {
                    name: "actions.csv".to_owned(),
                    data: actions.into_bytes().into(),
                }),
                ..ContractOptions::new(CsvSource::Path(file))
            },
            Verdict::Warn,
        )
        .unwrap_or_else(|e| panic!("{}", e.chain()));
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::new(folder.path().join("catalog"));
        let one: Vec<_> = (data.series.iter())
            .map(|(symbol, series)| Incoming {
                symbol,
                bar: data.bar,
                calendar: data.calendar,
                fields: data.fields,
                price_decimals: data.price_decimals[symbol],
                series,
            })
            .collect();
        catalog.add(&one).unwrap();
        let options = ExportOptions {
            view: View::TotalReturn,
            file: folder.path().join("total.csv"),
            ..ExportOptions::default()
        };
        catalog.export(&options).unwrap();
        let mut exported = csv::Reader::from_path(&options.file).unwrap();
        let total: Vec<f64> = (exported.records())
            .map(|row| row.unwrap().iter().next_back().unwrap().parse().unwrap())
            .collect();
        assert_eq!(total.len(), adjusted.len());
        for i in 1..total.len() {
            let (mine, theirs) = (total[i] / total[i - 1], adjusted[i] / adjusted[i - 1]);
            worst = worst.max((mine / theirs - 1.0).abs());
            rows += 1;
        }
    }
    println!("{rows} changes, largest relative difference {worst:e}");
    assert!(rows > 15_000 && worst < 1e-12);
}

/// Each import was sound by itself; the whole is held against the contract when it is opened.
#[test]
fn what_only_the_whole_shows_is_seen_when_a_catalog_is_opened() {
    let all = SeriesBuilder::new(3).bars(60).build();
    let part = |range: std::ops::Range<usize>, scale: f64| {
        let mut bars = Bars::new(all.bars.fields());
        for i in range {
            let at = |field| all.bars.column(field)[i] * scale;
            let bar = Bar {
                open_time: all.bars.open_times()[i],
                close_time: all.bars.close_times()[i],
                open: at(Field::Open),
                high: at(Field::High),
                low: at(Field::Low),
                close: at(Field::Close),
                volume: at(Field::Volume),
            };
            bars.push(&bar).unwrap();
        }
        let series = Series {
            basis: all.basis,
            bars,
            actions: Vec::new(),
        };
        All::from([("A".to_owned(), series)])
    };
    let of = |parts: &[All]| {
        let (folder, catalog) = filled(&parts[0]);
        for part in &parts[1..] {
            catalog.add(&incoming(part)).unwrap();
        }
        (folder, catalog)
    };
    let open = |catalog: &Catalog, contract| {
        CatalogMarketData::open(catalog, &Selection::default(), contract)
    };
    let (strict, lenient) = (Some(Strictness::Strict), Some(Strictness::Lenient));
    // One day of a tenth, between two that are sound.
    let (_folder, spike) = of(&[part(0..30, 1.0), part(30..31, 0.1), part(31..60, 1.0)]);
    assert_eq!(
        open(&spike, None).unwrap().inventory().symbols["A"].bars,
        60
    );
    let error = open(&spike, strict).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidData);
    let text = std::error::Error::source(&error).unwrap().to_string();
    let day = all.bars.open_times()[30].to_string();
    assert!(text.contains("data/A/1d/") && text.contains(&day), "{text}");
    let used = open(&spike, lenient).unwrap();
    assert_eq!(used.inventory().symbols["A"].bars, 59);
    let opens = used.series("A").unwrap().bars.open_times();
    assert!(!opens.contains(&all.bars.open_times()[30]));
    assert_eq!(used.warnings()[0].code, DefectCode::PriceSpike);
    // Weeks that neither import had.
    let (_folder, gap) = of(&[part(0..15, 1.0), part(45..60, 1.0)]);
    for contract in [strict, lenient] {
        assert_eq!(
            open(&gap, contract).unwrap_err().kind,
            ErrorKind::InvalidData
        );
    }
    // Days that are missing here and there are said.
    let (_folder, hole) = of(&[part(0..30, 1.0), part(31..60, 1.0)]);
    let said = open(&hole, strict).unwrap();
    assert_eq!(said.warnings()[0].code, DefectCode::MissingBar);
}
