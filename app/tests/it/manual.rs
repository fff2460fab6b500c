//! Completions and manual pages name every command there is.

use std::fs;

use ballast::exit::Exit;

use crate::fake::{FakeEngine, Plant, ballast};

/// Every command, as `--help` of its parent lists it, with its parents.
fn commands(engine: &FakeEngine, above: &[String], found: &mut Vec<Vec<String>>) {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments: Vec<&str> = above.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = ballast(engine, folder.path(), &arguments).out;
    let Some((_, list)) = help.split_once("\nCommands:\n") else {
        return;
    };
    for line in list.lines().take_while(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().unwrap();
        if name == "help" || line.starts_with("    ") {
            continue;
        }
        let mut path = above.to_vec();
        path.push(name.to_owned());
        found.push(path.clone());
        commands(engine, &path, found);
    }
}

fn all_commands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    commands(&FakeEngine::new(Plant::Nothing), &[], &mut found);
    assert!(found.len() >= 18, "{found:?}");
    found
}

#[test]
fn each_shell_completes_every_command() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let commands = all_commands();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let used = ballast(&engine, home.path(), &["completions", shell]);
        assert_eq!(used.exit, Exit::Ok, "{used:?}");
        for path in &commands {
            let name = path.last().unwrap();
            assert!(used.out.contains(name.as_str()), "{shell}: {path:?}");
        }
        for option in ["home", "json", "quiet", "annualisation"] {
            assert!(used.out.contains(option), "{shell}: {option}");
        }
        let json = ballast(&engine, home.path(), &["completions", shell, "--json"]).json();
        assert_eq!(json["shell"], shell);
        assert_eq!(json["script"], used.out);
    }
    let used = ballast(&engine, home.path(), &["completions", "tcsh"]);
    assert_eq!(used.exit, Exit::Usage);
}

#[test]
fn every_command_has_a_manual_page() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let folder = home.path().join("deep/man");
    let written = ballast(
        &engine,
        home.path(),
        &["man", "--out", folder.to_str().unwrap(), "--json"],
    );
    let written = written.json()["pages"].as_array().unwrap().len();
    let mut expected = vec!["ballast.1".to_owned()];
    expected.extend(
        all_commands()
            .iter()
            .map(|path| format!("ballast-{}.1", path.join("-"))),
    );
    expected.sort();
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!((names.len(), &names), (written, &expected));
    for name in &names {
        let page = fs::read_to_string(folder.join(name)).unwrap();
        // What man(1) needs: a title line, a name with its purpose, and how to call it.
        for part in [".TH ", ".SH NAME", ".SH SYNOPSIS", "\\-\\-json"] {
            assert!(page.contains(part), "{name} has no {part}");
        }
        let words = name.trim_end_matches(".1").replace('-', "\\-");
        assert!(page.contains(&format!("{words} \\- ")), "{name}: {page}");
    }
    let first = fs::read_to_string(folder.join("ballast.1")).unwrap();
    assert!(first.contains("130 interrupted"), "{first}");
}
