//! `ballast config migrate`: old files in today's words.

use std::fs;
use std::path::Path;

use ballast::config::{Config, SCREEN};
use ballast::exit::Exit;

use crate::fake::{FakeEngine, Plant, Used, ballast_within};

/// The screen as it was once written: every criterion at the top, with region and tier in its name.
fn flat() -> String {
    let (rest, nested) = SCREEN.split_once("[screen.criteria").unwrap();
    let mut flat = String::from("# my screen\nmax_gross = 1 # nothing borrowed\n");
    let mut place = String::new();
    for line in format!("[screen.criteria{nested}").lines() {
        if let Some(header) = line.strip_prefix("[screen.criteria.") {
            place = header.trim_end_matches(']').replace('.', "_");
        } else if !line.is_empty() {
            flat += &format!("{place}_{line}\n");
        }
    }
    flat + "\n" + rest
}

fn migrate(home: &Path, file: &str, more: &[&str]) -> Used {
    let engine = FakeEngine::new(Plant::Nothing);
    let file = home.join(file);
    let all = [&["config", "migrate", file.to_str().unwrap()], more].concat();
    ballast_within(&engine, home, &all, None, &[])
}

/// CFG-13: a flat file is told of, then written in today's words with the old one as backup; comments stay;
/// a second time nothing moves.
#[test]
fn cfg_13_a_flat_file_is_migrated_once_with_a_backup() {
    let home = tempfile::tempdir().unwrap();
    let old = flat();
    let read = |name: &str| fs::read_to_string(home.path().join(name));
    fs::write(home.path().join("my.toml"), &old).unwrap();
    let told = migrate(home.path(), "my.toml", &[]);
    assert_eq!(told.exit, Exit::Ok, "{told:?}");
    let line = "line 3: us_mega_min_upside is screen.criteria.us.mega.min_upside now\n";
    assert!(told.out.contains(line), "{}", told.out);
    assert!(told.out.ends_with("add --write\n"), "{}", told.out);
    assert_eq!(read("my.toml").unwrap(), old);
    assert!(read("my.toml.backup").is_err());

    let json = migrate(home.path(), "my.toml", &["--write", "--json"]).json();
    assert_eq!(json["moved"].as_array().unwrap().len(), 61);
    assert_eq!(json["moved"][0]["to"], "risk.max_gross");
    assert!(json["backup"].as_str().unwrap().ends_with("my.toml.backup"));
    assert_eq!(read("my.toml.backup").unwrap(), old);
    let new = read("my.toml").unwrap();
    assert!(new.starts_with("# my screen\n"), "{new}");
    assert!(
        new.contains("[risk]\nmax_gross = 1 # nothing borrowed\n"),
        "{new}"
    );
    let expected = SCREEN.replace("[risk]\n", "[risk]\nmax_gross = 1\n");
    assert_eq!(
        Config::from_toml(&new).unwrap(),
        Config::from_toml(&expected).unwrap()
    );

    let again = migrate(home.path(), "my.toml", &["--write"]);
    assert_eq!(
        (again.exit, again.out.as_str()),
        (Exit::Ok, "up to date: nothing moves\n")
    );
    assert_eq!(read("my.toml").unwrap(), new);
    assert_eq!(read("my.toml.backup").unwrap(), old);
}

/// CFG-13: what cannot be used once it is moved is refused with everything that is wrong, and neither the
/// file nor its folder changes; nor does a backup that is there.
#[test]
fn cfg_13_a_failure_leaves_the_file_alone() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("my.toml");
    let refused = |text: &str, part: &str| {
        fs::write(&file, text).unwrap();
        let used = migrate(home.path(), "my.toml", &["--write"]);
        assert_eq!(used.exit, Exit::Usage, "{used:?}");
        assert!(used.err.contains(part), "{part}: {}", used.err);
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    };
    let old = flat();
    let out_of_bounds = old.replace("us_mega_min_upside = 5", "us_mega_min_upside = 101");
    refused(
        &out_of_bounds,
        "'screen.criteria.us.mega.min_upside' cannot be 101",
    );
    let one_short = old.replace("hk_small_min_upside = 35\n", "");
    refused(&one_short, "'min_upside' is missing");
    refused(
        &format!("us_nano_min_upside = 1\n{old}"),
        "unknown key 'us_nano_min_upside'",
    );
    let both = old.replace("[risk]\n", "[risk]\nmax_gross = 1\n");
    refused(&both, "'max_gross' and 'risk.max_gross' are both set");
    refused("max_gross = ", "is not TOML");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    fs::write(home.path().join("my.toml.backup"), "another file").unwrap();
    refused(&old, "there is a backup of an earlier migration");
    let kept = fs::read_to_string(home.path().join("my.toml.backup")).unwrap();
    assert_eq!(kept, "another file");
}

/// CFG-13: without a file there is help; a flat name is told where it belongs by any other command.
#[test]
fn cfg_13_help_without_a_file() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let used = ballast_within(&engine, home.path(), &["config", "migrate"], None, &[]);
    assert_eq!(used.exit, Exit::Usage);
    let help = "Usage: ballast config migrate";
    assert!(
        used.out.contains(help) && used.out.contains("--write"),
        "{used:?}"
    );
    fs::write(home.path().join("my.toml"), flat()).unwrap();
    let file = home.path().join("my.toml");
    let arguments = ["config", "check", file.to_str().unwrap()];
    let used = ballast_within(&engine, home.path(), &arguments, None, &[]);
    assert!(
        used.err.contains("`ballast config migrate`"),
        "{}",
        used.err
    );
}
