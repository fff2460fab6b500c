//! Which run is meant: a folder, or the beginning of a run's name.

use std::fs;
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, Result};

/// The folder of the run that `said` means: a folder as it is, or the one run in `<home>/runs` whose
/// name, or whose result id, begins with it. Of several runs of one result the latest is meant: they
/// differ in nothing but their manifests. What means nothing is given back as it was said, for
/// [`RunDirectory::open`](super::RunDirectory::open) to refuse.
///
/// # Errors
/// `Configuration` when several runs begin so; the error lists them.
pub fn locate(home: &Path, said: &Path) -> Result<PathBuf> {
    let beginning = match said.to_str() {
        Some(text) if !text.is_empty() && said.components().count() == 1 => text,
        _ => return Ok(said.to_owned()),
    };
    if said.exists() || beginning.starts_with('.') {
        return Ok(said.to_owned());
    }
    let runs = home.join("runs");
    let Ok(entries) = fs::read_dir(&runs) else {
        return Ok(said.to_owned());
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && means(name, beginning))
        .collect();
    names.sort();
    if let Some(whole) = names.iter().find(|name| *name == beginning) {
        return Ok(runs.join(whole));
    }
    let id = |name: &String| result_id(name).get(..RESULT_DIGITS).map(str::to_owned);
    let one_result = names.windows(2).all(|pair| id(&pair[0]) == id(&pair[1]));
    if let Some(latest) = names.last()
        && one_result
        && result_id(latest).starts_with(beginning)
    {
        return Ok(runs.join(latest));
    }
    match names.as_slice() {
        [] => Ok(said.to_owned()),
        [only] => Ok(runs.join(only)),
        several => {
            let n = several.len();
            let error = Error::config(format!("'{beginning}' is the beginning of {n} runs"))
                .context("where", runs.display());
            let shown = several.iter().take(SHOWN);
            let error = shown.fold(error, |error, name| error.context("run", name));
            Err(error.hint("write more of the name, or the folder"))
        }
    }
}

/// Runs an error lists at most.
const SHOWN: usize = 5;

/// `<time>-<result_id>`: people remember one or the other.
fn means(name: &str, beginning: &str) -> bool {
    name.starts_with(beginning) || result_id(name).starts_with(beginning)
}

/// Digits of a result id; a number may follow when the name was taken.
const RESULT_DIGITS: usize = 16;

fn result_id(name: &str) -> &str {
    name.split_once('-').map_or("", |(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_meant_by_folder_time_or_result() {
        let home = tempfile::tempdir().unwrap();
        let runs = home.path().join("runs");
        for name in [
            "20260131T160000Z-aa11aa11aa11aa11",
            "20260131T160000Z-aa11aa11aa11aa11-2",
            "20260201T160000Z-aabbaabbaabbaabb",
            "20260202T160000Z-ccddccddccddccdd",
            ".x.partial",
        ] {
            fs::create_dir_all(runs.join(name)).unwrap();
        }
        let found = |said: &str| locate(home.path(), Path::new(said));
        for (said, name) in [
            ("20260202", "20260202T160000Z-ccddccddccddccdd"),
            ("cc", "20260202T160000Z-ccddccddccddccdd"),
            // Two runs of one result: the latest.
            ("aa1", "20260131T160000Z-aa11aa11aa11aa11-2"),
            // A whole name is meant although another one begins with it.
            (
                "20260131T160000Z-aa11aa11aa11aa11",
                "20260131T160000Z-aa11aa11aa11aa11",
            ),
        ] {
            assert_eq!(found(said).unwrap(), runs.join(name), "{said}");
        }
        for said in ["ee", "some/folder", "..", ".x", ""] {
            assert_eq!(found(said).unwrap(), Path::new(said));
        }
        let e = found("2026").unwrap_err();
        assert!(e.to_string().contains("beginning of 4 runs"), "{e}");
        let e = found("aa").unwrap_err();
        assert_eq!(e.context.iter().filter(|(k, _)| *k == "run").count(), 3);
        // A time says when, and two runs of one second are two.
        assert!(found("20260131").is_err());
    }
}
