//! What every reader promises for any bytes: an answer or a typed error, soon, in bounded memory.
//!
//! Each function takes hostile bytes and panics when the promise is broken. `cargo xtask fuzz` looks
//! for such bytes; the files under `corpus/` are read again by the program's own tests, which
//! include this file, so that what was found once stays repaired.

use std::fs;
use std::path::PathBuf;

use ballast::commands::explain::{ExplainRequest, explain};
use ballast::config::{Config, Layer, resolve};
use ballast::run_directory::{
    FileEntry, Identity, MANIFEST, Manifest, Revision, RunDirectory, RunFile, RunId, compare,
};
use ballast_domain::calendar::Calendar;
use ballast_domain::indicators::{Columns, IndicatorSpec};
use ballast_domain::kernel::Record;
use ballast_domain::market::{BarSize, Field};
use ballast_domain::time::{Span, Timestamp};
use ballast_files::catalog::{
    self as catalog_files, Catalog, CatalogFile, CatalogSeries, Selection,
};
use ballast_files::{
    ContractOptions, CsvMarketData, CsvOptions, CsvSource, check, check_contract, read_column,
    read_prices,
};

/// A reader of hostile bytes.
pub type Target = fn(&[u8]);

/// Every reader by the name of its folder under `corpus/`.
pub const TARGETS: [(&str, Target); 8] = [
    ("catalog", catalog),
    ("config", config),
    ("csv_bars", csv_bars),
    ("indicator", indicator),
    ("manifest", manifest),
    ("parquet", parquet),
    ("record", record),
    ("run_files", run_files),
];

/// The newest bar any of them may name.
const NOW: Timestamp = Timestamp::from_nanos(1_800_000_000_000_000_000);

/// A bar file: strictly, leniently, as a contract and as one column. What is accepted strictly is a
/// series without a defect in the lenient report.
pub fn csv_bars(input: &[u8]) {
    // Packed files come from the compressor's own tests; here the text is the subject.
    if input.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    let source = || CsvSource::Bytes {
        name: "hostile.csv".to_owned(),
        data: input.to_vec().into(),
    };
    for calendar in [Calendar::Utc24x7, Calendar::UsEquities] {
        let options = CsvOptions::new(source(), calendar);
        let report = check(&options);
        if CsvMarketData::open(&options).is_ok() {
            let report = report.expect("what opens can be checked");
            assert_eq!(report.errors, 0, "accepted and defective: {report:?}");
        }
        for strict in [false, true] {
            let contract = ContractOptions {
                calendar: Some(calendar),
                now: Some(NOW),
                max_age: Some(Span::from_nanos(1)),
                strict,
                ..ContractOptions::new(source())
            };
            if let Ok(report) = check_contract(&contract) {
                assert!(report.rows_usable <= report.rows, "{report:?}");
            }
        }
    }
    let actions = CsvOptions {
        actions: Some(source()),
        ..CsvOptions::new(
            CsvSource::Bytes {
                name: "ACME.csv".to_owned(),
                data: (&b"date,open,high,low,close,volume\n2020-01-02,1,2,1,2,9\n"[..]).into(),
            },
            Calendar::UsEquities,
        )
    };
    let _ = check(&actions);
    let _ = read_column(&source(), None, &["close"]);
}

/// A Parquet file: as bars, against the contract and as one column. Its decoder may panic on damaged
/// bytes; the reader turns that into a refusal.
pub fn parquet(input: &[u8]) {
    quietly(|| {
        let source = || CsvSource::Bytes {
            name: "hostile.parquet".to_owned(),
            data: input.to_vec().into(),
        };
        let options = CsvOptions::new(source(), Calendar::Utc24x7);
        let report = check(&options);
        if CsvMarketData::open(&options).is_ok() {
            let report = report.expect("what opens can be checked");
            assert_eq!(report.errors, 0, "accepted and defective: {report:?}");
        }
        if let Ok(report) = check_contract(&ContractOptions::new(source())) {
            assert!(report.rows_usable <= report.rows, "{report:?}");
        }
        let _ = read_prices(&source(), None, &["close"]);
    });
}

/// A catalog: hostile text as its manifest, with and without the checksum that fits it, then hostile
/// bytes as the data files that an honest manifest vouches for.
pub fn catalog(input: &[u8]) {
    let folder = Folder::new("catalog");
    let catalog = Catalog::new(&folder.0);
    let write = |place: &str, content: &[u8]| {
        let path = folder.0.join(place);
        let parent = path.parent().expect("a place in the folder");
        fs::create_dir_all(parent).expect("a folder to write to");
        fs::write(path, content).expect("a folder to write to");
    };
    let sealed = |text: &str| {
        let hash = blake3::hash(format!("{text}\n").as_bytes()).to_hex();
        format!("{text}\nblake3:{hash}\n")
    };
    let read = || {
        let Ok(manifest) = catalog.manifest() else {
            return;
        };
        let _ = catalog.verify();
        for series in manifest.series.iter().take(4) {
            let _ = catalog.series(&Selection {
                symbols: vec![series.symbol.clone()],
                bar: Some(series.bar),
            });
        }
    };
    write("manifest", input);
    read();
    if let Ok(text) = std::str::from_utf8(input) {
        write("manifest", sealed(text).as_bytes());
        read();
    }
    let file = |path: &str| CatalogFile {
        path: path.to_owned(),
        bytes: input.len() as u64,
        blake3: blake3::hash(input).to_hex().to_string(),
        content: String::new(),
        rows: 3,
        first: NOW,
        last: NOW,
    };
    let (bars, actions) = ("data/ACME/1d/2020.parquet", "data/ACME/1d/actions.json");
    write(bars, input);
    write(actions, input);
    for (years, actions) in [(vec![file(bars)], None), (Vec::new(), Some(file(actions)))] {
        let honest = catalog_files::Manifest {
            v: catalog_files::Manifest::VERSION,
            generation: 1,
            series: vec![CatalogSeries {
                symbol: "ACME".to_owned(),
                bar: BarSize::DAY,
                calendar: Calendar::UsEquities,
                fields: vec![
                    Field::Open,
                    Field::High,
                    Field::Low,
                    Field::Close,
                    Field::Volume,
                ],
                price_decimals: 2,
                years,
                actions,
            }],
        };
        let text = serde_json::to_string(&honest).expect("a manifest can be written");
        write("manifest", sealed(&text).as_bytes());
        quietly(read);
    }
}

/// Runs what may panic inside and catch it itself, without the hook that ends the process at the
/// first panic. One that gets out still does.
fn quietly(read: impl FnOnce()) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    read();
    std::panic::set_hook(before);
}

/// A config: read, written canonically, read again to an equal one with an equal hash.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(config) = Config::from_toml(text) {
        let again = Config::from_toml(&config.to_toml()).expect("canonical text is read");
        assert_eq!(again.hash(), config.hash(), "{text}");
    }
    for line in text.lines().take(8) {
        let layers = [
            Layer::defaults(),
            Layer::arguments([line]).unwrap_or(Layer::empty()),
        ];
        let _ = resolve(&layers, "".as_ref());
    }
}

/// An indicator's text: parsed, shown as itself, and computed over a few bars.
pub fn indicator(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(spec) = text.parse::<IndicatorSpec>() else {
        return;
    };
    assert_eq!(spec.to_string(), text);
    let close: Vec<f64> = (0..64).map(|i| 100.0 + f64::from(i % 7)).collect();
    let high: Vec<f64> = close.iter().map(|c| c + 1.0).collect();
    let columns = Columns {
        high_low: Some((&high, &close)),
        close: &close,
        benchmark: Some(&high),
        annualisation: 252.0,
    };
    let values = spec.values(&columns).expect("columns are whole");
    assert_eq!(values.len(), close.len());
}

/// A record of the kernel: what is read is written and read again as the same record.
pub fn record(input: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(input) else {
        return;
    };
    // A number that is none has no text in JSON, so only what can be written must come back.
    let text = serde_json::to_string(&record).expect("a record can be written");
    let again: Record = serde_json::from_str(&text).expect("a written record is read");
    assert_eq!(again, record);
}

/// The manifest of a run.
pub fn manifest(input: &[u8]) {
    let folder = Folder::new("manifest");
    fs::write(folder.0.join(MANIFEST), input).expect("a folder to write to");
    let Ok(run) = RunDirectory::open(&folder.0) else {
        return;
    };
    let _ = run.damage();
    let _ = run.decisions();
    let _ = compare(&run, &run);
}

/// The files of a run under a manifest that vouches for them.
pub fn run_files(input: &[u8]) {
    const FILES: [RunFile; 4] = [
        RunFile::Decisions,
        RunFile::Fills,
        RunFile::Summary,
        RunFile::Config,
    ];
    let open = |name: &str, content: &[u8]| {
        let folder = Folder::new(name);
        let entry = |path| FileEntry {
            path,
            blake3: blake3::hash(content).to_hex().to_string(),
            size: content.len() as u64,
        };
        let manifest = Manifest {
            v: Manifest::VERSION,
            run_id: RunId::from_random([0; 16]),
            identity: Identity {
                result_id: String::new(),
                program_version: String::new(),
                config_hash: String::new(),
                data_hash: String::new(),
                seed: 0,
            },
            revision: Revision::default(),
            host: String::new(),
            started: NOW,
            finished: NOW,
            wall_seconds: 0.0,
            peak_memory_bytes: None,
            base: String::new(),
            data: std::collections::BTreeMap::new(),
            files: FILES.map(entry).to_vec(),
        };
        for file in FILES {
            fs::write(folder.0.join(file.name()), content).expect("a folder to write to");
        }
        let text = serde_json::to_vec(&manifest).expect("a manifest can be written");
        fs::write(folder.0.join(MANIFEST), text).expect("a folder to write to");
        let run = RunDirectory::open(&folder.0).expect("an honest manifest");
        (folder, run)
    };
    let (folder, run) = open("left", input);
    let _ = run.rows(RunFile::Fills);
    if let Ok(decisions) = run.decisions() {
        let legs = decisions.iter().flat_map(|d| &d.legs);
        for leg in legs.take(4) {
            let _ = explain(&ExplainRequest {
                run: folder.0.clone(),
                symbol: leg.symbol.clone(),
                date: None,
            });
        }
    }
    let (_other, other) = open("right", input.get(1..).unwrap_or_default());
    let _ = compare(&run, &other);
}

/// A folder of this process alone, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let thread = format!("{:?}", std::thread::current().id());
        let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
        let name = format!("ballast-fuzz-{}-{thread}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
