//! Layers of settings, what is wrong with them in one listing, differences, and the schema.

use std::fs;
use std::path::{Path, PathBuf};

use ballast::config::{self, BREAKOUT, MOMENTUM, PROFILES, SCREEN, TWO_SLEEVES, YOUR_DATA};
use ballast::exit::Exit;
use serde_json::{Value, json};

use crate::fake::{FakeEngine, Plant, Used, ballast_within};

/// Five mistakes of an ordinary day, in four layers.
const FIVE: &str = "\
[run]
name = \"desk\"
start = 2012-01-03

[data]
source = \"sample:us-stocks\"
calender = \"us_equities\"

[strategy]
name = \"momentum\"

[execution]
fee_bps = -5

[risk]
max_order_notional = 250000
max_gross = 1

[profile.production.risk]
max_gross = 1.5
";

fn used(home: &Path, arguments: &[&str], columns: Option<usize>, env: &[(&str, &str)]) -> Used {
    let engine = FakeEngine::new(Plant::Nothing);
    let mut used = ballast_within(&engine, home, arguments, columns, env);
    let home = format!("{}/", home.display());
    used.err = used.err.replace(&home, "");
    used.out = used.out.replace(&home, "");
    used
}

fn written(home: &Path, name: &str, text: &str) -> PathBuf {
    let file = home.join(name);
    fs::write(&file, text).unwrap();
    file
}

/// A folder whose name does not move the line breaks of a picture.
fn five(columns: usize) -> Used {
    let home = tempfile::tempdir().unwrap();
    let file = written(home.path(), "desk.toml", FIVE);
    let arguments = [
        "config",
        "check",
        file.to_str().unwrap(),
        "--set",
        "execution.signal_lag=3",
    ];
    let wide = used(
        home.path(),
        &arguments,
        None,
        &[("BALLAST_RISK_MAX_LEVERAGE", "one")],
    );
    let text = ballast::cli::laid_out(&wide.err, columns);
    Used { err: text, ..wide }
}

/// CFG-15: six kinds of mistakes (unknown, missing, out of bounds, of another type, no such word,
/// contradicting) are found at once, each with its layer.
#[test]
fn cfg_15_five_mistakes_in_one_listing() {
    let narrow = five(80);
    assert_eq!(narrow.exit, Exit::Usage);
    insta::assert_snapshot!("five_mistakes_80", narrow.err);
    insta::assert_snapshot!("five_mistakes_120", five(120).err);

    let home = tempfile::tempdir().unwrap();
    let text = "[run]\nseed = \"x\"\n[data]\nsource = \"a.csv\"\ncalendar = \"mars\"\n[strategy]\n\
                name = \"momentum\"\n[risk]\nmax_gross = 5000\nmax_grss = 1\nmax_order_notional = 1\n";
    let file = written(home.path(), "six.toml", text);
    let wrong = used(
        home.path(),
        &["config", "check", file.to_str().unwrap()],
        None,
        &[],
    )
    .err;
    for part in [
        "unknown key 'risk.max_grss'",
        "'risk.max_position_notional' is missing",
        "'risk.max_gross' cannot be 5000: the most is 1000",
        "'run.seed' cannot be \"x\"",
        "'data.calendar' cannot be \"mars\"",
        "5 errors",
    ] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
    // What contradicts is seen once each value is fine.
    let text = PROFILES.replace("max_gross = 0.9", "max_gross = 1.1");
    let file = written(home.path(), "cross.toml", &text);
    let wrong = used(
        home.path(),
        &["config", "check", file.to_str().unwrap()],
        None,
        &[],
    )
    .err;
    assert!(
        wrong.contains("a cash account cannot hold 1.1 times"),
        "{wrong}"
    );
}

/// CFG-03: defaults, file, profile, variable, `--set`: each wins over those before it, and is named.
#[test]
fn cfg_03_each_layer_wins_over_those_before_it() {
    let home = tempfile::tempdir().unwrap();
    let file = written(home.path(), "my.toml", PROFILES);
    let show = |arguments: &[&str], env: &[(&str, &str)]| {
        let file = file.to_str().unwrap();
        let all = [&["config", "show", file, "--json"], arguments].concat();
        let json = used(home.path(), &all, None, env).json();
        let weight = json["config"]["risk"]["max_position_weight"].clone();
        (
            weight,
            json["origins"]["risk.max_position_weight"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    };
    let env = [("BALLAST_RISK_MAX_POSITION_WEIGHT", "0.2")];
    let set = ["--set", "risk.max_position_weight=0.1"];
    assert_eq!(show(&[], &[]), (json!(0.5), "my.toml line 27".to_owned()));
    let production = ["--profile", "production"];
    let place = "my.toml line 48, profile production".to_owned();
    assert_eq!(show(&production, &[]), (json!(0.3), place.clone()));
    assert_eq!(
        show(&[], &[("BALLAST_PROFILE", "production")]),
        (json!(0.3), place)
    );
    let place = "variable BALLAST_RISK_MAX_POSITION_WEIGHT".to_owned();
    assert_eq!(show(&production, &env), (json!(0.2), place));
    let both = [&production[..], &set].concat();
    assert_eq!(show(&both, &env), (json!(0.1), "--set".to_owned()));
    // `--profile` wins over the variable.
    let staging = show(
        &["--profile", "staging"],
        &[("BALLAST_PROFILE", "production")],
    );
    assert_eq!(staging.0, json!(0.5));
}

/// CFG-02: without a config file every key has its default, of risk and execution exactly these, and nothing
/// is traded: a config without `[trade]` trades on paper.
#[test]
fn cfg_02_without_a_file_there_are_exact_defaults_on_paper() {
    let home = tempfile::tempdir().unwrap();
    let arguments = [
        "config",
        "show",
        "--data",
        "bars.csv",
        "--strategy",
        "breakout",
        "--json",
    ];
    let shown = used(home.path(), &arguments, None, &[]).json();
    let config = &shown["config"];
    assert_eq!(
        config["risk"],
        json!({
            "max_order_notional": "unlimited",
            "max_position_notional": "unlimited",
            "max_position_weight": 1.0,
            "max_gross": 1.0,
            "max_leverage": 1.0,
            "price_collar": 0.1,
            "max_price_age_days": 7.0,
            "cash_buffer": 0.02,
        })
    );
    assert_eq!(
        config["execution"],
        json!({
            "fill": "next_open",
            "signal_lag": 0,
            "size_at": "decision",
            "fee_bps": 5.0,
            "slippage_bps": 5.0,
            "delisting_haircut": 0.0,
        })
    );
    for silent in ["resilience", "cache", "health", "secrets", "screen"] {
        assert!(config[silent].is_null(), "{silent}: {}", config[silent]);
    }
    // No stage, venue or arming: that is paper.
    assert!(config["trade"].is_null(), "{}", config["trade"]);
    assert_eq!(config["account"]["cash"], "1000000");
    let defaulted = |key: &str| shown["origins"][key] == "default";
    for key in ["risk.max_gross", "risk.price_collar", "execution.fill"] {
        assert!(defaulted(key), "{key}: {}", shown["origins"][key]);
    }
    // A file that is named and not there is no reason to take defaults.
    let gone = used(home.path(), &["config", "show", "gone.toml"], None, &[]);
    assert_eq!(gone.exit, Exit::Usage, "{gone:?}");
}

/// CFG-01: three environments, each its own table of the file; another name is refused, wherever it
/// stands. CFG-04: the shipped file is in order in all three.
#[test]
fn cfg_01_cfg_04_a_profile_is_one_of_three() {
    let home = tempfile::tempdir().unwrap();
    let file = written(home.path(), "my.toml", PROFILES);
    let file = file.to_str().unwrap();
    let mut hashes = Vec::new();
    for profile in ["development", "staging", "production"] {
        let all = ["config", "check", file, "--profile", profile, "--json"];
        let json = used(home.path(), &all, None, &[]).json();
        assert_eq!(json["profile"], profile);
        assert_eq!(json["warnings"], json!([]), "{profile}");
        hashes.push(json["config_hash"].as_str().unwrap().to_owned());
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 3);
    let check = ["config", "check", file];
    let by_argument = [&check[..], &["--profile", "prod"]].concat();
    let by_variable = [("BALLAST_PROFILE", "prodction")];
    for (wrong, hint) in [
        (
            used(home.path(), &by_argument, None, &[]),
            "the profiles are development, staging",
        ),
        (
            used(home.path(), &check, None, &by_variable),
            "did you mean 'production'?",
        ),
    ] {
        assert_eq!(wrong.exit, Exit::Usage);
        assert!(wrong.err.contains(hint), "{}", wrong.err);
    }
    // What is wrong in the table of another profile is found at the desk.
    let broken = PROFILES.replace("max_gross = 0.9", "max_gross = 0");
    let file = written(home.path(), "broken.toml", &broken);
    let wrong = used(
        home.path(),
        &["config", "check", file.to_str().unwrap()],
        None,
        &[],
    );
    assert_eq!(wrong.exit, Exit::Usage);
    let place = "broken.toml line 49, profile production";
    assert!(wrong.err.contains(place), "{}", wrong.err);
}

/// A profile is no part of what is hashed, equal settings are.
#[test]
fn equal_settings_have_one_hash_whichever_layer_they_come_from() {
    let home = tempfile::tempdir().unwrap();
    let file = written(home.path(), "my.toml", PROFILES);
    let hash = |arguments: &[&str], env: &[(&str, &str)]| {
        let all = [
            &["config", "check", file.to_str().unwrap(), "--json"],
            arguments,
        ]
        .concat();
        used(home.path(), &all, None, env).json()["config_hash"].clone()
    };
    let staging = hash(&["--profile", "staging"], &[]);
    let same = [
        ("BALLAST_ACCOUNT_CASH", "100000"),
        ("BALLAST_RISK_MAX_ORDER_NOTIONAL", "25000"),
        ("BALLAST_REPORT_ROBUSTNESS", "true"),
    ];
    assert_eq!(
        hash(&["--set", "risk.max_position_notional=50000.0"], &same),
        staging
    );
    assert_ne!(hash(&[], &same), staging);
}

/// CFG-23: a config that is in order ends with 0 and lists its warnings; one that is not with 2.
#[test]
fn cfg_23_warnings_are_listed_and_nothing_is_refused_for_them() {
    let home = tempfile::tempdir().unwrap();
    let file = written(home.path(), "my.toml", PROFILES);
    let check = ["config", "check", file.to_str().unwrap()];
    let risky = [
        "risk.max_order_notional=unlimited",
        "risk.max_position_weight=0.9",
        "rebalance.min_fresh_share=0.5",
        "risk.price_collar=0.5",
        "risk.max_price_age_days=30",
        "risk.max_leverage=5",
        "execution.fill=same_close",
        "execution.fee_bps=0",
        "execution.slippage_bps=0",
        "rebalance.threshold=0",
    ];
    let mut all = check.to_vec();
    for set in risky {
        all.extend(["--set", set]);
    }
    let warned = used(
        home.path(),
        &all,
        None,
        &[("BALLAST_PORT_80_TCP", "tcp://10.0.0.1")],
    );
    assert_eq!(warned.exit, Exit::Ok, "{warned:?}");
    insta::assert_snapshot!("warnings", warned.out);
    assert_eq!(
        used(home.path(), &check, None, &[])
            .out
            .matches("warning")
            .count(),
        0
    );
    let mut wrong = check.to_vec();
    wrong.extend(["--set", "risk.max_gross=-1"]);
    assert_eq!(used(home.path(), &wrong, None, &[]).exit, Exit::Usage);
}

/// CFG-20: `config diff` names the settings that differ, and no other.
#[test]
fn cfg_20_a_difference_lists_changed_keys_only() {
    let home = tempfile::tempdir().unwrap();
    let a = written(home.path(), "a.toml", BREAKOUT);
    let text =
        BREAKOUT.replace("fee_bps = 5 ", "fee_bps = 7.5 ") + "\n[instruments.IBM]\nlot = 10\n";
    let b = written(home.path(), "b.toml", &text);
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let json = used(home.path(), &["config", "diff", a, b, "--json"], None, &[]).json();
    let expected = json!([
        { "key": "execution.fee_bps", "a": "5.0", "b": "7.5" },
        { "key": "instruments.IBM.lot", "a": null, "b": "\"10\"" },
    ]);
    assert_eq!(json["differences"], expected);
    let text = used(home.path(), &["config", "diff", a, b], None, &[]).out;
    assert_eq!(
        text,
        "execution.fee_bps\n  - 5.0\n  + 7.5\ninstruments.IBM.lot\n  - not set\n  + \"10\"\n"
    );
    let same = used(home.path(), &["config", "diff", a, a], None, &[]);
    assert_eq!(
        (same.exit, same.out.as_str()),
        (Exit::Ok, "the same settings\n")
    );
    // The variables of the shell one stands in change neither.
    let env = [("BALLAST_EXECUTION_FEE_BPS", "9")];
    assert_eq!(
        used(home.path(), &["config", "diff", a, b, "--json"], None, &env).json(),
        json
    );
    let gone = home.path().join("gone.toml");
    let arguments = ["config", "diff", a, gone.to_str().unwrap()];
    assert_eq!(used(home.path(), &arguments, None, &[]).exit, Exit::Usage);
}

/// CFG-11: the canonical text of a config is the same config.
#[test]
fn cfg_11_what_is_written_is_read_back_equal() {
    for text in [BREAKOUT, MOMENTUM, TWO_SLEEVES, PROFILES, SCREEN] {
        let read = config::Config::from_toml(text).unwrap();
        assert_eq!(config::Config::from_toml(&read.to_toml()).unwrap(), read);
    }
}

/// F-CFG-01, SEC-17: a secret in a config is refused in every profile, and its value is shown nowhere.
#[test]
fn sec_17_a_secret_in_a_config_is_refused_and_never_shown() {
    let canary = "sk-canary-5fd1c1";
    let home = tempfile::tempdir().unwrap();
    for (section, key) in [
        ("data", "api_key"),
        ("account", "secret"),
        ("run", "passwrod_token"),
        ("profile.production.account", "apiKey"),
        ("credentials", "api-key"),
    ] {
        let (header, line) = (format!("[{section}]\n"), format!("{key} = \"{canary}\"\n"));
        let text = if PROFILES.contains(&header) {
            PROFILES.replace(&header, &format!("{header}{line}"))
        } else {
            format!("{PROFILES}{header}{line}")
        };
        let file = written(home.path(), "leak.toml", &text);
        for json in [&["--json"][..], &[]] {
            let all = [&["config", "check", file.to_str().unwrap()], json].concat();
            let wrong = used(home.path(), &all, None, &[]);
            assert_eq!(wrong.exit, Exit::Usage, "{section}.{key}");
            let said = wrong.err + &wrong.out;
            assert!(!said.contains(canary), "{said}");
            if section != "credentials" {
                assert!(said.contains("looks like a secret"), "{said}");
            }
        }
    }
}

/// The schema as a validator other than ours reads it.
struct Schema {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Schema {
    fn compiled() -> Self {
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler.enable_format_assertions();
        compiler
            .add_resource("ballast.json", config::schema())
            .unwrap();
        let index = compiler.compile("ballast.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn accepts(&self, text: &str) -> Result<(), String> {
        let table: toml::Table = text.parse().unwrap();
        let value = as_json(&toml::Value::Table(table));
        self.schemas
            .validate(&value, self.index)
            .map_err(|e| e.to_string())
    }
}

fn as_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => table
            .iter()
            .map(|(k, v)| (k.clone(), as_json(v)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        toml::Value::Array(items) => items.iter().map(as_json).collect(),
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(n) => json!(n),
        toml::Value::Float(x) => json!(x),
        toml::Value::Boolean(flag) => json!(flag),
        toml::Value::Datetime(at) => json!(at.to_string()),
    }
}

/// CFG-22: the schema accepts every shipped config, refuses what the program refuses, and the one that
/// is published is the one the program prints.
#[test]
fn cfg_22_the_schema_agrees_with_the_program() {
    let schema = Schema::compiled();
    for text in [BREAKOUT, MOMENTUM, TWO_SLEEVES, PROFILES, SCREEN, YOUR_DATA] {
        schema.accepts(text).unwrap();
    }
    let canonical = config::Config::from_toml(BREAKOUT).unwrap().to_toml();
    schema.accepts(&canonical).unwrap();
    for (good, bad) in [
        ("max_position_weight = 1 ", "max_positon_weight = 1 "),
        ("fee_bps = 5 ", "fee_bps = -5 "),
        ("fee_bps = 5 ", "fee_bps = 10001 "),
        ("fee_bps = 5 ", "fee_bps = \"much\" "),
        ("signal_lag = 0 ", "signal_lag = 2 "),
        ("signal_lag = 0 ", "signal_lag = 0.5 "),
        ("calendar = \"us_equities\"", "calendar = \"us_equity\""),
        ("bar = \"1d\"", "bar = \"1y\""),
        ("max_gross = 1 ", "max_gross = 0 "),
        ("robustness = true", "robustness = \"yes\""),
        (
            "max_order_notional = \"unlimited\"",
            "max_order_notional = \"none\"",
        ),
        ("symbols = [\"AAPL\"", "symbols = [\"FB\""),
        ("start = 2000-03-01", "start = \"2000\""),
        ("kind = \"equity\"", "kind = \"stock\""),
        (
            "[report]",
            "[profile.prodction.risk]\nmax_gross = 1\n[report]",
        ),
        ("[report]", "[profile.staging.risk]\nmax_gros = 1\n[report]"),
        ("[report]", "[instruments.IBM]\nlott = 1\n[report]"),
        ("[report]", "[reprot]"),
    ] {
        let text = BREAKOUT.replace(good, bad);
        assert_ne!(text, BREAKOUT, "{good} is nowhere");
        assert!(config::Config::from_toml(&text).is_err(), "{bad}");
        assert!(schema.accepts(&text).is_err(), "{bad}");
    }
    for (good, bad) in [
        ("min_upside = 5\n", "min_upside = 101\n"),
        ("min_upside = 5\n", "min_upsid = 5\n"),
        ("[screen.criteria.us.mega]", "[screen.criteria.us.nano]"),
        ("[screen.criteria.us.mega]", "[screen.criteria.jp.mega]"),
        ("novo = [\"NVO\", \"NOVO-B.CO\"]", "novo = 1"),
        ("min_analysts = 4 ", "min_analysts = 0 "),
    ] {
        let text = SCREEN.replacen(good, bad, 1);
        assert_ne!(text, SCREEN, "{good} is nowhere");
        assert!(config::Config::from_toml(&text).is_err(), "{bad}");
        assert!(schema.accepts(&text).is_err(), "{bad}");
    }
    let home = tempfile::tempdir().unwrap();
    let printed = used(home.path(), &["config", "schema"], None, &[]).out;
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/config.schema.json");
    assert!(
        printed == fs::read_to_string(published).unwrap_or_default(),
        "write it anew: ballast config schema > docs/config.schema.json"
    );
}
