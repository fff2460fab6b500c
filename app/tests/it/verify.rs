//! `verify`: identical, another build, the first difference, or damage.

use std::fs;
use std::path::Path;

use ballast::exit::Exit;
use ballast::run_directory::{MANIFEST, Manifest, RunDirectory, RunFile, Verdict, compare};

use crate::fake::{FakeEngine, Plant, Used, ballast, finished};

fn verify(engine: &FakeEngine, home: &Path, run: &Path, json: bool) -> Used {
    let run = run.to_str().unwrap();
    let arguments: &[&str] = if json {
        &["verify", run, "--json"]
    } else {
        &["verify", run]
    };
    ballast(engine, home, arguments)
}

fn edit_manifest(run: &Path, edit: impl Fn(&mut Manifest)) {
    let path = run.join(MANIFEST);
    let mut manifest = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    edit(&mut manifest);
    fs::write(&path, serde_json::to_string(&manifest).unwrap()).unwrap();
}

/// REP-05: a deterministic run is identical; an engine with a planted draw fails with the first
/// difference: file, row, column and both values.
#[test]
fn rep_05_a_planted_difference_is_named() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let run = finished(&engine, home.path(), &[]);
    let used = verify(&engine, home.path(), &run, false);
    assert_eq!(
        (used.exit, used.out.as_str()),
        (Exit::Ok, "identical\n"),
        "{used:?}"
    );
    assert_eq!(engine.runs.get(), 2);

    let engine = FakeEngine::new(Plant::AnotherCell);
    let run = finished(&engine, home.path(), &[]);
    let used = verify(&engine, home.path(), &run, false);
    assert_eq!(used.exit, Exit::Bug, "{used:?}");
    assert_eq!(
        used.out,
        "different: fills.csv row 2, quantity: '1' against '2'\n  the same build wrote both\n"
    );
    let json = verify(&engine, home.path(), &run, true).json();
    assert_eq!(json["verdict"], "different");
    assert_eq!(
        (json["file"].as_str(), json["row"].as_u64()),
        (Some("fills.csv"), Some(2))
    );
    // The repetitions are gone: two runs are left.
    assert_eq!(fs::read_dir(home.path().join("runs")).unwrap().count(), 2);
}

/// REP-07: a flipped byte, a missing file and an added one are found before anything is repeated.
#[test]
fn rep_07_a_planted_corruption_is_found() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    for file in RunFile::ALL {
        let run = finished(&engine, home.path(), &[]);
        let path = run.join(file.name());
        let good = fs::read(&path).unwrap();
        let runs = engine.runs.get();
        let refused = |what: &str| {
            let used = verify(&engine, home.path(), &run, false);
            assert_eq!(used.exit, Exit::StateRefused, "{used:?}");
            assert!(used.err.contains(what), "{what}: {}", used.err);
            assert_eq!(engine.runs.get(), runs, "it was repeated");
        };
        for bit in [0_u8, 7] {
            let mut bad = good.clone();
            bad[good.len() / 2] ^= 1 << bit;
            fs::write(&path, &bad).unwrap();
            refused(&format!("{file} is not what the run wrote"));
        }
        fs::remove_file(&path).unwrap();
        refused(&format!("{file} cannot be read"));
        fs::write(&path, &good).unwrap();
        fs::write(run.join("more.csv"), "x").unwrap();
        refused("more.csv is not part of the run");
        fs::remove_dir_all(&run).unwrap();
    }
}

#[test]
fn another_build_with_the_same_bytes_is_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let run = finished(&engine, home.path(), &[]);
    edit_manifest(&run, |manifest| {
        manifest.revision.git_sha = Some("0".repeat(40));
    });
    let used = verify(&engine, home.path(), &run, false);
    assert_eq!(
        (used.exit, used.out.as_str()),
        (Exit::Ok, "identical results from another build\n")
    );
}

/// Another version gives the same results another name; the name alone is no difference.
#[test]
fn the_name_of_a_result_is_no_difference_between_versions() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let (a, b) = (
        finished(&engine, home.path(), &[]),
        finished(&engine, home.path(), &[]),
    );
    let id = RunDirectory::open(&a)
        .unwrap()
        .manifest()
        .identity
        .result_id
        .clone();
    let version = ballast::run_directory::PROGRAM_VERSION;
    for file in [RunFile::Summary, RunFile::Report] {
        let path = a.join(file.name());
        let text = fs::read_to_string(&path).unwrap();
        let text = text
            .replace(&id, "0123456789abcdef")
            .replace(version, "9.9.9");
        fs::write(&path, &text).unwrap();
        edit_manifest(&a, |manifest| {
            manifest.identity.result_id = "0123456789abcdef".to_owned();
            manifest.identity.program_version = "9.9.9".to_owned();
            let entry = manifest.files.iter_mut().find(|e| e.path == file).unwrap();
            entry.blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
            entry.size = text.len() as u64;
        });
    }
    let (a, b) = (
        RunDirectory::open(&a).unwrap(),
        RunDirectory::open(&b).unwrap(),
    );
    assert_eq!(
        compare(&a, &b).unwrap(),
        Verdict::IdenticalResultsOtherBuild
    );
}

#[test]
fn data_that_changed_since_is_refused_as_data() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::AnotherData);
    let run = finished(&engine, home.path(), &[]);
    let used = verify(&engine, home.path(), &run, false);
    assert_eq!(used.exit, Exit::DataRefused, "{used:?}");
    assert!(
        used.err
            .contains("the data of the run has changed: sample:us-stocks")
    );
}

#[test]
fn what_is_no_run_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let used = verify(&engine, home.path(), home.path(), false);
    assert_eq!(used.exit, Exit::StateRefused);
    assert!(used.err.contains("no run here"), "{}", used.err);
    let run = finished(&engine, home.path(), &[]);
    edit_manifest(&run, |manifest| manifest.v = 99);
    let used = verify(&engine, home.path(), &run, false);
    assert!(used.err.contains("manifest has version 99"), "{}", used.err);
}
