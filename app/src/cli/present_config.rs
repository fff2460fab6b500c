//! Settings as people and programs read them.

use std::collections::BTreeMap;
use std::fmt::Write;

use ballast_domain::error::Result;
use serde::Serialize;

use super::present::Answer;
use crate::commands::config_migrate::Migrated;
use crate::config::{self, Config, Profile, Resolved, SettingDifference, Warning};

pub(super) fn checked(resolved: &Resolved) -> Result<Answer> {
    #[derive(Serialize)]
    struct Checked<'a> {
        ok: bool,
        profile: Profile,
        config_hash: String,
        warnings: &'a [Warning],
    }
    let value = Checked {
        ok: true,
        profile: resolved.profile,
        config_hash: resolved.config.hash(),
        warnings: &resolved.warnings,
    };
    let mut text = String::new();
    for warning in value.warnings {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "warning: {}\n  key: {}\n  where: {}\n  hint: {}",
            warning.message, warning.key, warning.place, warning.hint
        );
    }
    let count = match value.warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        n => format!(", {n} warnings"),
    };
    let _ = writeln!(
        text,
        "in order for {}{count}, config hash {}",
        value.profile, value.config_hash
    );
    Answer::new(text, &value)
}

pub(super) fn shown(resolved: &Resolved) -> Result<Answer> {
    #[derive(Serialize)]
    struct Shown<'a> {
        config: &'a Config,
        profile: Profile,
        origins: BTreeMap<&'a str, String>,
        config_hash: String,
    }
    let value = Shown {
        config: &resolved.config,
        profile: resolved.profile,
        origins: resolved
            .origins()
            .map(|(path, origin)| (path, origin.to_string()))
            .collect(),
        config_hash: resolved.config.hash(),
    };
    Ok(Answer::new(resolved.show(), &value)?.verbatim())
}

pub(super) fn differences(found: &[SettingDifference]) -> Result<Answer> {
    #[derive(Serialize)]
    struct Differences<'a> {
        differences: &'a [SettingDifference],
    }
    let mut text = String::new();
    for difference in found {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}\n  - {}\n  + {}",
            difference.key,
            said(&difference.a),
            said(&difference.b)
        );
    }
    if found.is_empty() {
        text.push_str("the same settings\n");
    }
    Answer::new(text, &Differences { differences: found })
}

pub(super) fn schema() -> Result<Answer> {
    let schema = config::schema();
    let mut answer = Answer::new(String::new(), &schema)?.verbatim();
    answer.text = format!("{schema:#}\n");
    Ok(answer)
}

pub(super) fn migrated(migrated: &Migrated) -> Result<Answer> {
    let mut text = String::new();
    for moved in &migrated.moved {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "line {}: {} is {} now",
            moved.line, moved.from, moved.to
        );
    }
    text += &match (&migrated.backup, migrated.moved.len()) {
        (_, 0) => "up to date: nothing moves\n".to_owned(),
        (None, _) => "in order once they are moved: add --write\n".to_owned(),
        (Some(backup), _) => format!("written; the old file is {}\n", backup.display()),
    };
    Answer::new(text, migrated)
}
