//! `ballast trade` and what looks at an account, with the journal in a PostgreSQL server of the test's own.
//! `cargo xtask postgres` runs these.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use ballast::commands::settings::SettingsRequest;
use ballast::config;
use ballast::drivers::live::Stop;
use ballast::wiring::{guarded_market_data, open_cache};
use ballast_domain::kernel::Record;
use ballast_domain::market::BarSize;
use ballast_journal::decode;
use ballast_ports::{HistoryRequest, JournalRecord};
use ballast_resilience::{Role, Traced as _};
use ballast_testkit::builders::day;
use ballast_testkit::fakes::FakeClock;
use ballast_testkit::postgres::Cluster;

use crate::paper_parity::{Story, settings, tested, traded};
use crate::stacks::setup;

/// The settings of a backtest, with the journal in `server`.
fn in_server(server: &Cluster, file: &str) -> SettingsRequest {
    let mut request = settings(file, &["trade.journal=postgres"]);
    request
        .set
        .push(format!("trade.database=\"{}\"", server.address()));
    request
}

fn ballast(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .arg("--home")
        .arg(home)
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Every record, from `journal export`.
fn exported(home: &Path) -> Vec<Record> {
    let file = home.join("records.jsonl");
    let out = file.to_str().unwrap();
    let output = ballast(home, &["journal", "export", "--out", out]);
    assert!(output.status.success(), "{}", said(&output));
    let text = fs::read_to_string(file).unwrap();
    let record = |line: &str| {
        let (head, body) = line.split_once(",\"body\":").unwrap();
        let head: serde_json::Value = serde_json::from_str(&format!("{head}}}")).unwrap();
        let stored = JournalRecord {
            seq: head["seq"].as_u64().unwrap(),
            kind: head["kind"].as_str().unwrap().to_owned(),
            body: body.strip_suffix('}').unwrap().as_bytes().to_vec(),
        };
        decode(&stored).unwrap()
    };
    text.lines().map(record).collect()
}

/// The backtest driver and paper trading through the server decide, order and get the same, also when
/// the program is ended in the middle.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
fn paper_trading_through_postgres_is_what_the_backtest_does() {
    let server = Cluster::start();
    let request = in_server(&server, "breakout.toml");
    let backtest = tested(&settings("breakout.toml", &[]));
    let home = tempfile::tempdir().unwrap();
    let ended = traded(home.path(), &request, usize::MAX);
    assert_eq!(ended.ended.stop, Stop::EndOfData, "{ended:?}");
    let ours = Story::of(&exported(home.path()), true);
    assert!(ours.fills.len() > 10);
    assert_eq!(ours.difference(&Story::of(&backtest, true)), None);

    let proven = ballast(home.path(), &["journal", "verify"]);
    assert!(proven.status.success(), "{}", said(&proven));
    let doctor = said(&ballast(home.path(), &["doctor"]));
    assert!(doctor.contains("records proven"), "{doctor}");
    let copied = ballast(home.path(), &["journal", "backup", "--to", "x"]);
    assert!(said(&copied).contains("pg_dump"), "{}", said(&copied));

    let server = Cluster::start();
    let request = in_server(&server, "breakout.toml");
    let home = tempfile::tempdir().unwrap();
    let mut sessions = 0;
    while traded(home.path(), &request, 61 + sessions % 7).ended.stop != Stop::EndOfData {
        sessions += 1;
    }
    assert!(sessions > 3);
    let ours = Story::of(&exported(home.path()), false);
    assert_eq!(ours.difference(&Story::of(&backtest, false)), None);
    println!("the same in one session and in {sessions}");
}

/// What is refused ends with 6 and a hint; the password is asked for by its name and is in no output
/// and no file but its own.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
fn refusals_end_with_6_and_the_password_is_nowhere() {
    let server = Cluster::start();
    let hba = server.sql("SHOW hba_file");
    server.sql("ALTER ROLE ballast PASSWORD 'canary-1f9a2c'");
    server.sql(&format!(
        "COPY (VALUES ('local all all trust'), ('host all all 127.0.0.1/32 scram-sha-256')) TO '{hba}'"
    ));
    server.sql("SELECT pg_reload_conf()");
    let home = tempfile::tempdir().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml");
    let database = format!(
        "trade.database=\"postgresql://ballast@127.0.0.1:{}/ballast\"",
        server.port()
    );
    let trade = |database: &str| {
        let config = config.to_str().unwrap();
        let set = ["--set", "trade.journal=postgres", "--set", database];
        ballast(
            home.path(),
            &[&["trade", config, "--once"], &set[..]].concat(),
        )
    };
    let mut all = String::new();
    let mut refused = |output: Output, exit: i32, says: &str| {
        let text = said(&output);
        assert_eq!(output.status.code(), Some(exit), "{text}");
        assert!(
            text.contains(says) && text.contains("hint"),
            "{says}: {text}"
        );
        all += &text;
    };
    refused(trade(&database), 6, "postgres_password");
    let with = database.replace("ballast@", "ballast:canary-1f9a2c@");
    refused(trade(&with), 2, "holds a password");

    let secrets = home.path().join("secrets");
    fs::create_dir(&secrets).unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o700)).unwrap();
    let secret = secrets.join("postgres_password");
    fs::write(&secret, "canary-1f9a2c\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let output = trade(&database);
    assert!(output.status.success(), "{}", said(&output));
    let proven = ballast(home.path(), &["journal", "verify"]);
    assert!(proven.status.success(), "{}", said(&proven));
    let status = ballast(home.path(), &["status"]);
    assert!(status.status.success(), "{}", said(&status));

    // A second writer: somebody has the lock of the account in the database.
    let accounts = home.path().join("accounts");
    let account = fs::read_dir(&accounts)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let name = account.file_name().unwrap().to_str().unwrap().to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    for file in ["journal.anchor", "journal.postgres"] {
        fs::copy(account.join(file), elsewhere.path().join(file)).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let other = runtime.block_on(async {
        let database = ballast_postgres::Database::new(&server.address(), None).unwrap();
        let options =
            ballast_postgres::Options::new(database, elsewhere.path(), &name, "another host");
        ballast_postgres::PostgresJournal::open(options)
            .await
            .unwrap()
    });
    refused(trade(&database), 6, "another process trades this account");
    runtime.block_on(other.close()).unwrap();
    // It wrote a commit that this folder's anchor does not know; a crash may leave one.
    assert!(
        ballast(home.path(), &["journal", "verify"])
            .status
            .success()
    );

    // The same account with a journal in a file would begin from nothing.
    let file = ballast(home.path(), &["trade", config.to_str().unwrap(), "--once"]);
    refused(file, 6, "is in PostgreSQL");
    server.sql(&format!(
        "UPDATE \"ballast_{name}\".records SET body = set_byte(body, 9, 65) WHERE seq = 2"
    ));
    refused(
        ballast(home.path(), &["journal", "verify"]),
        6,
        "fails its checksum",
    );
    refused(trade(&database), 6, "fails its checksum");

    assert!(!all.contains("canary"), "{all}");
    fs::remove_file(&secret).unwrap();
    let found = Command::new("grep")
        .args(["-r", "-l", "canary"])
        .arg(home.path())
        .output()
        .unwrap();
    assert_eq!(said(&found), "", "the password is in a file");
}

/// CAC-26: with `cache.store = "postgres"` one program's answer is another one's, in another home; without
/// the server the source answers.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn cac_26_two_homes_have_one_cache() {
    let mut server = Cluster::start();
    let database = format!("cache.database=\"{}\"", server.address());
    let set = ["cache.enabled=true", "cache.store=postgres", &database];
    let arguments = config::Layer::arguments(set).unwrap();
    let settings = config::from_text("p.toml", config::PROFILES, arguments, Path::new("")).unwrap();
    let mut around = setup().around;
    around.clock = Arc::new(FakeClock::new(day(20_000)));
    let request = HistoryRequest::all(["AAPL", "IBM"], BarSize::DAY);
    let role = async || {
        let home = tempfile::tempdir().unwrap();
        let cache = open_cache(&settings, home.path()).await.unwrap();
        let stack = guarded_market_data(&settings, cache, &around).unwrap();
        let answer = stack.source.fetch(&request).await.unwrap();
        assert!(!home.path().join("cache").exists());
        answer.provenance.role
    };
    assert_eq!(role().await, Role::Primary);
    assert_eq!(role().await, Role::CacheFresh);
    server.stop();
    assert_eq!(role().await, Role::Primary);
}
