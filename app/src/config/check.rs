//! From a merged table to a typed config, with everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use ballast_domain::error::Error;
use ballast_domain::market::BarSize;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use toml::Value;

use super::decimal;
use super::keys::{self, KEYS, Key, RULES, SECTIONS, Takes};
use super::layer::{Origin, join};
use super::migrate;
use super::nearest::nearest;
use super::retired::{self, RETIRED};

/// Unknown keys that are listed, each with what was perhaps meant; the rest are counted. A file with
/// more is no config of ours, and a search for each of a megabyte's would take seconds.
const UNKNOWN_MAX: usize = 100;

/// Collects the errors of one table.
#[derive(Debug)]
pub(super) struct Check<'a> {
    origins: &'a BTreeMap<String, Origin>,
    /// Errors with the origin that sorts them.
    errors: Vec<(Option<Origin>, Error)>,
    unknown: Vec<Unknown<'a>>,
}

/// A key that nobody reads.
#[derive(Debug)]
struct Unknown<'a> {
    origin: Option<&'a Origin>,
    path: String,
    name: String,
    /// The section it stands in; `None` when it is itself in the place of one.
    section: Option<String>,
}

impl<'a> Check<'a> {
    /// A check of a table whose leaves come from `origins`.
    pub(super) const fn new(origins: &'a BTreeMap<String, Origin>) -> Self {
        Self {
            origins,
            errors: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// The table with every value in its canonical form. Values that are refused are missing.
    pub(super) fn table(&mut self, table: &toml::Table) -> toml::Table {
        let mut checked = toml::Table::new();
        for section in SECTIONS {
            checked.insert((*section).to_owned(), Value::Table(toml::Table::new()));
        }
        for (section, value) in table {
            if !SECTIONS.contains(&section.as_str()) {
                self.unknown(join("", section), section, None);
                continue;
            }
            let Value::Table(entries) = value else {
                self.refuse(
                    section,
                    format!("'{section}' is a section, not a value"),
                    format!("write [{section}] on its own line and its keys below"),
                );
                continue;
            };
            let entries = match section.as_str() {
                "instruments" => self.instruments(entries),
                "screen" => self.screen(entries),
                _ => self.section(section, section, entries),
            };
            checked.insert(section.clone(), Value::Table(entries));
        }
        self.required(table);
        checked
    }

    /// All errors: of files by line, then of arguments, then what is missing.
    pub(super) fn finish(mut self) -> Vec<Error> {
        self.name_unknown();
        self.errors
            .sort_by(|(a, _), (b, _)| (a.is_none(), a).cmp(&(b.is_none(), b)));
        self.errors.into_iter().map(|(_, error)| error).collect()
    }

    /// Adds an error about the key at `path`, with its place.
    pub(super) fn refuse(&mut self, path: &str, message: String, hint: String) {
        let error = Error::config(message).context("key", path);
        self.add(path, error.hint(hint));
    }

    /// Adds `error` about the key at `path`.
    pub(super) fn add(&mut self, path: &str, mut error: Error) {
        let origin = self.origins.get(path).cloned();
        if let Some(origin) = &origin {
            error = error.context("where", origin);
        }
        self.errors.push((origin, error));
    }

    /// Whether the key at `path` has an error already.
    pub(super) fn is_refused(&self, path: &str) -> bool {
        let about = |(_, error): &(_, Error)| error.context.iter().any(|(_, at)| at == path);
        self.errors.iter().any(about)
    }

    /// The canonical keys of a table at `path` that takes those of `section`.
    pub(super) fn section(
        &mut self,
        section: &str,
        path: &str,
        entries: &toml::Table,
    ) -> toml::Table {
        let known = keys::keys_of(section);
        let mut checked = toml::Table::new();
        for (name, value) in entries {
            let path = join(path, name);
            let Some(key) = known.iter().find(|key| key.name == name) else {
                self.unknown(path, name, Some(section));
                continue;
            };
            match canonical(key.takes, value) {
                Ok(value) => {
                    checked.insert(name.clone(), value);
                }
                Err(why) => self.refuse(
                    &path,
                    format!("'{path}' {why}"),
                    format!("write {}", key.takes.phrase()),
                ),
            }
        }
        checked
    }

    fn instruments(&mut self, entries: &toml::Table) -> toml::Table {
        let (symbols, rules): (toml::Table, toml::Table) = entries
            .clone()
            .into_iter()
            .partition(|(_, value)| value.is_table());
        let mut checked = self.section("instruments", "instruments", &rules);
        for (symbol, value) in symbols {
            let path = join("instruments", &symbol);
            if RULES.iter().any(|key| key.name == symbol) {
                self.refuse(
                    &path,
                    format!("'{path}' is a rule of all instruments, not a symbol"),
                    format!("write {symbol} = … below [instruments] or [instruments.SYMBOL]"),
                );
            } else if let Value::Table(entries) = value {
                let entries = self.section("instruments", &path, &entries);
                checked.insert(symbol, Value::Table(entries));
            }
        }
        checked
    }

    fn unknown(&mut self, path: String, name: &str, section: Option<&str>) {
        self.unknown.push(Unknown {
            origin: self.origins.get(&path),
            path,
            name: name.to_owned(),
            section: section.map(str::to_owned),
        });
    }

    /// An error for each of the first unknown keys, and one for the number of the others.
    fn name_unknown(&mut self) {
        let mut unknown = std::mem::take(&mut self.unknown);
        unknown.sort_by_key(|key| (key.origin.is_none(), key.origin));
        let more = unknown.split_off(unknown.len().min(UNKNOWN_MAX));
        for Unknown {
            path,
            name,
            section,
            ..
        } in unknown
        {
            if secret_like(&name) {
                let message = format!("'{path}' looks like a secret, and none stands in a config");
                let hint = "take it out, have a new one issued, and keep that in the folder of secrets: \
                            docs/configuration.md";
                self.refuse(&path, message, hint.to_owned());
                continue;
            }
            if let Some(gone) = retired::find(RETIRED, &path) {
                let message = format!("'{path}' is gone since {}", gone.since);
                self.refuse(&path, message, gone.instead.to_owned());
                continue;
            }
            let hint = match section {
                Some(section) => meant_key(&name, &keys::keys_of(&section)),
                None => meant_section(&name),
            };
            self.refuse(&path, format!("unknown key '{path}'"), hint);
        }
        if let Some(first) = more.first() {
            let message = match more.len() {
                1 => "1 more unknown key".to_owned(),
                n => format!("{n} more unknown keys"),
            };
            let hint = "so many do not belong to a config of this program: is it the right file?";
            self.refuse(&first.path, message, hint.to_owned());
        }
    }

    fn required(&mut self, table: &toml::Table) {
        for key in KEYS {
            let keys::Fallback::Required(hint) = key.default else {
                continue;
            };
            let there = table
                .get(key.section)
                .and_then(Value::as_table)
                .is_some_and(|section| section.contains_key(key.name));
            if !there {
                let path = join(key.section, key.name);
                let error = Error::config_missing(format!("'{path}' is missing"));
                self.add(&path, error.context("key", &path).hint(hint));
            }
        }
    }
}

/// Whether a key of this name would hold a secret. Its value is never shown.
fn secret_like(name: &str) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    let words = [
        "secret",
        "password",
        "passphrase",
        "api_key",
        "apikey",
        "token",
        "private_key",
    ];
    words.iter().any(|word| name.contains(word))
}

/// What was perhaps meant by `name` in the place of a section.
fn meant_section(name: &str) -> String {
    if let Some(section) = migrate::section_of_criterion(name) {
        return format!("it belongs below [{section}]: `ballast config migrate` moves it there");
    }
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return format!("'{name}' belongs below [{0}]: {0}.{name}", key.section);
    }
    match nearest(name, SECTIONS.iter().copied()) {
        Some(section) => format!("did you mean '{section}'?"),
        None => match nearest(name, KEYS.iter().map(|key| key.name)) {
            Some(key) => format!("did you mean '{}'?", full_name(key)),
            None => format!("the sections are {}", SECTIONS.join(", ")),
        },
    }
}

/// What was perhaps meant by `name` in a section of the `known` keys.
fn meant_key(name: &str, known: &[&Key]) -> String {
    if let Some(key) = nearest(name, known.iter().map(|key| key.name)) {
        return format!("did you mean '{key}'?");
    }
    match nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(key) => format!("did you mean '{}'?", full_name(key)),
        None => {
            let names: Vec<_> = known.iter().map(|key| key.name).collect();
            format!("known here are {}", names.join(", "))
        }
    }
}

/// The dotted name of the first key called `name`.
fn full_name(name: &str) -> String {
    KEYS.iter()
        .find(|key| key.name == name)
        .map_or_else(|| name.to_owned(), |key| join(key.section, key.name))
}

/// The value as the typed config reads it, or why not, as `cannot be …`.
pub(super) fn canonical(takes: Takes, value: &Value) -> Result<Value, String> {
    let refused = || Err(format!("cannot be {}", shown(value)));
    let text = value.as_str();
    match takes {
        Takes::Text => match text {
            Some(text) if !text.trim().is_empty() => Ok(value.clone()),
            _ => refused(),
        },
        Takes::Word(words) => match text {
            Some(text) if words.contains(&text) => Ok(value.clone()),
            Some(text) => Err(match nearest(text, words.iter().copied()) {
                Some(word) => format!("cannot be \"{text}\"; did you mean \"{word}\"?"),
                None => format!("cannot be \"{text}\""),
            }),
            None => refused(),
        },
        Takes::BarSize => match text.map(str::parse::<BarSize>) {
            Some(Ok(size)) => Ok(Value::String(size.to_string())),
            _ => refused(),
        },
        Takes::Whole(min, max) => match value.as_integer() {
            Some(n) if (min..=max).contains(&n) => Ok(value.clone()),
            Some(n) if n < min => Err(format!("cannot be {n}: the least is {min}")),
            Some(n) => Err(format!("cannot be {n}: the most is {max}")),
            None => refused(),
        },
        Takes::Number(range) => match number(value) {
            Some(n) if n.is_sign_negative() && !n.is_zero() => {
                Err(format!("cannot be {n}: the least is 0"))
            }
            Some(n) if n.is_zero() && !range.zero => Err("cannot be 0".to_owned()),
            Some(n) if n > range.max => Err(format!("cannot be {n}: the most is {}", range.max)),
            Some(n) if n.scale() > range.digits => Err(format!(
                "cannot be {n}: it has more than {} digits after the point",
                range.digits
            )),
            Some(n) => Ok(Value::String(n.to_string())),
            None => refused(),
        },
        Takes::Limit if text == Some("unlimited") => Ok(value.clone()),
        Takes::Amount | Takes::Limit => match number(value) {
            Some(n) if n > Decimal::ZERO => Ok(Value::String(n.to_string())),
            _ => refused(),
        },
        Takes::Date => match date(value) {
            Some(date) => Ok(Value::String(date.to_string())),
            None => refused(),
        },
        Takes::Flag => match value {
            Value::Boolean(_) => Ok(value.clone()),
            _ => refused(),
        },
        Takes::Texts => texts(value),
        Takes::Table => match value {
            Value::Table(_) => Ok(value.clone()),
            _ => refused(),
        },
    }
}

/// A value as a message shows it: texts in quotes, at most 60 characters.
fn shown(value: &Value) -> String {
    let what = match value {
        Value::Table(_) => return "a table".to_owned(),
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    if what.chars().count() > 60 {
        what.chars().take(57).chain("...".chars()).collect()
    } else {
        what
    }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => decimal::parse(text),
        Value::Integer(n) => Some(Decimal::from(*n)),
        Value::Float(x) => decimal::from_float(*x),
        _ => None,
    }
}

fn date(value: &Value) -> Option<NaiveDate> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Datetime(at) if at.time.is_none() => at.to_string().parse().ok(),
        _ => None,
    }
}

fn texts(value: &Value) -> Result<Value, String> {
    // `--set data.symbols=AAPL,IBM` needs no brackets.
    let items: Vec<String> = match value {
        Value::String(text) => text
            .split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| match item.as_str() {
                Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
                _ => Err(format!("cannot hold {}", shown(item))),
            })
            .collect::<Result<_, _>>()?,
        other => return Err(format!("cannot be {}", shown(other))),
    };
    let mut seen = BTreeSet::new();
    if let Some(twice) = items.iter().find(|item| !seen.insert(item.as_str())) {
        return Err(format!("names \"{twice}\" twice"));
    }
    Ok(Value::Array(items.into_iter().map(Value::String).collect()))
}
