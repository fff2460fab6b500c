//! No secret in any output: canaries everywhere, every command, every byte looked at.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ballast::config::{self, Above, Layer, PROFILES, Profile};
use ballast::exit::Exit;
use ballast::wiring::{SecretSurroundings, open_secrets};
use ballast_ports::{ErrorKind, Secret, SecretName, Secrets};
use ballast_resilience::{MetricsRegistry, Reporter};
use ballast_secrets::Redactor;
use ballast_system::SystemClock;
use ballast_testkit::builders::day;
use ballast_testkit::fakes::FakeClock;

use crate::fake::{FakeEngine, Plant, ballast_hiding};
use crate::journal::made;

/// Each source has its own, so that a leak names it.
const CANARIES: [&str; 4] = [
    "canary-of-the-environment-5fd1",
    "canary-of-the-folder-77ab",
    "canary-of-an-open-file-c3d0",
    "canary-of-a-config-91e2",
];

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The first canary in `text`.
fn leak(text: &[u8]) -> Option<&'static str> {
    let found = |canary: &&&str| text.windows(canary.len()).any(|w| w == canary.as_bytes());
    CANARIES.iter().find(found).copied()
}

/// Every file below `folder` but those of `secrets` and the leaking config.
fn leaks_in_files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "secrets" {
            leaks_in_files(&path, found);
        } else if path.is_file()
            && name != "leaking.toml"
            && let Some(canary) = leak(&fs::read(&path).unwrap())
        {
            found.push(format!("{}: {canary}", path.display()));
        }
    }
}

/// F-SEC-01, VAL-22: canaries in the environment, in the folder of secrets and in a config; every command runs,
/// well and badly, in both forms and as talkative as it can be; no output and no file has one.
#[test]
fn no_output_of_any_command_holds_a_canary() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path().join("home");
    let secrets = home.join("secrets");
    fs::create_dir_all(&secrets).unwrap();
    chmod(&secrets, 0o700);
    for (name, canary, mode) in [
        ("acme_key", CANARIES[1], 0o600),
        ("open_key", CANARIES[2], 0o644),
    ] {
        fs::write(secrets.join(name), canary).unwrap();
        chmod(&secrets.join(name), mode);
    }
    made(&home.join("accounts/main"));
    fs::write(root.path().join("my.toml"), PROFILES).unwrap();
    let leaking = format!(
        "{PROFILES}\n[secrets]\nfolder = \"home/secrets\"\napi_key = \"{}\"\n",
        CANARIES[3]
    );
    fs::write(root.path().join("leaking.toml"), leaking).unwrap();
    let quick = [
        "--set",
        "run.end=2001-12-31",
        "--set",
        "data.symbols=AAPL,IBM",
    ];
    let commands: Vec<Vec<&str>> = vec![
        [&["backtest", "my.toml"], &quick[..]].concat(),
        vec!["backtest", "leaking.toml"],
        vec!["config", "check", "my.toml"],
        vec!["config", "check", "leaking.toml"],
        vec!["config", "show", "my.toml", "--profile", "production"],
        vec![
            "config",
            "show",
            "my.toml",
            "--set",
            "secrets.environment=true",
        ],
        vec![
            "config",
            "show",
            "my.toml",
            "--set",
            "secrets.keep_minutes=0",
        ],
        vec!["config", "diff", "my.toml", "leaking.toml"],
        vec!["config", "schema"],
        vec!["doctor", "my.toml"],
        vec!["doctor", "leaking.toml"],
        vec!["doctor", "my.toml", "--profile", "production"],
        vec!["doctor", "my.toml", "--set", "secrets.environment=true"],
        vec!["runs"],
        vec!["journal", "verify"],
        vec!["journal", "export", "--out", "journal.jsonl"],
        vec!["data", "list"],
    ];
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
            .current_dir(root.path())
            .env("BALLAST_SECRET_ACME_KEY", CANARIES[0])
            .args(["--home", "home", "-vv"])
            .args(arguments)
            .output()
            .unwrap();
        [output.stdout, output.stderr].concat()
    };
    let mut outputs = 0;
    for command in &commands {
        for json in [&[][..], &["--json"]] {
            let text = run(&[command, json].concat());
            assert!(!text.is_empty(), "{command:?}");
            assert_eq!(
                leak(&text),
                None,
                "{command:?}: {}",
                String::from_utf8_lossy(&text)
            );
            outputs += 1;
        }
    }
    let listed = run(&["runs", "--json"]);
    let runs: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    let name = runs["runs"][0]["directory"].as_str().unwrap().to_owned();
    for command in [
        vec!["explain", &name, "AAPL"],
        vec!["verify", &name],
        vec!["report", "compare", &name, &name],
        vec!["report", "mail", &name, "--to", "a@example.com"],
    ] {
        assert_eq!(leak(&run(&command)), None, "{command:?}");
        outputs += 1;
    }
    assert_eq!(outputs, 2 * commands.len() + 4);
    let mut found = Vec::new();
    leaks_in_files(root.path(), &mut found);
    assert_eq!(found, Vec::<String>::new());
    // The twin: one that lies about is found.
    fs::write(home.join("planted.log"), CANARIES[2]).unwrap();
    leaks_in_files(root.path(), &mut found);
    assert_eq!(found.len(), 1, "{found:?}");
}

/// SEC-08: what a neighbour repeats in an error leaves neither as text nor as JSON, nor does a panic.
#[test]
fn what_a_neighbour_repeats_is_taken_out() {
    let home = tempfile::tempdir().unwrap();
    let redactor = Redactor::default();
    let set = format!("strategy.name={}", CANARIES[0]);
    for json in [&[][..], &["--json"]] {
        let arguments = [&["config", "check", "--set", &set], json].concat();
        let engine = FakeEngine::new(Plant::Nothing);
        let open = ballast_hiding(&engine, home.path(), &arguments, &redactor);
        assert!(
            leak((open.out + &open.err).as_bytes()).is_some(),
            "nothing is hidden yet"
        );
        let hiding = Redactor::default();
        hiding.hide(&Secret::new(CANARIES[0].to_owned(), None).unwrap());
        let used = ballast_hiding(&engine, home.path(), &arguments, &hiding);
        assert_eq!(used.exit, Exit::Usage);
        let said = used.out + &used.err;
        assert!(said.contains("***"), "{said}");
        assert_eq!(leak(said.as_bytes()), None, "{said}");
    }
    let hiding = Redactor::default();
    hiding.hide(&Secret::new("planted panic".to_owned(), None).unwrap());
    let engine = FakeEngine::new(Plant::Panic);
    let used = ballast_hiding(&engine, home.path(), &["backtest"], &hiding);
    assert_eq!(used.exit, Exit::Bug);
    assert!(
        used.err.contains("***") && !used.err.contains("planted panic"),
        "{}",
        used.err
    );
}

/// SEC-06: opening everything looks nothing up; the first use looks up one name.
#[test]
fn sec_06_nothing_is_looked_up_before_it_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let set = Layer::arguments(["secrets.environment=true"]).unwrap();
    let settings = config::from_text("p.toml", PROFILES, set, Path::new("")).unwrap();
    let looked = Arc::new(AtomicU32::new(0));
    let counting = || {
        let looked = Arc::clone(&looked);
        move |_: &str| {
            looked.fetch_add(1, Ordering::SeqCst);
            Some(OsString::from(CANARIES[0]))
        }
    };
    let reporter = Reporter::silent(&MetricsRegistry::default());
    let redactor = Redactor::default();
    let around = SecretSurroundings {
        home: home.path(),
        redactor: &redactor,
        clock: Arc::new(FakeClock::new(day(5_000))),
        reporter: &reporter,
    };
    let secrets = open_secrets(&settings, &around, counting()).unwrap();
    assert_eq!(looked.load(Ordering::SeqCst), 0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let name = SecretName::new("acme_key").unwrap();
    for _ in 0..3 {
        let secret = runtime.block_on(secrets.secret(&name)).unwrap();
        assert_eq!(secret.expose(), CANARIES[0]);
    }
    assert_eq!(looked.load(Ordering::SeqCst), 1);
    assert_eq!(redactor.redact(CANARIES[0]), "***");

    // The same config in production is refused where it is read, and again where it is opened.
    let above = |profile| Above {
        profile,
        ..Above::from(Layer::arguments(["secrets.environment=true"]).unwrap())
    };
    let refused = config::from_text(
        "p.toml",
        PROFILES,
        above(Profile::Production),
        Path::new(""),
    );
    assert!(
        refused.unwrap_err()[0]
            .message
            .contains("production takes no secrets")
    );
    let mut settings = settings;
    settings.profile = Profile::Production;
    let refused = open_secrets(&settings, &around, counting()).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unauthenticated);
    assert_eq!(looked.load(Ordering::SeqCst), 1);
}

/// A stored secret goes through the standard guards, and one that is not there says what to type.
#[test]
fn a_stored_secret_is_found_where_the_config_says() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("keys");
    fs::create_dir(&folder).unwrap();
    chmod(&folder, 0o700);
    fs::write(folder.join("acme_key"), CANARIES[1]).unwrap();
    chmod(&folder.join("acme_key"), 0o600);
    let set = Layer::arguments(["secrets.folder=keys"]).unwrap();
    let settings = config::from_text("p.toml", PROFILES, set, home.path()).unwrap();
    let reporter = Reporter::silent(&MetricsRegistry::default());
    let redactor = Redactor::default();
    let around = SecretSurroundings {
        home: home.path(),
        redactor: &redactor,
        clock: Arc::new(SystemClock::new()),
        reporter: &reporter,
    };
    let secrets = open_secrets(&settings, &around, |_| {
        panic!("the environment is not asked")
    });
    let secrets = secrets.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let get = |name: &str| runtime.block_on(secrets.secret(&SecretName::new(name).unwrap()));
    assert_eq!(get("acme_key").unwrap().expose(), CANARIES[1]);
    let missing = get("other_key").unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NotFound);
    assert!(missing.advice().unwrap().contains("chmod 600"), "{missing}");
}
