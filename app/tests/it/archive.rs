//! `runs archive`: the same runs, the same bytes, whole; and the release that carries them.

use std::fs;
use std::path::Path;

use ballast::exit::Exit;
use ballast::run_directory::RunDirectory;
use flate2::read::GzDecoder;

use crate::fake::{FakeEngine, Plant, ballast, finished};

fn unpack(archive: &Path, to: &Path) -> Vec<String> {
    let bytes = fs::read(archive).unwrap();
    let mut tar = tar::Archive::new(GzDecoder::new(&bytes[..]));
    let mut names = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        names.push(entry.path().unwrap().display().to_string());
        assert!(entry.unpack_in(to).unwrap());
    }
    names
}

#[test]
fn the_same_runs_give_the_same_archive_and_come_out_whole() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let a = finished(&engine, home.path(), &[]);
    let b = finished(&engine, home.path(), &["--set", "run.seed=7"]);
    let [first, second] = ["one.tar.gz", "two.tar.gz"].map(|name| home.path().join(name));
    let archive = |runs: &[&Path], out: &Path| {
        let mut arguments = vec!["runs", "archive"];
        arguments.extend(runs.iter().map(|run| run.to_str().unwrap()));
        arguments.extend(["--out", out.to_str().unwrap(), "--json"]);
        ballast(&engine, home.path(), &arguments)
    };
    let answer = archive(&[&a, &b], &first).json();
    let name = |run: &Path| run.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(answer["runs"], serde_json::json!([name(&a), name(&b)]));
    let bytes = fs::read(&first).unwrap();
    assert_eq!(answer["blake3"], blake3::hash(&bytes).to_hex().to_string());
    assert_eq!(archive(&[&a, &b], &second).exit, Exit::Ok);
    assert_eq!(bytes, fs::read(&second).unwrap());
    let out = tempfile::tempdir().unwrap();
    let names = unpack(&first, out.path());
    assert_eq!(names.len(), 26, "{names:?}");
    for run in [&a, &b] {
        let unpacked = RunDirectory::open(&out.path().join(name(run))).unwrap();
        assert_eq!(unpacked.damage().unwrap(), []);
    }
    // Twice the same, a run that was changed, no run: nothing is written.
    let third = home.path().join("three.tar.gz");
    let twice = archive(&[&a, &a], &third);
    assert_eq!(twice.exit, Exit::Usage, "{twice:?}");
    fs::write(b.join("fills.csv"), "changed").unwrap();
    assert_eq!(archive(&[&a, &b], &third).exit, Exit::StateRefused);
    assert_eq!(archive(&[home.path()], &third).exit, Exit::DataRefused);
    assert!(!third.exists());
}

/// BT-09: the release job runs and verifies the shipped examples, packs them into
/// `backtest-results-<tag>.tar.gz` and attaches that to the release of its tag. Only the hosting
/// service is played here.
#[cfg(all(unix, feature = "sample-data"))]
#[test]
fn bt_09_a_release_carries_the_results_of_the_examples() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let workflow = fs::read_to_string(root.join(".github/workflows/release.yml")).unwrap();
    for line in [
        "    tags: [\"v*.*.*\"]",
        "    needs: gates",
        "      - run: .ci/release \"$GITHUB_REF_NAME\"",
    ] {
        assert!(workflow.lines().any(|l| l == line), "{line}");
    }
    if Command::new("bash").arg("--version").output().is_err() {
        eprintln!("skipped: no bash to run the release script with");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let gh = folder.path().join("gh");
    // No release yet: looking fails, making and attaching work.
    let script = "#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/said\"\n[ \"$2\" != view ]\n";
    fs::write(&gh, script).unwrap();
    fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .arg(root.join(".ci/release"))
        .args(["v9.8.7", folder.path().to_str().unwrap()])
        .env("BALLAST", env!("CARGO_BIN_EXE_ballast"))
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let archive = folder.path().join("backtest-results-v9.8.7.tar.gz");
    let said = fs::read_to_string(folder.path().join("said")).unwrap();
    let calls: Vec<&str> = said.lines().collect();
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert_eq!(calls[0], "release view v9.8.7");
    assert!(calls[1].starts_with("release create v9.8.7 --verify-tag"));
    let attached = format!("release upload v9.8.7 {} --clobber", archive.display());
    assert_eq!(calls[2], attached);
    let out = tempfile::tempdir().unwrap();
    unpack(&archive, out.path());
    for (example, strategy) in [("breakout", "breakout"), ("momentum", "momentum")] {
        let run = RunDirectory::open(&out.path().join(example)).unwrap();
        assert_eq!(run.damage().unwrap(), []);
        let summary = fs::read_to_string(out.path().join(example).join("summary.json")).unwrap();
        assert!(summary.contains(&format!("\"strategy\": \"{strategy}\"")));
    }
}
