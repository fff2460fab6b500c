//! Layers, refusals and the canonical forms of a config.

use proptest::prelude::*;

use super::*;

const SMALL: &str = "\
[data]
source = \"data.csv\"
[strategy]
name = \"breakout\"
[risk]
max_order_notional = 250000
max_position_notional = \"unlimited\"
";

fn small() -> Config {
    Config::from_toml(SMALL).unwrap()
}

/// The errors of `text` on top of the small config's required keys.
fn refused(text: &str) -> Vec<Error> {
    from_text("my.toml", text, Layer::empty(), Path::new("")).unwrap_err()
}

fn one_refused(section: &str, line: &str) -> Error {
    let text = if SMALL.contains(&format!("[{section}]")) {
        SMALL.replace(&format!("[{section}]\n"), &format!("[{section}]\n{line}\n"))
    } else {
        format!("{SMALL}[{section}]\n{line}\n")
    };
    let mut errors = refused(&text);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

#[test]
fn defaults_fill_what_a_file_leaves_out() {
    let config = small();
    assert_eq!(config.account.cash.to_string(), "1000000");
    assert_eq!(config.rebalance.threshold.to_string(), "0.05");
    assert_eq!(config.risk.max_order_notional.to_string(), "250000");
    assert_eq!(config.risk.max_position_notional, MoneyLimit::Unlimited);
    assert!(config.data.symbols.is_empty() && config.report.robustness);
}

/// CFG-07: a misspelt key is refused with its name, its place and the key that was meant.
#[test]
fn cfg_07_an_unknown_key_names_the_one_that_was_meant() {
    let e = one_refused("risk", "max_positon_weight = 0.4");
    assert_eq!(
        e.to_string(),
        "unknown key 'risk.max_positon_weight' (key = risk.max_positon_weight, where = my.toml \
         line 6); hint: did you mean 'max_position_weight'?"
    );
    for (section, line, hint) in [
        ("run", "max_gros = 1", "did you mean 'risk.max_gross'?"),
        ("rnu", "seed = 1", "did you mean 'run'?"),
        ("instruments.AAPL", "lott = 1", "did you mean 'lot'?"),
        (
            "report",
            "colour = 1",
            "known here are benchmarks, robustness",
        ),
    ] {
        let e = one_refused(section, line);
        assert_eq!(e.hint.as_deref(), Some(hint), "{e}");
    }
    let e = refused(&format!("max_gross = 1\n{SMALL}")).remove(0);
    let hint = "'max_gross' belongs below [risk]: risk.max_gross";
    assert_eq!(e.hint.as_deref(), Some(hint));
    let set = Layer::arguments(["risk.max_gros=1"]).unwrap();
    let e = from_text("my.toml", SMALL, set, Path::new("")).unwrap_err();
    assert!(e[0].to_string().contains("where = --set"), "{}", e[0]);
}

#[test]
fn wrong_types_and_ranges_teach() {
    for (section, line, message, hint) in [
        (
            "run",
            "seed = -1",
            "'run.seed' cannot be -1: the least is 0",
            "a whole number, 0 or more",
        ),
        (
            "run",
            "seed = \"x\"",
            "'run.seed' cannot be \"x\"",
            "a whole number",
        ),
        (
            "run",
            "start = 2005-13-01",
            "my.toml is not TOML",
            "key = value",
        ),
        (
            "run",
            "start = \"2005\"",
            "'run.start' cannot be \"2005\"",
            "a date such as",
        ),
        (
            "data",
            "calendar = \"us_equity\"",
            "did you mean \"us_equities\"?",
            "one of",
        ),
        ("data", "bar = \"7m\"", "cannot be \"7m\"", "a bar size"),
        (
            "data",
            "symbols = [\"A\", \"A\"]",
            "names \"A\" twice",
            "each once",
        ),
        (
            "execution",
            "fee_bps = 0.000001",
            "more than 5 digits",
            "at most 5 digits",
        ),
        (
            "execution",
            "delisting_haircut = 1.5",
            "the most is 1",
            "from 0 to 1",
        ),
        (
            "execution",
            "signal_lag = 2",
            "the most is 1",
            "from 0 to 1",
        ),
        ("execution", "participation = 0", "cannot be 0", "above 0"),
        ("risk", "max_gross = 0", "cannot be 0", "above 0"),
        ("risk", "max_gross = nan", "cannot be nan", "above 0"),
        (
            "account",
            "cash = \"-5\"",
            "cannot be \"-5\"",
            "a positive amount",
        ),
        (
            "report",
            "robustness = \"yes\"",
            "cannot be \"yes\"",
            "true or false",
        ),
        ("strategy", "parameters = 3", "cannot be 3", "a table"),
    ] {
        let e = one_refused(section, line);
        assert!(e.message.contains(message), "{line}: {e}");
        assert!(e.hint.as_ref().unwrap().contains(hint), "{line}: {e}");
    }
}

#[test]
fn everything_wrong_is_said_at_once_in_the_order_of_the_file() {
    let errors = refused("[run]\nsede = 1\n[risk]\nmax_gross = 5000\nmax_order_notional = 0\n");
    let messages: Vec<_> = errors.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "unknown key 'run.sede'",
            "'risk.max_gross' cannot be 5000: the most is 1000",
            "'risk.max_order_notional' cannot be 0",
            "'data.source' is missing",
            "'strategy.name' is missing",
            "'risk.max_position_notional' is missing",
        ]
    );
}

#[test]
fn contradictions_are_refused() {
    for (section, line, message) in [
        (
            "run",
            "start = 2010-01-01\nend = 2005-01-01",
            "before its start",
        ),
        ("data", "adjust = \"Adj Close\"", "not raw"),
        (
            "data",
            "basis = \"back_adjusted\"\nactions = \"a.csv\"",
            "splits and dividends already",
        ),
        ("risk", "max_leverage = 0.5", "is above max_leverage"),
        ("risk", "max_gross = 2\nmax_leverage = 2", "a cash account"),
        (
            "account",
            "margin = \"cross_margined_perpetual\"",
            "perpetual accounts cannot trade yet",
        ),
        ("instruments", "tick = \"0.00001\"", "not exact at 4 digits"),
        ("instruments.BTC", "lot = \"0.5\"", "not exact at 0 digits"),
    ] {
        let e = one_refused(section, line);
        assert!(e.message.contains(message), "{line}: {e}");
        assert!(e.hint.is_some(), "{e}");
    }
}

#[test]
fn a_config_built_by_hand_is_checked_by_the_same_rules() {
    let mut config = small();
    config.validate().unwrap();
    config.risk.max_gross = "2".parse().unwrap();
    config.rebalance.max_plans = 1;
    let errors = config.validate().unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].message.contains("max_plans"), "{errors:?}");
}

#[test]
fn later_layers_win_and_are_remembered() {
    let set = Layer::arguments(["risk.max_gross=0.5", "run.end=2010-12-31"]).unwrap();
    let resolved = from_text("my.toml", SMALL, set, Path::new("dir")).unwrap();
    assert_eq!(resolved.config.risk.max_gross.to_string(), "0.5");
    let origin = |path: &str| resolved.origin(path).unwrap().to_string();
    assert_eq!(origin("risk.max_gross"), "--set");
    assert_eq!(origin("strategy.name"), "my.toml line 4");
    assert_eq!(origin("run.seed"), "default");
    assert_eq!(resolved.base, Path::new("dir"));
}

#[test]
fn shown_text_marks_who_set_each_key() {
    let set = Layer::arguments(["instruments.\"BRK.B\".lot=10"]).unwrap();
    let shown = from_text("my.toml", SMALL, set, Path::new(""))
        .unwrap()
        .show();
    insta::assert_snapshot!(shown);
}

#[test]
fn the_shipped_configs_are_complete_and_round_trip() {
    for text in [BREAKOUT, MOMENTUM, TWO_SLEEVES] {
        let config = Config::from_toml(text).unwrap();
        assert_eq!(Config::from_toml(&config.to_toml()).unwrap(), config);
        assert_eq!(config.data.symbols.len(), 5);
        assert_eq!(
            config.execution.fill,
            ballast_domain::simulation::FillPoint::NextOpen
        );
        // Every key is written in the example, as a setting or as a comment.
        for key in keys::KEYS.iter().filter(|key| {
            !["resilience", "cache", "health", "secrets", "screen"].contains(&key.section)
                && !["fallback", "fallback_contract"].contains(&key.name)
        }) {
            assert!(text.contains(&format!("{} = ", key.name)) || key.name == "parameters");
        }
    }
    let missing: Vec<_> = Config::from_toml(YOUR_DATA)
        .unwrap_err()
        .into_iter()
        .map(|e| e.message)
        .collect();
    assert_eq!(
        missing,
        ["'data.source' is missing", "'strategy.name' is missing"]
    );
}

/// The table of keys and the typed sections are two lists of the same keys.
#[test]
fn every_key_of_the_table_is_a_typed_field_and_the_other_way_round() {
    let mut full = Config::from_toml(BREAKOUT).unwrap();
    full.data.adjust = Some("x".into());
    full.data.actions = Some("x".into());
    full.data.date_format = Some("M/D/YYYY".into());
    full.execution.participation = Some("0.1".parse().unwrap());
    full.execution.style = Some(Style::Limit);
    full.execution.limit_offset_bps = Some(5.into());
    full.execution.limit_bars = Some(2);
    full.execution.last_resort = Some(LastResort::Market);
    full.data.fallback = Some("x".into());
    full.data.fallback_contract = Some(ballast_files::Strictness::Lenient);
    full.risk.degraded_factor = Some(rust_decimal::Decimal::ONE);
    full.resilience = Resilience {
        retries: Some(1),
        timeout_seconds: Some(5),
        deadline_seconds: Some(5),
        breaker_failures: Some(1),
        breaker_seconds: Some(1),
        calls_per_minute: Some(1),
        use_fallback: Some(true),
        concurrency: Some(1),
    };
    full.cache = Cache {
        enabled: Some(true),
        store: Some(CacheStore::Postgres),
        database: Some("x".into()),
        folder: Some("x".into()),
        max_entries: Some(1),
        serve_minutes: Some(1),
        stale_after_hours: Some(1),
        reject_after_hours: Some(1),
        serve_when_down: Some(true),
        verify: Some(true),
    };
    full.health = Health {
        max_data_age_hours: Some(1),
        min_free_disk_mb: Some(1),
        min_free_memory_mb: Some(1),
        check_seconds: Some(1),
    };
    full.secrets = Secrets {
        folder: Some("x".into()),
        environment: Some(true),
        keep_minutes: Some(1),
        warn_after_days: Some(1),
        refuse_after_days: Some(1),
    };
    full.screen = Config::from_toml(SCREEN).unwrap().screen;
    full.screen.output = Some("x".into());
    full.trade = Trade {
        account: Some("x".into()),
        stage: Some(TradeStage::Paper),
        venue: Some(TradeVenue::Simulated),
        address: Some("x".into()),
        journal: Some(TradeJournal::Postgres),
        database: Some("x".into()),
        catch_up: Some(CatchUp::Each),
        fingerprint: Some("x".into()),
    };
    full.instruments.defaults.price_scale = Some(4);
    full.instruments.defaults.quantity_scale = Some(0);
    let table = toml::Table::try_from(&full).unwrap();
    let mut typed = Vec::new();
    for (section, entries) in &table {
        let entries = entries.as_table().unwrap();
        typed.extend(entries.keys().map(|key| format!("{section}.{key}")));
    }
    let mut listed: Vec<_> = keys::KEYS
        .iter()
        .chain(keys::RULES)
        .map(|key| format!("{}.{}", key.section, key.name))
        .collect();
    listed.sort();
    typed.sort();
    assert_eq!(listed, typed);
}

/// REP-01: the same settings in another order, and written otherwise, have the same hash; other
/// settings another one.
#[test]
fn rep_01_order_and_spelling_of_settings_do_not_change_the_hash() {
    let other = "\
risk = { max_position_notional = \"unlimited\", max_order_notional = \"250000.00\", max_gross = 1.0 }
strategy.name = \"breakout\"
[data]
source = \"data.csv\"
";
    let other = Config::from_toml(other).unwrap();
    assert_eq!(other, small());
    assert_eq!(other.hash(), small().hash());
    assert_eq!(other.hash().len(), 64);
    let changed = SMALL.replace("250000", "250001");
    assert_ne!(Config::from_toml(&changed).unwrap().hash(), other.hash());
}

#[test]
fn rules_of_an_instrument_come_from_itself_then_from_all_then_from_its_kind() {
    let text = format!(
        "{SMALL}[instruments]\nlot = 5\n[instruments.BTC]\nkind = \"spot\"\nlot = \"0.001\"\n"
    );
    let config = Config::from_toml(&text).unwrap();
    let btc = config.instrument_spec("BTC");
    assert_eq!(
        (btc.quantity_scale, btc.lot.to_string()),
        (8, "0.001".to_owned())
    );
    let other = config.instrument_spec("IBM");
    assert_eq!(
        (other.quantity_scale, other.lot.to_string()),
        (0, "5".to_owned())
    );
    assert_eq!(config.cash_scale(), 16);
    assert_eq!(small().cash_scale(), 8);
}

fn lines_of_sections() -> impl Strategy<Value = Vec<String>> {
    let canonical = Config::from_toml(BREAKOUT).unwrap().to_toml();
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in canonical.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            Some(name) => section = name.to_owned(),
            None => lines.push(format!("{section}.{line}")),
        }
    }
    Just(lines).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// REP-01: a file whose keys stand in any order is the same config with the same hash.
    #[test]
    fn rep_01_rep_03_shuffled_files_have_one_hash(lines in lines_of_sections()) {
        let expected = Config::from_toml(BREAKOUT).unwrap();
        let config = Config::from_toml(&lines.join("\n")).unwrap();
        prop_assert_eq!(config.hash(), expected.hash());
        prop_assert_eq!(config.to_toml(), expected.to_toml());
    }

    /// Any decimals survive the canonical text.
    #[test]
    fn decimals_round_trip(fee in 0_u32..1_000_000_000, share in 0_u32..1_000_000_000, cash in 1_u64..) {
        let mut config = small();
        config.execution.fee_bps = rust_decimal::Decimal::new(i64::from(fee), 5).normalize();
        config.rebalance.threshold = rust_decimal::Decimal::new(i64::from(share), 9).normalize();
        config.account.cash = rust_decimal::Decimal::from(cash);
        prop_assert_eq!(Config::from_toml(&config.to_toml()).unwrap(), config);
    }
}

/// Of very many unknown keys the first hundred by line are named and the rest counted.
#[test]
fn of_many_unknown_keys_the_first_are_named_and_the_rest_counted() {
    let lines = |n: usize| {
        (0..n)
            .map(|i| format!("k{} = 1\n", 9_000 - i))
            .collect::<String>()
    };
    let errors = refused(&format!("{SMALL}[report]\n{}", lines(100)));
    assert_eq!(errors.len(), 100);
    let errors = refused(&format!("{SMALL}[report]\n{}", lines(102)));
    assert_eq!(errors.len(), 101);
    // In the order of the lines, which is not that of the names.
    assert!(
        errors[0]
            .to_string()
            .starts_with("unknown key 'report.k9000'")
    );
    let last = errors[100].to_string();
    assert!(
        last.starts_with("2 more unknown keys (key = report.k8900"),
        "{last}"
    );
}

/// Keys that nobody reads are answered in time that grows with their number: what each was to mean
/// was once searched for all of them.
#[test]
fn ninety_thousand_unknown_keys_are_answered_in_seconds() {
    let many: String = (0..90_000).map(|i| format!("k{i:x} = 1\n")).collect();
    let begun = std::time::Instant::now();
    assert_eq!(
        refused(&many).len(),
        105,
        "a hundred, their rest, and what is missing"
    );
    assert_eq!(refused(&format!("{SMALL}[report]\n{many}")).len(), 101);
    let took = begun.elapsed();
    assert!(took.as_secs() < 60, "{took:?}");
}
