//! `ballast doctor`: what is wrong around a run, what to do, and how it looks.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ballast::config::PROFILES;
use ballast::exit::Exit;

use crate::fake::{FakeEngine, Plant, Used, ballast_within};
use crate::journal::made;

fn doctor(home: &Path, arguments: &[&str]) -> Used {
    let engine = FakeEngine::new(Plant::Nothing);
    let all = [&["doctor"], arguments].concat();
    let mut used = ballast_within(&engine, home, &all, None, &[]);
    let home = home.display().to_string();
    let text = used.out.replace(&format!("{home}/my.toml"), "my.toml");
    used.out = text.replace(&home, "ballast-data");
    used
}

/// The answer without the figures of this machine and this day: free disk, free memory, ages.
fn still(text: &str) -> String {
    let figure_before = |line: &str, unit: &str, shown: &str| match line.find(unit) {
        Some(at) => {
            let begin = line[..at].rfind(' ').map_or(0, |space| space + 1);
            format!("{}{shown}{}", &line[..begin], &line[at..])
        }
        None => line.to_owned(),
    };
    let lines = text.lines().map(|line| figure_before(line, " GB ", "99.9"));
    let lines = lines.map(|line| figure_before(&line, " days old", "5013") + "\n");
    lines.collect()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A home and a config in which all is well.
fn well() -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("my.toml");
    fs::write(&config, PROFILES).unwrap();
    made(&home.path().join("accounts/main"));
    let secrets = home.path().join("secrets");
    fs::create_dir(&secrets).unwrap();
    chmod(&secrets, 0o700);
    fs::write(secrets.join("acme_key"), "canary-5fd1c1").unwrap();
    chmod(&secrets.join("acme_key"), 0o600);
    (home, config.display().to_string())
}

/// The same with a day's troubles.
fn ill() -> (tempfile::TempDir, String) {
    let (home, config) = well();
    let text = PROFILES.replace("\"IBM\"", "\"IBM\", \"ACME\", \"XYZ\"")
        + "\n[health]\nmax_data_age_hours = 24\n";
    fs::write(&config, text).unwrap();
    chmod(&home.path().join("secrets/acme_key"), 0o644);
    let account = home.path().join("accounts/main");
    let journal = account.join("journal.db");
    let mut bytes = fs::read(&journal).unwrap();
    let at = bytes.windows(8).position(|w| w == b"operator").unwrap();
    bytes[at] ^= 1;
    fs::write(&journal, bytes).unwrap();
    fs::write(account.join("KILL"), "").unwrap();
    (home, config)
}

#[test]
fn a_healthy_home_ends_with_0() {
    let (home, config) = well();
    let used = doctor(home.path(), &[&config, "--profile", "production"]);
    assert_eq!(used.exit, Exit::Ok, "{used:?}");
    insta::assert_snapshot!("healthy", still(&used.out));
}

#[test]
fn what_is_wrong_is_said_with_a_remedy() {
    let (home, config) = ill();
    let used = doctor(home.path(), &[&config]);
    assert_eq!(
        used.exit,
        Exit::DataRefused,
        "the first critical check says how it ends"
    );
    insta::assert_snapshot!("ill_80", ballast::cli::laid_out(&still(&used.out), 80));
    insta::assert_snapshot!("ill_120", ballast::cli::laid_out(&still(&used.out), 120));
    let json = doctor(home.path(), &[&config, "--json"]).json();
    assert_eq!(json["critical_failures"], 3);
    let failed = json["checks"].as_array().unwrap().iter();
    for check in failed.filter(|c| c["standing"] == "unhealthy") {
        assert!(check["remedy"].is_string(), "{check}");
    }
}

/// Each trouble alone is found under its name and leads to its exit code, and its remedy is enough.
#[test]
fn each_trouble_is_found_alone() {
    type Trouble = fn(&Path);
    let troubles: [(&str, Exit, Trouble, Trouble); 4] = [
        (
            "config",
            Exit::Usage,
            |home| fs::write(home.join("my.toml"), "[risk]\nmax_gros = 1\n").unwrap(),
            |home| fs::write(home.join("my.toml"), PROFILES).unwrap(),
        ),
        (
            "strategy",
            Exit::Usage,
            |home| {
                let text = PROFILES.replace("skip = 21", "skip = 21\nskipp = 1");
                fs::write(home.join("my.toml"), text).unwrap();
            },
            |home| fs::write(home.join("my.toml"), PROFILES).unwrap(),
        ),
        (
            "data",
            Exit::DataRefused,
            |home| {
                let text = PROFILES.replace("sample:us-stocks", "nowhere.csv");
                fs::write(home.join("my.toml"), text).unwrap();
            },
            |home| fs::write(home.join("my.toml"), PROFILES).unwrap(),
        ),
        (
            "secrets",
            Exit::StateRefused,
            |home| chmod(&home.join("secrets"), 0o755),
            |home| chmod(&home.join("secrets"), 0o700),
        ),
    ];
    let (home, config) = well();
    for (name, exit, make, heal) in troubles {
        make(home.path());
        let used = doctor(home.path(), &[&config, "--json"]);
        assert_eq!(used.exit, exit, "{name}: {}", used.out);
        let json = used.json();
        let failed: Vec<_> = json["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| check["standing"] == "unhealthy")
            .map(|check| check["name"].as_str().unwrap())
            .collect();
        assert_eq!(failed, [name], "{json}");
        heal(home.path());
        assert_eq!(doctor(home.path(), &[&config]).exit, Exit::Ok, "{name}");
    }
}
