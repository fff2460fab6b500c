//! `init DIR`: a folder with the example configs and their data, ready to run; with a checkout of
//! Ballast also a crate with a strategy of the user's own.

use std::fs;
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, ErrorKind, Result};

use super::strategy_crate::StrategyCrate;
use crate::config::{BREAKOUT, MOMENTUM, SCREEN, TWO_SLEEVES};
use crate::run_directory::require_free;
use crate::sample;

/// What `init` made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initialised {
    /// The folder.
    pub folder: PathBuf,
    /// Its files, in the order they were written.
    pub files: Vec<PathBuf>,
    /// Whether the folder is a crate with a strategy.
    pub is_crate: bool,
}

/// Writes the example configs and the sample data into `folder`, which is empty or does not exist.
/// The configs then name the files instead of the samples inside the program. With the root of a
/// checkout of Ballast as `source` the folder also becomes a [`StrategyCrate`].
///
/// # Errors
/// `Configuration` when the folder holds something, when `source` is no checkout of this program's
/// version, or when this build has no sample data; `Api` from the disk.
pub fn init(folder: &Path, source: Option<&Path>) -> Result<Initialised> {
    require_free(folder)?;
    let samples = samples()?;
    // Whatever is wrong with the checkout is said before anything is written.
    let crate_files = match source {
        Some(checkout) => StrategyCrate::over(checkout)?.files(folder),
        None => Vec::new(),
    };
    let mut files = Vec::new();
    for (name, text) in &crate_files {
        files.push(put(folder, name, text.as_bytes())?);
    }
    files.push(put(
        folder,
        "breakout.toml",
        with_files(BREAKOUT).as_bytes(),
    )?);
    files.push(put(
        folder,
        "momentum.toml",
        with_files(MOMENTUM).as_bytes(),
    )?);
    files.push(put(
        folder,
        "two-sleeves.toml",
        with_files(TWO_SLEEVES).as_bytes(),
    )?);
    files.push(put(folder, "screen.toml", with_files(SCREEN).as_bytes())?);
    for file in samples {
        files.push(put(folder, &format!("data/{}", file.name), file.data)?);
    }
    Ok(Initialised {
        folder: folder.to_owned(),
        files,
        is_crate: source.is_some(),
    })
}

/// Writes the sample data alone into `folder`, which is empty or does not exist, with its licences.
///
/// # Errors
/// As [`init`].
pub fn write_samples(folder: &Path) -> Result<Initialised> {
    require_free(folder)?;
    let put = |file: &sample::SampleFile| put(folder, file.name, file.data);
    Ok(Initialised {
        folder: folder.to_owned(),
        files: samples()?.iter().map(put).collect::<Result<_>>()?,
        is_crate: false,
    })
}

fn samples() -> Result<&'static [sample::SampleFile]> {
    match sample::FILES {
        [] => Err(Error::config("this build has no sample data")
            .hint("build it with the feature sample-data")),
        samples => Ok(samples),
    }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = folder.join(name);
    let disk = |e: std::io::Error| {
        Error::new(ErrorKind::Api, format!("file cannot be written: {e}"))
            .context("path", path.display())
            .hint("check that the folder may be written and has free space")
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(disk)?;
    }
    fs::write(&path, bytes).map_err(disk)?;
    Ok(path)
}

/// The config with files of the folder in place of the samples inside the program.
fn with_files(config: &str) -> String {
    config
        .replace("\"sample:us-stocks\"     #", "\"data/us-stocks.csv.gz\" #")
        .replace(
            "# actions = \"actions.csv\"       #",
            "actions = \"data/us-stocks-actions.csv\" #",
        )
        .replace("\"sample:sp500\"", "\"data/sp500.csv.gz\"")
}

#[cfg(all(test, feature = "sample-data"))]
mod tests {
    use super::*;
    use crate::config::{Config, Layer, read};

    #[test]
    fn the_folder_holds_configs_that_name_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let made = init(&folder.path().join("new"), None).unwrap();
        assert_eq!(made.files.len(), 10, "{made:?}");
        for (file, shipped) in [
            ("breakout.toml", BREAKOUT),
            ("momentum.toml", MOMENTUM),
            ("two-sleeves.toml", TWO_SLEEVES),
        ] {
            let resolved = read(&made.folder.join(file), Layer::empty()).unwrap();
            let config = resolved.config;
            for path in [
                &config.data.source,
                config.data.actions.as_ref().unwrap(),
                &config.report.benchmarks[1],
            ] {
                assert!(resolved.base.join(path).is_file(), "{path}");
            }
            // Nothing else differs from the shipped one.
            let mut expected = Config::from_toml(shipped).unwrap();
            expected.data.source.clone_from(&config.data.source);
            expected.data.actions.clone_from(&config.data.actions);
            expected.report.benchmarks[1].clone_from(&config.report.benchmarks[1]);
            assert_eq!(config, expected);
        }
    }

    #[test]
    fn with_a_checkout_the_folder_is_a_crate_whose_config_names_its_strategy_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let made = init(&folder.path().join("my strategy"), Some(checkout)).unwrap();
        assert!(made.is_crate);
        let text = |name: &str| fs::read_to_string(made.folder.join(name)).unwrap();
        let resolved = read(&made.folder.join("config.toml"), Layer::empty()).unwrap();
        let registered = format!(".with(\"{}\"", resolved.config.strategy.name);
        assert!(text("src/main.rs").contains(&registered), "{registered}");
        for path in [
            &resolved.config.data.source,
            resolved.config.data.actions.as_ref().unwrap(),
            &resolved.config.report.benchmarks[1],
        ] {
            assert!(resolved.base.join(path).is_file(), "{path}");
        }
        let manifest = text("Cargo.toml");
        assert!(manifest.contains("name = \"my-strategy\""), "{manifest}");
        assert!(text("rust-toolchain.toml").contains("channel"));
        assert!(text("Cargo.lock").contains("name = \"ballast-domain\""));
        assert_eq!(text(".gitignore"), "/target\n/ballast-data\n");
    }

    /// A wrong checkout is refused before the first file is written.
    #[test]
    fn what_is_no_checkout_is_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        let e = init(&new, Some(folder.path())).unwrap_err();
        assert_eq!(*e.kind, ErrorKind::Configuration);
        assert!(e.message.contains("no checkout of Ballast"), "{e}");
        assert!(!new.exists());
    }

    #[test]
    fn a_folder_that_holds_something_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.txt"), "x").unwrap();
        let e = init(folder.path(), None).unwrap_err();
        assert!(e.hint.as_ref().unwrap().contains("empty"), "{e}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
