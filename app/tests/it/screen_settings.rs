//! The criteria of a screen as a config writes them: complete, within bounds, warned of, and found.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ballast::config::{self, Config, Layer, SCREEN, Warning};
use ballast::exit::Exit;
use ballast_domain::error::Error;
use ballast_domain::screening::{Criterion, Region, Tier};
use ballast_resilience::{ResiliencePolicy, StalenessPolicy};
use rust_decimal::Decimal;

use crate::fake::{FakeEngine, Plant, ballast_within};
use crate::stacks::Lines;

fn errors(text: &str) -> Vec<Error> {
    let read = config::from_text("my.toml", text, Layer::empty(), Path::new(""));
    read.unwrap_err()
}

fn replaced(from: &str, to: &str) -> String {
    assert!(SCREEN.contains(from), "{from} is nowhere");
    SCREEN.replacen(from, to, 1)
}

fn config() -> Config {
    Config::from_toml(SCREEN).unwrap()
}

fn warnings(text: &str) -> Vec<Warning> {
    let read = config::from_text("my.toml", text, Layer::empty(), Path::new(""));
    read.unwrap().warnings
}

/// CFG-05: a file without the criteria of one region and tier is refused and names it; one without a single
/// threshold names that. CFG-12: those that are there are found by value or name.
#[test]
fn cfg_05_cfg_12_a_file_holds_all_fifteen_criteria() {
    let header = "[screen.criteria.hk.small]\n";
    let (before, rest) = SCREEN.split_once(header).unwrap();
    let after = rest.split_once("\n\n").unwrap().1;
    let without = errors(&format!("{before}{after}"));
    assert_eq!(without.len(), 1, "{without:?}");
    assert_eq!(without[0].message, "missing criteria for HK/SMALL");
    let key = ("key".to_owned(), "screen.criteria.hk.small".to_owned());
    assert!(without[0].context.contains(&key), "{:?}", without[0]);
    let without = errors(&replaced("min_upside = 5\n", ""));
    assert_eq!(without[0].message, "'min_upside' is missing");
    // A screen without any criteria lacks every one.
    let bare = SCREEN.split_once("[screen.criteria").unwrap().0;
    assert_eq!(errors(bare).len(), 15);

    let table = config().screen.criteria.unwrap();
    let of = |region: &str, tier: &str, criterion| {
        let value = table.get(region, tier).unwrap().get(criterion);
        value.map(|value| value.to_string())
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(of("us", "mega", Criterion::MinUpside), text("5"));
    assert_eq!(of("HK", "MICRO", Criterion::MinBuyPercentage), text("97"));
    assert_eq!(of("eu", "Large", Criterion::MaxPefPetRatio), text("1.1"));
    assert_eq!(of("eu", "large", Criterion::MinPefPetRatio), None);
    assert_eq!(
        table.get(Region::Eu, Tier::Large).unwrap(),
        table.get("eu", "large").unwrap()
    );
    assert!(table.get("us", "giant").is_err());
}

/// CFG-06: each bound, with a value below it, at it and above it. Nothing is below 0 and nothing above the
/// largest; the defaults are 4 analysts, 4 targets, 15 at once, 30 s, 3 attempts and 48 hours.
#[test]
fn cfg_06_each_bound_is_held_below_at_and_above() {
    let with = |key: &str, value: &str| {
        let (section, name) = key.rsplit_once('.').unwrap();
        let header = format!("[{section}]\n");
        let line = format!("{name} = {value}\n");
        let text = match SCREEN.split_once(&header) {
            Some((before, rest)) => {
                let (own, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
                let own: String = (own.lines())
                    .filter(|line| !line.starts_with(&format!("{name} = ")))
                    .map(|line| format!("{line}\n"))
                    .collect();
                format!("{before}{header}{line}{own}\n{after}")
            }
            None => format!("{SCREEN}\n{header}{line}"),
        };
        config::from_text("my.toml", &text, Layer::empty(), Path::new(""))
    };
    for (key, below, least, most, above) in [
        (
            "screen.criteria.us.mega.min_upside",
            "-0.01",
            "0",
            "100",
            "100.01",
        ),
        (
            "screen.criteria.us.mega.min_buy_percentage",
            "-0.01",
            "0",
            "100",
            "100.01",
        ),
        (
            "screen.criteria.us.mega.min_exret",
            "-0.01",
            "0",
            "1000",
            "1000.01",
        ),
        (
            "screen.criteria.us.mega.max_pef_pet_ratio",
            "-0.01",
            "0",
            "1000",
            "1000.01",
        ),
        (
            "screen.criteria.us.mega.min_pef_pet_ratio",
            "-0.01",
            "0",
            "1.1",
            "1000.01",
        ),
        ("screen.min_analysts", "0", "1", "50", "51"),
        ("screen.min_price_targets", "0", "1", "50", "51"),
        ("screen.max_position_percent", "0", "1", "20", "21"),
        ("resilience.concurrency", "0", "1", "50", "51"),
        ("resilience.timeout_seconds", "4", "5", "120", "301"),
        ("resilience.retries", "-1", "0", "10", "11"),
        ("cache.stale_after_hours", "0", "1", "168", "169"),
    ] {
        for inside in [least, most] {
            let read = with(key, inside);
            assert!(read.is_ok(), "{key} = {inside}: {read:?}");
        }
        for outside in [below, above] {
            let refused = with(key, outside).unwrap_err();
            assert_eq!(refused.len(), 1, "{key} = {outside}: {refused:?}");
            let message = &refused[0].message;
            assert!(
                message.starts_with(&format!("'{key}' cannot be")),
                "{message}"
            );
        }
    }
    // A timeout of 300 s needs a deadline that is no shorter.
    let slow = format!("{SCREEN}\n[resilience]\ntimeout_seconds = 300\ndeadline_seconds = 300\n");
    Config::from_toml(&slow).unwrap();
    let crossed = replaced(
        "max_pef_pet_ratio = 1.1",
        "max_pef_pet_ratio = 1.1\nmin_pef_pet_ratio = 1.2",
    );
    let crossed = errors(&crossed);
    assert_eq!(crossed.len(), 1, "{crossed:?}");
    assert!(crossed[0].message.contains("1.2 or more and 1.1 or less"));

    let default = config();
    assert_eq!(default.screen.min_analysts(), 4);
    assert_eq!(default.screen.min_price_targets(), 4);
    let policy = ResiliencePolicy::default();
    assert_eq!(
        (policy.timeout.as_secs(), policy.retry.max_attempts),
        (30, 3)
    );
    let staleness = StalenessPolicy::default();
    assert_eq!(staleness.stale_after.seconds(), 172_800.0);
}

/// CFG-08: a config that was changed by hand is checked as a file is; criteria cannot be changed in place, and
/// a change of them is checked when it is made.
#[test]
fn cfg_08_what_is_changed_by_hand_is_checked() {
    let mut config = config();
    config.validate().unwrap();
    config.screen.min_analysts = Some(51);
    config.screen.criteria = None;
    let refused = config.validate().unwrap_err();
    assert_eq!(refused.len(), 16, "{refused:?}");
    let table = self::config().screen.criteria.unwrap();
    let mega = table.get("us", "mega").unwrap();
    let refused = mega.with(Criterion::MinUpside, Decimal::from(101));
    assert!(refused.is_err());
}

/// CFG-09: what is allowed and seldom wise is listed, in this order and nothing else; a config without any
/// of it has an empty list; each is logged once when a config is loaded. Answers that are stale within an
/// hour are out of bounds in a file and warned of where a config is built by hand.
#[test]
fn cfg_09_warnings_are_exact_and_logged_once() {
    assert_eq!(warnings(SCREEN), []);
    let risky = replaced("min_analysts = 4 ", "min_analysts = 3 ")
        .replace("max_position_percent = 5 ", "max_position_percent = 11 ")
        + "\n[resilience]\nconcurrency = 26\n";
    let keys = |warnings: &[Warning]| {
        let keys = warnings.iter().map(|w| w.key.clone());
        keys.collect::<Vec<_>>().join(" ")
    };
    let three = "resilience.concurrency screen.min_analysts screen.max_position_percent";
    assert_eq!(keys(&warnings(&risky)), three);
    let limits = replaced("min_analysts = 4 ", "min_analysts = 4 ")
        .replace("max_position_percent = 5 ", "max_position_percent = 10 ")
        + "\n[resilience]\nconcurrency = 25\n[cache]\nstale_after_hours = 1\n";
    assert_eq!(warnings(&limits), []);
    let mut by_hand = config();
    by_hand.cache.stale_after_hours = Some(0);
    assert_eq!(
        keys(&by_hand.warnings(Path::new(""))),
        "cache.stale_after_hours"
    );

    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("my.toml");
    fs::write(&file, &risky).unwrap();
    let lines = Lines::default();
    let guard = lines.capture();
    let engine = FakeEngine::new(Plant::Nothing);
    let arguments = ["config", "check", file.to_str().unwrap()];
    let used = ballast_within(&engine, home.path(), &arguments, None, &[]);
    drop(guard);
    assert_eq!(used.exit, Exit::Ok, "{used:?}");
    let logged: Vec<String> = lines.all();
    let logged: Vec<_> = logged
        .iter()
        .filter(|l| l.contains("ballast::config"))
        .collect();
    assert_eq!(logged.len(), 3, "{logged:?}");
    for key in three.split(' ') {
        let quoted = format!("key=\"{key}\"");
        assert_eq!(logged.iter().filter(|l| l.contains(&quoted)).count(), 1);
    }
}

/// CFG-10: an upside below 5 or above 50 percent is told and not refused, 5 and 50 are not told; nor is a
/// folder of reports that is there.
#[test]
fn cfg_10_strange_upsides_and_a_missing_folder_are_told() {
    for (upside, told) in [("4.99", 1), ("5", 0), ("50", 0), ("50.01", 1)] {
        let found = warnings(&replaced(
            "min_upside = 5\n",
            &format!("min_upside = {upside}\n"),
        ));
        assert_eq!(found.len(), told, "{upside}: {found:?}");
        for warning in found {
            assert_eq!(warning.key, "screen.criteria.us.mega.min_upside");
            assert!(warning.message.contains("US/MEGA"), "{}", warning.message);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let text = replaced("[screen]\n", "[screen]\noutput = \"reports\"\n");
    let within = |base: &Path| {
        let read = config::from_text("my.toml", &text, Layer::empty(), base);
        read.unwrap().warnings
    };
    let missing = within(folder.path());
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].key, "screen.output");
    fs::create_dir(folder.path().join("reports")).unwrap();
    assert_eq!(within(folder.path()), []);
}

/// DAT-19: the listings of one company come from the config: who holds NVO buys no NOVO-B.CO. A list that
/// contradicts another is refused with its key.
#[test]
fn dat_19_listings_of_one_company_come_from_the_config() {
    let companies = config().screen.companies().unwrap();
    let candidates = ["NOVO-B.CO", "AAPL", "GOOGL"].map(str::to_owned);
    let held = BTreeSet::from(["NVO".to_owned()]);
    assert_eq!(companies.new_names(&candidates, &held), ["AAPL", "GOOGL"]);
    let twice = replaced(
        "[screen.same_company]",
        "[screen.same_company]\nalso = [\"NVO\", \"X\"]",
    );
    let twice = errors(&twice.replace("           # listings of", " # listings of"));
    assert_eq!(twice.len(), 1, "{twice:?}");
    assert!(
        twice[0]
            .message
            .contains("'NVO' is a listing of two companies")
    );
}

/// What the check says of names and shapes that are none, all at once.
#[test]
fn misspelt_regions_tiers_and_criteria_are_refused() {
    let text = replaced("[screen.criteria.us.mega]", "[screen.criteria.us.maga]").replace(
        "[screen.criteria.eu.mid]\nmin_upside",
        "[screen.criteria.eu.mid]\nmin_upsid",
    );
    let found: Vec<String> = errors(&text).iter().map(Error::to_string).collect();
    let found = found.join("\n");
    for part in [
        "unknown key 'screen.criteria.us.maga'",
        "did you mean 'mega'?",
        "missing criteria for US/MEGA",
        "unknown key 'screen.criteria.eu.mid.min_upsid'",
        "did you mean 'min_upside'?",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
    let read = Config::from_toml(&config().to_toml()).unwrap();
    assert_eq!(read, config());
    // A config without a screen is what it was: no key of it is in its hash.
    let without = SCREEN.split_once("[screen]").unwrap().0;
    assert!(
        !Config::from_toml(without)
            .unwrap()
            .to_toml()
            .contains("screen")
    );
}
