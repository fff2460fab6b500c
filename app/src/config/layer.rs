//! One layer of settings: the built-in defaults, a file, a profile, the environment, or `--set`.

use std::collections::BTreeMap;
use std::fmt;

use ballast_domain::error::{Error, Result};
use toml::de::DeTable;

use super::keys::{Fallback, KEYS};
use super::profile::Profile;

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Built in.
    Default,
    /// In a file.
    File {
        /// The file, as it was named to the program.
        name: String,
        /// The line of the key, from 1.
        line: usize,
    },
    /// In the table of a profile.
    Profile {
        /// Whose table.
        profile: Profile,
        /// The file, as it was named to the program.
        name: String,
        /// The line of the key, from 1.
        line: usize,
    },
    /// In the environment.
    Variable {
        /// The variable.
        name: String,
    },
    /// On the command line.
    Argument {
        /// The argument: `--set`, `--data`, `--strategy`.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name} line {line}"),
            Self::Profile {
                profile,
                name,
                line,
            } => write!(f, "{name} line {line}, profile {profile}"),
            Self::Variable { name } => write!(f, "variable {name}"),
            Self::Argument { name } => f.write_str(name),
        }
    }
}

/// Settings from one place. Later layers win over earlier ones, key by key.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    pub(super) table: toml::Table,
    /// The origin of each leaf, by its dotted path.
    pub(super) origins: BTreeMap<String, Origin>,
}

impl Layer {
    /// The built-in defaults.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: the defaults are TOML; a test reads them"
    )]
    pub fn defaults() -> Self {
        let mut text = String::new();
        for key in KEYS {
            if let Fallback::Value(value) = key.default {
                text += &format!("{}.{} = {value}\n", key.section, key.name);
            }
        }
        let table: toml::Table = text
            .parse()
            .expect("the defaults are TOML; a test reads them");
        let origins = leaves(&table).map(|path| (path, Origin::Default)).collect();
        Self { table, origins }
    }

    /// A config file called `name`.
    ///
    /// # Errors
    /// `Configuration` with line and column when `text` is not TOML.
    pub fn file(name: &str, text: &str) -> Result<Self> {
        let refused = |e: &toml::de::Error| {
            let at = e.span().map_or(0, |span| span.start);
            let (line, column) = position(text, at);
            Error::config(format!(
                "{name} is not TOML: {}",
                e.message().replace('\n', ", ")
            ))
            .context("where", format!("{name} line {line} column {column}"))
            .hint("write `key = value` lines under [section] headers; texts stand in quotes")
        };
        let spans = DeTable::parse(text).map_err(|e| refused(&e))?;
        let table: toml::Table = text.parse().map_err(|e| refused(&e))?;
        let mut origins = BTreeMap::new();
        // Counted once: a file of many keys would be read anew for each.
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let mut found = |path: String, at: usize| {
            let (name, line) = (name.to_owned(), ends.partition_point(|end| *end < at) + 1);
            origins.insert(path, Origin::File { name, line });
        };
        locate(spans.get_ref(), "", &mut found);
        Ok(Self { table, origins })
    }

    /// `key=value` assignments of `--set`, dotted keys, later ones winning.
    ///
    /// A value is TOML; what is not (`momentum`, `AAPL,IBM`) is taken as text.
    ///
    /// # Errors
    /// `Configuration` naming the assignment without `=` or with an impossible key.
    pub fn arguments<'a>(assignments: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut layer = Self::empty();
        layer.assign(assignments)?;
        Ok(layer)
    }

    /// Adds `key=value` assignments of `--set`, as [`Layer::arguments`].
    ///
    /// # Errors
    /// As [`Layer::arguments`].
    pub fn assign<'a>(&mut self, assignments: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for assignment in assignments {
            let Some((key, value)) = assignment.split_once('=') else {
                return Err(Error::config(format!("'{assignment}' sets nothing"))
                    .context("where", "--set")
                    .hint("write --set key=value, such as --set execution.fee_bps=10"));
            };
            self.set("--set", key.trim(), value.trim())?;
        }
        Ok(())
    }

    /// A layer without settings, to be filled by [`Layer::set`].
    pub fn empty() -> Self {
        Self {
            table: toml::Table::new(),
            origins: BTreeMap::new(),
        }
    }

    /// Sets the dotted `key` to `value` (TOML, or text), on behalf of the argument `name`.
    ///
    /// # Errors
    /// `Configuration` when `key` is not a dotted key.
    pub fn set(&mut self, name: &str, key: &str, value: &str) -> Result<()> {
        self.insert(name, key, read_value(value))
    }

    /// Sets the dotted `key` to the text `value`, on behalf of the argument `name`.
    ///
    /// # Errors
    /// `Configuration` when `key` is not a dotted key.
    pub fn set_text(&mut self, name: &str, key: &str, value: &str) -> Result<()> {
        self.insert(name, key, toml::Value::String(value.to_owned()))
    }

    fn insert(&mut self, name: &str, key: &str, value: toml::Value) -> Result<()> {
        let refused = || {
            Error::config(format!("'{key}' is not a key"))
                .context("where", name)
                .hint("write section and key with a dot, such as execution.fee_bps")
        };
        let mut table: toml::Table = format!("{key} = 0").parse().map_err(|_| refused())?;
        if leaves(&table).count() != 1 {
            return Err(refused());
        }
        replace_leaf(&mut table, &value);
        for path in leaves(&table) {
            let name = name.to_owned();
            self.origins.insert(path, Origin::Argument { name });
        }
        merge(&mut self.table, &table);
        Ok(())
    }
}

pub(super) fn read_value(text: &str) -> toml::Value {
    let read: Option<toml::Table> = format!("value = {text}").parse().ok();
    match read {
        Some(mut table) if table.len() == 1 => table.remove("value"),
        _ => None,
    }
    .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

fn replace_leaf(table: &mut toml::Table, value: &toml::Value) {
    for (_, entry) in table.iter_mut() {
        match entry {
            toml::Value::Table(inner) => replace_leaf(inner, value),
            leaf => *leaf = value.clone(),
        }
    }
}

/// Puts `over` on top of `table`, leaf by leaf. A table never replaces a leaf silently: the check
/// that follows sees what is left.
pub(super) fn merge(table: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(more)) => merge(inner, more),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

/// `a.b`, with quotes around what is no bare key.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let key = if bare {
        key.to_owned()
    } else {
        toml::Value::String(key.to_owned()).to_string()
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

/// The dotted paths of all leaves; an empty table is a leaf.
fn leaves(table: &toml::Table) -> impl Iterator<Item = String> + use<> {
    let mut found = Vec::new();
    collect(table, "", &mut found);
    found.into_iter()
}

fn collect(table: &toml::Table, path: &str, found: &mut Vec<String>) {
    for (key, value) in table {
        let path = join(path, key);
        match value {
            toml::Value::Table(inner) if !inner.is_empty() => collect(inner, &path, found),
            _ => found.push(path),
        }
    }
}

/// Calls `found` with the path and byte offset of every key, tables included.
fn locate(table: &DeTable<'_>, path: &str, found: &mut dyn FnMut(String, usize)) {
    for (key, value) in table {
        let path = join(path, key.get_ref());
        found(path.clone(), key.span().start);
        if let Some(inner) = value.get_ref().as_table() {
            locate(inner, &path, found);
        }
    }
}

/// Line and column of a byte offset, both from 1.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_read() {
        let layer = Layer::defaults();
        assert_eq!(layer.table["rebalance"]["threshold"].as_float(), Some(0.05));
        assert_eq!(layer.origins["run.seed"], Origin::Default);
    }

    #[test]
    fn a_file_knows_its_lines() {
        let text = "# mine\n[run]\nname = \"x\"\n\n[instruments.\"BRK.B\"]\nlot = 10\n";
        let layer = Layer::file("my.toml", text).unwrap();
        assert_eq!(layer.origins["run.name"].to_string(), "my.toml line 3");
        let path = "instruments.\"BRK.B\".lot";
        assert_eq!(layer.origins[path].to_string(), "my.toml line 6");
    }

    #[test]
    fn broken_toml_is_refused_with_its_place() {
        let e = Layer::file("my.toml", "[run]\nname = breakout\n").unwrap_err();
        assert_eq!(e.context[0].1, "my.toml line 2 column 8", "{e}");
        assert!(e.to_string().starts_with("my.toml is not TOML"), "{e}");
        let e = Layer::file("my.toml", "[run]\nseed = 1\nseed = 2\n").unwrap_err();
        assert!(e.context[0].1.starts_with("my.toml line 3"), "{e}");
    }

    #[test]
    fn assignments_take_toml_and_bare_words() {
        let layer = Layer::arguments([
            "execution.fee_bps=10",
            "strategy.name = momentum",
            "run.start=2005-01-03",
            "data.symbols=[\"AAPL\"]",
            "instruments.\"BRK.B\".lot=10",
            "run.name=a \"b\" # c",
            "report.benchmarks=",
            "execution.fee_bps=11",
        ])
        .unwrap();
        let table = &layer.table;
        assert_eq!(table["execution"]["fee_bps"].as_integer(), Some(11));
        assert_eq!(table["strategy"]["name"].as_str(), Some("momentum"));
        assert!(table["run"]["start"].is_datetime());
        assert!(table["data"]["symbols"].is_array());
        assert_eq!(table["instruments"]["BRK.B"]["lot"].as_integer(), Some(10));
        assert_eq!(table["run"]["name"].as_str(), Some("a \"b\" # c"));
        assert_eq!(table["report"]["benchmarks"].as_str(), Some(""));
        for bad in ["execution.fee_bps", "=1", "a b=1", "a=1\nb=2\nc=3=x y"] {
            if let Ok(layer) = Layer::arguments([bad]) {
                assert_eq!(layer.origins.len(), 1, "{bad}: {layer:?}");
                assert_eq!(bad.split_once('=').map(|(key, _)| key), Some("a"));
            }
        }
        assert!(Layer::arguments(["execution.fee_bps"]).is_err());
        assert!(Layer::arguments(["a b=1"]).is_err());
    }
}
